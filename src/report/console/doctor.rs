//! A doctor's report on a terminal.

use super::style::{Paint, Style};
use crate::document::v1::{CheckDocument, DoctorDocument};
use crate::report::doctor::{headline, lines, troubles};
use crate::report::text::plain;

/// One line per check, and the diagnoses below. Ends with a newline.
pub fn render_doctor(document: &DoctorDocument, style: Style) -> String {
    let mut out = vec![style.paint(Paint::Bold, &plain(&headline(document))), String::new()];
    let width = document.checks.iter().map(|check| check.name.len()).max().unwrap_or(0);
    out.extend(document.checks.iter().map(|check| line(check, width, style)));
    for (check, diagnosis) in troubles(document) {
        out.push(String::new());
        out.push(label(check, style));
        out.extend(lines(diagnosis).map(|(word, text)| format!("  {word:<9} {}", plain(text))));
    }
    out.push(String::new());
    out.join("\n")
}

fn line(check: &CheckDocument, width: usize, style: Style) -> String {
    let CheckDocument { name, standing, found, diagnosis: _ } = check;
    let mark = match standing.as_str() {
        "ok" => style.paint(Paint::Green, "ok     "),
        "warning" => style.paint(Paint::Yellow, "warning"),
        "failed" => style.paint(Paint::Red, "failed "),
        _ => "skipped".to_owned(),
    };
    format!(" {mark}  {name:<width$}  {}", plain(found))
}

fn label(check: &CheckDocument, style: Style) -> String {
    let paint = if check.standing == "failed" { Paint::Red } else { Paint::Yellow };
    format!("{}: {}", style.paint(paint, &check.standing), check.name)
}
