//! A search as text: its answer, then every commit that was tried.

use super::{Bisected, Commit, Outcome, Standing, short};

/// The whole text. Ends with a newline.
pub fn render_bisected(found: &Bisected) -> String {
    let mut lines = match &found.outcome {
        Outcome::First(commit) => vec![format!("first bad commit: {}", named(commit))],
        Outcome::Among(commits) => {
            let left = commits.iter().map(|commit| format!("  {}", named(commit)));
            let head = "undecided: the first bad commit is one of these, which could not be judged";
            std::iter::once(head.to_owned()).chain(left).collect()
        }
        Outcome::EndUnlike { expected, found } => vec![
            format!(
                "not searched: {} was to be {}, and is {}",
                named(&found.commit),
                expected.word(),
                match found.standing {
                    Standing::Skip => "undecided",
                    standing => standing.word(),
                }
            ),
            "Next: name other ends, use more rounds, or judge against the good build itself.".to_owned(),
        ],
        Outcome::Interrupted => vec!["interrupted: nothing was found".to_owned()],
    };
    if !found.tried.is_empty() {
        lines.push(String::new());
    }
    for tried in &found.tried {
        lines.push(format!("  {}  {}: {}", tried.standing.word(), named(&tried.commit), line(&tried.why)));
    }
    lines.push(String::new());
    lines.join("\n")
}

fn named(commit: &Commit) -> String {
    format!("{} {}", short(&commit.id), line(&commit.subject))
}

/// Foreign text on one line.
fn line(text: &str) -> String {
    text.chars().map(|letter| if letter.is_control() { ' ' } else { letter }).collect()
}
