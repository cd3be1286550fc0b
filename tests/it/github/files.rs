//! Files at a commit, and what a pull request changes.

use serde_json::json;

use super::fake::Fake;
use super::{client, with_pull};

#[tokio::test]
async fn a_file_is_read_at_a_branch_or_commit_however_long_it_is() {
    let fake = Fake::start();
    let long = "0123456789abcde\n".repeat(100_000);
    let old = fake.repo(|repo| {
        let old = repo.commit("main", &[("base lines/a b~é.json", "{}"), ("base lines/long.json", &long)]);
        repo.commit("main", &[("base lines/a b~é.json", "{\"v\": 2}")]);
        old
    });
    let github = client(&fake);
    let read = async |path: &str, reference: &str| github.file(path, reference).await.unwrap();
    assert_eq!(read("base lines/a b~é.json", "main").await.as_deref(), Some("{\"v\": 2}"));
    assert_eq!(read("base lines/a b~é.json", &old).await.as_deref(), Some("{}"));
    assert_eq!(read("base lines/long.json", &old).await.map(|text| text.len()), Some(1_600_000));
    assert_eq!(read("base lines/none.json", "main").await, None);
    assert_eq!(read("README.md", "no-such-branch").await, None);
}

#[tokio::test]
async fn a_folder_lists_its_own_files() {
    let fake = Fake::start();
    fake.repo(|repo| {
        repo.commit(
            "main",
            &[("baselines/a.json", "{}"), ("baselines/old/b.json", "{}"), ("baselines/z.json", "{ }")],
        );
    });
    let github = client(&fake);
    let listed = github.folder("baselines/", "main").await.unwrap();
    let said: Vec<String> = listed.iter().map(|entry| format!("{} {}", entry.path, entry.size)).collect();
    assert_eq!(said, ["baselines/a.json 2", "baselines/z.json 3"]);
    assert_eq!(github.folder("nowhere", "main").await.unwrap(), []);
    let error = github.folder("README.md", "main").await.unwrap_err();
    assert!(error.to_string().ends_with("not the list of a folder"), "{error}");
}

#[tokio::test]
async fn a_folder_that_github_cuts_is_refused() {
    let fake = Fake::start();
    let paths: Vec<String> = (0..1_000).map(|n| format!("many/{n:04}")).collect();
    let files: Vec<(&str, &str)> = paths.iter().map(|path| (path.as_str(), "x")).collect();
    fake.repo(|repo| repo.commit("main", &files));
    let error = client(&fake).folder("many", "main").await.unwrap_err();
    assert!(error.to_string().contains("no more than 1000 files"), "{error}");
}

#[tokio::test]
async fn changed_files_come_from_all_pages_and_renamed_ones_under_both_names() {
    let (fake, pull) = with_pull();
    fake.repo(|repo| {
        let files = &mut repo.pull(pull).files;
        files.push(json!({ "filename": "elsewhere.json", "previous_filename": "baselines/a.json", "status": "renamed" }));
        files.extend((0..140).map(|n| json!({ "filename": format!("src/{n:03}.py"), "status": "modified" })));
    });
    let changed = client(&fake).changed_files(pull).await.unwrap();
    assert_eq!(changed.len(), 142);
    assert_eq!(changed[..3], ["baselines/a.json", "elsewhere.json", "src/000.py"]);
}
