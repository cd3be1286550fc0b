//! The house rules as tests: floors, guests, purity, headers, sizes. A planted violation of each must be found.

use std::fs;
use std::path::Path;

/// Every room and its floor; a room imports strictly lower floors.
const FLOORS: &[(&str, u8)] = &[
    ("base", 0),
    ("record", 1),
    ("stats", 1),
    ("simulator::model", 1),
    ("workload", 2),
    ("protocol", 2),
    ("search", 2),
    ("config", 3),
    ("engine", 4),
    ("metrics", 4),
    ("validity", 5),
    ("diagnosis", 5),
    ("gate", 6),
    ("recommend", 6),
    ("document", 7),
    ("report", 8),
    ("host", 9),
    ("transport", 10),
    ("launch", 10),
    ("telemetry", 10),
    ("store", 10),
    ("github", 10),
    ("simulator::http", 10),
    ("simulator", 10),
    ("app", 11),
    ("server", 12),
    ("cli", 13),
];

/// Rooms that read no clock, file, socket, environment or unseeded chance, and await nothing.
const PURE_FLOORS: [u8; 9] = [0, 1, 2, 3, 4, 5, 6, 7, 8];

/// What a pure room never says.
const IMPURE: &[&str] = &[
    "std::fs",
    "std::env",
    "std::net",
    "std::time::Instant",
    "SystemTime",
    "tokio::",
    ".await",
    "std::thread",
    "std::process",
];

/// Crates and the rooms that may import them. serde, thiserror and bytes are everyone's.
const GUESTS: &[(&str, &[&str])] = &[
    ("axum", &["simulator::http", "server"]),
    ("base64", &["document", "store"]),
    ("bollard", &["launch"]),
    ("clap", &["cli"]),
    ("comfy_table", &["report"]),
    ("csv", &["workload"]),
    ("glob", &["host"]),
    ("governor", &["server"]),
    ("hdrhistogram", &["metrics", "document"]),
    ("http_body", &["simulator::http"]),
    ("httparse", &["protocol"]),
    ("hyper_util", &["transport"]),
    ("jiff", &["host", "document", "report", "workload", "config", "store"]),
    ("junit_report", &["report"]),
    ("memchr", &["protocol"]),
    ("mio", &["transport"]),
    ("maud", &["report"]),
    ("nvml_wrapper", &["telemetry"]),
    ("object_store", &["store"]),
    ("octocrab", &["github"]),
    ("parquet", &["workload", "store"]),
    ("prost", &["protocol"]),
    ("rand_xoshiro", &["base"]),
    ("reqwest", &["transport", "github"]),
    ("rustix", &["host", "launch", "transport"]),
    ("rustls", &["transport", "github"]),
    ("rustls_native_certs", &["transport", "github"]),
    ("saphyr_parser", &["config"]),
    ("schemars", &["document", "config"]),
    ("sha2", &["config", "document", "server"]),
    ("shlex", &["config"]),
    ("sqlx", &["store"]),
    ("statrs", &["stats"]),
    ("strsim", &["config", "recommend"]),
    ("terminal_size", &["cli"]),
    ("tiktoken_rs", &["workload"]),
    ("tokenizers", &["workload"]),
    (
        "tokio",
        &[
            "host",
            "launch",
            "transport",
            "telemetry",
            "github",
            "store",
            "simulator::http",
            "app",
            "server",
            "cli",
        ],
    ),
    ("tonic", &["transport"]),
    ("tower_http", &["server"]),
    ("tower_service", &["transport"]),
    ("tracing", &["server"]),
    ("tracing_subscriber", &["cli"]),
    ("zstd", &["store"]),
];

const LINES_MAX: usize = 400;

/// Files that may be longer, and why.
const LONGER: &[(&str, usize, &str)] = &[("src/config/settings.rs", 500, "one table, a row per setting")];

struct Source {
    path: String,
    text: String,
}

