//! Rounds against sessions, and rounds against a limit: the difference and its standard error.

use crate::stats::{Contrast, Part, Series, median_variance, pooled_variance, satterthwaite};

/// From this many stored sessions on, the noise between sessions is estimated; below it is declared.
pub const ENOUGH_SESSIONS: usize = 5;

/// Scores of one number at one level; larger is worse.
#[derive(Debug, Clone, Copy)]
pub(super) struct Sides<'a> {
    pub(super) candidate: &'a Series,
    /// One series per stored session, at least one.
    pub(super) sessions: &'a [Series],
    /// Smallest believed sd.
    pub(super) floor: f64,
    /// Declared sd between sessions.
    pub(super) session_noise: f64,
}

/// Why there is no standard error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum NoError {
    OneCandidateRound,
    OneBaselineRound,
}

/// The candidate's median against the mean of the sessions' medians.
pub(super) fn against_sessions(sides: Sides<'_>) -> Result<Contrast, NoError> {
    let medians = medians(sides.sessions);
    let parts = if medians.len() >= ENOUGH_SESSIONS { many(sides, &medians) } else { few(sides, &medians)? };
    let (se, freedom) = satterthwaite(&parts);
    Ok(Contrast { difference: sides.candidate.median() - mean(&medians), se, freedom })
}

/// The candidate's median against a fixed score; none for a single round, whose error is unknown.
pub(super) fn against_limit(candidate: &Series, limit: f64, floor: f64) -> Option<Contrast> {
    let sd = candidate.sd()?.max(floor);
    Some(Contrast {
        difference: candidate.median() - limit,
        se: sd * median_variance(candidate.count()).sqrt(),
        freedom: (candidate.count() - 1) as f64,
    })
}

/// The mean difference of blocks: each holds a round of either side under the same prompts and arrivals, one after the other, so that
/// what both share cancels (Kalibera and Jones 2013; paired t). None for a single block, whose error is unknown.
pub(super) fn against_pairs(differences: &[f64], floor: f64) -> Option<Contrast> {
    let blocks = differences.len() as f64;
    let series = Series::new(differences.iter().copied())?;
    Some(Contrast {
        difference: series.mean(),
        se: series.sd()?.max(floor) / blocks.sqrt(),
        freedom: blocks - 1.0,
    })
}

/// Mean of the sessions' medians: the typical score of a baseline.
pub(super) fn typical(sessions: &[Series]) -> f64 {
    mean(&medians(sessions))
}

/// A prediction for one more session: s²·(1 + 1/S) with S − 1 degrees of freedom (Kalibera and Jones 2013: repeat at the
/// level that varies). The spread of medians covers rounds like the stored ones; a candidate with fewer rounds is noisier
/// than they are, and that excess is added from the scatter of rounds inside the sessions.
fn many(sides: Sides<'_>, medians: &[f64]) -> Vec<Part> {
    let count = medians.len() as f64;
    let between = variance(medians).max(sides.floor.powi(2));
    let mut parts = vec![Part { variance: between * (1.0 + 1.0 / count), freedom: count - 1.0 }];
    let stored = sides.sessions.iter().map(|rounds| median_variance(rounds.count()));
    let excess = median_variance(sides.candidate.count()) - stored.sum::<f64>() / count;
    if let (true, Some((within, freedom))) = (excess > 0.0, pooled_variance(sides.sessions)) {
        parts.push(Part { variance: excess * within, freedom });
    }
    parts
}

/// Noise between sessions as declared, σ²·(1 + 1/S), taken as known; and the scatter of the rounds around their own median on
/// both sides, each with its own degrees of freedom. Where two to four sessions differ by more than was declared, their own
/// spread takes the declared one's place, so that a declaration never hides noise that can be seen.
fn few(sides: Sides<'_>, medians: &[f64]) -> Result<Vec<Part>, NoError> {
    let count = medians.len() as f64;
    let declared = sides.session_noise.powi(2);
    let own = sides.candidate.variance().ok_or(NoError::OneCandidateRound)?;
    let (within, freedom) = pooled_variance(sides.sessions).ok_or(NoError::OneBaselineRound)?;
    let stored = sides.sessions.iter().map(|rounds| median_variance(rounds.count()));
    let floor = sides.floor.powi(2);
    Ok(vec![
        Part { variance: declared.max(variance(medians)) * (1.0 + 1.0 / count), freedom: f64::INFINITY },
        Part {
            variance: median_variance(sides.candidate.count()) * own.max(floor),
            freedom: (sides.candidate.count() - 1) as f64,
        },
        Part { variance: stored.sum::<f64>() / count.powi(2) * within.max(floor), freedom },
    ])
}

fn medians(sessions: &[Series]) -> Vec<f64> {
    let mut medians: Vec<f64> = sessions.iter().map(Series::median).collect();
    // A fixed order of summation makes the result the same for every order of sessions.
    medians.sort_by(f64::total_cmp);
    medians
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

/// Zero for a single value.
fn variance(values: &[f64]) -> f64 {
    Series::new(values.iter().copied()).and_then(|series| series.variance()).unwrap_or(0.0)
}
