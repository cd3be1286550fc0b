//! Counting tokens: by words, by a built-in encoding, or by a local `tokenizer.json`.

use std::fmt;
use std::path::{Path, PathBuf};

use tiktoken_rs::tokenizer::{Tokenizer as Encoding, get_tokenizer};
use tiktoken_rs::{CoreBPE, bpe_for_tokenizer};
use tokenizers::Tokenizer;

/// The rule by which text becomes a number of tokens.
#[derive(Clone)]
pub enum TokenCounter {
    /// One whitespace-separated word is one token: the rule where no tokenizer is named.
    Words,
    /// One of `OpenAI`'s encodings, built in.
    Tiktoken { name: String, encoding: &'static CoreBPE },
    /// A Hugging Face `tokenizer.json` from a local file.
    HuggingFace { path: PathBuf, tokenizer: Box<Tokenizer> },
}

/// Why text cannot be counted, or prompts cannot be built.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TokenizerError {
    #[error(
        "'{name}' is no tokenizer known here; write one of {}, an OpenAI model name, or the path of a local tokenizer.json",
        names()
    )]
    Unknown { name: String },
    #[error(
        "'{name}' looks like a name on a model hub, and nothing is downloaded from there; give the local path of its tokenizer.json"
    )]
    HubName { name: String },
    #[error("failed to read the tokenizer {}: {reason}", path.display())]
    Read { path: PathBuf, reason: String },
    #[error("{} is not a tokenizer.json: {reason}", path.display())]
    Parse { path: PathBuf, reason: String },
    #[error("failed to start the encoding {name}: {reason}")]
    Encoding { name: String, reason: String },
    #[error(
        "only {usable} of the built-in English words are one token each under {counter}, too few for prompts of exact length; use a JSONL dataset with it"
    )]
    FewWords { counter: String, usable: usize },
    #[error(
        "built prompts have {got} tokens instead of {wanted} under {counter}; use a JSONL dataset with it"
    )]
    Inexact { counter: String, wanted: u32, got: u32 },
}

const ENCODINGS: [(&str, Encoding); 6] = [
    ("cl100k_base", Encoding::Cl100kBase),
    ("o200k_base", Encoding::O200kBase),
    ("o200k_harmony", Encoding::O200kHarmony),
    ("p50k_base", Encoding::P50kBase),
    ("p50k_edit", Encoding::P50kEdit),
    ("r50k_base", Encoding::R50kBase),
];

fn names() -> String {
    ENCODINGS.map(|(name, _)| name).join(", ")
}

impl TokenCounter {
    /// From what the user wrote: nothing (words), an encoding, an `OpenAI` model, or the path of a `tokenizer.json` or of
    /// the folder that holds it, which `read` fetches.
    pub fn resolve(
        name: Option<&str>,
        read: impl Fn(&Path) -> Result<Vec<u8>, String>,
    ) -> Result<Self, TokenizerError> {
        let Some(name) = name.map(str::trim).filter(|name| !name.is_empty()) else {
            return Ok(Self::Words);
        };
        let listed = ENCODINGS.into_iter().find(|(known, _)| *known == name);
        if let Some(encoding) = listed.map(|(_, encoding)| encoding).or_else(|| get_tokenizer(name)) {
            return Self::tiktoken(name, encoding);
        }
        let path = Path::new(name);
        let is_file = path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("json"));
        if is_file {
            return match read(path) {
                Ok(bytes) => Self::hugging_face(path.to_owned(), &bytes),
                Err(reason) => Err(TokenizerError::Read { path: path.to_owned(), reason }),
            };
        }
        if !name.contains('/') {
            return Err(TokenizerError::Unknown { name: name.to_owned() });
        }
        let path = path.join("tokenizer.json");
        match read(&path) {
            Ok(bytes) => Self::hugging_face(path, &bytes),
            Err(_) if is_hub_name(name) => Err(TokenizerError::HubName { name: name.to_owned() }),
            Err(reason) => Err(TokenizerError::Read { path, reason }),
        }
    }

    /// Tokens of `text` without special ones. 0 for text that a `tokenizer.json` cannot encode at all.
    pub fn count(&self, text: &str) -> u32 {
        let count = match self {
            Self::Words => text.split_whitespace().count(),
            Self::Tiktoken { encoding, .. } => encoding.count_ordinary(text),
            Self::HuggingFace { tokenizer, .. } => {
                tokenizer.encode_fast(text, false).map_or(0, |encoded| encoded.len())
            }
        };
        u32::try_from(count).unwrap_or(u32::MAX)
    }

    fn tiktoken(name: &str, encoding: Encoding) -> Result<Self, TokenizerError> {
        match bpe_for_tokenizer(encoding) {
            Ok(encoding) => Ok(Self::Tiktoken { name: name.to_owned(), encoding }),
            Err(cause) => Err(TokenizerError::Encoding { name: name.to_owned(), reason: cause.to_string() }),
        }
    }

    fn hugging_face(path: PathBuf, bytes: &[u8]) -> Result<Self, TokenizerError> {
        let parsed = Tokenizer::from_bytes(bytes).and_then(|mut tokenizer| {
            // Files often carry the training-time cut and padding, which would count a long text short.
            tokenizer.with_padding(None).with_truncation(None)?;
            Ok(tokenizer)
        });
        match parsed {
            Ok(tokenizer) => Ok(Self::HuggingFace { path, tokenizer: Box::new(tokenizer) }),
            Err(cause) => Err(TokenizerError::Parse { path, reason: cause.to_string() }),
        }
    }
}

