//! The run over time: rates, requests in flight, first tokens, single requests, and where the stalls were.

use maud::{Markup, html};

use super::chart::{Axis, Plot, Scale, milliseconds, seconds, short};
use super::curves::{limits, near};
use crate::document::v1::{LevelDocument, PointDocument, RunDocument, SeriesDocument};
use crate::record::Metric;
use crate::report::number::{plural, significant};

/// One level of one round on the run's time.
struct Stretch<'a> {
    name: String,
    level: &'a LevelDocument,
}

impl Stretch<'_> {
    fn from(&self) -> f64 {
        self.level.window.start_s
    }

    fn to(&self) -> f64 {
        self.level.window.end_s
    }

    /// The middle of each slice with a value of it; nothing is drawn where there is none.
    fn line(&self, value: impl Fn(&SeriesDocument, usize, f64) -> Option<f64>) -> Vec<Vec<(f64, f64)>> {
        let Some(series) = self.level.series.as_ref().filter(|series| series.width_s > 0.0) else {
            return Vec::new();
        };
        let mut pieces: Vec<Vec<(f64, f64)>> = vec![Vec::new()];
        for at in 0..series.sent.len() {
            let from = self.from() + at as f64 * series.width_s;
            // The window's end may cut the last slice, whose rates are then of a shorter time.
            let width = series.width_s.min(self.to() - from).max(series.width_s * 1e-3);
            match value(series, at, width) {
                Some(value) => {
                    if let Some(piece) = pieces.last_mut() {
                        piece.push((from + width / 2.0, value));
                    }
                }
                None if pieces.last().is_some_and(|piece| !piece.is_empty()) => pieces.push(Vec::new()),
                None => {}
            }
        }
        pieces
    }

    fn points(&self) -> impl Iterator<Item = (f64, &PointDocument)> {
        self.level.points.iter().map(|point| (self.from() + point.at_s, point))
    }
}

pub(super) fn section(run: &RunDocument) -> Markup {
    let many = run.rounds.len() > 1;
    let stretches: Vec<Stretch<'_>> = run
        .rounds
        .iter()
        .flat_map(|round| round.levels.iter().map(move |level| (round.round, level)))
        .filter(|(_, level)| level.series.is_some() || !level.points.is_empty())
        .map(|(round, level)| {
            let name = if many { format!("{} · {round}", level.label) } else { level.label.clone() };
            Stretch { name, level }
        })
        .collect();
    if stretches.is_empty() {
        return html! {};
    }
    let course: Vec<Markup> =
        [requests(&stretches), in_flight(&stretches), tokens(&stretches), first_tokens(run, &stretches)]
            .into_iter()
            .flatten()
            .collect();
    let single: Vec<Markup> = [
        scatter(run, &stretches, Metric::Ttft, |point| point.ttft_ms),
        scatter(run, &stretches, Metric::E2e, |point| point.e2e_ms),
        stalls(&stretches),
    ]
    .into_iter()
    .flatten()
    .collect();
    let shown: usize = stretches.iter().map(|stretch| stretch.level.points.len()).sum();
    html! {
        section aria-labelledby="course" {
            h2 #course { "The run over time" }
            p.sub { "Shaded stretches are the measured windows" @if many { ", each with its round" } "; warm-up is left out." }
            div.charts { @for chart in &course { (chart) } }
        }
        @if !single.is_empty() {
            section aria-labelledby="single" {
                h2 #single { "Single requests" }
                p.sub { (plural(shown as u64, "request")) " chosen by chance, at the time they were sent; failures are crossed." }
                div.charts { @for chart in &single { (chart) } }
            }
        }
    }
}

