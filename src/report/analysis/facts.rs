//! Numbers of a result with the place where they stand, so that no sentence has a number of its own.

use std::cmp::Ordering;

use serde_json::{Value, json};

use crate::document::v1::service::{ClaimDocument, ClaimKind, FigureDocument, LanguageDocument};
use crate::document::v1::{LevelDocument, RunDocument};
use crate::record::{Metric, MetricKey, Unit};
use crate::report::curve;
use crate::report::number::{quantity, significant};

/// A sentence in the reader's language; both say the same with the same words put in.
macro_rules! say {
    ($language:expr, $english:literal, $korean:literal $(, $name:ident = $value:expr)* $(,)?) => {{
        $(let $name = $value;)*
        match $language {
            crate::document::v1::service::LanguageDocument::English => format!($english),
            crate::document::v1::service::LanguageDocument::Korean => format!($korean),
        }
    }};
}
pub(super) use say;

/// A result that is asked for numbers.
pub(super) struct Facts<'a> {
    pub(super) run: &'a RunDocument,
    pub(super) language: LanguageDocument,
    /// Levels from the lowest load to the highest where they are of one kind, in the result's order otherwise.
    pub(super) order: Vec<usize>,
    tree: Value,
}

impl<'a> Facts<'a> {
    pub(super) fn new(run: &'a RunDocument, language: LanguageDocument) -> Self {
        let loads: Option<Vec<(String, f64)>> =
            run.levels.iter().map(|level| curve::load(&level.label)).collect();
        let mut order: Vec<usize> = (0..run.levels.len()).collect();
        if let Some(loads) = loads
            && loads.iter().all(|(kind, _)| *kind == loads[0].0)
        {
            order.sort_by(|a, b| loads[*a].1.total_cmp(&loads[*b].1));
        }
        Self { run, language, order, tree: tree(run) }
    }

    pub(super) fn level(&self, at: usize) -> &'a LevelDocument {
        &self.run.levels[at]
    }

    /// The level with the most requests in flight on average; the last one where none says.
    pub(super) fn busiest(&self) -> Option<usize> {
        let mean = |at: &usize| self.run.levels[*at].concurrency.mean.unwrap_or(0.0);
        self.order.iter().copied().max_by(|a, b| mean(a).total_cmp(&mean(b)).then(Ordering::Less))
    }

    /// The level with the least load, where there are several.
    pub(super) fn calmest(&self) -> Option<usize> {
        (self.order.len() > 1).then(|| self.order[0])
    }

    /// The number at a path; none where it is absent or null.
    pub(super) fn figure(&self, name: &str, unit: &str, path: String) -> Option<FigureDocument> {
        let value = lookup(&self.tree, &path)?;
        Some(FigureDocument { name: name.to_owned(), value, unit: unit.to_owned(), path })
    }

    /// A number of a level, by the name that gates use, for example `ttft_p95`.
    pub(super) fn metric(&self, level: usize, name: &str) -> Option<FigureDocument> {
        let key: MetricKey = name.parse().ok()?;
        let place = match name.strip_prefix(key.metric.id()).filter(|_| key.metric.is_distribution()) {
            Some(stat) => format!("metrics.{}.{}", key.metric.id(), stat.trim_start_matches('_')),
            None => format!("values.{name}"),
        };
        self.figure(&key.title(), key.metric.unit().symbol(), format!("levels[{level}].{place}"))
    }

    /// What a user waits for the first token: from the due time in an open loop.
    pub(super) fn first_token(&self, level: usize, stat: &str) -> Option<FigureDocument> {
        let from_due = self.metric(level, &format!("{}_{stat}", Metric::TtftFromDue));
        from_due.or_else(|| self.metric(level, &format!("{}_{stat}", Metric::Ttft)))
    }

    /// A count or share of a level at a place of its own.
    pub(super) fn of(&self, level: usize, name: &str, unit: &str, place: &str) -> Option<FigureDocument> {
        self.figure(name, unit, format!("levels[{level}].{place}"))
    }

    /// Mean of a latency that the server timed itself, in seconds.
    pub(super) fn server_mean(&self, level: usize, name: &str, which: &str) -> Option<FigureDocument> {
        let sum = self.of(level, "", "s", &format!("observed.engine.{which}.sum_s"))?;
        let count = self.of(level, "", "", &format!("observed.engine.{which}.count"))?;
        Some(FigureDocument { unit: "s".to_owned(), ..divided(name, &sum, &count)? })
    }

    /// Every number that a sentence may cite, with its path: those of the levels, the plan, the search and the environment.
    pub(super) fn numbers(&self) -> Vec<(String, f64)> {
        let mut found = Vec::new();
        collect(String::new(), &self.tree, &mut found);
        found
    }
}

