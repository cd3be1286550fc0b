//! The server under test, and a client of it made by hand: HTTP/1.1 over a socket, and a WebSocket.

use std::fmt::Write as _;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tempfile::TempDir;

/// A server of ours in a folder of its own; dropping it kills it.
pub(super) struct Served {
    child: Child,
    pub(super) address: SocketAddr,
    folder: TempDir,
    /// The key that requests carry.
    key: Option<String>,
}

/// An answer.
#[derive(Debug)]
pub(super) struct Reply {
    pub(super) status: u16,
    pub(super) head: String,
    pub(super) body: Vec<u8>,
}

impl Reply {
    pub(super) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|_| panic!("not JSON: {self}"))
    }

    pub(super) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    pub(super) fn header(&self, name: &str) -> Option<String> {
        let line = self.head.lines().find_map(|line| {
            let (known, value) = line.split_once(": ")?;
            known.eq_ignore_ascii_case(name).then_some(value)
        });
        line.map(str::to_owned)
    }

    /// Asserts the status, and for an error that it is a problem with all its parts.
    pub(super) fn is(self, status: u16) -> Self {
        assert_eq!(self.status, status, "{self}");
        if status >= 400 {
            assert_eq!(self.header("content-type").as_deref(), Some("application/problem+json"), "{self}");
            let problem = self.json();
            assert_eq!(problem["status"], status, "{self}");
            assert_eq!(problem["request"].as_str().map(str::to_owned), self.header("x-request-id"), "{self}");
            assert!(problem["detail"].as_str().is_some_and(|detail| detail.len() > 5), "{self}");
        }
        self
    }
}

impl std::fmt::Display for Reply {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}\n{}", self.head, String::from_utf8_lossy(&self.body))
    }
}

impl Served {
    pub(super) fn start(arguments: &[&str]) -> Self {
        Self::within(TempDir::new().unwrap(), arguments, &[])
    }

    /// In a folder that an earlier one may have used.
    pub(super) fn within(folder: TempDir, arguments: &[&str], environment: &[(&str, &str)]) -> Self {
        let mut command = program(folder.path());
        command.args(["serve", "--listen", "127.0.0.1:0"]).args(arguments);
        let log = std::fs::File::options().create(true).append(true).open(folder.path().join("log")).unwrap();
        command.envs(environment.iter().copied());
        let mut child = command.stdout(Stdio::piped()).stderr(log).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let address = line.trim().rsplit("http://").next().unwrap().parse();
        let address = address.unwrap_or_else(|_| {
            let log = std::fs::read_to_string(folder.path().join("log")).unwrap();
            panic!("no address in '{line}': {log}")
        });
        Self { child, address, folder, key: None }
    }

    /// Makes a key in the store of a folder.
    pub(super) fn make_key(folder: &Path, name: &str, scope: &str) -> String {
        let made = program(folder)
            .args(["serve", "key", "create", "--name", name, "--scope", scope])
            .output()
            .unwrap();
        assert!(made.status.success(), "{made:?}");
        String::from_utf8(made.stdout).unwrap().trim().to_owned()
    }

    pub(super) fn with_key(mut self, key: &str) -> Self {
        self.key = Some(key.to_owned());
        self
    }

    pub(super) fn data(&self) -> PathBuf {
        self.folder.path().join("llm-loadtest-data")
    }

    /// Ends it by a signal and gives its folder back, with the code it ended with.
    pub(super) fn end(mut self, signal: &str) -> (TempDir, Option<i32>) {
        let kill = Command::new("kill").args([signal, &self.child.id().to_string()]).status().unwrap();
        assert!(kill.success());
        let code = self.child.wait().unwrap().code();
        let folder = std::mem::replace(&mut self.folder, TempDir::new().unwrap());
        (folder, code)
    }

    pub(super) fn get(&self, path: &str) -> Reply {
        self.ask("GET", path, &[], b"")
    }

    pub(super) fn post(&self, path: &str, body: &Value) -> Reply {
        self.ask("POST", path, &[("content-type", "application/json")], body.to_string().as_bytes())
    }

    pub(super) fn delete(&self, path: &str) -> Reply {
        self.ask("DELETE", path, &[], b"")
    }

    /// One request on a connection of its own.
    pub(super) fn ask(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Reply {
        let mut stream = self.connect();
        let own = self.key.as_ref().map(|key| format!("Bearer {key}"));
        let mut head =
            format!("{method} {path} HTTP/1.1\r\nconnection: close\r\ncontent-length: {}\r\n", body.len());
        let named = |name: &str| headers.iter().any(|(known, _)| known.eq_ignore_ascii_case(name));
        if !named("host") {
            write!(head, "host: {}\r\n", self.address).unwrap();
        }
        if let Some(own) = own.filter(|_| !named("authorization")) {
            write!(head, "authorization: {own}\r\n").unwrap();
        }
        for (name, value) in headers {
            write!(head, "{name}: {value}\r\n").unwrap();
        }
        stream.write_all(format!("{head}\r\n").as_bytes()).unwrap();
        // A server that has heard enough may answer and close before it took all.
        let _sent = stream.write_all(body).is_ok();
        let mut answer = Vec::new();
        let _ended = stream.read_to_end(&mut answer).is_ok();
        parse(&answer)
    }

    pub(super) fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(self.address).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        stream
    }

