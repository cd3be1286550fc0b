//! Sets the stage: the mock on core 0, a client on core 1, each a process of its own, and what the client cost.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use rustix::process::{Pid, WaitId, WaitIdOptions, waitid};
use serde_json::Value;

use crate::rows::{self, Row};
use crate::truth::{TruthRow, from_text};

/// Clock ticks of proc(5) per second.
const TICKS: f64 = 100.0;

/// Prompt tokens that every request asks for and the mock reports.
pub(crate) const INPUT: u32 = 128;

/// Who is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Subject {
    Raw,
    /// Another build of ours, where the environment names one.
    Before,
    Ours,
}

impl Subject {
    /// All that take part, the floor first.
    pub(crate) fn all() -> Vec<Self> {
        let before = std::env::var("BEFORE").is_ok().then_some(Self::Before);
        std::iter::once(Self::Raw).chain(before).chain([Self::Ours]).collect()
    }

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Raw => "raw epoll",
            Self::Before => "before",
            Self::Ours => "llm-loadtest",
        }
    }
}

/// The mock as a process; it ends with this value.
pub(crate) struct Server {
    child: Child,
    pub(crate) address: String,
}

impl Server {
    pub(crate) fn start(arguments: &str) -> Self {
        let this = std::env::current_exe().unwrap();
        let mut command = pinned("0", &this);
        command.arg("server").args(arguments.split_whitespace()).stdout(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        Self { child, address: line.trim().trim_start_matches("http://").to_owned() }
    }

    /// User and system time so far, in seconds.
    pub(crate) fn cpu(&self) -> f64 {
        cpu_seconds(&std::fs::read_to_string(format!("/proc/{}/stat", self.child.id())).unwrap())
    }

    /// What it did so far.
    pub(crate) fn truth(&self) -> Vec<TruthRow> {
        let mut stream = TcpStream::connect(&self.address).unwrap();
        stream.write_all(b"GET /truth HTTP/1.1\r\nhost: mock\r\n\r\n").unwrap();
        let mut reader = BufReader::new(stream);
        let mut length = 0;
        loop {
            let mut line = String::new();
            reader.read_line(&mut line).unwrap();
            if line == "\r\n" {
                break;
            }
            if let Some(text) = line.strip_prefix("content-length: ") {
                length = text.trim().parse().unwrap();
            }
        }
        let mut body = vec![0; length];
        reader.read_exact(&mut body).unwrap();
        from_text(std::str::from_utf8(&body).unwrap())
    }
}

/// Work of idle priority on both cores while this value lives, so that neither sleeps between two tokens: waking a virtual
/// core takes some 0.1 ms, which would be told as the client's error.
pub(crate) struct Awake([Child; 2]);

impl Awake {
    pub(crate) fn start() -> Self {
        Self(["0", "1"].map(|core| {
            let this = std::env::current_exe().unwrap();
            let mut command = Command::new("chrt");
            command.args(["-i", "0", "taskset", "-c", core]).arg(this).arg("awake").spawn().unwrap()
        }))
    }
}

impl Drop for Awake {
    fn drop(&mut self) {
        for child in &mut self.0 {
            child.kill().unwrap();
            child.wait().unwrap();
        }
    }
}

/// Counts until it is killed.
pub(crate) fn stay_awake() {
    let mut count = 0_u64;
    loop {
        count = std::hint::black_box(count).wrapping_add(1);
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

/// What a client is to do.
#[derive(Debug, Clone)]
pub(crate) struct Load {
    pub(crate) streams: u32,
    pub(crate) requests: u32,
    pub(crate) tokens: u32,
    /// The instants of the raw client's chunks are wanted; ours always keeps them.
    pub(crate) rows: bool,
    /// Further flags of `llm-loadtest run`, which replace the closed loop.
    pub(crate) open: Option<String>,
}

/// A client that ran to its end.
pub(crate) struct Ran {
    /// User and system time of the whole process, in seconds.
    pub(crate) cpu: f64,
    pub(crate) rows: Vec<Row>,
    pub(crate) failed: usize,
    /// Ours: `result.json`.
    pub(crate) result: Value,
    /// Raw: its own count and window, where it kept no rows.
    pub(crate) count: Value,
    /// The highest of `VmHWM`, in MB, where it was asked to be watched.
    pub(crate) peak_mb: f64,
}

impl Ran {
    /// Tokens that came, and the seconds from the first send to the last end.
    pub(crate) fn flow(&self) -> (f64, f64) {
        if let (Some(chunks), Some(window)) = (self.count["chunks"].as_f64(), self.count["window_s"].as_f64())
        {
            return (chunks, window);
        }
        let chunks: usize = self.rows.iter().map(|row| row.chunks.len()).sum();
        let from = self.rows.iter().map(|row| row.sent).fold(f64::INFINITY, f64::min);
        let to = self.rows.iter().map(|row| row.done).fold(0.0, f64::max);
        (chunks as f64, (to - from) / 1e3)
    }
}

/// A started client and the folder of its files.
pub(crate) struct Running {
    subject: Subject,
    pub(crate) child: Child,
    folder: tempfile::TempDir,
}

/// Starts a client against the server.
pub(crate) fn launch(subject: Subject, server: &Server, load: &Load) -> Running {
    let folder = tempfile::tempdir().unwrap();
    let Load { streams, requests, tokens, rows, open } = load;
    let mut command = match subject {
        Subject::Raw => {
            let mut command = pinned("1", &std::env::current_exe().unwrap());
            command.args(["raw", "--server", &server.address]).stdout(Stdio::piped());
            command.args(
                format!("--streams {streams} --requests {requests} --tokens {tokens}").split_whitespace(),
            );
            if *rows {
                command.arg("--rows").arg(folder.path().join("requests.jsonl"));
            }
            command
        }
        Subject::Before | Subject::Ours => {
            let mut command = pinned("1", &binary(subject));
            command.args(["run", "--quiet", "--server", &format!("http://{}", server.address)]);
            command.args(format!("--input-len {INPUT} --output-len {tokens}").split_whitespace());
            match open {
                Some(flags) => command.args(flags.split_whitespace()),
                None => command
                    .args(format!("--concurrency {streams} --num-prompts {requests}").split_whitespace()),
            };
            command.arg("--output").arg(folder.path().join("result.json")).stdout(Stdio::null());
            command
        }
    };
    let child = command.current_dir(folder.path()).spawn().unwrap();
    Running { subject, child, folder }
}

impl Running {
    pub(crate) fn rows_path(&self) -> PathBuf {
        self.folder.path().join("requests.jsonl")
    }

    /// Waits for the end and reads what the client wrote.
    pub(crate) fn finish(self, watch: bool) -> Ran {
        let (_folder, ran) = self.end(watch, true);
        ran
    }

    /// As [`Running::finish`], with the folder of the client's files; the rows are read only where they are wanted.
    pub(crate) fn end(mut self, watch: bool, read: bool) -> (tempfile::TempDir, Ran) {
        let process = Path::new("/proc").join(self.child.id().to_string());
        let mut peak_mb = 0.0_f64;
        while watch && self.runs() {
            peak_mb = peak_mb.max(status(&process, "VmHWM:").unwrap_or(0.0) / 1024.0);
            std::thread::sleep(Duration::from_millis(50));
        }
        // The process has ended but is not yet forgotten: its times are still there to be read.
        waitid(WaitId::Pid(pid(&self.child)), WaitIdOptions::EXITED | WaitIdOptions::NOWAIT).unwrap();
        let cpu = cpu_seconds(&std::fs::read_to_string(process.join("stat")).unwrap());
        let mut said = String::new();
        if let Some(mut stdout) = self.child.stdout.take() {
            stdout.read_to_string(&mut said).unwrap();
        }
        let status = self.child.wait().unwrap();
        assert!(status.success(), "{} ended with {status}", self.subject.name());
        let (rows, failed) =
            if read && self.rows_path().exists() { rows::read(&self.rows_path()) } else { (Vec::new(), 0) };
        let document = |path: PathBuf| {
            std::fs::read_to_string(path).ok().and_then(|text| serde_json::from_str(&text).ok())
        };
        let result = document(self.folder.path().join("result.json")).unwrap_or(Value::Null);
        let count = serde_json::from_str(&said).unwrap_or(Value::Null);
        (self.folder, Ran { cpu, rows, failed, result, count, peak_mb })
    }

    pub(crate) fn runs(&self) -> bool {
        let options = WaitIdOptions::EXITED | WaitIdOptions::NOWAIT | WaitIdOptions::NOHANG;
        waitid(WaitId::Pid(pid(&self.child)), options).unwrap().is_none()
    }
}

/// Runs a client against a fresh server and returns both sides.
pub(crate) fn play(subject: Subject, server: &str, load: &Load) -> (Ran, Vec<TruthRow>) {
    let server = Server::start(server);
    let ran = launch(subject, &server, load).finish(false);
    (ran, server.truth())
}

/// A figure of proc(5)'s status, in the unit it is given in.
pub(crate) fn status(process: &Path, name: &str) -> Option<f64> {
    let text = std::fs::read_to_string(process.join("status")).ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix(name))?;
    line.split_whitespace().next()?.parse().ok()
}

/// The share of all cores that the hypervisor gave to others since `since`, and the reading to go on from.
pub(crate) fn stolen(since: [u64; 2]) -> (f64, [u64; 2]) {
    let text = std::fs::read_to_string("/proc/stat").unwrap();
    let fields = text.lines().next().unwrap().split_whitespace().skip(1).take(8);
    let ticks: Vec<u64> = fields.map(|field| field.parse().unwrap()).collect();
    let now = [ticks[7], ticks.iter().sum()];
    ((now[0] - since[0]) as f64 / (now[1] - since[1]).max(1) as f64, now)
}

fn pid(child: &Child) -> Pid {
    Pid::from_child(child)
}

/// Fields 14 and 15 of proc(5)'s stat; counting starts at field 3, behind the name in parentheses.
fn cpu_seconds(stat: &str) -> f64 {
    let (_, rest) = stat.rsplit_once(')').unwrap();
    let ticks: u64 =
        rest.split_whitespace().skip(14 - 3).take(2).map(|field| field.parse::<u64>().unwrap()).sum();
    ticks as f64 / TICKS
}

/// This build's binary, or what the environment names instead or besides.
fn binary(subject: Subject) -> PathBuf {
    let name = if subject == Subject::Before { "BEFORE" } else { "BINARY" };
    std::env::var(name).map_or_else(|_| env!("CARGO_BIN_EXE_llm-loadtest").into(), PathBuf::from)
}

/// How both sides are held against other work on the machine.
pub(crate) fn priority() -> String {
    let fallback = if rustix::process::geteuid().is_root() { "nice" } else { "none" };
    std::env::var("PRIORITY").unwrap_or_else(|_| fallback.to_owned())
}

fn pinned(core: &str, program: &Path) -> Command {
    let wrapper = match priority().as_str() {
        "nice" => "nice -n -20 ",
        "fifo" => "chrt -f 50 ",
        _ => "",
    };
    let words = format!("{wrapper}taskset -c {core}");
    let mut words = words.split_whitespace();
    let mut command = Command::new(words.next().unwrap());
    command.args(words).arg(program);
    command
}
