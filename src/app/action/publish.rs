//! Everyone who is told how a step ended: later steps, the summary, the log, the pull request, the commit.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::ending::{self, Ending, Finished};
use super::offer::Offered;
use super::step::Step;
use crate::app::error::{AppError, Side};
use crate::app::outputs;
use crate::config::{ActionCommand, CommentWhen, CommitReport, Origin, Resolved};
use crate::document::v1::{BasisDocument, RunDocument};
use crate::github::{CheckRun, Conclusion, Policy, State, Status};
use crate::host::RealClock;
use crate::report::markdown::{self, Failure, Limit, MarkdownOptions};
use crate::report::workflow::{self, Place};

/// Where the published image lies.
const IMAGE: &str = concat!("ghcr.io/org/llm-loadtest:", env!("CARGO_PKG_VERSION"));

impl Step {
    /// Leaves what needs no network: outputs, the summary, and files in the hands of the workspace's owner.
    pub fn leave(&mut self, finished: &Finished) -> Result<(), AppError> {
        let Finished { ending, code } = finished;
        if let Ending::Offered(Offered { files, is_local: true, .. }) = ending {
            self.written.extend(files.iter().map(PathBuf::from));
        }
        self.trouble.extend(self.runner.give_back(&self.written));
        self.outputs(ending, *code)?;
        if is_interrupted(ending) {
            return Ok(());
        }
        self.runner.summary(&self.text(ending, Limit::Summary))
    }

    /// Tells the pull request and the commit. Answers with commands for the runner's log; trouble with GitHub is among them as
    /// a warning and never changes the exit code.
    pub async fn tell(&mut self, finished: &Finished) -> Vec<String> {
        let Finished { ending, code } = finished;
        if is_interrupted(ending) {
            return Vec::new();
        }
        let comment = self.comment(ending).await;
        self.report(ending, *code, comment.as_deref()).await;
        if let Err(error) = self.runner.output(&[("comment-url", comment.as_deref().unwrap_or_default())]) {
            self.trouble.push(error.message);
        }
        let mut lines = self.annotations(ending);
        let warnings = self.trouble.iter();
        lines.extend(warnings.map(|text| workflow::command("warning", &[("title", "llm-loadtest")], text)));
        lines
    }

    /// The comment on these results.
    pub fn preview(&self, results: Vec<(PathBuf, RunDocument)>) -> String {
        self.text(&Ending::Results(results), Limit::Comment)
    }

    /// What later steps read; the comment's address follows when it is known.
    fn outputs(&self, ending: &Ending, code: u8) -> Result<(), AppError> {
        let code = code.to_string();
        let relative =
            |path: Option<&PathBuf>| path.map(|path| self.runner.relative(path)).unwrap_or_default();
        let facts = match ending {
            Ending::Failed(_) if is_interrupted(ending) => Facts::of("interrupted"),
            Ending::Failed(_) => Facts::of("error"),
            Ending::Results(results) => Facts::of(ending::worst(results)),
            Ending::Offered(offered) => {
                Facts { pull: offered.url.clone().unwrap_or_default(), ..Facts::of("none") }
            }
            Ending::Result { document, resolved } => Facts {
                verdict: ending::word(document),
                regressions: ending::regressions(document).to_string(),
                baseline: resolved
                    .as_ref()
                    .map(|resolved| self.reference(document, resolved))
                    .unwrap_or_default(),
                result: relative(resolved.as_ref().map(|resolved| &resolved.outputs.result)),
                junit: relative(resolved.as_ref().and_then(|resolved| resolved.outputs.junit.as_ref())),
                report: relative(resolved.as_ref().and_then(|resolved| resolved.outputs.markdown.as_ref())),
                pull: String::new(),
            },
        };
        let Facts { verdict, regressions, result, junit, report, baseline, pull } = &facts;
        self.runner.output(&[
            ("exit-code", &code),
            ("verdict", verdict),
            ("regressions", regressions),
            ("results-path", result),
            ("junit-path", junit),
            ("report-path", report),
            ("baseline-ref", baseline),
            ("pull-request-url", pull),
        ])
    }

