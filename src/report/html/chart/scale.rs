//! From values to places on an axis, and the ticks between which a reader can guess.

/// How an axis runs. Invariant: finite, and the first end lies below the second; on a logarithmic axis both are above 0.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(in crate::report::html) enum Scale {
    Linear {
        low: f64,
        high: f64,
    },
    Log {
        low: f64,
        high: f64,
    },
    /// Shares from 0 to `1 - 10^-nines`, the tail drawn out: p90, p99 and p99.9 stand at equal distances.
    Tail {
        nines: f64,
    },
}

/// Values this far apart ask for a logarithmic axis.
const LOG_FROM: f64 = 30.0;

impl Scale {
    /// From 0 to a round number above every value; from 0 to 1 without any.
    pub(in crate::report::html) fn from_zero(values: impl IntoIterator<Item = f64>) -> Self {
        let high = values.into_iter().filter(|value| value.is_finite()).fold(0.0, f64::max);
        if high <= 0.0 {
            return Self::Linear { low: 0.0, high: 1.0 };
        }
        let step = nice(high / 5.0);
        Self::Linear { low: 0.0, high: (high / step - 1e-9).ceil() * step }
    }

    /// Exactly between two values.
    pub(in crate::report::html) fn between(low: f64, high: f64) -> Self {
        if low.is_finite() && high.is_finite() && low < high {
            Self::Linear { low, high }
        } else {
            Self::Linear { low: 0.0, high: 1.0 }
        }
    }

    /// Logarithmic where the values ask for it, else from 0. Values of 0 and less stand at the foot of the axis.
    pub(in crate::report::html) fn spread(values: impl IntoIterator<Item = f64>) -> Self {
        let values: Vec<f64> = values.into_iter().filter(|value| value.is_finite() && *value > 0.0).collect();
        let low = values.iter().copied().fold(f64::MAX, f64::min);
        let high = values.iter().copied().fold(0.0, f64::max);
        if high / low < LOG_FROM {
            return Self::from_zero(values);
        }
        Self::Log { low: floor(low), high: ceiling(high) }
    }

    /// Where a value stands, 0 at the foot and 1 at the head; what lies beyond stands at the end.
    pub(in crate::report::html) fn place(self, value: f64) -> f64 {
        let share = match self {
            Self::Linear { low, high } => (value - low) / (high - low),
            Self::Log { low, high } => (value / low).ln() / (high / low).ln(),
            Self::Tail { nines } => -(1.0 - value).log10() / nines,
        };
        if share.is_nan() { 0.0 } else { share.clamp(0.0, 1.0) }
    }

    /// Four to eight round values, from the foot on.
    pub(in crate::report::html) fn ticks(self) -> Vec<f64> {
        match self {
            Self::Linear { low, high } => {
                let step = nice((high - low) / 5.0);
                let first = (low / step - 1e-9).ceil() as i64;
                let last = (high / step + 1e-9).floor() as i64;
                (first..=last).map(|n| n as f64 * step).collect()
            }
            Self::Log { low, high } => {
                let decades = (high / low).log10();
                let digits: &[f64] = if decades < 2.5 { &[1.0, 2.0, 5.0] } else { &[1.0] };
                // Over many decades every second one is enough.
                let every = (decades / 6.0).ceil().max(1.0) as usize;
                let first = low.log10().floor() as i32;
                let powers = (first..=high.log10().ceil() as i32).step_by(every);
                powers
                    .flat_map(|power| digits.iter().map(move |digit| digit * 10_f64.powi(power)))
                    .filter(|tick| (low * 0.999..=high * 1.001).contains(tick))
                    .collect()
            }
            Self::Tail { nines } => [0.0, 0.5, 0.9, 0.99, 0.999, 0.9999, 0.99999]
                .into_iter()
                .filter(|share| -(1.0_f64 - share).log10() <= nines + 1e-9)
                .collect(),
        }
    }
}

/// 1, 2 or 5 times a power of ten, at or above the value.
fn nice(value: f64) -> f64 {
    let power = 10_f64.powf(value.log10().floor());
    let digit = [1.0, 2.0, 5.0].into_iter().find(|digit| digit * power >= value * (1.0 - 1e-9));
    digit.unwrap_or(10.0) * power
}

