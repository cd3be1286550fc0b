//! An alarm for a series of nights: has the newest stretch become worse than the stretch before it?

use super::Series;

/// Turns the median absolute deviation of normal values into their standard deviation.
pub(super) const MAD_TO_SD: f64 = 1.482_602_218_505_602;

/// How a series is watched. Everything is in nights, or on the scale of the values: ln(value) for a ratio scale, so that
/// 0.025 is about 2.5 %.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct CusumPolicy {
    /// Newest nights over which the sum runs.
    pub recent: usize,
    /// Nights between tonight and the newest night of the reference.
    pub gap: usize,
    /// Nights of the reference, at most and at least. Where there are few, the reference reaches into the gap rather than
    /// fall short of the least, and the sum runs over the nights after it only.
    pub most: usize,
    pub least: usize,
    /// What a night must be above the reference to add to the sum, in sds.
    pub allowance: f64,
    /// The sum that is an alarm.
    pub limit: f64,
    /// What a single night counts for at most, in sds: one broken night is not a trend.
    pub clip: f64,
    /// Smallest believed sd of the reference.
    pub floor: f64,
    /// Nights that an alarm rests on, at least.
    pub run: usize,
    /// Shift of the median that an alarm needs, at least.
    pub magnitude: f64,
}

impl Default for CusumPolicy {
    fn default() -> Self {
        Self {
            recent: 14,
            gap: 15,
            most: 30,
            least: 12,
            allowance: 0.5,
            limit: 5.0,
            clip: 3.0,
            floor: 0.005,
            run: 2,
            magnitude: 0.025,
        }
    }
}

/// The series is worse than it was.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Alarm {
    /// The night that it is raised on, and the night since which the series is worse: indices of the series.
    pub night: usize,
    pub since: usize,
    /// Median of the nights since then minus median of the reference, above the magnitude.
    pub shift: f64,
    /// The cumulative sum, above the limit.
    pub sum: f64,
}

/// For each night, the alarm that a watcher would have had on it. `values` are the nights since the last accepted change,
/// oldest first and finite; larger is worse.
///
/// A one-sided cumulative sum (Page 1954) of nights standardised by the median and the MAD of a reference, each clipped:
/// `C = max(0, C + clip((x − μ)/σ) − allowance)`, σ = 1.4826·MAD·(1 + 2/n), since a sd from few nights is uncertain. The sum
/// starts at zero each night, so that what is long past does not ring on.
///
/// The sum may rise by chance before the series does. Where it became worse is therefore the most likely place within the
/// run: the one from which on the mean score, times the root of the nights, is largest.
pub fn alarms(values: &[f64], policy: &CusumPolicy) -> Vec<Option<Alarm>> {
    (0..values.len()).map(|night| alarm_on(values, night, policy)).collect()
}

/// The alarm on the newest night.
pub fn alarm(values: &[f64], policy: &CusumPolicy) -> Option<Alarm> {
    alarm_on(values, values.len().checked_sub(1)?, policy)
}

/// The first alarm of each episode: alarms on consecutive nights are one.
pub fn episodes(alarms: &[Option<Alarm>]) -> Vec<Alarm> {
    let before = std::iter::once(&None).chain(alarms);
    alarms.iter().zip(before).filter(|(_, before)| before.is_none()).filter_map(|(alarm, _)| *alarm).collect()
}

fn alarm_on(values: &[f64], night: usize, policy: &CusumPolicy) -> Option<Alarm> {
    let end = (night + 1).saturating_sub(policy.gap).max(policy.least);
    let reference = values.get(end.saturating_sub(policy.most)..end)?;
    let reference = Series::new(reference.iter().copied())?;
    let middle = reference.median();
    let sd = spread(&reference, middle)?.max(policy.floor);
    let first = end.max((night + 1).saturating_sub(policy.recent));
    let score = |value: &f64| ((value - middle) / sd).clamp(-policy.clip, policy.clip);
    let (mut sum, mut run) = (0.0_f64, first);
    for (index, value) in values.iter().enumerate().take(night + 1).skip(first) {
        if sum <= 0.0 {
            run = index;
        }
        sum = (sum + score(value) - policy.allowance).max(0.0);
    }
    if sum <= policy.limit || night + 1 - run < policy.run {
        return None;
    }
    let since = run + most_likely(values.get(run..=night)?.iter().map(score), policy.run);
    let shift = Series::new(values.get(since..=night)?.iter().copied())?.median() - middle;
    (shift > policy.magnitude).then_some(Alarm { night, since, shift, sum })
}

/// The place from which on the sum of the scores over the root of their number is largest, `least` before the end or earlier.
fn most_likely(scores: impl DoubleEndedIterator<Item = f64> + ExactSizeIterator, least: usize) -> usize {
    let count = scores.len();
    let (mut sum, mut best) = (0.0, (f64::NEG_INFINITY, 0));
    for (nights, score) in (1..).zip(scores.rev()) {
        sum += score;
        let height = sum / (nights as f64).sqrt();
        if nights >= least && height > best.0 {
            best = (height, count - nights);
        }
    }
    best.1
}

