//! The same ask without its secrets, as it may be kept.

use crate::config::{Setting, named};
use crate::document::v1::service::{BenchmarkAsk, SettingValue};

/// What stands in the place of a secret in an ask that is kept.
const MASK: &str = "***";

/// The ask as it may be kept: keys and the values of headers and fields that look like one are masked.
pub fn masked(ask: &BenchmarkAsk) -> BenchmarkAsk {
    let mut ask = ask.clone();
    for (name, value) in &mut ask.settings {
        let Ok(setting) = named(name) else { continue };
        if setting.secret || matches!(setting.key, "header" | "extra-body") {
            mask(setting, value);
        }
    }
    // YAML can hide a value from any search by lines, so that a text which may hold a secret is not kept at all.
    ask.config = ask.config.map(|text| if is_secret(&text) { MASK.to_owned() } else { text });
    ask
}

/// Whether something was masked in it, so that it cannot be started from what was kept.
pub fn was_masked(ask: &BenchmarkAsk) -> bool {
    fn has(value: &SettingValue) -> bool {
        match value {
            SettingValue::Text(text) => text == MASK || text.ends_with(&format!(": {MASK}")),
            SettingValue::List(items) => items.iter().any(has),
            SettingValue::Switch(_) | SettingValue::Number(_) => false,
        }
    }
    ask.settings.values().any(has) || ask.config.as_deref() == Some(MASK)
}

fn mask(setting: &Setting, value: &mut SettingValue) {
    match value {
        SettingValue::List(items) => items.iter_mut().for_each(|item| mask(setting, item)),
        SettingValue::Text(text) if setting.secret => MASK.clone_into(text),
        SettingValue::Text(text) if is_secret(text) => {
            *text = match text.split_once([':', '=']) {
                Some((name, _)) if setting.key == "header" => format!("{}: {MASK}", name.trim()),
                _ => MASK.to_owned(),
            };
        }
        SettingValue::Text(_) => {}
        SettingValue::Switch(_) | SettingValue::Number(_) if !setting.secret => {}
        SettingValue::Switch(_) | SettingValue::Number(_) => *value = SettingValue::Text(MASK.to_owned()),
    }
}

/// Whether a name or a text is about something secret.
fn is_secret(text: &str) -> bool {
    const SECRET: [&str; 8] =
        ["key", "token", "secret", "password", "authorization", "cookie", "bearer", "credential"];
    const HARMLESS: [&str; 6] =
        ["tokenizer", "tokens", "api_key_env", "first-token", "first_token", "token_source"];
    let mut text = text.to_ascii_lowercase();
    for word in HARMLESS {
        text = text.replace(word, "");
    }
    SECRET.iter().any(|word| text.contains(word))
}
