//! What the comment folds away, most useful first.

use super::comment::sentence;
use super::options::MarkdownOptions;
use crate::document::v1::{FindingDocument, JudgementDocument, RuleDocument, RunDocument, VerdictDocument};
use crate::record::{MetricKey, Unit};
use crate::report::cell::{Cell, gates, judged_how, title, worth_a_look};
use crate::report::command::quoted;
use crate::report::found::{Found, grouped, origin, rank};
use crate::report::hardware;
use crate::report::number::{change, plural, quantity};
use crate::report::server;
use crate::report::text::fence;

/// Every fold that has something to say.
pub(super) fn all(run: &RunDocument, options: &MarkdownOptions) -> Vec<String> {
    let verdict = run.verdict.as_ref();
    [
        findings(&run.findings),
        verdict.map(|verdict| fold("How this was judged", &how_lines(verdict).join("\n"))),
        options.reproduce.as_deref().map(|line| reproduce(line, options)),
        verdict.and_then(|verdict| rounds(run, verdict)),
        gpus(run),
        servers(run),
        Some(environment(run)),
        verdict.and_then(|verdict| others(run, verdict)),
    ]
    .into_iter()
    .flatten()
    .collect()
}

pub(super) fn fold(summary: &str, body: &str) -> String {
    // The blank lines let GitHub read the body as Markdown.
    format!("<details><summary>{summary}</summary>\n\n{}\n\n</details>\n", body.trim_end())
}

pub(super) fn finding_lines(findings: &[FindingDocument]) -> Vec<String> {
    grouped(findings).iter().map(finding).collect()
}

fn findings(findings: &[FindingDocument]) -> Option<String> {
    let lines = finding_lines(findings);
    let mark = if findings.iter().any(|finding| rank(finding) < 2) { "⚠️ " } else { "" };
    let summary = format!("{mark}{}", plural(lines.len() as u64, "finding"));
    (!lines.is_empty()).then(|| fold(&summary, &lines.join("\n")))
}

fn finding(found: &Found<'_>) -> String {
    let Found { first, place } = found;
    let place = if place.is_empty() { String::new() } else { format!(", {place}") };
    let hint = first.hint.as_ref().map(|hint| format!(" *Hint:* {}", sentence(hint)));
    format!(
        "- **{}**{}: {}{}",
        sentence(&first.severity),
        sentence(&place),
        sentence(&first.message),
        hint.unwrap_or_default()
    )
}

/// The command line, in the container where an image is known.
pub(super) fn reproduce(line: &str, options: &MarkdownOptions) -> String {
    let inside = options.image.as_ref().zip(line.strip_prefix("llm-loadtest "));
    let command = inside.map(|(image, words)| {
        format!("docker run --rm --network host -v \"$PWD:/w\" -w /w {} {words}", quoted(image))
    });
    fold("Reproduce locally", &fence("sh", command.as_deref().unwrap_or(line)))
}

/// What the verdict rests on, as a list.
pub(super) fn how_lines(verdict: &VerdictDocument) -> Vec<String> {
    let mut lines = vec![format!("- {}", sentence(&judged_how(verdict)))];
    let by_tolerance = |cell: &&JudgementDocument| matches!(cell.rule, RuleDocument::Tolerance { .. });
    let detectable = verdict.cells.iter().filter(by_tolerance).filter_map(|cell| {
        let size = change(cell.detectable?, unit(&cell.metric) == Unit::Ratio);
        Some(format!("{} {}", title(&cell.metric), size.trim_start_matches(['+', '-'])))
    });
    let detectable: Vec<String> = detectable.collect();
    if !detectable.is_empty() {
        lines.push(format!(
            "- Would have failed, with 80% probability, on a worsening of: {}",
            sentence(&detectable.join(", "))
        ));
    }
    if verdict.common_shift.is_some() {
        lines.push(
            "- All judged numbers moved the same way, which points at the machine or the baseline."
                .to_owned(),
        );
    }
    if let Some(names) = worth_a_look(verdict) {
        lines.push(format!("- Worth a look, not part of the verdict: {}", sentence(&names)));
    }
    lines
}

fn unit(key: &str) -> Unit {
    key.parse::<MetricKey>().map_or(Unit::Milliseconds, |key| key.metric.unit())
}

fn rounds(run: &RunDocument, verdict: &VerdictDocument) -> Option<String> {
    let many = run.levels.len() > 1;
    let rows: Vec<String> = verdict
        .cells
        .iter()
        .filter(|cell| gates(cell) && !cell.rounds.is_empty())
        .map(|cell| {
            let shown = |value: &f64| quantity(*value, unit(&cell.metric));
            let values: Vec<String> = if cell.baseline_rounds.len() == cell.rounds.len() {
                let pairs = cell.baseline_rounds.iter().zip(&cell.rounds);
                pairs.map(|(base, now)| format!("{} → {}", shown(base), shown(now))).collect()
            } else {
                cell.rounds.iter().map(shown).collect()
            };
            format!(
                "| {} | {} | {} |",
                sentence(&Cell::new(cell, many).title),
                values.join(" · "),
                cell.samples
            )
        })
        .collect();
    let seeds: Vec<String> = run.rounds.iter().map(|round| round.seed.to_string()).collect();
    let mut body =
        format!("| metric | rounds, in order | samples per round |\n|---|---|--:|\n{}", rows.join("\n"));
    if !seeds.is_empty() {
        let line = format!("\n\nSeeds: {}", seeds.join(", "));
        body.push_str(&line);
    }
    if let Some(pairs) = run.pairs.as_ref().filter(|pairs| !pairs.first.is_empty()) {
        let line = format!("\n\nFirst in each pair: {}", pairs.first.join(", "));
        body.push_str(&line);
    }
    if run.carried > 0 {
        let line =
            format!("\n\n{} of them were measured by earlier gates of the same question.", run.carried);
        body.push_str(&line);
    }
    (!rows.is_empty()).then(|| fold("Rounds and seeds", &body))
}

