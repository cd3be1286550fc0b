//! A chart as inline SVG: bands, lines, dots and marks in one frame. Everything foreign in it is text that maud escapes.

use std::fmt::Write as _;

use maud::{Markup, html};

use super::scale::Scale;
use crate::report::text::{clip, plain};

/// One axis and how its ticks read.
#[derive(Debug, Clone, Copy)]
pub(in crate::report::html) struct Axis {
    pub(in crate::report::html) scale: Scale,
    pub(in crate::report::html) words: fn(f64) -> String,
    pub(in crate::report::html) label: &'static str,
}

/// A chart in the making. Marks are drawn in the order in which they were added.
#[derive(Debug, Clone)]
pub(in crate::report::html) struct Plot {
    title: String,
    /// What a person who does not see the chart should know.
    told: String,
    x: Axis,
    y: Axis,
    bands: Vec<(f64, f64, String)>,
    marks: Vec<Mark>,
    legend: Vec<(String, String)>,
}

#[derive(Debug, Clone)]
struct Mark {
    /// Classes of the style sheet, all ours.
    class: String,
    shape: Shape,
}

#[derive(Debug, Clone)]
enum Shape {
    /// Pieces between which nothing is known.
    Line(Vec<Vec<(f64, f64)>>),
    Dots(Vec<(f64, f64)>),
    Crosses(Vec<(f64, f64)>),
    /// From a point so far to the right.
    Spans(Vec<(f64, f64, f64)>),
    /// A limit across the chart.
    Rule(f64, String),
    Words(Vec<(f64, f64, String)>),
}

const WIDTH: f64 = 480.0;
const HEIGHT: f64 = 236.0;
const LEFT: f64 = 56.0;
const RIGHT: f64 = 14.0;
const TOP: f64 = 18.0;
const BOTTOM: f64 = 40.0;

/// Longest text inside a chart.
const WORDS_MAX: usize = 24;
/// Narrower bands have no room for their name.
const BAND_NAMED: f64 = 26.0;

impl Plot {
    pub(in crate::report::html) fn new(title: impl Into<String>, x: Axis, y: Axis) -> Self {
        Self {
            title: title.into(),
            told: String::new(),
            x,
            y,
            bands: Vec::new(),
            marks: Vec::new(),
            legend: Vec::new(),
        }
    }

    /// One sentence with the chart's numbers.
    #[must_use]
    pub(in crate::report::html) fn told(mut self, text: impl Into<String>) -> Self {
        self.told = text.into();
        self
    }

    /// A stretch of the x axis with a name.
    pub(in crate::report::html) fn band(&mut self, from: f64, to: f64, name: &str) {
        self.bands.push((from, to, name.to_owned()));
    }

    pub(in crate::report::html) fn line(&mut self, class: &str, pieces: Vec<Vec<(f64, f64)>>) {
        self.mark(class, Shape::Line(pieces));
    }

    pub(in crate::report::html) fn dots(&mut self, class: &str, points: Vec<(f64, f64)>) {
        self.mark(class, Shape::Dots(points));
    }

    pub(in crate::report::html) fn crosses(&mut self, class: &str, points: Vec<(f64, f64)>) {
        self.mark(class, Shape::Crosses(points));
    }

    pub(in crate::report::html) fn spans(&mut self, class: &str, spans: Vec<(f64, f64, f64)>) {
        self.mark(class, Shape::Spans(spans));
    }

    pub(in crate::report::html) fn rule(&mut self, y: f64, name: &str) {
        self.mark("rule", Shape::Rule(y, name.to_owned()));
    }

    pub(in crate::report::html) fn words(&mut self, words: Vec<(f64, f64, String)>) {
        self.mark("words", Shape::Words(words));
    }

    /// An entry of the legend, drawn as the marks of this class are.
    pub(in crate::report::html) fn entry(&mut self, class: &str, name: impl Into<String>) {
        self.legend.push((class.to_owned(), name.into()));
    }

    fn mark(&mut self, class: &str, shape: Shape) {
        self.marks.push(Mark { class: class.to_owned(), shape });
    }