/// The sd by the median absolute deviation, widened for few values.
fn spread(reference: &Series, middle: f64) -> Option<f64> {
    let away = Series::new(reference.sorted().iter().map(|value| (value - middle).abs()))?;
    Some(MAD_TO_SD * away.median() * (1.0 + 2.0 / reference.count() as f64))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::base::Seed;
    use crate::stats::clopper_pearson;
    use crate::stats::tests::noise;

    /// As in `changes::tests`: `numpy.random.default_rng(3)`, `round(5 + 0.02·normal, 4)`, and 0.06 more from the 31st on.
    const NIGHTS: [f64; 40] = [
        5.0408, 4.9489, 5.0084, 4.9886, 4.9909, 4.9957, 4.9596, 4.9954, 4.9827, 5.0665, 5.0045, 4.9929,
        4.9944, 4.9866, 4.9789, 4.9922, 5.0096, 4.9952, 5.0192, 4.996, 5.0005, 5.0309, 5.0109, 4.9899,
        4.9963, 5.0108, 5.0387, 4.9946, 4.9951, 5.02, 5.0423, 5.0542, 5.0777, 5.0716, 5.0618, 5.0734, 5.0034,
        5.0804, 5.0408, 5.0266,
    ];

    /// The recurrence in Python, with `scipy.stats.median_abs_deviation(scale="normal")`: sum, first night, shift.
    #[test]
    fn the_sum_agrees_with_scipy() {
        let watched = alarms(&NIGHTS, &CusumPolicy::default());
        assert!(watched[..33].iter().all(Option::is_none), "{watched:?}");
        for (night, sum, since, shift) in [
            (33, 13.708_105_254_908_12, 29, 0.059_8),
            (35, 18.342_882_228_202_814, 29, 0.066_6),
            (39, 24.449_758_768_654_714, 29, 0.058_8),
        ] {
            let alarm = watched[night].unwrap();
            assert_eq!((alarm.night, alarm.since), (night, since));
            assert!((alarm.sum - sum).abs() < 1e-9 && (alarm.shift - shift).abs() < 1e-12, "{alarm:?}");
        }
        assert_eq!(alarm(&NIGHTS, &CusumPolicy::default()), watched[39]);
        assert_eq!(episodes(&watched), [watched[33].unwrap()]);
    }

    #[test]
    fn silent_on_few_constant_better_or_broken_nights() {
        let policy = CusumPolicy::default();
        for values in [
            vec![],
            vec![1.0],
            vec![0.0; 60],
            [vec![0.0; 12], vec![0.5; 2]].concat(),
            [vec![0.0; 30], vec![-0.5; 30]].concat(),
            [vec![0.0; 40], vec![9.0], vec![0.0; 19]].concat(),
            [vec![0.0; 30], vec![0.02; 30]].concat(),
            [vec![f64::NAN; 30], vec![1.0; 30]].concat(),
        ] {
            assert!(alarms(&values, &policy).iter().all(Option::is_none), "{values:?}");
        }
        // Twelve nights are a reference, and three that are much worse are an alarm.
        let values = [vec![0.0; 12], vec![0.5; 3]].concat();
        let found = alarm(&values, &policy).unwrap();
        assert_eq!((found.night, found.since), (14, 12));
    }

    /// Episodes in `series` × 60 nights of noise with an sd of 2.5 %.
    fn false_episodes(series: u64, correlation: f64) -> u64 {
        let root = Seed(21).child("false alarms");
        let one = |index| {
            let watched = alarms(&noise(60, 0.025, correlation, root.at(index)), &CusumPolicy::default());
            episodes(&watched).len() as u64
        };
        (0..series).map(one).sum()
    }

    #[test]
    fn false_episodes_are_rare() {
        let nights = 2_000 * 60;
        for (correlation, at_most) in [(0.0, 0.005), (0.3, 0.012)] {
            let found = false_episodes(2_000, correlation);
            let (_, high) = clopper_pearson(found, nights, 0.05);
            assert!(high <= at_most, "{found} in {nights} nights with a correlation of {correlation}");
        }
    }

    /// A step of 10 % under noise of 2.5 % is caught within seven nights nearly always.
    #[test]
    fn steps_are_caught_within_days() {
        let root = Seed(22).child("delay");
        let caught = |index: &u64| {
            let mut values = noise(60, 0.025, 0.0, root.at(*index));
            for value in &mut values[40..] {
                *value += 0.1;
            }
            alarms(&values, &CusumPolicy::default())[40..47].iter().any(Option::is_some)
        };
        let hits = (0..500).filter(caught).count() as u64;
        let (low, _) = clopper_pearson(hits, 500, 0.05);
        assert!(low >= 0.97, "{hits} of 500");
    }

    proptest! {
        #[test]
        fn larger_shifts_never_lose_an_alarm_and_units_do_not_matter(
            seed in 0..10_000_u64, step in 0.0..0.2_f64, more in 0.0..0.2_f64, unit in -8.0..8.0_f64,
        ) {
            let policy = CusumPolicy::default();
            let moved = |by: f64, unit: f64| -> Vec<f64> {
                let plain = noise(50, 0.02, 0.0, Seed(seed));
                plain.iter().enumerate().map(|(night, value)| value + unit + if night < 36 { 0.0 } else { by }).collect()
            };
            let (plain, larger) = (alarm(&moved(step, 0.0), &policy), alarm(&moved(step + more, 0.0), &policy));
            if let Some(plain) = plain {
                let larger = larger.unwrap();
                prop_assert!(larger.sum >= plain.sum - 1e-9);
            }
            let other_unit = alarm(&moved(step, unit), &policy);
            prop_assert_eq!(plain.map(|alarm| alarm.since), other_unit.map(|alarm| alarm.since));
        }
    }
}
