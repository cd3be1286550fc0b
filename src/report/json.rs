//! The document itself.

use crate::document::v1::RunDocument;

/// Pretty JSON with sorted keys and a final newline: the text of `result.json`.
pub fn render(run: &RunDocument) -> String {
    run.to_json()
}