fn gpus(run: &RunDocument) -> Option<String> {
    let many = run.levels.len() > 1;
    let levels: Vec<String> = run
        .levels
        .iter()
        .filter_map(|level| {
            let row = |row: [String; 8]| format!("| {} |", row.map(|cell| sentence(&cell)).join(" | "));
            let rows: Vec<String> = hardware::rows(level).into_iter().map(row).collect();
            let table = (!rows.is_empty()).then(|| {
                let header = hardware::HEADER.join(" | ");
                format!("| {header} |\n|---|--:|--:|--:|--:|--:|--:|--:|\n{}", rows.join("\n"))
            });
            let energy = hardware::energy(level).map(|energy| format!("Energy: {}", sentence(&energy)));
            let remarks = hardware::remarks(level).into_iter().map(|remark| sentence(&remark));
            let log = hardware::log(level).map(|log| format!("Server's log: {}", sentence(&log)));
            let parts: Vec<String> = table.into_iter().chain(energy).chain(log).chain(remarks).collect();
            let title = if many { format!("**{}**\n\n", sentence(&level.label)) } else { String::new() };
            (!parts.is_empty()).then(|| format!("{title}{}", parts.join("\n\n")))
        })
        .collect();
    (!levels.is_empty()).then(|| fold("Hardware and server", &levels.join("\n\n")))
}

/// What the server said of each level.
fn servers(run: &RunDocument) -> Option<String> {
    let lines: Vec<String> = run
        .levels
        .iter()
        .filter_map(|level| {
            let line = server::line(server::engine(level)?);
            Some(format!("- {}: {}", sentence(&level.label), sentence(&line)))
        })
        .collect();
    (!lines.is_empty()).then(|| fold("The server's own numbers", &lines.join("\n")))
}

fn environment(run: &RunDocument) -> String {
    let environment = &run.environment;
    let mut gpus: Vec<String> = environment.gpus.iter().map(|gpu| gpu.name.clone()).collect();
    gpus.extend(environment.gpu_driver.iter().map(|driver| format!("driver {driver}")));
    if let Some(imported) = &run.imported {
        let lines = [
            ("model", run.fingerprint.model.clone()),
            ("measured by", origin(imported)),
            ("files", imported.files.join(", ")),
        ];
        let body: Vec<String> =
            lines.iter().map(|(name, value)| format!("- {name}: {}", sentence(value))).collect();
        return fold("Origin", &body.join("\n"));
    }
    let workload = &run.plan.workload;
    let output = workload.output_tokens.as_deref().unwrap_or("any");
    let lines = [
        ("model", run.fingerprint.model.clone()),
        ("hardware", run.fingerprint.hardware.clone()),
        ("server", environment.server.clone().unwrap_or_default()),
        ("target", format!("{} ({})", run.plan.target.url, environment.network_path)),
        (
            "workload",
            format!(
                "{} {} API, {} input and {output} output tokens, {} cache, {}",
                run.name, workload.api, workload.input_tokens, workload.cache, run.fingerprint.workload_hash
            ),
        ),
        ("GPUs", gpus.join(", ")),
        ("client", format!("{}, {} cores, {}", environment.cpu, environment.cpu_cores, environment.os)),
        ("seed", run.plan.seed.to_string()),
    ];
    let body: Vec<String> = lines
        .into_iter()
        .filter(|(_, value)| !value.is_empty())
        .map(|(name, value)| format!("- {name}: {}", sentence(&value)))
        .collect();
    fold("Environment", &body.join("\n"))
}

fn others(run: &RunDocument, verdict: &VerdictDocument) -> Option<String> {
    let reported: Vec<&JudgementDocument> = verdict.cells.iter().filter(|cell| !gates(cell)).collect();
    let many = run.levels.len() > 1;
    let rows: Vec<String> = reported
        .iter()
        .map(|judgement| {
            let cell = Cell::new(judgement, many);
            format!(
                "| {} | {} | {} | {} {} |",
                sentence(&cell.title),
                cell.baseline,
                cell.now,
                cell.change,
                cell.interval
            )
        })
        .collect();
    let body = format!("| metric | baseline | now | change |\n|---|--:|--:|--:|\n{}", rows.join("\n"));
    let summary = format!("{}, reported and not gated", plural(rows.len() as u64, "more metric"));
    (!rows.is_empty()).then(|| fold(&summary, &body))
}
