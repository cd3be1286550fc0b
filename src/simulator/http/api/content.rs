//! What a message may hold: text, or parts that are text or images, as OpenAI and Anthropic write them.

use serde::Deserialize;
use serde_json::Value;

use crate::simulator::http::prompt::Prompt;

#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub(super) enum Content {
    Text(String),
    Parts(Vec<Part>),
}

#[derive(Debug, Deserialize)]
pub(super) struct Part {
    text: Option<String>,
    /// OpenAI's: an address or an object that holds one.
    image_url: Option<Value>,
    /// Anthropic's: an object with an address or data.
    source: Option<Value>,
}

impl Content {
    pub(super) fn read(&self, prompt: &mut Prompt) {
        match self {
            Self::Text(text) => prompt.read(text),
            Self::Parts(parts) => parts.iter().for_each(|part| part.read(prompt)),
        }
    }
}

impl Part {
    fn read(&self, prompt: &mut Prompt) {
        if let Some(text) = &self.text {
            prompt.read(text);
        }
        if let Some(image) = self.image_url.as_ref().or(self.source.as_ref()) {
            prompt.image(&image.to_string());
        }
    }
}
