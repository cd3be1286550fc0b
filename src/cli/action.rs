//! `action`, `comment` and `baseline save --pull-request`: a step of a workflow, told to everyone it concerns.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use tokio::runtime::Runtime;

use super::args::CommentArgs;
use super::exit::Exit;
use super::first::AtWork;
use super::load;
use super::printer::{self, Printer};
use crate::app::{self, AppError, Compared, Ending, Finished, Form, Judged, Runner, Step};
use crate::config::{ActionCommand, Entry, Origin, Outputs, Purpose, Resolved};
use crate::document::v1::RunDocument;
use crate::host::env;
use crate::host::signals::Signals;
use crate::store::Home;

/// `action`
pub(super) fn action(flags: &[Entry]) -> Exit {
    let environment = env::vars();
    let runner = Runner::of(&environment);
    if let Some(line) = runner.hush() {
        printer::data(&line);
    }
    let _at_work = AtWork::begin();
    let (mut patience, mut step) = match open(flags.to_vec(), runner.clone(), &environment) {
        Ok(opened) => opened,
        Err(error) => return unopened(&runner, &error),
    };
    let done = perform(&mut step, &mut patience, flags, &environment);
    let (ending, exit) = match done {
        Ok(done) => done,
        Err(error) => {
            printer::error(&error);
            let exit = Exit::from(&error);
            (Ending::Failed(error), exit)
        }
    };
    let finished = Finished { ending, code: exit.code() };
    // First what needs no network: whoever cancels the job now loses nothing.
    let told = step.leave(&finished);
    if let Err(error) = &told {
        printer::error(error);
    }
    let lines = patience.wait(step.tell(&finished));
    let commands = step.runner.commands(lines.as_deref().unwrap_or_default());
    if let Some(text) = &commands {
        printer::data(text);
    } else {
        // Outside of a workflow the trouble is said in words.
        step.trouble().iter().for_each(|text| printer::warning(text));
    }
    // Who calls for a comment by hand wants to know whether it stands there.
    let is_in_vain =
        commands.is_none() && step.plan.command == ActionCommand::Comment && !step.trouble().is_empty();
    match (told, lines) {
        (_, Err(error)) => Exit::from(&error),
        _ if is_in_vain => Exit::Environment,
        (Err(error), _) if exit == Exit::Success => Exit::from(&error),
        _ => exit,
    }
}

/// `comment`
pub(super) fn comment(args: &CommentArgs) -> Result<Exit, AppError> {
    let said = |key, text: String| Entry::new(key, text, Origin::Flag(key.to_owned()));
    let mut flags = args.flags();
    flags.push(said("command", "comment".to_owned()));
    flags.extend(args.results.iter().map(|path| said("candidate", path.display().to_string())));
    if args.dry_run {
        let environment = env::vars();
        let (_, step) = open(flags, Runner::of(&environment), &environment)?;
        printer::data(&step.preview(read(&step)?));
        return Ok(Exit::Success);
    }
    Ok(action(&flags))
}

/// `baseline save --pull-request`
pub(super) fn offer(result: &Path, home: &Home) -> Result<Exit, AppError> {
    let Home::Folder(folder) = home else {
        return Err(AppError::usage(
            format!("a pull request changes files, and {home} has none"),
            "leave --pull-request out to store the result there, or --store to offer it",
        ));
    };
    let said = |key, text: String| Entry::new(key, text, Origin::Flag(key.to_owned()));
    Ok(action(&[
        said("command", "baseline".to_owned()),
        said("candidate", result.display().to_string()),
        said("baselines", folder.display().to_string()),
    ]))
}

/// Waits for GitHub, until a signal says that nobody waits for us.
struct Patience {
    runtime: Runtime,
    signals: Signals,
}

impl Patience {
    /// An error where a signal came first, be it before this.
    fn wait<T>(&mut self, work: impl Future<Output = T>) -> Result<T, AppError> {
        self.runtime.block_on(async {
            tokio::select! {
                biased;
                () = self.signals.next() => Err(AppError::interrupted()),
                done = work => Ok(done),
            }
        })
    }
}

fn open(
    flags: Vec<Entry>,
    runner: Runner,
    environment: &BTreeMap<String, String>,
) -> Result<(Patience, Step), AppError> {
    let plan = app::action_plan(flags, environment.clone())?;
    let runtime = load::runtime()?;
    let (step, signals) =
        runtime.block_on(async { (Step::open(plan, runner, environment), Signals::listen()) });
    Ok((Patience { runtime, signals }, step?))
}

