//! `bisect`: git walks from a good to a bad commit, a gate judges where it halts.

mod words;

use std::path::{Path, PathBuf};

use crate::app::error::AppError;
use crate::gate::Decision;
use crate::host::commands::{self, Finished};
use crate::host::files;
use crate::store::Store;

pub use words::render_bisected;

/// What is searched, and how a commit is put to work.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BisectAsk {
    pub good: String,
    pub bad: String,
    /// A line of shell that builds and starts the server of the commit that is checked out.
    pub run: String,
    /// Do not judge both ends first.
    pub trust_ends: bool,
}

/// What a gate said of a commit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Said {
    pub decision: Decision,
    pub headline: String,
    /// The gate was interrupted: there is no verdict.
    pub partial: bool,
}

/// What the search may ask of its caller.
pub trait Judge {
    /// Judges the server that runs now, that of a commit, against the baselines in this folder.
    fn judge(&mut self, commit: &str, baselines: &Path) -> Result<Said, AppError>;
    /// The folder of baselines, before anything is checked out.
    fn baselines(&mut self) -> Result<PathBuf, AppError>;
    /// Whether the user wants to stop.
    fn is_stopped(&mut self) -> bool;
    fn note(&mut self, text: &str);
}

/// A commit and what was found out about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tried {
    pub commit: Commit,
    pub standing: Standing,
    pub why: String,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Commit {
    pub id: String,
    pub subject: String,
}

/// The three answers that `git bisect` takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    Good,
    Bad,
    Skip,
}

impl Standing {
    pub fn word(self) -> &'static str {
        match self {
            Self::Good => "good",
            Self::Bad => "bad",
            Self::Skip => "skip",
        }
    }
}

/// How a search ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    First(Commit),
    /// One of these, which could not be judged.
    Among(Vec<Commit>),
    /// An end is not what it was said to be.
    EndUnlike {
        expected: Standing,
        found: Tried,
    },
    Interrupted,
}

/// A search and every commit that was tried.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bisected {
    pub tried: Vec<Tried>,
    pub outcome: Outcome,
}

/// Finds the first commit whose gate fails. The repository is as before when it returns, whatever it returns.
pub fn bisect(ask: &BisectAsk, judge: &mut dyn Judge) -> Result<Bisected, AppError> {
    let (good, bad) = prepare(ask)?;
    let stored = Store::open(judge.baselines()?);
    let kept =
        PathBuf::from(told(&["rev-parse", "--path-format=absolute", "--git-path", "llm-loadtest-bisect"])?);
    told(&["bisect", "start"])?;
    let walk = Walk { ask, judge, kept: kept.clone(), tried: Vec::new() };
    let found = walk.search(&stored, &good, &bad);
    let reset = told(&["bisect", "reset"]);
    // Nothing depends on the copies that may stay behind.
    drop(std::fs::remove_dir_all(&kept));
    let found = found?;
    reset?;
    Ok(found)
}

/// The ids of both ends, in a repository that can be searched.
fn prepare(ask: &BisectAsk) -> Result<(String, String), AppError> {
    let inside = git(&["rev-parse", "--is-inside-work-tree"])?;
    if !inside.is_success() {
        return Err(AppError::usage(
            "this folder is in no git work tree",
            "change to the server's repository",
        ));
    }
    if git(&["bisect", "log"])?.is_success() {
        return Err(AppError::usage("another bisection is under way here", "end it first: git bisect reset"));
    }
    if !told(&["status", "--porcelain", "--untracked-files=no"])?.is_empty() {
        return Err(AppError::usage(
            "there are changes that are not committed, and other commits will be checked out",
            "commit or stash them first",
        ));
    }
    let (good, bad) = (commit(&ask.good, "--good")?, commit(&ask.bad, "--bad")?);
    if good == bad || !git(&["merge-base", "--is-ancestor", &good, &bad])?.is_success() {
        return Err(AppError::usage(
            format!("{} is no ancestor of {}", ask.good, ask.bad),
            "name the last commit known to be good with --good, and a later one that is bad with --bad",
        ));
    }
    Ok((good, bad))
}

fn commit(revision: &str, flag: &str) -> Result<String, AppError> {
    let name = format!("{revision}^{{commit}}");
    let found = git(&["rev-parse", "--verify", "--quiet", "--end-of-options", &name])?;
    if found.is_success() {
        return Ok(found.stdout.trim().to_owned());
    }
    Err(AppError::usage(
        format!("{flag} {revision}: there is no such commit"),
        "name a commit, tag or branch of this repository; a shallow clone lacks the old ones (git fetch --unshallow)",
    ))
}

struct Walk<'a> {
    ask: &'a BisectAsk,
    judge: &'a mut dyn Judge,
    /// Copies of the baselines, which must not change with what is checked out.
    kept: PathBuf,
    tried: Vec<Tried>,
}

