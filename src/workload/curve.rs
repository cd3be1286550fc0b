//! Requests per second as a function of time, and the instants at which it has asked for so many requests.

use std::fmt;

use crate::base::{Nanos, Rate};

/// A piecewise linear rate. Invariant: it asks for more than nothing.
#[derive(Debug, Clone, PartialEq)]
pub struct Curve {
    pieces: Vec<Piece>,
    /// The rate after the last piece, for ever; none where the load ends with it.
    then: Option<Rate>,
}

/// A stretch on which the rate goes in a straight line from one value to another.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Piece {
    /// Requests per second; finite, zero or more.
    pub from: f64,
    pub to: f64,
    /// Above zero.
    pub span: Nanos,
}

impl From<Rate> for Curve {
    fn from(rate: Rate) -> Self {
        Self { pieces: Vec::new(), then: Some(rate) }
    }
}

impl Curve {
    /// From one rate to another within a time, and on at the other.
    pub fn ramp(from: f64, to: Rate, span: Nanos) -> Self {
        Self { pieces: vec![Piece { from: from.max(0.0), to: to.per_second(), span }], then: Some(to) }
    }

    /// One piece after the other; none where they ask for no request at all.
    pub fn stages(pieces: Vec<Piece>) -> Option<Self> {
        let curve = Self { pieces, then: None };
        let asks = curve.pieces.iter().map(|piece| piece.count(piece.span.secs())).sum::<f64>() > 0.0;
        asks.then_some(curve)
    }

    pub fn pieces(&self) -> &[Piece] {
        &self.pieces
    }

    /// The rate that goes on for ever, where there is one.
    pub fn then(&self) -> Option<Rate> {
        self.then
    }

    /// How long the load lasts by itself.
    pub fn length(&self) -> Option<Nanos> {
        match self.then {
            Some(_) => None,
            None => Some(self.span()),
        }
    }

    /// Requests asked for until `instant`: the integral of the rate.
    pub fn count(&self, instant: Nanos) -> f64 {
        let mut start = Nanos::ZERO;
        let mut count = 0.0;
        for piece in &self.pieces {
            count += piece.count((instant - start).min(piece.span).secs());
            start = start + piece.span;
        }
        count + self.then.map_or(0.0, |rate| rate.per_second() * (instant - start).secs())
    }

    /// The instant at which `count` requests have been asked for; the end for counts beyond it. Each is computed from its
    /// own count, so that rounding never accumulates.
    pub fn instant(&self, count: f64) -> Nanos {
        let mut start = Nanos::ZERO;
        let mut left = count;
        for piece in &self.pieces {
            let all = piece.count(piece.span.secs());
            if left < all {
                return start + piece.instant(left);
            }
            left -= all;
            start = start + piece.span;
        }
        match self.then {
            Some(rate) => start + nanos(left / rate.per_second()),
            None => start,
        }
    }

    fn span(&self) -> Nanos {
        self.pieces.iter().fold(Nanos::ZERO, |sum, piece| sum + piece.span)
    }

    /// The lowest and the highest rate.
    fn range(&self) -> (f64, f64) {
        let rates = self.pieces.iter().flat_map(|piece| [piece.from, piece.to]);
        let rates = rates.chain(self.then.map(Rate::per_second));
        rates.fold((f64::INFINITY, 0.0), |(low, high), rate| (low.min(rate), high.max(rate)))
    }

    /// The name in labels: `rate=8`, `rate=8 ramp(30s)`, `stages 2@30s,50@5s`; many stages are named by their range.
    pub fn label(&self) -> String {
        match (self.then, self.pieces.as_slice()) {
            (Some(rate), []) => format!("rate={}", rate.per_second()),
            (Some(rate), [piece, ..]) if piece.from > 0.0 => {
                format!("rate={} ramp(from {}, {}s)", rate.per_second(), piece.from, self.span().secs())
            }
            (Some(rate), _) => format!("rate={} ramp({}s)", rate.per_second(), self.span().secs()),
            (None, pieces) if pieces.len() <= STAGES_NAMED => format!("stages {self}"),
            (None, _) => {
                let (low, high) = self.range();
                format!("stages {low}..{high}@{}s", self.span().secs())
            }
        }
    }
}

/// More stages than these make no readable label.
const STAGES_NAMED: usize = 5;

impl Piece {
    /// The integral of the rate over the first `seconds`.
    fn count(&self, seconds: f64) -> f64 {
        self.from * seconds + 0.5 * self.slope() * seconds * seconds
    }

