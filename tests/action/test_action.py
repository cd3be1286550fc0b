"""The action in the image of our Dockerfile, as a runner starts it: every end of a gate, and every trap of container actions."""

import contextlib
import functools
import http.server
import ipaddress
import json
import os
import platform
import re
import subprocess
import tempfile
import threading
import time
import unittest
from pathlib import Path

from github import GitHub
from runner import DOCKER, REPOSITORY, Runner, docker, pull_request

IMAGE = os.environ["IMAGE"]
BASE = os.environ.get("BASE_IMAGE", "local/debian:bookworm-slim")
# Small and wide: the way through is tested here, what a gate can tell apart elsewhere.
PLAN = """\
workloads:
  - name: small
    input_len: 128
    output_len: 8
    concurrency: 48
    num_prompts: 48
    warmup: 4
gate:
  rounds: 3
  tolerances: {tpot_p50: 60%, e2e_p50: 60%}
"""
FAST = "sim:h100-70b"
SLOWER = "sim:h100-70b?itl=+400%&ttft=+400%"
# Long enough to be cancelled in its midst.
ENDLESS = {"server": FAST, "num-prompts": "100000"}


@functools.cache
def gateway():
    """This machine, as containers on the default bridge see it."""
    routes = docker("run", "--rm", "--entrypoint", "cat", IMAGE, "/proc/net/route").splitlines()
    (route,) = [fields for fields in map(str.split, routes) if fields[1] == "00000000"]
    return str(ipaddress.IPv4Address(int.from_bytes(bytes.fromhex(route[2]), "little")))


@functools.cache
def baseline():
    """A stored baseline of PLAN: its path and its text."""
    with Runner(IMAGE) as job:
        job.write("loadtest.yaml", PLAN)
        step = job.container(["gate", "--config", "loadtest.yaml", "--server", FAST])
        if step.code != 0:
            raise AssertionError(step.log)
        (path,) = (job.workspace / "baselines").glob("*.json")
        return f"baselines/{path.name}", path.read_text()


@contextlib.contextmanager
def simulated(listen, profile="h100-70b", network="host"):
    """A server that an earlier step of the job started on this machine: its port."""
    name = docker("run", "--detach", "--rm", "--network", network, IMAGE, "simulate", "--listen", f"{listen}:0", profile)
    try:
        for _ in range(100):
            if found := re.search(r":(\d+)\s*$", docker("logs", name)):
                break
            time.sleep(0.05)
        yield found[1]
    finally:
        docker("kill", name)


@contextlib.contextmanager
def driver():
    """A stand-in for the driver's library, as a mount where NVIDIA's toolkit mounts the real one."""
    with tempfile.TemporaryDirectory() as folder:
        library = f"{folder}/libnvidia-ml.so.1"
        subprocess.run(["cc", "-shared", "-fPIC", "-o", library, Path(__file__).with_name("nvml.c")], check=True)
        yield library, f"/usr/lib/{platform.machine()}-linux-gnu/libnvidia-ml.so.1"


