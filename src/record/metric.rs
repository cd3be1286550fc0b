//! The catalogue of metrics: one id, unit and good direction each, as METRICS defines them.

use std::fmt;
use std::str::FromStr;

/// Which way is good.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Better {
    Lower,
    Higher,
}

/// The unit in documents and tables.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    Milliseconds,
    MillisecondsPerToken,
    RequestsPerSecond,
    TokensPerSecond,
    /// A share in `0..=1`, printed as a percentage.
    Ratio,
    /// 10⁹ bytes.
    Gigabytes,
    Watts,
    JoulesPerToken,
    TokensPerJoule,
    TokensPerSecondPerWatt,
}

impl Unit {
    /// Whether it is a time.
    pub fn is_time(self) -> bool {
        matches!(self, Self::Milliseconds | Self::MillisecondsPerToken)
    }

    /// Whether it says how fast something is: a time, or a rate.
    pub fn is_speed(self) -> bool {
        self.is_time() || matches!(self, Self::RequestsPerSecond | Self::TokensPerSecond)
    }

    pub fn symbol(self) -> &'static str {
        match self {
            Self::Milliseconds => "ms",
            Self::MillisecondsPerToken => "ms/token",
            Self::RequestsPerSecond => "req/s",
            Self::TokensPerSecond => "tokens/s",
            Self::Ratio => "%",
            Self::Gigabytes => "GB",
            Self::Watts => "W",
            Self::JoulesPerToken => "J/token",
            Self::TokensPerJoule => "tokens/J",
            Self::TokensPerSecondPerWatt => "tokens/s/W",
        }
    }
}

/// Every number that a level of a round yields. Distributions carry a statistic (`ttft_p95`); the rest are single values.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Metric {
    SendLag,
    Ttft,
    TtftFromDue,
    Ttfo,
    Ttst,
    Tpot,
    TpotExact,
    Icl,
    Itl,
    MaxStall,
    E2e,
    E2eFromDue,
    Ttlb,
    TokensPerUser,
    RequestThroughput,
    OutputThroughput,
    TotalThroughput,
    Goodput,
    GoodputRate,
    SuccessRate,
    ErrorRate,
    GpuUtil,
    GpuMemory,
    GpuPower,
    EnergyPerToken,
    TokensPerJoule,
    TokensPerWatt,
}

impl Metric {
    pub const ALL: [Self; 27] = [
        Self::SendLag,
        Self::Ttft,
        Self::TtftFromDue,
        Self::Ttfo,
        Self::Ttst,
        Self::Tpot,
        Self::TpotExact,
        Self::Icl,
        Self::Itl,
        Self::MaxStall,
        Self::E2e,
        Self::E2eFromDue,
        Self::Ttlb,
        Self::TokensPerUser,
        Self::RequestThroughput,
        Self::OutputThroughput,
        Self::TotalThroughput,
        Self::Goodput,
        Self::GoodputRate,
        Self::SuccessRate,
        Self::ErrorRate,
        Self::GpuUtil,
        Self::GpuMemory,
        Self::GpuPower,
        Self::EnergyPerToken,
        Self::TokensPerJoule,
        Self::TokensPerWatt,
    ];

