//! Is one level of one round what it was meant to be?

use super::pace::{Asked, achieved_rate, send_lag};
use super::{Finding, Severity};
use crate::base::{Hint, Nanos};
use crate::config::RunPlan;
use crate::metrics::{Distribution, Summary};
use crate::protocol::Api;
use crate::record::{FailureClass, Metric, TokenSource};
use crate::stats::thin_below;
use crate::workload::{CacheLabel, Level, Pace};

/// A finding before it knows its level and round.
pub(super) struct Fact {
    severity: Severity,
    code: &'static str,
    message: String,
    hint: Option<Hint>,
}

impl Fact {
    pub(super) fn new(severity: Severity, code: &'static str, message: String) -> Self {
        Self { severity, code, message, hint: None }
    }

    pub(super) fn hint(self, text: &str) -> Self {
        Self { hint: Some(Hint::new(text)), ..self }
    }

    pub(super) fn found(self, level: Option<String>, round: u32) -> Finding {
        let Self { severity, code, message, hint } = self;
        Finding { severity, code: code.to_owned(), message, hint, level, round: Some(round) }
    }
}

const OUTPUT_DEVIATION: f64 = 0.02;
const PROMPT_DEVIATION: f64 = 0.05;
const TPOT_DEVIATION: f64 = 0.02;
/// Gaps below this many milliseconds are one burst: no engine decodes a step in a tenth of one.
const BURST_MS: f64 = 0.1;
const BURST_SHARE: f64 = 0.1;
const CACHED_SHARE: f64 = 0.05;
/// A prefix may be a small part of its prompts; below this share hardly any of it can have been found.
const WARM_SHARE: f64 = 0.01;
const ERROR_SHARE: f64 = 0.05;

/// All findings about this level in this round (from 1). `due` is when its requests were due since its start, where
/// they arrive by the clock.
pub fn check_level(
    summary: &Summary,
    plan: &RunPlan,
    level: &Level,
    due: Option<&[Nanos]>,
    round: u32,
) -> Vec<Finding> {
    let label = level.label();
    let asked = match (level.pace(plan.shard), due) {
        (Pace::Open { max_in_flight }, Some(due)) => Some(Asked { due, max_in_flight }),
        (Pace::Open { .. } | Pace::Closed { .. }, _) => None,
    };
    let mut facts = vec![
        errors(summary),
        output_length(summary, plan),
        prompt_length(summary, plan),
        cache(summary, plan),
        bursts(summary),
        asked.and_then(|asked| send_lag(summary, asked)),
        asked.and_then(|asked| achieved_rate(summary, asked)),
        token_source(summary, plan),
        itl(summary),
        tpot(summary),
        thin(summary),
    ];
    facts.extend(unevaluated(summary).map(Some));
    facts.extend(summary.parts.iter().map(|(name, part)| unanswered(name, part)));
    facts.into_iter().flatten().map(|fact| fact.found(Some(label.clone()), round)).collect()
}

/// A workload of a mix that fails as a whole may be too small a share to be seen in the level.
fn unanswered(name: &str, part: &Summary) -> Option<Fact> {
    (part.offered > 0 && part.succeeded == 0).then(|| {
        let classes: Vec<String> =
            part.failures.iter().map(|(class, count)| format!("{class} {count}")).collect();
        let message = format!(
            "none of the {} requests of workload '{name}' succeeded: {}",
            part.offered,
            classes.join(", ")
        );
        Fact::new(Severity::Warning, "workload_unanswered", message)
            .hint("run that workload alone to see why, or take it out of the mix")
    })
}

fn errors(summary: &Summary) -> Option<Fact> {
    let share = *summary.values.get(&Metric::ErrorRate)?;
    let classes: Vec<String> = summary
        .failures
        .iter()
        .filter(|(class, _)| **class != FailureClass::Cancelled)
        .map(|(class, count)| format!("{class} {count}"))
        .collect();
    (share > ERROR_SHARE).then(|| {
        let message =
            format!("{} of {} requests failed: {}", percent(share), summary.offered, classes.join(", "));
        Fact::new(Severity::Warning, "errors", message)
            .hint("latencies are those of the requests that survived; see the failures before reading them")
    })
}