#[test]
fn the_house_is_tidy() {
    let files = sources(Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/src")), "src");
    assert!(files.len() > 50, "only {} files were found", files.len());
    let found = violations(&files);
    assert!(found.is_empty(), "{}", found.join("\n"));
}

#[test]
fn every_planted_violation_is_found() {
    let planted = [
        ("src/base/a.rs", "//! x\nuse crate::record::Row;\n", "imports record"),
        ("src/record/a.rs", "//! x\nuse crate::stats::mean;\n", "imports stats"),
        ("src/gate/a.rs", "//! x\nuse crate::{base::Nanos, report::{self, table}};\n", "imports report"),
        ("src/engine/a.rs", "//! x\nfn f() { crate::app::run() }\n", "imports app"),
        ("src/simulator/model/a.rs", "//! x\nuse crate::protocol::Api;\n", "imports protocol"),
        ("src/gate/a.rs", "//! x\nuse clap::Parser;\n", "guest clap"),
        ("src/report/a.rs", "//! x\nfn f() { reqwest::get() }\n", "guest reqwest"),
        ("src/stats/a.rs", "//! x\nfn f() { std::fs::read(p) }\n", "std::fs"),
        ("src/document/a.rs", "//! x\nasync fn f() { g().await }\n", ".await"),
        ("src/app/a.rs", "//! x\nuse super::super::base;\n", "super::super"),
        ("src/app/a.rs", "use std::fmt;\n", "no //! header"),
        ("src/lost/a.rs", "//! x\n", "no room"),
    ];
    for (path, text, wanted) in planted {
        let found = violations(&[Source { path: path.to_owned(), text: text.to_owned() }]);
        assert!(found.iter().any(|line| line.contains(wanted)), "{path}: '{wanted}' not in {found:?}");
    }
    let long = Source { path: "src/app/a.rs".to_owned(), text: format!("//! x\n{}", "\n".repeat(LINES_MAX)) };
    assert!(violations(&[long]).iter().any(|line| line.contains("lines")));
    let fine = "//! x\n// crate::app is far above, says this comment\nuse crate::base::Nanos;\n#[cfg(test)]\nmod tests { use crate::app::run; }\n";
    assert_eq!(
        violations(&[Source { path: "src/gate/a.rs".to_owned(), text: fine.to_owned() }]),
        Vec::<String>::new()
    );
}

fn sources(folder: &Path, name: &str) -> Vec<Source> {
    let mut found = Vec::new();
    let mut entries: Vec<_> = fs::read_dir(folder).unwrap().map(Result::unwrap).collect();
    entries.sort_by_key(fs::DirEntry::file_name);
    for entry in entries {
        let path = format!("{name}/{}", entry.file_name().to_string_lossy());
        if entry.file_type().unwrap().is_dir() {
            found.extend(sources(&entry.path(), &path));
        } else if entry.path().extension().is_some_and(|ending| ending == "rs") {
            found.push(Source { path, text: fs::read_to_string(entry.path()).unwrap() });
        }
    }
    found
}

fn violations(files: &[Source]) -> Vec<String> {
    files
        .iter()
        .flat_map(|file| check(file).into_iter().map(|line| format!("{}: {line}", file.path)))
        .collect()
}

fn check(file: &Source) -> Vec<String> {
    let mut found = Vec::new();
    if !file.text.starts_with("//! ") {
        found.push("no //! header".to_owned());
    }
    let limit = LONGER.iter().find(|(path, ..)| *path == file.path).map_or(LINES_MAX, |(_, lines, _)| *lines);
    let lines = file.text.lines().count();
    if lines > limit {
        found.push(format!("{lines} lines, more than {limit}"));
    }
    if matches!(file.path.as_str(), "src/lib.rs" | "src/main.rs") {
        return found;
    }
    let Some(room) = room_of(&file.path) else {
        found.push("no room in FLOORS".to_owned());
        return found;
    };
    let code = code_of(&file.path, &file.text);
    if code.contains("super::super::") {
        found.push("super::super".to_owned());
    }
    found.extend(
        imports(&code)
            .into_iter()
            .filter(|other| !may_import(&room, other))
            .map(|other| format!("imports {other}")),
    );
    for (guest, rooms) in GUESTS {
        let used = mentions(&code, &format!("{guest}::")) || mentions(&code, &format!("use {guest};"));
        if used && !rooms.contains(&room.as_str()) {
            found.push(format!("guest {guest} is not admitted to {room}"));
        }
    }
    if PURE_FLOORS.contains(&floor(&room)) {
        found.extend(
            IMPURE.iter().filter(|word| code.contains(**word)).map(|word| format!("{word} in a pure room")),
        );
    }
    found
}

fn floor(room: &str) -> u8 {
    FLOORS.iter().find(|(name, _)| *name == room).map_or(u8::MAX, |(_, floor)| *floor)
}

fn may_import(room: &str, other: &str) -> bool {
    room == other || floor(other) < floor(room) || (room == "simulator" && other.starts_with("simulator"))
}

/// `src/simulator/model/kv.rs` lives in `simulator::model`.
fn room_of(path: &str) -> Option<String> {
    let parts: Vec<&str> = path.trim_start_matches("src/").split('/').collect();
    let deep = parts.get(..2).map(|two| two.join("::"));
    deep.into_iter()
        .chain(parts.first().map(|one| (*one).to_owned()))
        .find(|name| FLOORS.iter().any(|(room, _)| room == name))
}

/// The file without comments and tests.
fn code_of(path: &str, text: &str) -> String {
    if path.ends_with("/tests.rs") || path.contains("/tests/") {
        return String::new();
    }
    text.split("#[cfg(test)]")
        .next()
        .unwrap_or_default()
        .lines()
        .map(|line| line.split("//").next().unwrap_or_default())
        .collect::<Vec<_>>()
        .join("\n")
}

/// The rooms that the code names after `crate::`, grouped imports included.
fn imports(code: &str) -> Vec<String> {
    let mut found = Vec::new();
    for (at, _) in code.match_indices("crate::") {
        let rest = &code[at + "crate::".len()..];
        match rest.strip_prefix('{') {
            Some(group) => found.extend(members(group).iter().filter_map(|path| room_named(path))),
            None => found.extend(room_named(rest)),
        }
    }
    found
}

/// The outermost members of a `{…}` group.
fn members(group: &str) -> Vec<String> {
    let mut depth = 0_i32;
    let mut members = vec![String::new()];
    for letter in group.chars() {
        match letter {
            '{' => depth += 1,
            '}' => depth -= 1,
            ',' if depth == 0 => members.push(String::new()),
            _ => {}
        }
        if depth < 0 {
            break;
        }
        if let Some(last) = members.last_mut().filter(|_| letter != ',' || depth > 0) {
            last.push(letter);
        }
    }
    members
}

fn room_named(path: &str) -> Option<String> {
    let word = |text: &str| {
        text.trim_start().chars().take_while(|c| c.is_ascii_alphanumeric() || *c == '_').collect::<String>()
    };
    let first = word(path);
    let second = path.trim_start().strip_prefix(&format!("{first}::")).map(word).unwrap_or_default();
    let deep = format!("{first}::{second}");
    [deep, first].into_iter().find(|name| FLOORS.iter().any(|(room, _)| room == name))
}

/// Whether `word` occurs as a path of its own, not as the end of a longer name.
fn mentions(code: &str, word: &str) -> bool {
    code.match_indices(word).any(|(at, _)| {
        code[..at].chars().next_back().is_none_or(|c| !c.is_ascii_alphanumeric() && c != '_' && c != ':')
    })
}
