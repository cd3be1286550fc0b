"""A gate in the image of our Dockerfile, as a runner starts it: its ends, and the traps of container actions."""

import contextlib
import http.server
import json
import signal
import socket
import threading

from github import BASE
from runner import REPOSITORY, docker
from stage import BASE_IMAGE, ENDLESS, FAST, IMAGE, SLOWER, Job, baseline, driver, gateway, simulated


class Gate(Job):
    """Every end of a gate."""

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
            self.github.objects[BASE].update(stored)
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

    def test_localhost_is_the_container_and_the_error_says_so(self):
        with self.job(stored=False) as job, simulated(gateway()) as port:
            step = self.gate(job, f"http://127.0.0.1:{port}")
            self.assertEqual(step.code, 3, step.log)
            self.assertIn(f"http://runner-host:{port}", step.log)
            self.assertEqual(self.gate(job, f"http://runner-host:{port}").code, 0)
        # The base's baselines were fetched by then, and are the workspace's all the same.
        with self.job() as job:
            step = self.gate(job, "http://localhost:1")
            self.assertEqual((step.code, step.outputs["verdict"]), (3, "error"), step.log)
            self.assertTrue((job.workspace / "llm-loadtest-results" / "baselines-of-base").is_dir())
            self.assertIn("0.0.0.0", step.log)

    def test_a_service_of_the_job_answers_by_its_name(self):
        with self.job(stored=False) as job:
            job.services(IMAGE, "simulate", "--listen", "0.0.0.0:8000", "h100-70b")
            step = self.gate(job, "http://llm:8000")
            self.assertEqual(step.code, 0, step.log)
            for container in job.containers():
                docker("rm", "--force", container)

    def test_a_forks_token_changes_no_verdict(self):
        with self.job(forbidden=True, fork=True) as job:
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


class Cancelled(Job):
    """The runner's signals, in every phase of a step, to the first process of its container."""

    @contextlib.contextmanager
    def by(self, first, **more):
        with self.subTest(first.name), self.job(**more) as job:
            job.signals = (first, signal.SIGTERM)
            yield job

    def test_while_it_measures(self):
        for first in (signal.SIGINT, signal.SIGTERM):
            with self.by(first) as job:
                step = job.action({"config": "loadtest.yaml", **ENDLESS}, cancel=": started")
                self.stopped(step)
                self.outputs(job, step, verdict="interrupted", exit_code="130")
                self.assertTrue(json.loads((job.workspace / step.outputs["results-path"]).read_text())["partial"])
                self.assertEqual(self.github.comments, [])

    def test_while_github_is_silent_before_the_measurement(self):
        for first in (signal.SIGINT, signal.SIGTERM):
            with self.by(first, silent="/contents/") as job:
                step = job.action({"config": "loadtest.yaml", "server": FAST}, cancel=lambda: self.github.is_kept_waiting)
                self.stopped(step)
                self.assertEqual((step.outputs["verdict"], step.outputs["exit-code"]), ("interrupted", "130"), step.log)
                self.assertEqual(self.github.comments, [])

    def test_while_a_server_is_silent(self):
        for first in (signal.SIGINT, signal.SIGTERM):
            with socket.create_server((gateway(), 0)) as silent, self.by(first) as job:
                asked = []
                threading.Thread(target=lambda: asked.append(silent.accept()), daemon=True).start()
                given = {"config": "loadtest.yaml", "server": f"http://runner-host:{silent.getsockname()[1]}"}
                step = job.action(given, cancel=lambda: asked)
                asked.pop()[0].close()
                self.stopped(step)
                self.assertEqual(step.outputs["verdict"], "interrupted", step.log)

    def test_while_a_server_starts(self):
        for first in (signal.SIGINT, signal.SIGTERM):
            for launch in ({"server-command": "trap '' TERM; sleep 600"}, {"server-image": BASE_IMAGE, "server-args": "sleep 600"}):
                with self.by(first) as job:
                    log = job.workspace / "llm-loadtest-results" / "server.log"
                    step = job.action({"config": "loadtest.yaml", **launch}, cancel=log.exists)
                    # A server that heeds no signal has three seconds.
                    self.stopped(step, 7.5)
                    self.assertEqual(step.outputs["verdict"], "interrupted", step.log)

    def test_while_a_server_that_it_started_is_measured(self):
        for first in (signal.SIGINT, signal.SIGTERM):
            with self.by(first, stored=False) as job:
                launch = {"server-image": IMAGE, "server-args": "simulate --listen 0.0.0.0:8000 h100-70b"}
                step = job.action({"config": "loadtest.yaml", **launch, "rounds": "500"}, cancel=": started")
                self.stopped(step)
                self.outputs(job, step, verdict="interrupted")

    def test_while_github_is_silent_after_the_measurement(self):
        for first in (signal.SIGINT, signal.SIGTERM):
            with self.by(first, silent="/issues/") as job:
                step = job.action({"config": "loadtest.yaml", "server": FAST}, cancel=lambda: self.github.is_kept_waiting)
                self.stopped(step)
                self.outputs(job, step, verdict="pass")
                self.assertIn("No serving regression", step.summary)
