//! Who may do what, and what nobody may.

use std::io::{Read as _, Write as _};
use std::time::Duration;

use serde_json::{Value, json};
use tempfile::TempDir;

use super::client::{Served, program};
use super::{long, small};

/// What each scope may, by the description that the server gives of itself, which is made of its table of endpoints.
#[test]
fn every_endpoint_asks_for_its_scope() {
    let folder = TempDir::new().unwrap();
    let keys: Vec<(String, usize)> = ["read", "run", "admin"]
        .iter()
        .enumerate()
        .map(|(rank, scope)| (Served::make_key(folder.path(), scope, scope), rank))
        .collect();
    let server = Served::within(folder, &[], &[]);
    let described = server.get("/api/v1/openapi.json").is(200).json();
    let mut asked = 0;
    for (path, methods) in described["paths"].as_object().unwrap() {
        for (method, operation) in methods.as_object().unwrap() {
            let needed = operation["security"][0]["key"][0].as_str();
            let rank = needed
                .map(|scope| ["read", "run", "admin"].iter().position(|known| *known == scope).unwrap());
            let path = path.replace("{id}", "0").replace("{row}", "0").replace("{name}", "x");
            let send = |key: Option<&str>| {
                let bearer = key.map(|key| format!("Bearer {key}"));
                let kind =
                    operation["requestBody"]["content"].as_object().and_then(|kinds| kinds.keys().next());
                let mut headers: Vec<(&str, &str)> =
                    bearer.iter().map(|bearer| ("authorization", bearer.as_str())).collect();
                headers.extend(kind.map(|kind| ("content-type", kind.as_str())));
                server.ask(&method.to_uppercase(), &path, &headers, b"")
            };
            let anonymous = send(None);
            assert_eq!(anonymous.status == 401, rank.is_some(), "{method} {path}: {anonymous}");
            for (key, has) in &keys {
                let answer = send(Some(key));
                let allowed = rank.is_none_or(|needed| *has >= needed);
                assert_eq!(answer.status == 403, !allowed, "{method} {path} with rank {has}: {answer}");
                assert!(answer.status < 500 && answer.status != 401, "{method} {path}: {answer}");
                asked += 1;
            }
        }
    }
    assert!(asked > 80, "{asked}");

    // Stopping is for run, deleting for admin.
    let [read, run, admin] = [0, 1, 2].map(|at| format!("Bearer {}", keys[at].0));
    let with = |key: &str, method: &str, path: &str, body: &Value| {
        server.ask(
            method,
            path,
            &[("authorization", key), ("content-type", "application/json")],
            body.to_string().as_bytes(),
        )
    };
    let started = with(&run, "POST", "/api/v1/benchmarks", &json!({ "settings": long() })).is(202).json();
    let path = format!("/api/v1/benchmarks/{}", started["id"].as_str().unwrap());
    with(&read, "DELETE", &path, &json!(null)).is(403);
    with(&run, "DELETE", &path, &json!(null)).is(202);
    let server = server.with_key(&keys[0].0);
    server.until(started["id"].as_str().unwrap(), &["cancelled"]);
    let with = |key: &str, method: &str| server.ask(method, &path, &[("authorization", key)], b"");
    with(&run, "DELETE").is(403);
    with(&admin, "DELETE").is(204);

    // Over a WebSocket the key is a protocol; a revoked one is worth nothing.
    let protocols = format!("llm-loadtest.v1, bearer.{}", keys[0].0);
    let (_, head) = server.socket("/ws/benchmark/0", &[("sec-websocket-protocol", &protocols)]);
    assert!(head.starts_with("HTTP/1.1 404"), "{head}");
    let (_, head) =
        server.socket("/ws/benchmark/0", &[("sec-websocket-protocol", "llm-loadtest.v1, bearer.llt_0")]);
    assert!(head.starts_with("HTTP/1.1 401"), "{head}");
    let revoked =
        program(server.data().parent().unwrap()).args(["serve", "key", "revoke", "read"]).output().unwrap();
    assert!(revoked.status.success());
    server.get("/api/v1/viewer").is(401);
}

#[test]
fn a_server_that_others_can_reach_needs_a_key() {
    let folder = TempDir::new().unwrap();
    let refused = program(folder.path()).args(["serve", "--listen", "0.0.0.0:0"]).output().unwrap();
    assert_eq!(refused.status.code(), Some(2));
    let said = String::from_utf8(refused.stderr).unwrap();
    assert!(said.contains("key create --name admin --scope admin"), "{said}");
    let first = Served::within(folder, &[], &[]);
    let second =
        program(first.data().parent().unwrap()).args(["serve", "--listen", "127.0.0.1:0"]).output().unwrap();
    assert_eq!(second.status.code(), Some(3));
    assert!(String::from_utf8(second.stderr).unwrap().contains("in use by another server"));
}

