//! What a decoder told, kept for tests to look at.

use super::{Decode, Event};
use crate::record::{Failure, ServerTimes, Usage};

/// An event that outlives the bytes which said it.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Told {
    Idle,
    Tokens(Spoken),
    Finish(String),
    Usage(Usage),
    Times(ServerTimes),
    Error(Failure),
    End,
}

#[derive(Debug, Clone, PartialEq)]
pub(super) struct Spoken {
    pub(super) text: String,
    pub(super) visible: bool,
    pub(super) count: Option<u32>,
}

impl From<Event<'_>> for Told {
    fn from(event: Event<'_>) -> Self {
        match event {
            Event::Idle => Self::Idle,
            Event::Tokens(tokens) => {
                let mut text = String::new();
                tokens.text.push_to(&mut text);
                assert_eq!(tokens.text.is_empty(), text.is_empty());
                Self::Tokens(Spoken { text, visible: tokens.visible, count: tokens.count })
            }
            Event::Finish(reason) => Self::Finish(reason.to_owned()),
            Event::Usage(usage) => Self::Usage(usage),
            Event::Times(times) => Self::Times(times),
            Event::Error(failure) => Self::Error(failure),
            Event::End => Self::End,
        }
    }
}

/// Everything that a decoder makes of a body that arrives in pieces.
pub(super) fn decode(
    mut decoder: Box<dyn Decode>,
    pieces: &[&[u8]],
    clean: bool,
) -> (Vec<Told>, Result<(), Failure>) {
    decode_with(decoder.as_mut(), pieces, clean)
}

pub(super) fn decode_with(
    decoder: &mut dyn Decode,
    pieces: &[&[u8]],
    clean: bool,
) -> (Vec<Told>, Result<(), Failure>) {
    let mut events = Vec::new();
    let mut sink = |event: Event<'_>| events.push(Told::from(event));
    for piece in pieces {
        decoder.feed(piece, &mut sink);
    }
    let end = decoder.finish(clean, &mut sink);
    (events, end)
}

/// The pieces of `bytes` between `cuts`, which are taken modulo its length.
pub(super) fn cut<'a>(bytes: &'a [u8], cuts: &[usize]) -> Vec<&'a [u8]> {
    let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut % (bytes.len() + 1)).collect();
    cuts.extend([0, bytes.len()]);
    cuts.sort_unstable();
    cuts.windows(2).map(|pair| &bytes[pair[0]..pair[1]]).collect()
}

/// What came, in words: `T` visible and `h` hidden tokens (with their count where it is known), `.` idle, `F` finish,
/// `U` usage, `t` times, `E` error, `D` the terminator; and how it ended.
pub(super) fn tell((events, end): &(Vec<Told>, Result<(), Failure>)) -> String {
    let mut words: Vec<String> = events.iter().map(word).collect();
    words.push(end.as_ref().map_or_else(ToString::to_string, |()| "ok".to_owned()));
    words.join(" ")
}

fn word(event: &Told) -> String {
    let number = |count: Option<u32>| count.map_or("-".to_owned(), |count| count.to_string());
    match event {
        Told::Idle => ".".to_owned(),
        Told::Tokens(tokens) => format!(
            "{}{:?}{}",
            if tokens.visible { "T" } else { "h" },
            tokens.text,
            tokens.count.map_or(String::new(), |count| format!("*{count}")),
        ),
        Told::Finish(reason) => format!("F({reason})"),
        Told::Usage(usage) => {
            format!("U({}/{}/{})", number(usage.prompt), number(usage.output), number(usage.cached))
        }
        Told::Times(_) => "t".to_owned(),
        Told::Error(failure) => format!("E({})", failure.class),
        Told::End => "D".to_owned(),
    }
}
