"""What GitHub's runner does to a container action, and to the composite one in docker/: folders, mounts, environment, file commands, signals.

Facts from the runner's source, version 2.336: ContainerActionHandler, DockerCommandManager, FileCommandManager, ProcessInvoker.
"""

import dataclasses
import json
import os
import re
import shutil
import signal
import subprocess
import tempfile
import time
import uuid
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
DOCKER = os.environ.get("DOCKER", "docker")
SOCKET = os.environ.get("DOCKER_HOST", "unix:///var/run/docker.sock").removeprefix("unix://")
# What the client reads for itself; a step's environment is for the container.
CLIENT = {name: os.environ[name] for name in ("PATH", "DOCKER_HOST") if name in os.environ}
# Seconds between SIGINT, SIGTERM and the end of patience.
PATIENCE = (7.5, 2.5)


def docker(*arguments, check=True, **more):
    """The output of a docker command, without the final newline."""
    done = subprocess.run([DOCKER, *map(str, arguments)], check=False, text=True, capture_output=True, **more)
    if check and done.returncode != 0:
        raise RuntimeError(f"docker {arguments}: {done.stderr}")
    return done.stdout.rstrip("\n")


def inputs(metadata, context):
    """The inputs of an action.yml with their defaults; expressions are looked up in `context`."""
    found, name = {}, None
    for line in metadata.read_text().split("\ninputs:\n")[1].split("\noutputs:\n")[0].splitlines():
        if match := re.fullmatch(r"  ([a-z-]+):", line):
            name = match[1]
            found[name] = ""
        elif match := re.fullmatch(r"    default: (.*)", line):
            found[name] = expression(match[1].strip("\"'"), context)
    return found


def expression(text, context):
    return re.sub(r"\$\{\{ (.+?) \}\}", lambda match: context[match[1]], text)


def file_command(text):
    """GITHUB_OUTPUT by the runner's grammar; a ValueError is a failed step."""
    values, lines = {}, text.split("\n")
    if lines.pop() != "":
        raise ValueError("the last line has no end")
    lines = iter(lines)
    for line in lines:
        if not line:
            continue
        equals, heredoc = line.find("="), line.find("<<")
        if equals >= 0 and (heredoc < 0 or equals < heredoc):
            name, value = line.split("=", 1)
        elif heredoc >= 0:
            name, delimiter = line.split("<<", 1)
            if not name or not delimiter:
                raise ValueError(f"invalid format '{line}'")
            block = []
            for inner in lines:
                if inner == delimiter:
                    break
                block.append(inner)
            else:
                raise ValueError(f"no closing '{delimiter}'")
            value = "\n".join(block)
        else:
            raise ValueError(f"invalid format '{line}'")
        if not name:
            raise ValueError(f"no name in '{line}'")
        values[name] = value
    return values


def commands(log):
    """The workflow commands that the runner would carry out: (name, properties, message)."""
    found, stopped = [], None
    for line in log.splitlines():
        line = line.strip()
        new, old = re.match(r"::([^ :]+)(?: (.*?))?::(.*)", line), re.search(r"##\[([^ \]]+)( [^\]]*)?\](.*)", line)
        match = new or old
        if not match:
            continue
        name, properties, message = match[1], match[2] or "", match[3]
        if stopped is not None:
            stopped = None if name == stopped else stopped
        elif name == "stop-commands":
            stopped = message
        else:
            found.append((name, properties.strip(), message))
    return found


@dataclasses.dataclass
class Step:
    """How a step ended."""

    code: int
    log: str
    seconds: float
    # Seconds from the first signal to the end, none where nobody cancelled; and whether the client had to be killed.
    stopping: float | None
    killed: bool
    outputs: dict
    summary: str

    @property
    def commands(self):
        return commands(self.log)