    /// The key in documents, flags and files.
    pub fn id(self) -> &'static str {
        match self {
            Self::SendLag => "send_lag",
            Self::Ttft => "ttft",
            Self::TtftFromDue => "ttft_from_due",
            Self::Ttfo => "ttfo",
            Self::Ttst => "ttst",
            Self::Tpot => "tpot",
            Self::TpotExact => "tpot_exact",
            Self::Icl => "icl",
            Self::Itl => "itl",
            Self::MaxStall => "max_stall",
            Self::E2e => "e2e",
            Self::E2eFromDue => "e2e_from_due",
            Self::Ttlb => "ttlb",
            Self::TokensPerUser => "tokens_per_user",
            Self::RequestThroughput => "request_throughput",
            Self::OutputThroughput => "output_throughput",
            Self::TotalThroughput => "total_throughput",
            Self::Goodput => "goodput",
            Self::GoodputRate => "goodput_rate",
            Self::SuccessRate => "success_rate",
            Self::ErrorRate => "error_rate",
            Self::GpuUtil => "gpu_util",
            Self::GpuMemory => "gpu_memory",
            Self::GpuPower => "gpu_power",
            Self::EnergyPerToken => "energy_per_token",
            Self::TokensPerJoule => "tokens_per_joule",
            Self::TokensPerWatt => "tokens_per_watt",
        }
    }

    /// The words in tables, for example `TTFT` or `Output throughput`.
    pub fn title(self) -> &'static str {
        match self {
            Self::SendLag => "Send lag",
            Self::Ttft => "TTFT",
            Self::TtftFromDue => "TTFT from due",
            Self::Ttfo => "TTFO",
            Self::Ttst => "TTST",
            Self::Tpot => "TPOT",
            Self::TpotExact => "TPOT exact",
            Self::Icl => "ICL",
            Self::Itl => "ITL",
            Self::MaxStall => "Max stall",
            Self::E2e => "E2E",
            Self::E2eFromDue => "E2E from due",
            Self::Ttlb => "TTLB",
            Self::TokensPerUser => "Tokens/s per user",
            Self::RequestThroughput => "Request throughput",
            Self::OutputThroughput => "Output throughput",
            Self::TotalThroughput => "Total throughput",
            Self::Goodput => "Goodput",
            Self::GoodputRate => "Goodput rate",
            Self::SuccessRate => "Success rate",
            Self::ErrorRate => "Error rate",
            Self::GpuUtil => "GPU utilisation",
            Self::GpuMemory => "GPU memory",
            Self::GpuPower => "GPU power",
            Self::EnergyPerToken => "Energy per token",
            Self::TokensPerJoule => "Tokens per joule",
            Self::TokensPerWatt => "Tokens/s per watt",
        }
    }

    pub fn unit(self) -> Unit {
        match self {
            Self::Tpot | Self::TpotExact | Self::Itl => Unit::MillisecondsPerToken,
            Self::TokensPerUser | Self::OutputThroughput | Self::TotalThroughput => Unit::TokensPerSecond,
            Self::RequestThroughput | Self::GoodputRate => Unit::RequestsPerSecond,
            Self::Goodput | Self::SuccessRate | Self::ErrorRate | Self::GpuUtil => Unit::Ratio,
            Self::GpuMemory => Unit::Gigabytes,
            Self::GpuPower => Unit::Watts,
            Self::EnergyPerToken => Unit::JoulesPerToken,
            Self::TokensPerJoule => Unit::TokensPerJoule,
            Self::TokensPerWatt => Unit::TokensPerSecondPerWatt,
            Self::SendLag
            | Self::Ttft
            | Self::TtftFromDue
            | Self::Ttfo
            | Self::Ttst
            | Self::Icl
            | Self::MaxStall
            | Self::E2e
            | Self::E2eFromDue
            | Self::Ttlb => Unit::Milliseconds,
        }
    }

    pub fn better(self) -> Better {
        match self {
            Self::TokensPerUser
            | Self::RequestThroughput
            | Self::OutputThroughput
            | Self::TotalThroughput
            | Self::Goodput
            | Self::GoodputRate
            | Self::SuccessRate
            | Self::GpuUtil
            | Self::TokensPerJoule
            | Self::TokensPerWatt => Better::Higher,
            _ => Better::Lower,
        }
    }

    /// Whether the metric is a distribution over requests, chunks or tokens, so that a statistic must be named.
    pub fn is_distribution(self) -> bool {
        self.unit().is_time() || self == Self::TokensPerUser
    }

    fn from_id(id: &str) -> Option<Self> {
        // Names that people bring from other tools.
        let id = match id {
            "e2el" | "latency" | "request_latency" => "e2e",
            "time_to_first_token" => "ttft",
            "inter_token_latency" => "itl",
            "throughput" | "output_token_throughput" => "output_throughput",
            other => other,
        };
        Self::ALL.into_iter().find(|metric| metric.id() == id)
    }
}

