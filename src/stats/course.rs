//! Student's t of growing evidence: with which chance it leaves a corridor at each of several looks.
//!
//! With k values of mean zero, write t = √(k − 1) tan ψ. Their direction is uniform on the sphere, so ψ has the density
//! cosᵏ⁻²ψ, and it is independent of the sum of squares (Basu 1955). Hence the angles of later and later looks are a Markov
//! chain, and the chance that no earlier look left the corridor, given the angle now, is a recursion of smooth integrals.
//! The mean and the sum of squares are sufficient: this conditional chance is the same for every true mean, and the chances
//! under another mean follow by the ratio of the densities of t (Jennison and Turnbull 2000, chapters 4, 8 and 19).

use std::f64::consts::{FRAC_PI_2, PI, TAU};

use statrs::function::gamma::ln_gamma;

use super::quadrature::{Chebyshev, Rule};

/// Nodes of an integral, and of the interpolation between looks: levels of schedules that begin at 3
/// values or later are within 0.1 % of those with three times as many, and within 0.5 % from 2 on.
const NODES: usize = 18;
const POINTS: usize = 32;
/// Beyond so many standard deviations there is no mass worth a digit.
const FAR: f64 = 8.0;

/// The corridor of t at one look; the bounds may be infinite.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Corridor {
    pub(super) values: u32,
    pub(super) low: f64,
    pub(super) high: f64,
}

/// Chance of leaving the corridor at one look, not having left it before.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Exit {
    pub(super) low: f64,
    pub(super) high: f64,
}

/// The ways out of a sequence of corridors, for any true mean.
#[derive(Debug, Clone)]
pub(super) struct Course {
    looks: Vec<Ways>,
}

/// Angles beyond the corridor's ends, with the mass that they carry when the true mean is zero.
#[derive(Debug, Clone)]
struct Ways {
    values: u32,
    low: Vec<(f64, f64)>,
    high: Vec<(f64, f64)>,
}

impl Course {
    /// The numbers of values rise from at least 2.
    pub(super) fn new(corridors: &[Corridor]) -> Self {
        let rule = Rule::new(NODES);
        let mut looks = Vec::with_capacity(corridors.len());
        let mut before: Option<Kept> = None;
        for (index, &corridor) in corridors.iter().enumerate() {
            let (low, high) = (corridor.angle(corridor.low), corridor.angle(corridor.high));
            let kept = |angle: f64| {
                before.as_ref().map_or(1.0, |before| before.chance(&rule, corridor.values, angle))
            };
            let (least, most) = before
                .as_ref()
                .map_or((-FRAC_PI_2, FRAC_PI_2), |before| before.corridor.reached(corridor.values));
            let density = Power::new(corridor.values - 2);
            let ways = |from: f64, to: f64| {
                let mass = |(angle, weight): (f64, f64)| (angle, weight * density.at(angle) * kept(angle));
                rule.on(from, to, 2.0 * density.sd()).map(mass).collect()
            };
            looks.push(Ways { values: corridor.values, low: ways(least, low), high: ways(high, most) });
            if index + 1 < corridors.len() {
                let far = FAR * density.sd();
                let ends = (low.max(least).max(-far), high.min(most).min(far));
                before = Some(Kept { corridor, inside: Chebyshev::fit(ends.0, ends.1, POINTS, kept) });
            }
        }
        Self { looks }
    }

    /// The chances when the true mean lies `distance` standard deviations of a value above zero.
    pub(super) fn exits(&self, distance: f64) -> Vec<Exit> {
        let rule = Rule::new(NODES);
        let exit = |ways: &Ways| {
            let ratio = Ratio::new(&rule, ways.values, distance);
            let sum = |way: &[(f64, f64)]| way.iter().map(|&(angle, mass)| mass * ratio.at(angle)).sum();
            Exit { low: sum(&ways.low), high: sum(&ways.high) }
        };
        self.looks.iter().map(exit).collect()
    }
}

impl Corridor {
    fn angle(&self, t: f64) -> f64 {
        (t / f64::from(self.values - 1).sqrt()).atan()
    }

    /// The least and the largest angle that a later look with `values` can have when this look is inside the corridor, which
    /// holds zero.
    fn reached(&self, values: u32) -> (f64, f64) {
        let (old, all) = (f64::from(self.values), f64::from(values));
        let angle = |bound: f64| ((all - old + all * self.angle(bound).tan().powi(2)) / old).sqrt().atan();
        (-angle(self.low), angle(self.high))
    }
}

/// A look that is past: its corridor, and inside it the chance that none before was left.
struct Kept {
    corridor: Corridor,
    inside: Chebyshev,
}