/// What the figures show.
pub(super) fn fact(claim: String, figures: impl IntoIterator<Item = FigureDocument>) -> ClaimDocument {
    ClaimDocument { kind: ClaimKind::Fact, claim, rule: None, figures: figures.into_iter().collect() }
}

/// What the figures show, where it is to be acted on.
pub(super) fn concern(claim: String, figures: impl IntoIterator<Item = FigureDocument>) -> ClaimDocument {
    ClaimDocument { kind: ClaimKind::Concern, ..fact(claim, figures) }
}

/// What no figure shows, and how to get one.
pub(super) fn missing(claim: String) -> ClaimDocument {
    ClaimDocument { kind: ClaimKind::Missing, ..fact(claim, []) }
}

/// The claim with the rule that leads to it.
pub(super) fn by(rule: String, claim: ClaimDocument) -> ClaimDocument {
    ClaimDocument { rule: Some(rule), ..claim }
}

/// How many times `b` goes into `a`, without a unit; none where `b` is zero.
pub(super) fn divided(name: &str, a: &FigureDocument, b: &FigureDocument) -> Option<FigureDocument> {
    let value = Some(a.value / b.value).filter(|value| value.is_finite())?;
    let part = |path: &str| if path.contains(' ') { format!("({path})") } else { path.to_owned() };
    let path = format!("{} / {}", part(&a.path), part(&b.path));
    Some(FigureDocument { name: name.to_owned(), value, unit: String::new(), path })
}

/// `a` as a share of `b`.
pub(super) fn share(name: &str, a: &FigureDocument, b: &FigureDocument) -> Option<FigureDocument> {
    Some(FigureDocument { unit: "%".to_owned(), ..divided(name, a, b)? })
}

/// A number as people read it, with its unit.
pub(super) fn text(figure: &FigureDocument) -> String {
    let known = [
        Unit::Milliseconds,
        Unit::RequestsPerSecond,
        Unit::TokensPerSecond,
        Unit::Ratio,
        Unit::Gigabytes,
        Unit::Watts,
        Unit::JoulesPerToken,
        Unit::TokensPerJoule,
        Unit::TokensPerSecondPerWatt,
    ];
    let unit = figure.unit.strip_suffix("/token").filter(|rest| *rest == "ms").unwrap_or(&figure.unit);
    match known.into_iter().find(|known| known.symbol() == unit) {
        Some(unit) => quantity(figure.value, unit),
        None if unit == "s" => quantity(figure.value * 1e3, Unit::Milliseconds),
        None if unit.is_empty() && figure.value.fract() == 0.0 && figure.value.abs() < 1e15 => {
            crate::report::number::count(figure.value.max(0.0) as u64)
        }
        None => format!("{} {unit}", significant(figure.value)).trim_end().to_owned(),
    }
}

/// Everything that sentences are made of; single requests and the courses of windows stay out.
fn tree(run: &RunDocument) -> Value {
    let plain = |level: &LevelDocument| LevelDocument {
        series: None,
        points: Vec::new(),
        histograms: std::collections::BTreeMap::new(),
        ..level.clone()
    };
    json!({
        "levels": run.levels.iter().map(plain).collect::<Vec<_>>(),
        "plan": run.plan,
        "environment": run.environment,
        "search": run.search,
    })
}

/// The number at a path like `levels[0].metrics.ttft.p99`.
fn lookup(tree: &Value, path: &str) -> Option<f64> {
    let mut here = tree;
    for step in path.split('.') {
        let mut parts = step.split('[');
        here = here.get(parts.next()?)?;
        for index in parts {
            here = here.get(index.strip_suffix(']')?.parse::<usize>().ok()?)?;
        }
    }
    here.as_f64()
}

fn collect(path: String, value: &Value, found: &mut Vec<(String, f64)>) {
    match value {
        Value::Number(number) => found.extend(number.as_f64().map(|number| (path, number))),
        Value::Object(fields) => {
            for (name, value) in fields {
                collect(format!("{path}.{name}"), value, found);
            }
        }
        Value::Array(items) => {
            for item in items {
                collect(path.clone(), item, found);
            }
        }
        Value::Null | Value::Bool(_) | Value::String(_) => {}
    }
}
