//! Statuses and check runs.

use llm_loadtest::github::{CheckRun, Conclusion, State, Status};
use serde_json::json;

use super::client;
use super::fake::{Answer, Fake, Mischief, What};

const SHA: &str = "b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1";

fn status(description: &str) -> Status<'_> {
    Status {
        state: State::Failure,
        context: "llm-loadtest / chat",
        description,
        target_url: Some("https://x/1"),
    }
}

fn check(summary: &str) -> CheckRun<'_> {
    CheckRun {
        name: "llm-loadtest",
        conclusion: Conclusion::Failure,
        title: "TTFT p95 regressed",
        summary,
        details_url: Some("https://x/1"),
    }
}

#[tokio::test]
async fn a_status_is_set_with_a_description_that_fits() {
    let fake = Fake::start();
    client(&fake).set_status(SHA, &status(&"ü".repeat(200))).await.unwrap();
    let given = fake.repo(|repo| repo.statuses[0].clone());
    assert_eq!((&given["sha"], &given["state"]), (&json!(SHA), &json!("failure")));
    assert_eq!(
        (&given["context"], &given["target_url"]),
        (&json!("llm-loadtest / chat"), &json!("https://x/1"))
    );
    assert_eq!(given["description"], format!("{}…", "ü".repeat(139)));
}

#[tokio::test]
async fn a_status_whose_answer_was_lost_is_not_set_twice_but_another_one_is() {
    let fake = Fake::start();
    fake.plan(Mischief::once("POST", "statuses", What::Lost));
    client(&fake).set_status(SHA, &status("slower")).await.unwrap();
    assert_eq!(fake.repo(|repo| repo.statuses.len()), 1);

    let without_url = Status { target_url: None, state: State::Success, ..status("fast enough") };
    fake.plan(Mischief::once("POST", "statuses", What::Instead(Answer::new(502, ""))));
    client(&fake).set_status(SHA, &without_url).await.unwrap();
    assert_eq!(fake.repo(|repo| repo.statuses.len()), 2);
    assert_eq!(fake.repo(|repo| repo.statuses[1]["state"].clone()), "success");
}

#[tokio::test]
async fn a_check_run_is_made_within_githubs_limits() {
    let fake = Fake::start();
    let long = "é".repeat(70_000);
    let page = client(&fake).create_check_run(SHA, &check(&long)).await.unwrap();
    let made = fake.repo(|repo| repo.checks[0].clone());
    assert_eq!(page, format!("https://github.com/o/r/runs/{}", made["id"]));
    assert_eq!((&made["status"], &made["conclusion"]), (&json!("completed"), &json!("failure")));
    let summary = made["output"]["summary"].as_str().unwrap();
    assert!(summary.len() <= 65_535 && summary.ends_with("é…"));
}

#[tokio::test]
async fn a_check_run_whose_answer_was_lost_is_not_made_twice() {
    let fake = Fake::start();
    fake.plan(Mischief::once("POST", "check-runs", What::AfterDoing(Answer::new(504, ""))));
    let page = client(&fake).create_check_run(SHA, &check("| a | b |")).await.unwrap();
    assert_eq!(fake.repo(|repo| repo.checks.len()), 1);
    assert!(page.starts_with("https://github.com/o/r/runs/"), "{page}");

    // One of the same name that says something else is another one.
    let good = CheckRun { conclusion: Conclusion::Success, title: "as fast as before", ..check("| a | b |") };
    fake.plan(Mischief::once("POST", "check-runs", What::Instead(Answer::new(504, ""))));
    client(&fake).create_check_run(SHA, &good).await.unwrap();
    assert_eq!(fake.repo(|repo| repo.checks.len()), 2);
}

#[tokio::test]
async fn each_mark_names_its_own_permission() {
    let fake = Fake::start();
    fake.deny("statuses");
    fake.deny("checks");
    let no_status = client(&fake).set_status(SHA, &status("x")).await.unwrap_err();
    assert!(no_status.hint().0.ends_with("permissions:\n  contents: read\n  statuses: write"));
    let no_check = client(&fake).create_check_run(SHA, &check("| a | b |")).await.unwrap_err();
    assert!(no_check.hint().0.ends_with("permissions:\n  contents: read\n  checks: write"));
}