    /// What the verdict rests on, for later steps.
    fn reference(&self, document: &RunDocument, resolved: &Resolved) -> String {
        if let Some(baseline) = &resolved.plan.baseline {
            return baseline.base_urls.join(",");
        }
        // A first result may have become the baseline just now; it was held against none.
        let rests_on_one =
            document.verdict.as_ref().is_some_and(|verdict| verdict.basis != BasisDocument::None);
        let file = outputs::baseline_file(document, &resolved.outputs);
        let Some(path) = file.filter(|_| rests_on_one) else { return String::new() };
        match (&self.origin, path.file_name()) {
            (Some((folder, commit)), Some(name)) => format!("{folder}/{}@{commit}", name.to_string_lossy()),
            _ => self.runner.relative(&path),
        }
    }

    fn text(&self, ending: &Ending, limit: Limit) -> String {
        let options = MarkdownOptions {
            key: Some(self.plan.comment_key.clone()),
            image: Some(IMAGE.to_owned()),
            notes: self.notes.clone(),
            run_url: self.event.run_url.clone(),
            limit,
            ..MarkdownOptions::default()
        };
        match ending {
            Ending::Result { document, .. } => of_one(document, options),
            Ending::Results(results) => {
                if let [(_, document)] = results.as_slice() {
                    return of_one(document, options);
                }
                let labelled: Vec<(&RunDocument, String)> =
                    results.iter().map(|(path, document)| (document, label(path, document))).collect();
                let labelled: Vec<(&RunDocument, &str)> =
                    labelled.iter().map(|(document, label)| (*document, label.as_str())).collect();
                markdown::render_many(
                    &labelled,
                    &MarkdownOptions { title: "Serving gates".to_owned(), ..options },
                )
            }
            Ending::Offered(offered) => offered.sentence(),
            Ending::Failed(error) => {
                let failure = Failure {
                    message: error.message.clone(),
                    hint: error.hint.as_ref().map(ToString::to_string),
                    tool: env!("CARGO_PKG_VERSION").to_owned(),
                    created: RealClock::wall(),
                };
                let title = format!("Serving gate '{}'", self.plan.comment_key);
                markdown::render_failure(&failure, &MarkdownOptions { title, ..options })
            }
        }
    }

    /// The address of the sticky comment, where one was written.
    async fn comment(&mut self, ending: &Ending) -> Option<String> {
        let is_worth_it = match ending {
            // Who cancels a job has seen it, and the runner waits only seconds.
            Ending::Result { document, .. } => {
                let always = self.plan.comment == CommentWhen::Always;
                !document.partial && (always || self.plan.command != ActionCommand::Run)
            }
            Ending::Results(_) | Ending::Failed(_) => true,
            Ending::Offered(_) => false,
        };
        if !is_worth_it || self.plan.comment == CommentWhen::Never {
            return None;
        }
        let Some(pull) = self.pull().await else {
            if matches!(ending, Ending::Results(_)) && self.trouble.is_empty() {
                let text = "no comment was written: no pull request is known\nname it with pr-number, the repository with repository, and give a github-token";
                self.trouble.push(text.to_owned());
            }
            return None;
        };
        if pull.is_fork && !self.event.only_reads() {
            self.note(
                markdown::NoteKind::Info,
                "Measured on a fork's code: the numbers are as its run reported them, the limits and baselines are ours.",
            );
        }
        let body = self.text(ending, Limit::Comment);
        let marker = body.lines().next().unwrap_or_default().to_owned();
        let Some(github) = &self.github else {
            self.trouble.push("no comment was written: the step has no github-token".to_owned());
            return None;
        };
        let policy = match self.plan.comment {
            CommentWhen::OnChange => match github.sticky(pull.number, &marker).await {
                Ok(earlier) => {
                    Policy::OnChange { flipped: earlier.is_some_and(|text| mood(&text) != mood(&body)) }
                }
                Err(error) => {
                    self.cannot("read the comments", &error);
                    return None;
                }
            },
            CommentWhen::Auto | CommentWhen::Always | CommentWhen::Never => Policy::Always,
        };
        match github.upsert_comment(pull.number, &marker, &body, policy).await {
            Ok(posted) => Some(posted.url),
            Err(error) => {
                self.cannot("comment on the pull request", &error);
                None
            }
        }
    }