fn plot(
    title: &str,
    stretches: &[Stretch<'_>],
    y: Scale,
    words: fn(f64) -> String,
    label: &'static str,
) -> Plot {
    let from = stretches.iter().map(Stretch::from).fold(f64::MAX, f64::min);
    let to = stretches.iter().map(Stretch::to).fold(0.0, f64::max);
    let x = Axis { scale: Scale::between(from, to), words: seconds, label: "time since the start" };
    let mut plot = Plot::new(title, x, Axis { scale: y, words, label });
    for stretch in stretches {
        plot.band(stretch.from(), stretch.to(), &stretch.name);
    }
    plot
}

type Pieces = Vec<Vec<(f64, f64)>>;

fn lines(stretches: &[Stretch<'_>], value: impl Fn(&SeriesDocument, usize, f64) -> Option<f64>) -> Pieces {
    stretches.iter().flat_map(|stretch| stretch.line(&value)).filter(|piece| !piece.is_empty()).collect()
}

fn heights(pieces: &Pieces) -> impl Iterator<Item = f64> {
    pieces.iter().flatten().map(|(_, y)| *y)
}

/// The mean and the highest of what a line shows, for those who do not see it.
fn told(pieces: &Pieces, unit: &str) -> String {
    let (mut sum, mut n, mut most) = (0.0, 0.0, 0.0_f64);
    for height in heights(pieces) {
        (sum, n, most) = (sum + height, n + 1.0, most.max(height));
    }
    if n == 0.0 {
        String::new()
    } else {
        format!("Mean {}, highest {} {unit}.", significant(sum / n), significant(most))
    }
}

fn per_second(
    column: fn(&SeriesDocument) -> &Vec<u64>,
) -> impl Fn(&SeriesDocument, usize, f64) -> Option<f64> {
    move |series, at, width| column(series).get(at).map(|count| *count as f64 / width)
}

fn requests(stretches: &[Stretch<'_>]) -> Option<Markup> {
    let sent = lines(stretches, per_second(|series| &series.sent));
    let ended = lines(stretches, per_second(|series| &series.succeeded));
    let failed = lines(stretches, per_second(|series| &series.failed));
    if sent.is_empty() {
        return None;
    }
    let all = heights(&sent).chain(heights(&ended)).chain(heights(&failed));
    let mut plot =
        plot("Requests per second", stretches, Scale::from_zero(all), short, "requests per second")
            .told(told(&ended, "requests per second that ended well"));
    plot.line("line faint", sent);
    plot.entry("line faint", "sent");
    plot.line("line solid", ended);
    plot.entry("line solid", "ended well");
    if heights(&failed).any(|height| height > 0.0) {
        plot.line("line bad", failed);
        plot.entry("line bad", "failed");
    }
    Some(plot.render())
}

fn in_flight(stretches: &[Stretch<'_>]) -> Option<Markup> {
    let line = lines(stretches, |series, at, _| series.in_flight.get(at).copied());
    if line.is_empty() {
        return None;
    }
    let mut plot =
        plot("Requests in flight", stretches, Scale::from_zero(heights(&line)), short, "requests at once")
            .told(told(&line, "requests at once"));
    plot.line("line solid", line);
    Some(plot.render())
}

fn tokens(stretches: &[Stretch<'_>]) -> Option<Markup> {
    let line = lines(stretches, per_second(|series| &series.output_tokens));
    if heights(&line).all(|height| height <= 0.0) {
        return None;
    }
    let mut plot = plot(
        "Output tokens per second",
        stretches,
        Scale::from_zero(heights(&line)),
        short,
        "tokens per second",
    )
    .told(told(&line, "tokens per second"));
    plot.line("line solid", line);
    Some(plot.render())
}

fn first_tokens(run: &RunDocument, stretches: &[Stretch<'_>]) -> Option<Markup> {
    let median = lines(stretches, |series, at, _| series.ttft_p50_ms.get(at).copied().flatten());
    let tail = lines(stretches, |series, at, _| series.ttft_p95_ms.get(at).copied().flatten());
    let most = heights(&median).chain(heights(&tail)).reduce(f64::max)?;
    let limits = near(limits(run, Metric::Ttft), most);
    let all = heights(&median).chain(heights(&tail)).chain(limits.iter().map(|(limit, _)| *limit));
    let mut plot = plot(
        "TTFT of the requests sent then",
        stretches,
        Scale::spread(all),
        milliseconds,
        "time to first token",
    )
    .told(told(&tail, "ms (p95)"));
    for (limit, name) in &limits {
        plot.rule(*limit, name);
    }
    plot.line("line dashed", tail);
    plot.line("line solid", median);
    plot.entry("line solid", "p50");
    plot.entry("line dashed", "p95");
    Some(plot.render())
}

fn scatter(
    run: &RunDocument,
    stretches: &[Stretch<'_>],
    metric: Metric,
    value: fn(&PointDocument) -> Option<f64>,
) -> Option<Markup> {
    let all = || stretches.iter().flat_map(Stretch::points);
    let good: Vec<(f64, f64)> = all()
        .filter(|(_, point)| point.outcome == "success")
        .filter_map(|(at, point)| Some((at, value(point)?)))
        .collect();
    let most = good.iter().map(|(_, y)| *y).reduce(f64::max)?;
    let limits = near(limits(run, metric), most);
    // What failed before it had such a value stands at the foot: that it failed is known, and when.
    let bad: Vec<(f64, f64)> = all()
        .filter(|(_, point)| point.outcome != "success")
        .map(|(at, point)| (at, value(point).unwrap_or(0.0)))
        .collect();
    let heights = good.iter().chain(&bad).map(|(_, y)| *y).chain(limits.iter().map(|(limit, _)| *limit));
    let title = format!("{} of each request", metric.title());
    let mut plot = plot(&title, stretches, Scale::spread(heights), milliseconds, "latency").told(format!(
        "{} and {}.",
        plural(good.len() as u64, "success dot"),
        plural(bad.len() as u64, "failure")
    ));
    for (limit, name) in &limits {
        plot.rule(*limit, name);
    }
    plot.dots("dots", good);
    if !bad.is_empty() {
        plot.entry("dots", "ended well");
        plot.entry("cross bad", "failed");
        plot.crosses("bad", bad);
    }
    Some(plot.render())
}

fn stalls(stretches: &[Stretch<'_>]) -> Option<Markup> {
    let spans: Vec<(f64, f64, f64)> = stretches
        .iter()
        .flat_map(|stretch| {
            stretch.level.points.iter().filter_map(|point| {
                let (began, length) = (point.stall_at_s?, point.max_stall_ms?);
                Some((stretch.from() + began, length, length / 1e3))
            })
        })
        .collect();
    let longest = spans.iter().copied().reduce(|a, b| if a.1 >= b.1 { a } else { b })?;
    let scale = Scale::spread(spans.iter().map(|(_, length, _)| *length));
    let mut plot =
        plot("Longest stall of each request", stretches, scale, milliseconds, "gap between two tokens").told(
            format!(
                "The longest, {}, began {} after the start.",
                milliseconds(longest.1.round()),
                seconds(longest.0.round())
            ),
        );
    plot.spans("solid", spans);
    plot.entry("spans solid", "from its beginning to its end");
    Some(plot.render())
}