fn output_length(summary: &Summary, plan: &RunPlan) -> Option<Fact> {
    let tokens = &summary.tokens;
    let off = deviation(tokens.output, tokens.output_asked)
        .filter(|off| plan.has_exact_outputs() && off.abs() > OUTPUT_DEVIATION)?;
    let message = format!(
        "the server generated {} output tokens where {} were asked for with ignore_eos ({:+.1} %)",
        tokens.output,
        tokens.output_asked,
        off * 100.0
    );
    let hint = "check that the server honours ignore_eos and max_tokens and that its context is long enough; \
                results of other lengths do not compare";
    Some(Fact::new(Severity::Warning, "output_length", message).hint(hint))
}

/// The same few tokens around every prompt are a chat template's; what differs from one to the next is another
/// tokenizer's.
fn prompt_length(summary: &Summary, plan: &RunPlan) -> Option<Fact> {
    // A ranking counts its query once for every document.
    if plan.api == Api::Rerank {
        return None;
    }
    let tokens = &summary.tokens;
    let (least, most) = tokens.prompt_excess?;
    let off = deviation(tokens.prompt, tokens.prompt_asked)?;
    let requests = summary.succeeded.max(1) as f64;
    let mean = (tokens.prompt as f64 - tokens.prompt_asked as f64) / requests;
    let spread = (most - least) as f64 * requests / tokens.prompt_asked.max(1) as f64;
    if spread > PROMPT_DEVIATION || (least < 0 && off.abs() > PROMPT_DEVIATION) {
        let message = format!(
            "the server counted {} prompt tokens where {} were asked for ({:+.1} %): {mean:+.1} per request, from {least:+} to {most:+}",
            tokens.prompt,
            tokens.prompt_asked,
            off * 100.0
        );
        let hint = "name the model's own tokenizer.json with --tokenizer, so that prompts are as long as they are meant to be";
        return Some(Fact::new(Severity::Warning, "prompt_length", message).hint(hint));
    }
    (off > PROMPT_DEVIATION).then(|| {
        let message = format!(
            "the server counted {mean:.1} more tokens per prompt than were asked for ({:+.1} %), about as many each time: those of its chat template",
            off * 100.0
        );
        Fact::new(Severity::Info, "prompt_overhead", message)
    })
}

/// Whether the server's prefix cache did what the workload's label says. Servers that report no cached tokens and
/// servers without a hit look alike.
fn cache(summary: &Summary, plan: &RunPlan) -> Option<Fact> {
    let tokens = &summary.tokens;
    let share = ratio(tokens.cached, tokens.prompt)?;
    match plan.cache {
        CacheLabel::Cold if share > CACHED_SHARE => {
            let message = format!(
                "{} of the prompt tokens came from the server's prefix cache although the workload is cold",
                percent(share)
            );
            Some(
                Fact::new(Severity::Warning, "cache", message)
                    .hint("use another seed, restart the server or reset its prefix cache before the run"),
            )
        }
        CacheLabel::Warm if tokens.cached == 0 => {
            let message =
                "the server reported no cached prompt tokens, so nothing shows that its cache was warm";
            Some(Fact::new(Severity::Info, "cache_unknown", message.to_owned()).hint(
                "have the server report them (vLLM: --enable-prompt-tokens-details), or check that prefix caching is on",
            ))
        }
        CacheLabel::Warm if share < WARM_SHARE => {
            let message = format!(
                "only {} of the prompt tokens came from the server's prefix cache although the workload is warm",
                percent(share)
            );
            Some(Fact::new(Severity::Warning, "cache", message).hint(
                "check that prefix caching is on and that its memory holds the prefixes; with several servers, --url-strategy session",
            ))
        }
        CacheLabel::Cold | CacheLabel::Warm | CacheLabel::Mixed => None,
    }
}

