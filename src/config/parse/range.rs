//! Sweeps in short: `2..64x2` doubles, `8..64+8` adds.

use crate::config::error::{Wrong, wrong};

/// The numbers that a word of a sweep stands for: one, or the steps of a range up to its end. `parse` reads a single number
/// and refuses what is out of bounds; `tidy` rounds a step of a factor to what can be asked for. At most `most` numbers.
pub(super) fn steps(
    text: &str,
    most: usize,
    parse: impl Fn(&str) -> Result<f64, Wrong>,
    tidy: impl Fn(f64) -> f64,
) -> Result<Vec<f64>, Wrong> {
    const HINT: &str = "write 2..64x2 to double from 2 to 64, or 8..64+8 to add 8 each time";
    let Some((from, rest)) = text.split_once("..") else {
        return Ok(vec![parse(text)?]);
    };
    let at = rest.find(['x', '+']).ok_or_else(|| wrong("a range without a step", HINT))?;
    let (to, step) = rest.split_at(at);
    let (from, to) = (parse(from)?, parse(to)?);
    let by: f64 = step[1..].trim().parse().map_err(|_| wrong("the step of the range is no number", HINT))?;
    let factor = step.starts_with('x');
    let least = if factor { 1.0 } else { 0.0 };
    if !by.is_finite() || by <= least || to < from {
        return Err(wrong("a range that does not grow", HINT));
    }
    // The end is meant even where the steps miss it by rounding.
    let end = to * (1.0 + 1e-9);
    let mut numbers = Vec::new();
    for index in 0..=most as u32 {
        let exact = if factor { from * by.powf(f64::from(index)) } else { from + by * f64::from(index) };
        if exact > end {
            break;
        }
        // Ten digits are more than anyone writes, and fewer than the noise of adding tenths.
        let number = if factor { tidy(exact) } else { parse(&round_to_ten(exact).to_string())? };
        if numbers.last() != Some(&number) {
            numbers.push(number);
        }
    }
    if numbers.len() > most {
        return Err(wrong(format!("more than {most} steps"), "take a larger step"));
    }
    Ok(numbers)
}

fn round_to_ten(exact: f64) -> f64 {
    format!("{exact:.9e}").parse().unwrap_or(exact)
}
