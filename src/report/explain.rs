//! How a verdict came about, number by number: every step of the formula, from the rounds to the p-values.

use super::cell::{Cell, confidence, decision_word, gates, level, title};
use super::number::{change, plural, quantity, significant};
use super::text::plain;
use crate::document::v1::{
    BasisDocument as Basis, JudgementDocument, MethodDocument, RuleDocument, StatusDocument, TestDocument,
    VerdictDocument,
};
use crate::record::{MetricKey, Unit};

/// The whole text, a paragraph for each gating number.
pub fn render(verdict: &VerdictDocument) -> String {
    let gating: Vec<&JudgementDocument> = verdict.cells.iter().filter(|cell| gates(cell)).collect();
    let mut out = vec![
        format!("{}: {}", decision_word(verdict.decision), plain(&verdict.headline)),
        String::new(),
        overview(verdict),
    ];
    for cell in gating {
        out.push(String::new());
        out.extend(paragraph(cell, verdict));
    }
    out.push(String::new());
    out.join("\n")
}

fn overview(verdict: &VerdictDocument) -> String {
    let alpha = percent(verdict.alpha);
    let noun = if matches!(verdict.basis, Basis::Pairs { .. }) { "pair" } else { "round" };
    let looks = match verdict.looks.as_slice() {
        [] | [_] => format!("The evidence is looked at once, after {}.", plural(verdict.rounds, noun)),
        looks => format!(
            "The evidence is looked at after {} {noun}s; this look is after {}. So that all looks together err in at most {alpha} \
             of gates, a single one may err in {}.",
            looks.iter().map(u32::to_string).collect::<Vec<_>>().join(", "),
            verdict.rounds,
            percent(level(verdict))
        ),
    };
    let basis = match verdict.basis {
        Basis::None => "No baseline: only absolute limits are judged.".to_owned(),
        Basis::Pairs { pairs } => format!(
            "{pairs} pairs: d = y(candidate) - y(baseline) of each pair; its mean and the scatter between pairs decide (paired t)."
        ),
        Basis::Sessions { sessions } => format!(
            "{sessions} stored sessions: d = median of the rounds now - mean of the sessions' medians; the scatter between sessions \
             decides: se = s sqrt(1 + 1/{sessions})."
        ),
        Basis::FewSessions { sessions, assumed_noise } => format!(
            "{sessions} stored sessions, too few to know the noise between days: {} is assumed, se^2 = noise^2 (1 + 1/{sessions}) + the \
             rounds' own error.",
            percent(assumed_noise)
        ),
        Basis::TwoResults { assumed_noise } => format!(
            "Two results of one session each: {} of noise from day to day is assumed, se^2 = 2 noise^2 + the rounds' own error.",
            percent(assumed_noise)
        ),
    };
    format!(
        "y = ln(value) for latencies, -ln(value) for rates, 1 - share for shares: larger is worse.\n{basis}\n{looks}\n\
         fail: some number is shown to be beyond its limit, {alpha} of error shared by {} (Holm).\n\
         pass: every number is shown to be within its limit, each with at most {}.",
        plural(verdict.family, "number"),
        percent(level(verdict))
    )
}

fn paragraph(judgement: &JudgementDocument, verdict: &VerdictDocument) -> Vec<String> {
    let cell = Cell::new(judgement, true);
    let key: Option<MetricKey> = judgement.metric.parse().ok();
    let unit = key.map_or(Unit::Milliseconds, |key| key.metric.unit());
    let mut lines = vec![format!("{} (limit {}): {}", plain(&cell.title), cell.limit, plain(&cell.words))];
    let values =
        |values: &[f64]| values.iter().map(|value| quantity(*value, unit)).collect::<Vec<_>>().join(", ");
    if !judgement.baseline_rounds.is_empty() {
        lines.push(row("baseline", &values(&judgement.baseline_rounds)));
    }
    if !judgement.rounds.is_empty() {
        lines.push(row("now", &values(&judgement.rounds)));
    }
    let pairs = judgement.rounds.iter().zip(&judgement.baseline_rounds);
    let apart: Vec<String> = pairs.map(|(now, base)| apart(*now, *base, unit)).collect();
    if !apart.is_empty() {
        lines.push(row("pairs", &apart.join(", ")));
    }
    if let Some(test) = &judgement.test {
        lines.extend(steps(judgement, test, unit, verdict));
    } else if let StatusDocument::NotJudged { reason } = &judgement.status {
        lines.push(row("not judged", &plain(reason)));
    }
    lines
}

