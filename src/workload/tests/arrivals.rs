//! Arrival processes as distributions: laws, means, variances, exact rates, no drift.

use statrs::function::gamma::gamma_lr;

use super::*;

const LAWS: [Arrivals; 5] = [
    Arrivals::Poisson,
    Arrivals::Gamma { shape: 0.25 },
    Arrivals::Gamma { shape: 0.5 },
    Arrivals::Gamma { shape: 2.0 },
    Arrivals::Gamma { shape: 5.0 },
];

fn shape(law: Arrivals) -> f64 {
    match law {
        Arrivals::Constant => f64::INFINITY,
        Arrivals::Poisson => 1.0,
        Arrivals::Gamma { shape } => shape,
    }
}

fn steady(per_second: f64) -> Curve {
    Rate::new(per_second).unwrap().into()
}

fn secs(seconds: f64) -> Nanos {
    Nanos::from_secs(seconds)
}

/// Gaps between neighbours, in mean gaps of the asked rate.
fn gaps(law: Arrivals, seed: u64, count: u64, per_second: f64) -> Vec<f64> {
    let due = due(&steady(per_second), law, Seed(seed), Limit::Requests(count)).unwrap();
    due.windows(2).map(|pair| (pair[1] - pair[0]).secs() * per_second).collect()
}

/// Kolmogorov's distance between the samples and the law.
fn distance(mut samples: Vec<f64>, law: impl Fn(f64) -> f64) -> f64 {
    samples.sort_by(f64::total_cmp);
    let n = samples.len() as f64;
    samples.iter().enumerate().fold(0.0_f64, |worst, (rank, sample)| {
        let (below, above, law) = (rank as f64 / n, (rank + 1) as f64 / n, law(*sample));
        worst.max((law - below).abs()).max((above - law).abs())
    })
}

/// Probability of a distance this large or larger (Kolmogorov's limit with Stephens' 1970 correction for finite n).
fn p_value(distance: f64, n: usize) -> f64 {
    let root = (n as f64).sqrt();
    let scaled = (root + 0.12 + 0.11 / root) * distance;
    let terms = (1..=100).map(|k| {
        let k = f64::from(k);
        let sign = if k % 2.0 == 0.0 { -1.0 } else { 1.0 };
        2.0 * sign * (-2.0 * k * k * scaled * scaled).exp()
    });
    if scaled < 0.2 { 1.0 } else { terms.sum::<f64>().clamp(0.0, 1.0) }
}

/// Distances beyond this have a probability of 0.1 %.
fn bound(n: usize) -> f64 {
    1.95 / (n as f64).sqrt()
}

#[test]
fn gamma_draws_follow_the_law_and_nothing_but_the_law() {
    let (n, seeds) = (2_000, 40);
    let mut worst = Vec::new();
    for shape in [0.25, 0.5, 0.9, 1.0, 2.0, 5.0, 40.0] {
        for seed in 0..seeds {
            let mut chance = Seed(seed).child("gamma").chance();
            let draws: Vec<f64> = (0..n).map(|_| chance.gamma(shape)).collect();
            let mean = draws.iter().sum::<f64>() / n as f64;
            let variance = draws.iter().map(|draw| (draw - mean).powi(2)).sum::<f64>() / (n - 1) as f64;
            // Mean and variance are the shape; the variance of a variance is σ⁴ (2 + 6 / shape) / n. Four and a half of each.
            let of_mean = (shape / n as f64).sqrt();
            let of_variance = shape * ((2.0 + 6.0 / shape) / n as f64).sqrt();
            assert!((mean - shape).abs() < 4.5 * of_mean, "{shape} {seed}: mean {mean}");
            assert!(
                (variance - shape).abs() < 4.5 * of_variance * 1.2,
                "{shape} {seed}: variance {variance}"
            );
            worst.push(p_value(distance(draws, |x| gamma_lr(shape, x.max(1e-300))), n));
        }
    }
    // If the law is right, the probabilities of the distances are uniform themselves: neither too bad nor too good.
    let count = worst.len();
    let off = distance(worst, |p| p);
    assert!(off < bound(count), "{off}");
}

