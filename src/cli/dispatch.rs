//! From the command line to a use case, and from its answer to an exit code.

use std::path::Path;
use std::process::ExitCode;

use clap::Parser as _;
use clap::error::ErrorKind;

use super::action;
use super::analyze::analyze;
use super::args::{
    BaselineCommand, Cli, Command, CompareArgs, Format, ImportArgs, InfoArgs, InitArgs, MergeArgs, PlanArgs,
    ReportArgs, SimulateArgs,
};
use super::bisect::bisect;
use super::doctor::doctor;
use super::exit::Exit;
use super::first::{AtWork, heed_signals};
use super::gpu::{gpu, library};
use super::history::history;
use super::load;
use super::printer::{self, Printer};
use super::recommend::recommend;
use super::serve::serve;
use crate::app::{self, AppError, Form};
use crate::config::{Purpose, json_schema, starter};
use crate::document::v1::RunDocument;
use crate::host::{env, files, signals};
use crate::store::Home;

/// The whole program.
pub fn main() -> ExitCode {
    heed_signals();
    let exit = match Cli::try_parse() {
        Ok(cli) => perform(cli.command),
        Err(error) => {
            // clap knows where its own words belong: help to stdout, errors to stderr.
            drop(error.print());
            match error.kind() {
                ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => Exit::Success,
                _ => Exit::Usage,
            }
        }
    };
    ExitCode::from(exit.code())
}

fn perform(command: Command) -> Exit {
    let answer = match command {
        Command::Run(args) => load::run(args.flags()),
        Command::Gate(args) => load::gate(args.flags()),
        Command::Plan(args) => plan(&args),
        Command::Doctor(args) => doctor(&args),
        Command::Merge(args) => merge(args),
        Command::Compare(args) => compare(&args),
        Command::Analyze(args) => analyze(&args),
        Command::Comment(args) => action::comment(&args),
        Command::Action(args) => Ok(action::action(&args.flags())),
        Command::Baseline(args) => {
            baseline(&load::home(&args.baselines, args.store.as_deref()), args.command)
        }
        Command::History(args) => history(&args),
        Command::Bisect(args) => bisect(&args),
        Command::Report(args) => report(&args),
        Command::Import(args) => import(&args),
        Command::Serve(args) => serve(*args),
        Command::Simulate(args) => simulate(&args),
        Command::Gpu(args) => gpu(&args),
        Command::Info(args) => info(&args),
        Command::Init(args) => init(&args),
        Command::Recommend(args) => recommend(&args),
    };
    answer.unwrap_or_else(|error| {
        printer::error(&error);
        Exit::from(&error)
    })
}

fn plan(args: &PlanArgs) -> Result<Exit, AppError> {
    let noise = args.noise().map_err(|key| {
        AppError::usage(format!("--noise {key}: it is given twice"), "keep one noise per metric")
    })?;
    if args.measure
        && let Some(exit) = load::measure_noise(args.flags())?
    {
        return Ok(exit);
    }
    let resolved = app::settings(Purpose::Gate, args.flags(), env::vars())?;
    let planned = app::Planned { noise, power: args.power, round_time: args.round_time, gpus: args.gpus };
    let document = app::plan(&resolved, &planned)?;
    if resolved.outputs.print.json || !resolved.outputs.print.quiet {
        printer::data(&app::render_forecast(&document, resolved.outputs.print.json, load::colour()));
    }
    Ok(Exit::Success)
}

fn merge(args: MergeArgs) -> Result<Exit, AppError> {
    let MergeArgs { shards, output, partial, json, quiet } = args;
    let app::Merged { document, files } = app::merge(&shards, output, partial)?;
    if json {
        printer::data(&app::render(&document, Form::Json)?);
    } else if !quiet {
        printer::data(&app::render(&document, Form::Table { colour: load::colour() })?);
    }
    Printer::new(quiet, None).note(&format!(
        "wrote {}, {}, {}",
        files.result.display(),
        files.requests.display(),
        files.summary.display()
    ));
    Ok(Exit::Success)
}

fn compare(args: &CompareArgs) -> Result<Exit, AppError> {
    let many = args.candidates.len() > 1;
    if many && !matches!(args.format, Format::Table | Format::Markdown | Format::Json) {
        return Err(AppError::usage(
            "this --format holds one candidate, and several were given",
            "use table, markdown or json, or compare one candidate at a time",
        ));
    }
    let compared = app::compare_each(&args.baseline, &args.candidates)?;
    let texts = compared
        .iter()
        .map(|one| text(&one.document, args.format, args.explain))
        .collect::<Result<Vec<_>, _>>()?;
    let all = match (texts.as_slice(), args.format) {
        ([one], _) => one.clone(),
        (several, Format::Json) => format!("[\n{}\n]\n", several.join(",\n")),
        (several, _) => {
            let titled = args.candidates.iter().zip(several);
            let parts: Vec<String> =
                titled.map(|(path, text)| format!("# {}\n\n{text}\n", path.display())).collect();
            parts.concat()
        }
    };
    emit(&all, args.output.as_deref())?;
    let exits = compared.iter().map(|one| Exit::of(one.decision, one.document.plan.gate.strict));
    Ok(Exit::worst(exits))
}

