//! What one result of another tool tells, in our terms: the readers fill it, the builder makes a level of it.

use std::collections::{BTreeMap, BTreeSet};

use super::error::Problem;
use super::json::Fields;
use crate::document::v1::number::six;
use crate::document::v1::{ConcurrencyDocument, LoadDocument, MetricDocument, level::thin};
use crate::metrics::Distribution;
use crate::record::{Metric, Unit};

/// One load of another tool, measured once.
#[derive(Debug, Clone)]
pub(super) struct Entry {
    pub(super) load: LoadDocument,
    pub(super) about: About,
    /// Settings that make it this load and no other, beside its level; entries that differ in one are not imported together.
    pub(super) facts: BTreeMap<&'static str, String>,
    pub(super) duration_s: Option<f64>,
    /// None where the file counts successes only.
    pub(super) offered: Option<u64>,
    pub(super) succeeded: u64,
    pub(super) failures: BTreeMap<&'static str, u64>,
    /// Distributions of which the file has every sample.
    pub(super) samples: BTreeMap<Metric, Distribution>,
    /// Distributions of which the file has some statistics.
    pub(super) told: BTreeMap<Metric, MetricDocument>,
    pub(super) values: BTreeMap<Metric, f64>,
    pub(super) concurrency: ConcurrencyDocument,
    pub(super) tokens: Tokens,
    pub(super) notes: Vec<Note>,
}

/// Who measured what, where the file says.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct About {
    pub(super) api: Option<&'static str>,
    pub(super) stream: Option<bool>,
    pub(super) model: Option<String>,
    pub(super) version: Option<String>,
    pub(super) measured: Option<String>,
    pub(super) url: Option<String>,
    pub(super) seed: Option<u64>,
    pub(super) dataset: Option<String>,
    pub(super) input_tokens: Option<String>,
    pub(super) output_tokens: Option<String>,
    pub(super) tokenizer: Option<String>,
}

/// Token counts of the successes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Tokens {
    pub(super) prompt: Option<u64>,
    pub(super) cached: Option<u64>,
    pub(super) output: Option<u64>,
    pub(super) chunks: Option<u64>,
}

/// Something that the reader of the result must know about its import.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Note {
    /// A number of theirs that is none of ours: its name and the reason.
    LeftOut { name: String, why: String },
    /// A number of theirs under another name of ours, or made anew from their records.
    Taken(String),
    /// Read the numbers with care.
    Warning(String),
}

/// A class of failures whose kind the file does not tell.
pub(super) const UNCLASSIFIED: &str = "unclassified";

impl Entry {
    pub(super) fn new(load: LoadDocument) -> Self {
        Self {
            load,
            about: About::default(),
            facts: BTreeMap::new(),
            duration_s: None,
            offered: None,
            succeeded: 0,
            failures: BTreeMap::new(),
            samples: BTreeMap::new(),
            told: BTreeMap::new(),
            values: BTreeMap::new(),
            concurrency: ConcurrencyDocument { mean: None, peak: None },
            tokens: Tokens::default(),
            notes: Vec::new(),
        }
    }

    pub(super) fn leave_out(&mut self, name: impl Into<String>, why: impl Into<String>) {
        self.notes.push(Note::LeftOut { name: name.into(), why: why.into() });
    }

    /// Says for each of these members that the file has, why it is none of our numbers.
    pub(super) fn leave_out_present(&mut self, fields: &Fields<'_>, reasons: &[(&str, &str, &str)]) {
        for (key, name, why) in reasons {
            if fields.has(key) {
                self.leave_out(*name, *why);
            }
        }
    }

    pub(super) fn taken(&mut self, text: impl Into<String>) {
        self.notes.push(Note::Taken(text.into()));
    }

    pub(super) fn warn(&mut self, text: impl Into<String>) {
        self.notes.push(Note::Warning(text.into()));
    }

    /// Keeps samples of a metric, none when there are none.
    pub(super) fn sample(&mut self, metric: Metric, values: Vec<f64>) {
        self.samples.extend(Distribution::new(values).map(|samples| (metric, samples)));
    }

    pub(super) fn value(&mut self, metric: Metric, value: Option<f64>) {
        self.values.extend(value.map(|value| (metric, value)));
    }

    /// Counts of requests: the failed ones without a class.
    pub(super) fn count(&mut self, succeeded: u64, failed: Option<u64>) {
        self.succeeded = succeeded;
        self.offered = failed.map(|failed| succeeded + failed);
        if let Some(failed) = failed.filter(|failed| *failed > 0) {
            self.failures.insert(UNCLASSIFIED, failed);
        }
    }