/// `owner/name`, relative and without a dot segment.
fn is_hub_name(name: &str) -> bool {
    let parts: Vec<&str> = name.split('/').collect();
    parts.len() == 2 && parts.iter().all(|part| !part.is_empty() && !part.starts_with(['.', '~']))
}

impl fmt::Display for TokenCounter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Words => f.write_str("the word rule"),
            Self::Tiktoken { name, .. } => f.write_str(name),
            Self::HuggingFace { path, .. } => write!(f, "{}", path.display()),
        }
    }
}

impl fmt::Debug for TokenCounter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TokenCounter({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn nothing(path: &Path) -> Result<Vec<u8>, String> {
        Err(format!("no file {}", path.display()))
    }

    fn error(name: &str) -> String {
        TokenCounter::resolve(Some(name), nothing).unwrap_err().to_string()
    }

    #[test]
    fn published_examples_count_as_published() {
        let count = |name, text| TokenCounter::resolve(name, nothing).unwrap().count(text);
        assert_eq!(count(None, "  two\twords\n"), 2);
        // OpenAI's cookbook, "How to count tokens with tiktoken", prints these three.
        assert_eq!(count(Some("r50k_base"), "antidisestablishmentarianism"), 5);
        assert_eq!(count(Some("cl100k_base"), "antidisestablishmentarianism"), 6);
        assert_eq!(count(Some("gpt-4o"), "antidisestablishmentarianism"), 6);
        // A special token is text like any other.
        assert!(count(Some("cl100k_base"), "<|endoftext|>") > 1);
    }

    #[test]
    fn a_tokenizer_json_is_read_from_its_path_or_folder() {
        let file = br#"{"version":"1.0","truncation":{"direction":"Right","max_length":2,"strategy":"LongestFirst",
            "stride":0},"padding":null,"added_tokens":[],"normalizer":null,"pre_tokenizer":{"type":"Whitespace"},
            "post_processor":null,"decoder":null,
            "model":{"type":"WordLevel","vocab":{"a":0,"b":1,"?":2},"unk_token":"?"}}"#;
        let read = |path: &Path| match path.to_str() {
            Some("models/q/tokenizer.json" | "t.json") => Ok(file.to_vec()),
            _ => Err("not found".to_owned()),
        };
        for name in ["models/q", "t.json"] {
            let counter = TokenCounter::resolve(Some(name), read).unwrap();
            assert_eq!(counter.count("a b a other"), 4, "the file's cut at 2 is off");
        }
        let broken = TokenCounter::resolve(Some("t.json"), |_| Ok(b"{}".to_vec())).unwrap_err();
        assert!(matches!(broken, TokenizerError::Parse { .. }));
    }

    #[test]
    fn names_that_are_not_known_teach_what_is() {
        insta::assert_snapshot!(error("llama"), @"'llama' is no tokenizer known here; write one of cl100k_base, o200k_base, o200k_harmony, p50k_base, p50k_edit, r50k_base, an OpenAI model name, or the path of a local tokenizer.json");
        insta::assert_snapshot!(error("Qwen/Qwen3-14B"), @"'Qwen/Qwen3-14B' looks like a name on a model hub, and nothing is downloaded from there; give the local path of its tokenizer.json");
        insta::assert_snapshot!(error("./m/tokenizer.json"), @"failed to read the tokenizer ./m/tokenizer.json: no file ./m/tokenizer.json");
        insta::assert_snapshot!(error("./m"), @"failed to read the tokenizer ./m/tokenizer.json: no file ./m/tokenizer.json");
    }
}
