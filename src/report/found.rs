//! Findings as people read them: one line for what was found in several rounds, the worst first.

use std::collections::BTreeSet;

use super::text::{clip, plain};
use crate::document::v1::{FindingDocument, ImportedDocument};

/// Findings of one kind at one level.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Found<'a> {
    /// The first of them; its message speaks for all.
    pub(super) first: &'a FindingDocument,
    /// `c=32, rounds 1, 2`; empty for the whole run.
    pub(super) place: String,
}

/// 0 for what forbids a verdict, then warnings, then the rest.
pub(super) fn rank(finding: &FindingDocument) -> u8 {
    match finding.severity.as_str() {
        "invalid" => 0,
        "warning" => 1,
        _ => 2,
    }
}

/// `a result of vllm bench serve 0.11, measured 20260102-030405`: whose numbers these are, where they are not ours.
pub(super) fn origin(imported: &ImportedDocument) -> String {
    let ImportedDocument { source: _, version, measured, files: _, unsaid: _ } = imported;
    let version = version.as_ref().map(|version| format!(" {version}"));
    let measured = measured.as_ref().map(|when| format!(", measured {when}"));
    let words = [version, measured].into_iter().flatten().collect::<String>();
    format!("a result of {}{}", plain(imported.title()), plain(&clip(&words, 200)))
}

/// Groups what differs only in its round.
pub(super) fn grouped(findings: &[FindingDocument]) -> Vec<Found<'_>> {
    let kind =
        |finding: &FindingDocument| (finding.severity.clone(), finding.code.clone(), finding.level.clone());
    let mut groups: Vec<Vec<&FindingDocument>> = Vec::new();
    for finding in findings {
        let alike = |group: &&mut Vec<&FindingDocument>| {
            group.first().is_some_and(|first| kind(first) == kind(finding))
        };
        match groups.iter_mut().find(alike).filter(|_| finding.round.is_some()) {
            Some(group) => group.push(finding),
            None => groups.push(vec![finding]),
        }
    }
    let mut found: Vec<Found<'_>> = groups
        .iter()
        .filter_map(|group| Some(Found { first: group.first()?, place: place(group) }))
        .collect();
    found.sort_by_key(|found| rank(found.first));
    found
}

fn place(group: &[&FindingDocument]) -> String {
    let Some((first, rest)) = group.split_first() else {
        return String::new();
    };
    let alike = rest.iter().all(|finding| finding.message == first.message);
    let rounds = |findings: &[&FindingDocument]| {
        let numbers: BTreeSet<u32> = findings.iter().filter_map(|finding| finding.round).collect();
        let numbers: Vec<String> = numbers.iter().map(ToString::to_string).collect();
        match numbers.len() {
            0 => None,
            1 => Some(format!("round {}", numbers.concat())),
            _ => Some(format!("rounds {}", numbers.join(", "))),
        }
    };
    let when = if alike { rounds(group) } else { rounds(&[first]) };
    let parts: Vec<String> = first.level.iter().cloned().chain(when).collect();
    // Shards of a merged result say the same about one round.
    let same_round = rest.iter().all(|finding| finding.round == first.round);
    let more = match rounds(rest) {
        Some(_) if alike => None,
        Some(_) if same_round => Some(format!("; {} more alike", rest.len())),
        rounds => rounds.map(|rounds| format!("; alike in {rounds}")),
    };
    format!("{}{}", parts.join(", "), more.unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn finding(severity: &str, code: &str, message: &str, round: Option<u32>) -> FindingDocument {
        FindingDocument {
            severity: severity.to_owned(),
            code: code.to_owned(),
            message: message.to_owned(),
            hint: None,
            level: Some("c=8".to_owned()),
            round,
        }
    }

    #[test]
    fn rounds_are_gathered_and_the_worst_comes_first() {
        let findings = [
            finding("info", "thin", "few requests", Some(1)),
            finding("warning", "lag", "3 ms late", Some(1)),
            finding("info", "thin", "few requests", Some(2)),
            finding("warning", "lag", "4 ms late", Some(3)),
            finding("invalid", "gpus", "another GPU", None),
            finding("warning", "errors", "shard 0/3: 7 failed", Some(1)),
            finding("warning", "errors", "shard 2/3: 8 failed", Some(1)),
        ];
        let lines: Vec<String> = grouped(&findings)
            .iter()
            .map(|found| format!("{} ({})", found.first.message, found.place))
            .collect();
        insta::assert_snapshot!(lines.join("\n"), @r"
        another GPU (c=8)
        3 ms late (c=8, round 1; alike in round 3)
        shard 0/3: 7 failed (c=8, round 1; 1 more alike)
        few requests (c=8, rounds 1, 2)
        ");
    }
}
