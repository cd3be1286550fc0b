//! One comment for the legs of a matrix: the worst verdict first, a table of all, then each leg in a fold.

use super::comment::{emoji, foot, key, marker, missing, next, notes, sentence, short};
use super::fit::{Part, fit};
use super::options::MarkdownOptions;
use super::{folds, table};
use crate::document::v1::{DecisionDocument, RunDocument, VerdictDocument};
use crate::report::cell::{Cell, gates};
use crate::report::command;
use crate::report::number::plural;

/// The results of several jobs, each under the label of its leg, within the limit: folds go first, then rows of the table.
/// Without a key of the options the first result's is taken.
pub fn render_many(runs: &[(&RunDocument, &str)], options: &MarkdownOptions) -> String {
    let mut legs: Vec<Leg<'_>> = runs.iter().map(|&(run, label)| Leg { run, label }).collect();
    legs.sort_by_key(Leg::rank);
    let own = runs.first().map(|(run, _)| key(run)).unwrap_or_default();
    let mut parts = vec![Part::must(format!(
        "{}\n{}",
        marker(options.key.as_ref().unwrap_or(&own)),
        head(&legs, options)
    ))];
    parts.extend(notes(&options.notes));
    parts.push(Part::must("| leg | verdict | worst number | change | limit |\n|---|---|---|--:|--:|\n"));
    parts.extend(legs.iter().map(|leg| Part::row(leg.row())));
    parts.push(Part::must("\n"));
    parts.extend(legs.iter().map(|leg| Part::fold(leg.fold(options))));
    let (tool, created) = runs.first().map_or(("", ""), |(run, _)| (run.tool.as_str(), run.created.as_str()));
    parts.push(foot(tool, created, options));
    fit(&parts, options.limit, |rank, gone| missing(rank, gone, options))
}

/// `2 of 3 fail. h100: TTFT p95 is 22.1 % slower …`.
fn head(legs: &[Leg<'_>], options: &MarkdownOptions) -> String {
    let title = short(&options.title);
    let colon = if title.is_empty() { "" } else { ": " };
    let Some((worst, verdict)) = legs.first().and_then(|leg| Some((leg, leg.verdict()?))) else {
        return format!("### {title}{colon}{}\n\n", plural(legs.len() as u64, "result"));
    };
    let alike = legs.iter().filter(|leg| leg.rank() == worst.rank()).count();
    let all = legs.len();
    let word = match verdict.decision {
        DecisionDocument::Fail if alike == 1 => "fails",
        DecisionDocument::Fail => "fail",
        DecisionDocument::Invalid if alike == 1 => "is invalid",
        DecisionDocument::Invalid => "are invalid",
        DecisionDocument::Inconclusive if alike == 1 => "is inconclusive",
        DecisionDocument::Inconclusive => "are inconclusive",
        DecisionDocument::Pass if alike == 1 => "passes",
        DecisionDocument::Pass => "pass",
    };
    let count = if alike == all && all > 1 { format!("all {all}") } else { format!("{alike} of {all}") };
    let said = if verdict.decision == DecisionDocument::Pass {
        String::new()
    } else {
        format!(". {}: {}", short(worst.label), sentence(&verdict.headline))
    };
    format!("### {} {title}{colon}{count} {word}{said}\n{}", emoji(verdict), next(verdict))
}

struct Leg<'a> {
    run: &'a RunDocument,
    label: &'a str,
}

impl Leg<'_> {
    fn verdict(&self) -> Option<&VerdictDocument> {
        self.run.verdict.as_ref()
    }

    /// 0 for the worst.
    fn rank(&self) -> u8 {
        match self.verdict().map(|verdict| verdict.decision) {
            Some(DecisionDocument::Fail) => 0,
            Some(DecisionDocument::Invalid) => 1,
            Some(DecisionDocument::Inconclusive) => 2,
            Some(DecisionDocument::Pass) => 3,
            None => 4,
        }
    }

    fn mark(&self) -> String {
        let word = match self.rank() {
            0 => "fail",
            1 => "invalid",
            2 => "inconclusive",
            3 => "pass",
            _ => "measured",
        };
        self.verdict().map_or_else(|| word.to_owned(), |verdict| format!("{} {word}", emoji(verdict)))
    }

    /// The worst number, which comes first; what kept numbers from being judged goes before them.
    fn row(&self) -> String {
        let start = format!("| {} | {} |", short(self.label), self.mark());
        let verdict = self.verdict();
        let instead = verdict.and_then(|verdict| match verdict.decision {
            DecisionDocument::Invalid => Some(&verdict.headline),
            _ => verdict.broken_rules.first(),
        });
        if let Some(reason) = instead {
            return format!("{start} {} | - | - |\n", short(reason));
        }
        let Some(judgement) = verdict.and_then(|verdict| verdict.cells.iter().find(|cell| gates(cell)))
        else {
            return format!("{start} - | - | - |\n");
        };
        let Cell { title, baseline, now, change, limit, .. } =
            Cell::new(judgement, self.run.levels.len() > 1);
        let values = if baseline == "-" { now } else { format!("{baseline} → {now}") };
        format!("{start} {} {values} | {change} | {limit} |\n", short(&title))
    }

    fn fold(&self, options: &MarkdownOptions) -> String {
        let said =
            self.verdict().map(|verdict| format!("**{}**\n{}", sentence(&verdict.headline), next(verdict)));
        let table: String = table::parts(self.run).into_iter().map(|part| part.text).collect();
        let mut lines = self.verdict().map(folds::how_lines).unwrap_or_default();
        lines.extend(folds::finding_lines(&self.run.findings));
        let again = self.run.imported.is_none().then(|| folds::reproduce(&command::line(self.run), options));
        let body = format!(
            "{}{table}\n{}\n\n{}",
            said.unwrap_or_default(),
            lines.join("\n"),
            again.unwrap_or_default()
        );
        folds::fold(&format!("{}: {}", short(self.label), self.mark()), &body)
    }
}