class Gate(unittest.TestCase):
    """A job with a load-test file, a baseline on the base branch, and a GitHub."""

    @contextlib.contextmanager
    def job(self, plan=PLAN, stored=True, forbidden=False, **more):
        files = dict([baseline()]) if stored else {}
        with GitHub(gateway(), forbidden, files) as github, Runner(IMAGE, api=github.url, **more) as job:
            job.write("loadtest.yaml", plan)
            for path, text in files.items():
                job.write(path, text)
            self.github = github
            yield job
            self.assertEqual(list(job.home.iterdir()), [], "HOME is the runner's")
            self.assertEqual(job.containers(), [], "a container is left")
            self.assertEqual(job.strangers(), [], "the next checkout cannot remove these")

    def gate(self, job, server=FAST, **inputs):
        """A step of the gate, with what holds for every end of one."""
        step = job.action({"config": "loadtest.yaml", "server": server} | {name.replace("_", "-"): value for name, value in inputs.items()})
        self.assertNotIn("ghs_runner", step.log)
        if step.outputs.get("exit-code"):
            self.assertEqual(step.outputs["exit-code"], str(step.code), step.log)
        return step

    def outputs(self, job, step, **wanted):
        for name, value in wanted.items():
            self.assertEqual(step.outputs.get(name.replace("_", "-")), value, step.log)
        for name in ("results-path", "junit-path", "report-path"):
            self.assertTrue((job.workspace / step.outputs[name]).is_file(), (name, step.outputs))

    def test_pass_is_said_everywhere_and_commented_once(self):
        with self.job() as job:
            step = self.gate(job, status="status")
            self.assertEqual(step.code, 0, step.log)
            self.outputs(job, step, verdict="pass", exit_code="0", regressions="0")
            self.assertIn(baseline()[0], step.outputs["baseline-ref"])
            self.assertIn("No serving regression", step.summary)
            self.assertTrue(self.github.comments[0]["body"].startswith("<!-- llm-loadtest key="), self.github.comments)
            self.assertEqual(step.outputs["comment-url"], "https://github.com/org/serving/pull/7#issuecomment-1")
            self.assertEqual([(sha, status["state"]) for sha, status in self.github.statuses], [("a" * 40, "success")])
            self.assertEqual(self.gate(job).code, 0)
            self.assertEqual(len(self.github.comments), 1, "a second comment")

    def test_a_planted_regression_fails_the_step_and_is_annotated(self):
        with self.job() as job:
            step = self.gate(job, SLOWER)
            self.assertEqual(step.code, 1, step.log)
            self.outputs(job, step, verdict="fail", exit_code="1")
            self.assertGreaterEqual(int(step.outputs["regressions"]), 1)
            errors = [properties for name, properties, _ in step.commands if name == "error"]
            self.assertTrue(errors and all("file=loadtest.yaml" in properties for properties in errors), step.commands)
            self.assertIn("<failure", (job.workspace / step.outputs["junit-path"]).read_text())
            self.assertIn("slower", self.github.comments[0]["body"])
            self.assertEqual(self.gate(job, SLOWER, fail_on="never").code, 0)

    def test_thirty_per_cent_are_found(self):
        stored = {str(path.relative_to(REPOSITORY)): path.read_text() for path in (REPOSITORY / "baselines").glob("*.json")}
        with self.job((REPOSITORY / "examples" / "quickstart.yaml").read_text(), stored=False) as job:
            self.github.files.update(stored)
            for path, text in stored.items():
                job.write(path, text)
            step = self.gate(job, "sim:h100-70b?ttft=+30%")
            self.assertEqual((step.code, step.outputs["verdict"]), (1, "fail"), step.log)
            self.assertIn("TTFT p95", step.summary)

    def test_inconclusive_fails_only_where_it_is_asked_to(self):
        # 48 requests a round say nothing about a p99.
        with self.job(stored=False) as job:
            step = self.gate(job, objective="ttft_p99 < 60s")
            self.assertEqual((step.code, step.outputs["verdict"]), (0, "inconclusive"), step.log)
            self.assertTrue(any(name == "warning" for name, *_ in step.commands), step.log)
            self.assertEqual(self.gate(job, objective="ttft_p99 < 60s", fail_on="inconclusive").code, 4)

    def test_a_cancelled_job_keeps_what_was_measured_and_leaves_nothing_running(self):
        with self.job(stored=False) as job:
            step = job.action({"config": "loadtest.yaml", **ENDLESS}, cancel=": started")
            self.assertFalse(step.killed)
            self.assertLess(step.stopping, 2, step.log)
            self.assertEqual(step.code, 130, step.log)
            result = json.loads((job.workspace / "llm-loadtest-results" / "result.json").read_text())
            self.assertTrue(result["partial"])

    def test_localhost_is_the_container_and_the_error_says_so(self):
        with self.job(stored=False) as job, simulated(gateway()) as port:
            step = self.gate(job, f"http://127.0.0.1:{port}")
            self.assertEqual(step.code, 3, step.log)
            self.assertIn(f"http://runner-host:{port}", step.log)
            self.assertEqual(self.gate(job, f"http://runner-host:{port}").code, 0)
        with self.job(stored=False) as job:
            step = self.gate(job, "http://localhost:1")
            self.assertEqual(step.code, 3, step.log)
            self.assertIn("0.0.0.0", step.log)

    def test_a_service_of_the_job_answers_by_its_name(self):
        with self.job(stored=False) as job:
            job.services(IMAGE, "simulate", "--listen", "0.0.0.0:8000", "h100-70b")
            step = self.gate(job, "http://llm:8000")
            self.assertEqual(step.code, 0, step.log)
            for container in job.containers():
                docker("rm", "--force", container)

    def test_a_forks_token_changes_no_verdict(self):
        with self.job(forbidden=True, event=pull_request(fork=True)) as job:
            step = self.gate(job, status="status")
            self.assertEqual((step.code, step.outputs["verdict"]), (0, "pass"), step.log)
            warnings = [message for name, _, message in step.commands if name == "warning"]
            self.assertTrue(any("pull-requests: write" in message or "fork" in message for message in warnings), step.commands)
            self.assertEqual(step.outputs.get("comment-url", ""), "")
            self.assertIn("No serving regression", step.summary)
            self.assertEqual(self.gate(job, SLOWER).code, 1)

    def test_the_text_of_a_server_runs_no_command(self):
        class Hostile(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                text = b'{"error": {"message": "no\\n::error::owned\\n##[warning]owned\\n::set-output name=verdict::owned"}}\n::error::owned\n##[error]owned'
                self.rfile.read(int(self.headers.get("content-length") or 0))
                self.send_response(500, "no ##[error]owned")
                self.send_header("content-length", str(len(text)))
                self.end_headers()
                self.wfile.write(text)

            do_POST = do_GET

            def log_message(self, *_):
                pass

        server = http.server.ThreadingHTTPServer((gateway(), 0), Hostile)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        with self.job(stored=False) as job:
            step = self.gate(job, f"http://runner-host:{server.server_port}", model="m")
            owned = [command for command in step.commands if command[0] != "error" and "owned" in command[2]]
            self.assertEqual(owned, [], step.log)
            self.assertNotIn(("error", "", "owned"), step.commands)
            self.assertNotEqual(step.code, 0)
        server.shutdown()
        server.server_close()

    def test_gpus_are_required_only_where_that_is_said(self):
        with driver() as mount, self.job(stored=False) as job, simulated(gateway()) as port:
            given = {"config": "loadtest.yaml", "server": f"http://runner-host:{port}", "gpu": "require"}
            step = job.action(given, mounts=[mount])
            self.assertEqual(step.code, 0, step.log)
            self.assertIn("NVIDIA Stand-in", (job.workspace / step.outputs["results-path"]).read_text())
            step = job.action(given)
            self.assertNotEqual(step.code, 0)
            self.assertIn("driver", step.log)


class JobContainer(unittest.TestCase):
    """Runners on Kubernetes: the image is the job's container, kept by tail, and steps come in by sh."""

    def test_the_program_is_a_step_of_the_job(self):
        with Runner(IMAGE) as job:
            job.write("loadtest.yaml", PLAN)
            folder = "/__w/repository/repository"
            paths = {f"GITHUB_{name}": f"/__w/_temp/{name.lower()}" for name in ("OUTPUT", "STEP_SUMMARY")}
            for path in paths.values():
                (job.temp / Path(path).name).touch()
            more = paths | {"GITHUB_WORKSPACE": folder, "RUNNER_TEMP": "/__w/_temp", "GITHUB_EVENT_PATH": "/__w/_temp/_github_workflow/event.json"}
            variables = job.environment(more | {"INPUT_CONFIG": "loadtest.yaml", "INPUT_SERVER": FAST, "INPUT_COMMENT": "never"})
            mounts = ("--volume", f"{job.root}:/__w")
            name = docker("run", "--detach", "--label", job.label, *mounts, "--entrypoint", "tail", IMAGE, "-f", "/dev/null")
            words = [word for key in variables for word in ("--env", key)]
            step = subprocess.run(
                [DOCKER, "exec", "--workdir", folder, *words, name, "env", "sh", "-e", "-c", "llm-loadtest action"],
                env=variables | {key: os.environ[key] for key in ("PATH", "DOCKER_HOST") if key in os.environ}, check=False, capture_output=True, text=True,
            )
            self.assertEqual(step.returncode, 0, step.stdout + step.stderr)
            self.assertIn("verdict=", (job.temp / "output").read_text())
            self.assertEqual(job.strangers(), [])


class Host(unittest.TestCase):
    """docker/action.yml: the runner's user, the host's network."""

    @contextlib.contextmanager
    def job(self):
        with GitHub("127.0.0.1") as github, Runner(IMAGE, owner=1000, api=github.url) as job:
            job.write("loadtest.yaml", PLAN)
            self.github = github
            yield job
            self.assertEqual(job.containers(), [])
            self.assertEqual(job.strangers(), [])

    def test_localhost_is_the_runners(self):
        with self.job() as job, simulated("127.0.0.1") as port:
            for host in ("127.0.0.1", "localhost", "runner-host"):
                step = job.composite({"config": "loadtest.yaml", "server": f"http://{host}:{port}"})
                self.assertEqual(step.code, 0, step.log)
            self.assertEqual(step.outputs["verdict"], "pass")
            self.assertEqual(len(self.github.comments), 1)
            self.assertEqual(step.outputs["results-path"], "llm-loadtest-results/result.json")

    def test_dashes_quotes_and_code_arrive_as_they_are(self):
        with self.job() as job:
            step = job.composite({
                "config": "loadtest.yaml", "server": SLOWER, "objective": "e2e_p50 < 1ms\nttft_p50 < 1ms", "fail-on": "never",
                "comment-key": "$(touch owned) `touch owned`; touch owned #'\"",
                "docker-args": f"--label {job.label} --label 'x=$(touch owned) y'",
            })
            self.assertEqual(step.code, 0, step.log)
            self.assertEqual(step.outputs["verdict"], "fail")
            self.assertFalse((job.workspace / "owned").exists())

    def test_a_cancelled_job_leaves_nothing_running(self):
        with self.job() as job:
            step = job.composite({"config": "loadtest.yaml", **ENDLESS}, cancel=": started")
            self.assertFalse(step.killed)
            self.assertLess(step.stopping, 2, step.log)
            self.assertTrue((job.workspace / "llm-loadtest-results" / "result.json").is_file())


class Image(unittest.TestCase):
    """The image itself, and the command line in it."""

    def test_it_says_what_it_is_and_has_what_kubernetes_needs(self):
        (facts,) = json.loads(docker("image", "inspect", IMAGE))
        config = facts["Config"]
        self.assertEqual((config["User"], config["Entrypoint"], config["Cmd"]), ("", ["/usr/local/bin/llm-loadtest"], None))
        self.assertIn("NVIDIA_DRIVER_CAPABILITIES=utility", config["Env"])
        self.assertIn("NVIDIA_VISIBLE_DEVICES=all", config["Env"])
        for label in ("version", "revision", "source", "licenses", "created"):
            self.assertTrue(config["Labels"][f"org.opencontainers.image.{label}"], label)
        docker("run", "--rm", "--entrypoint", "env", IMAGE, "sh", "-c", "tail --version && command -v env")
        self.assertTrue(docker("run", "--rm", IMAGE, "--version").startswith("llm-loadtest "))
        base = json.loads(docker("image", "inspect", BASE))[0]["Size"]
        print(f"\nimage: {facts['Size'] / 1e6:.1f} MB, of which the base has {base / 1e6:.1f} and the program adds {(facts['Size'] - base) / 1e6:.1f}")
        self.assertLess(facts["Size"] - base, 60e6)

    def test_a_developer_runs_it_as_the_readme_says(self):
        with Runner(IMAGE, owner=1000) as job, simulated("127.0.0.1") as port:
            job.write("loadtest.yaml", PLAN)
            log = docker(
                "run", "--rm", "--network", "host", "--user", "1000:1000", "--volume", f"{job.workspace}:/w", "--workdir", "/w",
                IMAGE, "gate", "--config", "loadtest.yaml", "--server", f"http://127.0.0.1:{port}",
            )
            self.assertIn("PASS", log)
            self.assertEqual(job.strangers(), [])
            self.assertTrue((job.workspace / "llm-loadtest-results" / "result.json").is_file())

    def test_gpus_are_read_through_what_the_toolkit_mounts(self):
        with driver() as mount, Runner(IMAGE) as job, simulated("127.0.0.1", "fast") as port:
            arguments = ["run", "--server", f"http://127.0.0.1:{port}", "--num-prompts", "8", "--output", "with"]
            step = job.container(arguments, network="host", mounts=[mount])
            self.assertEqual(step.code, 0, step.log)
            self.assertIn("NVIDIA Stand-in", (job.workspace / "with" / "result.json").read_text())
            arguments[-1] = "without"
            self.assertEqual(job.container(arguments, network="host").code, 0)
            self.assertNotIn("NVIDIA Stand-in", (job.workspace / "without" / "result.json").read_text())

    def test_a_first_process_that_is_stopped_ends(self):
        with Runner(IMAGE) as job:
            job.write("loadtest.yaml", PLAN)
            step = job.container(["gate", "--config", "loadtest.yaml", "--server", FAST, "--num-prompts", "100000"], cancel=": started")
            self.assertEqual((step.killed, step.code, job.containers()), (False, 130, []))
            self.assertLess(step.stopping, 2)


if __name__ == "__main__":
    unittest.main()
