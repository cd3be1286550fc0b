//! The one table of endpoints: router, authorisation, OpenAPI, documentation and tests all follow it.

use std::fmt::Write as _;

use crate::document::v1::service::KeyScope::{self, Read, Run};

/// What an endpoint does; each has one handler, and several rows may share it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Name {
    Start,
    List,
    Show,
    Status,
    OnlyResult,
    Remove,
    Rows,
    PutRows,
    Row,
    Points,
    Charts,
    Report,
    Analyze,
    Events,
    Compare,
    Baselines,
    SaveBaseline,
    Baseline,
    Promote,
    History,
    Recommend,
    Import,
    Gpus,
    Settings,
    Models,
    Viewer,
    OpenApi,
    Socket,
    Metrics,
    Health,
    Ready,
}

/// Methods that are spoken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verb {
    Get,
    Post,
    Put,
    Delete,
}

impl Verb {
    pub(super) fn id(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Post => "POST",
            Self::Put => "PUT",
            Self::Delete => "DELETE",
        }
    }

    /// Whether it may change something.
    pub(super) fn changes(self) -> bool {
        self != Self::Get
    }
}

/// A query parameter.
#[derive(Debug, Clone, Copy)]
pub(super) struct Param {
    pub(super) name: &'static str,
    pub(super) kind: ParamKind,
    pub(super) help: &'static str,
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum ParamKind {
    Text,
    /// Both ends included.
    Count(u64, u64),
    /// Finite, not negative.
    Number,
    Flag,
    Choice(&'static [&'static str]),
}

/// What a request carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Taken {
    Nothing,
    /// JSON of this type, at most 1 MiB.
    Json(&'static str),
    /// A result of ours, or a file of another tool: JSON or lines of JSON, at most 256 MiB.
    File,
    /// Rows as lines of JSON, at most 256 MiB.
    Lines,
}

impl Taken {
    /// The content types that it comes as.
    pub(super) fn kinds(self) -> &'static [&'static str] {
        match self {
            Self::Nothing => &[],
            Self::Json(_) => &["application/json"],
            Self::File => &["application/json", "application/x-ndjson"],
            Self::Lines => &["application/x-ndjson"],
        }
    }
}

/// What a success carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Given {
    Nothing,
    /// JSON of this type.
    Json(&'static str),
    /// Any of these content types.
    Text(&'static [&'static str]),
    /// A stream of `EventDocument`.
    Stream,
    Upgrade,
}

/// One row.
#[derive(Debug, Clone, Copy)]
pub(super) struct Endpoint {
    pub(super) name: Name,
    pub(super) verb: Verb,
    pub(super) path: &'static str,
    /// None: anybody may ask.
    pub(super) scope: Option<KeyScope>,
    pub(super) summary: &'static str,
    pub(super) query: &'static [Param],
    pub(super) takes: Taken,
    pub(super) answers: &'static [(u16, Given)],
    /// For a form that is kept for older clients: what to use instead.
    pub(super) instead: Option<&'static str>,
}

impl Endpoint {
    const fn query(mut self, query: &'static [Param]) -> Self {
        self.query = query;
        self
    }

    const fn takes(mut self, takes: Taken) -> Self {
        self.takes = takes;
        self
    }

    const fn open(mut self) -> Self {
        self.scope = None;
        self
    }

    const fn instead(mut self, path: &'static str) -> Self {
        self.instead = Some(path);
        self
    }
}

const fn row(
    name: Name,
    verb: Verb,
    path: &'static str,
    scope: KeyScope,
    answers: &'static [(u16, Given)],
    summary: &'static str,
) -> Endpoint {
    Endpoint {
        name,
        verb,
        path,
        scope: Some(scope),
        summary,
        query: &[],
        takes: Taken::Nothing,
        answers,
        instead: None,
    }
}

const fn param(name: &'static str, kind: ParamKind, help: &'static str) -> Param {
    Param { name, kind, help }
}

/// Rows of a page, at most.
pub(super) const PAGE_MAX: u64 = 500;
/// Points of a chart, at most.
pub(super) const POINTS_MAX: u64 = 20_000;