fn report(args: &ReportArgs) -> Result<Exit, AppError> {
    let document = app::read_result(&args.result)?;
    emit(&text(&document, args.format, args.explain)?, args.output.as_deref())?;
    Ok(Exit::Success)
}

fn text(document: &RunDocument, format: Format, explain: bool) -> Result<String, AppError> {
    if !explain {
        return app::render(document, form(format));
    }
    app::explain(document).ok_or_else(|| {
        AppError::usage(
            "this result has no verdict to explain",
            "explain the result of a gate, or compare two results",
        )
    })
}

fn import(args: &ImportArgs) -> Result<Exit, AppError> {
    let document = app::import(&args.files, &args.options())?;
    // Tables show the findings themselves.
    if args.output.is_some() || args.format != Format::Table {
        Printer::new(false, None).note(&app::import_notes(&document));
    }
    emit(&app::render(&document, form(args.format))?, args.output.as_deref())?;
    Ok(Exit::Success)
}

fn baseline(home: &Home, command: BaselineCommand) -> Result<Exit, AppError> {
    let text = match command {
        BaselineCommand::Save { result, pull_request: true } => return action::offer(&result, home),
        BaselineCommand::Save { result, pull_request: false } => {
            let commit = load::commit(&env::vars());
            format!("stored in {}\n", app::save(home, &result, commit.as_deref())?.display())
        }
        BaselineCommand::Show { key } => app::list(home, key.as_deref(), true)?,
        BaselineCommand::List => app::list(home, None, false)?,
        BaselineCommand::Promote { key, session } => {
            format!("comparisons now start at {session}: {}\n", app::promote(home, &key, &session)?.display())
        }
        BaselineCommand::Prune => format!("removed {} sessions\n", app::prune(home)?),
    };
    printer::data(&text);
    Ok(Exit::Success)
}

fn simulate(args: &SimulateArgs) -> Result<Exit, AppError> {
    let ready = move |address| {
        printer::data(&format!("simulating {} on http://{address}\n", args.spec));
    };
    let _at_work = AtWork::begin();
    load::runtime()?.block_on(app::simulate(
        &args.spec,
        args.listen,
        args.start,
        ready,
        signals::interrupted(),
    ))?;
    Ok(Exit::Success)
}

fn info(args: &InfoArgs) -> Result<Exit, AppError> {
    if args.schema {
        printer::data(&format!("{:#}\n", json_schema()));
        return Ok(Exit::Success);
    }
    let resolved = app::settings(Purpose::Gate, args.flags(), env::vars());
    // A machine is to be told of even where the settings are the bug.
    let known = resolved.as_ref().ok();
    let named = known.and_then(|resolved| resolved.plan.target.nvml.clone());
    let json = known.is_some_and(|resolved| resolved.outputs.print.json) || args.wants_json();
    let document = app::info(known, library(named).as_deref());
    printer::data(&app::render_info_text(&document, json, load::colour()));
    resolved.map(|_| Exit::Success)
}

fn init(args: &InitArgs) -> Result<Exit, AppError> {
    if args.path.exists() && !args.force {
        return Err(AppError::usage(
            format!("{} exists already", args.path.display()),
            "name another file, or overwrite it with --force",
        ));
    }
    files::write_atomic(&args.path, starter().as_bytes())?;
    Printer::new(false, None).note(&format!(
        "wrote {}; try: llm-loadtest run --config {}",
        args.path.display(),
        args.path.display()
    ));
    Ok(Exit::Success)
}

fn form(format: Format) -> Form {
    match format {
        Format::Table => Form::Table { colour: load::colour() },
        Format::Markdown => Form::Markdown,
        Format::Junit => Form::Junit,
        Format::Json => Form::Json,
        Format::Csv => Form::Csv,
        Format::Html => Form::Html,
        Format::Vllm => Form::Vllm,
    }
}

pub(super) fn emit(text: &str, output: Option<&Path>) -> Result<(), AppError> {
    match output {
        Some(path) => files::write_atomic(path, text.as_bytes())?,
        // A reader that has had enough is a normal end.
        None => drop(printer::data(text)),
    }
    Ok(())
}
