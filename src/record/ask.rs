//! One request as the schedule words it, before any protocol gives it bytes.

/// What to ask of the server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ask {
    /// Position in the level's schedule, from 0; warm-up requests count on their own.
    pub index: u64,
    /// The user's text.
    pub prompt: String,
    /// Tokens that the prompt was built to have, where a tokenizer or the word rule says so.
    pub prompt_tokens: Option<u32>,
    /// Output tokens asked for (`max_tokens`); none leaves it to the server.
    pub output_tokens: Option<u32>,
}