    /// The root of `count(t) = count`, in the form that loses no digits where the slope is small.
    fn instant(&self, count: f64) -> Nanos {
        let root = (self.from * self.from + 2.0 * self.slope() * count).max(0.0).sqrt();
        let sum = self.from + root;
        if sum > 0.0 { nanos(2.0 * count / sum).min(self.span) } else { Nanos::ZERO }
    }

    fn slope(&self) -> f64 {
        (self.to - self.from) / self.span.secs()
    }
}

/// `2@30s`, or `2..20@60s` where the rate changes.
impl fmt::Display for Piece {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.from.to_bits() == self.to.to_bits() {
            write!(f, "{}@{}s", self.from, self.span.secs())
        } else {
            write!(f, "{}..{}@{}s", self.from, self.to, self.span.secs())
        }
    }
}

/// The pieces as `--stages` reads them.
impl fmt::Display for Curve {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, piece) in self.pieces.iter().enumerate() {
            write!(f, "{}{piece}", if at == 0 { "" } else { "," })?;
        }
        Ok(())
    }
}

/// To the nearest nanosecond.
fn nanos(seconds: f64) -> Nanos {
    Nanos((seconds * 1e9).round() as u64)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn piece(from: f64, to: f64, seconds: f64) -> Piece {
        Piece { from, to, span: Nanos::from_secs(seconds) }
    }

    #[test]
    fn counts_are_integrals_and_instants_their_inverse() {
        let curve = Curve::stages(vec![
            piece(2.0, 2.0, 30.0),
            piece(2.0, 20.0, 60.0),
            piece(0.0, 0.0, 5.0),
            piece(50.0, 50.0, 5.0),
        ])
        .unwrap();
        for (seconds, count) in
            [(0.0, 0.0), (30.0, 60.0), (60.0, 255.0), (90.0, 720.0), (95.0, 720.0), (100.0, 970.0)]
        {
            let got = curve.count(Nanos::from_secs(seconds));
            assert!((got - count).abs() < 1e-6, "{seconds}: {got}");
        }
        assert_eq!(curve.instant(0.0), Nanos::ZERO);
        assert_eq!(curve.instant(255.0), Nanos::from_secs(60.0));
        assert_eq!(curve.instant(720.0), Nanos::from_secs(95.0), "a pause has no requests");
        assert_eq!(curve.instant(1e9), Nanos::from_secs(100.0));
        assert_eq!(curve.length(), Some(Nanos::from_secs(100.0)));
    }

    #[test]
    fn a_ramp_from_nothing_starts_at_once() {
        let curve = Curve::ramp(0.0, Rate::new(8.0).unwrap(), Nanos::from_secs(10.0));
        assert_eq!(curve.instant(0.0), Nanos::ZERO);
        assert_eq!(curve.instant(40.0), Nanos::from_secs(10.0));
        assert_eq!(curve.instant(48.0), Nanos::from_secs(11.0));
        assert_eq!(curve.length(), None);
    }

    #[test]
    fn labels_say_what_is_asked() {
        let rate = Rate::new(8.0).unwrap();
        let stages =
            |count: u32| Curve::stages((0..count).map(|at| piece(f64::from(at), 9.0, 10.0)).collect());
        let labels = [
            Curve::from(rate),
            Curve::ramp(0.0, rate, Nanos::from_secs(30.0)),
            Curve::ramp(0.5, rate, Nanos::from_ms(1_500.0)),
            stages(2).unwrap(),
            stages(7).unwrap(),
        ]
        .map(|curve| curve.label());
        insta::assert_snapshot!(labels.join("\n"), @r"
        rate=8
        rate=8 ramp(30s)
        rate=8 ramp(from 0.5, 1.5s)
        stages 0..9@10s,1..9@10s
        stages 0..9@70s
        ");
        assert_eq!(Curve::stages(vec![piece(0.0, 0.0, 9.0)]), None, "it asks for nothing");
    }

    proptest! {
        #[test]
        fn there_and_back(rates in prop::collection::vec((0.0..50.0_f64, 0.0..50.0_f64, 0.001..90.0_f64), 1..6), part in 0.0..1.0_f64) {
            let pieces = rates.iter().map(|(from, to, span)| piece(*from, *to, *span)).collect();
            let curve = Curve::stages(pieces).unwrap();
            let all = curve.count(curve.length().unwrap());
            let count = all * part;
            let instant = curve.instant(count);
            prop_assert!(instant <= curve.length().unwrap());
            // A nanosecond of the highest rate, and the rounding of the sums.
            prop_assert!((curve.count(instant) - count).abs() < 1e-6, "{} {}", curve.count(instant), count);
            prop_assert!(curve.instant(count * 0.5) <= instant);
        }
    }
}
