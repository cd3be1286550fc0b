//! A recorded trace: the file, how it is read, and which part of it is sent how fast.

use super::words::{cut_words, number, path, span, whole};
use crate::base::Nanos;
use crate::config::error::{ConfigError, Wrong, wrong};
use crate::config::layers::Chosen;
use crate::workload::{Replay, TimeUnit, TraceFile};

/// Tokens behind one of Mooncake's hashes.
const BLOCK: u32 = 512;

/// The trace, where one paces the load; prompts from elsewhere have no place beside it.
pub(super) fn file(chosen: &mut Chosen) -> Result<Option<TraceFile>, ConfigError> {
    let (Some(rank), Some(path)) = (chosen.given("trace"), chosen.parse("trace", path)?) else {
        return Ok(None);
    };
    if let Some(entry) =
        chosen.one("dataset").filter(|_| chosen.given("dataset").is_some_and(|other| other <= rank))
    {
        let problem = "a trace brings its own prompts";
        return Err(entry.wrong(wrong(problem, "remove it, or use --rate instead of --trace")));
    }
    chosen.remove("dataset");
    Ok(Some(TraceFile {
        path,
        unit: chosen.parse("trace-unit", unit)?,
        block: chosen
            .parse("trace-block", |text| whole(text, 1, 1_000_000))?
            .map_or(BLOCK, |tokens| tokens as u32),
    }))
}

/// One for each speed.
pub(super) fn windows(chosen: &Chosen) -> Result<Vec<Replay>, ConfigError> {
    let from = chosen.parse("trace-from", since)?.unwrap_or(Nanos::ZERO);
    let until = chosen.parse("trace-until", |text| span(text, "s"))?;
    if let Some(entry) = chosen.one("trace-until").filter(|_| until.is_some_and(|until| until <= from)) {
        let problem = "the part ends before it starts";
        return Err(
            entry.wrong(wrong(problem, "write a time after --trace-from; both count from the trace's start"))
        );
    }
    let scales = chosen.each("time-scale", cut_words, scale)?;
    let scales = if chosen.one("time-scale").is_some() { scales } else { vec![1.0] };
    Ok(scales.into_iter().map(|scale| Replay { scale, from, until }).collect())
}

/// Zero is a start like any other.
fn since(text: &str) -> Result<Nanos, Wrong> {
    if text.trim() == "0" { Ok(Nanos::ZERO) } else { span(text, "s") }
}

fn unit(text: &str) -> Result<TimeUnit, Wrong> {
    let text = text.trim();
    TimeUnit::ALL
        .into_iter()
        .find(|unit| unit.id() == text)
        .ok_or_else(|| wrong("not a unit of time", "write s, ms, us or ns"))
}

/// A factor on time, or a speed: `0.5`, `2x`, `x2`.
fn scale(text: &str) -> Result<f64, Wrong> {
    let speed = text.strip_suffix(['x', 'X']).or_else(|| text.strip_prefix(['x', 'X']));
    let read = |text: &str| {
        number(text, 1e-4, 1e4).map_err(|wrong| Wrong {
            hint: "write a factor on time such as 0.5, or a speed such as 2x, from 0.0001 to 10000"
                .to_owned(),
            ..wrong
        })
    };
    match speed {
        Some(speed) => Ok(1.0 / read(speed)?),
        None => read(text),
    }
}