class Runner:
    """One job on a runner whose user is not root."""

    def __init__(self, image, owner=1001, event=None, event_name="pull_request", api="http://127.0.0.1:9", job="gate"):
        self.image, self.owner, self.api, self.job = image, owner, api, job
        self.event_name, self.repository = event_name, "org/serving"
        self.signals = (signal.SIGINT, signal.SIGTERM)
        self.label = uuid.uuid4().hex[:6]
        self.root = Path(tempfile.mkdtemp(prefix="runner-"))
        self.temp = self.root / "_temp"
        self.workspace = self.root / "repository" / "repository"
        self.home, self.workflow = self.temp / "_github_home", self.temp / "_github_workflow"
        self.file_commands = self.temp / "_runner_file_commands"
        for folder in (self.workspace, self.home, self.workflow, self.file_commands):
            folder.mkdir(parents=True)
        (self.workflow / "event.json").write_text(json.dumps(event or pull_request()))
        self.network = None
        self.own()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for container in self.containers():
            docker("rm", "--force", container)
        if self.network:
            docker("network", "rm", self.network)
        shutil.rmtree(self.root)

    def own(self):
        """Everything so far was made by the runner's user."""
        os.chmod(self.root, 0o755)
        for folder, _, files in os.walk(self.root):
            for name in (".", *files):
                os.chown(os.path.join(folder, name), self.owner, self.owner)

    def write(self, path, text):
        target = self.workspace / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text)
        self.own()

    def containers(self):
        return docker("ps", "--all", "--quiet", "--filter", f"label={self.label}").split()

    def strangers(self):
        """What is in the workspace and does not belong to the runner's user: the next checkout could not remove it."""
        return [str(path) for path in self.workspace.rglob("*") if os.lstat(path).st_uid != self.owner]

    def services(self, image, *arguments, name="llm"):
        """A job network with a service, as `services:` brings it."""
        self.network = f"github_network_{uuid.uuid4().hex}"
        docker("network", "create", "--label", self.label, self.network)
        docker("run", "--detach", "--label", self.label, "--network", self.network, "--network-alias", name, image, *arguments)

    @property
    def context(self):
        """What the expressions of inputs' defaults stand for."""
        return {"github.token": "ghs_runner", "github.job": self.job, "toJSON(matrix)": "null"}

    def environment(self, more):
        """The variables of a step, with the paths of this machine."""
        pull = json.loads((self.workflow / "event.json").read_text()).get("pull_request")
        variables = {
            "GITHUB_ACTION": "__self", "GITHUB_ACTIONS": "true", "CI": "true",
            "GITHUB_ACTOR": "octocat", "GITHUB_API_URL": self.api, "GITHUB_BASE_REF": "main" if pull else "",
            "GITHUB_EVENT_NAME": self.event_name, "GITHUB_EVENT_PATH": str(self.workflow / "event.json"),
            "GITHUB_GRAPHQL_URL": f"{self.api}/graphql", "GITHUB_HEAD_REF": "faster" if pull else "",
            "GITHUB_JOB": self.job, "GITHUB_REF": "refs/pull/7/merge" if pull else "refs/heads/main",
            "GITHUB_REF_NAME": "7/merge" if pull else "main", "GITHUB_REF_TYPE": "branch",
            "GITHUB_REPOSITORY": self.repository, "GITHUB_REPOSITORY_OWNER": "org", "GITHUB_RUN_ATTEMPT": "1",
            "GITHUB_RUN_ID": "4711", "GITHUB_RUN_NUMBER": "3", "GITHUB_SERVER_URL": "https://github.com",
            "GITHUB_SHA": "c" * 40, "GITHUB_WORKFLOW": "performance gate", "GITHUB_WORKSPACE": str(self.workspace),
            "RUNNER_ARCH": "X64", "RUNNER_ENVIRONMENT": "self-hosted", "RUNNER_NAME": "runner-1", "RUNNER_OS": "Linux",
            "RUNNER_TEMP": str(self.temp), "RUNNER_TOOL_CACHE": str(self.root / "_tool"),
            "RUNNER_WORKSPACE": str(self.workspace.parent),
        }
        for name in ("OUTPUT", "STEP_SUMMARY", "STATE", "ENV", "PATH"):
            path = self.file_commands / f"{name.lower()}_{uuid.uuid4()}"
            path.touch()
            os.chown(path, self.owner, self.owner)
            variables[f"GITHUB_{name}"] = str(path)
        return variables | more

    def action(self, given=None, more=None, network=None, mounts=(), cancel=None):
        """A step that uses action.yml."""
        variables = dict(more or {})
        for name, value in (inputs(REPOSITORY / "action.yml", self.context) | (given or {})).items():
            # Dashes stay as they are, spaces do not.
            variables["INPUT_" + name.upper().replace(" ", "_")] = value
        return self.container(["action"], variables, network, mounts, cancel)

    def container(self, arguments, more=None, network=None, mounts=(), cancel=None, entrypoint="/usr/local/bin/llm-loadtest"):
        """`docker run` as the runner writes it."""
        variables = self.environment(more or {})
        # Values that start with one of these folders are translated; the socket is mounted and no more.
        translated = {
            self.temp: "/github/runner_temp", self.home: "/github/home", self.workflow: "/github/workflow",
            self.file_commands: "/github/file_commands", self.workspace: "/github/workspace",
        }
        inside = {name: translate(value, translated) for name, value in variables.items()}
        inside["HOME"] = "/github/home"
        words = [DOCKER, "run", "--name", f"step-{uuid.uuid4().hex[:12]}", "--label", self.label, "--workdir", "/github/workspace", "--rm"]
        for name in inside:
            words += ["-e", name]
        words += ["--entrypoint", entrypoint]
        if network or self.network:
            words += ["--network", network or self.network]
        for outside, path in ((SOCKET, "/var/run/docker.sock"), *translated.items(), *mounts):
            words += ["-v", f"{outside}:{path}"]
        words += [self.image, *arguments]
        return self.follow(words, inside | CLIENT, variables, cancel)

    def composite(self, given=None, cancel=None):
        """A step that uses docker/action.yml: its script, as the runner's user."""
        metadata = REPOSITORY / "docker" / "action.yml"
        values = inputs(metadata, self.context) | {"image": self.image, "docker-args": f"--label {self.label}"} | (given or {})
        text = metadata.read_text()
        script = re.search(r"^      run: (.*)$", text, re.MULTILINE)[1]
        environment = {}
        for name, value in re.findall(r"^        ([A-Z_-]+): (.*)$", text.split("      env:\n")[1], re.MULTILINE):
            environment[name] = expression(value, {f"inputs.{key}": held for key, held in values.items()})
        folder = self.root / "_actions" / "docker"
        shutil.copytree(metadata.parent, folder, dirs_exist_ok=True)
        return self.run(script, environment | {"GITHUB_ACTION_PATH": str(folder)}, cancel)

    def run(self, script, more=None, cancel=None):
        """A step that runs a script on the machine, as the runner's user."""
        (self.temp / "script.sh").write_text(script + "\n")
        self.own()
        variables = self.environment(more or {})
        machine = {"PATH": f"{Path(DOCKER).parent}:/usr/local/bin:/usr/bin:/bin", "HOME": str(self.root), "DOCKER_HOST": f"unix://{SOCKET}"}
        words = ["bash", "--noprofile", "--norc", "-e", "-o", "pipefail", str(self.temp / "script.sh")]
        user = {"user": self.owner, "group": self.owner, "extra_groups": [os.stat(SOCKET).st_gid], "cwd": self.workspace}
        return self.follow(words, variables | machine, variables, cancel, user)

    def run_inside(self, script, more=None, cancel=None):
        """A step that runs a script in the job's container, as on Kubernetes: the image is kept by tail, and entered by sh."""
        variables = self.environment(more or {})
        inside = {name: translate(value, {self.root: "/__w"}) for name, value in variables.items()}
        job = docker("run", "--detach", "--label", self.label, "--volume", f"{self.root}:/__w", "--entrypoint", "tail", self.image, "-f", "/dev/null")
        words = [DOCKER, "exec", "--workdir", inside["GITHUB_WORKSPACE"]]
        for name in inside:
            words += ["--env", name]
        try:
            return self.follow([*words, job, "env", "sh", "-e", "-c", script], inside | CLIENT, variables, cancel)
        finally:
            docker("rm", "--force", job)

    def follow(self, words, environment, variables, cancel, more=None):
        """Runs it to its end. The job is cancelled when `cancel` stands in the log, or answers that it is time."""
        started, stopping, killed = time.monotonic(), None, False
        log = self.temp / f"log-{uuid.uuid4().hex}"
        with open(log, "wb") as sink:
            child = subprocess.Popen(words, env=environment, stdin=subprocess.DEVNULL, stdout=sink, stderr=subprocess.STDOUT, **(more or {}))
            if cancel:
                when = cancel if callable(cancel) else lambda: cancel.encode() in log.read_bytes()
                await_time(when, log, child)
                stopping, killed = stop(child, self.signals)
            code = child.wait(timeout=300)
        outputs = file_command(Path(variables["GITHUB_OUTPUT"]).read_text())
        summary = Path(variables["GITHUB_STEP_SUMMARY"]).read_text()
        if len(summary.encode()) > 1024 * 1024:
            raise ValueError("the summary is longer than 1 MiB, and nothing of it is shown")
        return Step(code, log.read_text(errors="replace"), time.monotonic() - started, stopping, killed, outputs, summary)


