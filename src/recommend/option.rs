//! One GPU with one degree of parallelism, under the asked load.

use super::{
    Ask, Demand, Efficiencies, Efficiency, Ends, EngineDefaults, Formula, Gpu, Memory, Point, Replica,
    Station, Work, formula, open_rate, users_of,
};

/// A number as physics bounds it, and as it is expected; `worst` and `best` under the range of efficiencies.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Range {
    pub bound: Option<f64>,
    pub worst: Option<f64>,
    pub expected: f64,
    pub best: Option<f64>,
}

/// What users get. Latencies in seconds at the asked attainment.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Served {
    /// Requests per second in all.
    pub rate: f64,
    pub utilization: f64,
    pub batch: f64,
    pub ttft: Range,
    pub tpot: Range,
    pub e2e: Range,
}

/// A way to serve the load.
#[derive(Debug, Clone, PartialEq)]
pub struct Choice {
    pub gpu: &'static Gpu,
    pub gpus_per_replica: u32,
    pub replicas: Range,
    pub gpus: u32,
    /// Requests per second of one replica.
    pub capacity: Range,
    pub limited_by: Ends,
    pub served: Served,
    pub memory: Memory,
    pub usd_per_hour: Option<f64>,
    pub formulas: Vec<Formula>,
}

/// What one replica can, under one set of efficiencies.
#[derive(Debug, Clone, Copy)]
pub(super) struct Ability {
    pub efficiency: Efficiency,
    pub memory: Memory,
    pub capacity: Result<(f64, Ends), Ends>,
}

/// Under the bound, and under the three expectations.
pub(super) struct Abilities {
    pub bound: Ability,
    pub worst: Ability,
    pub expected: Ability,
    pub best: Ability,
}

impl Ask {
    pub(super) fn abilities(&self, replica: &Replica<'_>, efficiencies: &Efficiencies) -> Abilities {
        let Efficiencies { bound, low, expected, high } = *efficiencies;
        let of = |efficiency| self.ability(replica, efficiency);
        Abilities { bound: of(bound), worst: of(low), expected: of(expected), best: of(high) }
    }

    fn ability(&self, replica: &Replica<'_>, efficiency: Efficiency) -> Ability {
        let memory = Memory::of(replica, &efficiency, self.lengths);
        let capacity = self.at(replica, &efficiency, &memory, |station| station.capacity(&self.limits));
        Ability { efficiency, memory, capacity }
    }

    /// Asks a replica as a station.
    pub(super) fn at<T>(
        &self,
        replica: &Replica<'_>,
        efficiency: &Efficiency,
        memory: &Memory,
        question: impl FnOnce(&Station<'_>) -> T,
    ) -> T {
        let step = |work: &Work| replica.step(efficiency, work);
        let defaults = EngineDefaults::of(replica.gpu);
        let ideal = efficiency.overlap;
        question(&Station {
            step: &step,
            lengths: self.lengths,
            chunk: defaults.chunk,
            sequences: if ideal { memory.sequences } else { memory.sequences.min(defaults.sequences) },
            share: self.attainment,
            ideal,
        })
    }

    /// Replicas that carry the load; none where even one request does not fit the limits.
    fn replicas(&self, replica: &Replica<'_>, ability: &Ability) -> Option<f64> {
        let (capacity, _) = ability.capacity.ok()?;
        // What physics allows has no reserve.
        let reserve = if ability.efficiency.overlap { 0.0 } else { self.headroom };
        let usable = capacity * (1.0 - reserve);
        let needed = match self.demand {
            Demand::Rate(rate) => rate / usable,
            Demand::Users { users, think } => {
                let point = self
                    .at(replica, &ability.efficiency, &ability.memory, |station| station.at(usable))
                    .ok()?;
                users / users_of(usable, point.e2e_mean, think)
            }
        };
        Some(needed.ceil().max(1.0))
    }

    /// Requests per second of one of `replicas` replicas.
    fn own_rate(&self, replica: &Replica<'_>, ability: &Ability, replicas: f64) -> Option<f64> {
        let (capacity, _) = ability.capacity.ok()?;
        let Demand::Users { users, think } = self.demand else {
            let Demand::Rate(rate) = self.demand else { return None };
            return Some(rate / replicas);
        };
        let own = users / replicas;
        let response = |rate: f64| {
            self.at(replica, &ability.efficiency, &ability.memory, |station| station.at(rate))
                .map_or(f64::INFINITY, |point| point.e2e_mean)
        };
        // Users who wait longer ask less: the rate where both agree lies between none and the capacity.
        let (mut low, mut high) = (0.0, capacity);
        for _ in 0..60 {
            let middle = f64::midpoint(low, high);
            if open_rate(own, response(middle), think) > middle { low = middle } else { high = middle }
        }
        Some(high)
    }

    /// The option of this replica, if it serves the load at all.
    pub(super) fn choice(&self, replica: &Replica<'_>, abilities: &Abilities) -> Option<Choice> {
        let Abilities { bound, worst, expected, best } = abilities;
        let (capacity, limited_by) = expected.capacity.ok()?;
        let replicas = self.replicas(replica, expected)?;
        let rate = self.own_rate(replica, expected, replicas)?;
        let point = |ability: &Ability| {
            self.at(replica, &ability.efficiency, &ability.memory, |station| station.at(rate)).ok()
        };
        let middle = point(expected)?;
        let points = [point(bound), point(worst), point(best)];
        let latency = |read: fn(&Point) -> f64| {
            let [bound, worst, best] = points.each_ref().map(|point| point.as_ref().map(read));
            Range { bound, worst, expected: read(&middle), best }
        };
        let rates = |ability: &Ability| ability.capacity.ok().map(|(rate, _)| rate);
        let gpus = (replicas * f64::from(replica.gpus)).min(f64::from(u32::MAX)) as u32;
        let mut choice = Choice {
            gpu: replica.gpu,
            gpus_per_replica: replica.gpus,
            replicas: Range {
                bound: self.replicas(replica, bound),
                worst: self.replicas(replica, worst),
                expected: replicas,
                best: self.replicas(replica, best),
            },
            gpus,
            capacity: Range {
                bound: rates(bound),
                worst: rates(worst),
                expected: capacity,
                best: rates(best),
            },
            limited_by,
            served: Served {
                rate: rate * replicas,
                utilization: rate / capacity,
                batch: middle.batch,
                ttft: latency(|point| point.ttft),
                tpot: latency(|point| point.tpot),
                e2e: latency(|point| point.e2e),
            },
            memory: expected.memory,
            usd_per_hour: self.prices.usd_per_hour.get(replica.gpu.id).map(|usd| usd * f64::from(gpus)),
            formulas: Vec::new(),
        };
        choice.formulas = formula::of(self, replica, &expected.efficiency, &choice, &middle);
        Some(choice)
    }
}

impl Choice {
    /// Output tokens per second of all replicas, at this many tokens per request.
    pub fn output_rate(&self, output: f64) -> f64 {
        self.served.rate * output
    }

    /// Kilowatt-hours of a million output tokens with every GPU at its rated power.
    pub fn kwh_per_million(&self, output: f64) -> f64 {
        let watts = self.gpu.power * f64::from(self.gpus);
        watts / self.output_rate(output) * 1e6 / 3.6e6
    }

    /// US dollars of a million tokens that come at `rate` per second.
    pub fn usd_per_million(&self, rate: f64) -> Option<f64> {
        self.usd_per_hour.map(|usd| usd / 3_600.0 / rate * 1e6)
    }
}
