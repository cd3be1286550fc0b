//! What one row of the settings table is made of.

use self::Shape::{
    Choice, Count, Counts, Duration, Json, Lengths, Number, Numbers, Pairs, Share, Switch, Text, Texts,
    Weights, Words,
};

/// One setting.
#[derive(Debug, Clone, Copy)]
pub struct Setting {
    /// Name of the flag and the action input; the environment variable is derived from it.
    pub key: &'static str,
    pub group: Group,
    pub shape: Shape,
    /// One sentence with units and an example.
    pub help: &'static str,
    /// What stands for the value in help texts.
    pub value: &'static str,
    pub default: Option<&'static str>,
    /// Names of the same flag in other tools.
    pub aliases: &'static [&'static str],
    /// For a switch that is on by default: the flags that switch it off, ours first.
    pub off: &'static [&'static str],
    pub short: Option<char>,
    /// Places in a file; the first key of a section is the documented one.
    pub file: &'static [(Section, &'static str)],
    pub secret: bool,
}

/// Heading in the help, and order in tables.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Group {
    Server,
    Launch,
    Load,
    Search,
    Request,
    Wait,
    Gate,
    Output,
    /// What only a step of a workflow is asked.
    Action,
}

impl Group {
    pub fn title(self) -> &'static str {
        match self {
            Self::Server => "Server",
            Self::Launch => "Starting the server",
            Self::Load => "Load",
            Self::Search => "Search",
            Self::Request => "Requests",
            Self::Wait => "Waiting",
            Self::Gate => "Gate",
            Self::Output => "Files and output",
            Self::Action => "GitHub Action",
        }
    }
}

/// Section of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Section {
    Target,
    Model,
    Workload,
    Gate,
}

/// What a value looks like in a file; flags are always text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    Text,
    /// One of these words.
    Choice(&'static [&'static str]),
    Switch,
    Count,
    Number,
    /// `500ms`, `30s`, `10m`.
    Duration,
    /// `15%`.
    Share,
    /// `256`, `128:512`, `[128, 512]`, `normal:512,64` or `file:lens.txt`.
    Lengths,
    /// One number or a list.
    Counts,
    Numbers,
    Texts,
    /// `name: value` pairs.
    Pairs,
    /// Names with weights: `a=3,b=1`, a map, or a list.
    Weights,
    /// Words as a shell splits them, or a list of words.
    Words,
    /// A free object.
    Json,
}

impl Shape {
    /// Whether the flag may be repeated and a file may hold a list.
    pub fn repeats(self) -> bool {
        matches!(self, Counts | Numbers | Texts | Pairs | Weights | Json)
    }
}

impl Setting {
    /// `LLM_LOADTEST_NUM_PROMPTS`
    pub fn environment(&self) -> String {
        format!("LLM_LOADTEST_{}", self.key.to_ascii_uppercase().replace('-', "_"))
    }

    /// `INPUT_NUM-PROMPTS`: the runner writes inputs in upper case and keeps their dashes.
    pub fn input(&self) -> String {
        format!("INPUT_{}", self.key.to_ascii_uppercase())
    }

    pub(super) const fn value(mut self, value: &'static str) -> Self {
        self.value = value;
        self
    }

    pub(super) const fn default(mut self, text: &'static str) -> Self {
        self.default = Some(text);
        self
    }

    pub(super) const fn also(mut self, aliases: &'static [&'static str]) -> Self {
        self.aliases = aliases;
        self
    }

    pub(super) const fn off(mut self, names: &'static [&'static str]) -> Self {
        self.off = names;
        self
    }

    pub(super) const fn short(mut self, short: char) -> Self {
        self.short = Some(short);
        self
    }

    pub(super) const fn file(mut self, file: &'static [(Section, &'static str)]) -> Self {
        self.file = file;
        self
    }

    pub(super) const fn secret(mut self) -> Self {
        self.secret = true;
        self
    }
}

pub(super) const fn row(key: &'static str, group: Group, shape: Shape, help: &'static str) -> Setting {
    let value = match shape {
        Text | Texts => "TEXT",
        Choice(_) => "WORD",
        Switch => "BOOL",
        Count => "N",
        Number => "NUMBER",
        Duration => "TIME",
        Share => "PERCENT",
        Lengths => "TOKENS",
        Counts => "N,…",
        Numbers => "X,…",
        Pairs => "NAME:VALUE",
        Weights => "NAME=WEIGHT,…",
        Words => "'WORDS'",
        Json => "JSON",
    };
    Setting {
        key,
        group,
        shape,
        help,
        value,
        default: None,
        aliases: &[],
        off: &[],
        short: None,
        file: &[],
        secret: false,
    }
}
