//! From documents back to what the gate and the checks work with, so that saved results are judged like fresh ones.

use std::str::FromStr;

use super::row::ServerMs;
use super::{
    BaselineDocument, EnvironmentDocument, FindingDocument, GateDocument, GpuDocument, ObjectiveDocument,
    PlanDocument, RowDocument, RunDocument, SessionDocument, TokenCounts, VerdictDocument,
};
use crate::base::{Hint, Nanos};
use crate::config::{Bound, GatePolicy, Objective};
use crate::gate::Verdict;
use crate::record::{
    Ask, Chunk, Environment, Failure, FailureClass, Gpu, MetricKey, Outcome, Phase, Row, TokenSource, Usage,
};
use crate::stats::Looks;
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

    /// Results of one key as the sessions of a baseline, oldest first, each under its id and the commit it measured: what a history
    /// is drawn from. Left out is what no comparison would use: parts of a load, searches, what was interrupted or found
    /// invalid, and results of another key than the newest one's. None where nothing is left.
    pub fn of_runs(runs: &[(&str, Option<&str>, &RunDocument)]) -> Option<Self> {
        let is_whole = |run: &RunDocument| {
            let invalid = run.findings.iter().any(|finding| finding.severity == Severity::Invalid.id());
            !(run.partial || invalid || run.search.is_some() || run.plan.shard.is_some())
        };
        // Instants with and without fractions of a second do not sort as text.
        let at = |run: &RunDocument| run.created.parse::<jiff::Timestamp>().ok();
        let mut whole: Vec<_> =
            runs.iter().filter(|(.., run)| is_whole(run) && at(run).is_some()).copied().collect();
        whole.sort_by_key(|(id, _, run)| (at(run), *id));
        let (.., newest) = whole.last().copied()?;
        let mut baseline =
            Self::empty(newest.fingerprint.clone(), newest.plan.workload.clone(), &newest.tool);
        baseline.definitions.clone_from(&newest.definitions);
        let alike = |run: &RunDocument| {
            run.fingerprint == newest.fingerprint && run.definitions == newest.definitions
        };
        baseline.sessions = whole
            .into_iter()
            .filter(|(.., run)| alike(run))
            .map(|(id, commit, run)| SessionDocument::from_run(run, id, commit))
            .collect();
        Some(baseline)
    }
}

impl PlanDocument {
    /// How the result was to be judged; the error names what this version does not know.
    pub fn policy(&self) -> Result<GatePolicy, String> {
        let GateDocument {
            rounds,
            looks,
            robust,
            budget_s,
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
            looks: Looks::new(if looks.is_empty() { vec![*rounds] } else { looks.clone() })
                .ok_or_else(|| format!("the looks {looks:?} of {rounds} rounds are none"))?,
            robust: *robust,
            budget: budget_s.map(Nanos::from_secs),
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

impl RowDocument {
    /// The row to the microsecond that the file keeps; the error names the word that this version does not know. What files do
    /// not hold (headers, the first visible chunk) is not there.
    pub fn row(&self) -> Result<Row, String> {
        let Self {
            index,
            round: _,
            level: _,
            arm: _,
            phase,
            due_ms,
            sent_ms,
            ttft_ms,
            e2e_ms: _,
            done_ms,
            chunk_ms,
            chunk_tokens,
            tokens,
            server_ms,
            finish_reason,
            outcome,
            status,
            detail,
            reconnects,
        } = self;
        let TokenCounts { prompt_asked, prompt, cached, output_asked, output, source } = tokens;
        let counted = |wanted: TokenSource| (source == wanted.id()).then_some(*output);
        if TokenSource::ALL.into_iter().all(|known| source != known.id()) {
            return Err(format!("the source of tokens '{}' is not known", source.escape_debug()));
        }
        Ok(Row {
            phase: match phase.as_str() {
                "warmup" => Phase::Warmup,
                "measure" => Phase::Measure,
                other => return Err(format!("the phase '{}' is not known", other.escape_debug())),
            },
            due: due_ms.map(instant),
            sent: sent_ms.map(instant),
            chunks: chunks(*sent_ms, chunk_ms, chunk_tokens.as_deref())?,
            streamed: ttft_ms.is_some(),
            prompt_tokens_asked: *prompt_asked,
            output_tokens_asked: *output_asked,
            usage: Usage { prompt: *prompt, output: counted(TokenSource::Usage), cached: *cached },
            tokenizer_count: counted(TokenSource::Tokenizer),
            server_times: server_ms.as_ref().map(ServerMs::times),
            finish_reason: finish_reason.clone(),
            reconnects: *reconnects,
            ..Row::unsent(
                &Ask::plain(*index, String::new()),
                Phase::Measure,
                None,
                instant(*done_ms),
                ended(outcome, detail.as_deref(), *status)?,
            )
        })
    }
}

/// Files hold milliseconds with three decimals.
fn instant(ms: f64) -> Nanos {
    Nanos(((ms * 1e3).round().max(0.0) as u64).saturating_mul(1_000))
}

fn chunks(sent_ms: Option<f64>, chunk_ms: &[f64], tokens: Option<&[u32]>) -> Result<Vec<Chunk>, String> {
    if tokens.is_some_and(|tokens| tokens.len() != chunk_ms.len()) {
        return Err("chunk_tokens and chunk_ms are not of one length".to_owned());
    }
    let Some(sent) = sent_ms else {
        return if chunk_ms.is_empty() {
            Ok(Vec::new())
        } else {
            Err("chunks of a request that was not sent".to_owned())
        };
    };
    let tokens = |at: usize| tokens.and_then(|tokens| tokens.get(at)).copied();
    let chunk = |(at, ms): (usize, &f64)| Chunk { at: instant(sent + ms), tokens: tokens(at) };
    Ok(chunk_ms.iter().enumerate().map(chunk).collect())
}

fn ended(outcome: &str, detail: Option<&str>, status: Option<u16>) -> Result<Outcome, String> {
    if outcome == "success" {
        return Ok(Outcome::Success);
    }
    let class = FailureClass::ALL.into_iter().find(|class| class.id() == outcome);
    let class = class.ok_or_else(|| format!("the outcome '{}' is not known", outcome.escape_debug()))?;
    Ok(Outcome::Failed(Failure { status, ..Failure::new(class, detail.unwrap_or_default()) }))
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
            image,
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
            image: image.clone(),
            network_path: network_path.clone(),
            model: model.clone(),
        }
    }
}
