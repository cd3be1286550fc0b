//! The course of a window in bounded memory: cells of equal width that pair up when the window outgrows them.

use super::bins::Bins;
use super::{Series, Slice, Window};
use crate::base::Nanos;

/// Cells of one slice: throughput in a part of the window, and what was in flight, are told finer than a chart shows.
const FINE: usize = 16;
const CELLS_MAX: usize = Series::SLICES_MAX * FINE;
/// Narrower slices hold too few requests to show anything.
const SLICE_LEAST: Nanos = Nanos(100_000_000);

/// Sums by time from `start` on. Where the end is known, everything after it is left out; the end itself is inside.
/// A cell takes what happens from its start until just before the next one's.
#[derive(Debug, Clone)]
pub(super) struct Grid {
    start: Nanos,
    end: Option<Nanos>,
    width: u64,
    cells: Vec<Cell>,
    slices: Vec<Extremes>,
    /// The latest instant that was counted.
    last: Nanos,
}

/// What adds up.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(super) struct Cell {
    pub(super) sent: u64,
    pub(super) succeeded: u64,
    pub(super) failed: u64,
    pub(super) output: f64,
    /// Chunks of requests that were cut before their tokens were known.
    pub(super) chunks: f64,
    pub(super) prompt: f64,
    /// Requests that began, less those that ended.
    net: i64,
    /// Nanoseconds in flight in this cell of those that began in it, less those that the ended ones lack.
    part: i64,
}

/// What does not add up, by slice.
#[derive(Debug, Clone, Default)]
struct Extremes {
    ttft: Bins,
    stall: Option<f64>,
}

impl Grid {
    pub(super) fn new(start: Nanos, end: Option<Nanos>) -> Self {
        // A known span is divided so that its end is an edge; an unknown one starts with the narrowest slices.
        let slice = end.map_or(SLICE_LEAST.0, |end| {
            let span = (end - start).0;
            let slices = span.div_ceil(SLICE_LEAST.0).clamp(1, Series::SLICES_MAX as u64);
            span.div_ceil(slices)
        });
        let width = slice.div_ceil(FINE as u64).max(1);
        Self { start, end, width, cells: Vec::new(), slices: Vec::new(), last: start }
    }

    /// Counts into the cell of an instant. Does nothing outside the window.
    pub(super) fn count(&mut self, at: Nanos, into: impl FnOnce(&mut Cell)) {
        if let Some(index) = self.index(at) {
            into(&mut self.cells[index]);
        }
    }

    /// The TTFT, in milliseconds, of a request that was sent at this instant.
    pub(super) fn ttft(&mut self, sent: Nanos, ms: f64) {
        if let Some(index) = self.index(sent) {
            self.slices[index / FINE].ttft.add(ms);
        }
    }

    /// A gap between two chunks, in milliseconds, that ended at this instant.
    pub(super) fn gap(&mut self, ended: Nanos, ms: f64) {
        if let Some(index) = self.index(ended) {
            let stall = &mut self.slices[index / FINE].stall;
            *stall = Some(stall.map_or(ms, |most| most.max(ms)));
        }
    }

    /// A request in flight over a span that lies in the window.
    pub(super) fn busy(&mut self, span: Window) {
        for (at, sign) in [(span.start, 1), (span.end, -1)] {
            if let Some(index) = self.index(at) {
                let rest = (index as u64 + 1) * self.width - (at - self.start).0;
                self.cells[index].net += sign;
                self.cells[index].part += sign * rest.cast_signed();
            }
        }
    }

    /// What was counted in a part of the window; of a cell that lies partly in it, that share of its time. Successes that
    /// ended, and output tokens, chunks and prompt tokens that arrived.
    pub(super) fn within(&self, part: Window) -> (u64, [f64; 3]) {
        let (mut ended, mut arrived) = (0.0, [0.0; 3]);
        for (index, cell) in self.cells.iter().enumerate() {
            // Nothing was counted after `last`, so a part that reaches it takes the last cell whole.
            let (from, to) = (self.edge(index), self.edge(index + 1).min(self.last));
            let inside = to.min(part.end) - from.max(part.start);
            let share = match to - from {
                Nanos::ZERO if part.start <= from && from <= part.end => 1.0,
                Nanos::ZERO => 0.0,
                whole => inside.0 as f64 / whole.0 as f64,
            };
            ended += cell.succeeded as f64 * share;
            for (sum, count) in arrived.iter_mut().zip([cell.output, cell.chunks, cell.prompt]) {
                *sum += count * share;
            }
        }
        (ended.round() as u64, arrived)
    }

