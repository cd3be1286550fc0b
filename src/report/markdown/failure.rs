//! A comment where there is no result: what went wrong, and what to do.

use super::comment::{foot, marker, notes, sentence, short};
use super::fit::{Part, fit};
use super::options::MarkdownOptions;
use crate::report::text::fence;

/// Why there is no result.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    pub message: String,
    pub hint: Option<String>,
    pub tool: String,
    /// RFC 3339.
    pub created: String,
}

/// A comment that says so, in the place of an older one that would otherwise go on saying something else.
pub fn render_failure(failure: &Failure, options: &MarkdownOptions) -> String {
    let Failure { message, hint, tool, created } = failure;
    let (first, rest) = message.split_once('\n').unwrap_or((message, ""));
    let next = match hint {
        // What has lines of its own is to be copied.
        Some(hint) => match hint.split_once('\n') {
            Some((said, lines)) => format!("**Next:** {}\n\n{}\n", sentence(said), fence("yaml", lines)),
            None => format!("**Next:** {}\n\n", sentence(hint)),
        },
        None => String::new(),
    };
    let title = short(&options.title);
    let key = options.key.as_deref().unwrap_or_default();
    let mut parts = vec![Part::must(format!(
        "{}\n### ⛔ {title}: nothing was measured: {}\n{next}",
        marker(key),
        sentence(first)
    ))];
    parts.extend(notes(&options.notes));
    if !rest.trim().is_empty() {
        parts.push(Part::fold(fence("text", rest)));
    }
    parts.push(foot(tool, created, options));
    fit(&parts, options.limit, |_, _| String::new())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_says_what_and_what_next_and_opens_nothing() {
        let failure = Failure {
            message: "the server ended with 1 before it was ready\n</details><script> ``` @octocat"
                .to_owned(),
            hint: Some("add this to the job:\npermissions:\n  contents: read".to_owned()),
            tool: "0.1.0".to_owned(),
            created: "2026-01-02T03:04:05Z".to_owned(),
        };
        let options = MarkdownOptions {
            title: "Serving gate 'chat'".to_owned(),
            key: Some("perf".to_owned()),
            ..MarkdownOptions::default()
        };
        insta::assert_snapshot!(render_failure(&failure, &options), @"
        <!-- llm-loadtest key=perf -->
        ### ⛔ Serving gate 'chat': nothing was measured: the server ended with 1 before it was ready
        **Next:** add this to the job:

        ```yaml
        permissions:
          contents: read
        ```

        ````text
        </details><script> ``` @octocat
        ````

        <sub>llm-loadtest 0.1.0 · 2026-01-02T03:04:05Z</sub>
        ");
    }
}
