//! A recommendation as Markdown.

use crate::document::v1::{FormulaDocument, RecommendDocument};
use crate::report::recommend::{HEADER, asked, calibration, headline, refused, rows};
use crate::report::text::markdown;

/// Options, refusals and, folded, formulas and assumptions. Ends with a newline.
pub fn render_recommendation(document: &RecommendDocument) -> String {
    let mut out = vec![format!("### {}", markdown(&headline(document))), String::new()];
    out.extend(asked(document).iter().map(|line| format!("{}  ", markdown(line))));
    if !document.options.is_empty() {
        out.push(String::new());
        out.push(line(&HEADER.map(str::to_owned)));
        out.push(line(&HEADER.map(|_| "---".to_owned())));
        out.extend(rows(document).iter().map(|row| line(&row.each_ref().map(|cell| markdown(cell)))));
        out.push(String::new());
        out.push("Expected [at the worst, at the best efficiency]; bound: what no server beats.".to_owned());
        out.push(format!("Prices: {}.", markdown(&document.prices)));
    }
    let refused = refused(document);
    if !refused.is_empty() {
        out.push("\n#### Cannot serve it\n".to_owned());
        out.extend(refused.iter().map(|line| format!("- {}", markdown(line))));
    }
    if let Some(best) = document.options.first() {
        out.push(format!("\n<details><summary>How {} comes about</summary>\n", markdown(&best.gpu_name)));
        out.push(
            "| Number | Value | Formula | Inputs | Source |\n| --- | --- | --- | --- | --- |".to_owned(),
        );
        out.extend(best.formulas.iter().map(formula));
        out.push("\n</details>".to_owned());
    }
    out.push("\n<details><summary>Assumed</summary>\n".to_owned());
    out.extend(document.assumptions.iter().map(|own| {
        format!("- **{}:** {} ({})", markdown(&own.name), markdown(&own.value), markdown(&own.source))
    }));
    out.push("\n</details>\n".to_owned());
    out.extend(document.calibration.iter().map(|own| format!("{}\n", markdown(&calibration(own)))));
    out.extend(document.notes.iter().map(|note| markdown(note)));
    out.push(String::new());
    out.join("\n")
}

fn formula(formula: &FormulaDocument) -> String {
    let FormulaDocument { name, formula, inputs, value, unit, source } = formula;
    let inputs: Vec<String> =
        inputs.iter().map(|input| format!("{} = {:.4e} {}", input.name, input.value, input.unit)).collect();
    line(&[
        markdown(name),
        markdown(&format!("{value:.4e} {unit}")),
        markdown(formula),
        markdown(&inputs.join("; ")),
        markdown(source),
    ])
}

fn line<const N: usize>(cells: &[String; N]) -> String {
    format!("| {} |", cells.join(" | "))
}
