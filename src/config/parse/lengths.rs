//! Laws in words: `256`, `128:512`, `normal:512,64`, `lognormal:300,200`, `file:lens.csv#tokens`, and pauses alike.

use super::words::{number, whole};
use crate::base::{Nanos, parse_duration};
use crate::config::error::{Wrong, wrong};
use crate::workload::{Bell, Column, Lengths, Pause};

const LAWS: &str = "write for example 256, 128:512, normal:512,64, lognormal:300,200 or file:lens.txt";

/// A law of whole numbers from 1 to `most`.
pub(super) fn lengths(text: &str, most: u32) -> Result<Lengths, Wrong> {
    let count = |text: &str| whole(text, 1, u64::from(most)).map(|count| count as u32);
    let Some((head, tail)) = text.split_once(':') else {
        return Ok(Lengths::Fixed(count(text)?));
    };
    match head.trim() {
        "normal" | "gaussian" => Ok(bell(tail, most)?.map_or_else(Lengths::Fixed, Lengths::Normal)),
        "lognormal" => Ok(bell(tail, most)?.map_or_else(Lengths::Fixed, Lengths::LogNormal)),
        "file" => column(tail),
        "uniform" => match tail.split_once([':', ',']) {
            Some((low, high)) => uniform(count(low)?, count(high)?),
            None => Err(wrong("a uniform law has two ends", "write for example 128:512")),
        },
        word if word.starts_with(|c: char| c.is_ascii_alphabetic()) => {
            Err(wrong(format!("'{word}' is no law of lengths"), LAWS))
        }
        low => uniform(count(low)?, count(tail)?),
    }
}

fn uniform(low: u32, high: u32) -> Result<Lengths, Wrong> {
    match (low, high) {
        (low, high) if low > high => Err(wrong("the range is upside down", format!("write {high}:{low}"))),
        (low, high) if low == high => Ok(Lengths::Fixed(low)),
        (low, high) => Ok(Lengths::Uniform { low, high }),
    }
}

/// `MEAN,SD` or `MEAN,SD,MIN,MAX`; without any deviation a fixed length comes back as the error's side.
fn bell(text: &str, most: u32) -> Result<Result<Bell, u32>, Wrong> {
    let hint = "write MEAN,SD or MEAN,SD,MIN,MAX, for example normal:512,64,1,2048";
    let pieces: Vec<&str> = text.split(',').map(str::trim).collect();
    let (mean, sd, low, high) = match pieces.as_slice() {
        [mean, sd] => (mean, sd, 1, most),
        [mean, sd, low, high] => {
            let bound = |text: &str| whole(text, 1, u64::from(most)).map(|count| count as u32);
            (mean, sd, bound(low)?, bound(high)?)
        }
        _ => return Err(wrong("a bell has a mean and a standard deviation", hint)),
    };
    let (mean, sd) = (number(mean, 1.0, f64::from(most))?, number(sd, 0.0, f64::from(most))?);
    if !(f64::from(low)..=f64::from(high)).contains(&mean) {
        return Err(wrong(format!("the mean {mean} lies outside {low} to {high}"), hint));
    }
    Ok(if sd > 0.0 { Ok(Bell { mean, sd, low, high }) } else { Err(mean.round() as u32) })
}

fn column(text: &str) -> Result<Lengths, Wrong> {
    let (path, name) = match text.rsplit_once('#') {
        Some((path, name)) => (path, Some(name.trim().to_owned())),
        None => (text, None),
    };
    if path.trim().is_empty() || name.as_deref() == Some("") {
        return Err(wrong(
            "no file",
            "write file:lens.txt, or file:lens.csv#COLUMN for one column of a table",
        ));
    }
    Ok(Lengths::File(Column { path: path.trim().into(), name }))
}

/// A law of pauses; bare numbers are seconds.
pub(super) fn pause(text: &str) -> Result<Pause, Wrong> {
    let hint = "write for example 2s, 1s:5s, exp:2s, normal:3s,1s or lognormal:3s,2s";
    let span = |text: &str| parse_duration(text, "s").map_err(|_| wrong("not a pause", hint));
    let two = |text: &str| match text.split_once(',') {
        Some((mean, sd)) => match (span(mean)?, span(sd)?) {
            (mean, sd) if mean == Nanos::ZERO || sd == Nanos::ZERO => {
                Err(wrong("mean and standard deviation are above zero", hint))
            }
            pair => Ok(pair),
        },
        None => Err(wrong("a bell has a mean and a standard deviation", hint)),
    };
    let Some((head, tail)) = text.split_once(':') else {
        return Ok(Pause::Fixed(span(text)?));
    };
    match head.trim() {
        "exp" | "exponential" => Ok(Pause::Exponential { mean: span(tail)? }),
        "normal" => two(tail).map(|(mean, sd)| Pause::Normal { mean, sd }),
        "lognormal" => two(tail).map(|(mean, sd)| Pause::LogNormal { mean, sd }),
        low => match (span(low)?, span(tail)?) {
            (low, high) if low > high => Err(wrong("the range is upside down", hint)),
            (low, high) => Ok(Pause::Uniform { low, high }),
        },
    }
}