    /// Starts a benchmark; its id.
    pub(super) fn run(&self, settings: &Value) -> String {
        let started = self.post("/api/v1/benchmarks", &json!({ "settings": settings })).is(202);
        started.json()["id"].as_str().unwrap().to_owned()
    }

    /// Waits until a benchmark is in one of these states.
    pub(super) fn until(&self, id: &str, states: &[&str]) -> Value {
        let began = Instant::now();
        loop {
            let seen = self.get(&format!("/api/v1/benchmarks/{id}?result=false")).is(200).json()["benchmark"]
                .clone();
            if states.iter().any(|state| seen["state"] == *state) {
                return seen;
            }
            assert!(began.elapsed() < Duration::from_secs(30), "{seen}");
            std::thread::sleep(Duration::from_millis(30));
        }
    }

    /// Measures a little, to the end; its id.
    pub(super) fn finish(&self, settings: &Value) -> String {
        let id = self.run(settings);
        let ended = self.until(&id, &["finished", "failed"]);
        assert_eq!(ended["state"], "finished", "{ended}");
        id
    }

    /// A WebSocket's handshake, and what it answered.
    pub(super) fn socket(&self, path: &str, headers: &[(&str, &str)]) -> (Socket, String) {
        let mut stream = self.connect();
        let mut head = format!(
            "GET {path} HTTP/1.1\r\nhost: {}\r\nconnection: upgrade\r\nupgrade: websocket\r\nsec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n",
            self.address
        );
        for (name, value) in headers {
            write!(head, "{name}: {value}\r\n").unwrap();
        }
        stream.write_all(format!("{head}\r\n").as_bytes()).unwrap();
        let mut answer = Vec::new();
        let mut byte = [0];
        while !answer.ends_with(b"\r\n\r\n") && stream.read(&mut byte).unwrap() == 1 {
            answer.push(byte[0]);
        }
        (Socket(stream), String::from_utf8(answer).unwrap())
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        let _gone = self.child.kill().and_then(|()| self.child.wait()).is_ok();
    }
}

/// Frames of a WebSocket, as RFC 6455 has them.
pub(super) struct Socket(TcpStream);

impl Socket {
    /// The next text; none when the server closes.
    pub(super) fn next(&mut self) -> Option<String> {
        loop {
            let (opcode, body) = self.frame()?;
            match opcode {
                1 => return Some(String::from_utf8(body).unwrap()),
                8 => return None,
                _ => {}
            }
        }
    }

    /// The next frame's kind and content; none when the connection ends.
    pub(super) fn frame(&mut self) -> Option<(u8, Vec<u8>)> {
        let mut two = [0; 2];
        self.0.read_exact(&mut two).ok()?;
        let mut length = u64::from(two[1] & 0x7f);
        if length == 126 {
            let mut more = [0; 2];
            self.0.read_exact(&mut more).ok()?;
            length = u64::from(u16::from_be_bytes(more));
        } else if length == 127 {
            let mut more = [0; 8];
            self.0.read_exact(&mut more).ok()?;
            length = u64::from_be_bytes(more);
        }
        let mut body = vec![0; usize::try_from(length).unwrap()];
        self.0.read_exact(&mut body).ok()?;
        Some((two[0] & 0x0f, body))
    }

    /// A text of less than 64 KiB, masked with zeroes; false where nobody takes it any more.
    pub(super) fn send(&mut self, text: &str) -> bool {
        let mut frame = vec![0x81];
        match u16::try_from(text.len()).unwrap() {
            short @ 0..126 => frame.push(0x80 | u8::try_from(short).unwrap()),
            long => {
                frame.push(0x80 | 0x7e);
                frame.extend(long.to_be_bytes());
            }
        }
        frame.extend([0; 4]);
        frame.extend(text.as_bytes());
        self.0.write_all(&frame).is_ok()
    }
}

/// The program, hearing nothing of this process's own settings.
pub(super) fn program(folder: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_llm-loadtest"));
    command.current_dir(folder).env_clear().env("PATH", std::env::var_os("PATH").unwrap_or_default());
    command
}

fn parse(answer: &[u8]) -> Reply {
    let at = answer.windows(4).position(|four| four == b"\r\n\r\n");
    let at = at.unwrap_or_else(|| panic!("no answer: {:?}", String::from_utf8_lossy(answer)));
    let head = String::from_utf8_lossy(&answer[..at]).into_owned();
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    let rest = &answer[at + 4..];
    let chunked = head.to_ascii_lowercase().contains("transfer-encoding: chunked");
    Reply { status, head, body: if chunked { unchunked(rest) } else { rest.to_vec() } }
}

fn unchunked(mut rest: &[u8]) -> Vec<u8> {
    let mut body = Vec::new();
    while let Some(end) = rest.windows(2).position(|two| two == b"\r\n") {
        let size = usize::from_str_radix(std::str::from_utf8(&rest[..end]).unwrap().trim(), 16).unwrap();
        if size == 0 {
            break;
        }
        body.extend(&rest[end + 2..end + 2 + size]);
        rest = &rest[end + 2 + size + 2..];
    }
    body
}
