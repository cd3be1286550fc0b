//! From documents back to what the gate and the checks work with, so that saved results are judged like fresh ones.

use std::str::FromStr;

use super::{
    BaselineDocument, EnvironmentDocument, FindingDocument, GateDocument, GpuDocument, ObjectiveDocument,
    PlanDocument, RunDocument, SessionDocument, VerdictDocument,
};
use crate::base::Hint;
use crate::config::{Bound, GatePolicy, Objective};
use crate::gate::Verdict;
use crate::record::{Environment, Gpu, MetricKey};
use crate::validity::{Finding, Severity};

impl RunDocument {
    /// The levels' labels, in the order of the plan.
    pub fn labels(&self) -> Vec<String> {
        self.levels.iter().map(|level| level.label.clone()).collect()
    }

    /// The same measurement under another verdict.
    #[must_use]
    pub fn judged(self, verdict: &Verdict) -> Self {
        Self { verdict: Some(VerdictDocument::from(verdict)), ..self }
    }
}

impl BaselineDocument {
    /// One result as a baseline of one session.
    pub fn of_run(run: &RunDocument) -> Self {
        let mut baseline = Self::empty(run.fingerprint.clone(), run.plan.workload.clone(), &run.tool);
        baseline.definitions.clone_from(&run.definitions);
        baseline.sessions.push(SessionDocument::from_run(run, &run.created, None));
        baseline
    }
}

impl PlanDocument {
    /// How the result was to be judged; the error names what this version does not know.
    pub fn policy(&self) -> Result<GatePolicy, String> {
        let GateDocument {
            rounds,
            tolerances,
            objectives,
            alpha,
            assumed_noise,
            max_error_rate,
            require_baseline,
            strict,
        } = &self.gate;
        let tolerances = tolerances.iter().map(|(name, tolerance)| Ok((key(name)?, *tolerance)));
        Ok(GatePolicy {
            rounds: *rounds,
            tolerances: tolerances.collect::<Result<_, String>>()?,
            objectives: objectives.iter().map(objective).collect::<Result<_, String>>()?,
            alpha: *alpha,
            assumed_noise: *assumed_noise,
            max_error_rate: *max_error_rate,
            require_baseline: *require_baseline,
            strict: *strict,
        })
    }
}

fn key(name: &str) -> Result<MetricKey, String> {
    MetricKey::from_str(name).map_err(|error| error.to_string())
}

fn objective(document: &ObjectiveDocument) -> Result<Objective, String> {
    let ObjectiveDocument { metric, bound, limit } = document;
    let bound = match bound.as_str() {
        "at_most" => Bound::AtMost,
        "at_least" => Bound::AtLeast,
        other => return Err(format!("the bound '{other}' is not known")),
    };
    Ok(Objective { key: key(metric)?, bound, limit: *limit })
}

impl From<&FindingDocument> for Finding {
    fn from(document: &FindingDocument) -> Self {
        let FindingDocument { severity, code, message, hint, level, round } = document;
        Self {
            severity: match severity.as_str() {
                "info" => Severity::Info,
                "warning" => Severity::Warning,
                // A word from elsewhere must not turn an invalid measurement into a valid one.
                _ => Severity::Invalid,
            },
            code: code.clone(),
            message: message.clone(),
            hint: hint.clone().map(Hint::new),
            level: level.clone(),
            round: *round,
        }
    }
}

impl From<&EnvironmentDocument> for Environment {
    fn from(document: &EnvironmentDocument) -> Self {
        let EnvironmentDocument {
            tool,
            os,
            cpu,
            cpu_cores,
            memory_bytes,
            container,
            gpus,
            gpu_driver,
            hardware,
            server,
            network_path,
            model,
        } = document;
        let gpu = |GpuDocument { name, memory_bytes }: &GpuDocument| Gpu {
            name: name.clone(),
            memory: *memory_bytes,
        };
        Self {
            tool: tool.clone(),
            os: os.clone(),
            cpu: cpu.clone(),
            cpu_cores: *cpu_cores,
            memory_bytes: *memory_bytes,
            container: *container,
            gpus: gpus.iter().map(gpu).collect(),
            gpu_driver: gpu_driver.clone(),
            hardware: hardware.clone(),
            server: server.clone(),
            network_path: network_path.clone(),
            model: model.clone(),
        }
    }
}