    /// The statistics that end like `_ttft_ms` in vLLM's and SGLang's flat files, of `n` samples where that is known.
    pub(super) fn tell(
        &mut self,
        fields: &Fields<'_>,
        metric: Metric,
        ending: &str,
        n: Option<u64>,
    ) -> Result<(), Problem> {
        let named = |word: &str| fields.number(&format!("{word}{ending}"));
        let (mean, median) = (named("mean")?, named("median")?);
        let mut found =
            Statistics { n, mean, spread: named("std")?, max: named("max")?, ..Statistics::default() };
        found.quantiles = fields.percentiles(ending)?.into_iter().collect();
        found.quantiles.extend(median.map(|median| (500, median)));
        if found.quantiles.is_empty() && mean.is_none() {
            return Ok(());
        }
        // numpy answers 0 for a list without numbers, and so do these files.
        if mean.unwrap_or(0.0) == 0.0 && found.quantiles.values().all(|value| *value == 0.0) {
            self.leave_out(format!("*{ending}"), "0 stands for no sample there");
            return Ok(());
        }
        self.told.insert(metric, found.document(metric));
        Ok(())
    }
}

/// Statistics of a distribution as others write them.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Statistics {
    pub(super) n: Option<u64>,
    pub(super) mean: Option<f64>,
    /// Standard deviation with n, as numpy's default has it.
    pub(super) spread: Option<f64>,
    pub(super) min: Option<f64>,
    pub(super) max: Option<f64>,
    /// By thousandths.
    pub(super) quantiles: BTreeMap<u16, f64>,
}

impl Statistics {
    /// What is known, and nothing else. Their standard deviation divides by n, ours by n − 1; without n it cannot be told.
    pub(super) fn document(&self, metric: Metric) -> MetricDocument {
        let Self { n, mean, spread, min, max, quantiles } = self;
        let quantile = |q: u16| quantiles.get(&q).copied().map(six);
        let sd = n.filter(|n| *n > 1).zip(*spread);
        let others = quantiles.iter().filter(|(q, _)| ![500, 900, 950, 990].contains(*q));
        MetricDocument {
            unit: metric.unit().symbol().to_owned(),
            n: *n,
            mean: mean.map(six),
            sd: sd.map(|(n, spread)| six(spread * (n as f64 / (n - 1) as f64).sqrt())),
            min: min.map(six),
            max: max.map(six),
            p50: quantile(500),
            p90: quantile(900),
            p95: quantile(950),
            p99: quantile(990),
            more: others.map(|(q, value)| (format!("p{}", f64::from(*q) / 10.0), six(*value))).collect(),
            thin: n.map(thin).unwrap_or_default(),
        }
    }
}

/// A request of their records, as far as these tell; times in milliseconds.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Request {
    pub(super) ttft: Option<f64>,
    pub(super) ttfo: Option<f64>,
    /// To the last token.
    pub(super) e2e: Option<f64>,
    /// To the end of the answer.
    pub(super) ttlb: Option<f64>,
    /// Between chunks with tokens; none where they are not recorded one by one.
    pub(super) gaps: Option<Vec<f64>>,
    pub(super) output: u64,
}

impl Entry {
    /// The distributions of METRICS from single requests, by the formulas that our own rows go through.
    pub(super) fn recompute(&mut self, requests: &[Request]) {
        let each =
            |pick: &dyn Fn(&Request) -> Option<f64>| requests.iter().filter_map(pick).collect::<Vec<f64>>();
        let tpot = |request: &Request| {
            // Tokens that all came in one chunk show no time per token.
            let streamed = request.gaps.as_ref().is_none_or(|gaps| !gaps.is_empty());
            let tokens = request.output.checked_sub(1).filter(|n| *n > 0 && streamed)?;
            Some((request.e2e? - request.ttft?).max(0.0) / tokens as f64)
        };
        let gaps = |request: &Request| request.gaps.clone().unwrap_or_default();
        let all_gaps: Vec<f64> = requests.iter().flat_map(gaps).collect();
        for (metric, values) in [
            (Metric::Ttft, each(&|request| request.ttft)),
            (Metric::Ttfo, each(&|request| request.ttfo)),
            (Metric::Tpot, each(&tpot)),
            (Metric::TokensPerUser, each(&|request| tpot(request).filter(|ms| *ms > 0.0).map(|ms| 1e3 / ms))),
            (Metric::E2e, each(&|request| request.e2e)),
            (Metric::Ttlb, each(&|request| request.ttlb)),
            (Metric::Ttst, each(&|request| gaps(request).first().copied())),
            (Metric::MaxStall, each(&|request| gaps(request).into_iter().reduce(f64::max))),
            (Metric::Icl, all_gaps.clone()),
        ] {
            self.sample(metric, values);
        }
        let chunked: Vec<&Request> = requests
            .iter()
            .filter(|request| request.gaps.as_ref().is_some_and(|gaps| !gaps.is_empty()))
            .collect();
        let one_each = |request: &&Request| request.output == gaps(request).len() as u64 + 1;
        if !chunked.is_empty() && chunked.iter().all(one_each) {
            self.sample(Metric::Itl, all_gaps);
        }
        if requests.iter().all(|request| request.gaps.is_some()) {
            let chunks = requests.iter().map(|request| gaps(request).len() as u64 + 1).sum();
            self.tokens.chunks = Some(chunks);
        }
    }

