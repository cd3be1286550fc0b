//! Pull requests of our own, also when two want the same at once.

use std::sync::Arc;

use llm_loadtest::github::{GitHubError, Proposal, Proposed, Texts, Trouble};
use tokio::sync::Barrier;

use super::client;
use super::fake::{Answer, Fake, Merge, Mischief, Repo, What};

const BRANCH: &str = "llm-loadtest/baselines";
const LEDGER: &str = "baselines/ledger.txt";

/// Adds a line to a file, made if need be.
async fn add(fake: &Fake, path: &str, line: &str) -> Result<Option<Proposed>, GitHubError> {
    let paths = [path.to_owned()];
    let proposal = Proposal {
        branch: BRANCH,
        base_branch: "main",
        title: "Refresh the baselines",
        body: "As measured last night.",
        message: "Refresh the baselines",
        paths: &paths,
    };
    client(fake).propose(&proposal, |texts| Ok(with_line(texts, line))).await
}

fn with_line(texts: &Texts, line: &str) -> Texts {
    let more = |text: &Option<String>| {
        let text = text.clone().unwrap_or_default();
        if text.lines().any(|old| old == line) { text } else { format!("{text}{line}\n") }
    };
    texts.iter().map(|(path, text)| (path.clone(), Some(more(text)))).collect()
}

fn ledger(fake: &Fake) -> String {
    fake.repo(|repo| repo.text(BRANCH, LEDGER).unwrap())
}

/// Opens a first proposal with the line `one`.
async fn proposed() -> (Fake, Proposed) {
    let fake = Fake::start();
    let first = add(&fake, LEDGER, "one").await.unwrap().unwrap();
    (fake, first)
}

#[tokio::test]
async fn the_first_proposal_opens_a_pull_request_and_the_next_one_adds_to_it() {
    let (fake, first) = proposed().await;
    assert!(first.created && first.put_aside.is_none());
    assert_eq!(first.url, format!("https://github.com/o/r/pull/{}", first.number));
    assert_eq!(first.commit, fake.repo(|repo| repo.head(BRANCH)));
    assert_eq!(
        fake.repo(|repo| repo.text(BRANCH, "README.md")).as_deref(),
        Some("hello\n"),
        "the rest is kept"
    );
    assert_eq!(fake.repo(|repo| repo.text("main", LEDGER)), None, "main waits for the merge");

    fake.repo(|repo| repo.pull(first.number).body = "older words".to_owned());
    let second = add(&fake, LEDGER, "two").await.unwrap().unwrap();
    assert_eq!((second.number, second.created), (first.number, false));
    assert_eq!(ledger(&fake), "one\ntwo\n");
    assert_eq!(fake.repo(|repo| repo.commits[&second.commit].parents.clone()), [first.commit]);
    assert_eq!(fake.repo(|repo| repo.pull(first.number).body.clone()), "As measured last night.");

    let writes = fake.writes().len();
    let again = add(&fake, LEDGER, "two").await.unwrap().unwrap();
    assert_eq!((again.number, again.commit), (second.number, second.commit));
    assert_eq!(fake.writes().len(), writes, "nothing new is not written");
}

#[tokio::test]
async fn where_the_base_has_it_all_nothing_is_proposed() {
    let fake = Fake::start();
    fake.repo(|repo| repo.commit("main", &[(LEDGER, "one\n")]));
    assert_eq!(add(&fake, LEDGER, "one").await.unwrap(), None);
    fake.repo(|repo| repo.branch(BRANCH, "main"));
    assert_eq!(add(&fake, LEDGER, "one").await.unwrap(), None, "nor from an empty branch");
    assert_eq!(fake.writes(), Vec::<String>::new());
}

#[tokio::test]
async fn a_file_can_be_taken_away() {
    let (fake, _) = proposed().await;
    let paths = [LEDGER.to_owned(), "baselines/new.json".to_owned()];
    let proposal =
        Proposal { branch: BRANCH, base_branch: "main", title: "t", body: "b", message: "m", paths: &paths };
    let edit = |texts: &Texts| {
        assert_eq!(texts[LEDGER].as_deref(), Some("one\n"));
        Ok(Texts::from([(LEDGER.to_owned(), None), ("baselines/new.json".to_owned(), Some("{}".to_owned()))]))
    };
    client(&fake).propose(&proposal, edit).await.unwrap().unwrap();
    assert_eq!(fake.repo(|repo| repo.text(BRANCH, LEDGER)), None);
    assert_eq!(fake.repo(|repo| repo.text(BRANCH, "baselines/new.json")).as_deref(), Some("{}"));

    let damaged = client(&fake).propose(&proposal, |_| Err("baselines/new.json: not JSON".to_owned())).await;
    insta::assert_snapshot!(damaged.unwrap_err(), @"cannot make the files to propose: baselines/new.json: not JSON");
}