/// Whatever was wrong with the step itself is told to those who need no step for it.
fn unopened(runner: &Runner, error: &AppError) -> Exit {
    printer::error(error);
    let exit = Exit::from(error);
    let told = runner.output(&[("verdict", "error"), ("exit-code", &exit.code().to_string())]);
    if let Err(error) = told {
        printer::error(&error);
    }
    if let Some(text) = runner.commands(&[]) {
        printer::data(&text);
    }
    exit
}

fn perform(
    step: &mut Step,
    patience: &mut Patience,
    flags: &[Entry],
    environment: &BTreeMap<String, String>,
) -> Result<(Ending, Exit), AppError> {
    let settings = |purpose| app::settings(purpose, flags.to_vec(), environment.clone());
    match step.plan.command {
        ActionCommand::Gate => {
            let mut resolved = settings(Purpose::Gate)?;
            patience.wait(step.prepare(&mut resolved))??;
            let commit = step.commit();
            let Judged { document, decision, saved: _ } =
                load::judge(&resolved, environment, commit.as_deref())?;
            show(&document, &resolved.outputs, environment)?;
            let exit = if document.partial {
                Exit::Interrupted
            } else {
                Exit::of_step(decision, step.plan.fail_on, resolved.plan.gate.strict)
            };
            Ok((result(document, Some(resolved)), exit))
        }
        ActionCommand::Run => {
            let mut resolved = settings(Purpose::Run)?;
            patience.wait(step.prepare(&mut resolved))??;
            let (document, exit) = load::measure(&resolved, environment)?;
            show(&document, &resolved.outputs, environment)?;
            Ok((result(document, Some(resolved)), exit))
        }
        ActionCommand::Report => {
            let mut resolved = settings(Purpose::Judge)?;
            patience.wait(step.prepare(&mut resolved))??;
            let (document, decision) = app::rejudge(&resolved, &only(step)?)?;
            app::write(&document, &resolved)?;
            show(&document, &resolved.outputs, environment)?;
            let exit = Exit::of_step(decision, step.plan.fail_on, resolved.plan.gate.strict);
            Ok((result(document, Some(resolved)), exit))
        }
        ActionCommand::Compare => {
            let baseline = step.plan.baseline.clone().ok_or_else(|| {
                AppError::usage(
                    "no baseline is given to compare with",
                    "name the other result: baseline: base/result.json",
                )
            })?;
            let Compared { document, decision, .. } = app::compare(&baseline, &only(step)?)?;
            printer::table(&app::render(&document, Form::Table { colour: load::colour() })?);
            let exit = Exit::of_step(decision, step.plan.fail_on, document.plan.gate.strict);
            Ok((result(document, None), exit))
        }
        ActionCommand::Comment => Ok((Ending::Results(read(step)?), Exit::Success)),
        ActionCommand::Baseline => {
            let home = app::baselines(&settings(Purpose::Judge)?.outputs);
            let offered = patience.wait(step.offer(&step.candidates()?, &home))??;
            Printer::new(false, None).note(&offered.sentence());
            Ok((Ending::Offered(offered), Exit::Success))
        }
    }
}

fn result(document: RunDocument, resolved: Option<Resolved>) -> Ending {
    Ending::Result { document: Box::new(document), resolved: resolved.map(Box::new) }
}

fn show(
    document: &RunDocument,
    outputs: &Outputs,
    environment: &BTreeMap<String, String>,
) -> Result<(), AppError> {
    load::show(document, outputs, load::printer(outputs, environment))
}

/// The one result that a command works on.
fn only(step: &Step) -> Result<PathBuf, AppError> {
    let found = step.candidates()?;
    match found.as_slice() {
        [only] => Ok(only.clone()),
        several => Err(AppError::usage(
            format!("candidate names {} results, and this command takes one", several.len()),
            "name one of them; `command: comment` takes several",
        )),
    }
}

/// The results that are to be told together.
fn read(step: &Step) -> Result<Vec<(PathBuf, RunDocument)>, AppError> {
    step.candidates()?.into_iter().map(|path| Ok((path.clone(), app::read_result(&path)?))).collect()
}
