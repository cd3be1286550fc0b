//! Prompts of exact token length from common English words.

use std::sync::Arc;

use super::{TokenCounter, TokenizerError};
use crate::base::{Chance, Seed};

/// Common lower-case words, most of them one token each in the encodings in use.
const WORDS: &str = include_str!("words.txt");

/// Below this many usable words, prompts would repeat themselves and each other.
const WORDS_MIN: usize = 100;

/// The list's words are shorter, so that a text is built in one piece of memory.
const WORD_BYTES: usize = 8;

/// Lengths, in words, at which built prompts are counted before any is used.
const PROBES: [u32; 4] = [16, 64, 301, 1_000];

/// A source of prompts, each a pure function of its index and length.
#[derive(Debug, Clone)]
pub struct SyntheticPrompts {
    /// Words that are one token at the start of a text.
    first: Arc<[&'static str]>,
    /// Words that are one token after a space.
    next: Arc<[&'static str]>,
    /// Tokens that the counter adds to every text.
    extra: u32,
    seed: Seed,
}

impl SyntheticPrompts {
    /// Keeps the words that are one token each, so that n words make n tokens, and proves it on a sample.
    pub fn new(counter: &TokenCounter, seed: Seed) -> Result<Self, TokenizerError> {
        let all = || WORDS.split_ascii_whitespace();
        let prompts = match counter {
            TokenCounter::Words => Self { first: all().collect(), next: all().collect(), extra: 0, seed },
            TokenCounter::Tiktoken { .. } | TokenCounter::HuggingFace { .. } => {
                let alone = counter.count("the");
                // Twice one word less two words leaves what every text has once.
                let extra = (2 * alone).saturating_sub(counter.count("the the"));
                // A word after another one, because some tokenizers put a space of their own before the text.
                let follows = |word: &&str| counter.count(&format!("the {word}")) == alone + 1;
                Self {
                    first: all().filter(|word| counter.count(word) == 1 + extra).collect(),
                    next: all().filter(follows).collect(),
                    extra,
                    seed,
                }
            }
        };
        let usable = prompts.first.len().min(prompts.next.len());
        if usable < WORDS_MIN {
            return Err(TokenizerError::FewWords { counter: counter.to_string(), usable });
        }
        prompts.verify(counter)?;
        Ok(prompts)
    }

    /// The same words under another branch of chance.
    #[must_use]
    pub fn branch(&self, seed: Seed) -> Self {
        Self { seed, ..self.clone() }
    }

    /// The prompt of `index` with `tokens` tokens; at least one word. Successive prompts differ in their first word, and
    /// all others are drawn anew, so that no prefix cache can serve one prompt from another.
    pub fn prompt(&self, index: u64, tokens: u32) -> String {
        let words = tokens.saturating_sub(self.extra).max(1);
        let mut chance = self.seed.at(index).chance();
        let mut text = String::with_capacity(words as usize * WORD_BYTES);
        text.push_str(self.first[self.turn(index, &self.first)]);
        self.push(&mut text, words - 1, &mut chance);
        text
    }

    /// Adds exactly `tokens` tokens to a text that ends with a word. As with prompts, the first word of successive
    /// indices differs.
    pub fn continue_with(&self, text: &mut String, index: u64, tokens: u32) {
        if tokens == 0 {
            return;
        }
        text.reserve(tokens as usize * WORD_BYTES);
        text.push(' ');
        text.push_str(self.next[self.turn(index, &self.next)]);
        self.push(text, tokens - 1, &mut self.seed.at(index).chance());
    }

    /// A step of one through the list, from a place that the seed draws.
    fn turn(&self, index: u64, words: &[&str]) -> usize {
        (index.wrapping_add(self.seed.0 >> 1) % words.len() as u64) as usize
    }

    fn push(&self, text: &mut String, words: u32, chance: &mut Chance) {
        for _ in 0..words {
            text.push(' ');
            text.push_str(self.next[chance.below(self.next.len() as u64) as usize]);
        }
    }

    fn verify(&self, counter: &TokenCounter) -> Result<(), TokenizerError> {
        for (index, wanted) in (0..).zip(PROBES.map(|words| words + self.extra)) {
            let mut text = self.prompt(index, wanted);
            let whole = counter.count(&text);
            self.continue_with(&mut text, index, wanted);
            for (wanted, got) in [(wanted, whole), (2 * wanted, counter.count(&text))] {
                if got != wanted {
                    return Err(TokenizerError::Inexact { counter: counter.to_string(), wanted, got });
                }
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    fn counter(name: Option<&str>) -> TokenCounter {
        TokenCounter::resolve(name, |_| Err("no file".to_owned())).unwrap()
    }

    #[test]
    fn the_vocabulary_is_large_plain_and_without_repeats() {
        let words: Vec<&str> = WORDS.split_ascii_whitespace().collect();
        let set: BTreeSet<&str> = words.iter().copied().collect();
        assert!(words.len() >= 1_500);
        assert_eq!(set.len(), words.len());
        assert!(words.iter().all(|word| word.bytes().all(|byte| byte.is_ascii_lowercase())));
    }

    #[test]
    fn prompts_have_exactly_the_asked_length_under_every_built_in_encoding() {
        for name in [None, Some("cl100k_base"), Some("o200k_base"), Some("p50k_base"), Some("r50k_base")] {
            let counter = counter(name);
            let prompts = SyntheticPrompts::new(&counter, Seed(7)).unwrap();
            for (index, tokens) in [(0, 1), (1, 2), (5, 3), (900, 17), (10_000, 256), (77, 1_024)] {
                assert_eq!(counter.count(&prompts.prompt(index, tokens)), tokens, "{name:?}");
            }
        }
    }

    #[test]
    fn thousands_of_prompts_share_no_prefix_worth_caching() {
        let prompts = SyntheticPrompts::new(&TokenCounter::Words, Seed(1)).unwrap();
        let head = |index| {
            let text = prompts.prompt(index, 20);
            text.split(' ').take(4).collect::<Vec<_>>().join(" ")
        };
        let heads: BTreeSet<String> = (0..5_000).map(head).collect();
        assert_eq!(heads.len(), 5_000);
        let firsts: BTreeSet<String> = (0..2_000).map(|index| prompts.prompt(index, 1)).collect();
        assert_eq!(firsts.len(), 2_000, "successive prompts differ in their first word");
    }

    #[test]
    fn a_tokenizer_that_puts_its_own_space_before_the_text_counts_exactly_too() {
        // As SentencePiece models do: every word is known as `▁word` alone, every fifth one not at all.
        let words = WORDS.split_ascii_whitespace().enumerate();
        let vocabulary: Vec<String> =
            words.filter(|(at, _)| at % 5 > 0).map(|(at, word)| format!("\"▁{word}\":{at}")).collect();
        let letters =
            (b'a'..=b'z').map(|letter| format!("\"{}\":{}", char::from(letter), 9_000 + u32::from(letter)));
        let letters = letters.collect::<Vec<_>>().join(",");
        let file = format!(
            r#"{{"version":"1.0","truncation":null,"padding":null,"added_tokens":[],"normalizer":null,
            "pre_tokenizer":{{"type":"Metaspace","replacement":"▁","prepend_scheme":"always","split":true}},
            "post_processor":null,"decoder":null,
            "model":{{"type":"BPE","dropout":null,"unk_token":null,"continuing_subword_prefix":null,
            "end_of_word_suffix":null,"fuse_unk":false,"byte_fallback":false,"ignore_merges":true,
            "vocab":{{{},{letters},"▁":9999}},"merges":[]}}}}"#,
            vocabulary.join(",")
        );
        let counter = TokenCounter::resolve(Some("t.json"), |_| Ok(file.clone().into_bytes())).unwrap();
        let prompts = SyntheticPrompts::new(&counter, Seed(3)).unwrap();
        assert!(prompts.next.len() < WORDS.split_ascii_whitespace().count());
        assert_eq!(counter.count(&prompts.prompt(4, 333)), 333);
    }

    #[test]
    fn a_tokenizer_that_cuts_words_is_refused() {
        let file = br#"{"version":"1.0","truncation":null,"padding":null,"added_tokens":[],"normalizer":null,
            "pre_tokenizer":null,"post_processor":null,"decoder":null,"model":{"type":"BPE","dropout":null,
            "unk_token":"?","continuing_subword_prefix":null,"end_of_word_suffix":null,"fuse_unk":false,
            "byte_fallback":false,"vocab":{"?":0,"a":1,"b":2},"merges":[]}}"#;
        let counter = TokenCounter::resolve(Some("t.json"), |_| Ok(file.to_vec())).unwrap();
        let error = SyntheticPrompts::new(&counter, Seed(1)).unwrap_err().to_string();
        insta::assert_snapshot!(error, @"only 0 of the built-in English words are one token each under t.json, too few for prompts of exact length; use a JSONL dataset with it");
    }

    proptest! {
        #[test]
        fn a_prompt_depends_on_seed_index_and_length_alone(seed: u64, index in 0_u64..1_000_000, tokens in 1_u32..64) {
            let build = |seed| SyntheticPrompts::new(&TokenCounter::Words, Seed(seed)).unwrap();
            let text = build(seed).prompt(index, tokens);
            prop_assert_eq!(&text, &build(seed).prompt(index, tokens));
            prop_assert_eq!(TokenCounter::Words.count(&text), tokens);
            prop_assert!(tokens < 4 || text != build(seed ^ 1).prompt(index, tokens));
        }
    }
}