pub(super) const STATES: &[&str] = &["queued", "running", "finished", "failed", "cancelled", "interrupted"];
pub(super) const SORTS: &[&str] = &["created", "ended", "title", "model", "verdict"];
const FORMATS: &[&str] = &["html", "markdown", "junit", "csv", "json", "vllm", "table"];

const LISTED: &[Param] = &[
    param(
        "state",
        ParamKind::Text,
        "only these states, with commas: queued, running, finished, failed, cancelled, interrupted",
    ),
    param("verdict", ParamKind::Choice(&["pass", "fail", "inconclusive", "invalid"]), "only this verdict"),
    param("workload", ParamKind::Text, "only this workload"),
    param("model", ParamKind::Text, "only this model"),
    param("hardware", ParamKind::Text, "only this hardware"),
    param("text", ParamKind::Text, "only what holds this text in title, target, model or commit"),
    param("sort", ParamKind::Choice(SORTS), "what to sort by; created without it"),
    param("order", ParamKind::Choice(&["asc", "desc"]), "desc without it"),
    param("after", ParamKind::Text, "the `next` of the page before"),
    param("limit", ParamKind::Count(1, PAGE_MAX), "items of a page; 50 without it"),
];
const DRY: &[Param] = &[param("dry_run", ParamKind::Flag, "check the ask and start nothing")];

const STARTED: &[(u16, Given)] =
    &[(202, Given::Json("BenchmarkDocument")), (200, Given::Json("CheckedDocument"))];
const REMOVED: &[(u16, Given)] = &[(202, Given::Json("BenchmarkDocument")), (204, Given::Nothing)];