#[tokio::test]
async fn two_first_proposals_at_once_lose_nothing() {
    let fake = Fake::start();
    // Both have read an empty repository before either makes the branch.
    fake.plan(Mischief {
        method: "POST",
        path: "git/refs",
        times: 2,
        what: What::Together(Arc::new(Barrier::new(2))),
    });
    let (a, b) = tokio::join!(add(&fake, LEDGER, "one"), add(&fake, LEDGER, "two"));
    let (a, b) = (a.unwrap().unwrap(), b.unwrap().unwrap());
    let mut lines: Vec<String> = ledger(&fake).lines().map(str::to_owned).collect();
    lines.sort();
    assert_eq!(lines, ["one", "two"]);
    assert_eq!(a.number, b.number);
    assert_eq!(fake.repo(|repo| repo.pulls.len()), 1);
}

#[tokio::test]
async fn two_later_proposals_at_once_lose_nothing() {
    let (fake, _) = proposed().await;
    fake.plan(Mischief {
        method: "PATCH",
        path: "git/refs",
        times: 2,
        what: What::Together(Arc::new(Barrier::new(2))),
    });
    let (a, b) = tokio::join!(add(&fake, LEDGER, "two"), add(&fake, "baselines/b.json", "three"));
    a.unwrap().unwrap();
    b.unwrap().unwrap();
    assert_eq!(ledger(&fake), "one\ntwo\n");
    assert_eq!(fake.repo(|repo| repo.text(BRANCH, "baselines/b.json")).as_deref(), Some("three\n"));
    let refused = fake.writes().iter().filter(|call| call.starts_with("PATCH git/refs")).count();
    assert_eq!(refused, 3, "one of the two came second and tried again");
}

#[tokio::test]
async fn a_branch_that_always_moves_is_given_up_after_five_attempts() {
    let (fake, _) = proposed().await;
    let another = |repo: &mut Repo| drop(repo.commit(BRANCH, &[("elsewhere", "x")]));
    fake.plan(Mischief::always("PATCH", "git/refs", What::After(another)));
    let error = add(&fake, LEDGER, "two").await.unwrap_err();
    assert!(matches!(error.trouble(), Some(Trouble::Conflict(_))), "{error}");
    insta::assert_snapshot!(error, @"PATCH /repos/o/r/git/refs/heads%2Fllm-loadtest%2Fbaselines: something else changed it meanwhile (Update is not a fast forward)");
    assert_eq!(fake.writes().iter().filter(|call| call.starts_with("PATCH git/refs")).count(), 5);
    assert_eq!(ledger(&fake), "one\n");
}

#[tokio::test]
async fn what_another_job_has_pushed_but_not_yet_proposed_is_kept() {
    let fake = Fake::start();
    // It made the branch and was cut off before it opened a pull request.
    fake.repo(|repo| {
        repo.branch(BRANCH, "main");
        repo.commit(BRANCH, &[(LEDGER, "zero\n")]);
    });
    let proposed = add(&fake, LEDGER, "one").await.unwrap().unwrap();
    assert!(proposed.created);
    assert_eq!(ledger(&fake), "zero\none\n");
}

#[tokio::test]
async fn a_lost_answer_of_any_write_leads_to_one_pull_request_and_one_line() {
    for (method, path) in
        [("POST", "git/trees"), ("POST", "git/commits"), ("POST", "git/refs"), ("POST", "pulls")]
    {
        for what in [What::Lost, What::AfterDoing(Answer::new(502, "")), What::Instead(Answer::new(502, ""))]
        {
            let fake = Fake::start();
            fake.plan(Mischief::once(method, path, what));
            add(&fake, LEDGER, "one").await.unwrap().unwrap();
            assert_eq!(ledger(&fake), "one\n", "{method} {path}");
            assert_eq!(fake.repo(|repo| repo.pulls.len()), 1, "{method} {path}");
        }
    }
}