impl fmt::Display for Metric {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.id())
    }
}

/// What is read off a metric: its mean, a quantile in tenths of a percent, or its single value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Stat {
    Mean,
    /// Quantile in thousandths: 950 is p95, 999 is p99.9.
    Quantile(u16),
    Value,
}

/// A number's name: `ttft_p95`, `tpot_mean`, `goodput`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MetricKey {
    pub metric: Metric,
    pub stat: Stat,
}

impl MetricKey {
    pub fn quantile(metric: Metric, thousandths: u16) -> Self {
        Self { metric, stat: Stat::Quantile(thousandths) }
    }

    pub fn value(metric: Metric) -> Self {
        Self { metric, stat: Stat::Value }
    }

    /// `TTFT p95`, `Goodput`.
    pub fn title(self) -> String {
        match self.stat {
            Stat::Mean => format!("{} mean", self.metric.title()),
            Stat::Quantile(q) => format!("{} p{}", self.metric.title(), percent(q)),
            Stat::Value => self.metric.title().to_owned(),
        }
    }
}

fn percent(thousandths: u16) -> String {
    if thousandths.is_multiple_of(10) {
        (thousandths / 10).to_string()
    } else {
        format!("{}.{}", thousandths / 10, thousandths % 10)
    }
}

impl fmt::Display for MetricKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.stat {
            Stat::Mean => write!(f, "{}_mean", self.metric),
            Stat::Quantile(q) => write!(f, "{}_p{}", self.metric, percent(q)),
            Stat::Value => write!(f, "{}", self.metric),
        }
    }
}

/// A name that is not in the catalogue.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ParseMetricError {
    #[error("'{name}' is not a metric; known are {}", known())]
    Unknown { name: String },
    #[error("'{name}' needs a statistic: write {name}_p95, {name}_p50 or {name}_mean")]
    NeedsStat { name: String },
    #[error("'{name}' is a single value and takes no statistic: write '{metric}'")]
    NoStat { name: String, metric: Metric },
}

fn known() -> String {
    Metric::ALL.map(Metric::id).join(", ")
}

impl FromStr for MetricKey {
    type Err = ParseMetricError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let name = text.trim().to_ascii_lowercase();
        if let Some(metric) = Metric::from_id(&name) {
            return if metric.is_distribution() {
                Err(ParseMetricError::NeedsStat { name })
            } else {
                Ok(Self::value(metric))
            };
        }
        let unknown = || ParseMetricError::Unknown { name: name.clone() };
        let (head, tail) = name.rsplit_once('_').ok_or_else(unknown)?;
        let metric = Metric::from_id(head).ok_or_else(unknown)?;
        let stat = parse_stat(tail).ok_or_else(unknown)?;
        if metric.is_distribution() {
            Ok(Self { metric, stat })
        } else {
            Err(ParseMetricError::NoStat { name: name.clone(), metric })
        }
    }
}

fn parse_stat(text: &str) -> Option<Stat> {
    match text {
        "mean" | "avg" => Some(Stat::Mean),
        "median" => Some(Stat::Quantile(500)),
        _ => {
            let percent: f64 = text.strip_prefix('p')?.parse().ok()?;
            let thousandths = (percent * 10.0).round();
            (0.0 < thousandths && thousandths < 1000.0).then_some(Stat::Quantile(thousandths as u16))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_round_trip_and_errors_teach() {
        for name in [
            "ttft_p95",
            "itl_p99.9",
            "tpot_mean",
            "goodput",
            "output_throughput",
            "ttft_from_due_p50",
            "energy_per_token",
        ] {
            assert_eq!(name.parse::<MetricKey>().map(|key| key.to_string()), Ok(name.to_owned()));
        }
        assert!(matches!("ttft".parse::<MetricKey>(), Err(ParseMetricError::NeedsStat { .. })));
        assert!(matches!("goodput_p95".parse::<MetricKey>(), Err(ParseMetricError::NoStat { .. })));
        assert!(matches!("speed".parse::<MetricKey>(), Err(ParseMetricError::Unknown { .. })));
    }
}