    /// The mean number in flight from each cell's start on, up to `end`, where it is 0 again.
    pub(super) fn in_flight(&self, end: Nanos) -> Vec<(Nanos, f64)> {
        let mut running = 0;
        let mut steps: Vec<(Nanos, f64)> = self
            .cells
            .iter()
            .enumerate()
            .map(|(index, cell)| {
                let from = self.edge(index);
                let time = self.time(cell, running, index, end);
                running += cell.net;
                (from, time / (self.edge(index + 1).min(end) - from).0.max(1) as f64)
            })
            .collect();
        steps.push((end, 0.0));
        steps
    }

    /// The most in flight at any edge of a cell: what is in flight for less than a cell's width may be missed.
    pub(super) fn peak(&self) -> u64 {
        let running = self.cells.iter().scan(0, |running, cell| {
            *running += cell.net;
            Some(*running)
        });
        running.max().unwrap_or(0).max(0) as u64
    }

    /// The window up to `end` in slices. `per_chunk` are the tokens of a chunk that nobody counted.
    pub(super) fn series(&self, end: Nanos, per_chunk: f64) -> Series {
        let width = Nanos(self.width * FINE as u64);
        let count = ((end - self.start).0.div_ceil(width.0) as usize).clamp(1, Series::SLICES_MAX);
        let mut slices = vec![Slice::default(); count];
        let mut running = 0;
        for (index, cell) in self.cells.iter().enumerate() {
            // What happened at the end itself belongs to the last slice.
            let slice = &mut slices[(index / FINE).min(count - 1)];
            slice.sent += cell.sent;
            slice.succeeded += cell.succeeded;
            slice.failed += cell.failed;
            slice.output_tokens += cell.output + cell.chunks * per_chunk;
            slice.in_flight += self.time(cell, running, index, end);
            running += cell.net;
        }
        for (index, slice) in slices.iter_mut().enumerate() {
            let from = self.edge(index * FINE);
            slice.in_flight /= (end.min(from + width) - from).0.max(1) as f64;
            let Some(extremes) = self.slices.get(index) else { continue };
            slice.ttft_p50 = extremes.ttft.quantile(0.50);
            slice.ttft_p95 = extremes.ttft.quantile(0.95);
            slice.max_stall = extremes.stall;
        }
        Series { width, slices }
    }

    /// Nanoseconds in flight in a cell, up to `end`, when `running` were in flight at its start.
    fn time(&self, cell: &Cell, running: i64, index: usize, end: Nanos) -> f64 {
        let beyond = self.edge(index + 1) - end;
        let after = (running + cell.net) as f64 * beyond.0 as f64;
        running as f64 * self.width as f64 + cell.part as f64 - after
    }

    fn edge(&self, index: usize) -> Nanos {
        self.start + Nanos(index as u64 * self.width)
    }

    /// The cell of an instant, made to exist; none outside the window.
    fn index(&mut self, at: Nanos) -> Option<usize> {
        if at < self.start || self.end.is_some_and(|end| at > end) {
            return None;
        }
        // The end itself falls into the last cell, and not beside it.
        let closed = self.end.map_or(at, |end| at.min(end - Nanos(1)));
        let offset = (closed - self.start).0;
        while offset / self.width >= CELLS_MAX as u64 {
            self.pair_up();
        }
        let index = (offset / self.width) as usize;
        if index >= self.cells.len() {
            self.cells.resize(index + 1, Cell::default());
            self.slices.resize_with(index / FINE + 1, Extremes::default);
        }
        self.last = self.last.max(at);
        Some(index)
    }

