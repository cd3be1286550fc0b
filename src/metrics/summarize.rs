//! From rows to a summary: METRICS, put together.

use std::collections::BTreeMap;

use super::flow::{course, in_flight, is_cut, steady, throughput, tokens_per_chunk};
use super::goodput::goodput;
use super::grid::Grid;
use super::latency::{PER_REQUEST, chunk_tokens_known, gaps, value};
use super::points::Points;
use super::{Distribution, Goodput, Point, Series, Summary, TokenTotals, Window};
use crate::base::Nanos;
use crate::record::{FailureClass, Metric, Outcome, Phase, Row, Slo, TokenSource};

/// Every number of one level of one round. Warm-up rows are left out of all of them, failed rows out of the latencies.
pub fn summarize(rows: &[Row], window: Window, slos: &[Slo], open_loop: bool) -> Summary {
    let rows: Vec<&Row> = rows.iter().filter(|row| row.phase == Phase::Measure).collect();
    let successes: Vec<&Row> = rows.iter().copied().filter(|row| row.outcome.is_success()).collect();
    let offered = rows.iter().filter(|row| !is_cut(row)).count() as u64;
    let goodput = goodput(&successes, offered, slos, open_loop, window);
    let (concurrency, steady_window) = in_flight(&rows, window);
    let tokens = totals(&successes);
    Summary {
        window,
        offered,
        succeeded: successes.len() as u64,
        failures: failures(&rows),
        distributions: distributions(&rows, &successes, tokens.itl_is_icl, open_loop),
        values: values(&rows, successes.len() as u64, offered, window, goodput.as_ref()),
        steady: steady_window.and_then(|window| steady(&rows, window)),
        concurrency,
        goodput,
        tokens,
        reconnects: rows.iter().map(|row| u64::from(row.reconnects)).sum(),
        series: (window.end > window.start).then(|| series(&rows, window)),
        points: points(&rows, window.start),
    }
}

fn series(rows: &[&Row], window: Window) -> Series {
    let mut grid = Grid::new(window.start, Some(window.end));
    for row in rows {
        course(&mut grid, row, window);
    }
    grid.series(window.end, tokens_per_chunk(rows))
}

fn points(rows: &[&Row], start: Nanos) -> Vec<Point> {
    let mut points = Points::default();
    for row in rows {
        points.add(row, start);
    }
    points.finish()
}

fn failures(rows: &[&Row]) -> BTreeMap<FailureClass, u64> {
    let mut failures = BTreeMap::new();
    for row in rows {
        if let Outcome::Failed(failure) = &row.outcome {
            *failures.entry(failure.class).or_insert(0) += 1;
        }
    }
    failures
}

fn distributions(
    rows: &[&Row],
    successes: &[&Row],
    itl_is_icl: bool,
    open_loop: bool,
) -> BTreeMap<Metric, Distribution> {
    let of_each =
        |rows: &[&Row], metric| Distribution::new(rows.iter().filter_map(|row| value(row, metric)).collect());
    let from_due = |metric| matches!(metric, Metric::TtftFromDue | Metric::E2eFromDue);
    let mut found: BTreeMap<Metric, Distribution> = PER_REQUEST
        .into_iter()
        .filter(|metric| open_loop || !from_due(*metric))
        .filter_map(|metric| Some((metric, of_each(successes, metric)?)))
        .collect();
    // How late the client was, it was for failed requests too.
    let send_lag = of_each(rows, Metric::SendLag).filter(|_| open_loop);
    let icl = Distribution::new(pooled(successes).map(|(gap, _)| gap).collect());
    let itl = if itl_is_icl {
        icl.clone()
    } else {
        Distribution::weighted(
            pooled(successes).map(|(gap, tokens)| (gap / f64::from(tokens), tokens)).collect(),
        )
    };
    found.extend(
        [
            (Metric::SendLag, send_lag),
            (Metric::Icl, icl),
            (Metric::Itl, itl),
            (Metric::TokensPerUser, of_each(successes, Metric::TokensPerUser)),
        ]
        .into_iter()
        .filter_map(|(metric, samples)| Some((metric, samples?))),
    );
    found
}

fn pooled(successes: &[&Row]) -> impl Iterator<Item = (f64, u32)> {
    successes.iter().flat_map(|row| gaps(row))
}

fn values(
    rows: &[&Row],
    succeeded: u64,
    offered: u64,
    window: Window,
    goodput: Option<&Goodput>,
) -> BTreeMap<Metric, f64> {
    let mut values = BTreeMap::new();
    if let Some(achieved) = throughput(rows, window) {
        values.insert(Metric::RequestThroughput, achieved.requests);
        values.insert(Metric::OutputThroughput, achieved.output);
        values.insert(Metric::TotalThroughput, achieved.total);
    }
    if offered > 0 {
        let share = |count: u64| count as f64 / offered as f64;
        values.insert(Metric::SuccessRate, share(succeeded));
        values.insert(Metric::ErrorRate, share(offered - succeeded));
    }
    if let Some(goodput) = goodput {
        values.insert(Metric::Goodput, goodput.good as f64 / goodput.offered as f64);
        values.insert(Metric::GoodputRate, goodput.rate);
    }
    values
}

fn totals(successes: &[&Row]) -> TokenTotals {
    let sum = |count: &dyn Fn(&Row) -> Option<u32>| -> u64 {
        successes.iter().filter_map(|row| count(row)).map(u64::from).sum()
    };
    TokenTotals {
        prompt_asked: sum(&|row| row.prompt_tokens_asked.or(row.usage.prompt)),
        prompt: sum(&|row| row.usage.prompt.or(row.prompt_tokens_asked)),
        cached: sum(&|row| row.usage.cached),
        output_asked: sum(&|row| Some(row.output_tokens_asked.unwrap_or(row.output_tokens().0))),
        output: sum(&|row| Some(row.output_tokens().0)),
        chunks: successes.iter().map(|row| row.chunks.len() as u64).sum(),
        source: successes.iter().map(|row| row.output_tokens().1).max().unwrap_or(TokenSource::Chunks),
        itl_is_icl: !successes
            .iter()
            .filter(|row| gaps(row).next().is_some())
            .all(|row| chunk_tokens_known(row)),
    }
}
