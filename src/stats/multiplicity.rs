//! Many tests at once: which of them may be believed together.

/// Marks the p-values that Holm's step-down procedure rejects with a family-wise error of at most `alpha` (Holm 1979).
pub fn holm(p: &[f64], alpha: f64) -> Vec<bool> {
    step_down(p, |left| alpha / left as f64)
}

/// Holm's procedure where the level of the smallest of `left` p-values is not α / left, because each test looks several times:
/// `level(left)` is the level at which one look may reject, `left` tests sharing the error.
pub fn step_down(p: &[f64], level: impl Fn(usize) -> f64) -> Vec<bool> {
    let order = ascending(p);
    let rejected =
        order.iter().enumerate().take_while(|&(step, &index)| p[index] <= level(p.len() - step)).count();
    mark(p.len(), &order[..rejected])
}

/// Marks the p-values that the step-up procedure rejects with a false discovery rate of at most `rate` (Benjamini and Hochberg 1995).
pub fn benjamini_hochberg(p: &[f64], rate: f64) -> Vec<bool> {
    let order = ascending(p);
    let rejected = order
        .iter()
        .enumerate()
        .rposition(|(step, &index)| p[index] <= rate * (step + 1) as f64 / p.len() as f64)
        .map_or(0, |last| last + 1);
    mark(p.len(), &order[..rejected])
}

fn ascending(p: &[f64]) -> Vec<usize> {
    let mut order: Vec<usize> = (0..p.len()).collect();
    order.sort_by(|&left, &right| p[left].total_cmp(&p[right]));
    order
}

fn mark(count: usize, chosen: &[usize]) -> Vec<bool> {
    let mut marks = vec![false; count];
    for &index in chosen {
        marks[index] = true;
    }
    marks
}
