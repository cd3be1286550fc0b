"""Against the LiteLLM proxy in front of llama.cpp's server: two counters, bursts, a backend that dies."""

import collections
import time
import unittest

from client import TOKENIZER, Measured, metrics, total
from engines import Litellm, LlamaServer

EXACT = ("--tokenizer", TOKENIZER)


class Proxied(Measured):
    @classmethod
    def setUpClass(cls):
        cls.backend = LlamaServer()
        cls.addClassCleanup(cls.backend.stop)
        cls.backend.install()
        cls.backend.start()
        cls.engine = Litellm(cls.backend)
        cls.addClassCleanup(cls.engine.stop)
        cls.engine.install()
        cls.engine.start()

    def tokens(self):
        return total(metrics(f"{self.backend.url}/metrics"), "llamacpp:tokens_predicted_total")

    def run_it(self, *words):
        return self.measure("run", "--server", self.engine.url, "--model", "tiny", *words, key=self.engine.key)

    def test_every_request_is_counted_on_both_sides(self):
        n, output = 100, 16
        before, tokens = metrics(f"{self.engine.url}/metrics/", self.engine.key), self.tokens()
        run = self.run_it("-c", 4, "-n", n, "--warmup", 0, "--output-len", output, "--input-len", 16, *EXACT)
        level, after = run.level, metrics(f"{self.engine.url}/metrics/", self.engine.key)
        self.assertEqual((level["offered"], len(run.rows)), (n, n))
        # It may answer 500 where the backend had closed one of its connections.
        self.assertLessEqual(level["failures"].keys(), {"http_5xx", "in_stream_error"})
        self.assertGreater(level["succeeded"], 0.8 * n)
        self.assertEqual(level["tokens"]["output"], output * level["succeeded"])
        self.assertEqual(self.tokens() - tokens, output * (level["succeeded"] + 1))
        name = "litellm_proxy_total_requests_metric_total"
        self.assertEqual(total(after, name) - total(before, name), n + 1)
        self.assertIn("LiteLLM", run.out + run.err)

    def test_its_bursts_are_found(self):
        run = self.run_it("-c", 8, "-n", 60, "--output-len", 64, "--input-len", 16, *EXACT)
        self.assertIn("bursts", run.findings())

    def test_a_backend_that_refuses_is_said_before_any_load(self):
        run = self.start("run", "--server", self.engine.url, "--model", "dead", "-n", 5, key=self.engine.key)
        _, error = run.communicate(timeout=120)
        self.assertEqual(run.returncode, 3, error)
        self.assertIn("http_5xx", error)

    def test_a_wrong_key_ends_before_any_load(self):
        run = self.start("run", "--server", self.engine.url, "--model", "tiny", "-n", 5, key="sk-wrong")
        _, error = run.communicate(timeout=120)
        self.assertIn(run.returncode, (2, 3), error)

    def test_a_backend_that_dies_and_comes_back(self):
        n = 120
        words = ("--rate", 10, "--arrivals", "constant", "-n", n, "--warmup", 0, "--output-len", 150, "--input-len", 16, *EXACT)
        run = self.start("run", "--server", self.engine.url, "--model", "tiny", *words, key=self.engine.key)
        said = len(self.backend.said())
        while self.backend.said()[said:].count("launch_slot_") < 20 and run.poll() is None:
            time.sleep(0.02)
        self.backend.kill9()
        time.sleep(1)
        self.backend.start(self.backend.port)
        run = self.finish(run)
        ends = collections.Counter(row["outcome"] for row in run.rows)
        self.assertEqual((run.level["offered"], sum(ends.values())), (n, n))
        # The proxy stays: nothing is refused, and it ends no stream without a word.
        self.assertLessEqual(ends.keys(), {"success", "http_5xx", "in_stream_error"})
        self.assertGreater(ends["http_5xx"], 5)
        self.assertIn("errors", run.findings())


if __name__ == "__main__":
    unittest.main()