#[test]
fn gaps_have_the_mean_variance_and_shape_of_their_law() {
    let (n, rate) = (4_000, 50.0);
    for law in LAWS {
        let shape = shape(law);
        for seed in 0..10 {
            let gaps = gaps(law, seed, n, rate);
            let count = gaps.len() as f64;
            let mean = gaps.iter().sum::<f64>() / count;
            let variance = gaps.iter().map(|gap| (gap - mean).powi(2)).sum::<f64>() / count;
            // All gaps but the one that the window's ends cut share the window, so the mean is nearly exact.
            assert!((mean - 1.0).abs() < 60.0 / (shape * count), "{law:?} {seed}: mean {mean}");
            let of_variance = ((2.0 + 6.0 / shape) / count).sqrt() / shape;
            assert!((variance - 1.0 / shape).abs() < 4.5 * of_variance, "{law:?} {seed}: {variance}");
            let following = gaps.windows(2).map(|pair| (pair[0] - mean) * (pair[1] - mean)).sum::<f64>();
            let correlation = following / (variance * count);
            assert!(correlation.abs() < 4.5 / count.sqrt(), "{law:?} {seed}: {correlation}");
            let length = gaps.len();
            let off = distance(gaps, |gap| gamma_lr(shape, (gap * shape).max(1e-300)));
            assert!(off < bound(length), "{law:?} {seed}: {off}");
        }
    }
}

#[test]
fn poisson_arrivals_are_uniform_over_their_window() {
    // Given their number, the instants of a Poisson process are independent and uniform, which this test knows exactly.
    let mut worst = Vec::new();
    for seed in 0..200 {
        let due = due(&steady(100.0), Arrivals::Poisson, Seed(seed), Limit::Duration(secs(3.0))).unwrap();
        assert_eq!(due.len(), 300);
        worst.push(p_value(distance(due.iter().map(|at| at.secs() / 3.0).collect(), |x| x), 300));
    }
    let off = distance(worst, |p| p);
    assert!(off < bound(200), "{off}");
}

#[test]
fn the_rate_holds_exactly_and_not_only_over_many_seeds() {
    for law in LAWS.into_iter().chain([Arrivals::Constant]) {
        for seed in 0..20 {
            for (rate, seconds, count) in
                [(50.0, 10.0, 500), (0.3, 100.0, 30), (333.3, 3.0, 1_000), (7.0, 0.5, 4)]
            {
                let limit = Limit::Duration(secs(seconds));
                let due = due(&steady(rate), law, Seed(seed), limit).unwrap();
                assert_eq!(due.len(), count, "{law:?} {rate} {seed}");
                assert!(due.is_sorted() && *due.last().unwrap() < secs(seconds));
            }
            let due = due(&steady(8.0), law, Seed(seed), Limit::Requests(64)).unwrap();
            assert_eq!(due.len(), 64);
            assert!(*due.last().unwrap() < secs(8.0), "64 requests at 8 per second take 8 s");
        }
    }
}

#[test]
fn every_stretch_has_its_share_whatever_the_law() {
    let seeds = 2_000_u32;
    for law in LAWS {
        let mut first = Vec::new();
        let mut last = Vec::new();
        for seed in 0..seeds {
            let due = due(&steady(10.0), law, Seed(seed.into()), Limit::Requests(100)).unwrap();
            first.push(due.partition_point(|at| *at < secs(1.0)) as f64);
            last.push((100 - due.partition_point(|at| *at < secs(9.0))) as f64);
        }
        for counts in [first, last] {
            let mean = counts.iter().sum::<f64>() / f64::from(seeds);
            let variance = counts.iter().map(|count| (count - mean).powi(2)).sum::<f64>() / f64::from(seeds);
            let error = (variance / f64::from(seeds)).sqrt();
            assert!((mean - 10.0).abs() < 4.0 * error, "{law:?}: {mean} ± {error}");
        }
    }
}

#[test]
fn stages_have_the_counts_of_their_integral() {
    let piece = |from, to, seconds| Piece { from, to, span: secs(seconds) };
    let stages =
        vec![piece(2.0, 2.0, 30.0), piece(2.0, 20.0, 60.0), piece(50.0, 50.0, 5.0), piece(2.0, 0.0, 30.0)];
    let wanted = [60.0, 660.0, 250.0, 30.0];
    let ends = [30.0, 90.0, 95.0, 125.0].map(secs);
    let curve = Curve::stages(stages).unwrap();
    for law in LAWS.into_iter().chain([Arrivals::Constant]) {
        let seeds = 300_u32;
        let mut all: Vec<Vec<f64>> = vec![Vec::new(); 4];
        for seed in 0..seeds {
            let due = due(&curve, law, Seed(seed.into()), Limit::Load).unwrap();
            assert_eq!(due.len(), 1_000, "{law:?}");
            let mut before = 0;
            for (stage, end) in ends.iter().enumerate() {
                let until = due.partition_point(|at| at < end);
                all[stage].push((until - before) as f64);
                before = until;
            }
        }
        for (counts, wanted) in all.iter().zip(wanted) {
            let mean = counts.iter().sum::<f64>() / f64::from(seeds);
            let variance = counts.iter().map(|count| (count - mean).powi(2)).sum::<f64>() / f64::from(seeds);
            let error = (variance / f64::from(seeds)).sqrt();
            assert!((mean - wanted).abs() <= 4.0 * error, "{law:?}: {mean} ± {error}, not {wanted}");
        }
    }
}

