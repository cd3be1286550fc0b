//! `llm-loadtest serve`

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};

use crate::document::v1::service::KeyScope;

#[derive(Debug, Args)]
pub struct ServeArgs {
    #[command(subcommand)]
    pub command: Option<ServeCommand>,
    /// Address to listen on; port 0 takes a free one. One that other machines can reach needs a key in the store
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:8090")]
    pub listen: SocketAddr,
    /// Folder of what runs, of uploads and, unless told otherwise, of the store
    #[arg(long, value_name = "DIR", default_value = "llm-loadtest-data", global = true)]
    pub data: PathBuf,
    /// Database: sqlite:FILE or postgres://…; `LLM_LOADTEST_STORE`, else a SQLite file in --data
    #[arg(long, value_name = "URL", global = true)]
    pub store: Option<String>,
    /// Where rows of requests are kept: a folder, file://, s3://, gs:// or az://; a folder in --data without it
    #[arg(long, value_name = "URL", global = true)]
    pub objects: Option<String>,
    /// Servers that may be loaded besides sim: – a host, host:port, *.suffix or network; this machine's loopback without any;
    /// repeatable, for example 10.0.0.0/8
    #[arg(long, value_name = "PATTERN")]
    pub allow_target: Vec<String>,
    /// Environment variable whose key those who start benchmarks may use by its name; repeatable
    #[arg(long, value_name = "NAME")]
    pub api_key_env: Vec<String>,
    /// Server of a model that may write about results, with OpenAI's chat API
    #[arg(long, value_name = "URL", requires = "analyst_model")]
    pub analyst_server: Option<String>,
    /// That model
    #[arg(long, value_name = "NAME", requires = "analyst_server")]
    pub analyst_model: Option<String>,
    /// Environment variable that holds that server's key
    #[arg(long, value_name = "NAME", requires = "analyst_server")]
    pub analyst_key_env: Option<String>,
    /// Further name under which this server is reached, for example through a proxy; repeatable
    #[arg(long, value_name = "NAME")]
    pub host: Vec<String>,
    /// Benchmarks that run at the same time, each on another target; more than one disturb each other on one machine
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..=64))]
    pub at_once: u16,
    /// Form of the log on stderr
    #[arg(long, value_name = "FORM", default_value = "human")]
    pub log: LogForm,
    /// What is logged: error, warn, info, debug or trace
    #[arg(long, value_name = "LEVEL", default_value = "info")]
    pub log_level: LogLevel,
    #[command(flatten)]
    pub retention: RetentionArgs,
}

/// How long things are kept.
#[derive(Debug, Clone, Copy, Args)]
pub struct RetentionArgs {
    /// Remove benchmarks that are older; the newest of each workload always stays
    #[arg(long, value_name = "DAYS", global = true)]
    pub keep_days: Option<u32>,
    /// Keep so many benchmarks, the newest first
    #[arg(long, value_name = "N", global = true)]
    pub keep_count: Option<u32>,
    /// Remove the rows of single requests that are older; results stay
    #[arg(long, value_name = "DAYS", global = true)]
    pub rows_days: Option<u32>,
}

#[derive(Debug, Subcommand)]
pub enum ServeCommand {
    /// Look after the keys of the API
    Key {
        #[command(subcommand)]
        command: KeyCommand,
    },
    /// Remove what --keep-days, --keep-count and --rows-days do not keep, now
    Prune,
}

#[derive(Debug, Subcommand)]
pub enum KeyCommand {
    /// Make a key and show it, this once
    Create {
        /// What it is called in lists and logs, for example ci
        #[arg(long, value_name = "NAME")]
        name: String,
        /// What it may do: read (look), run (start, stop, import, store baselines) or admin (delete)
        #[arg(long, value_name = "SCOPE")]
        scope: Scope,
    },
    /// List all keys, without themselves
    List,
    /// Make a key worthless from now on
    Revoke { name: String },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum LogForm {
    Human,
    Json,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum LogLevel {
    Error,
    Warn,
    Info,
    Debug,
    Trace,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Scope {
    Read,
    Run,
    Admin,
}

impl From<Scope> for KeyScope {
    fn from(scope: Scope) -> Self {
        match scope {
            Scope::Read => Self::Read,
            Scope::Run => Self::Run,
            Scope::Admin => Self::Admin,
        }
    }
}