    pub(in crate::report::html) fn render(&self) -> Markup {
        html! {
            figure {
                figcaption {
                    b { (plain(&clip(&self.title, 80))) }
                    @if !self.legend.is_empty() {
                        ul.legend {
                            @for (class, name) in &self.legend {
                                li {
                                    svg.key viewBox="0 0 22 10" aria-hidden="true" { (key(class)) }
                                    (plain(&clip(name, WORDS_MAX * 2)))
                                }
                            }
                        }
                    }
                }
                svg.chart viewBox={ "0 0 " (WIDTH) " " (HEIGHT) } role="img" aria-label=(plain(&self.described())) {
                    (self.frame())
                    @for mark in &self.marks { (self.drawn(mark)) }
                }
            }
        }
    }

    fn described(&self) -> String {
        let told = if self.told.is_empty() { String::new() } else { format!(" {}", self.told) };
        format!("{}, {} over {}.{told}", self.title, self.y.label, self.x.label)
    }

    fn frame(&self) -> Markup {
        let (bottom, right) = (HEIGHT - BOTTOM, WIDTH - RIGHT);
        html! {
            @for (at, (from, to, name)) in self.bands.iter().enumerate() {
                @let (from, to) = (self.across(*from), self.across(*to));
                @if at % 2 == 0 {
                    rect.band x=(round(from)) y=(TOP) width=(round((to - from).max(0.0))) height=(bottom - TOP) {}
                }
                @if to - from >= BAND_NAMED {
                    text.name x=(round(f64::midpoint(from, to))) y=(TOP - 5.0) { (plain(&clip(name, WORDS_MAX))) }
                }
            }
            @for tick in self.y.scale.ticks() {
                @let y = round(self.up(tick));
                line.grid x1=(LEFT) x2=(right) y1=(y) y2=(y) {}
                text.tick-y x=(LEFT - 6.0) y=(y + 4.0) { ((self.y.words)(tick)) }
            }
            @for tick in self.x.scale.ticks() {
                @let x = round(self.across(tick));
                line.grid x1=(x) x2=(x) y1=(bottom) y2=(bottom + 4.0) {}
                text.tick-x x=(x) y=(bottom + 17.0) { ((self.x.words)(tick)) }
            }
            line.axis x1=(LEFT) x2=(right) y1=(bottom) y2=(bottom) {}
            text.label-x x=(f64::midpoint(LEFT, right)) y=(HEIGHT - 6.0) { (self.x.label) }
        }
    }

    fn drawn(&self, mark: &Mark) -> Markup {
        let class = &mark.class;
        match &mark.shape {
            Shape::Line(pieces) => html! { path class={ "line " (class) } d=(self.path(pieces)) {} },
            Shape::Dots(points) => {
                // A line of no length with round ends is a dot, and the shortest one to write.
                let d = points.iter().fold(String::new(), |d, (x, y)| push(d, 'M', self.at(*x, *y), "h0"));
                html! { path class={ "dots " (class) } d=(d) {} }
            }
            Shape::Crosses(points) => {
                let d = points.iter().fold(String::new(), |d, (x, y)| {
                    let (x, y) = self.at(*x, *y);
                    push(d, 'M', (x - 3.0, y - 3.0), "l6 6m0-6l-6 6")
                });
                html! { path class={ "cross " (class) } d=(d) {} }
            }
            Shape::Spans(spans) => {
                let d = spans.iter().fold(String::new(), |d, (x, y, length)| {
                    let (from, up) = self.at(*x, *y);
                    let wide = (self.across(x + length) - from).max(0.0);
                    push(d, 'M', (from, up), &format!("h{}", round(wide)))
                });
                html! { path class={ "spans " (class) } d=(d) {} }
            }
            Shape::Rule(y, name) => {
                let y = round(self.up(*y));
                html! {
                    line.rule x1=(LEFT) x2=(WIDTH - RIGHT) y1=(y) y2=(y) {}
                    text.rule-name x=(WIDTH - RIGHT) y=(y - 4.0) { (plain(&clip(name, WORDS_MAX))) }
                }
            }
            Shape::Words(words) => html! {
                @for (x, y, text) in words {
                    @let (x, y) = self.at(*x, *y);
                    text.words x=(round(x)) y=(round(y - 7.0)) { (plain(&clip(text, WORDS_MAX))) }
                }
            },
        }
    }

