//! What a page needs before it can ask for anything: who looks, which settings there are, which models a server has.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Who asks, and what this server is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ViewerDocument {
    /// `llm-loadtest` version.
    pub tool: String,
    pub scope: KeyScope,
    /// Name of the key that was given; null where none is needed.
    pub key: Option<String>,
    /// Whether requests need a key.
    pub keys_needed: bool,
    /// Targets that may be loaded, as patterns of the allow-list.
    pub targets: Vec<String>,
    /// Whether this server has a model that may write about results.
    pub analyst: bool,
}

/// What a key may do; each may do what those before it may.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum KeyScope {
    /// Look at everything.
    Read,
    /// Start, stop, import, and store baselines.
    Run,
    /// Delete.
    Admin,
}

impl KeyScope {
    pub const ALL: [Self; 3] = [Self::Read, Self::Run, Self::Admin];

    pub fn id(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Run => "run",
            Self::Admin => "admin",
        }
    }
}

/// The settings that a start takes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SettingsDocument {
    /// In the order of help texts.
    pub settings: Vec<SettingRow>,
}

/// One setting.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SettingRow {
    pub key: String,
    /// The heading under which help texts have it.
    pub group: String,
    /// One sentence with units and an example.
    pub help: String,
    /// What stands for the value in help texts.
    pub value: String,
    pub default: Option<String>,
    /// The only values that it takes; empty where they are free.
    pub choices: Vec<String>,
    /// Whether it is on or off.
    pub switch: bool,
    /// Whether it takes several values.
    pub repeats: bool,
}

/// What a server says that it serves.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ModelsDocument {
    pub server: String,
    pub models: Vec<String>,
}
