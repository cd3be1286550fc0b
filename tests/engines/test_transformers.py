"""Against transformers serve: fields that it refuses, a role before the first token, no [DONE], one request at a time."""

import json
import time
import unittest

from client import Measured, Relay
from engines import Transformers


class Served(Measured):
    @classmethod
    def setUpClass(cls):
        cls.engine = Transformers()
        cls.addClassCleanup(cls.engine.stop)
        cls.engine.install()
        cls.engine.start()

    def answered(self):
        return self.engine.said().count('"POST /v1/chat/completions HTTP/1.1" 200')

    def run_it(self, *words):
        return self.measure("run", "--server", self.engine.url, "--model", "tiny", "--adapter", "transformers", *words)

    def test_fields_that_it_does_not_know_are_named_with_the_flag_that_leaves_them_out(self):
        # Nothing tells what it is.
        run = self.start("run", "--server", self.engine.url, "--model", "tiny", "-n", 3)
        _, error = run.communicate(timeout=120)
        self.assertEqual(run.returncode, 2, error)
        self.assertIn("422", error)
        self.assertIn("Unexpected", error)
        self.assertIn("--no-ignore-eos", error)

    def test_its_profile_sends_none_of_them(self):
        with Relay(self.engine.port) as relay:
            words = ("--model", "tiny", "--adapter", "transformers", "-n", 2, "--warmup", 0, "--output-len", 8)
            run = self.measure("run", "--server", relay.url, *words)
            asked = relay.bodies()
        self.assertEqual(run.level["succeeded"], 2)
        self.assertFalse([body for body in asked if body.keys() & {"ignore_eos", "min_tokens"}], json.dumps(asked)[:500])

    def test_streams_without_done_are_successes_and_counted(self):
        n = 20
        answered = self.answered()
        run = self.run_it("-c", 1, "-n", n, "--warmup", 1, "--output-len", 16, "--input-len", 32)
        self.assertEqual((run.level["offered"], run.level["succeeded"], run.level["failures"]), (n, n, {}))
        self.assertEqual(self.answered() - answered, n + 1 + 1)
        self.assertEqual(run.level["tokens"]["source"], "usage")
        for row in run.rows:
            self.assertTrue(0 < row["tokens"]["output"] <= 16, row)
            self.assertIn(row["finish_reason"], ("length", "stop"))
            self.assertGreater(row["ttft_ms"], 0)

    def test_one_at_a_time_is_a_queue_that_shows(self):
        ttft = [
            self.run_it("-c", clients, "-n", 24, "--output-len", 24).level["metrics"]["ttft"]["p50"] for clients in (1, 8)
        ]
        self.assertGreater(ttft[1], 3 * ttft[0])

    def test_killed_and_started_again(self):
        n = 120
        words = ("--model", "tiny", "--adapter", "transformers", "--rate", 4, "--arrivals", "constant", "-n", n, "--warmup", 0)
        answered = self.answered()
        run = self.start("run", "--server", self.engine.url, *words, "--output-len", 32)
        while self.answered() < answered + 8 and run.poll() is None:
            time.sleep(0.1)
        self.engine.kill9()
        time.sleep(1)
        self.engine.start(self.engine.port)
        ready = time.time()
        run = self.finish(run)
        self.assertEqual((run.level["offered"], len(run.rows)), (n, n))
        self.assertLessEqual(run.level["failures"].keys(), {"connect", "truncated", "http_5xx"})
        self.assertGreater(run.level["failures"]["connect"], 3)
        self.assertEqual(run.due_after(ready), {"success"})


if __name__ == "__main__":
    unittest.main()
