//! The simulator's tokenizer: one word, one token; no template around them.

use crate::simulator::model::BLOCK_TOKENS;

/// Tokens that one image costs, whatever is on it.
const IMAGE_TOKENS: usize = 256;
/// Ids of words are below this.
const VOCABULARY: u64 = 32_000;
/// Where FNV-1a begins.
const BASIS: u64 = 0xcbf2_9ce4_8422_2325;

/// A prompt as the model sees it.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(super) struct Prompt {
    pub tokens: usize,
    /// A hash of everything up to the end of each complete block.
    pub blocks: Vec<u64>,
    /// The id of each token.
    pub ids: Vec<u32>,
    hash: u64,
}

impl Prompt {
    /// A prompt of one text.
    pub(super) fn of(text: &str) -> Self {
        let mut prompt = Self::default();
        prompt.read(text);
        prompt
    }

    pub(super) fn read(&mut self, text: &str) {
        for word in text.split_whitespace() {
            self.token(word.as_bytes(), (fnv(BASIS, word.as_bytes()) % VOCABULARY) as u32);
        }
    }

    /// A token that was given by its number.
    pub(super) fn id(&mut self, id: u64) {
        self.token(&id.to_le_bytes(), id as u32);
    }

    /// An image, told apart from others by its address or data.
    pub(super) fn image(&mut self, source: &str) {
        self.token(source.as_bytes(), 0);
        (1..IMAGE_TOKENS).for_each(|_| self.token(b"image", 0));
    }

    /// A number that depends on every token.
    pub(super) fn mark(&self) -> u64 {
        // Spread over all bits, of which FNV-1a leaves the low ones too regular.
        (self.hash ^ (self.hash >> 32)).wrapping_mul(0x9e37_79b9_7f4a_7c15)
    }

    /// The hash covers the token and a separator, after all before it.
    fn token(&mut self, bytes: &[u8], id: u32) {
        let before = if self.tokens == 0 { BASIS } else { self.hash };
        self.hash = fnv(fnv(before, bytes), b" ");
        self.ids.push(id);
        self.tokens += 1;
        if self.tokens.is_multiple_of(BLOCK_TOKENS as usize) {
            self.blocks.push(self.hash);
        }
    }
}

/// FNV-1a.
fn fnv(before: u64, bytes: &[u8]) -> u64 {
    bytes.iter().fold(before, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3))
}

/// The word of one generated token, with its leading space.
pub(super) fn word(request: u64, index: u32) -> &'static str {
    WORDS[place(request, index)]
}

/// The id of one generated token, far from zero, where real vocabularies keep what is special.
pub(super) fn word_id(request: u64, index: u32) -> u32 {
    1_000 + place(request, index) as u32
}

fn place(request: u64, index: u32) -> usize {
    (request.wrapping_mul(31) + u64::from(index) * 7) as usize % WORDS.len()
}

/// As many words as a prime, so that steps of any length pass through all of them.
const WORDS: [&str; 47] = [
    " the", " river", " of", " light", " and", " a", " small", " house", " on", " hill", " where", " people",
    " walk", " in", " morning", " with", " bread", " from", " town", " to", " see", " water", " fall",
    " under", " old", " trees", " while", " birds", " sing", " over", " green", " fields", " until",
    " evening", " comes", " slow", " rain", " makes", " new", " paths", " through", " stone", " or", " sand",
    " then", " quiet", " again",
];