    fn pair_up(&mut self) {
        let width = self.width.cast_signed();
        self.cells = self
            .cells
            .chunks(2)
            .map(|pair| {
                let (one, two) = (pair[0], pair.get(1).copied().unwrap_or_default());
                Cell {
                    sent: one.sent + two.sent,
                    succeeded: one.succeeded + two.succeeded,
                    failed: one.failed + two.failed,
                    output: one.output + two.output,
                    chunks: one.chunks + two.chunks,
                    prompt: one.prompt + two.prompt,
                    net: one.net + two.net,
                    part: one.part + two.part + one.net * width,
                }
            })
            .collect();
        self.width *= 2;
        let mut parts = std::mem::take(&mut self.slices).into_iter();
        while let Some(mut one) = parts.next() {
            if let Some(two) = parts.next() {
                one.ttft.merge(two.ttft);
                one.stall = one.stall.into_iter().chain(two.stall).reduce(f64::max);
            }
            self.slices.push(one);
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Requests within 100 s as start, length and tokens at the end, in whole milliseconds.
    fn requests() -> impl Strategy<Value = Vec<(u64, u64, u32)>> {
        proptest::collection::vec((0_u64..100_000, 1_u64..30_000, 0_u32..50), 1..40)
    }

    fn ms(ms: u64) -> Nanos {
        Nanos(ms * 1_000_000)
    }

    fn filled(requests: &[(u64, u64, u32)], end: Option<Nanos>) -> Grid {
        let mut grid = Grid::new(ms(7), end);
        for (start, length, tokens) in requests {
            let span = Window { start: ms(7 + start), end: ms(7 + start + length) };
            grid.busy(Window { end: span.end.min(end.unwrap_or(span.end)), ..span });
            grid.count(span.start, |cell| cell.sent += 1);
            grid.count(span.end, |cell| cell.output += f64::from(*tokens));
        }
        grid
    }

    proptest! {
        #[test]
        fn however_often_cells_pair_up_sums_and_time_in_flight_are_exact(requests in requests()) {
            let last = 7 + requests.iter().map(|(start, length, _)| start + length).max().unwrap();
            let grid = filled(&requests, None);
            prop_assert!(grid.cells.len() <= CELLS_MAX && grid.slices.len() <= Series::SLICES_MAX);
            let series = grid.series(ms(last), 1.0);
            let width = series.width.0;
            for (index, slice) in series.slices.iter().enumerate() {
                let (from, to) = (ms(7).0 + width * index as u64, (ms(7).0 + width * (index as u64 + 1)).min(ms(last).0));
                let busy: u64 = requests
                    .iter()
                    .map(|(start, length, _)| {
                        (ms(7 + start + length).0.min(to)).saturating_sub(ms(7 + start).0.max(from))
                    })
                    .sum();
                prop_assert!((slice.in_flight - busy as f64 / (to - from) as f64).abs() < 1e-9);
                let sent = requests.iter().filter(|(start, ..)| (from..to).contains(&ms(7 + start).0)).count();
                prop_assert_eq!(slice.sent, sent as u64);
            }
            let all: f64 = requests.iter().map(|(.., tokens)| f64::from(*tokens)).sum();
            let whole = grid.within(Window { start: ms(7), end: ms(last) }).1[0];
            prop_assert!((whole - all).abs() < 1e-9);
            let halves = [(7, 7 + last / 2), (7 + last / 2, last)];
            let parts = halves.map(|(from, to)| grid.within(Window { start: ms(from), end: ms(to) }).1[0]);
            prop_assert!((parts[0] + parts[1] - all).abs() < 1e-6);
        }

        #[test]
        fn a_known_end_is_an_edge(requests in requests(), end in 1_u64..120_000) {
            let end = ms(7 + end);
            let grid = filled(&requests, Some(end));
            let inside = |at: u64| ms(7 + at) <= end;
            let tokens: f64 =
                requests.iter().filter(|(start, length, _)| inside(start + length)).map(|(.., tokens)| f64::from(*tokens)).sum();
            let window = Window { start: ms(7), end };
            prop_assert!((grid.within(window).1[0] - tokens).abs() < 1e-9);
            let busy: u64 = requests
                .iter()
                .map(|(start, length, _)| ms(7 + start + length).min(end).0.saturating_sub(ms(7 + start).0))
                .sum();
            let series = grid.series(end, 1.0);
            let width = series.width.0;
            let got: f64 = series
                .slices
                .iter()
                .enumerate()
                .map(|(index, slice)| {
                    slice.in_flight * (width.min(end.0 - ms(7).0 - width * index as u64)) as f64
                })
                .sum();
            prop_assert!((got - busy as f64).abs() < 1.0, "{} {}", got, busy);
            prop_assert!(series.slices.len() <= Series::SLICES_MAX);
        }
    }
}
