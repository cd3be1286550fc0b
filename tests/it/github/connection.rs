//! The way to GitHub: waits, addresses, proxies, and that no error holds the token.

use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::process::Command;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use llm_loadtest::base::Secret;
use llm_loadtest::github::{GitHub, GitHubError, Patience, Policy, Repository, Trouble};

use super::fake::{Answer, Fake, Mischief, TOKEN, What};
use super::{client, client_of, connect, with_pull};

const MARKER: &str = "<!-- llm-loadtest key=k -->";

async fn comment(github: &GitHub, pull: u64) -> Result<(), GitHubError> {
    github.upsert_comment(pull, MARKER, "text", Policy::Always).await.map(drop)
}

#[tokio::test]
async fn an_enterprise_server_keeps_its_prefix_with_and_without_a_slash() {
    let fake = Fake::with_prefix("/api/v3");
    let pull = fake.repo(|repo| {
        repo.branch("topic", "main");
        repo.open_pull("topic", "main", None)
    });
    for end in ["", "/", "//"] {
        let github = connect(&format!("{}{end}", fake.own_url()), TOKEN);
        comment(&github, pull).await.unwrap();
    }
    assert_eq!(fake.writes().len(), 1, "found again under each of them");
}

#[tokio::test]
async fn a_rate_limit_is_waited_for_and_the_write_then_done() {
    for limit in [
        Answer::new(429, "Too many requests").with("retry-after", "20"),
        Answer::new(403, "You have exceeded a secondary rate limit").with("retry-after", "20"),
        Answer::new(403, "API rate limit exceeded")
            .with("x-ratelimit-remaining", "0")
            .with("x-ratelimit-reset", "5"),
    ] {
        let (fake, pull) = with_pull();
        fake.plan(Mischief { method: "POST", path: "/comments", times: 2, what: What::Instead(limit) });
        comment(&client(&fake), pull).await.unwrap();
        assert_eq!(fake.writes().len(), 3, "put off twice");
        assert_eq!(fake.repo(|repo| repo.comments.len()), 1);
    }
}

#[tokio::test]
async fn all_waiting_together_is_bounded() {
    let (fake, pull) = with_pull();
    let limit = Answer::new(429, "Too many requests").with("retry-after", "25");
    fake.plan(Mischief::always("POST", "/comments", What::Instead(limit)));
    let github = client(&fake);
    let error = comment(&github, pull).await.unwrap_err();
    assert_eq!(error.trouble(), Some(&Trouble::RateLimited { wait_s: 25 }));
    assert_eq!(fake.writes().len(), 3, "25 and 25 of 60 seconds");
    insta::assert_snapshot!(error.to_string().replace(&pull.to_string(), "N"), @"POST /repos/o/r/issues/N/comments: too many requests: GitHub asks to wait 25 s, which is more than is left of the time for waiting");

    let error = comment(&github, pull).await.unwrap_err();
    assert!(matches!(error.trouble(), Some(Trouble::RateLimited { .. })));
    assert_eq!(fake.writes().len(), 4, "nothing is left for a second comment");
}

#[tokio::test]
async fn a_read_is_repeated_until_it_is_answered_but_not_for_ever() {
    let (fake, pull) = with_pull();
    fake.plan(Mischief {
        method: "GET",
        path: "/comments",
        times: 3,
        what: What::Instead(Answer::new(502, "")),
    });
    comment(&client(&fake), pull).await.unwrap();
    fake.plan(Mischief::always("GET", "/comments", What::Lost));
    let before = fake.calls().len();
    let error = comment(&client(&fake), pull).await.unwrap_err();
    // A proxy between us and a broken connection answers for it.
    assert!(matches!(error.trouble(), Some(Trouble::Unreachable(_) | Trouble::Server { .. })), "{error}");
    assert_eq!(fake.calls().len() - before, 4);
}