    fn path(&self, pieces: &[Vec<(f64, f64)>]) -> String {
        let mut d = String::new();
        for piece in pieces {
            let mut last: Option<(f64, f64)> = None;
            for (at, (x, y)) in piece.iter().enumerate() {
                let (x, y) = self.at(*x, *y);
                // Half a unit cannot be seen, and long series would fill the file with it; the ends always stand.
                let near = last.is_some_and(|(a, b)| (x - a).abs() < 0.5 && (y - b).abs() < 0.5);
                if near && at + 1 < piece.len() {
                    continue;
                }
                d = push(d, if last.is_none() { 'M' } else { 'L' }, (x, y), "");
                last = Some((x, y));
            }
            if piece.len() == 1 {
                d.push_str("h0");
            }
        }
        d
    }

    fn at(&self, x: f64, y: f64) -> (f64, f64) {
        (self.across(x), self.up(y))
    }

    fn across(&self, x: f64) -> f64 {
        LEFT + self.x.scale.place(x) * (WIDTH - LEFT - RIGHT)
    }

    fn up(&self, y: f64) -> f64 {
        HEIGHT - BOTTOM - self.y.scale.place(y) * (HEIGHT - BOTTOM - TOP)
    }
}

/// How a class looks, small: a line for lines, a dot, a cross.
fn key(class: &str) -> Markup {
    let kind = class.split(' ').next().unwrap_or_default();
    let d = match kind {
        "dots" => "M11 5h0",
        "cross" => "M8 2l6 6m0-6l-6 6",
        _ => "M1 5h20",
    };
    html! { path class=(class) d=(d) {} }
}

fn push(mut d: String, command: char, (x, y): (f64, f64), after: &str) -> String {
    // Writing to a String cannot fail.
    let _infallible = write!(d, "{command}{} {}{after}", round(x), round(y));
    d
}

/// A tenth of a unit is finer than any screen shows.
fn round(value: f64) -> f64 {
    let tenth = (value * 10.0).round() / 10.0;
    // No minus zero, whose sign would only be noise.
    tenth + 0.0
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::html::chart::scale::short;

    fn plot() -> Plot {
        let axis = |label| Axis { scale: Scale::from_zero([10.0]), words: short, label };
        Plot::new("<b>Rate</b> \u{202e}& \"more\"", axis("time"), axis("requests"))
    }

    #[test]
    fn marks_stand_where_their_values_say() {
        let mut plot = plot();
        plot.line("a", vec![vec![(0.0, 0.0), (5.0, 5.0), (10.0, 10.0)], vec![(2.0, 3.0)]]);
        plot.dots("b", vec![(10.0, 0.0)]);
        plot.spans("c", vec![(0.0, 10.0, 5.0)]);
        plot.crosses("d", vec![(f64::NAN, f64::INFINITY)]);
        let text = plot.render().into_string();
        for part in [
            "d=\"M56 196L261 107L466 18M138 142.6h0\"",
            "d=\"M466 196h0\"",
            "d=\"M56 18h205\"",
            "d=\"M53 15l6 6m0-6l-6 6\"",
        ] {
            assert!(text.contains(part), "{part} is not in {text}");
        }
    }

    #[test]
    fn foreign_text_stays_text() {
        let mut plot = plot().told("</svg><script>alert(1)</script>");
        plot.band(0.0, 10.0, "<img src=x onerror=y>");
        plot.rule(5.0, "]]><script>");
        plot.words(vec![(1.0, 1.0, "<text>".repeat(1_000))]);
        plot.entry("line a", "\"onload=\"x");
        let text = plot.render().into_string();
        assert!(!text.contains("<script") && !text.contains("<img") && !text.contains("<b>Rate"), "{text}");
        assert!(!text.contains('\u{202e}'));
        assert!(text.len() < 6_000, "{}", text.len());
    }

    #[test]
    fn points_that_cannot_be_told_apart_are_left_out() {
        let mut plot = plot();
        plot.line("a", vec![(0..10_000).map(|n| (f64::from(n) / 1e3, 5.0)).collect()]);
        let length = plot.render().into_string().len();
        assert!(length < 16_000, "{length}");
    }
}
