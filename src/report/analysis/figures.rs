//! Whether the numbers of a text are those of a result.

use std::iter::Peekable;
use std::str::CharIndices;

use super::facts::Facts;
use crate::document::v1::RunDocument;
use crate::document::v1::service::{AnalysisDocument, AnalystDocument, LanguageDocument};
use crate::record::{Metric, Unit};

/// Characters of a text that is kept.
const TEXT_MAX: usize = 16_000;
/// Numbers that are listed as unfounded; all are counted.
const LISTED: usize = 50;

/// What a number measures, so that 0.512 s is found where 512 ms stands.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Kind {
    /// In milliseconds.
    Time,
    /// In 0..=1.
    Share,
    Other,
}

/// A number that is written in a text.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Cited<'t> {
    /// As it is written, with its unit.
    text: &'t str,
    /// Where it ends.
    end: usize,
    value: f64,
    /// How far the true value may be away: half of its last digit.
    slack: f64,
    /// None without a unit.
    kind: Option<Kind>,
}

/// The text with `[?]` behind every number that is neither in the result nor in the analysis by rules.
pub fn check(run: &RunDocument, analysis: &AnalysisDocument, model: &str, text: &str) -> AnalystDocument {
    let text: String = text.chars().take(TEXT_MAX).collect();
    let known = known(run, analysis);
    let mut marked = String::with_capacity(text.len());
    let (mut from, mut checked, mut missing) = (0, 0, 0);
    let mut unfounded: Vec<String> = Vec::new();
    for cited in cited(&text) {
        checked += 1;
        if known.iter().any(|known| is_same(&cited, *known)) {
            continue;
        }
        missing += 1;
        marked.push_str(&text[from..cited.end]);
        marked.push_str(" [?]");
        from = cited.end;
        if unfounded.len() < LISTED && !unfounded.iter().any(|other| other == cited.text) {
            unfounded.push(cited.text.to_owned());
        }
    }
    marked.push_str(&text[from..]);
    AnalystDocument {
        model: model.to_owned(),
        text: marked,
        figures_checked: checked,
        figures_unfounded: missing,
        unfounded,
    }
}

fn is_same(cited: &Cited<'_>, (value, kind): (f64, Kind)) -> bool {
    let near = |value: f64| (cited.value - value).abs() <= cited.slack * (1.0 + 1e-9);
    match (cited.kind, kind) {
        // A share may be written as percent without the sign.
        (None, Kind::Share) => near(value) || near(value * 100.0),
        // Without a unit, or with one that is neither time nor share: as it stands in the result.
        (None | Some(Kind::Other), _) => near(value),
        (Some(written), known) => written == known && near(value),
    }
}

/// Every number of the levels, the plan and the rules, and those within names.
fn known(run: &RunDocument, analysis: &AnalysisDocument) -> Vec<(f64, Kind)> {
    let numbers = Facts::new(run, LanguageDocument::English).numbers();
    let mut known: Vec<(f64, Kind)> = numbers.iter().map(|(path, value)| scaled(path, *value)).collect();
    let figures =
        analysis.sections.iter().flat_map(|section| &section.claims).flat_map(|claim| &claim.figures);
    known.extend(figures.map(|figure| match figure.unit.as_str() {
        "s" => (figure.value * 1e3, Kind::Time),
        unit if unit.starts_with("ms") => (figure.value, Kind::Time),
        "%" => (figure.value, Kind::Share),
        _ => (figure.value, Kind::Other),
    }));
    known.push((run.levels.len() as f64, Kind::Other));
    known.push((run.rounds.len() as f64, Kind::Other));
    let workload = &run.plan.workload;
    let names = [&run.name, &run.fingerprint.model, &run.fingerprint.hardware, &workload.input_tokens];
    let labels = run.levels.iter().map(|level| &level.label);
    for name in names.into_iter().chain(labels).chain(&workload.output_tokens) {
        known.extend(cited(name).map(|cited| (cited.value, Kind::Other)));
    }
    // Rules and findings say some numbers that are nobody's measurement.
    for claim in analysis.sections.iter().flat_map(|section| &section.claims) {
        for text in std::iter::once(&claim.claim).chain(&claim.rule) {
            known.extend(cited(text).map(|cited| (cited.value, cited.kind.unwrap_or(Kind::Other))));
        }
    }
    known
}

