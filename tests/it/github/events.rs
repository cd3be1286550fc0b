//! What each kind of event says, and which pull request each of them belongs to.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use llm_loadtest::github::{Event, Pull, PullSource, Repository};

use super::fake::{Answer, Fake, Mischief, What};
use super::{client, with_pull};

/// A commit that only a fork has.
const FORKED: &str = "f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0";

fn event(name: &str, file: &str) -> Event {
    let text =
        std::fs::read_to_string(format!("{}/tests/fixtures/github/{file}.json", env!("CARGO_MANIFEST_DIR")));
    let environment = [
        ("GITHUB_EVENT_NAME", name),
        ("GITHUB_REPOSITORY", "octo/serve"),
        ("GITHUB_SHA", "c2c2c2c2"),
        ("GITHUB_RUN_ID", "7"),
        ("GITHUB_WORKFLOW", "perf"),
        ("GITHUB_JOB", "gate"),
    ];
    let environment = environment.map(|(name, text)| (name.to_owned(), text.to_owned()));
    Event::read(&BTreeMap::from(environment), Some(&text.unwrap())).unwrap()
}

#[test]
fn every_kind_of_event_tells_head_base_and_pull_request() {
    let mut said = String::new();
    for (name, file) in [
        ("pull_request", "pull_request"),
        ("pull_request", "pull_request_fork"),
        ("pull_request_target", "pull_request_target"),
        ("push", "push"),
        ("push", "push_tag"),
        ("merge_group", "merge_group"),
        ("workflow_run", "workflow_run"),
        ("issue_comment", "issue_comment"),
        ("issue_comment", "issue_comment_on_issue"),
        ("schedule", "schedule"),
        ("workflow_dispatch", "workflow_dispatch"),
        ("release", "release"),
    ] {
        let event = event(name, file);
        let short = |sha: &str| sha.chars().take(4).collect::<String>();
        let head = event.head.as_deref().map_or("-".to_owned(), short);
        let base = event
            .base
            .as_ref()
            .map_or("-".to_owned(), |base| format!("{}@{}", base.branch, short(&base.sha)));
        let pull = match &event.pull {
            PullSource::Known(pull) => format!("{} fork={}", pull.number, pull.is_fork),
            PullSource::Number(number) => format!("{number}, to be asked"),
            PullSource::Commit(sha) => format!("that of {}", short(sha)),
            PullSource::None => "-".to_owned(),
        };
        writeln!(said, "{file}: head {head}, base {base}, pull {pull}, only reads: {}", event.only_reads())
            .unwrap();
        assert_eq!(event.default_branch.as_deref(), Some("main"), "{file}");
        assert_eq!(event.run_url.as_deref(), Some("https://github.com/octo/serve/actions/runs/7"));
    }
    insta::assert_snapshot!(said, @"
    pull_request: head b1b1, base main@a0a0, pull 42 fork=false, only reads: false
    pull_request_fork: head b1b1, base main@a0a0, pull 42 fork=true, only reads: true
    pull_request_target: head b1b1, base main@a0a0, pull 42 fork=true, only reads: false
    push: head a1a1, base main@a0a0, pull that of a1a1, only reads: false
    push_tag: head a1a1, base -, pull that of a1a1, only reads: false
    merge_group: head d3d3, base main@a0a0, pull that of d3d3, only reads: false
    workflow_run: head b1b1, base -, pull that of b1b1, only reads: false
    issue_comment: head -, base -, pull 42, to be asked, only reads: false
    issue_comment_on_issue: head c2c2, base -, pull -, only reads: false
    schedule: head c2c2, base -, pull -, only reads: false
    workflow_dispatch: head c2c2, base -, pull -, only reads: false
    release: head c2c2, base -, pull -, only reads: false
    ");
}

/// `o/r` asked by an event that is about this commit.
async fn pull_of(fake: &Fake, source: PullSource) -> Option<Pull> {
    let event = Event { pull: source, ..event("schedule", "schedule") };
    client(fake).pull(&event).await.unwrap()
}

#[tokio::test]
async fn the_pull_request_of_a_commit_is_open_ours_and_about_it() {
    let (fake, number) = with_pull();
    let head = fake.repo(|repo| repo.head("topic"));
    let found = pull_of(&fake, PullSource::Commit(head.clone())).await.unwrap();
    assert_eq!((found.number, found.is_fork, found.base_branch.as_str()), (number, false, "main"));
    assert_eq!(found.base_sha, fake.repo(|repo| repo.head("main")));

    fake.repo(|repo| repo.close(number));
    assert_eq!(pull_of(&fake, PullSource::Commit(head)).await, None, "a closed one is over");
    let nowhere = "0123456789012345678901234567890123456789".to_owned();
    assert_eq!(
        pull_of(&fake, PullSource::Commit(nowhere)).await,
        None,
        "GitHub answers 422 to a strange commit"
    );
    assert_eq!(pull_of(&fake, PullSource::None).await, None);
}

#[tokio::test]
async fn a_fork_is_found_by_its_commit_and_by_its_test_merge() {
    let (fake, _) = with_pull();
    let (forked, merge) = fake.repo(|repo| {
        let number = repo.open_pull("theirs", "main", Some(("guest/r", FORKED)));
        let merge = repo.commit("merges", &[("x", "y")]);
        repo.pull(number).merge_commit = Some(merge.clone());
        (number, merge)
    });
    for sha in [FORKED.to_owned(), merge] {
        let found = pull_of(&fake, PullSource::Commit(sha)).await.unwrap();
        assert_eq!((found.number, found.is_fork, found.head_sha.as_str()), (forked, true, FORKED));
    }
}

#[tokio::test]
async fn a_number_alone_is_completed_and_a_known_pull_asks_nothing() {
    let (fake, number) = with_pull();
    let asked = pull_of(&fake, PullSource::Number(number)).await.unwrap();
    assert_eq!(asked.head_sha, fake.repo(|repo| repo.head("topic")));
    let calls = fake.calls().len();
    assert_eq!(pull_of(&fake, PullSource::Known(asked.clone())).await, Some(asked));
    assert_eq!(fake.calls().len(), calls);

    fake.plan(Mischief::once("GET", "/pulls/", What::Instead(Answer::new(404, "Not Found"))));
    let event = Event { pull: PullSource::Number(number), ..event("schedule", "schedule") };
    let error = client(&fake).pull(&event).await.unwrap_err();
    assert_eq!(error.to_string(), format!("GET /repos/o/r/pulls/{number}: not found"));
}

#[test]
fn a_repository_has_two_names() {
    let repository = Repository::parse("octo/serve").unwrap();
    assert_eq!((repository.owner.as_str(), repository.name.as_str()), ("octo", "serve"));
    for text in ["octo", "octo/", "/serve", ""] {
        assert!(Repository::parse(text).is_err(), "{text}");
    }
}