/// The change of one pair, as people read it.
fn apart(now: f64, base: f64, unit: Unit) -> String {
    if unit == Unit::Ratio { change(now - base, true) } else { change(now / base - 1.0, false) }
}

fn steps(
    judgement: &JudgementDocument,
    test: &TestDocument,
    unit: Unit,
    verdict: &VerdictDocument,
) -> Vec<String> {
    let TestDocument { method, difference, se, freedom, allowance } = *test;
    let level = level(verdict);
    let absolute = unit == Unit::Ratio;
    let freedom = freedom.map_or_else(
        || "known noise, normal".to_owned(),
        |freedom| format!("{} degrees of freedom", super::number::tidy((freedom * 10.0).round() / 10.0)),
    );
    let effect = judgement.effect.map(|effect| {
        let end = |value: Option<f64>| {
            value.map_or_else(|| "unbounded".to_owned(), |value| change(value, absolute))
        };
        format!(
            ", a change of {}, {} interval {} to {}",
            change(effect.change, absolute),
            confidence(verdict),
            end(effect.low),
            end(effect.high)
        )
    });
    let limit = match &judgement.rule {
        RuleDocument::Tolerance { .. } => format!("tau = {}", short(allowance)),
        RuleDocument::Objective { .. } | RuleDocument::Report => "0, the limit itself".to_owned(),
    };
    let statistic = (difference - allowance) / se;
    let by = match method {
        MethodDocument::Student => format!("t = (d - tau) / se = {}", short(statistic)),
        MethodDocument::SignFlip => "exact sign flips of the pairs' distances from tau".to_owned(),
    };
    let mut lines = vec![
        row("difference", &format!("d = {}{}", short(difference), effect.unwrap_or_default())),
        row("error", &format!("se = {}, {freedom}", short(se))),
        row("limit", &limit),
        row("test", &by),
    ];
    let shown = |p: f64, bar: f64, what: &str| {
        let sign = if p <= bar { "<=" } else { ">" };
        format!("p = {} {sign} {}: {}{what}", short(p), short(bar), if p <= bar { "" } else { "not " })
    };
    if let Some(p) = judgement.p_pass {
        lines.push(row("within?", &shown(p, level, "shown to be within the limit")));
    }
    if let Some(p) = judgement.p_fail {
        let failed = judgement.status == StatusDocument::Fail;
        let word = if failed { "" } else { "not " };
        lines.push(row(
            "beyond?",
            &format!(
                "p = {}: {word}shown to be beyond the limit, among {}",
                short(p),
                plural(verdict.family, "number")
            ),
        ));
    }
    if let Some(detectable) = judgement.detectable {
        let name = title(&judgement.metric);
        lines.push(row(
            "could see",
            &format!(
                "a true change of {name} by {} would have failed 4 times in 5",
                change(detectable, absolute)
            ),
        ));
    }
    lines
}

fn row(name: &str, text: &str) -> String {
    format!("  {name:<11} {text}")
}

/// Three significant digits, however small.
fn short(value: f64) -> String {
    if value != 0.0 && value.abs() < 0.001 { format!("{value:.2e}") } else { significant(value) }
}

/// `5%`, `2.27%`, `95.5%`.
fn percent(share: f64) -> String {
    let decimals = if share < 0.1 { 1e2 } else { 10.0 };
    format!("{}%", (share * 100.0 * decimals).round() / decimals)
}
