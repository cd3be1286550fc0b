//! The readings of one GPU over a level, and what they say about a window of it. Pure: values in, values out.

use std::collections::BTreeMap;

use super::reading::{Card, Reading, THROTTLES};
use crate::base::Nanos;
use crate::metrics::Window;
use crate::record::{Course, Energy, EnergySource, GpuWindow};

/// Errors of the driver that are kept; a card that brings more is broken anyway.
const XIDS_MAX: usize = 64;

/// Everything that was read of one GPU, in order of time.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct CardCourse {
    pub(super) card: Card,
    readings: Vec<Reading>,
    /// Instants and numbers of the driver's critical errors.
    xids: Vec<(Nanos, u64)>,
    lost: bool,
    /// The error that an exporter has shown last.
    shown: Option<u64>,
}

impl CardCourse {
    pub(super) fn new(card: Card) -> Self {
        Self { card, ..Self::default() }
    }

    pub(super) fn add(&mut self, reading: Reading) {
        self.readings.push(reading);
    }

    pub(super) fn add_xid(&mut self, at: Nanos, xid: u64) {
        if self.xids.len() < XIDS_MAX {
            self.xids.push((at, xid));
        }
    }

    /// Books the last error that an exporter shows, where it is another one than before; at the first look it is an old one.
    pub(super) fn see_xid(&mut self, at: Nanos, xid: Option<u64>, first: bool) {
        if let Some(new) = xid.filter(|new| *new != 0 && self.shown != xid && !first) {
            self.add_xid(at, new);
        }
        self.shown = xid;
    }

    pub(super) fn lose(&mut self) {
        self.lost = true;
    }

    pub(super) fn is_lost(&self) -> bool {
        self.lost
    }

    pub(super) fn len(&self) -> usize {
        self.readings.len()
    }

    /// Lets go of every second reading.
    pub(super) fn thin(&mut self) {
        let mut keep = false;
        self.readings.retain(|_| {
            keep = !keep;
            keep
        });
    }

    /// The window in numbers; without the energies of other spans.
    pub(super) fn window(&self, window: Window) -> GpuWindow {
        let weighed = self.weighed(window);
        let course = |pick: fn(&Reading) -> Option<f64>| course(&weighed, pick);
        let within = |at: Nanos| window.start <= at && at <= window.end;
        let slow = || weighed.iter().map(|(_, reading)| &reading.slow);
        let Card { index, name, uuid, memory_total, power_limit_default, mig, .. } = self.card.clone();
        GpuWindow {
            index,
            uuid,
            name,
            samples: self.readings.iter().filter(|reading| within(reading.at)).count() as u64,
            seconds: weighed.iter().map(|(weight, _)| weight).sum(),
            utilization: course(|reading| reading.utilization),
            memory_utilization: course(|reading| reading.memory_utilization),
            memory_used: course(|reading| reading.memory_used),
            memory_total,
            power: course(|reading| reading.power),
            power_limit: slow().filter_map(|slow| slow.power_limit).reduce(f64::min),
            power_limit_default,
            energy: self.energy(window),
            warmup_energy: None,
            steady_energy: None,
            temperature: course(|reading| reading.temperature),
            sm_clock: course(|reading| reading.sm_clock),
            memory_clock: course(|reading| reading.memory_clock),
            throttled: throttled(&weighed),
            ecc_errors: self.ecc_errors(window),
            xids: self.xids.iter().filter(|(at, _)| within(*at)).map(|(_, xid)| *xid).collect(),
            processes: slow().filter_map(|slow| slow.processes).max().map(u64::from),
            mig,
            lost: self.lost,
        }
    }

    /// By the hardware's counter, or by power where the card has none. None where no time of the window is covered.
    pub(super) fn energy(&self, window: Window) -> Option<Energy> {
        self.counted(window).or_else(|| self.integrated(window))
    }

    /// The counter at both ends, each between its two neighbouring readings in proportion to time.
    fn counted(&self, window: Window) -> Option<Energy> {
        let points: Vec<(Nanos, f64)> =
            self.readings.iter().filter_map(|reading| Some((reading.at, reading.energy?))).collect();
        let (from, to) = (window.start.max(points.first()?.0), window.end.min(points.last()?.0));
        let joules = between(&points, to)? - between(&points, from)?;
        let falls = points.windows(2).any(|pair| pair[1].1 < pair[0].1);
        (from < to && !falls).then(|| Energy {
            joules,
            seconds: (to - from).secs(),
            source: EnergySource::Counter,
        })
    }

    /// The trapezoidal rule over sampled power.
    fn integrated(&self, window: Window) -> Option<Energy> {
        let weighed = self.weighed(window);
        let known = || weighed.iter().filter_map(|(weight, reading)| Some((*weight, reading.power?)));
        let seconds: f64 = known().map(|(weight, _)| weight).sum();
        (seconds > 0.0).then(|| Energy {
            joules: known().map(|(weight, power)| weight * power).sum(),
            seconds,
            source: EnergySource::Power,
        })
    }

