//! What is asked, in a file: prompts, lengths, what they share, and the parts of a mix.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::SloDocument;
use super::number::six;
use crate::workload::{
    Cancelling, Conversation, DataFile, DataFormat, Dataset, Part, Prefix, Weighted, Workload, cancel_text,
};

/// What is not said of every workload; keys without a value are left out.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MannerDocument {
    /// Format of the file, where it was named.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dataset_format: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prompt_column: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub output_column: Option<String>,
    /// Tokens that a group of requests shares.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prefix_tokens: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prefix_groups: Option<u32>,
    /// Different prompts in all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub distinct_prompts: Option<u64>,
    /// Requests of a conversation, a number or a law, or `all`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub turns: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub think_time: Option<String>,
    /// Share of requests whose user went away, 0..=1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cancel_rate: Option<f64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cancel_after: Option<String>,
    /// Models by weight, in the order in which they are drawn.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub models: Vec<WeightDocument>,
}

/// A name and how often it is drawn in comparison with others.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct WeightDocument {
    pub name: String,
    pub weight: f64,
}

impl MannerDocument {
    /// Nothing special about it.
    pub(super) fn is_plain(&self) -> bool {
        *self == Self::default()
    }
}

/// One workload of a mix.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PartDocument {
    pub name: String,
    pub weight: f64,
    pub input_tokens: String,
    pub output_tokens: Option<String>,
    pub dataset: String,
    pub ignore_eos: bool,
    pub cache: String,
    #[serde(default, skip_serializing_if = "MannerDocument::is_plain")]
    pub manner: MannerDocument,
    pub slos: Vec<SloDocument>,
    /// Fields in which its requests differ from the run's, as JSON text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body: Option<String>,
}

/// The facts that a workload and a part both have.
pub(super) struct AskedDocument {
    pub(super) input_tokens: String,
    pub(super) output_tokens: Option<String>,
    pub(super) dataset: String,
    pub(super) manner: MannerDocument,
}

impl AskedDocument {
    /// The only part's, or `mix` where the parts tell it.
    pub(super) fn of(parts: &[Part]) -> Self {
        match parts {
            [only] => Self::from(&only.workload),
            _ => Self {
                input_tokens: "mix".to_owned(),
                output_tokens: Some("mix".to_owned()),
                dataset: "mix".to_owned(),
                manner: MannerDocument::default(),
            },
        }
    }
}

impl From<&Workload> for AskedDocument {
    fn from(workload: &Workload) -> Self {
        let Workload {
            input,
            output,
            dataset,
            ignore_eos: _,
            cache: _,
            prefix,
            distinct,
            conversation,
            cancel,
            models,
        } = workload;
        let (dataset, file) = match dataset {
            Dataset::Synthetic => ("synthetic".to_owned(), None),
            Dataset::Sonnet => ("sonnet".to_owned(), None),
            Dataset::File(file) => (file.path.display().to_string(), Some(file)),
            Dataset::Trace(file) => (file.path.display().to_string(), None),
        };
        let column = |of: fn(&DataFile) -> &Option<String>| file.and_then(|file| of(file).clone());
        let talk = conversation.as_ref().map(|Conversation { turns, think }| {
            (turns.as_ref().map_or_else(|| "all".to_owned(), ToString::to_string), think)
        });
        Self {
            input_tokens: input.to_string(),
            output_tokens: output.as_ref().map(ToString::to_string),
            dataset,
            manner: MannerDocument {
                dataset_format: file
                    .map(|file| file.format)
                    .filter(|format| *format != DataFormat::Auto)
                    .map(|format| format.id().to_owned()),
                prompt_column: column(|file| &file.prompt_column),
                output_column: column(|file| &file.output_column),
                prefix_tokens: prefix.map(|Prefix { tokens, .. }| tokens),
                prefix_groups: prefix.map(|Prefix { groups, .. }| groups),
                distinct_prompts: *distinct,
                turns: talk.as_ref().map(|(turns, _)| turns.clone()),
                think_time: talk.and_then(|(_, think)| Some(think.as_ref()?.to_string())),
                cancel_rate: cancel.map(|Cancelling { share, .. }| six(share)),
                cancel_after: cancel.map(|Cancelling { after, .. }| cancel_text(after)),
                models: models.iter().map(WeightDocument::from).collect(),
            },
        }
    }
}

impl From<&Weighted> for WeightDocument {
    fn from(weighted: &Weighted) -> Self {
        let Weighted { name, weight } = weighted;
        Self { name: name.clone(), weight: six(*weight) }
    }
}

impl From<&Part> for PartDocument {
    fn from(part: &Part) -> Self {
        let Part { name, weight, workload, slos, body } = part;
        let AskedDocument { input_tokens, output_tokens, dataset, manner } = workload.into();
        Self {
            name: name.clone(),
            weight: six(*weight),
            input_tokens,
            output_tokens,
            dataset,
            ignore_eos: workload.ignore_eos,
            cache: workload.cache.id().to_owned(),
            manner,
            slos: slos.iter().map(SloDocument::from).collect(),
            body: body.clone(),
        }
    }
}
