//! Flags made from the settings table, so that table, flags and help cannot drift apart.

use clap::builder::NonEmptyStringValueParser;
use clap::{Arg, ArgAction, ArgMatches, Args, Command, Error, FromArgMatches};

use crate::config::{Entry, Group, Origin, SETTINGS, Setting, Shape};

/// Every setting that describes a load, its server and its output, as far as flags gave it.
#[derive(Debug, Clone, Default)]
pub struct LoadArgs {
    entries: Vec<Entry>,
}

/// What the flags said, for `config::Layers`.
pub fn flags(args: &LoadArgs) -> Vec<Entry> {
    args.entries.clone()
}

impl Args for LoadArgs {
    fn augment_args(command: Command) -> Command {
        declare(command, is_load)
    }

    fn augment_args_for_update(command: Command) -> Command {
        declare(command, is_load)
    }
}

impl FromArgMatches for LoadArgs {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, Error> {
        Ok(Self {
            entries: collect(matches, is_load),
        })
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), Error> {
        self.entries = collect(matches, is_load);
        Ok(())
    }
}

fn is_load(setting: &Setting) -> bool {
    setting.group != Group::Gate
}

/// Adds the flags of the wanted rows.
pub(super) fn declare(command: Command, wanted: fn(&Setting) -> bool) -> Command {
    SETTINGS.iter().filter(|setting| wanted(setting)).fold(command, |command, setting| {
        let command = command.arg(flag(setting));
        if is_on(setting) { command.arg(off(setting)) } else { command }
    })
}

/// A switch that is on unless switched off.
fn is_on(setting: &Setting) -> bool {
    setting.shape == Shape::Switch && setting.default == Some("true")
}

fn flag(setting: &Setting) -> Arg {
    let help = match setting.default {
        Some(text) if setting.shape != Shape::Switch => format!("{} [default: {text}]", setting.help),
        Some("true") => format!("{} [default: on]", setting.help),
        _ => setting.help.to_owned(),
    };
    let mut arg = Arg::new(setting.key)
        .long(setting.key)
        .visible_aliases(setting.aliases)
        .help(help)
        .help_heading(setting.group.title())
        .value_name(setting.value)
        .value_parser(NonEmptyStringValueParser::new());
    if let Some(short) = setting.short {
        arg = arg.short(short);
    }
    match setting.shape {
        Shape::Switch => {
            arg = arg.num_args(0..=1).require_equals(true).default_missing_value("true");
            if is_on(setting) { arg.overrides_with(no(setting)) } else { arg }
        }
        // vLLM writes several values after one flag, others repeat the flag: both are read.
        shape if shape.repeats() => arg.num_args(1..).action(ArgAction::Append),
        _ => arg,
    }
}

fn off(setting: &Setting) -> Arg {
    Arg::new(no(setting))
        .long(no(setting))
        .visible_aliases(setting.off_aliases)
        .help(format!("Switch --{} off", setting.key))
        .help_heading(setting.group.title())
        .action(ArgAction::SetTrue)
        .overrides_with(setting.key)
}

fn no(setting: &Setting) -> String {
    format!("no-{}", setting.key)
}

/// The entries of the wanted rows, in the table's order.
pub(super) fn collect(matches: &ArgMatches, wanted: fn(&Setting) -> bool) -> Vec<Entry> {
    let mut entries = Vec::new();
    for setting in SETTINGS.iter().filter(|setting| wanted(setting)) {
        let origin = |name: &str| Origin::Flag(name.to_owned());
        for text in matches.get_many::<String>(setting.key).into_iter().flatten() {
            entries.push(Entry::new(setting.key, text, origin(setting.key)));
        }
        if is_on(setting) && matches.get_flag(&no(setting)) {
            entries.push(Entry::new(setting.key, "false", origin(&no(setting))));
        }
    }
    entries
}