/// By the name of a field, and of a metric by its unit.
fn scaled(path: &str, value: f64) -> (f64, Kind) {
    let mut steps = path.rsplit('.');
    let (field, parent) = (steps.next().unwrap_or_default(), steps.next().unwrap_or_default());
    let metric = |id: &str| Metric::ALL.into_iter().find(|metric| metric.id() == id).map(Metric::unit);
    let by_unit = |unit: Unit| match unit {
        unit if unit.is_time() => (value, Kind::Time),
        Unit::Ratio => (value, Kind::Share),
        _ => (value, Kind::Other),
    };
    match (metric(field), metric(parent)) {
        (Some(unit), _) if parent == "values" => by_unit(unit),
        (_, Some(unit)) if field != "n" => by_unit(unit),
        _ if field.ends_with("_ms") => (value, Kind::Time),
        _ if field.ends_with("_s") => (value * 1e3, Kind::Time),
        _ if field == "ratio" || field == "attainment" => (value, Kind::Share),
        _ if ["utilization", "memory_utilization", "kv_usage", "prefix_hits", "throttled"]
            .contains(&parent) =>
        {
            (value, Kind::Share)
        }
        _ => (value, Kind::Other),
    }
}

/// The numbers of a text: not those of names (`p99`, `H100`, `8b`), nor those that number a list.
fn cited(text: &str) -> impl Iterator<Item = Cited<'_>> {
    let mut chars = text.char_indices().peekable();
    let mut before = ' ';
    std::iter::from_fn(move || {
        while let Some((at, c)) = chars.next() {
            let previous = std::mem::replace(&mut before, c);
            if !c.is_ascii_digit() {
                continue;
            }
            let end = digits(text, at, &mut chars);
            before = '0';
            let part_of_name = previous.is_ascii_alphabetic() || matches!(previous, '_' | '.');
            if part_of_name || numbers_a_list(text, at, end) {
                continue;
            }
            if let Some(cited) = number(text, at, end) {
                return Some(cited);
            }
        }
        None
    })
}

/// Where the digits end that began at `at`, with separators of thousands and a decimal point inside.
fn digits(text: &str, at: usize, chars: &mut Peekable<CharIndices<'_>>) -> usize {
    let mut end = at + 1;
    while let Some((next, c)) = chars.peek().copied() {
        let digit_after = text[next + c.len_utf8()..].starts_with(|c: char| c.is_ascii_digit());
        if c.is_ascii_digit() || (matches!(c, '.' | ',') && digit_after) {
            end = next + c.len_utf8();
            chars.next();
        } else {
            break;
        }
    }
    end
}

/// `1. ` or `2) ` at the beginning of a line.
fn numbers_a_list(text: &str, at: usize, end: usize) -> bool {
    let line = text[..at].rsplit('\n').next().unwrap_or_default();
    line.trim_matches([' ', '\t', '*', '#', '-', '>']).is_empty()
        && text[end..].starts_with(['.', ')'])
        && text[end + 1..].starts_with([' ', '*'])
}

fn number(text: &str, at: usize, end: usize) -> Option<Cited<'_>> {
    let digits: String = text[at..end].chars().filter(|c| *c != ',').collect();
    let value: f64 = digits.parse().ok()?;
    let (unit_end, unit) = unit(text, end)?;
    let (factor, kind) = match unit {
        Written::None => (1.0, None),
        Written::Times(factor, kind) => (factor, Some(kind)),
    };
    let is_count = !matches!(kind, Some(Kind::Time | Kind::Share));
    let slack = slack(&digits, value, is_count) * factor;
    Some(Cited { text: &text[at..unit_end], end: unit_end, value: value * factor, slack, kind })
}

/// Half of the last digit that was written.
fn slack(digits: &str, value: f64, is_count: bool) -> f64 {
    let tens = |exponent: usize| 0.5 * 10_f64.powi(i32::try_from(exponent).unwrap_or(i32::MAX));
    if let Some((_, decimals)) = digits.split_once('.') {
        return 0.25 / tens(decimals.len());
    }
    if is_count && value < 10.0 {
        // Few things are counted exactly: 3 levels are not 3.4.
        return 1e-9;
    }
    let zeros = digits.bytes().rev().take_while(|digit| *digit == b'0').count();
    // 3,900 may stand for 3,912; 500 does not stand for 460.
    tens(zeros).min(value * 0.005).max(0.5)
}

