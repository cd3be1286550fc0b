//! Rates that change: one stage after the other.

use super::load::RATE_MAX;
use super::words::{cut_rules, number, span};
use crate::config::error::{ConfigError, Wrong, wrong};
use crate::config::layers::Chosen;
use crate::workload::{Curve, Piece};

const HINT: &str = "write RATE@TIME or FROM..TO@TIME, for example '2@30s, 2..20@60s, 50@5s'";
/// Nobody writes more by hand, and a recorded load is a trace.
const STAGES_MAX: usize = 1_000;

/// `2@30s, 2..20@60s` as a curve of the rate over time.
pub(super) fn curve(chosen: &Chosen) -> Result<Curve, ConfigError> {
    let pieces = chosen.each("stages", cut_rules, stage)?;
    let problem = match pieces.len() {
        0 => wrong("no stage at all", HINT),
        count if count > STAGES_MAX => {
            wrong(format!("{count} stages"), format!("write at most {STAGES_MAX}, or replay a --trace"))
        }
        _ => match Curve::stages(pieces) {
            Some(curve) => return Ok(curve),
            None => wrong("the stages ask for no request at all", HINT),
        },
    };
    Err(match chosen.one("stages") {
        Some(entry) => entry.wrong(problem),
        None => ConfigError::new(problem.problem, problem.hint),
    })
}

fn stage(text: &str) -> Result<Piece, Wrong> {
    let (rates, time) = text.split_once('@').ok_or_else(|| wrong("no '@' in it", HINT))?;
    let (from, to) = rates.split_once("..").unwrap_or((rates, rates));
    let rate = |text: &str| number(text, 0.0, RATE_MAX);
    Ok(Piece { from: rate(from)?, to: rate(to)?, span: span(time, "s")? })
}