fn bursts(summary: &Summary) -> Option<Fact> {
    let share = summary.distributions.get(&Metric::Icl)?.share_below(BURST_MS);
    (share > BURST_SHARE).then(|| {
        let message = format!(
            "{} of the chunks came within {BURST_MS} ms of the one before: they arrive in bursts, so ICL and ITL are not trustworthy",
            percent(share)
        );
        Fact::new(Severity::Warning, "bursts", message)
            .hint("read TPOT instead, and look for a proxy that buffers the stream")
    })
}

fn token_source(summary: &Summary, plan: &RunPlan) -> Option<Fact> {
    let source = match summary.tokens.source {
        _ if !plan.api.generates() => return None,
        TokenSource::Usage => return None,
        _ if summary.succeeded == 0 => return None,
        TokenSource::Tokenizer => "the local tokenizer",
        TokenSource::Chunks => "chunks, as if each held one token",
    };
    let message =
        format!("the server did not report usage for every request; output tokens are counted by {source}");
    Some(Fact::new(Severity::Info, "token_source", message))
}

fn itl(summary: &Summary) -> Option<Fact> {
    let fell_back = summary.tokens.itl_is_icl && summary.distributions.contains_key(&Metric::Icl);
    fell_back.then(|| {
        let message =
            "tokens per chunk are not known, so ITL is ICL: the time between chunks, whatever they hold";
        Fact::new(Severity::Info, "itl_is_icl", message.to_owned())
    })
}

fn tpot(summary: &Summary) -> Option<Fact> {
    let of = |metric| summary.distributions.get(&metric);
    let (tpot, exact) = (of(Metric::Tpot)?, of(Metric::TpotExact)?);
    // Means of different requests would differ for other reasons.
    let same = tpot.len() == exact.len();
    let off = (exact.mean() - tpot.mean()).abs() / tpot.mean();
    (same && off > TPOT_DEVIATION).then(|| {
        let message = format!(
            "first chunks hold several tokens: TPOT is {:.2} ms by all tokens after the first and {:.2} ms by those after the first chunk",
            tpot.mean(),
            exact.mean()
        );
        Fact::new(Severity::Info, "tpot_exact", message)
    })
}

/// One finding for all percentiles, by the number of requests.
fn thin(summary: &Summary) -> Option<Fact> {
    let samples = summary.distributions.get(&Metric::E2e).map(Distribution::len)?;
    Some(Fact::new(Severity::Info, THIN_PERCENTILES, thin_percentiles(samples)?))
}

/// The code of what `thin_percentiles` says.
pub const THIN_PERCENTILES: &str = "thin_percentiles";

/// Which percentiles this many requests do not carry; none when they carry all.
pub fn thin_percentiles(samples: u64) -> Option<String> {
    let thin: Vec<String> = [50_u32, 90, 95, 99]
        .into_iter()
        .filter_map(|percent| Some((percent, thin_below(f64::from(percent) / 100.0)?)))
        .filter(|(_, needed)| samples < *needed)
        .map(|(percent, needed)| format!("p{percent} (needs {needed})"))
        .collect();
    (!thin.is_empty()).then(|| format!("{samples} requests are few for {}", thin.join(", ")))
}

/// Objectives that no success had a value for: they promise nothing.
fn unevaluated(summary: &Summary) -> impl Iterator<Item = Fact> {
    let objectives = summary.goodput.iter().flat_map(|goodput| &goodput.objectives);
    objectives.filter(|counted| summary.succeeded > 0 && counted.not_evaluated == summary.succeeded).map(
        |counted| {
            let message = format!(
                "no request has a value of {}, so this objective was met by none and missed by none",
                counted.slo.metric
            );
            Fact::new(Severity::Warning, "slo_not_evaluated", message)
                .hint("latencies of tokens need streaming and answers of two tokens or more")
        },
    )
}

fn ratio(part: u64, whole: u64) -> Option<f64> {
    (whole > 0).then(|| part as f64 / whole as f64)
}

fn deviation(got: u64, asked: u64) -> Option<f64> {
    ratio(got, asked).map(|share| share - 1.0)
}

fn percent(share: f64) -> String {
    format!("{:.1} %", share * 100.0)
}