    /// From the last count at or before the start, or the first there is, to the first at or after the end, or the last.
    fn ecc_errors(&self, window: Window) -> Option<u64> {
        let counts: Vec<(Nanos, u64)> =
            self.readings.iter().filter_map(|reading| Some((reading.at, reading.slow.ecc_errors?))).collect();
        let before = counts.iter().rev().find(|(at, _)| *at <= window.start).or(counts.first())?;
        let after = counts.iter().find(|(at, _)| *at >= window.end).or(counts.last())?;
        Some(after.1.saturating_sub(before.1))
    }

    /// Each reading stands for the time from halfway to the one before to halfway to the one after, as far as that lies in the
    /// window, in seconds: sums of these are the trapezoidal rule. Readings without any are left out.
    fn weighed(&self, window: Window) -> Vec<(f64, &Reading)> {
        let halfway = |one: Nanos, other: Nanos| Nanos(one.0.midpoint(other.0));
        let readings = &self.readings;
        let weighed = readings.iter().enumerate().map(|(at, reading)| {
            let before = at.checked_sub(1).and_then(|before| readings.get(before));
            let from = before.map_or(reading.at, |before| halfway(before.at, reading.at));
            let to = readings.get(at + 1).map_or(reading.at, |after| halfway(reading.at, after.at));
            ((to.min(window.end) - from.max(window.start)).secs(), reading)
        });
        weighed.filter(|(weight, _)| *weight > 0.0).collect()
    }
}

/// The value at an instant that lies between the first and the last point.
fn between(points: &[(Nanos, f64)], at: Nanos) -> Option<f64> {
    let next = points.partition_point(|(point, _)| *point < at);
    let (later, high) = *points.get(next)?;
    let Some((earlier, low)) = next.checked_sub(1).and_then(|before| points.get(before)).copied() else {
        return Some(high);
    };
    let span = (later - earlier).secs();
    let share = if span > 0.0 { (at - earlier).secs() / span } else { 1.0 };
    Some(low + share * (high - low))
}

fn course(weighed: &[(f64, &Reading)], pick: fn(&Reading) -> Option<f64>) -> Option<Course> {
    let known = || weighed.iter().filter_map(|(weight, reading)| Some((*weight, pick(reading)?)));
    let time: f64 = known().map(|(weight, _)| weight).sum();
    let values = || known().map(|(_, value)| value);
    (time > 0.0).then(|| Course {
        mean: known().map(|(weight, value)| weight * value).sum::<f64>() / time,
        min: values().fold(f64::INFINITY, f64::min),
        max: values().fold(f64::NEG_INFINITY, f64::max),
    })
}

