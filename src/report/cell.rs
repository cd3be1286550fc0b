//! The words of one judged number, shared by every table: what it was, is, may be, and how it stands.

use super::number::{change, percent, plural, quantity, tidy};
use crate::document::v1::{
    DecisionDocument, DriftDocument, JudgementDocument, ObjectiveDocument, RuleDocument, SloDocument,
    StatusDocument, StoredDocument, VerdictDocument,
};
use crate::record::{Better, Metric, MetricKey, Unit};

/// One row of a gate's table, without markup.
pub(super) struct Cell {
    pub title: String,
    pub baseline: String,
    pub now: String,
    pub change: String,
    pub interval: String,
    pub limit: String,
    pub standing: Standing,
    pub words: String,
}

/// The mark in front of the words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Standing {
    Good,
    Bad,
    Open,
    Silent,
}

impl Standing {
    pub(super) fn emoji(self) -> &'static str {
        match self {
            Self::Good => "✅ ",
            Self::Bad => "❌ ",
            Self::Open => "⚪ ",
            Self::Silent => "",
        }
    }
}

impl Cell {
    /// `many` adds the level's label to the title.
    pub(super) fn new(judgement: &JudgementDocument, many: bool) -> Self {
        let metric = metric_of(&judgement.metric);
        let unit = metric.map_or(Unit::Milliseconds, Metric::unit);
        let shown = |value: Option<f64>| value.map_or_else(dash, |value| quantity(value, unit));
        let effect = judgement.effect.as_ref();
        let (standing, words) = standing(judgement);
        // A number may have both a tolerance and a limit of its own; its two rows must be told apart.
        let title = match &judgement.rule {
            RuleDocument::Objective { .. } => format!("{} objective", title(&judgement.metric)),
            RuleDocument::Tolerance { .. } | RuleDocument::Report => title(&judgement.metric),
        };
        Self {
            title: if many { format!("{title} · {}", judgement.level) } else { title },
            baseline: match &judgement.rule {
                RuleDocument::Objective { .. } => dash(),
                RuleDocument::Tolerance { .. } | RuleDocument::Report => shown(judgement.baseline),
            },
            now: shown(judgement.now),
            change: effect.map_or_else(dash, |effect| change(effect.change, effect.absolute)),
            interval: effect.map_or_else(String::new, |effect| {
                let end = |value: Option<f64>, open: &str| {
                    value.map_or_else(|| open.to_owned(), |value| change(value, effect.absolute))
                };
                format!("[{}, {}]", end(effect.low, "-∞"), end(effect.high, "+∞"))
            }),
            limit: limit(&judgement.rule, metric),
            standing,
            words,
        }
    }
}

fn dash() -> String {
    "-".to_owned()
}

fn metric_of(key: &str) -> Option<Metric> {
    key.parse::<MetricKey>().ok().map(|key| key.metric)
}

/// Reported numbers that are marked without deciding anything: `TTFT p99 at c=32, ITL p50 at c=32`.
pub(super) fn worth_a_look(verdict: &VerdictDocument) -> Option<String> {
    let looks = verdict.worth_a_look.iter();
    let names: Vec<String> = looks.map(|look| format!("{} at {}", title(&look.metric), look.level)).collect();
    (!names.is_empty()).then(|| names.join(", "))
}

/// `TTFT p95` for `ttft_p95`; a name that this version does not know stays as it is.
pub(super) fn title(key: &str) -> String {
    key.parse::<MetricKey>().map_or_else(|_| key.to_owned(), MetricKey::title)
}

/// `+15%`, `-7%`, `-2 pp`, `< 500 ms`, `>= 95.0%`.
fn limit(rule: &RuleDocument, metric: Option<Metric>) -> String {
    match rule {
        RuleDocument::Tolerance { tolerance } => {
            let higher = metric.is_some_and(|metric| metric.better() == Better::Higher);
            let points = metric.is_some_and(|metric| metric.unit() == Unit::Ratio);
            let sign = if higher { '-' } else { '+' };
            let unit = if points { " pp" } else { "%" };
            format!("{sign}{}{unit}", tidy(tolerance * 100.0))
        }
        RuleDocument::Objective { objective } => bound(objective),
        RuleDocument::Report => String::new(),
    }
}

fn bound(objective: &ObjectiveDocument) -> String {
    let ObjectiveDocument { metric, bound, limit } = objective;
    let unit = metric_of(metric).map_or(Unit::Milliseconds, Metric::unit);
    let value = match unit {
        Unit::Milliseconds | Unit::MillisecondsPerToken => format!("{limit} ms"),
        Unit::Ratio => percent(*limit),
        Unit::RequestsPerSecond
        | Unit::TokensPerSecond
        | Unit::Gigabytes
        | Unit::Watts
        | Unit::JoulesPerToken
        | Unit::TokensPerJoule
        | Unit::TokensPerSecondPerWatt => quantity(*limit, unit),
    };
    let sign = if bound == "at_least" { ">=" } else { "<=" };
    format!("{sign} {value}")
}

/// `TTFT < 500ms`.
pub(super) fn slo(slo: &SloDocument) -> String {
    format!("{} < {}ms", title_of(&slo.metric), slo.limit_ms)
}

/// `TTFT` for `ttft`.
pub(super) fn title_of(id: &str) -> String {
    Metric::ALL
        .into_iter()
        .find(|metric| metric.id() == id)
        .map_or_else(|| id.to_owned(), |metric| metric.title().to_owned())
}