#[tokio::test]
async fn a_closed_port_is_unreachable() {
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let github = connect(&format!("http://127.0.0.1:{port}"), TOKEN);
    let error = comment(&github, 5).await.unwrap_err();
    insta::assert_snapshot!(format!("{error}\n{}", error.hint()), @"
    GET /repos/o/r/issues/5/comments: no answer: Connection refused (os error 111)
    check GITHUB_API_URL, HTTPS_PROXY and NO_PROXY; SSL_CERT_FILE names a private authority
    ");
}

#[tokio::test]
async fn no_error_holds_the_token_even_when_github_echoes_it() {
    let echo = |status: u16| Answer::new(status, &format!("you sent {TOKEN}\n::error::{TOKEN}"));
    let kinds = [
        echo(301),
        echo(400),
        echo(401),
        echo(403),
        Answer::new(403, &format!("Resource not accessible by integration {TOKEN}")),
        Answer::new(403, &format!("not permitted to create or approve pull requests {TOKEN}")),
        echo(404),
        echo(409),
        echo(422),
        Answer::new(422, &format!("{TOKEN} is too long")),
        // Long enough to be cut in the middle of the token.
        Answer::new(400, &format!("{}{TOKEN}", "x".repeat(190))),
        echo(429).with("retry-after", "600"),
        echo(500),
    ];
    for answer in kinds {
        let (fake, pull) = with_pull();
        let status = answer.status;
        fake.plan(Mischief::always("GET", "/comments", What::Instead(answer)));
        let error = comment(&client(&fake), pull).await.unwrap_err();
        let said = format!("{error} {error:?} {}", error.hint());
        assert!(!said.contains(&TOKEN[..8]), "{status}: {said}");
        assert!(error.to_string().starts_with("GET /repos/o/r/issues/"), "{error}");
        assert!(!error.to_string().contains('\n'), "{error}");
    }
}

#[tokio::test]
async fn an_answer_that_is_not_githubs_is_malformed_and_not_quoted() {
    for body in [serde_json::json!({ "no": "list" }), serde_json::json!([{ "id": TOKEN }])] {
        let (fake, pull) = with_pull();
        let answer = Answer { body, ..Answer::new(200, "") };
        fake.plan(Mischief::always("GET", "/comments", What::Instead(answer)));
        let error = comment(&client(&fake), pull).await.unwrap_err();
        assert!(matches!(error.trouble(), Some(Trouble::Malformed(_))), "{error}");
        assert!(!format!("{error:?}").contains(TOKEN));
    }
}

#[tokio::test]
async fn a_token_that_github_does_not_know_is_said_to_be_bad() {
    let (fake, pull) = with_pull();
    let error = comment(&client_of(&fake, "ghs_expired"), pull).await.unwrap_err();
    assert_eq!(error.trouble(), Some(&Trouble::BadToken));
}

#[tokio::test]
async fn what_cannot_be_asked_is_refused_before_asking() {
    let refusal = |api: &str, token: &str| {
        let made = GitHub::connect(api, &Repository::parse("o/r").unwrap(), &Secret::new(token));
        made.err().map(|error| error.to_string()).unwrap_or_default()
    };
    let api = "https://api.github.com";
    insta::assert_snapshot!(refusal(api, ""), @"cannot talk to GitHub: the token is empty or has characters that no token has");
    insta::assert_snapshot!(refusal(api, "two\nlines"), @"cannot talk to GitHub: the token is empty or has characters that no token has");
    insta::assert_snapshot!(refusal("api.github.com", "t"), @"cannot talk to GitHub: 'api.github.com' is no address of an API");
    insta::assert_snapshot!(refusal("https://[", "t"), @"cannot talk to GitHub: 'https://[' is no address of an API");
    assert_eq!(refusal(api, "t"), "");
}

#[test]
fn without_a_runtime_there_is_no_client() {
    let made = GitHub::connect("https://x", &Repository::parse("o/r").unwrap(), &Secret::new("t"));
    assert_eq!(made.err().unwrap().to_string(), "cannot talk to GitHub: it needs a Tokio runtime");
}

/// A proxy that writes down the first line of each request and refuses it.
fn proxy() -> (u16, Arc<Mutex<Vec<String>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let lines = Arc::new(Mutex::new(Vec::new()));
    let written = Arc::clone(&lines);
    std::thread::spawn(move || {
        while let Ok((mut socket, _)) = listener.accept() {
            let mut head = BufReader::new(&socket).lines().map_while(Result::ok);
            written.lock().unwrap().extend(head.next());
            while head.next().is_some_and(|line| !line.is_empty()) {}
            // The client may have gone; what it asked is written down.
            drop(
                socket.write_all(b"HTTP/1.1 403 Forbidden\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"),
            );
        }
    });
    (port, lines)
}

/// What a client in a process of its own, with these variables, asks the proxy.
fn asked_with(api: &str, variables: &[(&str, &str)]) -> Vec<String> {
    let (port, lines) = proxy();
    let proxy = format!("http://127.0.0.1:{port}");
    let mut child = Command::new(std::env::current_exe().unwrap());
    child.args(["--exact", "github::connection::in_a_process_of_its_own"]);
    for name in [
        "HTTP_PROXY",
        "HTTPS_PROXY",
        "ALL_PROXY",
        "NO_PROXY",
        "http_proxy",
        "https_proxy",
        "all_proxy",
        "no_proxy",
    ] {
        child.env_remove(name);
    }
    child.env("GITHUB_TEST_API", api);
    for (name, value) in variables {
        child.env(name, value.replace("PROXY", &proxy));
    }
    let output = child.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
    lines.lock().unwrap().clone()
}

/// What the test of proxies runs as a child: the environment of a process is one for all its threads.
#[tokio::test]
async fn in_a_process_of_its_own() {
    let Ok(api) = std::env::var("GITHUB_TEST_API") else { return };
    let patience = Patience { budget_s: 0, second: Duration::ZERO };
    let github = connect(&api, TOKEN).with_patience(patience);
    let error = comment(&github, 5).await.unwrap_err();
    assert!(!format!("{error:?}").contains(TOKEN));
}

#[test]
fn the_environments_proxies_are_asked() {
    let plain = "http://github.example/api/v3";
    assert_eq!(
        asked_with(plain, &[("HTTP_PROXY", "PROXY")]),
        ["GET http://github.example/api/v3/repos/o/r/issues/5/comments?per_page=100&page=1 HTTP/1.1"]
    );
    assert_eq!(
        asked_with("https://github.example/api/v3", &[("HTTPS_PROXY", "PROXY")]),
        ["CONNECT github.example:443 HTTP/1.1"]
    );
    let nobody = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let without = [("HTTP_PROXY", "PROXY"), ("NO_PROXY", "127.0.0.1,localhost")];
    assert_eq!(asked_with(&format!("http://{nobody}/api/v3"), &without), Vec::<String>::new());
}
