//! The latencies of a level, request by request, as distributions.

use std::collections::BTreeMap;

use super::Distribution;
use super::latency::{PER_REQUEST, chunk_tokens_known, gaps, value};
use super::samples::Samples;
use crate::record::{Metric, Row};

/// Samples of every metric that is a distribution.
#[derive(Debug, Clone)]
pub(super) struct Latencies {
    open_loop: bool,
    keep: usize,
    of_each: BTreeMap<Metric, Samples>,
    icl: Samples,
    itl: Itl,
}

/// Gaps per token, as far as they differ from the gaps between chunks.
#[derive(Debug, Clone)]
enum Itl {
    /// Every chunk held one token: the same samples.
    Same,
    Apart(Samples),
    /// Some request did not tell: `itl` falls back to `icl`.
    Unknown,
}

impl Latencies {
    pub(super) fn new(open_loop: bool, keep: usize) -> Self {
        let of_each = BTreeMap::new();
        Self { open_loop, keep, of_each, icl: Samples::keeping(keep), itl: Itl::Same }
    }

    /// How late the client was, it was for failed requests too.
    pub(super) fn add_lag(&mut self, row: &Row) {
        if self.open_loop {
            self.sample(row, Metric::SendLag);
        }
    }

    /// A success.
    pub(super) fn add(&mut self, row: &Row) {
        let from_due = |metric| matches!(metric, Metric::TtftFromDue | Metric::E2eFromDue);
        for metric in PER_REQUEST {
            if self.open_loop || !from_due(metric) {
                self.sample(row, metric);
            }
        }
        self.sample(row, Metric::TokensPerUser);
        self.add_gaps(row);
    }

    fn sample(&mut self, row: &Row, metric: Metric) {
        if let Some(value) = value(row, metric) {
            self.of_each.entry(metric).or_insert_with(|| Samples::keeping(self.keep)).add(value);
        }
    }

    fn add_gaps(&mut self, row: &Row) {
        if gaps(row).next().is_none() {
            return;
        }
        if !chunk_tokens_known(row) {
            self.itl = Itl::Unknown;
        } else if matches!(self.itl, Itl::Same) && gaps(row).any(|(_, tokens)| tokens != 1) {
            self.itl = Itl::Apart(self.icl.clone());
        }
        for (gap, tokens) in gaps(row) {
            self.icl.add(gap);
            if let Itl::Apart(itl) = &mut self.itl {
                itl.add_weighted(gap / f64::from(tokens), tokens);
            }
        }
    }

    pub(super) fn itl_is_icl(&self) -> bool {
        matches!(self.itl, Itl::Unknown)
    }

    /// The distribution of one metric so far.
    pub(super) fn so_far(&self, metric: Metric) -> Option<Distribution> {
        let samples = match (metric, &self.itl) {
            (Metric::Itl, Itl::Apart(samples)) => Some(samples),
            (Metric::Icl | Metric::Itl, _) => Some(&self.icl),
            (metric, _) => self.of_each.get(&metric),
        };
        samples.cloned().and_then(Samples::finish)
    }

    pub(super) fn finish(self) -> BTreeMap<Metric, Distribution> {
        let Self { of_each, icl, itl, .. } = self;
        let icl = icl.finish();
        let itl = match itl {
            Itl::Same | Itl::Unknown => icl.clone(),
            Itl::Apart(samples) => samples.finish(),
        };
        let each = of_each.into_iter().map(|(metric, samples)| (metric, samples.finish()));
        each.chain([(Metric::Icl, icl), (Metric::Itl, itl)])
            .filter_map(|(metric, samples)| Some((metric, samples?)))
            .collect()
    }

    /// How many samples are held as they are.
    #[cfg(test)]
    pub(super) fn kept(&self) -> usize {
        let itl = if let Itl::Apart(samples) = &self.itl { samples.kept() } else { 0 };
        self.of_each.values().map(Samples::kept).sum::<usize>() + self.icl.kept() + itl
    }
}