impl Walk<'_> {
    fn search(mut self, stored: &Store, good: &str, bad: &str) -> Result<Bisected, AppError> {
        self.keep(stored)?;
        told(&["checkout", "--quiet", "--detach", good])?;
        // Sessions that were stored after the good commit may be those of the bad one.
        self.keep(stored)?;
        let ends = [(good, Standing::Good), (bad, Standing::Bad)];
        for (end, expected) in ends.into_iter().filter(|_| !self.ask.trust_ends) {
            told(&["checkout", "--quiet", "--detach", end])?;
            let Some(found) = self.attempt()? else {
                return Ok(self.ended(Outcome::Interrupted));
            };
            if found.standing != expected {
                return Ok(self.ended(Outcome::EndUnlike { expected, found }));
            }
        }
        told(&["bisect", "bad", bad])?;
        let mut progress = git(&["bisect", "good", good])?;
        loop {
            if let Some(outcome) = finished(&progress)? {
                return Ok(self.ended(outcome));
            }
            let Some(found) = self.attempt()? else {
                return Ok(self.ended(Outcome::Interrupted));
            };
            progress = git(&["bisect", found.standing.word()])?;
        }
    }

    fn ended(self, outcome: Outcome) -> Bisected {
        Bisected { tried: self.tried, outcome }
    }

    /// Copies the baselines as they are now, over those that were copied before.
    fn keep(&self, stored: &Store) -> Result<(), AppError> {
        for item in stored.list()? {
            if let Some(name) = item.path.file_name() {
                let bytes = files::read_bytes(&item.path, crate::document::v1::SIZE_MAX)?;
                files::write_atomic(&self.kept.join(name), &bytes)?;
            }
        }
        Ok(())
    }

    /// Builds and judges what is checked out; none when the user wants to stop.
    fn attempt(&mut self) -> Result<Option<Tried>, AppError> {
        let commit = described("HEAD")?;
        self.judge.note(&format!("{} {}", short(&commit.id), commit.subject));
        let code = commands::shell(&self.ask.run).map_err(|error| {
            AppError::environment(format!("cannot run a shell: {error}"), "check that sh is installed")
        })?;
        if self.judge.is_stopped() {
            return Ok(None);
        }
        let (standing, why) = match code {
            Some(0) => {
                let said = self.judge.judge(&commit.id, &self.kept)?;
                if said.partial || self.judge.is_stopped() {
                    return Ok(None);
                }
                let standing = match said.decision {
                    Decision::Pass => Standing::Good,
                    Decision::Fail => Standing::Bad,
                    Decision::Inconclusive | Decision::Invalid => Standing::Skip,
                };
                (standing, said.headline)
            }
            // As with git bisect run: what ends by a signal, or says 128 and more, wants the search to end.
            Some(code) if code < 128 => (Standing::Skip, format!("--run ended with {code}")),
            ended => {
                let how = ended.map_or_else(|| "by a signal".to_owned(), |code| format!("with {code}"));
                return Err(AppError::environment(
                    format!("--run ended {how} at {}", short(&commit.id)),
                    "let it end with 1 to 127 where a commit cannot be built, which skips that commit",
                ));
            }
        };
        self.judge.note(&format!("{} is {}: {why}", short(&commit.id), standing.word()));
        let found = Tried { commit, standing, why };
        self.tried.push(found.clone());
        Ok(Some(found))
    }
}

/// What `git bisect` said at last, where it is done.
fn finished(progress: &Finished) -> Result<Option<Outcome>, AppError> {
    let says = |words: &str| progress.stdout.lines().any(|line| line.contains(words));
    if says(" is the first bad commit") {
        return Ok(Some(Outcome::First(described("refs/bisect/bad")?)));
    }
    if says("only 'skip'ped commits left") {
        let good = told(&["for-each-ref", "--format=%(objectname)", "refs/bisect/good-*"])?;
        let not: Vec<String> = good.lines().map(|id| format!("^{id}")).collect();
        let arguments: Vec<&str> =
            ["rev-list", "refs/bisect/bad"].into_iter().chain(not.iter().map(String::as_str)).collect();
        let left = told(&arguments)?;
        return Ok(Some(Outcome::Among(left.lines().map(described).collect::<Result<_, _>>()?)));
    }
    if progress.is_success() { Ok(None) } else { Err(failed("bisect", progress)) }
}

fn described(revision: &str) -> Result<Commit, AppError> {
    let text = told(&["show", "--no-patch", "--format=%H %s", revision])?;
    let (id, subject) = text.split_once(' ').unwrap_or((&text, ""));
    Ok(Commit { id: id.to_owned(), subject: subject.to_owned() })
}

/// As much of an id as people need.
fn short(id: &str) -> &str {
    id.get(..10).unwrap_or(id)
}

/// What git said, where it did as it was told.
fn told(arguments: &[&str]) -> Result<String, AppError> {
    let finished = git(arguments)?;
    if finished.is_success() {
        Ok(finished.stdout.trim_end().to_owned())
    } else {
        Err(failed(arguments.first().copied().unwrap_or_default(), &finished))
    }
}

fn git(arguments: &[&str]) -> Result<Finished, AppError> {
    commands::capture("git", arguments)
        .map_err(|error| AppError::environment(format!("cannot run git: {error}"), "install git"))
}

fn failed(what: &str, finished: &Finished) -> AppError {
    let said = [finished.stderr.trim(), finished.stdout.trim()];
    let said = said.into_iter().find(|text| !text.is_empty()).unwrap_or("it gave no reason");
    AppError::environment(
        format!("git {what} failed: {said}"),
        "see what git says; git bisect reset ends a search",
    )
}