#[test]
fn arrivals_of_a_ramp_are_the_same_process_on_another_clock() {
    let curve = Curve::ramp(0.0, Rate::new(40.0).unwrap(), secs(60.0));
    for law in LAWS {
        let shape = shape(law);
        let due = due(&curve, law, Seed(5), Limit::Duration(secs(100.0))).unwrap();
        assert_eq!(due.len(), 1_200 + 1_600);
        let counts: Vec<f64> = due.iter().map(|at| curve.count(*at)).collect();
        let gaps: Vec<f64> = counts.windows(2).map(|pair| pair[1] - pair[0]).collect();
        let n = gaps.len();
        let off = distance(gaps, |gap| gamma_lr(shape, (gap * shape).max(1e-300)));
        assert!(off < bound(n), "{law:?}: {off}");
    }
}

#[test]
fn ten_million_due_times_do_not_drift() {
    let million = 1_000_000;
    let constant = due(&steady(1_000.0), Arrivals::Constant, Seed(1), Limit::Requests(10 * million)).unwrap();
    assert!(constant.iter().zip(0..).all(|(at, index)| at.0 == index * million));
    let random = due(&steady(1_000.0), Arrivals::Poisson, Seed(1), Limit::Requests(10 * million)).unwrap();
    assert!(random.is_sorted());
    for tenth in 1..10 {
        let at = random[(tenth * million) as usize].secs();
        let planned = tenth as f64 * 1_000.0;
        // A bridge between exact ends wanders by at most √n / 2 gaps (one standard deviation): 1.6 s of 10,000 s.
        assert!((at - planned).abs() < 4.0 * 1.6, "{tenth}: {at}");
    }
    assert!(random.last().unwrap().secs() > 9_999.9 && random[0].secs() < 0.1);
}

#[test]
fn constant_arrivals_stand_where_they_belong() {
    let instants = due(&steady(3.0), Arrivals::Constant, Seed(1), Limit::Requests(3_000_001)).unwrap();
    assert_eq!(instants[..3], [0, 333_333_333, 666_666_667].map(Nanos));
    assert_eq!(instants.last(), Some(&secs(1_000_000.0)));
}

#[test]
fn limits_cut_by_count_by_time_or_by_whichever_comes_first() {
    for law in [Arrivals::Constant, Arrivals::Poisson] {
        let count = |limit| due(&steady(10.0), law, Seed(1), limit).map(|instants| instants.len());
        let duration = secs(1.0);
        assert_eq!(count(Limit::Requests(7)), Ok(7));
        assert_eq!(count(Limit::Duration(duration)), Ok(10), "what is due at the end itself is out");
        assert_eq!(count(Limit::Either { requests: 4, duration }), Ok(4));
        assert_eq!(count(Limit::Either { requests: 400, duration }), Ok(10));
    }
    let stages = Curve::stages(vec![Piece { from: 5.0, to: 5.0, span: secs(2.0) }]).unwrap();
    let count = |limit| due(&stages, Arrivals::Poisson, Seed(1), limit).map(|instants| instants.len());
    assert_eq!(count(Limit::Load), Ok(10));
    assert_eq!(count(Limit::Requests(99)), Ok(10), "the stages end first");
    assert_eq!(count(Limit::Duration(secs(1.0))), Ok(5));
}

#[test]
fn what_cannot_be_scheduled_says_so() {
    let refuse = |per_second, limit| {
        due(&steady(per_second), Arrivals::Poisson, Seed(1), limit).unwrap_err().to_string()
    };
    insta::assert_snapshot!(refuse(1e6, Limit::Duration(secs(60.0))), @"the level asks for about 60000000 arrivals, more than the 10000000 that one level may have; lower the rate, the duration or the number of requests");
    insta::assert_snapshot!(refuse(1e-6, Limit::Duration(secs(2.0))), @"no request would be due within 2.0s: the rate asks for 0.000002 of one in that time; raise the rate or the duration");
    insta::assert_snapshot!(refuse(1.0, Limit::Load), @"the level asks for about 18446744073709551616 arrivals, more than the 10000000 that one level may have; lower the rate, the duration or the number of requests");
}
