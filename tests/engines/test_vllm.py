"""Against vLLM: its counters and histograms, exact lengths, tokens told apart, and both ways in which it dies."""

import collections
import os
import signal
import time
import unittest

from client import TOKENIZER, Histogram, Measured, metrics, total
from engines import PATIENCE, Vllm

EXACT = ("--tokenizer", TOKENIZER)


class Served(Measured):
    """One server for all tests of a class."""

    @classmethod
    def setUpClass(cls):
        cls.engine = Vllm()
        cls.addClassCleanup(cls.engine.stop)
        cls.engine.install()
        cls.engine.start()

    def page(self):
        return metrics(f"{self.engine.url}/metrics")

    def run_it(self, *words):
        return self.measure("run", "--server", self.engine.url, *words)


class Counts(Served):
    def test_requests_and_tokens_are_the_servers_own(self):
        n, warmup, output = 100, 4, 24
        sent = n + warmup + 1
        for api in ("chat", "completions"):
            for stream in ((), ("--no-stream",)):
                with self.subTest(api=api, stream=stream):
                    before = self.page()
                    words = ("--api", api, "-c", 8, "-n", n, "--warmup", warmup, "--input-len", 32, "--output-len", output, *EXACT)
                    run = self.run_it(*words, *stream)
                    after = self.page()
                    rose = {
                        name: total(after, f"vllm:{name}_total") - total(before, f"vllm:{name}_total")
                        for name in ("request_success", "generation_tokens", "prompt_tokens", "prefix_cache_hits")
                    }
                    self.assertEqual((run.level["offered"], run.level["succeeded"], run.level["failures"]), (n, n, {}))
                    self.assertEqual(run.level["tokens"]["output"], n * output)
                    (prompt,) = {row["tokens"]["prompt"] for row in run.rows}
                    self.assertEqual(rose["request_success"], sent)
                    self.assertEqual(rose["generation_tokens"], sent * output)
                    self.assertEqual(rose["prompt_tokens"], sent * prompt)
        self.assertIn("the server is vLLM", run.out + run.err)

    def test_every_length_is_the_one_that_was_asked_for_and_tokens_are_told_apart(self):
        run = self.run_it("-c", 8, "-n", 100, "--input-len", "16:64", "--output-len", "1:64", *EXACT)
        tokens = [row["tokens"] for row in run.rows]
        self.assertEqual([row["output"] for row in tokens], [row["output_asked"] for row in tokens])
        # By the counts in every chunk (continuous_usage_stats): an empty chunk can hold a token.
        self.assertFalse(run.level["tokens"]["itl_is_icl"])
        self.assertEqual(run.level["tokens"]["source"], "usage")

    def test_times_agree_with_the_servers_histograms_within_a_bucket(self):
        # Prompts so long that a bucket is wider than what HTTP adds to the server's own times.
        n, lengths = 60, ("--input-len", 1200, "--output-len", 48)
        # Compiled, and its threads awake.
        self.run_it("-c", 4, "-n", 16, *lengths, *EXACT)
        for clients in (1, 8):
            before = self.page()
            run = self.run_it("-c", clients, "-n", n, "--warmup", 0, *lengths, *EXACT)
            after = self.page()
            for metric, name in (
                ("ttft", "time_to_first_token_seconds"),
                ("e2e", "e2e_request_latency_seconds"),
                ("itl", "inter_token_latency_seconds"),
            ):
                histogram = Histogram(before, after, f"vllm:{name}")
                if metric != "itl":
                    self.assertEqual(histogram.count, n + 1)
                for quantile in ("p50", "p90"):
                    low, high = histogram.around(int(quantile[1:]) / 100)
                    ours = run.level["metrics"][metric][quantile]
                    self.assertTrue(low <= ours <= high, (clients, metric, quantile, low, ours, high))


class Ends(Served):
    words = ("--arrivals", "constant", "--input-len", 16, "--output-len", 200, "--warmup", 0, *EXACT)

    def under_way(self, process, requests=10):
        ended = total(self.page(), "vllm:request_success_total")
        while total(self.page(), "vllm:request_success_total") < ended + requests and process.poll() is None:
            time.sleep(0.1)
        self.assertIsNone(process.poll(), "over before it was killed")

    def test_killed_and_started_again(self):
        # Its start takes the better part of a minute.
        n = int(240 * PATIENCE)
        run = self.start("run", "--server", self.engine.url, "--rate", 2, "-n", n, *self.words)
        self.under_way(run)
        killed = time.time()
        self.engine.kill9()
        self.engine.start(self.engine.port)
        ready = time.time()
        run = self.finish(run)
        ends = collections.Counter(row["outcome"] for row in run.rows)
        self.assertEqual((run.level["offered"], len(run.rows), sum(ends.values())), (n, n, n))
        self.assertLessEqual(ends.keys(), {"success", "connect", "truncated", "http_5xx"})
        self.assertGreater(ends["connect"], 10)
        self.assertEqual((run.done_before(killed), run.due_after(ready)), ({"success"}, {"success"}))
        self.assertEqual(run.findings()["errors"]["round"], 1)

    def test_its_engine_dies_alone(self):
        n = 60
        run = self.start("run", "--server", self.engine.url, "--rate", 10, "-n", n, *self.words)
        self.under_way(run)
        for pid in self.engine.cores():
            os.kill(pid, signal.SIGKILL)
        run = self.finish(run)
        self.engine.kill9()
        self.engine.start()
        ends = collections.Counter(row["outcome"] for row in run.rows)
        self.assertEqual((run.level["offered"], len(run.rows)), (n, n))
        # An error event and then [DONE]: no success, and a class of its own.
        self.assertGreater(ends["in_stream_error"], 0, ends)
        self.assertLessEqual(ends.keys(), {"success", "in_stream_error", "connect", "truncated", "http_5xx"})


if __name__ == "__main__":
    unittest.main()