/// The same at or below the value.
fn floor(value: f64) -> f64 {
    let power = 10_f64.powf(value.log10().floor());
    let digit = [5.0, 2.0, 1.0].into_iter().find(|digit| digit * power <= value * (1.0 + 1e-9));
    digit.unwrap_or(1.0) * power
}

fn ceiling(value: f64) -> f64 {
    nice(value)
}

/// `20 ms`, `1.5 s`: a tick of an axis of milliseconds.
pub(in crate::report::html) fn milliseconds(value: f64) -> String {
    if value >= 1_000.0 { format!("{} s", short(value / 1e3)) } else { format!("{} ms", short(value)) }
}

/// `30 s`, `5 min`: a tick of an axis of time.
pub(in crate::report::html) fn seconds(value: f64) -> String {
    if value >= 300.0 && (value % 60.0).abs() < 1e-6 {
        format!("{} min", short(value / 60.0))
    } else {
        format!("{} s", short(value))
    }
}

/// `p99.9` for 0.999.
pub(in crate::report::html) fn percentile(share: f64) -> String {
    if share <= 0.0 { "min".to_owned() } else { format!("p{}", short(share * 100.0)) }
}

/// A round number without zeros behind it, thousands as `k`, millions as `M`.
pub(in crate::report::html) fn short(value: f64) -> String {
    let (value, unit) = match value.abs() {
        size if size >= 1e6 => (value / 1e6, "M"),
        size if size >= 1e4 => (value / 1e3, "k"),
        _ => (value, ""),
    };
    let text = format!("{value:.4}");
    format!("{}{unit}", text.trim_end_matches('0').trim_end_matches('.'))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn ticks_are_round_and_few() {
        assert_eq!(Scale::from_zero([3.0, 97.0]).ticks(), [0.0, 20.0, 40.0, 60.0, 80.0, 100.0]);
        assert_eq!(Scale::from_zero([0.0]).ticks().len(), 6);
        assert_eq!(Scale::spread([1.5, 800.0]).ticks(), [1.0, 10.0, 100.0, 1000.0]);
        assert_eq!(Scale::spread([12.0, 460.0]).ticks(), [10.0, 20.0, 50.0, 100.0, 200.0, 500.0]);
        assert_eq!(Scale::spread([12.0, 60.0]), Scale::Linear { low: 0.0, high: 60.0 });
        assert_eq!(Scale::Tail { nines: 3.0 }.ticks(), [0.0, 0.5, 0.9, 0.99, 0.999]);
    }

    #[test]
    fn a_tail_gives_each_nine_the_same_room() {
        let scale = Scale::Tail { nines: 2.0 };
        let places = [0.0, 0.9, 0.99].map(|share| scale.place(share));
        for (got, wanted) in places.into_iter().zip([0.0, 0.5, 1.0]) {
            assert!((got - wanted).abs() < 1e-9, "{got} {wanted}");
        }
        assert!((scale.place(1.0) - 1.0).abs() < 1e-9);
    }

    #[test]
    fn ticks_read_as_people_write_them() {
        let words =
            [milliseconds(0.5), milliseconds(20.0), milliseconds(1_500.0), seconds(90.0), seconds(600.0)];
        assert_eq!(words, ["0.5 ms", "20 ms", "1.5 s", "90 s", "10 min"]);
        assert_eq!([percentile(0.0), percentile(0.5), percentile(0.999)], ["min", "p50", "p99.9"]);
        assert_eq!([short(1_500.0), short(25_000.0), short(3e6), short(0.2)], ["1500", "25k", "3M", "0.2"]);
    }

    proptest! {
        #[test]
        fn every_value_has_a_place_and_every_scale_ticks(values in prop::collection::vec(prop::num::f64::ANY, 0..20)) {
            for scale in [Scale::from_zero(values.clone()), Scale::spread(values.clone())] {
                for value in &values {
                    prop_assert!((0.0..=1.0).contains(&scale.place(*value)), "{:?} {}", scale, value);
                }
                prop_assert!(scale.ticks().len() <= 24, "{:?}", scale);
            }
        }

        #[test]
        fn usual_values_get_a_usual_number_of_ticks(values in prop::collection::vec(0.001_f64..1e7, 1..20)) {
            for scale in [Scale::from_zero(values.clone()), Scale::spread(values.clone())] {
                let ticks = scale.ticks();
                prop_assert!((3..=12).contains(&ticks.len()), "{:?} {:?}", scale, ticks);
                prop_assert!(ticks.is_sorted());
            }
        }
    }
}