enum Written {
    None,
    Times(f64, Kind),
}

/// The unit behind a number and where it ends; none where the digits are the beginning of a name.
fn unit(text: &str, end: usize) -> Option<(usize, Written)> {
    const UNITS: [(&str, f64, Kind); 20] = [
        ("milliseconds", 1.0, Kind::Time),
        ("millisecond", 1.0, Kind::Time),
        ("밀리초", 1.0, Kind::Time),
        ("ms", 1.0, Kind::Time),
        ("microseconds", 1e-3, Kind::Time),
        ("µs", 1e-3, Kind::Time),
        ("us", 1e-3, Kind::Time),
        ("seconds", 1e3, Kind::Time),
        ("second", 1e3, Kind::Time),
        ("secs", 1e3, Kind::Time),
        ("sec", 1e3, Kind::Time),
        ("초", 1e3, Kind::Time),
        ("s", 1e3, Kind::Time),
        ("percent", 1e-2, Kind::Share),
        ("퍼센트", 1e-2, Kind::Share),
        ("%", 1e-2, Kind::Share),
        ("k", 1e3, Kind::Other),
        ("K", 1e3, Kind::Other),
        ("x", 1.0, Kind::Other),
        ("mJ", 1e-3, Kind::Other),
    ];
    let rest = &text[end..];
    let gap = rest.len() - rest.trim_start_matches([' ', '\u{a0}']).len();
    let (gap, word) = if gap <= 2 { (gap, &rest[gap..]) } else { (0, rest) };
    for (name, factor, kind) in UNITS {
        let Some(after) = word.strip_prefix(name) else { continue };
        let ends = !name.ends_with(|c: char| c.is_ascii_alphabetic())
            || !after.starts_with(|c: char| c.is_ascii_alphanumeric());
        if ends {
            return Some((end + gap + name.len(), Written::Times(factor, kind)));
        }
    }
    // Letters that follow at once belong to a name: 8b, 70B, 4xlarge.
    if rest.starts_with(|c: char| c.is_ascii_alphabetic()) {
        return None;
    }
    Some((end, Written::None))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(text: &str) -> Vec<(String, f64)> {
        cited(text).map(|cited| (cited.text.to_owned(), cited.value)).collect()
    }

    #[test]
    fn numbers_are_read_with_their_units_and_names_are_not_numbers() {
        let found = seen(
            "1. TTFT p99 of Llama-3.1-8b on H100 is 0.512 s, 12 % up;\n2) 3,910 tok/s, 3.9k tokens, c=32. 1.5배",
        );
        let texts: Vec<&str> = found.iter().map(|(text, _)| text.as_str()).collect();
        assert_eq!(texts, ["3.1", "0.512 s", "12 %", "3,910", "3.9k", "32", "1.5"]);
        for (at, value) in [(1, 512.0), (2, 0.12), (4, 3_900.0)] {
            assert!((found[at].1 - value).abs() < 1e-9, "{found:?}");
        }
    }

    #[test]
    fn rounding_and_units_are_forgiven_and_other_numbers_are_not() {
        let same = |text: &str, known: (f64, Kind)| is_same(&cited(text).next().unwrap(), known);
        for (text, value, kind) in [
            ("0.512 s", 512.3, Kind::Time),
            ("512 ms", 512.3, Kind::Time),
            ("0.5초", 512.3, Kind::Time),
            ("12 %", 0.1234, Kind::Share),
            ("12.3%", 0.1234, Kind::Share),
            ("0.12", 0.1234, Kind::Share),
            ("3,910 tok/s", 3_912.4, Kind::Other),
            ("3.9k tok/s", 3_912.4, Kind::Other),
            ("512", 512.3, Kind::Time),
        ] {
            assert!(same(text, (value, kind)), "{text} is {value}");
        }
        for (text, value, kind) in [
            ("0.612 s", 512.3, Kind::Time),
            ("512 s", 512.3, Kind::Time),
            ("512 ms", 512.3, Kind::Other),
            ("14 %", 0.1234, Kind::Share),
            ("4,100 tok/s", 3_912.4, Kind::Other),
            ("3 levels", 3.4, Kind::Other),
            ("500", 460.0, Kind::Other),
        ] {
            assert!(!same(text, (value, kind)), "{text} is not {value}");
        }
    }
}
