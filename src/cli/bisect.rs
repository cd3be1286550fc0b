//! `bisect`: a gate for every commit, and the user's wish to stop between them.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::args::BisectArgs;
use super::exit::Exit;
use super::load;
use super::printer::{self, Printer};
use crate::app::{self, AppError, Bisected, Judge, Outcome, Said};
use crate::config::{Entry, Origin, Purpose, Resolved};
use crate::host::{env, signals};

/// `bisect`
pub(super) fn bisect(args: &BisectArgs) -> Result<Exit, AppError> {
    let mut gates = Gates { flags: args.flags(), stopped: watch()? };
    let found = app::bisect(&args.ask(), &mut gates)?;
    printer::data(&app::render_bisected(&found));
    Ok(exit(&found))
}

fn exit(found: &Bisected) -> Exit {
    match found.outcome {
        Outcome::First(_) => Exit::Success,
        Outcome::Among(_) | Outcome::EndUnlike { .. } => Exit::NotDecided,
        Outcome::Interrupted => Exit::Interrupted,
    }
}

/// Gates with these flags.
struct Gates {
    flags: Vec<Entry>,
    stopped: Arc<AtomicBool>,
}

impl Gates {
    /// The settings as the commit that is checked out has them.
    fn resolved(&self, more: Vec<Entry>) -> Result<Resolved, AppError> {
        let said = |entry: &&Entry| !more.iter().any(|other| other.key == entry.key);
        let flags = self.flags.iter().filter(said).cloned().collect::<Vec<_>>();
        app::settings(Purpose::Gate, [flags, more].concat(), env::vars())
    }
}

impl Judge for Gates {
    fn judge(&mut self, commit: &str, baselines: &Path) -> Result<Said, AppError> {
        let flag = |key: &'static str, text: &str| Entry::new(key, text, Origin::Flag(key.to_owned()));
        // Evidence about one commit must never count for another, whatever CI says of the checkout.
        let own = vec![
            flag("baselines", &baselines.display().to_string()),
            // Which sessions a commit knew, only its folder says.
            flag("store", ""),
            flag("ledger", &baselines.join("ledger").display().to_string()),
            flag("head", commit),
            flag("save-baseline", "false"),
        ];
        let judged = load::judge(&self.resolved(own)?, &env::vars(), Some(commit))?;
        let headline = judged.document.verdict.as_ref().map(|verdict| verdict.headline.clone());
        Ok(Said {
            decision: judged.decision,
            headline: headline.unwrap_or_default(),
            partial: judged.document.partial,
        })
    }

    fn baselines(&mut self) -> Result<PathBuf, AppError> {
        Ok(self.resolved(Vec::new())?.outputs.baselines)
    }

    fn is_stopped(&mut self) -> bool {
        self.stopped.load(Ordering::SeqCst)
    }

    fn note(&mut self, text: &str) {
        Printer::new(false, None).note(&format!("bisect: {text}"));
    }
}

/// Listens on a thread of its own: between two gates nothing else does, and a search must leave the repository as it was.
fn watch() -> Result<Arc<AtomicBool>, AppError> {
    let stopped = Arc::new(AtomicBool::new(false));
    let (flag, runtime) = (Arc::clone(&stopped), load::runtime()?);
    std::thread::spawn(move || {
        runtime.block_on(async {
            loop {
                signals::interrupted().await;
                flag.store(true, Ordering::SeqCst);
            }
        });
    });
    Ok(stopped)
}
