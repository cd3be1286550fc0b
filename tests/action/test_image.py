"""The image itself, and the command line in it."""

import json

from runner import Runner, docker
from stage import BASE_IMAGE, FAST, IMAGE, PLAN, Job, driver, simulated


class Image(Job):
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
        base = json.loads(docker("image", "inspect", BASE_IMAGE))[0]["Size"]
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
            step = job.container(["gate", "--config", "loadtest.yaml", "--server", FAST, "--rounds", "500"], cancel=": started")
            self.stopped(step)
            self.assertEqual(job.containers(), [])