    /// Achieved concurrency of requests in flight between these seconds, in a window of `duration` seconds.
    pub(super) fn in_flight(&mut self, spans: &[(f64, f64)], duration: f64) {
        let mut steps: Vec<(f64, i64)> =
            spans.iter().flat_map(|(from, to)| [(*from, 1), (*to, -1)]).collect();
        // An end before a start at the same instant: they do not overlap.
        steps.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
        let mut now = 0;
        let peak = steps.iter().map(|(_, step)| {
            now += step;
            now
        });
        let peak = peak.max().and_then(|peak| u64::try_from(peak).ok());
        let busy: f64 = spans.iter().map(|(from, to)| (to - from).max(0.0)).sum();
        self.concurrency = ConcurrencyDocument { mean: (duration > 0.0).then(|| six(busy / duration)), peak };
    }
}

/// A load that the file describes: clients at once, or requests per second and the law of their gaps.
pub(super) fn closed(concurrency: u64) -> LoadDocument {
    LoadDocument {
        label: format!("c={concurrency}"),
        concurrency: u32::try_from(concurrency).ok(),
        ..unknown("")
    }
}

pub(super) fn open(rate: f64, arrivals: Option<&str>, max_in_flight: Option<u64>) -> LoadDocument {
    LoadDocument {
        label: format!("rate={rate}"),
        rate: Some(rate),
        arrivals: arrivals.map(str::to_owned),
        max_in_flight: max_in_flight.and_then(|max| u32::try_from(max).ok()),
        ..unknown("")
    }
}

/// A load of which only a name is known.
pub(super) fn unknown(label: &str) -> LoadDocument {
    LoadDocument {
        label: label.to_owned(),
        concurrency: None,
        rate: None,
        arrivals: None,
        burstiness: None,
        ramp_up_s: None,
        ramp_up_from: None,
        stages: None,
        trace: None,
        max_in_flight: None,
        requests: None,
        duration_s: None,
    }
}

/// Milliseconds, or milliseconds per token, of a number in the unit that a file names.
pub(super) fn to_ms(value: f64, unit: &str) -> Option<f64> {
    let factor = match unit {
        "ns" | "nanoseconds" => 1e-6,
        "us" | "microseconds" => 1e-3,
        "ms" | "milliseconds" => 1.0,
        "s" | "sec" | "seconds" => 1e3,
        _ => return None,
    };
    Some(value * factor)
}

/// What the document cannot know from the file: names of its fields that then hold `unknown`, 0 or null.
pub(super) fn unsaid(entry: &Entry) -> BTreeSet<&'static str> {
    let Entry { about, tokens, offered, duration_s, .. } = entry;
    let always = [
        "environment",
        "plan.timeouts_ms",
        "plan.workload.warmup_requests",
        "tokens.prompt_asked",
        "tokens.output_asked",
        "reconnects",
    ];
    let checks = [
        ("plan.target.url", about.url.is_some()),
        ("plan.seed", about.seed.is_some()),
        ("plan.workload.api", about.api.is_some()),
        ("plan.workload.stream", about.stream.is_some()),
        ("plan.workload.dataset", about.dataset.is_some()),
        ("plan.workload.input_tokens", about.input_tokens.is_some()),
        ("plan.workload.output_tokens", about.output_tokens.is_some()),
        ("offered", offered.is_some()),
        ("window", duration_s.is_some()),
        ("tokens.prompt", tokens.prompt.is_some()),
        ("tokens.cached", tokens.cached.is_some()),
        ("tokens.output", tokens.output.is_some()),
        ("tokens.chunks", tokens.chunks.is_some()),
    ];
    always.into_iter().chain(checks.into_iter().filter(|(_, known)| !known).map(|(name, _)| name)).collect()
}

/// Whether a metric is measured in time, so that a distribution of it can be imported.
pub(super) fn is_time(metric: Metric) -> bool {
    matches!(metric.unit(), Unit::Milliseconds | Unit::MillisecondsPerToken)
}
