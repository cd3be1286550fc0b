//! Servers in containers, on a real engine where one answers; without one these tests say so and show nothing.

use std::io::Write as _;
use std::process::{Command, Stdio};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use crate::stage::{BINARY, Ended, Simulated, Stage, ended};

const SMALL: [&str; 8] =
    ["--num-prompts", "20", "--input-len", "16", "--output-len", "4", "--concurrency", "2"];
/// Images that our binary runs in.
const BASES: [&str; 2] = ["local/debian:bookworm-slim", "debian:bookworm-slim"];
const IMAGE: &str = "local/llm-loadtest-server:test";
/// Debian's client, where a machine has several.
const CLIENTS: [&str; 2] = ["/usr/bin/docker", "docker"];

fn docker(arguments: &[&str]) -> Option<String> {
    let client = CLIENTS.iter().find(|client| Command::new(client).arg("--version").output().is_ok())?;
    let output = Command::new(client).args(arguments).output().ok()?;
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

/// An image with our binary in it, made once; none where there is no engine or nothing to make it of.
fn image() -> Option<&'static str> {
    static MADE: OnceLock<bool> = OnceLock::new();
    let make = || {
        let base = BASES.iter().find(|base| docker(&["image", "inspect", base]).is_some())?;
        let stage = Stage::new();
        std::fs::copy(BINARY, stage.path("server")).unwrap();
        stage.write("Dockerfile", &format!("FROM {base}\nCOPY server /server\nENTRYPOINT [\"/server\"]\nCMD [\"simulate\", \"--listen\", \"0.0.0.0:8000\", \"fast\"]\n"));
        docker(&["build", "-q", "-t", IMAGE, &stage.path("").display().to_string()])
    };
    let is_made = *MADE.get_or_init(|| make().is_some());
    if !is_made {
        let words = format!("NOT RUN: no container engine answers, or it has none of {}\n", BASES.join(", "));
        // Past the test's capture, which keeps what a passing test prints to itself.
        std::io::stderr().write_all(words.as_bytes()).unwrap();
    }
    is_made.then_some(IMAGE)
}

fn command(stage: &Stage, arguments: &[&str]) -> Command {
    let mut command = stage.command(arguments);
    command.envs(std::env::vars().filter(|(name, _)| name == "DOCKER_HOST"));
    command
}

fn small(stage: &Stage, arguments: &[&str]) -> Ended {
    ended(&command(stage, &[arguments, &SMALL].concat()).output().unwrap())
}

/// Names of the containers and networks of this stage.
fn left(stage: &Stage) -> String {
    let folder = stage.path("").canonicalize().unwrap();
    let filter = format!("label=llm-loadtest.workspace={}", folder.display());
    let containers = docker(&["ps", "-a", "--filter", &filter, "--format", "{{.Names}}"]).unwrap();
    let networks = docker(&["network", "ls", "--filter", &filter, "--format", "{{.Name}}"]).unwrap();
    format!("{containers}{networks}")
}

