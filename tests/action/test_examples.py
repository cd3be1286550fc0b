"""The workflows to copy, their steps run one after the other: only servers, the image, and what the machine has not, are replaced."""

import json
import re
import time

import workflow
from github import BASE
from runner import expression, pull_request, workflow_run
from stage import FAST, IMAGE, PLAN, SLOWER, Job, baseline, gateway, server_images, simulated

KNOWN = {"github.event.workflow_run.head_sha": "a" * 40, "secrets.HF_TOKEN": "hf_secret"}


class Examples(Job):
    """One job after another, each in a workspace of its own."""

    def steps(self, name, job=None):
        """The steps of ours in a job of a workflow."""
        return [step for step in workflow.ours(workflow.examples()[name].read_text()) if job in (None, step["job"])]

    def follow(self, job, step, context=None, **replaced):
        """Runs it as it stands there."""
        context = KNOWN | (context or {})
        given, more = ({name: expression(value, context) for name, value in step.get(key, {}).items()} for key in ("with", "env"))
        for name, value in replaced.items():
            self.assertIn(name.replace("_", "-"), step["with"])
            given[name.replace("_", "-")] = value
        done = job.composite(given) if workflow.metadata(step).parent.name == "docker" else job.action(given, more)
        self.assertNotIn("hf_secret", done.log)
        # For the steps after it.
        context |= {f"steps.{step.get('id')}.outputs.{name}": value for name, value in done.outputs.items()}
        return done, context

    def test_a_gate_of_a_pull_request(self):
        (step,) = self.steps("pr-gate.yml")
        with self.job() as job, simulated(gateway()) as port:
            # The stored session is of a simulator inside the container: another way to the server.
            done, _ = self.follow(job, step, server=f"http://runner-host:{port}")
            self.assertEqual((done.code, done.outputs["verdict"]), (0, "no-baseline"), done.log)

    def test_two_servers_on_one_gpu(self):
        (step,) = self.steps("ab-one-gpu.yml")
        names = {side: f"ghcr.io/org/serving/server:{letter * 40}" for side, letter in (("head", "a"), ("base", "b"))}
        context = {f"github.event.pull_request.{side}.sha": name.split(":")[1] for side, name in names.items()} | {"github.repository": "org/serving"}
        images = {names["head"]: SLOWER.removeprefix("sim:"), names["base"]: FAST.removeprefix("sim:")}
        with server_images(**images), self.job(stored=False) as job:
            done, _ = self.follow(job, step, context)
            self.assertEqual((done.code, done.outputs["verdict"]), (1, "fail"), done.log)
            self.assertIn("slower", self.github.comments[0]["body"])

    def test_a_server_of_ones_own_github(self):
        (step,) = self.steps("ghes.yml")
        with self.job() as job, simulated("127.0.0.1") as port:
            options = step["with"]["docker-args"].replace("--gpus all", f"--label {job.label}")
            done, _ = self.follow(job, step, image=IMAGE, server=f"http://localhost:{port}", docker_args=options)
            self.assertEqual((done.code, done.outputs["verdict"]), (0, "no-baseline"), done.log)

    def test_a_night_and_its_baseline(self):
        measure, offer = self.steps("nightly-baseline.yml")
        with self.job(event={"schedule": "37 2 * * *", "repository": pull_request()["repository"]}, event_name="schedule") as job:
            with server_images(**{measure["with"]["server-image"]: "h100-70b"}):
                done, context = self.follow(job, measure)
            self.assertEqual((done.code, done.outputs["verdict"]), (0, "no-baseline"), done.log)
            done, _ = self.follow(job, offer, context)
            self.assertEqual((done.code, done.outputs["pull-request-url"]), (0, "https://github.com/org/serving/pull/8"), done.log)

    def test_a_matrix_with_one_comment(self):
        name = "matrix-combined-comment.yml"
        legs = re.search(r"workload: \[(.*)\]", workflow.examples()[name].read_text())[1].split(", ")
        results = {}
        for leg in legs:
            (step,) = self.steps(name, "measure")
            step["with"]["server"] = FAST
            with self.job(PLAN.replace("name: small", f"name: {leg}"), stored=False) as job:
                done, _ = self.follow(job, step, {"matrix.workload": leg})
                self.assertEqual(done.code, 0, done.log)
                self.assertEqual(self.github.comments, [])
                results[f"results/result-{leg}/result.json"] = (job.workspace / done.outputs["results-path"]).read_text()
        (step,) = self.steps(name, "comment")
        with self.job() as job:
            for path, text in results.items():
                job.write(path, text)
            done, _ = self.follow(job, step)
            self.assertEqual(done.code, 0, done.log)
            (comment,) = self.github.comments
            self.assertTrue(all(leg in comment["body"] for leg in legs), comment)

    def test_a_fork_in_two_stages(self):
        (measure,), (report,) = self.steps("fork-two-stage/measure.yml"), self.steps("fork-two-stage/report.yml")
        with self.job(fork=True, forbidden=True) as fork:
            measure["with"]["server"] = SLOWER
            done, _ = self.follow(fork, measure)
            self.assertEqual((done.code, done.outputs["verdict"]), (0, "fail"), done.log)
            result = (fork.workspace / done.outputs["results-path"]).read_text()
        with self.job(event=workflow_run(), event_name="workflow_run", fork=True) as job:
            job.write(report["with"]["candidate"], result)
            done, _ = self.follow(job, report)
            self.assertEqual((done.code, done.outputs["baseline-ref"]), (1, f"{baseline()[0]}@{BASE}"), done.log)
            self.assertEqual((len(self.github.comments), [sha for sha, _ in self.github.statuses]), (1, ["a" * 40]))

    def test_a_job_container_on_kubernetes(self):
        (step,) = [step for step in workflow.steps(workflow.examples()["kubernetes-job-container.yml"].read_text()) if "run" in step]
        run, count = re.subn(r"--server \S+", f"--server {FAST}", step["run"])
        self.assertEqual((count, step["env"]), (1, {"GITHUB_TOKEN": "${{ github.token }}"}))
        with self.job() as job:
            done = job.run_inside(run, {"GITHUB_TOKEN": "ghs_runner"})
            self.assertEqual((done.code, done.outputs["verdict"]), (0, "pass"), done.log)
            self.assertEqual(len(self.github.comments), 1)

    def test_one_load_from_four_machines(self):
        commands = [step for step in workflow.steps(workflow.examples()["sharded-load.yml"].read_text()) if "docker run" in step.get("run", "")]
        with self.job() as job, simulated(gateway(), "fast") as port:
            common = {"IMAGE": IMAGE, "SERVER": f"http://{gateway()}:{port}", "START_AT": str(int(time.time()) + 15)}
            (shard, merge, compare) = [step["run"] for step in commands]
            # Two seconds in place of two minutes, and four folders in place of machines.
            shard = shard.replace("--rate 400 --duration 120s", "--rate 20 --duration 2s")
            machines = [f"(mkdir {number} && cd {number} && export SHARD={number}/4 && {shard}) & jobs+=($!)" for number in range(4)]
            self.run_well(job, "\n".join([*machines, 'for job in "${jobs[@]}"; do wait "$job"; done']), common)
            (job.workspace / "shards").mkdir()
            for number in range(4):
                (job.workspace / str(number) / "result").rename(job.workspace / "shards" / f"shard-{number}")
            self.run_well(job, merge, common)
            sent = [self.succeeded(job, f"shards/shard-{number}") for number in range(4)]
            self.assertTrue(all(sent), sent)
            self.assertEqual(self.succeeded(job, "merged"), sum(sent))
            merged = (job.workspace / "merged" / "result.json").read_text()
            job.write("baselines/loadtest.json", merged)
            self.assertIn("merged from 4 of 4 shards", self.run_well(job, compare, common).summary)

    def succeeded(self, job, folder):
        (level,) = json.loads((job.workspace / folder / "result.json").read_text())["levels"]
        return level["succeeded"]

    def run_well(self, job, script, more):
        done = job.run(script, more)
        self.assertEqual(done.code, 0, done.log)
        return done
