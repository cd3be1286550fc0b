"""What a step does besides gates, and the other places where the image runs."""

import contextlib
import json

from github import BASE, GitHub
from runner import Runner, pull_request, workflow_run
from stage import ENDLESS, FAST, IMAGE, PLAN, SLOWER, Job, baseline, simulated


class Commands(Job):
    """What a step does besides gates."""

    def test_two_results_are_compared(self):
        with self.job(stored=False) as job:
            for name, server in (("base", FAST), ("head", SLOWER)):
                step = self.gate(job, server, output=f"{name}/result.json")
                self.assertEqual((step.code, step.outputs["verdict"]), (0, "no-baseline"), step.log)
            step = job.action({"command": "compare", "candidate": "head/result.json", "baseline": "base/result.json"})
            self.assertEqual((step.code, step.outputs["verdict"]), (1, "fail"), step.log)

    def test_a_forks_numbers_are_judged_by_our_limits_in_a_second_workflow(self):
        with self.job(PLAN.replace("60%", "900%"), fork=True, forbidden=True) as fork:
            step = self.gate(fork, SLOWER, comment="never")
            self.assertEqual((step.code, step.outputs["verdict"]), (0, "pass"), step.log)
            self.assertEqual([method for method, *_ in self.github.requests if method != "GET"], [], "nothing was to be written")
            result = (fork.workspace / step.outputs["results-path"]).read_text()
        with self.job(event=workflow_run(), event_name="workflow_run", fork=True) as job:
            job.write("measured/result.json", result)
            given = {"command": "report", "config": "loadtest.yaml", "candidate": "measured/result.json", "head-sha": "a" * 40, "status": "status"}
            step = job.action(given)
            self.assertEqual(step.code, 1, step.log)
            self.outputs(job, step, verdict="fail", baseline_ref=f"{baseline()[0]}@{BASE}")
            (comment,) = self.github.comments
            self.assertIn("Measured on a fork", comment["body"])
            self.assertEqual([(sha, status["state"]) for sha, status in self.github.statuses], [("a" * 40, "failure")])

    def test_legs_of_a_matrix_have_one_comment(self):
        with self.job() as job:
            for name, server in (("h100", FAST), ("l40s", SLOWER)):
                step = self.gate(job, server, comment="never", fail_on="never", output=f"legs/{name}/result.json")
                self.assertEqual(step.code, 0, step.log)
            self.assertEqual(self.github.comments, [])
            step = job.action({"command": "comment", "candidate": "legs/*/result.json", "comment-key": "legs"})
            self.assertEqual((step.code, step.outputs["verdict"]), (0, "fail"), step.log)
            (comment,) = self.github.comments
            self.assertTrue(comment["body"].startswith("<!-- llm-loadtest key=legs -->"), comment)
            for word in ("h100", "l40s", "1 of 2 fails"):
                self.assertIn(word, comment["body"])

    def test_nights_are_offered_in_one_pull_request(self):
        night = {"event": {"schedule": "37 2 * * *", "repository": pull_request()["repository"]}, "event_name": "schedule"}
        with self.job(**night) as job:
            for sessions in (2, 3):
                step = self.gate(job, fail_on="never")
                self.assertEqual(step.code, 0, step.log)
                self.assertEqual(step.outputs["baseline-ref"], baseline()[0])
                step = job.action({"command": "baseline", "config": "loadtest.yaml", "candidate": step.outputs["results-path"]})
                self.assertEqual((step.code, step.outputs["pull-request-url"]), (0, "https://github.com/org/serving/pull/8"), step.log)
                offered = self.github.objects[self.github.branches["llm-loadtest/baselines"]]
                self.assertEqual(len(json.loads(offered[baseline()[0]])["sessions"]), sessions)
            self.assertEqual(len(self.github.pulls), 2, "another pull request")
        # Without a token they are stored here.
        with self.job(stored=False, **night) as job:
            result = self.gate(job, save_baseline="false").outputs["results-path"]
            step = job.action({"command": "baseline", "config": "loadtest.yaml", "candidate": result, "github-token": ""})
            self.assertEqual(step.code, 0, step.log)
            self.assertEqual(len(list((job.workspace / "baselines").iterdir())), 1)


class Host(Job):
    """docker/action.yml: the runner's user, the host's network."""

    @contextlib.contextmanager
    def job(self, silent=None):
        with GitHub("127.0.0.1", silent=silent) as github, Runner(IMAGE, owner=1000, api=github.url) as job:
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
            self.assertEqual(step.outputs["verdict"], "no-baseline")
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
            self.stopped(step)
            self.outputs(job, step, verdict="interrupted")
        # Here it is not the first process.
        with self.job(silent="/issues/") as job:
            step = job.composite({"config": "loadtest.yaml", "server": FAST}, cancel=lambda: self.github.is_kept_waiting)
            self.stopped(step)
