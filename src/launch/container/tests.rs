//! The way through an engine's API, on a socket that plays the engine.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::{Read as _, Write as _};
use std::os::unix::net::{UnixListener, UnixStream};
use std::sync::{Arc, Mutex};

use super::*;
use crate::config::{Gpus, Pull};

/// An engine that answers by a script, and remembers what it was asked.
struct Fake {
    folder: tempfile::TempDir,
    asked: Arc<Mutex<Vec<String>>>,
}

/// Status and body for a request, `POST /networks/create`; none: 200 and an empty object.
type Script = fn(&str) -> Option<(u16, String)>;

impl Fake {
    fn start(script: Script) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let listener = UnixListener::bind(folder.path().join("sock")).unwrap();
        let asked = Arc::new(Mutex::new(Vec::new()));
        let heard = Arc::clone(&asked);
        // It ends with the test process.
        thread::spawn(move || {
            for stream in listener.incoming() {
                answer(stream.unwrap(), script, &heard);
            }
        });
        Self { folder, asked }
    }

    async fn launch(&self, pull: Pull) -> (Result<Container, LaunchError>, Log, String) {
        let socket = format!("unix://{}", self.folder.path().join("sock").display());
        let engine = Engine::connect(&BTreeMap::from([("DOCKER_HOST".to_owned(), socket)])).await.unwrap();
        let log = Log::open(&self.folder.path().join("server.log"), "start", Vec::new()).unwrap();
        let image = Image {
            name: "r/vllm".to_owned(),
            args: vec!["--model".to_owned(), "m".to_owned()],
            gpus: Gpus::Auto,
            volumes: vec!["/data:/cache".to_owned()],
            shm_bytes: 1 << 30,
            pull,
        };
        let env = [("TOKEN".to_owned(), Secret::new("sk"))];
        let mut said = String::new();
        let say = &mut |text: &str| writeln!(said, "{text}").unwrap();
        let mut onlooker = Onlooker { say, is_stopped: &|| false };
        let container = Container::start(engine, &image, &env, &log, &mut onlooker).await;
        (container, log, said)
    }

    /// What changed something, in order; names that differ each time as `NAME`.
    fn changes(&self) -> String {
        let asked = self.asked.lock().unwrap();
        let changes = asked.iter().filter(|line| !line.starts_with("GET"));
        let plain = |line: &String| {
            let Some((head, rest)) = line.split_once("llm-loadtest-") else { return line.clone() };
            let end = rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '-').unwrap_or(rest.len());
            format!("{head}NAME{}", &rest[end..])
        };
        changes.map(plain).collect::<Vec<_>>().join("\n")
    }
}

