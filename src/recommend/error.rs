//! What is wrong with a question of capacity.

use crate::base::Hint;

/// Each names the field and its value.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RecommendError {
    #[error("the model '{name}' is not among the built-in ones{}", near_words(near))]
    UnknownModel { name: String, near: Vec<String> },
    #[error("the GPU '{name}' is not known; known are {known}")]
    UnknownGpu { name: String, known: String },
    #[error("config.json: {problem}")]
    Config { problem: String },
    #[error("{field} {value}: {problem}")]
    Value { field: &'static str, value: String, problem: String, hint: &'static str },
    #[error("the measured result '{name}' cannot calibrate: {problem}")]
    Measured { name: String, problem: String, hint: &'static str },
}

impl RecommendError {
    /// The next step.
    pub fn hint(&self) -> Hint {
        Hint::new(match self {
            Self::UnknownModel { .. } => {
                "give its config.json with --config-json, or --parameters, --layers, --kv-heads and --head-dim"
            }
            Self::UnknownGpu { .. } => "name one of them with --gpu, or leave it out to compare all",
            Self::Config { .. } => "give the config.json that lies beside the model's weights on its hub",
            Self::Value { hint, .. } | Self::Measured { hint, .. } => hint,
        })
    }
}

fn near_words(near: &[String]) -> String {
    if near.is_empty() { String::new() } else { format!("; nearest are {}", near.join(", ")) }
}
