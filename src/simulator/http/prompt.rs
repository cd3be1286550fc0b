//! The simulator's tokenizer: one word, one token; no template around them.

use crate::simulator::model::BLOCK_TOKENS;

/// A prompt as the model sees it.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Prompt {
    pub tokens: usize,
    /// A hash of everything up to the end of each complete block.
    pub blocks: Vec<u64>,
    hash: u64,
}

impl Prompt {
    pub(super) fn read(&mut self, text: &str) {
        text.split_whitespace().for_each(|word| self.token(word.as_bytes()));
    }

    /// FNV-1a over the token and a separator.
    pub(super) fn token(&mut self, bytes: &[u8]) {
        const BASIS: u64 = 0xcbf2_9ce4_8422_2325;
        let before = if self.tokens == 0 { BASIS } else { self.hash };
        self.hash = bytes
            .iter()
            .chain(b" ")
            .fold(before, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3));
        self.tokens += 1;
        if self.tokens.is_multiple_of(BLOCK_TOKENS as usize) {
            self.blocks.push(self.hash);
        }
    }
}

/// The word of one generated token, with its leading space.
pub(super) fn word(request: u64, index: u32) -> &'static str {
    WORDS[(request.wrapping_mul(31) + u64::from(index) * 7) as usize % WORDS.len()]
}

/// As many words as a prime, so that steps of any length pass through all of them.
const WORDS: [&str; 47] = [
    " the", " river", " of", " light", " and", " a", " small", " house", " on", " hill", " where", " people",
    " walk", " in", " morning", " with", " bread", " from", " town", " to", " see", " water", " fall",
    " under", " old", " trees", " while", " birds", " sing", " over", " green", " fields", " until",
    " evening", " comes", " slow", " rain", " makes", " new", " paths", " through", " stone", " or", " sand",
    " then", " quiet", " again",
];
