//! Results of other tools as documents: what our definitions name is taken over or made anew, the rest is refused by name.

mod aiperf;
mod build;
mod entry;
mod error;
mod guidellm;
mod json;
mod sglang;
mod source;
#[cfg(test)]
mod tests;
mod vllm;

use std::path::Path;
use std::str::FromStr;

use serde_json::Value;

use self::entry::Entry;
use self::json::{Fields, clipped};
use super::{RunDocument, SIZE_MAX};

pub use error::{ImportError, Problem};
pub use source::Source;

/// A file of another tool.
#[derive(Debug, Clone, Copy)]
pub struct Given<'a> {
    pub path: &'a Path,
    pub text: &'a str,
}

/// What the person who imports says beside the files.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ImportOptions {
    /// Without it every file is recognised by its names.
    pub source: Option<Source>,
    pub pick: Option<Pick>,
    /// Names that stand in the place of what the files say or do not say.
    pub workload: Option<String>,
    pub model: Option<String>,
    pub hardware: Option<String>,
}

/// Which results of each file are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pick {
    All,
    Last,
    /// From 1.
    Number(usize),
}

impl FromStr for Pick {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "all" => Ok(Self::All),
            "last" => Ok(Self::Last),
            _ => match text.parse() {
                Ok(number) if number > 0 => Ok(Self::Number(number)),
                _ => Err("write all, last, or a number from 1".to_owned()),
            },
        }
    }
}

/// When and by which version of ours the files were read.
#[derive(Debug, Clone, Copy)]
pub struct Reading<'a> {
    pub tool: &'a str,
    /// RFC 3339.
    pub created: &'a str,
}

/// Reads the files of one tool as one result: each result in them is a level, and the same load again a further round.
pub fn import(
    files: &[Given<'_>],
    options: &ImportOptions,
    reading: Reading<'_>,
) -> Result<RunDocument, ImportError> {
    let mut source = options.source;
    let mut entries = Vec::new();
    for file in files {
        let error = |entry, problem| ImportError { path: file.path.to_owned(), entry, problem };
        let values = values(file.text).map_err(|problem| error(None, problem))?;
        let found = recognise(&values, source).map_err(|problem| error(None, problem))?;
        source = Some(found);
        let raw = split(found, &values).map_err(|problem| error(None, problem))?;
        let has = raw.len();
        let many = has > 1;
        for (number, raw) in
            pick(raw, options.pick.unwrap_or(default_pick(found))).map_err(|problem| error(None, problem))?
        {
            let entry = Some(number).filter(|_| many);
            let read = read(found, &raw).and_then(|read| alike(&entries, &read).map(|()| read));
            let mut read = read.map_err(|problem| error(entry, problem))?;
            if many && options.pick.is_none() && default_pick(found) == Pick::Last {
                read.taken(format!("the last of {has} results in the file; --entry chooses others"));
            }
            entries.push(read);
        }
    }
    let (Some(source), false) = (source, entries.is_empty()) else {
        let path = files.first().map(|file| file.path.to_owned()).unwrap_or_default();
        return Err(ImportError { path, entry: None, problem: Problem::Empty });
    };
    let names: Vec<String> = files.iter().map(|file| file.path.display().to_string()).collect();
    Ok(build::document(source, entries, options, reading, &names))
}

fn values(text: &str) -> Result<Vec<Value>, Problem> {
    let bytes = text.len() as u64;
    if bytes > SIZE_MAX {
        return Err(Problem::TooLarge { bytes });
    }
    json::values(text)
}

/// Whose results these are; what was said, or read before, must be found again.
fn recognise(values: &[Value], wanted: Option<Source>) -> Result<Source, Problem> {
    let found = values.first().map_or(Err(Problem::Empty), source::detect);
    match (wanted, found) {
        (Some(wanted), Ok(found)) if wanted != found => Err(Problem::Other { wanted, found }),
        (Some(wanted), Err(Problem::Unknown)) => Ok(wanted),
        (_, found) => found,
    }
}

/// One result as its file holds it.
enum Raw<'a> {
    Whole(&'a Value),
    Records(&'a [Value]),
    Benchmark { report: Fields<'a>, benchmark: Fields<'a> },
}

fn split(source: Source, values: &[Value]) -> Result<Vec<Raw<'_>>, Problem> {
    match source {
        Source::Aiperf if values.first().is_some_and(aiperf::is_record) => Ok(vec![Raw::Records(values)]),
        Source::Vllm | Source::Sglang | Source::Aiperf => Ok(values.iter().map(Raw::Whole).collect()),
        Source::Guidellm => {
            let mut found = Vec::new();
            for value in values {
                let report = Fields::of(value)?;
                for benchmark in report.objects("benchmarks")? {
                    found.push(Raw::Benchmark { report: report.clone(), benchmark });
                }
            }
            Ok(found)
        }
    }
}

/// SGLang appends every run to one file, whatever it measured; the others write a file per measurement or sweep.
fn default_pick(source: Source) -> Pick {
    match source {
        Source::Sglang => Pick::Last,
        Source::Vllm | Source::Aiperf | Source::Guidellm => Pick::All,
    }
}

fn pick(raw: Vec<Raw<'_>>, pick: Pick) -> Result<Vec<(usize, Raw<'_>)>, Problem> {
    let has = raw.len();
    let numbered = (1..).zip(raw);
    match pick {
        Pick::All => Ok(numbered.collect()),
        Pick::Last => Ok(numbered.skip(has.saturating_sub(1)).collect()),
        Pick::Number(asked) if asked > has => Err(Problem::NoEntry { asked, has }),
        Pick::Number(asked) => Ok(numbered.skip(asked - 1).take(1).collect()),
    }
}

fn read(source: Source, raw: &Raw<'_>) -> Result<Entry, Problem> {
    match (source, raw) {
        (Source::Vllm, Raw::Whole(value)) => vllm::read(&Fields::of(value)?),
        (Source::Sglang, Raw::Whole(value)) => sglang::read(&Fields::of(value)?),
        (_, Raw::Whole(value)) => aiperf::read_summary(&Fields::of(value)?),
        (_, Raw::Records(records)) => aiperf::read_records(records),
        (_, Raw::Benchmark { report, benchmark }) => guidellm::read(report, benchmark),
    }
}

/// Levels of one result differ in their load alone.
fn alike(before: &[Entry], entry: &Entry) -> Result<(), Problem> {
    let Some(first) = before.first() else { return Ok(()) };
    let names = first.facts.keys().chain(entry.facts.keys());
    for name in names {
        let of =
            |entry: &Entry| entry.facts.get(name).map_or_else(|| "unsaid".to_owned(), |fact| clipped(fact));
        let (first, now) = (of(first), of(entry));
        if first != now {
            return Err(Problem::Mixed { what: (*name).to_owned(), first, now });
        }
    }
    Ok(())
}