#[tokio::test]
async fn a_branch_that_moved_without_an_answer_is_moved_once() {
    let (fake, _) = proposed().await;
    fake.plan(Mischief::once("PATCH", "git/refs", What::Lost));
    add(&fake, LEDGER, "two").await.unwrap().unwrap();
    assert_eq!(ledger(&fake), "one\ntwo\n");
}

#[tokio::test]
async fn after_a_merge_the_branch_starts_again_from_the_base() {
    for how in [Merge::Squash, Merge::WithCommit] {
        let (fake, first) = proposed().await;
        fake.repo(|repo| {
            repo.merge(first.number, how);
            repo.commit("main", &[("serve.py", "v3\n")]);
        });
        let second = add(&fake, LEDGER, "two").await.unwrap().unwrap();
        assert!(second.created && second.number != first.number);
        assert_eq!(second.put_aside, None, "{how:?}: all of it was merged");
        assert_eq!(ledger(&fake), "one\ntwo\n");
        assert_eq!(fake.repo(|repo| repo.text(BRANCH, "serve.py")).as_deref(), Some("v3\n"));
        let parents = fake.repo(|repo| repo.commits[&second.commit].parents.clone());
        assert_eq!(parents, [fake.repo(|repo| repo.head("main")), first.commit]);
    }
}

#[tokio::test]
async fn what_a_closed_pull_request_held_is_put_aside_and_said_to_be() {
    let (fake, first) = proposed().await;
    fake.repo(|repo| repo.close(first.number));
    let second = add(&fake, LEDGER, "two").await.unwrap().unwrap();
    assert_eq!(second.put_aside.as_ref(), Some(&first.commit));
    assert_eq!(ledger(&fake), "two\n", "nobody wanted the first line");
    let (message, kept) = fake.repo(|repo| {
        (repo.commits[&second.commit].message.clone(), repo.is_ancestor(&first.commit, &second.commit))
    });
    assert!(kept, "it stays in the branch's history");
    assert!(message.contains(&format!("with {} was closed without a merge", first.commit)), "{message}");
}

#[tokio::test]
async fn a_restart_whose_pull_request_was_not_opened_is_carried_on() {
    let (fake, first) = proposed().await;
    fake.repo(|repo| repo.close(first.number));
    fake.plan(Mischief::once("POST", "pulls", What::Instead(Answer::new(502, ""))));
    let second = add(&fake, LEDGER, "two").await.unwrap().unwrap();
    assert_eq!(second.put_aside, Some(first.commit));
    assert_eq!(ledger(&fake), "two\n");
    assert!(second.created);
}

#[tokio::test]
async fn a_missing_permission_says_which_lines_to_add() {
    let fake = Fake::start();
    fake.deny("contents");
    let error = add(&fake, LEDGER, "one").await.unwrap_err();
    insta::assert_snapshot!(format!("{error}\n{}", error.hint()), @"
    POST /repos/o/r/git/trees: the token may not do this (Resource not accessible by integration)
    add this to the job in the workflow file:
    permissions:
      contents: write
      pull-requests: write
    ");
}

#[tokio::test]
async fn a_setting_that_forbids_pull_requests_is_named() {
    let fake = Fake::start();
    let setting = Answer::new(403, "GitHub Actions is not permitted to create or approve pull requests.");
    fake.plan(Mischief::always("POST", "pulls", What::Instead(setting)));
    let error = add(&fake, LEDGER, "one").await.unwrap_err();
    insta::assert_snapshot!(format!("{error}\n{}", error.hint()), @"
    POST /repos/o/r/pulls: this repository does not let workflows open pull requests
    tick 'Allow GitHub Actions to create and approve pull requests' in the repository's Settings, Actions, General; or give github-token the token of a GitHub App
    ");
}

#[tokio::test]
async fn a_base_that_is_not_there_is_not_found() {
    let fake = Fake::start();
    let paths: [String; 0] = [];
    let proposal =
        Proposal { branch: BRANCH, base_branch: "gone", title: "t", body: "b", message: "m", paths: &paths };
    let error = client(&fake).propose(&proposal, |texts| Ok(texts.clone())).await.unwrap_err();
    assert_eq!(error.to_string(), "GET /repos/o/r/git/ref/heads%2Fgone: not found");
}
