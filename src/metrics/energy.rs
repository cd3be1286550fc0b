//! What GPUs add to a level's values: utilisation, memory, power, and the energy that a token costs.

use std::collections::BTreeMap;

use super::Summary;
use crate::record::{Course, Energy, GpuWindow, Metric, Observed};

/// Least share of the window that readings must cover for its energy to stand for all of its tokens.
const COVERED: f64 = 0.95;

/// Means of one GPU over a window, as its values go by.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct GpuMeans {
    /// Nothing ran on it.
    pub idle: bool,
    /// In `0..=1`.
    pub utilization: Option<f64>,
    /// Bytes.
    pub memory: Option<f64>,
    /// Watts.
    pub power: Option<f64>,
    /// Joules, and the seconds that they were spent in.
    pub energy: Option<(f64, f64)>,
}

impl Summary {
    /// The same level with what was seen beside it, and the values that come of that.
    #[must_use]
    pub fn with_observed(self, observed: Observed) -> Self {
        let means: Vec<GpuMeans> = observed.gpus.iter().map(GpuMeans::from).collect();
        let mut values = self.values;
        let throughput = values.get(&Metric::OutputThroughput).copied();
        values.extend(gpu_values(&means, self.window.secs(), throughput));
        Self { values, observed, ..self }
    }
}

/// The values of all GPUs together. Idle ones are left out where others were at work: a machine may hold more GPUs than the
/// server uses. A value that one of the rest does not know is not there.
pub fn gpu_values(gpus: &[GpuMeans], seconds: f64, output_throughput: Option<f64>) -> BTreeMap<Metric, f64> {
    let busy: Vec<&GpuMeans> = gpus.iter().filter(|gpu| !gpu.idle).collect();
    let is_idle = busy.is_empty();
    let counted: Vec<&GpuMeans> = if is_idle { gpus.iter().collect() } else { busy };
    let sum = |pick: &dyn Fn(&GpuMeans) -> Option<f64>| -> Option<f64> {
        let all: Option<Vec<f64>> = counted.iter().map(|gpu| pick(gpu)).collect();
        all.filter(|all| !all.is_empty()).map(|all| all.iter().sum())
    };
    let util = sum(&|gpu| gpu.utilization).map(|all| all / counted.len() as f64);
    let power = sum(&|gpu| gpu.power);
    let covered = |(joules, spent): (f64, f64)| (spent >= COVERED * seconds).then_some(joules / spent);
    // The tokens of a server that runs elsewhere do not come of these joules.
    let rate = output_throughput.filter(|rate| *rate > 0.0 && !is_idle);
    // Joules per second over tokens per second, so that joules are those of the whole window.
    let cost = sum(&|gpu| gpu.energy.and_then(covered)).zip(rate).map(|(watts, rate)| watts / rate);
    let cost = cost.filter(|cost| *cost > 0.0);
    [
        (Metric::GpuUtil, util),
        (Metric::GpuMemory, sum(&|gpu| gpu.memory).map(|bytes| bytes / 1e9)),
        (Metric::GpuPower, power),
        (Metric::EnergyPerToken, cost),
        (Metric::TokensPerJoule, cost.map(|cost| 1.0 / cost)),
        (
            Metric::TokensPerWatt,
            rate.zip(power.filter(|power| *power > 0.0)).map(|(rate, power)| rate / power),
        ),
    ]
    .into_iter()
    .filter_map(|(metric, value)| Some((metric, value.filter(|value| value.is_finite())?)))
    .collect()
}

impl From<&GpuWindow> for GpuMeans {
    fn from(gpu: &GpuWindow) -> Self {
        let mean = |course: Option<Course>| course.map(|course| course.mean);
        Self {
            idle: gpu.is_idle(),
            utilization: mean(gpu.utilization),
            memory: mean(gpu.memory_used),
            power: mean(gpu.power),
            energy: gpu.energy.map(|Energy { joules, seconds, source: _ }| (joules, seconds)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 80 % busy, 60 GB, 500 W for ten seconds.
    const BUSY: GpuMeans = GpuMeans {
        idle: false,
        utilization: Some(0.8),
        memory: Some(60e9),
        power: Some(500.0),
        energy: Some((4_800.0, 10.0)),
    };
    const IDLE: GpuMeans = GpuMeans {
        idle: true,
        utilization: Some(0.0),
        memory: Some(0.0),
        power: Some(70.0),
        energy: Some((700.0, 10.0)),
    };

    fn words(gpus: &[GpuMeans], throughput: Option<f64>) -> String {
        gpu_values(gpus, 10.0, throughput)
            .iter()
            .map(|(metric, value)| format!("{metric} {value:.3} {}", metric.unit().symbol()))
            .collect::<Vec<_>>()
            .join("\n")
    }

    #[test]
    fn values_are_sums_over_the_gpus_at_work() {
        let other = GpuMeans { utilization: Some(0.6), ..BUSY };
        // 9,600 J over 24,000 tokens; 2,400 tokens/s over 1,000 W.
        insta::assert_snapshot!(words(&[BUSY, other, IDLE], Some(2_400.0)), @r"
        gpu_util 0.700 %
        gpu_memory 120.000 GB
        gpu_power 1000.000 W
        energy_per_token 0.400 J/token
        tokens_per_joule 2.500 tokens/J
        tokens_per_watt 2.400 tokens/s/W
        ");
    }

    #[test]
    fn gpus_where_nothing_ran_have_no_tokens() {
        insta::assert_snapshot!(words(&[IDLE, IDLE], Some(2_400.0)), @r"
        gpu_util 0.000 %
        gpu_memory 0.000 GB
        gpu_power 140.000 W
        ");
    }

    #[test]
    fn what_one_of_them_does_not_know_is_not_there() {
        let silent = GpuMeans { power: None, energy: None, ..BUSY };
        insta::assert_snapshot!(words(&[BUSY, silent], Some(2_400.0)), @r"
        gpu_util 0.800 %
        gpu_memory 120.000 GB
        ");
        assert_eq!(words(&[], Some(2_400.0)), "");
    }

    #[test]
    fn energy_of_a_part_of_the_window_costs_no_token_of_the_rest() {
        let lost = GpuMeans { energy: Some((2_000.0, 4.0)), ..BUSY };
        let values = gpu_values(&[lost], 10.0, Some(2_400.0));
        assert!(!values.contains_key(&Metric::EnergyPerToken) && values.contains_key(&Metric::GpuPower));
        assert!(!gpu_values(&[BUSY], 10.0, Some(0.0)).contains_key(&Metric::EnergyPerToken));
    }
}