#[test]
fn other_sites_and_other_names_are_turned_away() {
    let server = Served::start(&["--host", "bench.example"]);
    let body = json!({ "settings": small() }).to_string();
    let post = |headers: &[(&str, &str)]| {
        server.ask("POST", "/api/v1/benchmarks?dry_run=true", headers, body.as_bytes())
    };
    let json_type = ("content-type", "application/json");
    let own = format!("http://{}", server.address);
    post(&[json_type, ("origin", &own)]).is(200);
    post(&[json_type, ("origin", "https://bench.example"), ("host", "bench.example")]).is(200);
    for origin in ["http://evil.example", "null", "http://127.0.0.1:1"] {
        post(&[json_type, ("origin", origin)]).is(403);
    }
    // A form of another site can send these without asking.
    for kind in ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data"] {
        post(&[("content-type", kind)]).is(415);
    }
    post(&[]).is(415);
    // Somebody else's name that leads to this machine.
    for path in ["/", "/health", "/api/v1/benchmarks"] {
        server.ask("GET", path, &[("host", "evil.example")], b"").is(421);
    }
    let id = server.finish(&small());
    let (_, head) = server.socket(&format!("/ws/benchmark/{id}"), &[("origin", "http://evil.example")]);
    assert!(head.starts_with("HTTP/1.1 403"), "{head}");

    let page = server.get("/").is(200);
    let policy = page.header("content-security-policy").unwrap();
    for words in ["default-src 'none'", "script-src 'self'", "frame-ancestors 'none'"] {
        assert!(policy.contains(words), "{policy}");
    }
    assert_eq!(page.header("x-content-type-options").as_deref(), Some("nosniff"));
    assert_eq!(page.header("access-control-allow-origin"), None);
    for path in [
        "/assets/../../etc/passwd",
        "/assets/..%2f..%2fetc/passwd",
        "/assets/%2e%2e/Cargo.toml",
        "//etc/passwd",
        "/api/v2",
    ] {
        server.get(path).is(404);
    }
    server.ask("POST", "/", &[json_type], b"{}").is(405);
    server.ask("PUT", "/health", &[json_type], b"{}").is(405);
}

#[test]
fn no_target_but_those_that_are_allowed() {
    let server = Served::start(&["--allow-target", "10.0.0.0/8", "--allow-target", "127.0.0.1:9"]);
    let field = |settings: Value| {
        let answer = server.post("/api/v1/benchmarks?dry_run=true", &json!({ "settings": settings }));
        if answer.status == 200 {
            "allowed".to_owned()
        } else {
            answer.is(422).json()["field"].as_str().unwrap_or("none").to_owned()
        }
    };
    assert_eq!(field(json!({ "server": "http://10.1.2.3:8000" })), "allowed");
    assert_eq!(field(json!({ "server": "http://127.0.0.1:9" })), "allowed");
    assert_eq!(field(json!({ "server": "http://127.0.0.1:10" })), "server");
    assert_eq!(field(json!({ "server": "http://169.254.169.254" })), "server");
    assert_eq!(field(json!({ "server": "sim:fast,http://192.168.0.1" })), "server");
    assert_eq!(
        field(json!({ "server": "sim:fast", "metrics-url": "http://[::ffff:169.254.169.254]/metrics" })),
        "metrics-url"
    );
    assert_eq!(
        field(json!({ "server": "sim:fast", "dcgm-url": "http://192.168.0.1:9400/metrics" })),
        "dcgm-url"
    );
    let gate = json!({ "purpose": "gate", "settings": { "server": "sim:fast", "baseline-server": "http://192.168.0.1" } });
    assert_eq!(server.post("/api/v1/benchmarks", &gate).is(422).json()["field"], "baseline-server");
    server.get("/api/v1/models?server=http://169.254.169.254").is(422);
    let file = "targets:\n  - name: a\n    base_url: http://192.168.0.1\n";
    assert_eq!(
        server.post("/api/v1/benchmarks", &json!({ "config": file })).is(422).json()["field"],
        "server"
    );
}

#[test]
fn bodies_are_bounded_in_size_shape_and_time() {
    let server = Served::start(&[]);
    let json_type = [("content-type", "application/json")];
    let large = format!("{{\"title\": \"{}\"}}", "x".repeat(1_100_000));
    server.ask("POST", "/api/v1/benchmarks", &json_type, large.as_bytes()).is(413);
    server.ask("POST", "/api/v1/benchmarks", &json_type, b"{\"settings\": ").is(400);
    server.ask("POST", "/api/v1/benchmarks", &json_type, b"").is(400);
    server.post("/api/v1/benchmarks", &json!({ "surprise": 1 })).is(422);
    let deep = format!("{}{}", "[".repeat(10_000), "]".repeat(10_000));
    server.ask("POST", "/api/v1/benchmarks", &json_type, deep.as_bytes()).is(400);
    server.get("/api/v1/benchmarks?limit=0").is(400);
    server.get("/api/v1/benchmarks?surprise=1").is(400);
    server.get("/api/v1/benchmarks?sort=created&sort=ended").is(400);
    server.get("/api/v1/benchmarks?after=nonsense").is(422);
    for id in ["0", "..%2f..%2fx", "%00", "'%20OR%201=1"] {
        server.get(&format!("/api/v1/benchmarks/{id}")).is(404);
    }
    // A body that never comes does not hold up the server, and is given up in the end.
    let mut slow = server.connect();
    let head = format!(
        "POST /api/v1/benchmarks HTTP/1.1\r\nhost: {}\r\ncontent-type: application/json\r\ncontent-length: 100\r\n\r\n{{",
        server.address
    );
    slow.write_all(head.as_bytes()).unwrap();
    server.get("/health").is(200);
    slow.set_read_timeout(Some(Duration::from_secs(18))).unwrap();
    let mut answer = [0; 12];
    slow.read_exact(&mut answer).unwrap();
    assert_eq!(&answer, b"HTTP/1.1 408");
}

