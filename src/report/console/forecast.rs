//! A forecast on a terminal.

use super::style::{Paint, Style, table};
use crate::document::v1::ForecastDocument;
use crate::report::forecast::{HEADER, cost, headline, notes, rows, stored};
use crate::report::text::plain;

/// The forecast as a table and what follows from it. Ends with a newline.
pub fn render_forecast(forecast: &ForecastDocument, style: Style) -> String {
    let mut out = vec![style.paint(Paint::Bold, &plain(&headline(forecast)))];
    let rows: Vec<Vec<String>> = rows(forecast).into_iter().map(Vec::from).collect();
    if !rows.is_empty() {
        out.push(String::new());
        out.extend(table(&HEADER, &rows, None, style));
        out.extend(notes(forecast).into_iter().map(|note| format!(" {note}")));
    }
    let stored = stored(forecast);
    if !stored.is_empty() {
        out.push(String::new());
        out.push("Against stored sessions:".to_owned());
        out.extend(stored.into_iter().map(|line| format!(" {line}")));
    }
    out.push(String::new());
    out.extend(cost(forecast));
    out.extend(forecast.advice.iter().map(|sentence| plain(sentence)));
    out.push(String::new());
    out.join("\n")
}