/// Every endpoint. What is not here cannot be routed; the dashboard's own files are the fallback.
pub(super) const ENDPOINTS: &[Endpoint] = &[
    row(Name::Start, Verb::Post, "/api/v1/benchmarks", Run, STARTED, "Start a benchmark, or queue it")
        .query(DRY)
        .takes(Taken::Json("BenchmarkAsk")),
    row(Name::List, Verb::Get, "/api/v1/benchmarks", Read, &[(200, Given::Json("BenchmarkPage"))], "List benchmarks")
        .query(LISTED),
    row(Name::Show, Verb::Get, "/api/v1/benchmarks/{id}", Read, &[(200, Given::Json("BenchmarkDetail"))], "Show a benchmark with its result")
        .query(&[param("result", ParamKind::Flag, "false leaves the result out")]),
    row(Name::Remove, Verb::Delete, "/api/v1/benchmarks/{id}", Run, REMOVED, "Cancel a benchmark that is queued or running (scope run), or delete one that is over (scope admin)"),
    row(Name::Rows, Verb::Get, "/api/v1/benchmarks/{id}/requests", Read, &[(200, Given::Text(&["application/x-ndjson", "application/vnd.apache.parquet"]))], "Download the rows of its requests")
        .query(&[param("format", ParamKind::Choice(&["jsonl", "parquet"]), "jsonl without it")]),
    row(Name::PutRows, Verb::Put, "/api/v1/benchmarks/{id}/requests", Run, &[(200, Given::Json("BenchmarkDocument"))], "Add the rows of a result that was uploaded")
        .takes(Taken::Lines),
    row(Name::Row, Verb::Get, "/api/v1/benchmarks/{id}/requests/{row}", Read, &[(200, Given::Json("RowDocument"))], "Show one request, counted from 0"),
    row(Name::Points, Verb::Get, "/api/v1/benchmarks/{id}/points", Read, &[(200, Given::Json("PointsDocument"))], "Requests over time, thinned out for a chart")
        .query(&[
            param("level", ParamKind::Text, "label of the level; the first one without it"),
            param("from_s", ParamKind::Number, "start of the span, seconds since the window's start"),
            param("to_s", ParamKind::Number, "its end"),
            param("max", ParamKind::Count(10, POINTS_MAX), "points at most; 2000 without it"),
        ]),
    row(Name::Charts, Verb::Get, "/api/v1/benchmarks/{id}/charts", Read, &[(200, Given::Json("ChartsDocument"))], "Distributions of each level"),
    row(Name::Report, Verb::Get, "/api/v1/benchmarks/{id}/report", Read, &[(200, Given::Text(&["text/html", "text/markdown", "application/xml", "text/csv", "application/json", "text/plain"]))], "The result as a report")
        .query(&[param("format", ParamKind::Choice(FORMATS), "html without it")]),
    row(Name::Analyze, Verb::Post, "/api/v1/benchmarks/{id}/analyze", Read, &[(200, Given::Json("AnalysisDocument"))], "Say in words what the result shows; with a model that writes, too (scope run)")
        .takes(Taken::Json("AnalysisAskDocument")),
    row(Name::Events, Verb::Get, "/api/v1/benchmarks/{id}/events", Read, &[(200, Given::Stream)], "What happens to it, as server-sent events"),
    row(Name::Compare, Verb::Post, "/api/v1/benchmarks/compare", Read, &[(200, Given::Json("CompareDocument"))], "Hold results against one of them")
        .takes(Taken::Json("CompareAsk")),
    row(Name::Baselines, Verb::Get, "/api/v1/baselines", Read, &[(200, Given::Json("BaselineListDocument"))], "List stored baselines"),
    row(Name::SaveBaseline, Verb::Post, "/api/v1/baselines", Run, &[(201, Given::Json("BaselineBrief"))], "Store a benchmark's result as the newest session of its baseline")
        .takes(Taken::Json("BaselineAsk")),
    row(Name::Baseline, Verb::Get, "/api/v1/baselines/{name}", Read, &[(200, Given::Json("BaselineBrief"))], "Show a stored baseline"),
    row(Name::Promote, Verb::Post, "/api/v1/baselines/{name}/promote", Run, &[(200, Given::Json("BaselineBrief"))], "Make a session the first one that comparisons use")
        .takes(Taken::Json("PromoteAsk")),
    row(Name::History, Verb::Get, "/api/v1/history", Read, &[(200, Given::Json("HistoryIndexDocument")), (200, Given::Json("HistoryDocument"))], "List what has a history; with a name, show that history")
        .query(&[
            param("name", ParamKind::Text, "a name of the list"),
            param("metric", ParamKind::Text, "metrics with commas, for example ttft_p95; what a gate judges without it"),
            param("level", ParamKind::Text, "label of one level; all without it"),
        ]),
    row(Name::Recommend, Verb::Post, "/api/v1/recommend", Read, &[(200, Given::Json("RecommendDocument"))], "How many of which GPU a load needs")
        .takes(Taken::Json("RecommendAskDocument")),
    row(Name::Import, Verb::Post, "/api/v1/import", Run, &[(201, Given::Json("BenchmarkDocument"))], "Store a result that was measured elsewhere: ours, or a file of vllm bench serve, SGLang, AIPerf or GuideLLM")
        .query(&[
            param("title", ParamKind::Text, "what people call it; the workload's name without it"),
            param("commit", ParamKind::Text, "the commit that was measured"),
            param("file", ParamKind::Text, "name of the file, for messages"),
            param("workload", ParamKind::Text, "other tools' files: name of the workload"),
            param("model", ParamKind::Text, "other tools' files: the model"),
            param("hardware", ParamKind::Text, "other tools' files: the hardware"),
        ])
        .takes(Taken::File),
    row(Name::Gpus, Verb::Get, "/api/v1/gpus", Read, &[(200, Given::Json("GpusDocument"))], "The GPUs of this server's machine now"),
    row(Name::Settings, Verb::Get, "/api/v1/settings", Read, &[(200, Given::Json("SettingsDocument"))], "The settings that a start takes"),
    row(Name::Models, Verb::Get, "/api/v1/models", Run, &[(200, Given::Json("ModelsDocument"))], "Ask a server for its models")
        .query(&[
            param("server", ParamKind::Text, "its URL, or sim:PROFILE"),
            param("api", ParamKind::Text, "the API that it speaks, as the setting of that name"),
        ]),
    row(Name::Viewer, Verb::Get, "/api/v1/viewer", Read, &[(200, Given::Json("ViewerDocument"))], "Who asks, and what this server is"),
    row(Name::OpenApi, Verb::Get, "/api/v1/openapi.json", Read, &[(200, Given::Text(&["application/json"]))], "This description").open(),
    row(Name::Socket, Verb::Get, "/ws/benchmark/{id}", Read, &[(101, Given::Upgrade)], "What happens to it, over a WebSocket: a stream of EventDocument"),
    row(Name::Metrics, Verb::Get, "/metrics", Read, &[(200, Given::Text(&["text/plain"]))], "Numbers of this server in Prometheus' format"),
    row(Name::Health, Verb::Get, "/health", Read, &[(200, Given::Text(&["text/plain"]))], "Whether the process answers").open(),
    row(Name::Ready, Verb::Get, "/ready", Read, &[(200, Given::Text(&["text/plain"]))], "Whether it can take benchmarks: the database can be written to").open(),
    row(Name::Start, Verb::Post, "/api/v1/benchmark/run", Run, STARTED, "Start a benchmark")
        .query(DRY)
        .takes(Taken::Json("BenchmarkAsk"))
        .instead("/api/v1/benchmarks"),
    row(Name::Status, Verb::Get, "/api/v1/benchmark/run/{id}", Read, &[(200, Given::Json("BenchmarkDocument"))], "The state of a benchmark")
        .instead("/api/v1/benchmarks/{id}"),
    row(Name::Remove, Verb::Delete, "/api/v1/benchmark/run/{id}", Run, REMOVED, "Cancel or delete a benchmark")
        .instead("/api/v1/benchmarks/{id}"),
    row(Name::OnlyResult, Verb::Get, "/api/v1/benchmark/result/{id}", Read, &[(200, Given::Json("RunDocument"))], "The result of a benchmark")
        .instead("/api/v1/benchmarks/{id}"),
    row(Name::List, Verb::Get, "/api/v1/benchmark/history", Read, &[(200, Given::Json("BenchmarkPage"))], "List benchmarks")
        .query(LISTED)
        .instead("/api/v1/benchmarks"),
    row(Name::Compare, Verb::Post, "/api/v1/benchmark/compare", Read, &[(200, Given::Json("CompareDocument"))], "Hold results against one of them")
        .takes(Taken::Json("CompareAsk"))
        .instead("/api/v1/benchmarks/compare"),
];

