//! The command itself and its subcommands.

use clap::{Parser, Subcommand};

use super::{
    ActionArgs, AnalyzeArgs, BaselineArgs, BisectArgs, CommentArgs, CompareArgs, DoctorArgs, GateArgs,
    GpuArgs, HistoryArgs, ImportArgs, InfoArgs, InitArgs, MergeArgs, PlanArgs, RecommendArgs, ReportArgs,
    RunArgs, ServeArgs, SimulateArgs,
};

const EXIT_CODES: &str = "\
Exit codes:
  0    passed
  1    the gate failed: a regression or a missed objective; a search found no load that holds; an alarm of history;
       recommend found no GPU that serves the load
  2    usage or configuration
  3    environment: the server or a file could not be reached
  4    not decided: invalid, or inconclusive with --strict; a search that showed nothing
  130  interrupted; what was measured is written";

/// Load-test an LLM server and gate a change against a stored baseline
#[derive(Debug, Parser)]
#[command(name = "llm-loadtest", version, after_help = EXIT_CODES, arg_required_else_help = true)]
pub struct Cli {
    #[command(subcommand)]
    pub command: Command,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Measure once and write the result
    Run(RunArgs),
    /// Measure several rounds and compare them with the stored baseline
    Gate(GateArgs),
    /// Say how many rounds a gate needs, what it can resolve and what it costs, before it runs
    Plan(PlanArgs),
    /// Look at a server as an expert would, and say what is wrong and what to do
    Doctor(DoctorArgs),
    /// Make one result of those of a run's shards
    Merge(MergeArgs),
    /// Compare results with another one
    Compare(CompareArgs),
    /// Say in words what a result shows: bottleneck, knee, cache, errors, tail, what to measure next
    Analyze(AnalyzeArgs),
    /// Look after stored baselines
    Baseline(BaselineArgs),
    /// Show a baseline night by night: alarms, change points, charts
    History(HistoryArgs),
    /// Find the commit that made a server slower: git bisect, with a gate as its judge
    Bisect(BisectArgs),
    /// Print a result in another format
    Report(ReportArgs),
    /// Post results as a sticky comment on a pull request
    Comment(CommentArgs),
    /// Perform a step of a GitHub workflow: what action.yml calls
    Action(Box<ActionArgs>),
    /// Read results of vllm bench serve, SGLang, AIPerf or GuideLLM as a result of ours
    Import(ImportArgs),
    /// Serve the dashboard and the API: start benchmarks, follow and compare them, keep their history
    Serve(Box<ServeArgs>),
    /// Serve the built-in simulator over HTTP until interrupted
    Simulate(SimulateArgs),
    /// Show this machine's GPUs as they are now: load, memory, power, clocks and what holds them down
    Gpu(GpuArgs),
    /// Show every setting and where its value came from
    Info(InfoArgs),
    /// Write a commented configuration file to start from
    Init(InitArgs),
    /// Say how many of which GPU a model, a load and its limits need, and how each number comes about
    Recommend(Box<RecommendArgs>),
}
