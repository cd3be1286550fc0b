//! The client of GitHub's API over a fake that remembers; `.ci/github-api` runs the same tests behind GitHub's own
//! description of its API.

mod comments;
mod connection;
mod events;
pub(crate) mod fake;
mod files;
mod marks;
mod planted;
mod propose;

use std::time::Duration;

use llm_loadtest::base::Secret;
use llm_loadtest::github::{GitHub, Patience, Repository};

use fake::Fake;

/// A client with the job's token, whose seconds are short.
fn client(fake: &Fake) -> GitHub {
    client_of(fake, fake::TOKEN)
}

fn client_of(fake: &Fake, token: &str) -> GitHub {
    connect(&fake.api_url(), token)
}

fn connect(api_url: &str, token: &str) -> GitHub {
    let repository = Repository::parse("o/r").unwrap();
    let patience = Patience { budget_s: 60, second: Duration::from_millis(1) };
    GitHub::connect(api_url, &repository, &Secret::new(token)).unwrap().with_patience(patience)
}

/// A fake with one open pull request from `topic` into `main`, and its number.
fn with_pull() -> (Fake, u64) {
    let fake = Fake::start();
    let number = fake.repo(|repo| {
        repo.branch("topic", "main");
        repo.commit("topic", &[("serve.py", "v2\n")]);
        repo.open_pull("topic", "main", None)
    });
    (fake, number)
}
