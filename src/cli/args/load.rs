//! Flags made from the settings table, so that table, flags and help cannot drift apart.

use std::marker::PhantomData;

use clap::builder::NonEmptyStringValueParser;
use clap::{Arg, ArgAction, ArgMatches, Args, Command, Error, FromArgMatches};

use crate::config::{Entry, Group, Origin, SETTINGS, Setting, Shape};

/// Which rows of the table a command takes.
pub trait Rows {
    fn has(setting: &Setting) -> bool;
}

/// Every setting that describes a load, its server and its output.
#[derive(Debug, Clone)]
pub struct OfLoad;

/// The settings of the gate alone.
#[derive(Debug, Clone)]
pub struct OfGate;

/// The settings of the search for the highest load that holds, which only `run` makes.
#[derive(Debug, Clone)]
pub struct OfSearch;

/// The settings of a gate that confirms an alarm: its tolerances, baselines and files follow from the history.
#[derive(Debug, Clone)]
pub struct OfConfirmation;

/// The server, one request and how long to wait for it: what a doctor asks about.
#[derive(Debug, Clone)]
pub struct OfDoctor;

/// The settings of a workflow's step alone.
#[derive(Debug, Clone)]
pub struct OfAction;

/// Whom a comment is for.
#[derive(Debug, Clone)]
pub struct OfComment;

/// Settings as far as flags gave them.
#[derive(Debug, Clone)]
pub struct Flags<R> {
    entries: Vec<Entry>,
    rows: PhantomData<R>,
}

pub type LoadFlags = Flags<OfLoad>;
pub type GateFlags = Flags<OfGate>;
pub type SearchFlags = Flags<OfSearch>;
pub type ActionFlags = Flags<OfAction>;
pub type CommentFlags = Flags<OfComment>;
pub type DoctorFlags = Flags<OfDoctor>;
pub type ConfirmFlags = Flags<OfConfirmation>;

impl Rows for OfLoad {
    fn has(setting: &Setting) -> bool {
        !matches!(setting.group, Group::Gate | Group::Search | Group::Action)
    }
}

impl Rows for OfGate {
    fn has(setting: &Setting) -> bool {
        setting.group == Group::Gate
    }
}

impl Rows for OfSearch {
    fn has(setting: &Setting) -> bool {
        setting.group == Group::Search
    }
}

impl Rows for OfAction {
    fn has(setting: &Setting) -> bool {
        setting.group == Group::Action
    }
}

impl Rows for OfComment {
    fn has(setting: &Setting) -> bool {
        const OTHERS: [&str; 5] = ["command", "candidate", "baseline", "fail-on", "annotations"];
        setting.group == Group::Action && !OTHERS.contains(&setting.key)
    }
}

impl Rows for OfDoctor {
    fn has(setting: &Setting) -> bool {
        const ALSO: [&str; 6] = ["workload", "seed", "config", "markdown", "json", "quiet"];
        matches!(setting.group, Group::Server | Group::Request | Group::Wait) || ALSO.contains(&setting.key)
    }
}

impl Rows for OfConfirmation {
    fn has(setting: &Setting) -> bool {
        const OWN: [&str; 7] = [
            "tolerance",
            "objective",
            "baselines",
            "store",
            "save-baseline",
            "require-baseline",
            "session-id",
        ];
        match setting.group {
            Group::Search | Group::Action => false,
            Group::Output => setting.key == "config",
            _ => !OWN.contains(&setting.key),
        }
    }
}

impl<R> Flags<R> {
    /// What they said, for `config::Layers`.
    pub fn entries(&self) -> Vec<Entry> {
        self.entries.clone()
    }
}

impl<R: Rows> Args for Flags<R> {
    fn augment_args(command: Command) -> Command {
        declare(command, R::has)
    }

    fn augment_args_for_update(command: Command) -> Command {
        declare(command, R::has)
    }
}

impl<R: Rows> FromArgMatches for Flags<R> {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, Error> {
        Ok(Self { entries: collect(matches, R::has), rows: PhantomData })
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), Error> {
        self.entries = collect(matches, R::has);
        Ok(())
    }
}

/// Adds the flags of the wanted rows.
fn declare(command: Command, wanted: fn(&Setting) -> bool) -> Command {
    SETTINGS.iter().filter(|setting| wanted(setting)).fold(command, |command, setting| {
        let command = command.arg(flag(setting));
        match setting.off {
            [] => command,
            [name, aliases @ ..] => command.arg(off(setting, name, aliases)),
        }
    })
}

fn flag(setting: &Setting) -> Arg {
    let mut arg = Arg::new(setting.key)
        .long(setting.key)
        .visible_aliases(setting.aliases)
        .help(help(setting))
        .help_heading(setting.group.title())
        .value_name(setting.value)
        .value_parser(NonEmptyStringValueParser::new());
    if let Some(short) = setting.short {
        arg = arg.short(short);
    }
    match setting.shape {
        Shape::Switch => arg
            .num_args(0..=1)
            .require_equals(true)
            .default_missing_value("true")
            .overrides_with_all(setting.off.first()),
        // The words are flags of the server.
        Shape::Words => arg.allow_hyphen_values(true),
        // vLLM writes several values after one flag, others repeat the flag: both are read.
        shape if shape.repeats() => arg.num_args(1..).action(ArgAction::Append),
        _ => arg,
    }
}

fn help(setting: &Setting) -> String {
    match (setting.default, setting.shape) {
        (None | Some("false"), _) => setting.help.to_owned(),
        (Some(_), Shape::Switch) => format!("{} [default: on]", setting.help),
        (Some(text), _) => format!("{} [default: {text}]", setting.help),
    }
}

fn off(setting: &Setting, name: &'static str, aliases: &'static [&'static str]) -> Arg {
    Arg::new(name)
        .long(name)
        .visible_aliases(aliases)
        .help(format!("Switch --{} off", setting.key))
        .help_heading(setting.group.title())
        .action(ArgAction::SetTrue)
        .overrides_with(setting.key)
}

/// The entries of the wanted rows, in the table's order.
fn collect(matches: &ArgMatches, wanted: fn(&Setting) -> bool) -> Vec<Entry> {
    let mut entries = Vec::new();
    for setting in SETTINGS.iter().filter(|setting| wanted(setting)) {
        let origin = |name: &str| Origin::Flag(name.to_owned());
        for text in matches.get_many::<String>(setting.key).into_iter().flatten() {
            entries.push(Entry::new(setting.key, text, origin(setting.key)));
        }
        if let Some(name) = setting.off.first().filter(|name| matches.get_flag(name)) {
            entries.push(Entry::new(setting.key, "false", origin(name)));
        }
    }
    entries
}
