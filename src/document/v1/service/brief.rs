//! A result in a few numbers, for lists.

use std::collections::BTreeMap;

use super::{BriefDocument, BriefLevel};
use crate::document::v1::number::six;
use crate::document::v1::values::round_values;
use crate::document::v1::{LevelDocument, RunDocument};

/// The numbers that a list shows, by the names that gates use.
const SHOWN: [&str; 16] = [
    "ttft_p50",
    "ttft_p95",
    "ttft_from_due_p50",
    "ttft_from_due_p95",
    "tpot_p50",
    "tpot_p95",
    "itl_p95",
    "e2e_p50",
    "e2e_p95",
    "e2e_from_due_p50",
    "e2e_from_due_p95",
    "request_throughput",
    "output_throughput",
    "error_rate",
    "goodput",
    "goodput_rate",
];

/// Slices of a course in a list: what a small chart can show.
const SPARK_MAX: usize = 40;

impl BriefDocument {
    /// What a list shows of a result.
    pub fn of(run: &RunDocument) -> Self {
        let mut findings = BTreeMap::new();
        for finding in &run.findings {
            *findings.entry(finding.severity.clone()).or_insert(0) += 1;
        }
        Self {
            offered: run.levels.iter().map(|level| level.offered).sum(),
            failed: run.levels.iter().map(LevelDocument::failed).sum(),
            rounds: run.rounds.len() as u64,
            levels: run.levels.iter().map(|level| BriefLevel::of(run, level)).collect(),
            findings,
        }
    }
}

impl BriefLevel {
    fn of(run: &RunDocument, level: &LevelDocument) -> Self {
        let known = round_values(level).values;
        let values = known
            .iter()
            .map(|(key, value)| (key.to_string(), *value))
            .filter(|(name, _)| SHOWN.contains(&name.as_str()))
            .collect();
        // Rounds are not alike in length, so the newest one stands for all.
        let newest = run
            .rounds
            .iter()
            .rev()
            .flat_map(|round| &round.levels)
            .find(|one| one.label == level.label && one.series.is_some());
        Self { label: level.label.clone(), values, spark: newest.map(spark).unwrap_or_default() }
    }
}

/// Output tokens per second, slice by slice.
fn spark(level: &LevelDocument) -> Vec<f64> {
    let Some(series) = &level.series else { return Vec::new() };
    let length = level.window.end_s - level.window.start_s;
    let together = series.output_tokens.len().div_ceil(SPARK_MAX).max(1);
    let width = series.width_s * together as f64;
    series
        .output_tokens
        .chunks(together)
        .enumerate()
        .map(|(at, slices)| {
            // The window's end may cut the last slice.
            let seconds = (length - width * at as f64).min(width);
            if seconds > 0.0 { six(slices.iter().sum::<u64>() as f64 / seconds) } else { 0.0 }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::document::v1::sample;
    use crate::gate::Decision;

    #[test]
    fn a_brief_adds_counts_and_keeps_the_names_of_gates() {
        let brief = BriefDocument::of(&sample::gate(Decision::Fail));
        assert_eq!((brief.offered, brief.failed, brief.rounds), (200, 6, 2));
        assert_eq!(brief.findings, BTreeMap::from([("warning".to_owned(), 1)]));
        let [level] = brief.levels.as_slice() else { panic!("{:?}", brief.levels) };
        assert_eq!(level.label, "c=32");
        let names: Vec<&str> = level.values.keys().map(String::as_str).collect();
        assert_eq!(
            names,
            [
                "e2e_p50",
                "e2e_p95",
                "error_rate",
                "goodput",
                "itl_p95",
                "output_throughput",
                "request_throughput",
                "tpot_p50",
                "tpot_p95",
                "ttft_p50",
                "ttft_p95"
            ]
        );
        // 745 tokens in each slice of 2.5 s.
        assert_eq!(level.spark, [298.0; 5]);
    }

    #[test]
    fn a_long_course_is_drawn_in_few_slices_and_its_cut_end_is_not_slower() {
        let mut level = sample::run().rounds.remove(0).levels.remove(0);
        (level.window.start_s, level.window.end_s) = (0.0, 100.5);
        if let Some(series) = &mut level.series {
            series.width_s = 1.0;
            series.output_tokens = vec![10; 100];
            series.output_tokens.push(5);
        }
        let spark = spark(&level);
        assert_eq!(spark.len(), 34);
        assert!(spark.iter().all(|rate| (rate - 10.0).abs() < 1e-9), "{spark:?}");
    }
}
