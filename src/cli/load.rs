//! `run` and `gate`: a runtime, two signals, a live panel, an answer.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use tokio::runtime::Runtime;

use super::exit::Exit;
use super::first::AtWork;
use super::printer::{self, Printer};
use super::progress::{Progress, Voice};
use crate::app::{self, AppError, Form, Judged};
use crate::base::Secret;
use crate::config::{Entry, Origin, Outputs, Purpose, Resolved, Starter};
use crate::document::v1::RunDocument;
use crate::engine::{Stop, Stopper};
use crate::gate::Decision;
use crate::host::{env, signals};
use crate::launch;
use crate::store::Home;

/// How long requests in flight may still end after the first signal: a cancelled job must be gone within a second.
const DRAIN: Duration = Duration::from_millis(500);

/// `run`
pub(super) fn run(flags: Vec<Entry>) -> Result<Exit, AppError> {
    let environment = env::vars();
    let resolved = app::settings(Purpose::Run, flags, environment.clone())?;
    let (document, exit) = measure(&resolved, &environment)?;
    show(&document, &resolved.outputs, printer(&resolved.outputs, &environment))?;
    Ok(exit)
}

/// Measures, with a panel on stderr.
pub(super) fn measure(
    resolved: &Resolved,
    environment: &BTreeMap<String, String>,
) -> Result<(RunDocument, Exit), AppError> {
    let _at_work = AtWork::begin();
    let document = attentive_runtime()?.block_on(async {
        let mut progress = Progress::new(printer(&resolved.outputs, environment));
        let stop = listen(progress.voice());
        let document = app::run(resolved, &mut progress, &stop).await?;
        hand_over(&resolved.outputs, environment, commit(environment).as_deref(), &progress.voice()).await;
        Ok::<_, AppError>(document)
    })?;
    let exit = match &document.search {
        _ if document.partial => Exit::Interrupted,
        Some(search) => Exit::found(search.answer.outcome),
        None => Exit::Success,
    };
    Ok((document, exit))
}

pub(super) fn printer(outputs: &Outputs, environment: &BTreeMap<String, String>) -> Printer {
    Printer::new(outputs.print.quiet, environment.get("TERM").map(String::as_str))
}

/// `gate`
pub(super) fn gate(flags: Vec<Entry>) -> Result<Exit, AppError> {
    let environment = env::vars();
    let resolved = app::settings(Purpose::Gate, flags, environment.clone())?;
    let printer = printer(&resolved.outputs, &environment);
    let judged = judge(&resolved, &environment, commit(&environment).as_deref())?;
    show(&judged.document, &resolved.outputs, printer)?;
    if let Some(path) = &judged.saved {
        printer.note(&format!(
            "stored as the first session of {}; commit it to judge later runs",
            path.display()
        ));
    }
    if judged.document.partial {
        return Ok(Exit::Interrupted);
    }
    Ok(Exit::of(judged.decision, resolved.plan.gate.strict))
}

/// Pairs that a noise is read from: with 90 % the true sd is at most 1.6 times what they show.
const MEASURED_PAIRS: u32 = 8;

/// `plan --measure`: a gate of the server against itself, whose pairs stay in the ledger. An exit where that came to no use.
pub(super) fn measure_noise(flags: Vec<Entry>) -> Result<Option<Exit>, AppError> {
    const NAME: &str = "itself";
    let environment = env::vars();
    let asked = app::settings(Purpose::Gate, flags.clone(), environment.clone())?;
    if asked.plan.baseline.is_some() {
        return Err(AppError::usage(
            "--measure holds the server against itself, and --baseline-server names another one",
            "leave one of them out",
        ));
    }
    let said = |key, text: &str| Entry::new(key, text, Origin::Flag("measure".to_owned()));
    let target = &asked.plan.target;
    let servers: Vec<Entry> = match target.launch.as_ref().map(|launch| &launch.starter) {
        Some(Starter::Command(line)) => vec![said("baseline-server-command", line)],
        Some(Starter::Image(image)) => vec![said("baseline-server-image", &image.name)],
        None => target.base_urls.iter().map(|url| said("baseline-server", url)).collect(),
    };
    let named = [said("head", NAME), said("base", NAME)];
    // A gate that stops when it is sure stops early where the pairs happen to agree, which would flatter the noise: one look only.
    let given = asked.values.iter().any(|entry| entry.key == "rounds" && entry.origin != Origin::Default);
    let pairs = if given { asked.plan.gate.looks.last() } else { MEASURED_PAIRS };
    let rounds = said("rounds", &pairs.to_string());
    let flags = flags.into_iter().filter(|entry| entry.key != "rounds");
    let flags: Vec<Entry> = flags.chain(servers).chain(named).chain([rounds]).collect();
    let resolved = app::settings(Purpose::Gate, flags, environment.clone())?;
    let judged = judge(&resolved, &environment, Some(NAME))?;
    if judged.document.partial {
        return Ok(Some(Exit::Interrupted));
    }
    if judged.decision == Decision::Invalid {
        let printer = printer(&resolved.outputs, &environment);
        show(&judged.document, &resolved.outputs, printer)?;
        return Ok(Some(Exit::of(judged.decision, true)));
    }
    Ok(None)
}

