"""The other APIs of llama.cpp's server: responses, messages, its own completion, embeddings. Their counts against the server's."""

import unittest

from client import TOKENIZER
from engines import LlamaServer
from test_llama import Served

EXACT = ("--tokenizer", TOKENIZER)


class Generating(Served):
    def test_requests_and_tokens_are_the_servers_own(self):
        n, warmup = 60, 3
        for api in ("responses", "messages", "llama-completion"):
            for stream in ((), ("--no-stream",)):
                with self.subTest(api=api, stream=stream):
                    words = ("--api", api, "-c", 4, "-n", n, "--warmup", warmup, "--input-len", 32, "--output-len", 12, *EXACT)
                    run, rose, outputs = self.counted(lambda: self.measure("run", "--server", self.engine.url, *words, *stream))
                    level = run.level
                    self.assertEqual((level["offered"], level["succeeded"], level["failures"]), (n, n, {}))
                    self.assertEqual(len(outputs), n + warmup + 1)
                    self.assertEqual(rose["tokens_predicted_total"], sum(outputs))
                    ours = [row["tokens"]["output"] for row in run.rows]
                    # All of ours are among the server's; the others are the warm-up and the one before any load.
                    for count in set(ours):
                        self.assertLessEqual(ours.count(count), outputs.count(count))
                    self.assertEqual(level["tokens"]["source"], "usage")
                    # Cached tokens are part of the prompt, though messages count them apart.
                    (prompt,) = {row["tokens"]["prompt"] for row in run.rows}
                    self.assertEqual(rose["prompt_tokens_total"] + rose["prompt_tokens_cached_total"], prompt * (n + warmup + 1))


class Embedding(Served):
    @classmethod
    def setUpClass(cls):
        cls.engine = LlamaServer(embeds=True)
        cls.addClassCleanup(cls.engine.stop)
        cls.engine.install()
        cls.engine.start()

    def test_prompt_tokens_are_the_servers_own(self):
        n, warmup = 100, 4
        words = ("--api", "embeddings", "-c", 4, "-n", n, "--warmup", warmup, "--input-len", 32, *EXACT)
        run, rose, _ = self.counted(lambda: self.measure("run", "--server", self.engine.url, *words))
        self.assertEqual((run.level["offered"], run.level["succeeded"], run.level["failures"]), (n, n, {}))
        (prompt,) = {row["tokens"]["prompt"] for row in run.rows}
        self.assertEqual(rose["prompt_tokens_total"] + rose["prompt_tokens_cached_total"], prompt * (n + warmup + 1))
        self.assertEqual(rose["tokens_predicted_total"], 0)
        self.assertNotIn("ttft", run.level["metrics"])


if __name__ == "__main__":
    unittest.main()