    /// A commit status or a check run, where one was asked for.
    async fn report(&mut self, ending: &Ending, code: u8, comment: Option<&str>) {
        let (name, headline) = match ending {
            Ending::Result { document, .. } => (ending::word(document), ending::headline(document)),
            Ending::Results(results) => (ending::worst(results), format!("{} results", results.len())),
            Ending::Failed(error) => ("error", error.message.clone()),
            Ending::Offered(_) => return,
        };
        if self.plan.report == CommitReport::None {
            return;
        }
        // An event that is about an issue knows no commit; the pull request does.
        let head = match self.event.head.clone() {
            Some(head) => Some(head),
            None => self.pull().await.map(|pull| pull.head_sha),
        };
        let (Some(head), Some(github)) = (head, &self.github) else {
            return self.trouble.push(
                "the verdict is not reported on a commit: the step knows none, or has no github-token"
                    .to_owned(),
            );
        };
        let context = format!("llm-loadtest/{}", self.plan.comment_key);
        let page = comment.or(self.event.run_url.as_deref());
        let said = match self.plan.report {
            CommitReport::None => return,
            CommitReport::Status => {
                let state = match (name, code) {
                    (_, 0) => State::Success,
                    ("fail", _) => State::Failure,
                    _ => State::Error,
                };
                let status = Status { state, context: &context, description: &headline, target_url: page };
                github.set_status(&head, &status).await
            }
            CommitReport::Check => {
                let conclusion = match (name, code) {
                    ("inconclusive" | "invalid" | "none" | "no-baseline", 0) => Conclusion::Neutral,
                    (_, 0) => Conclusion::Success,
                    _ => Conclusion::Failure,
                };
                let run = CheckRun {
                    name: &context,
                    conclusion,
                    title: &headline,
                    summary: &self.text(ending, Limit::Comment),
                    details_url: page,
                };
                github.create_check_run(&head, &run).await.map(drop)
            }
        };
        if let Err(error) = said {
            self.cannot("report on the commit", &error);
        }
    }

    fn annotations(&self, ending: &Ending) -> Vec<String> {
        match ending {
            Ending::Result { document, resolved } if self.plan.annotations => {
                let places =
                    resolved.as_ref().map(|resolved| places(resolved, &self.runner)).unwrap_or_default();
                workflow::annotations(document, &places)
            }
            Ending::Failed(error) => {
                let hint = error.hint.as_ref().map(|hint| format!("\nHint: {hint}")).unwrap_or_default();
                vec![workflow::command(
                    "error",
                    &[("title", "llm-loadtest")],
                    &format!("{}{hint}", error.message),
                )]
            }
            _ => Vec::new(),
        }
    }
}

/// Whether it was cancelled before there was anything to tell.
fn is_interrupted(ending: &Ending) -> bool {
    matches!(ending, Ending::Failed(AppError { side: Side::Interrupted, .. }))
}

/// What the outputs of every ending hold.
#[derive(Default)]
struct Facts {
    verdict: &'static str,
    regressions: String,
    result: String,
    junit: String,
    report: String,
    baseline: String,
    pull: String,
}

impl Facts {
    fn of(verdict: &'static str) -> Self {
        Self { verdict, ..Self::default() }
    }
}

/// A single result, under its own title and with the command that repeats it.
fn of_one(document: &RunDocument, options: MarkdownOptions) -> String {
    let MarkdownOptions { title, reproduce, .. } = outputs::comment_options(document);
    markdown::render(document, &MarkdownOptions { title, reproduce, ..options })
}

/// Where each number's limit stands, as the workflow knows the file.
fn places(resolved: &Resolved, runner: &super::runner::Runner) -> BTreeMap<String, Place> {
    let place = |origin: &Origin| match origin {
        Origin::File { path, line, .. } => {
            Some(Place { path: runner.relative(Path::new(path)), line: *line })
        }
        _ => None,
    };
    resolved.limits.iter().filter_map(|(name, origin)| Some((name.clone(), place(origin)?))).collect()
}

/// A leg's name among others: the folder that its artifact was unpacked into, else what was measured.
fn label(path: &Path, document: &RunDocument) -> String {
    let folder = path.parent().and_then(Path::file_name).map(|name| name.to_string_lossy().into_owned());
    folder.unwrap_or_else(|| format!("{} on {}", document.name, document.fingerprint.model))
}

/// The sign in front of a comment's headline, which is another one when the verdict turns.
fn mood(comment: &str) -> Option<&str> {
    comment.lines().find_map(|line| line.strip_prefix("### ")).and_then(|line| line.split(' ').next())
}

#[cfg(test)]
mod tests {
    use super::mood;

    #[test]
    fn a_turn_is_seen_in_the_headline() {
        let comment = |sign: &str| format!("<!-- llm-loadtest key=a -->\n### {sign} Serving gate 'a': x\n");
        assert_eq!(mood(&comment("✅")), Some("✅"));
        assert_ne!(mood(&comment("✅")), mood(&comment("❌")));
        assert_eq!(mood("none"), None);
    }
}