/// Measures and judges, with a panel on stderr. `commit` is the one that is measured, where it is known.
pub(super) fn judge(
    resolved: &Resolved,
    environment: &BTreeMap<String, String>,
    commit: Option<&str>,
) -> Result<Judged, AppError> {
    let _at_work = AtWork::begin();
    attentive_runtime()?.block_on(async {
        let mut progress = Progress::new(printer(&resolved.outputs, environment));
        let stop = listen(progress.voice());
        let judged = app::gate(resolved, commit, &mut progress, &stop).await?;
        hand_over(&resolved.outputs, environment, commit, &progress.voice()).await;
        Ok(judged)
    })
}

/// Sends what was measured to the server that is named. What it answers changes nothing here: the files are written.
async fn hand_over(
    outputs: &Outputs,
    environment: &BTreeMap<String, String>,
    commit: Option<&str>,
    voice: &Voice,
) {
    let Some(url) = &outputs.serve_to else { return };
    let key = environment.get(app::SERVE_KEY_VARIABLE).filter(|key| !key.is_empty()).map(Secret::new);
    match app::hand_over(url, outputs, key, commit).await {
        Ok(page) => voice.note(&format!("sent to {page}")),
        Err(AppError { message, hint, side: _ }) => {
            let hint = hint.map(|hint| format!("; {hint}")).unwrap_or_default();
            voice.note(&format!("warning: {message}{hint}"));
        }
    }
}

/// Where the baselines live that a command works on: the database that is named, on the line or in the environment, or the folder.
pub(super) fn home(folder: &Path, store: Option<&str>) -> Home {
    let said = store.map(str::to_owned).or_else(|| env::vars().remove("LLM_LOADTEST_STORE"));
    match said.filter(|url| !url.trim().is_empty()) {
        Some(url) => Home::Database(Secret::new(url.trim())),
        None => Home::Folder(folder.to_owned()),
    }
}

/// The commit that is being measured, where CI says so.
pub(super) fn commit(environment: &BTreeMap<String, String>) -> Option<String> {
    ["GITHUB_SHA", "CI_COMMIT_SHA", "BUILDKITE_COMMIT"]
        .iter()
        .find_map(|name| environment.get(*name))
        .filter(|sha| !sha.is_empty())
        .cloned()
}

pub(super) fn colour() -> bool {
    printer::colour(env::vars().get("NO_COLOR").is_some_and(|value| !value.is_empty()))
}

/// Progress, files and signals need one thread; the load has its own.
pub(super) fn runtime() -> Result<Runtime, AppError> {
    build(&mut tokio::runtime::Builder::new_current_thread())
}

/// The same with a thread beside it that hears signals: ending a server takes its time, and the user may lose patience.
pub(super) fn attentive_runtime() -> Result<Runtime, AppError> {
    build(tokio::runtime::Builder::new_multi_thread().worker_threads(1))
}

fn build(builder: &mut tokio::runtime::Builder) -> Result<Runtime, AppError> {
    builder.enable_all().build().map_err(|error| {
        AppError::environment(format!("cannot start: {error}"), "raise the limit of open files (ulimit -n)")
    })
}

/// First signal: send nothing more, drain briefly, then cut. Second signal: end at once.
pub(super) fn listen(voice: Voice) -> Stop {
    let (stopper, stop) = Stopper::new();
    tokio::spawn(async move {
        signals::interrupted().await;
        voice.note("stopping: what was measured is being written; once more ends at once");
        stopper.drain();
        tokio::select! {
            () = signals::interrupted() => at_once(&voice),
            () = tokio::time::sleep(DRAIN) => stopper.end(),
        }
        signals::interrupted().await;
        at_once(&voice);
    });
    stop
}

#[expect(clippy::exit, reason = "the user asked twice: nothing is left to do but leave")]
fn at_once(voice: &Voice) {
    voice.clear();
    launch::end_all();
    std::process::exit(i32::from(Exit::Interrupted.code()));
}

/// The result on stdout: the document with `--json`, else tables, nothing with `--quiet`; then where the files are.
pub(super) fn show(document: &RunDocument, outputs: &Outputs, printer: Printer) -> Result<(), AppError> {
    if outputs.print.json {
        printer::data(&app::render(document, Form::Json)?);
    } else if !outputs.print.quiet {
        printer::table(&app::render(document, Form::Table { colour: colour() })?);
    }
    if outputs.print.explain
        && !outputs.print.json
        && let Some(text) = app::explain(document)
    {
        printer::table(&text);
    }
    let files = [&outputs.result, &outputs.requests, &outputs.summary].into_iter();
    let others = [&outputs.junit, &outputs.markdown, &outputs.html].into_iter().flatten();
    let written = files.chain(others).filter(|path| path.exists());
    let written: Vec<String> = written.map(|path| path.display().to_string()).collect();
    printer.note(&format!("wrote {}", written.join(", ")));
    Ok(())
}