#[test]
fn floods_are_bounded() {
    let server = Served::start(&[]);
    let id = server.run(&long());
    server.until(&id, &["running"]);
    let path = format!("/ws/benchmark/{id}");
    // One who talks too much is sent away.
    let (mut loud, _) = server.socket(&path, &[]);
    let _taken = (0..200).all(|_| loud.send("hello"));
    let mut closed = None;
    while let Some((opcode, body)) = loud.frame() {
        if opcode == 8 {
            closed = Some(u16::from_be_bytes([body[0], body[1]]));
            break;
        }
    }
    assert_eq!(closed, Some(1008));
    // So is one who says too much at once.
    let (mut long, _) = server.socket(&path, &[]);
    long.send(&"x".repeat(60_000));
    let mut frames = 0;
    while long.frame().is_some_and(|(opcode, _)| opcode != 8) {
        frames += 1;
        assert!(frames < 1_000);
    }
    // Each address has so many places.
    let open: Vec<_> = (0..40).map(|_| server.socket(&path, &[])).collect();
    let (in_, out): (Vec<_>, Vec<_>) = open.iter().partition(|(_, head)| head.starts_with("HTTP/1.1 101"));
    assert!((30..=32).contains(&in_.len()), "{}", in_.len());
    assert!(
        out.iter().all(|(_, head)| head.starts_with("HTTP/1.1 429")),
        "{:?}",
        out.first().map(|(_, head)| head)
    );
    let refused = (0..1_000).map(|_| server.get("/health")).find(|answer| answer.status == 429);
    assert!(refused.is_some_and(|answer| answer.is(429).header("retry-after").is_some()));
}

#[test]
fn secrets_go_into_no_answer_no_log_and_no_file() {
    let folder = TempDir::new().unwrap();
    let server = Served::within(
        folder,
        &["--api-key-env", "LENT", "--log-level", "trace", "--log", "json"],
        &[("LENT", "sk-lent-secret")],
    );
    let settings = json!({ "server": "http://127.0.0.1:9", "model": "m", "num-prompts": 1, "api-key": "sk-own-secret",
        "header": ["Authorization: Bearer sk-header-secret", "X-Tenant: blue"] });
    let id = server.run(&settings);
    let ended = server.until(&id, &["failed"]);
    assert!(!ended.to_string().contains("secret"), "{ended}");
    let lent = server.run(
        &json!({ "server": "http://127.0.0.1:9", "model": "m", "num-prompts": 1, "api-key-env": "LENT" }),
    );
    server.until(&lent, &["failed"]);
    let (folder, code) = server.end("-TERM");
    assert_eq!(code, Some(0));
    let log = std::fs::read_to_string(folder.path().join("log")).unwrap();
    assert!(
        log.lines().all(|line| serde_json::from_str::<Value>(line).is_ok()) && log.contains(&id),
        "{log}"
    );
    let data = std::fs::read_dir(folder.path().join("llm-loadtest-data")).unwrap();
    let files = data.map(|entry| entry.unwrap().path()).chain([folder.path().join("log")]);
    for path in files {
        if path.is_file() {
            let text = String::from_utf8_lossy(&std::fs::read(&path).unwrap()).into_owned();
            for secret in ["sk-own-secret", "sk-header-secret", "sk-lent-secret"] {
                assert!(!text.contains(secret), "{secret} is in {}", path.display());
            }
        }
    }
}

#[test]
fn redirects_lead_to_no_other_server() {
    // Something that should not be asked, and an allowed target that points at it.
    let secret = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    secret.set_nonblocking(true).unwrap();
    let lure = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let (port, to) = (lure.local_addr().unwrap().port(), secret.local_addr().unwrap());
    let lured = std::thread::spawn(move || {
        let (mut stream, _) = lure.accept().unwrap();
        let _head = stream.read(&mut [0; 4_096]).unwrap();
        let answer = format!(
            "HTTP/1.1 307 Temporary Redirect\r\nlocation: http://{to}/v1/models\r\ncontent-length: 0\r\n\r\n"
        );
        stream.write_all(answer.as_bytes()).unwrap();
    });
    let server = Served::start(&["--allow-target", &format!("127.0.0.1:{port}")]);
    let answer = server.get(&format!("/api/v1/models?server=http://127.0.0.1:{port}"));
    assert!(answer.status >= 400 && answer.text().contains("307"), "{answer}");
    lured.join().unwrap();
    assert!(secret.accept().is_err(), "nobody came");
}