impl Kept {
    /// The chance that neither this look nor one before left its corridor, given the angle of a later look with `values`.
    ///
    /// Of the unit vector of all values, `sin θ` is the share of the difference between the new values' mean and the old
    /// ones' in what the overall mean leaves, and `sin²φ` the old values' share of the rest.
    fn chance(&self, rule: &Rule, values: u32, angle: f64) -> f64 {
        let old = self.corridor.values;
        let new = values - old;
        let (sine, cosine) = angle.sin_cos();
        let (old_share, new_share) = (f64::from(old) / f64::from(values), f64::from(new) / f64::from(values));
        let (offset, slope) = (old_share.sqrt() * sine, new_share.sqrt() * cosine);
        let given = |spread: f64| {
            self.over_differences(rule, values, Line { offset, slope, spread: spread * cosine })
        };
        if new == 1 {
            return given(1.0);
        }
        // The rest has old − 1 and new − 1 dimensions: density ∝ sinᵒˡᵈ⁻² φ · cosⁿᵉʷ⁻² φ.
        let (sines, cosines) = (f64::from(old - 2), f64::from(new - 2));
        let log_norm = beta_log(sines.midpoint(1.0), cosines.midpoint(1.0)) - 2_f64.ln();
        let (centre, far) = if sines + cosines > 0.0 {
            (sines.sqrt().atan2(cosines.sqrt()), FAR / (2.0 * (sines + cosines)).sqrt())
        } else {
            (0.0, FRAC_PI_2)
        };
        let (least, most) = ((centre - far).max(0.0), (centre + far).min(FRAC_PI_2));
        let chance = |(share, weight): (f64, f64)| {
            let (sine, cosine) = share.sin_cos();
            let density = (power_log(sine, sines) + power_log(cosine, cosines) - log_norm).exp();
            weight * density * given(sine)
        };
        // Where the line begins to meet a bound the integrand has a kink: the parts end there.
        let kink = |bound: f64| ((offset * offset - slope * slope).sqrt() / (bound * cosine).abs()).asin();
        let (low, high) = self.bounds();
        let mut ends = vec![least, most];
        ends.extend([low, high].map(kink).into_iter().filter(|&end| least < end && end < most));
        ends.sort_by(f64::total_cmp);
        ends.windows(2).map(|pair| rule.on(pair[0], pair[1], PI).map(chance).sum::<f64>()).sum()
    }

    /// The corridor's tangents.
    fn bounds(&self) -> (f64, f64) {
        let scale = f64::from(self.corridor.values - 1).sqrt();
        (self.corridor.low / scale, self.corridor.high / scale)
    }

    /// The same given φ: an integral over θ, whose density is cosᵛᵃˡᵘᵉˢ⁻³ θ, where the corridor holds the line.
    fn over_differences(&self, rule: &Rule, values: u32, line: Line) -> f64 {
        let density = Power::new(values - 3);
        let far = (FAR * density.sd()).min(FRAC_PI_2);
        let (low, high) = self.bounds();
        let mut ends = vec![-far, far];
        for bound in [low, high].into_iter().filter(|bound| bound.is_finite()) {
            ends.extend(line.meets(bound).into_iter().filter(|end| end.abs() < far));
        }
        ends.sort_by(f64::total_cmp);
        let mut sum = 0.0;
        for pair in ends.windows(2) {
            let tangent = line.at(f64::midpoint(pair[0], pair[1])).tan();
            if low <= tangent && tangent <= high {
                let parts = rule.on(pair[0], pair[1], PI);
                sum += parts
                    .map(|(at, weight)| weight * density.at(at) * self.inside.at(line.at(at)))
                    .sum::<f64>();
            }
        }
        sum
    }
}

/// The old look's angle as θ varies: its tangent is (offset + slope · sin θ) / (spread · cos θ).
#[derive(Clone, Copy)]
struct Line {
    offset: f64,
    slope: f64,
    spread: f64,
}

impl Line {
    fn at(self, theta: f64) -> f64 {
        let (sine, cosine) = theta.sin_cos();
        (self.offset + self.slope * sine).atan2(self.spread * cosine)
    }

    /// Where the tangent is `bound`: slope · sin θ − bound · spread · cos θ = −offset.
    fn meets(self, bound: f64) -> Vec<f64> {
        let across = bound * self.spread;
        let sine = -self.offset / self.slope.hypot(across);
        if sine.abs() > 1.0 {
            return Vec::new();
        }
        let turn = across.atan2(self.slope);
        let wrap = |angle: f64| angle - TAU * (angle / TAU).round();
        vec![wrap(turn + sine.asin()), wrap(turn + PI - sine.asin())]
    }
}

/// The density ∝ cosⁿ on `-π/2..=π/2`.
struct Power {
    exponent: f64,
    log_norm: f64,
}

impl Power {
    fn new(exponent: u32) -> Self {
        let exponent = f64::from(exponent);
        Self { exponent, log_norm: beta_log(exponent.midpoint(1.0), 0.5) }
    }

    fn at(&self, angle: f64) -> f64 {
        (power_log(angle.cos(), self.exponent) - self.log_norm).exp()
    }

    /// About the standard deviation, rather too wide.
    fn sd(&self) -> f64 {
        1.0 / (self.exponent + 1.0).sqrt()
    }
}

fn power_log(base: f64, exponent: f64) -> f64 {
    if exponent > 0.0 { exponent * base.max(0.0).ln() } else { 0.0 }
}

fn beta_log(left: f64, right: f64) -> f64 {
    ln_gamma(left) + ln_gamma(right) - ln_gamma(left + right)
}

/// How much likelier an angle is under a true mean than under zero: E exp(δ √k sin ψ · X − k δ²/2) with X² ~ χ²ₖ.
struct Ratio<'a> {
    rule: &'a Rule,
    values: f64,
    distance: f64,
    log_norm: f64,
}

impl<'a> Ratio<'a> {
    fn new(rule: &'a Rule, values: u32, distance: f64) -> Self {
        let values = f64::from(values);
        let log_norm =
            ln_gamma(values / 2.0) + (values / 2.0 - 1.0) * 2_f64.ln() + values * distance * distance / 2.0;
        Self { rule, values, distance, log_norm }
    }

    fn at(&self, angle: f64) -> f64 {
        let pull = self.distance * self.values.sqrt() * angle.sin();
        let log = |x: f64| power_log(x, self.values - 1.0) - x * x / 2.0 + pull * x - self.log_norm;
        // The peak; its curvature is above 1, so it is narrower than a standard normal.
        let peak = f64::midpoint(pull, (pull * pull + 4.0 * (self.values - 1.0)).sqrt());
        self.rule.on((peak - FAR).max(0.0), peak + FAR, FAR).map(|(x, weight)| weight * log(x).exp()).sum()
    }
}
