//! `serve`: a runtime, a log, signals, and the keys of the API.

use std::io;

use tracing_subscriber::EnvFilter;

use super::args::{KeyCommand, LogForm, LogLevel, RetentionArgs, ServeArgs, ServeCommand};
use super::exit::Exit;
use super::first::AtWork;
use super::printer;
use crate::app::{self, Analyst, AppError};
use crate::base::Secret;
use crate::document::v1::service::KeyScope;
use crate::host::{RealClock, env, signals};
use crate::server::{Ended, ServeError, Serving, new_key, serve as run_server};
use crate::store::{Database, Place, Retention, StoredKey};

/// Where the place of the database is said, too: it may hold a password, and other users of a machine can see flags.
const STORE_VARIABLE: &str = "LLM_LOADTEST_STORE";

/// `serve` and its subcommands.
pub(super) fn serve(args: ServeArgs) -> Result<Exit, AppError> {
    let place = place(&args);
    match args.command {
        None => listen(args, place),
        Some(ServeCommand::Key { command }) => runtime()?.block_on(keys(command, &place)),
        Some(ServeCommand::Prune) => runtime()?.block_on(prune(args.retention, &place)),
    }
}

fn listen(args: ServeArgs, place: Place) -> Result<Exit, AppError> {
    start_log(args.log, args.log_level);
    let retention = retention(args.retention);
    let analyst = analyst(&args)?;
    let ServeArgs { listen, data, allow_target, api_key_env, host, at_once, .. } = args;
    let serving = Serving {
        listen,
        data,
        place,
        targets: allow_target,
        hosts: host,
        lent: api_key_env,
        at_once: usize::from(at_once),
        retention,
        analyst,
        environment: env::vars(),
    };
    let ready = |address| {
        printer::data(&format!("serving on http://{address}\n"));
    };
    let _at_work = AtWork::begin();
    match runtime()?.block_on(run_server(serving, ready, signals::interrupted()))? {
        Ended::Idle => Ok(Exit::Success),
        Ended::Cut => Ok(Exit::Interrupted),
    }
}

/// The model that may write about results, with its key from the environment.
fn analyst(args: &ServeArgs) -> Result<Option<Analyst>, AppError> {
    let Some((url, model)) = args.analyst_server.as_deref().zip(args.analyst_model.as_deref()) else {
        return Ok(None);
    };
    let variables = env::vars();
    let key = args.analyst_key_env.as_ref().map(|name| {
        variables.get(name).filter(|key| !key.is_empty()).map(Secret::new).ok_or_else(|| {
            AppError::usage(
                format!("--analyst-key-env {name}: no such variable is set"),
                "export it, or name another",
            )
        })
    });
    app::analyst(url, model, key.transpose()?).map(Some)
}

/// Answers are made by several threads; a benchmark that runs has its own.
fn runtime() -> Result<tokio::runtime::Runtime, AppError> {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().map_err(|error| {
        AppError::environment(format!("cannot start: {error}"), "raise the limit of open files (ulimit -n)")
    })
}

/// Libraries speak up where something is wrong with them, and are silent otherwise.
fn start_log(form: LogForm, level: LogLevel) {
    let level = match level {
        LogLevel::Error => "error",
        LogLevel::Warn => "warn",
        LogLevel::Info => "info",
        LogLevel::Debug => "debug",
        LogLevel::Trace => "trace",
    };
    let filter = EnvFilter::new(format!("warn,llm_loadtest={level}"));
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_writer(io::stderr).with_ansi(false);
    // A second one would be refused, and there is none.
    let _started = match form {
        LogForm::Human => log.with_target(false).try_init().is_ok(),
        LogForm::Json => log.json().flatten_event(true).try_init().is_ok(),
    };
}

async fn keys(command: KeyCommand, place: &Place) -> Result<Exit, AppError> {
    let database = Database::open(place).await?;
    match command {
        KeyCommand::Create { name, scope } => {
            if name.is_empty() || name.chars().count() > 100 || name.chars().any(char::is_control) {
                return Err(AppError::usage(
                    "--name: it is empty, longer than 100 letters, or holds control characters",
                    "for example --name ci",
                ));
            }
            let key = new_key(&name, KeyScope::from(scope)).map_err(|error| {
                AppError::environment(format!("no key could be made: {error}"), "check /dev/urandom")
            })?;
            database.add_key(&key.stored).await?;
            printer::data(&format!("{}\n", key.text));
            printer::Printer::new(false, None).note("this key is shown once; keep it where secrets are kept");
        }
        KeyCommand::List => {
            for key in database.keys().await? {
                printer::data(&line(&key));
            }
        }
        KeyCommand::Revoke { name } => {
            if !database.revoke_key(&name).await? {
                return Err(AppError::usage(
                    format!("there is no key '{name}' that holds"),
                    "list them: llm-loadtest serve key list",
                ));
            }
            printer::data(&format!("revoked {name}\n"));
        }
    }
    Ok(Exit::Success)
}

fn line(key: &StoredKey) -> String {
    let StoredKey { name, scope, hash: _, created, revoked } = key;
    let revoked = revoked.as_ref().map(|at| format!(", revoked {at}")).unwrap_or_default();
    format!("{name}: {}, created {created}{revoked}\n", scope.id())
}

async fn prune(args: RetentionArgs, place: &Place) -> Result<Exit, AppError> {
    let policy = retention(args);
    if policy == Retention::default() {
        return Err(AppError::usage(
            "nothing says what is too old",
            "add --keep-days, --keep-count or --rows-days",
        ));
    }
    let pruned = Database::open(place).await?.prune(&policy, &RealClock::wall()).await?;
    printer::data(&format!(
        "removed {} benchmarks, and the rows of {} others\n",
        pruned.benchmarks, pruned.rows
    ));
    Ok(Exit::Success)
}

fn retention(args: RetentionArgs) -> Retention {
    let RetentionArgs { keep_days, keep_count, rows_days } = args;
    Retention { keep_days, keep_count, rows_days }
}

fn place(args: &ServeArgs) -> Place {
    let said =
        args.store.clone().or_else(|| env::vars().remove(STORE_VARIABLE)).filter(|url| !url.is_empty());
    let own = |name: &str| args.data.join(name).display().to_string();
    Place {
        url: said.unwrap_or_else(|| format!("sqlite:{}", own("history.db"))),
        objects: args.objects.clone().unwrap_or_else(|| own("objects")),
    }
}

impl From<ServeError> for AppError {
    fn from(error: ServeError) -> Self {
        let hint = error.hint().0;
        if error.is_usage() {
            Self::usage(error.to_string(), hint)
        } else {
            Self::environment(error.to_string(), hint)
        }
    }
}
