//! The split with the largest standardised rank sum.

use super::{Split, median};
use crate::stats::cusum::MAD_TO_SD;

/// Ranks from 1, ties sharing their mean rank.
pub(super) fn ranks(values: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..values.len()).collect();
    order.sort_by(|&left, &right| values[left].total_cmp(&values[right]));
    let mut ranks = vec![0.0; values.len()];
    let mut below = 0;
    for tied in order.chunk_by(|&left, &right| values[left].total_cmp(&values[right]).is_eq()) {
        let shared = f64::from(below) + (tied.len() + 1) as f64 / 2.0;
        below += tied.len() as u32;
        for &index in tied {
            ranks[index] = shared;
        }
    }
    ranks
}

/// Values no further from the median than three sds, as the median absolute deviation estimates them.
pub(super) fn clipped(values: &[f64]) -> Vec<f64> {
    let middle = median(values);
    let away: Vec<f64> = values.iter().map(|value| (value - middle).abs()).collect();
    let most = 3.0 * MAD_TO_SD * median(&away);
    let clip = |value: &f64| if most > 0.0 { value.clamp(middle - most, middle + most) } else { *value };
    values.iter().map(clip).collect()
}

/// The largest |Z| over all splits with `least` nights on each side. Of ranks, Z is the rank sum of the first part (Wilcoxon 1945; Mann
/// and Whitney 1947), less its mean and over its sd under permutation, ties included. The t of the ranks has its maximum at
/// the same split, since t² = Z²(n − 2)/(n − 1 − Z²). Of other scores, it is the difference of means likewise standardised. None where the series is too short or constant.
pub(super) fn best_split(scores: &[f64], least: usize) -> Option<Split> {
    let count = scores.len() as f64;
    let mean = scores.iter().sum::<f64>() / count;
    let squares: f64 = scores.iter().map(|score| (score - mean).powi(2)).sum();
    let least = least.max(2);
    if scores.len() < 2 * least || squares <= 0.0 {
        return None;
    }
    let mut sum = 0.0;
    let mut best: Option<Split> = None;
    for (index, score) in scores.iter().enumerate().take(scores.len() - least) {
        sum += score - mean;
        let first = (index + 1) as f64;
        let variance = first * (count - first) / (count * (count - 1.0)) * squares;
        let statistic = sum.abs() / variance.sqrt();
        if index + 1 >= least && best.is_none_or(|best| statistic > best.statistic) {
            best = Some(Split { at: index + 1, statistic });
        }
    }
    best
}