/// The table as Markdown, for docs/SERVE.md.
pub fn reference() -> String {
    let mut text = String::from("| endpoint | scope | what it does |\n|---|---|---|\n");
    for endpoint in ENDPOINTS {
        let scope = endpoint.scope.map_or("none", KeyScope::id);
        let query: Vec<&str> = endpoint.query.iter().map(|param| param.name).collect();
        let query = if query.is_empty() { String::new() } else { format!("?{}", query.join("&")) };
        let instead = endpoint.instead.map(|path| format!("; deprecated, use `{path}`")).unwrap_or_default();
        let Endpoint { verb, path, summary, .. } = endpoint;
        // Writing to a text cannot fail.
        let _written =
            writeln!(text, "| `{} {path}{query}` | {scope} | {summary}{instead} |", verb.id()).ok();
    }
    text
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_row_is_one_of_its_kind_and_what_changes_needs_a_key() {
        let mut seen = BTreeSet::new();
        for endpoint in ENDPOINTS {
            assert!(seen.insert((endpoint.verb.id(), endpoint.path)), "{endpoint:?}");
            assert!(!endpoint.answers.is_empty(), "{endpoint:?}");
            let only_asks = matches!(endpoint.name, Name::Compare | Name::Analyze | Name::Recommend);
            if endpoint.verb.changes() && !only_asks {
                assert!(endpoint.scope >= Some(Run), "{endpoint:?}");
            }
        }
        assert!(
            ENDPOINTS.iter().all(|endpoint| endpoint.scope != Some(KeyScope::Admin)),
            "the handler of Remove asks for admin"
        );
    }
}
