//! The sticky comment.

use llm_loadtest::github::{Done, Policy, Posted, Trouble};

use super::fake::{Answer, Fake, Mischief, PERSONAL, What};
use super::{client, client_of, with_pull};

const MARKER: &str = "<!-- llm-loadtest key=chat/m/h100 -->";
const JOB: &str = "github-actions[bot]";

async fn upsert(fake: &Fake, pull: u64, body: &str, policy: Policy) -> Posted {
    client(fake).upsert_comment(pull, MARKER, body, policy).await.unwrap()
}

#[tokio::test]
async fn a_comment_is_posted_once_then_edited_and_left_alone_when_nothing_changed() {
    let (fake, pull) = with_pull();
    let first = upsert(&fake, pull, "one", Policy::Always).await;
    assert_eq!(first.what, Done::Created);
    assert!(first.url.contains(&format!("/pull/{pull}#issuecomment-")));
    let second = upsert(&fake, pull, &format!("{MARKER}\ntwo"), Policy::Always).await;
    assert_eq!(second.what, Done::Updated);
    let writes = fake.writes().len();
    let third = upsert(&fake, pull, "two\n", Policy::Always).await;
    assert_eq!(third.what, Done::Unchanged);
    assert_eq!(fake.writes().len(), writes, "an unchanged comment is not written");
    assert_eq!(fake.repo(|repo| repo.bodies(pull, JOB)), [format!("{MARKER}\ntwo")]);
}

#[tokio::test]
async fn ours_is_found_on_the_third_page() {
    let (fake, pull) = with_pull();
    fake.repo(|repo| {
        for n in 0..230 {
            repo.comment(pull, "someone", &format!("comment {n}"));
        }
        repo.comment(pull, JOB, &format!("{MARKER}\r\nold\r\n"));
    });
    let posted = upsert(&fake, pull, "new", Policy::Always).await;
    assert_eq!(posted.what, Done::Updated);
    let pages =
        fake.world().seen.iter().filter_map(|seen| seen.query.get("page").cloned()).collect::<Vec<_>>();
    assert_eq!(pages, ["1", "2", "3"]);
    assert_eq!(fake.repo(|repo| repo.comments.len()), 231);
}

#[tokio::test]
async fn somebody_elses_comment_with_our_marker_is_not_touched() {
    let (fake, pull) = with_pull();
    let theirs = format!("{MARKER}\nnot yours");
    fake.repo(|repo| {
        repo.comment(pull, "someone", &theirs);
        repo.comment(pull, "octo-dev", &theirs);
        repo.comment(pull, JOB, &format!("quoting:\n{MARKER}\n"));
        repo.comment(pull, JOB, "<!-- llm-loadtest key=chat/m/h100-2 -->\nanother key");
    });
    let posted = upsert(&fake, pull, "ours", Policy::Always).await;
    assert_eq!(posted.what, Done::Created);
    assert_eq!(fake.repo(|repo| repo.bodies(pull, "someone")), [theirs]);

    // With somebody's own token, the comment of that person is ours.
    let posted =
        client_of(&fake, PERSONAL).upsert_comment(pull, MARKER, "mine", Policy::Always).await.unwrap();
    assert_eq!(posted.what, Done::Updated);
    assert_eq!(fake.repo(|repo| repo.bodies(pull, "octo-dev")), [format!("{MARKER}\nmine")]);
}

#[tokio::test]
async fn where_nobody_says_who_we_are_the_job_is_assumed() {
    let (fake, pull) = with_pull();
    fake.repo(|repo| repo.comment(pull, JOB, &format!("{MARKER}\nold")));
    fake.plan(Mischief::always("POST", "graphql", What::Instead(Answer::new(403, "Forbidden"))));
    let posted = upsert(&fake, pull, "new", Policy::Always).await;
    assert_eq!(posted.what, Done::Updated);
}

#[tokio::test]
async fn of_several_the_oldest_is_edited_but_on_change_the_newest() {
    let (fake, pull) = with_pull();
    fake.repo(|repo| {
        repo.comment(pull, JOB, &format!("{MARKER}\na"));
        repo.comment(pull, JOB, &format!("{MARKER}\nb"));
    });
    upsert(&fake, pull, "c", Policy::Always).await;
    upsert(&fake, pull, "d", Policy::OnChange { flipped: false }).await;
    let bodies = || fake.repo(|repo| repo.bodies(pull, JOB));
    assert_eq!(bodies(), [format!("{MARKER}\nc"), format!("{MARKER}\nd")]);

    let flipped = upsert(&fake, pull, "e", Policy::OnChange { flipped: true }).await;
    assert_eq!(flipped.what, Done::Created);
    assert_eq!(bodies(), [format!("{MARKER}\nc"), format!("{MARKER}\nd"), format!("{MARKER}\ne")]);
}

