"""What the cases share: the image, a plan and its baseline, servers on this machine, and a job with a GitHub."""

import contextlib
import functools
import ipaddress
import json
import os
import platform
import re
import subprocess
import tempfile
import time
import unittest
from pathlib import Path

from github import GitHub
from runner import Runner, docker, pull_request

IMAGE = os.environ["IMAGE"]
BASE_IMAGE = os.environ.get("BASE_IMAGE", "local/debian:bookworm-slim")
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
  tolerances: {e2e_p50: 60%}
"""
FAST = "sim:h100-70b"
SLOWER = "sim:h100-70b?itl=+400%&ttft=+400%"
# Long enough to be cancelled in its midst.
ENDLESS = {"server": FAST, "rounds": "500"}


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


def launched(job):
    """Containers and networks that the step started for a server and left behind."""
    ours = ("--quiet", "--filter", f"label=llm-loadtest.workspace={job.repository}")
    return docker("ps", "--all", *ours).split() + docker("network", "ls", *ours).split()


@contextlib.contextmanager
def server_images(**profiles):
    """Images of simulated servers, by name, that take any arguments and listen on port 8000."""
    for name, profile in profiles.items():
        start = ["sh", "-c", f"exec llm-loadtest simulate --listen 0.0.0.0:8000 '{profile}'"]
        docker("build", "--quiet", "--tag", name, "-", input=f"FROM {IMAGE}\nENTRYPOINT {json.dumps(start)}\n")
    try:
        yield
    finally:
        docker("rmi", *profiles)


@contextlib.contextmanager
def driver():
    """A stand-in for the driver's library, as a mount where NVIDIA's toolkit mounts the real one."""
    with tempfile.TemporaryDirectory() as folder:
        library = f"{folder}/libnvidia-ml.so.1"
        subprocess.run(["cc", "-shared", "-fPIC", "-o", library, Path(__file__).with_name("nvml.c")], check=True)
        yield library, f"/usr/lib/{platform.machine()}-linux-gnu/libnvidia-ml.so.1"


class Job(unittest.TestCase):
    """A job with a load-test file, a baseline on the default branch, and a GitHub."""

    @contextlib.contextmanager
    def job(self, plan=PLAN, stored=True, forbidden=False, fork=False, silent=None, **more):
        files = dict([baseline()]) if stored else {}
        more = {"event": pull_request(fork)} | more
        with GitHub(gateway(), forbidden, files, fork, silent) as github, Runner(IMAGE, api=github.url, **more) as job:
            job.write("loadtest.yaml", plan)
            for path, text in files.items():
                job.write(path, text)
            self.github = github
            yield job
            self.assertEqual(list(job.home.iterdir()), [], "HOME is the runner's")
            self.assertEqual(job.containers() + launched(job), [], "a container or a network is left")
            self.assertEqual(job.strangers(), [], "the next checkout cannot remove these")

    def gate(self, job, server=FAST, **inputs):
        """A step of the gate, with what holds for every end of one."""
        step = job.action({"config": "loadtest.yaml", "server": server} | {name.replace("_", "-"): value for name, value in inputs.items()})
        self.assertNotIn("ghs_runner", step.log)
        if step.outputs.get("exit-code"):
            self.assertEqual(step.outputs["exit-code"], str(step.code), step.log)
        return step

    def stopped(self, step, limit=5):
        """The first signal was enough, the runner's second one comes after 7.5 s. An idle machine needs less than one."""
        print(f"\n{self.id().split('.')[-1]}: ended {step.stopping:.2f} s after the signal")
        self.assertEqual((step.killed, step.code), (False, 130), step.log)
        self.assertLess(step.stopping, limit, step.log)

    def outputs(self, job, step, **wanted):
        for name, value in wanted.items():
            self.assertEqual(step.outputs.get(name.replace("_", "-")), value, step.log)
        for name in ("results-path", "junit-path", "report-path"):
            self.assertTrue((job.workspace / step.outputs[name]).is_file(), (name, step.outputs))
