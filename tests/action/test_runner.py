"""The emulation itself, on an image without us: each trap of the real runner must be there, or the tests beside this one show nothing."""

import os
import unittest

import runner
from runner import Runner

BASE = os.environ.get("BASE_IMAGE", "local/debian:bookworm-slim")


class Traps(unittest.TestCase):
    def shell(self, script, **more):
        with Runner(BASE) as job:
            step = job.container(["-c", script], entrypoint="/bin/sh", **more)
            return step, job.strangers(), job.containers()

    def test_a_first_process_without_handlers_outlives_the_step(self):
        step, _, left = self.shell("echo ready; sleep 60", cancel="ready")
        self.assertTrue(step.killed and 9.5 < step.stopping < 12, step)
        self.assertEqual(len(left), 1)

    def test_one_with_handlers_does_not(self):
        step, _, left = self.shell("trap 'exit 130' INT; echo ready; sleep 60 & wait", cancel="ready")
        self.assertEqual((step.killed, step.code, left), (False, 130, []))

    def test_what_root_writes_into_the_workspace_is_a_strangers(self):
        _, strangers, _ = self.shell("mkdir results && touch results/result.json")
        self.assertEqual(len(strangers), 2)
        _, strangers, _ = self.shell("touch x; chown --reference=. x")
        self.assertEqual(strangers, [])

    def test_debians_sh_drops_inputs_with_dashes(self):
        given = {"INPUT_FAIL-ON": "never", "INPUT_CONFIG": "loadtest.yaml"}
        step, _, _ = self.shell("env", more=given)
        self.assertIn("INPUT_CONFIG=loadtest.yaml", step.log)
        self.assertNotIn("FAIL-ON", step.log)
        with Runner(BASE) as job:
            self.assertIn("INPUT_FAIL-ON=never", job.container([], given, entrypoint="/usr/bin/env").log)

    def test_only_the_runners_own_folders_are_translated(self):
        step, _, _ = self.shell("env; id -u; pwd; cat $GITHUB_EVENT_PATH")
        for line in ("GITHUB_WORKSPACE=/github/workspace", "RUNNER_TEMP=/github/runner_temp", "HOME=/github/home", "0", "/github/workspace"):
            self.assertIn(f"\n{line}\n", f"\n{step.log}")
        self.assertIn("GITHUB_OUTPUT=/github/file_commands/output_", step.log)
        self.assertIn("RUNNER_WORKSPACE=/tmp/", step.log)
        self.assertIn('"number": 7', step.log)

    def test_a_malformed_output_fails_the_step(self):
        step, _, _ = self.shell(r"printf 'a=1\nb<<E\ntwo\nlines\nE\n' >>$GITHUB_OUTPUT")
        self.assertEqual(step.outputs, {"a": "1", "b": "two\nlines"})
        for broken in ("verdict", "a=1\\nb<<E\\nE2\\n", "b<<E\\ntextE\\n", "=1\\n"):
            with self.assertRaises(ValueError, msg=broken):
                self.shell(f"printf '{broken}' >>$GITHUB_OUTPUT")
        with self.assertRaises(ValueError):
            self.shell("head -c 1100000 /dev/zero | tr '\\0' x >>$GITHUB_STEP_SUMMARY")

    def test_a_service_has_its_name_and_the_machine_is_not_localhost(self):
        with Runner(BASE) as job:
            job.services(BASE, "sleep", "60")
            step = job.container(["-c", "getent hosts llm && echo known; getent hosts host.docker.internal || echo unknown"], entrypoint="/bin/sh")
            self.assertIn("known\nunknown", step.log)

    def test_commands_are_read_as_the_runner_reads_them(self):
        log = "x ::error::no\n  ::error file=a,line=1::yes\ny ##[warning]old\n::stop-commands::t\n::error::no\n::t::\n::notice::last\n"
        self.assertEqual([(name, message) for name, _, message in runner.commands(log)], [("error", "yes"), ("warning", "old"), ("notice", "last")])