fn throttled(weighed: &[(f64, &Reading)]) -> Option<BTreeMap<String, f64>> {
    let known = || weighed.iter().filter_map(|(weight, reading)| Some((*weight, reading.reasons?)));
    let time: f64 = known().map(|(weight, _)| weight).sum();
    let share = |bit: u64| {
        let held: f64 = known().filter(|(_, reasons)| reasons & bit != 0).map(|(weight, _)| weight).sum();
        (held > 0.0).then(|| (held / time).min(1.0))
    };
    let shares = THROTTLES.into_iter().filter_map(|(bit, id)| Some((id.to_owned(), share(bit)?)));
    (time > 0.0).then(|| shares.collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::telemetry::reading::Slow;

    fn at(seconds: f64) -> Nanos {
        Nanos::from_secs(seconds)
    }

    fn window(from: f64, to: f64) -> Window {
        Window { start: at(from), end: at(to) }
    }

    fn course_of(readings: impl IntoIterator<Item = Reading>) -> CardCourse {
        let mut course = CardCourse::new(Card { name: "H100".to_owned(), ..Card::default() });
        readings.into_iter().for_each(|reading| course.add(reading));
        course
    }

    /// Power and utilisation at these seconds.
    fn drawn(points: &[(f64, f64)]) -> CardCourse {
        course_of(points.iter().map(|(seconds, watts)| Reading {
            at: at(*seconds),
            power: Some(*watts),
            utilization: Some(watts / 1_000.0),
            ..Reading::default()
        }))
    }

    fn close(one: f64, other: f64) {
        assert!((one - other).abs() < 1e-9, "{one} is not {other}");
    }

    #[test]
    fn means_are_weighted_by_time() {
        // 100 W stand for 0 … 0.5, 200 W for 0.5 … 2, 600 W for 2 … 3.
        let seen = drawn(&[(0.0, 100.0), (1.0, 200.0), (3.0, 600.0)]).window(window(0.0, 3.0));
        let power = seen.power.unwrap();
        close(power.mean, (50.0 + 300.0 + 600.0) / 3.0);
        assert_eq!((power.min, power.max, seen.samples), (100.0, 600.0, 3));
        close(seen.seconds, 3.0);
        close(seen.utilization.unwrap().mean, power.mean / 1_000.0);
        // Without a counter energy is the trapezoid: (100 + 200) / 2 · 1 + (200 + 600) / 2 · 2.
        let energy = seen.energy.unwrap();
        close(energy.joules, 150.0 + 800.0);
        assert_eq!(energy.source, EnergySource::Power);
    }

    #[test]
    fn only_the_window_counts() {
        let course = drawn(&[(0.0, 100.0), (1.0, 100.0), (2.0, 900.0), (3.0, 900.0), (4.0, 100.0)]);
        let seen = course.window(window(2.0, 3.0));
        close(seen.power.unwrap().mean, 900.0);
        assert_eq!(seen.samples, 2);
        // Beyond the last reading nothing is known.
        close(course.window(window(3.5, 9.0)).seconds, 0.5);
        let before = course.window(window(5.0, 6.0));
        assert_eq!((before.samples, before.power, before.energy), (0, None, None));
    }

    #[test]
    fn the_counter_is_read_between_its_readings() {
        let counted = |points: &[(f64, f64)]| {
            course_of(points.iter().map(|(seconds, joules)| Reading {
                at: at(*seconds),
                energy: Some(*joules),
                power: Some(1.0),
                ..Reading::default()
            }))
        };
        let course = counted(&[(0.0, 1_000.0), (1.0, 1_400.0), (2.0, 2_000.0), (3.0, 2_100.0)]);
        let energy = course.energy(window(0.5, 2.5)).unwrap();
        // 1,200 J at 0.5 s, 2,050 J at 2.5 s.
        close(energy.joules, 850.0);
        close(energy.seconds, 2.0);
        assert_eq!(energy.source, EnergySource::Counter);
        close(course.energy(window(2.0, 9.0)).unwrap().seconds, 1.0);
        // A driver that was loaded anew counts from nothing.
        let fell = counted(&[(0.0, 1_000.0), (1.0, 50.0), (2.0, 80.0)]);
        assert_eq!(fell.energy(window(0.0, 2.0)).unwrap().source, EnergySource::Power);
        assert_eq!(counted(&[(0.0, 1_000.0)]).energy(window(0.0, 2.0)), None);
    }

    #[test]
    fn reasons_are_shares_of_the_time() {
        let held =
            |seconds: f64, reasons: Option<u64>| Reading { at: at(seconds), reasons, ..Reading::default() };
        let course = course_of([
            held(0.0, Some(0x04)),
            held(1.0, Some(0x04 | 0x40)),
            held(2.0, Some(0x01)),
            held(3.0, None),
            held(4.0, Some(0x02)),
        ]);
        // Of 0.5 + 1 + 1 + 0.5 seconds with reasons.
        let throttled = course.window(window(0.0, 4.0)).throttled.unwrap();
        let shares: Vec<(&str, f64)> = throttled.iter().map(|(id, share)| (id.as_str(), *share)).collect();
        assert_eq!(shares, [("hw_thermal", 1.0 / 3.0), ("sw_power_cap", 0.5)]);
        assert_eq!(drawn(&[(0.0, 1.0), (1.0, 1.0)]).window(window(0.0, 1.0)).throttled, None);
    }

    #[test]
    fn errors_and_neighbours_are_those_of_the_window() {
        let slow = |seconds: f64, errors: u64, processes: u32, limit: f64| Reading {
            at: at(seconds),
            slow: Slow { ecc_errors: Some(errors), processes: Some(processes), power_limit: Some(limit) },
            ..Reading::default()
        };
        let mut course = course_of([
            slow(0.0, 3, 4, 700.0),
            slow(1.0, 3, 1, 700.0),
            slow(2.0, 5, 2, 350.0),
            slow(3.0, 9, 1, 700.0),
        ]);
        course.add_xid(at(0.5), 13);
        course.add_xid(at(1.5), 79);
        let seen = course.window(window(1.1, 2.1));
        assert_eq!((seen.ecc_errors, seen.processes, seen.power_limit), (Some(6), Some(2), Some(350.0)));
        assert_eq!(seen.xids, [79]);
        assert!(!seen.lost);
        course.lose();
        assert!(course.window(window(1.1, 2.1)).lost);
        for _ in 0..2 * XIDS_MAX {
            course.add_xid(at(1.5), 31);
        }
        assert_eq!(course.xids.len(), XIDS_MAX);
    }

    #[test]
    fn half_of_the_readings_give_the_same_means() {
        let points: Vec<(f64, f64)> =
            (0..=100).map(|tick| (f64::from(tick) / 10.0, f64::from(tick))).collect();
        let mut course = drawn(&points);
        let whole = course.window(window(1.0, 9.0)).power.unwrap();
        course.thin();
        assert_eq!(course.len(), 51);
        close(course.window(window(1.0, 9.0)).power.unwrap().mean, whole.mean);
    }
}
