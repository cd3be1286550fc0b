//! A recommendation on a terminal.

use super::style::{Paint, Style, table};
use crate::document::v1::{FormulaDocument, RecommendDocument};
use crate::report::number::{significant, tidy};
use crate::report::recommend::{HEADER, asked, calibration, headline, refused, rows};
use crate::report::text::plain;

/// Options, refusals, how the first option's numbers came about, and what was assumed. Ends with a newline.
pub fn render_recommendation(document: &RecommendDocument, style: Style) -> String {
    let mut out = vec![style.paint(Paint::Bold, &plain(&headline(document)))];
    out.extend(asked(document).iter().map(|line| plain(line)));
    let rows: Vec<Vec<String>> = rows(document).into_iter().map(Vec::from).collect();
    if !rows.is_empty() {
        out.push(String::new());
        out.extend(table(&HEADER, &rows, Some(4), style));
        out.push(" expected [at the worst, at the best efficiency]; bound: what no server beats".to_owned());
        out.push(format!(" prices: {}", plain(&document.prices)));
    }
    section(&mut out, "Cannot serve it:", &refused(document));
    if let Some(best) = document.options.first() {
        let lines: Vec<String> = best.formulas.iter().flat_map(lines).collect();
        section(&mut out, &format!("How {} comes about:", best.gpu_name), &lines);
    }
    let assumed: Vec<String> = document
        .assumptions
        .iter()
        .map(|own| format!("{}: {} ({})", own.name, own.value, own.source))
        .collect();
    section(&mut out, "Assumed:", &assumed);
    out.push(String::new());
    out.extend(document.calibration.iter().map(|own| plain(&calibration(own))));
    out.extend(document.notes.iter().map(|note| plain(note)));
    out.push(String::new());
    out.join("\n")
}

fn section(out: &mut Vec<String>, title: &str, lines: &[String]) {
    if !lines.is_empty() {
        out.push(String::new());
        out.push(title.to_owned());
        out.extend(lines.iter().map(|line| format!(" {}", plain(line))));
    }
}

fn lines(formula: &FormulaDocument) -> [String; 2] {
    let FormulaDocument { name, formula, inputs, value, unit, source } = formula;
    let inputs: Vec<String> = inputs
        .iter()
        .map(|input| {
            format!("{} = {} {}", input.name, readable(input.value), input.unit).trim_end().to_owned()
        })
        .collect();
    [
        format!("{name} = {} {unit} = {formula}", readable(*value)),
        format!("  {}; {source}", inputs.join(", ")),
    ]
}

/// Large numbers with an exponent, as physics writes them.
fn readable(value: f64) -> String {
    match value.abs() {
        large if large >= 1e6 => format!("{value:.3e}"),
        small if small < 1e-2 && small > 0.0 => format!("{value:.3e}"),
        whole if (whole - whole.round()).abs() < 1e-9 => tidy(value).to_string(),
        _ => significant(value),
    }
}
