//! Prompts of exact token length from lines of verse, in the shape of vLLM's `sonnet` data set.

use std::sync::Arc;

use super::{SyntheticPrompts, TokenCounter, TokenizerError};
use crate::base::Seed;

/// Shakespeare's sonnets 2, 12, 15, 18, 19, 29, 30, 55, 60, 65, 71, 73, 97, 104, 106, 116 and 130, in modern spelling.
const LINES: &str = include_str!("sonnets.txt");

/// Lengths at which built texts are counted before any is used.
const PROBES: [u32; 3] = [9, 120, 701];

/// Lines of verse with their lengths in tokens, and plain words that fill what no line fits into.
///
/// Every line is counted with the line feed after it, because many tokenizers join it with a comma before it; and every
/// text ends with a word, so that what follows meets the same kind of neighbour.
#[derive(Debug, Clone)]
pub(super) struct Sonnets {
    lines: Arc<[Line]>,
    words: SyntheticPrompts,
    /// Tokens of a line feed after a word.
    feed: u32,
    /// Tokens that the counter adds to every text.
    extra: u32,
}

#[derive(Debug, Clone, Copy)]
struct Line {
    text: &'static str,
    /// Tokens at the start of a text.
    first: u32,
    /// Tokens after a line feed.
    next: u32,
}

impl Sonnets {
    /// Counts every line once, and proves on samples that lines and words add up.
    pub(super) fn new(counter: &TokenCounter, words: SyntheticPrompts) -> Result<Self, TokenizerError> {
        let (alone, fed) = (counter.count("the"), counter.count("the\n"));
        let extra = (2 * alone).saturating_sub(counter.count("the the"));
        let lines = LINES
            .lines()
            .map(|text| Line {
                text,
                first: counter.count(&format!("{text}\n")).saturating_sub(extra),
                next: counter.count(&format!("the\n{text}\n")).saturating_sub(fed),
            })
            .collect();
        let sonnets = Self { lines, words, feed: fed.saturating_sub(alone), extra };
        for (index, wanted) in (0..).zip(PROBES) {
            let mut text = sonnets.opening(Seed(index), index, wanted);
            let whole = counter.count(&text);
            sonnets.continue_with(&mut text, Seed(index + 9), index, wanted);
            for (wanted, got) in [(wanted, whole), (2 * wanted, counter.count(&text))] {
                if got != wanted {
                    return Err(TokenizerError::Inexact { counter: counter.to_string(), wanted, got });
                }
            }
        }
        Ok(sonnets)
    }

    /// A text of exactly `tokens` tokens: lines from a drawn place on, then words.
    pub(super) fn opening(&self, seed: Seed, index: u64, tokens: u32) -> String {
        let mut left = tokens.saturating_sub(self.extra).max(1);
        let place = seed.at(index).chance().below(self.lines.len() as u64) as usize;
        let mut text = String::new();
        for line in self.lines.iter().cycle().skip(place) {
            let cost = if text.is_empty() { line.first } else { line.next };
            if !push(&mut text, line, cost, &mut left) {
                break;
            }
        }
        let words = self.words.branch(seed);
        if text.is_empty() {
            return words.prompt(index, left + self.extra);
        }
        words.continue_with(&mut text, index, left);
        text
    }

    /// Adds exactly `tokens` tokens to a text that ends with a word: lines drawn one by one, then words.
    pub(super) fn continue_with(&self, text: &mut String, seed: Seed, index: u64, tokens: u32) {
        let mut left = tokens;
        let mut chance = seed.at(index).chance();
        let mut place = || chance.below(self.lines.len() as u64) as usize;
        let first = &self.lines[place()];
        // The line feed that ends the text so far, a line, and a word after it.
        if self.feed + first.next < left {
            left -= self.feed;
            text.push('\n');
            push(text, first, first.next, &mut left);
            while let Some(line) = self.lines.get(place()) {
                if !push(text, line, line.next, &mut left) {
                    break;
                }
            }
        }
        self.words.branch(seed).continue_with(text, index, left);
    }
}

/// Adds a line if a word still fits after it.
fn push(text: &mut String, line: &Line, cost: u32, left: &mut u32) -> bool {
    // A tokenizer that counts nothing for a line would have it repeated for ever.
    let fits = cost > 0 && cost < *left;
    if fits {
        text.push_str(line.text);
        text.push('\n');
        *left -= cost;
    }
    fits
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn verse_has_exactly_the_asked_length_under_every_built_in_encoding() {
        for name in [None, Some("cl100k_base"), Some("o200k_base"), Some("p50k_base"), Some("r50k_base")] {
            let counter = TokenCounter::resolve(name, |_| Err("no file".to_owned())).unwrap();
            let words = SyntheticPrompts::new(&counter, Seed(0)).unwrap();
            let sonnets = Sonnets::new(&counter, words).unwrap();
            for tokens in [1, 2, 7, 64, 200, 550, 2_048] {
                let mut text = sonnets.opening(Seed(3), 5, tokens);
                assert_eq!(counter.count(&text), tokens, "{name:?}");
                sonnets.continue_with(&mut text, Seed(4), 6, tokens);
                assert_eq!(counter.count(&text), 2 * tokens, "{name:?}");
            }
        }
    }

    #[test]
    fn most_of_a_prompt_is_verse() {
        let words = SyntheticPrompts::new(&TokenCounter::Words, Seed(0)).unwrap();
        let sonnets = Sonnets::new(&TokenCounter::Words, words).unwrap();
        let mut text = sonnets.opening(Seed(1), 0, 200);
        sonnets.continue_with(&mut text, Seed(2), 0, 350);
        let verse = text.lines().filter(|line| LINES.lines().any(|known| *line == known)).count();
        // The words between prefix and end, and those at the end.
        assert_eq!(verse + 2, text.lines().count());
        assert!(verse > 60, "{verse}");
    }
}