fn standing(judgement: &JudgementDocument) -> (Standing, String) {
    let objective = matches!(judgement.rule, RuleDocument::Objective { .. });
    let moved = direction(judgement);
    match &judgement.status {
        StatusDocument::Pass if objective => (Standing::Good, "met".to_owned()),
        StatusDocument::Pass => (Standing::Good, "within limit".to_owned()),
        StatusDocument::PassSlower => (Standing::Good, format!("{moved}, within limit")),
        StatusDocument::Fail if objective => (Standing::Bad, "missed".to_owned()),
        StatusDocument::Fail => (Standing::Bad, format!("{moved}, beyond limit")),
        StatusDocument::Undecided { above: true } => {
            (Standing::Open, "beyond limit, not confirmed".to_owned())
        }
        StatusDocument::Undecided { above: false } => {
            (Standing::Open, "within limit, not confirmed".to_owned())
        }
        StatusDocument::NotJudged { reason } => (Standing::Open, format!("not judged: {reason}")),
        StatusDocument::Reported => (Standing::Silent, String::new()),
    }
}

/// What the change means: `slower`, `faster`, `lower`, `higher`.
pub(super) fn direction(judgement: &JudgementDocument) -> &'static str {
    let up = judgement.effect.is_some_and(|effect| effect.change > 0.0);
    let metric = metric_of(&judgement.metric).filter(|metric| metric.unit().is_speed());
    match (metric.map(Metric::better), up) {
        (None, true) => "higher",
        (None, false) => "lower",
        (Some(Better::Lower), true) | (Some(Better::Higher), false) => "slower",
        (Some(Better::Lower), false) | (Some(Better::Higher), true) => "faster",
    }
}

/// What the verdict rests on and how sure it is, in one sentence.
pub(super) fn judged_how(verdict: &VerdictDocument) -> String {
    use crate::document::v1::BasisDocument as Basis;
    let noun = if matches!(verdict.basis, Basis::Pairs { .. }) { "pair" } else { "round" };
    let rounds = plural(verdict.rounds, noun);
    let noise = |noise: f64| format!("assumes {}% day-to-day noise", tidy(noise * 100.0));
    let stored = verdict.baseline.as_ref();
    let sessions = |sessions: u64| {
        let age = stored.and_then(age).unwrap_or_default();
        format!("against {}{age}", plural(sessions, "stored session"))
    };
    let basis = match verdict.basis {
        Basis::None => "against absolute limits only, since no baseline is stored".to_owned(),
        Basis::FewSessions { sessions: count, assumed_noise } => {
            format!("{}; {} until 5 sessions are stored", sessions(count), noise(assumed_noise))
        }
        Basis::Sessions { sessions: count } => sessions(count),
        Basis::Pairs { .. } => {
            "of rounds, the baseline's server and this one in turn under the same prompts".to_owned()
        }
        Basis::TwoResults { assumed_noise } => {
            format!("against one other result; {}", noise(assumed_noise))
        }
    };
    let look = match verdict.looks.as_slice() {
        [] | [_] => String::new(),
        looks => {
            let last = u64::from(looks.last().copied().unwrap_or_default());
            let saved = last.saturating_sub(verdict.rounds);
            let saved = if saved > 0 { format!("; {saved} were not needed") } else { String::new() };
            let looks: Vec<String> = looks.iter().map(u32::to_string).collect();
            format!(" Looked at after {} at most{saved}.", looks.join(", "))
        }
    };
    format!(
        "{rounds} {basis}{}.{look} A false alarm or a false pass: at most {}% each per gate, over {}.",
        stored.and_then(drift).unwrap_or_default(),
        tidy(verdict.alpha * 100.0),
        plural(verdict.family, "number")
    )
}

/// `, the newest 3 days old`.
fn age(stored: &StoredDocument) -> Option<String> {
    let days = stored.age_days?.floor();
    Some(if days < 1.0 {
        ", the newest of today".to_owned()
    } else {
        format!(", the newest {} old", plural(days as u64, "day"))
    })
}

/// `; over them TTFT p95 moved by +3.1%`.
fn drift(stored: &StoredDocument) -> Option<String> {
    let DriftDocument { level: _, metric, change: by, absolute } = stored.drift.as_ref()?;
    Some(format!("; over them {} moved by {}", title(metric), change(*by, *absolute)))
}

/// The one-sided level at which a single look may err.
pub(super) fn level(verdict: &VerdictDocument) -> f64 {
    verdict.level.unwrap_or(verdict.alpha)
}

/// `90%`: the confidence of the shown intervals, two-sided.
pub(super) fn confidence(verdict: &VerdictDocument) -> String {
    format!("{}%", (1_000.0 * (1.0 - 2.0 * level(verdict))).round() / 10.0)
}

/// The word in capitals for terminals.
pub(super) fn decision_word(decision: DecisionDocument) -> &'static str {
    match decision {
        DecisionDocument::Pass => "PASS",
        DecisionDocument::Fail => "FAIL",
        DecisionDocument::Inconclusive => "INCONCLUSIVE",
        DecisionDocument::Invalid => "INVALID",
    }
}

/// Whether a cell takes part in the decision.
pub(super) fn gates(judgement: &JudgementDocument) -> bool {
    judgement.rule != RuleDocument::Report
}