fn answer(mut stream: UnixStream, script: Script, asked: &Mutex<Vec<String>>) {
    let mut seen = Vec::new();
    let mut buffer = [0; 4096];
    let (head, body) = loop {
        let count = stream.read(&mut buffer).unwrap_or(0);
        seen.extend_from_slice(&buffer[..count]);
        let text = String::from_utf8_lossy(&seen).into_owned();
        let length = |head: &str| {
            let line = head.lines().find_map(|line| line.strip_prefix("content-length: ").map(str::to_owned));
            line.map_or(0, |length| length.parse::<usize>().unwrap())
        };
        match text.split_once("\r\n\r\n") {
            Some((head, body)) if body.len() >= length(head) => break (head.to_owned(), body.to_owned()),
            _ if count == 0 => return,
            _ => {}
        }
    };
    let mut words = head.split(' ');
    let (method, path) = (words.next().unwrap(), words.next().unwrap());
    // `/v1.41/containers/…`
    let path = path
        .strip_prefix("/v1.")
        .and_then(|rest| rest.split_once('/'))
        .map_or(path.to_owned(), |(_, rest)| format!("/{rest}"));
    let request = format!("{method} {path}");
    asked.lock().unwrap().push(format!("{request} {body}").trim_end().to_owned());
    let (status, text) = match request.as_str() {
        "GET /version" => (200, r#"{"ApiVersion": "1.41"}"#.to_owned()),
        _ => script(&request).unwrap_or((200, "{}".to_owned())),
    };
    let reply =
        format!("HTTP/1.1 {status} X\r\nContent-Type: application/json\r\nConnection: close\r\n\r\n{text}");
    drop(stream.write_all(reply.as_bytes()));
}

fn works(request: &str) -> Option<(u16, String)> {
    let frame = |text: &str| format!("\u{1}\0\0\0\0\0\0{}{text}", char::from(text.len() as u8));
    match request {
        _ if request.starts_with("GET /images/") => {
            Some((200, r#"{"Id": "sha256:1", "RepoDigests": ["r/vllm@sha256:2"]}"#.to_owned()))
        }
        _ if request.starts_with("POST /images/create") => {
            let news = r#"{"status":"Downloading","id":"a","progressDetail":{"current":5,"total":9}}"#;
            Some((200, format!("{news}\n")))
        }
        "POST /containers/create" => Some((201, r#"{"Id": "c", "Warnings": []}"#.to_owned())),
        "POST /networks/create" => Some((201, r#"{"Id": "n", "Warning": ""}"#.to_owned())),
        _ if request.starts_with("POST /containers/create?") => {
            Some((201, r#"{"Id": "c", "Warnings": []}"#.to_owned()))
        }
        _ if request.contains("/logs?") => Some((200, frame("loading\n"))),
        _ if request.starts_with("GET /containers/json") => Some((200, "[]".to_owned())),
        _ if request.starts_with("GET /networks") => Some((200, "[]".to_owned())),
        _ if request.starts_with("GET /containers/llm") => {
            let name = request.split('/').nth(2).unwrap();
            let network = format!(r#"{{"Networks": {{"{name}": {{"IPAddress": "172.18.0.2"}}}}}}"#);
            Some((
                200,
                format!(
                    r#"{{"Image": "sha256:1", "State": {{"Running": true}}, "NetworkSettings": {network}}}"#
                ),
            ))
        }
        // Our own container, should the tests run in one: this engine does not know it.
        _ if request.starts_with("GET /containers/") => Some((404, r#"{"message": "no"}"#.to_owned())),
        _ => None,
    }
}

#[tokio::test]
async fn a_container_is_made_with_its_network_and_both_are_removed() {
    let fake = Fake::start(works);
    let (container, log, said) = fake.launch(Pull::Always).await;
    let mut container = container.unwrap();
    assert_eq!((container.address(), container.image()), ("172.18.0.2", "r/vllm@sha256:2"));
    assert_eq!(container.ended().await, None);
    container.stop(Duration::from_secs(3));
    assert_eq!(log.tail(), "\n  | loading");
    insta::assert_snapshot!(said, @"
    pulling r/vllm
    GPUs of the server's container: none: the container engine knows no NVIDIA runtime; --server-gpus all asks for them anyway
    ");
    let changes = fake.changes();
    let body = |word: &str| changes.lines().find(|line| line.contains(word)).unwrap_or_default().to_owned();
    assert!(body("/containers/create").contains(r#""Cmd":["--model","m"]"#), "{changes}");
    assert!(body("/containers/create").contains(r#""Env":["TOKEN=sk"]"#), "{changes}");
    let paths: Vec<&str> = changes.lines().filter_map(|line| line.split(" {").next()).collect();
    insta::assert_snapshot!(paths.join("\n"), @"
    POST /images/create?fromImage=r%2Fvllm&tag=latest&platform=
    POST /networks/create
    POST /containers/create?name=NAME&platform=
    POST /containers/NAME/start
    POST /containers/NAME/stop?t=3
    DELETE /containers/NAME?v=true&force=true&link=false
    DELETE /networks/NAME
    ");
}

#[tokio::test]
async fn an_end_tells_its_code_and_whether_memory_was_short() {
    let fake = Fake::start(|request| {
        let state = r#"{"State": {"Running": false, "ExitCode": 137, "OOMKilled": true, "Error": ""}}"#;
        if request.starts_with("GET /containers/llm") {
            Some((200, state.to_owned()))
        } else {
            works(request)
        }
    });
    let mut container = fake.launch(Pull::Missing).await.0.unwrap();
    assert_eq!(container.ended().await.as_deref(), Some("exit code 137, out of memory"));
    container.stop(Duration::ZERO);
    let removed = Fake::start(|request| {
        if request.starts_with("GET /containers/llm") {
            Some((404, r#"{"message": "no"}"#.to_owned()))
        } else {
            works(request)
        }
    });
    let failed = removed.launch(Pull::Never).await.0.unwrap_err();
    assert!(failed.to_string().contains("gone as soon as it had started"), "{failed}");
}

#[tokio::test]
async fn what_an_engine_refuses_is_said_and_nothing_is_left() {
    let refusals: [(Script, Pull, &str); 4] = [
        (
            |request| {
                if request.starts_with("GET /images/") {
                    Some((404, r#"{"message": "No such image"}"#.to_owned()))
                } else {
                    works(request)
                }
            },
            Pull::Never,
            "the image r/vllm is not there",
        ),
        (
            |request| {
                let news =
                    "{\"errorDetail\":{\"message\":\"manifest unknown\"},\"error\":\"manifest unknown\"}\n";
                if request.starts_with("POST /images/") {
                    Some((200, news.to_owned()))
                } else {
                    works(request)
                }
            },
            Pull::Always,
            "cannot pull r/vllm: ",
        ),
        (
            |request| {
                let no = r#"{"message": "could not select device driver"}"#;
                if request.ends_with("/start") { Some((500, no.to_owned())) } else { works(request) }
            },
            Pull::Missing,
            "cannot start the container: could not select device driver",
        ),
        (
            |request| {
                let no = r#"{"message": "all predefined address pools have been fully subnetted"}"#;
                if request == "POST /networks/create" { Some((500, no.to_owned())) } else { works(request) }
            },
            Pull::Missing,
            "cannot make a network: all predefined",
        ),
    ];
    for (script, pull, words) in refusals {
        let fake = Fake::start(script);
        let error = fake.launch(pull).await.0.unwrap_err();
        assert!(error.to_string().starts_with(words), "{error}");
        let changes = fake.changes();
        assert_eq!(
            changes.contains("POST /networks/create"),
            changes.contains("DELETE /networks/NAME"),
            "{changes}"
        );
    }
}

#[tokio::test]
async fn leftovers_of_the_gone_are_removed_and_nothing_else() {
    let fake = Fake::start(|request| {
        if request.starts_with("GET /containers/json") {
            let mine = leftovers_labels();
            let of = |name: &str, owner: &str| {
                format!(r#"{{"Names": ["/{name}"], "Labels": {{"llm-loadtest.owner": "{owner}"}}}}"#)
            };
            let list =
                [of("llm-loadtest-dead", "container gone"), of("llm-loadtest-live", &mine), of("other", "")];
            return Some((200, format!("[{}]", list.join(","))));
        }
        if request == "GET /networks" || request.starts_with("GET /networks?") {
            return Some((
                200,
                r#"[{"Name": "llm-loadtest-dead", "Labels": {"llm-loadtest.owner": "container gone"}}]"#
                    .to_owned(),
            ));
        }
        works(request)
    });
    let (container, _, said) = fake.launch(Pull::Missing).await;
    assert_eq!(
        said.lines().filter(|line| line.starts_with("removed llm-loadtest-dead,")).count(),
        1,
        "{said}"
    );
    let asked = fake.asked.lock().unwrap().join("\n");
    assert!(asked.contains("DELETE /containers/llm-loadtest-dead"), "{asked}");
    assert!(
        !asked.contains("DELETE /containers/llm-loadtest-live")
            && !asked.contains("DELETE /containers/other")
    );
    container.unwrap().stop(Duration::ZERO);
}

/// The owner that this process writes.
fn leftovers_labels() -> String {
    leftovers::owner(None)
}