#[tokio::test]
async fn a_post_that_was_performed_but_not_answered_is_not_repeated() {
    let bad_gateway = || What::AfterDoing(Answer::new(502, "Bad Gateway"));
    for what_happens in [bad_gateway(), What::Lost] {
        for policy in [Policy::Always, Policy::OnChange { flipped: true }] {
            let (fake, pull) = with_pull();
            let old = format!("{MARKER}\nold");
            if policy != Policy::Always {
                fake.repo(|repo| repo.comment(pull, JOB, &old));
            }
            fake.plan(Mischief::once("POST", "/comments", what_happens.clone()));
            let posted = upsert(&fake, pull, "new", policy).await;
            assert_eq!(posted.what, Done::Created);
            assert_eq!(fake.writes().len(), 1, "{:?}", fake.calls());
            let bodies = fake.repo(|repo| repo.bodies(pull, JOB));
            assert_eq!(bodies.last(), Some(&format!("{MARKER}\nnew")));
        }
    }
}

#[tokio::test]
async fn a_post_that_was_not_performed_is_repeated_after_looking() {
    let (fake, pull) = with_pull();
    fake.plan(Mischief::once("POST", "/comments", What::Instead(Answer::new(503, "Unavailable"))));
    let posted = upsert(&fake, pull, "new", Policy::Always).await;
    assert_eq!(posted.what, Done::Created);
    let calls: Vec<String> =
        fake.calls().iter().map(|call| call.split(' ').next().unwrap().to_owned()).collect();
    assert_eq!(calls, ["GET", "POST", "GET", "POST"]);
}

#[tokio::test]
async fn an_outage_ends_after_four_tries() {
    let (fake, pull) = with_pull();
    fake.plan(Mischief::always("POST", "/comments", What::Instead(Answer::new(500, "Oops"))));
    let error = client(&fake).upsert_comment(pull, MARKER, "new", Policy::Always).await.unwrap_err();
    assert!(matches!(error.trouble(), Some(Trouble::Server { status: 500, .. })), "{error}");
    assert_eq!(fake.writes().len(), 4);
}

#[tokio::test]
async fn an_edit_that_failed_is_repeated() {
    let (fake, pull) = with_pull();
    fake.repo(|repo| repo.comment(pull, JOB, &format!("{MARKER}\nold")));
    fake.plan(Mischief::once("PATCH", "/comments", What::Lost));
    let posted = upsert(&fake, pull, "new", Policy::Always).await;
    assert_eq!(posted.what, Done::Updated);
    assert_eq!(fake.writes().len(), 2);
}

#[tokio::test]
async fn a_comment_longer_than_github_takes_is_said_to_be_too_long() {
    let (fake, pull) = with_pull();
    let body = "x".repeat(65_536);
    let error = client(&fake).upsert_comment(pull, MARKER, &body, Policy::Always).await.unwrap_err();
    assert!(matches!(error.trouble(), Some(Trouble::TooLong(_))), "{error}");
    let fits = "x".repeat(65_536 - MARKER.len() - 1);
    assert_eq!(upsert(&fake, pull, &fits, Policy::Always).await.what, Done::Created);
}

#[tokio::test]
async fn a_missing_permission_says_which_lines_to_add_and_a_fork_that_none_help() {
    let (fake, pull) = with_pull();
    fake.deny("pull-requests");
    let error = client(&fake).upsert_comment(pull, MARKER, "x", Policy::Always).await.unwrap_err();
    insta::assert_snapshot!(format!("{error}\n{}", error.hint()).replace(&pull.to_string(), "N"), @"
    POST /repos/o/r/issues/N/comments: the token may not do this (Resource not accessible by integration)
    add this to the job in the workflow file:
    permissions:
      contents: read
      pull-requests: write
    ");
    let fork = client(&fake).with_only_reads(true);
    let error = fork.upsert_comment(pull, MARKER, "x", Policy::Always).await.unwrap_err();
    insta::assert_snapshot!(format!("{error}\n{}", error.hint()).replace(&pull.to_string(), "N"), @"
    POST /repos/o/r/issues/N/comments: a workflow that a fork's pull request started has a token that only reads
    the step summary has the report; to comment on forks, report from a second workflow on workflow_run
    ");
}
