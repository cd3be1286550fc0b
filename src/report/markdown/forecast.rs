//! A forecast as Markdown.

use crate::document::v1::ForecastDocument;
use crate::report::forecast::{HEADER, cost, headline, notes, rows, stored};
use crate::report::text::markdown;

/// The forecast as a table and what follows from it. Ends with a newline.
pub fn render_forecast(forecast: &ForecastDocument) -> String {
    let line = |cells: &[String]| format!("| {} |", cells.join(" | "));
    let mut out = vec![format!("### {}", markdown(&headline(forecast)))];
    let rows = rows(forecast);
    if !rows.is_empty() {
        out.push(String::new());
        out.push(line(&HEADER.map(str::to_owned)));
        out.push(line(&std::array::from_fn::<String, 9, _>(|at| {
            if at == 0 { "---" } else { "---:" }.to_owned()
        })));
        out.extend(rows.iter().map(|row| line(&row.each_ref().map(|cell| markdown(cell)))));
        out.push(String::new());
        out.push(format!("<sub>{}</sub>", markdown(&notes(forecast).join(" · "))));
    }
    let list = |text: &str| format!("- {}", markdown(text));
    let stored = stored(forecast);
    if !stored.is_empty() {
        out.push(String::new());
        out.push("Against stored sessions:".to_owned());
        out.push(String::new());
        out.extend(stored.iter().map(|text| list(text)));
    }
    out.push(String::new());
    out.extend(cost(forecast).iter().chain(&forecast.advice).map(|text| list(text)));
    out.push(String::new());
    out.join("\n")
}
