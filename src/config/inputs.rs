//! The inputs of the action, made from the settings table: for `action.yml`, for its form on the runner, and for the documentation.

use std::fmt::Write as _;

use super::setting::{Setting, Shape};
use super::settings::SETTINGS;

/// Members of `inputs:` in `action.yml`. An input that is left empty was not given, so defaults are told in words only.
pub fn action_inputs() -> String {
    let mut text = String::new();
    for setting in SETTINGS {
        let description = serde_json::json!(described(setting)).to_string();
        put(&mut text, format_args!("  {}:\n    description: {description}\n", setting.key));
        if let Some(value) = expression(setting.key) {
            put(&mut text, format_args!("    default: {value}\n"));
        }
    }
    text
}

/// Members of `env:` for a step of a composite action, which gets no `INPUT_…` variables by itself.
pub fn action_environment() -> String {
    let mut text = String::new();
    for setting in SETTINGS {
        put(&mut text, format_args!("        {}: ${{{{ inputs.{} }}}}\n", setting.input(), setting.key));
    }
    text
}

/// A Markdown table of every input, in groups.
pub fn inputs_table() -> String {
    let mut text = String::new();
    let mut group = None;
    for setting in SETTINGS {
        if group != Some(setting.group) {
            group = Some(setting.group);
            let title = setting.group.title();
            put(
                &mut text,
                format_args!("\n### {title}\n\n| input | default | what it says |\n|---|---|---|\n"),
            );
        }
        let default = match setting.default {
            None => String::new(),
            Some(text) => format!("`{text}`"),
        };
        let help = setting.help.replace('|', "\\|").replace('<', "&lt;");
        put(&mut text, format_args!("| `{}` | {default} | {help} |\n", setting.key));
    }
    text
}

fn described(setting: &Setting) -> String {
    let lines =
        if setting.shape.repeats() && setting.shape != Shape::Json { "; several one a line" } else { "" };
    match setting.default {
        Some(default) => format!("{}{lines} (default: {default})", setting.help),
        None => format!("{}{lines}", setting.help),
    }
}

/// What only the workflow knows.
fn expression(key: &str) -> Option<&'static str> {
    match key {
        "github-token" => Some("${{ github.token }}"),
        "matrix" => Some("${{ toJSON(matrix) }}"),
        _ => None,
    }
}

/// Writing to a string cannot fail.
fn put(text: &mut String, more: std::fmt::Arguments<'_>) {
    let written = text.write_fmt(more);
    debug_assert!(written.is_ok());
}