def translate(value, translated):
    """Only a value that starts with a mounted folder is translated, by the innermost one."""
    for outside, inside in sorted(translated.items(), key=lambda pair: -len(str(pair[0]))):
        if f"{value}/".startswith(f"{outside}/"):
            return inside + value.removeprefix(str(outside))
    return value


def await_time(when, log, child):
    for _ in range(1200):
        if when():
            return
        if child.poll() is not None:
            raise AssertionError(f"it ended before it could be cancelled: {log.read_text()}")
        time.sleep(0.05)
    child.kill()
    raise AssertionError(f"a minute was not enough: {log.read_text()}")


def stop(child, signals):
    """Cancels as the runner does: SIGINT, SIGTERM, then the client is killed and its container is nobody's."""
    started = time.monotonic()
    for name, seconds in zip(signals, PATIENCE):
        child.send_signal(name)
        try:
            child.wait(timeout=seconds)
            return time.monotonic() - started, False
        except subprocess.TimeoutExpired:
            continue
    child.kill()
    child.wait()
    return time.monotonic() - started, True


def pull_request(fork=False):
    """The event of a pull request from `a…` into `b…`, as far as anyone reads it."""
    ours = {"full_name": "org/serving", "owner": {"login": "org"}, "name": "serving", "default_branch": "main", "fork": False}
    theirs = ours | {"full_name": "someone/serving", "owner": {"login": "someone"}, "fork": True}
    return {
        "action": "synchronize", "number": 7, "repository": ours,
        "pull_request": {
            "number": 7, "state": "open",
            "head": {"ref": "faster", "sha": "a" * 40, "repo": theirs if fork else ours},
            "base": {"ref": "main", "sha": "b" * 40, "repo": ours},
        },
    }


def workflow_run():
    """The event of a workflow that ended, in the repository's default branch: of a fork's pull request the commit is known, and no number."""
    ours = pull_request()["repository"]
    run = {"id": 4710, "name": "fork measurement", "event": "pull_request", "conclusion": "success", "head_branch": "faster", "head_sha": "a" * 40, "pull_requests": []}
    return {"action": "completed", "repository": ours, "workflow_run": run}