fn soon(happens: impl Fn() -> bool) -> bool {
    let start = Instant::now();
    while start.elapsed() < Duration::from_secs(30) {
        if happens() {
            return true;
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    false
}

#[test]
fn an_image_is_started_measured_and_removed_with_its_network() {
    let Some(image) = image() else { return };
    let stage = Stage::new();
    let own = ["run", "--server-image", image, "--server-env", "SECRET=sk-12345678"];
    small(&stage, &own).says(0, &["GPUs of the server's container: ", "the server is ready after"]);
    assert_eq!(left(&stage), "");
    assert!(stage.read("llm-loadtest-results/server.log").contains("simulating fast"));
    let text = stage.read("llm-loadtest-results/result.json");
    assert!(!text.contains("sk-12345678"));
    let result = stage.json("llm-loadtest-results/result.json");
    assert_eq!(result["environment"]["network_path"], "bridge");
    assert!(result["environment"]["image"].as_str().unwrap().contains("sha256:"));
    assert_eq!(result["plan"]["target"]["launch"]["env_names"][0], "SECRET");
}

#[test]
fn an_image_that_ends_is_explained_with_its_last_words() {
    let Some(image) = image() else { return };
    let stage = Stage::new();
    small(&stage, &["run", "--server-image", image, "--server-args", "simulate no-such-profile"])
        .says(3, &["ended before it was ready: exit code 2", "| error: ", "no-such-profile", "server.log"]);
    assert_eq!(left(&stage), "");
    small(&stage, &["run", "--server-image", "no/such:image", "--server-pull", "never"])
        .says(3, &["no/such:image is not there", "--server-pull never"]);
    small(&stage, &["run", "--server-image", "localhost:9/no/such:image"])
        .says(3, &["cannot pull localhost:9/no/such:image", "docker login"]);
    small(&stage, &["run", "--server-image", image, "--server-volume", "/nowhere:/x:sometimes"])
        .says(3, &["cannot make the container"]);
    assert_eq!(left(&stage), "");
}

#[test]
fn no_way_of_ending_leaves_a_container_behind() {
    let Some(image) = image() else { return };
    let stage = Stage::new();
    let load = ["--num-prompts", "1000000", "--output-len", "4"];
    let arguments = [&["run", "--server-image", image][..], &load].concat();
    for signals in [&["-TERM"][..], &["-INT", "-INT"], &["-KILL"]] {
        std::fs::remove_dir_all(stage.path("llm-loadtest-results")).ok();
        let child =
            command(&stage, &arguments).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        assert!(soon(|| stage.path("llm-loadtest-results/requests.jsonl").exists()));
        for name in signals {
            std::thread::sleep(Duration::from_millis(100));
            Command::new("kill").args([*name, &child.id().to_string()]).status().unwrap();
        }
        drop(child.wait_with_output().unwrap());
        if signals != ["-KILL"] {
            assert_eq!(left(&stage), "", "after {signals:?}");
        }
    }
    // Nothing runs after a SIGKILL: the next start finds what it left.
    assert_ne!(left(&stage), "");
    small(&stage, &["run", "--server-image", image]).says(0, &["removed llm-loadtest-", "had left behind"]);
    assert_eq!(left(&stage), "");
}

#[test]
fn two_images_take_turns() {
    let Some(image) = image() else { return };
    let stage = Stage::new();
    let args = |spec: &str| format!("simulate --listen 0.0.0.0:8000 '{spec}'");
    let (same, slower) = (args("h100-70b"), args("h100-70b?itl=+400%&ttft=+400%"));
    let own = ["gate", "--server-image", image, "--server-args", &slower, "--baseline-server-args", &same];
    let rules = ["--rounds", "3,5", "--tolerance", "tpot_p50:60%,e2e_p50:60%"];
    let load = ["--num-prompts", "48", "--concurrency", "48", "--input-len", "128", "--output-len", "8"];
    ended(&command(&stage, &[&own[..], &rules, &load].concat()).output().unwrap())
        .says(1, &["decided after 3"]);
    assert_eq!(left(&stage), "");
    let baseline = stage.json("llm-loadtest-results/result.json")["plan"]["baseline_server"].clone();
    assert_eq!((&baseline["in_turn"], &baseline["launch"]["image"]), (&true.into(), &image.into()));
}

#[test]
fn inside_a_container_the_server_is_reached_by_its_name() {
    let Some(image) = image() else { return };
    let host = std::env::var("DOCKER_HOST").unwrap_or_else(|_| "unix:///var/run/docker.sock".to_owned());
    let socket = host.strip_prefix("unix://").unwrap();
    let folder = Stage::new();
    let mounts = [format!("{socket}:/var/run/docker.sock"), format!("{}:/out", folder.path("").display())];
    let run = ["run", "--rm", "-v", &mounts[0], "-v", &mounts[1], "-w", "/out", image];
    let own = ["run", "--server-image", image];
    let told = docker(&[&run[..], &own, &SMALL].concat());
    assert!(told.is_some_and(|text| text.contains("requests")));
    let result = folder.json("llm-loadtest-results/result.json");
    assert_eq!(result["environment"]["network_path"], "bridge");
}

#[test]
fn an_engine_that_is_not_there_is_said() {
    let stage = Stage::new();
    let with = |host: &str| {
        let mut command = stage.command(&["run", "--server-image", "x"]);
        ended(&command.env("DOCKER_HOST", host).output().unwrap())
    };
    with("unix:///no/such.sock")
        .says(3, &["cannot reach a container engine at /no/such.sock", "DOCKER_HOST"]);
    with("tcp://127.0.0.1:1").says(3, &["DOCKER_HOST is tcp://127.0.0.1:1", "unix://"]);
}

#[test]
fn inside_a_container_the_machine_is_runner_host() {
    let Some(image) = image() else { return };
    let folder = Stage::new();
    let out = format!("{}:/out", folder.path("").display());
    let inside = |network: &str, url: &str| {
        let run =
            ["run", "--rm", "--network", network, "-v", &out, "-w", "/out", image, "run", "--server", url];
        let client = CLIENTS.iter().find(|client| Command::new(client).arg("--version").output().is_ok());
        ended(&Command::new(client.unwrap()).args([&run[..], &SMALL].concat()).output().unwrap())
    };
    let path = || folder.json("llm-loadtest-results/result.json")["environment"]["network_path"].clone();
    let open = Simulated::listening("0.0.0.0:0", "fast");
    let port = open.url.rsplit(':').next().unwrap();
    let (named, local) = (format!("http://runner-host:{port}"), format!("http://localhost:{port}"));
    inside("bridge", &named).says(0, &[]);
    assert_eq!(path(), "host");
    inside("bridge", &local).says(3, &["localhost", &format!("use {named}")]);
    inside("host", &named).says(0, &[]);
    assert_eq!(path(), "loopback");
    let closed = Simulated::start("fast");
    let port = closed.url.rsplit(':').next().unwrap();
    for host in ["runner-host", "127.0.0.1"] {
        inside("bridge", &format!("http://{host}:{port}")).says(3, &["--host 0.0.0.0"]);
    }
}
