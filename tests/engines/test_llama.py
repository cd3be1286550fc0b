"""Against llama.cpp's server: counts, lengths, connections that it closes, its queue, its sudden end."""

import collections
import json
import re
import threading
import time
import unittest

from client import TOKENIZER, Measured, Relay, metrics, total
from engines import LlamaServer

COUNTERS = ("prompt_tokens_total", "prompt_tokens_cached_total", "tokens_predicted_total")
# What the server says of each request when it ends.
GENERATED = re.compile(r" eval time = .*? / +(\d+) tokens .*tokens per second")
# With the tokenizer of the model, prompts have the length that is asked for.
EXACT = ("--tokenizer", TOKENIZER)


class Served(Measured):
    """One server for all tests of a class."""

    engine = None

    @classmethod
    def setUpClass(cls):
        cls.engine = LlamaServer()
        cls.addClassCleanup(cls.engine.stop)
        cls.engine.install()
        cls.engine.start()

    def counters(self):
        page = metrics(f"{self.engine.url}/metrics", self.engine.key)
        return {name: int(total(page, f"llamacpp:{name}")) for name in COUNTERS}

    def counted(self, work):
        """What `work` gives, by how much the server's counters rose meanwhile, and the output tokens of each request by its log."""
        before, said = self.counters(), len(self.engine.said())
        given = work()
        after = self.counters()
        log = self.engine.said()[said:]
        outputs = [int(tokens) for line in log.splitlines() if "prompt eval" not in line for tokens in GENERATED.findall(line)]
        return given, {name: after[name] - before[name] for name in COUNTERS}, outputs


class Counts(Served):
    def test_requests_and_tokens_are_the_servers_own(self):
        n, warmup, output = 60, 3, 12
        # The one before any load, too.
        sent = n + warmup + 1
        for api in ("chat", "completions"):
            for stream in ((), ("--no-stream",)):
                with self.subTest(api=api, stream=stream):
                    words = ("--api", api, "-c", 4, "-n", n, "--warmup", warmup, "--input-len", 32, "--output-len", output, *EXACT, *stream)
                    run, rose, outputs = self.counted(lambda: self.measure("run", "--server", self.engine.url, *words))
                    level = run.level
                    self.assertEqual((level["offered"], level["succeeded"], level["failures"]), (n, n, {}))
                    self.assertEqual(outputs, [output] * sent)
                    self.assertEqual(rose["tokens_predicted_total"], output * sent)
                    self.assertEqual(level["tokens"]["output"], output * n)
                    self.assertEqual(level["tokens"]["source"], "usage")
                    (prompt,) = {row["tokens"]["prompt"] for row in run.rows}
                    self.assertEqual(rose["prompt_tokens_total"] + rose["prompt_tokens_cached_total"], prompt * sent)
                    # The template of the model adds to what is asked for, and always the same.
                    self.assertEqual(prompt, 32 + (11 if api == "chat" else 0))
                    # Of what the other four requests found in the cache nothing is known.
                    others = rose["prompt_tokens_cached_total"] - level["tokens"]["cached"]
                    self.assertTrue(0 <= others <= (warmup + 1) * prompt, others)

    def test_every_length_is_the_one_that_was_asked_for(self):
        for api in ("chat", "completions"):
            words = ("--api", api, "-c", 8, "-n", 80, "--warmup", 0, "--input-len", "16:64", "--output-len", "1:48", *EXACT)
            run, _, outputs = self.counted(lambda: self.measure("run", "--server", self.engine.url, *words))
            tokens = [row["tokens"] for row in run.rows]
            self.assertEqual([row["output"] for row in tokens], [row["output_asked"] for row in tokens])
            self.assertGreater(len({row["output"] for row in tokens}), 20)
            self.assertEqual({row["prompt"] - row["prompt_asked"] for row in tokens}, {11 if api == "chat" else 0})
            # Request by request, and one more: the one before any load.
            others = collections.Counter(outputs)
            others.subtract(row["output"] for row in tokens)
            self.assertEqual(sorted(+others), sorted(others.keys() & +others))
            self.assertEqual((sum(others.values()), min(others.values())), (1, 0), others)

    def test_it_is_recognised_and_asked_in_its_own_words(self):
        words = ("-n", 2, "--warmup", 0, "--output-len", 4)
        with Relay(self.engine.port) as relay:
            run = self.measure("run", "--server", relay.url, *words)
            known = relay.bodies()
            self.measure("run", "--server", relay.url, "--adapter", "generic", *words)
            generic = relay.bodies()[len(known) :]
        self.assertIn("llama-server (llama.cpp)", run.out + run.err)
        self.assertEqual(run.document["environment"]["server"], "llama.cpp")
        self.assertEqual(run.document["environment"]["model"], "tiny")
        self.assertTrue(all(body["ignore_eos"] and "min_tokens" not in body for body in known), known)
        self.assertTrue(all(body["ignore_eos"] and body["min_tokens"] == 4 for body in generic), generic)

    def test_what_it_refuses_is_said_before_any_load(self):
        for words, message in (
            (("--input-len", 3000, *EXACT), "exceeds the available context size"),
            (("--server", f"{self.engine.url}/nowhere", "--model", "tiny"), "404"),
        ):
            run = self.start("run", "--server", self.engine.url, "-n", 5, *words)
            _, error = run.communicate(timeout=60)
            self.assertEqual(run.returncode, 2, error)
            self.assertIn(message, error)
            self.assertIn("hint: ", error)


class Connections(Served):
    """This server closes a connection after every stream, 0.1 ms behind its end, and a kept one after 100 requests or 5 s."""

    def test_a_request_on_a_closed_connection_is_sent_again_and_counted(self):
        # Behind the relay the news of the close comes later than the next request goes out.
        n, output = 120, 4
        words = ("-c", 4, "-n", n, "--warmup", 0, "--input-len", 16, "--output-len", output, *EXACT)
        with Relay(self.engine.port, late=0.05) as relay:
            run, rose, outputs = self.counted(lambda: self.measure("run", "--server", relay.url, *words))
        level = run.level
        self.assertEqual((level["succeeded"], level["failures"]), (n, {}))
        self.assertGreater(level["reconnects"], n // 2)
        self.assertEqual(level["reconnects"], sum(row["reconnects"] for row in run.rows))
        self.assertEqual((len(outputs), rose["tokens_predicted_total"]), (n + 1, output * (n + 1)), "asked twice")

    def test_a_kept_connection_is_used_until_it_is_closed(self):
        n = 320
        words = ("--no-stream", "-c", 1, "-n", n, "--warmup", 0, "--input-len", 16, "--output-len", 1, *EXACT)
        with Relay(self.engine.port) as relay:
            run = self.measure("run", "--server", relay.url, *words)
            opened = relay.connections
        self.assertEqual((run.level["succeeded"], run.level["failures"]), (n, {}))
        # 100 requests each; those before any load have their own.
        self.assertTrue(4 <= opened <= 12, opened)

    def test_pauses_as_long_as_its_patience_cost_nothing(self):
        words = ("--no-stream", "-c", 12, "-n", 12, "--turns", 2, "--think-time", "4.95s:5.1s", "--warmup", 0)
        run = self.measure("run", "--server", self.engine.url, *words, "--input-len", 16, "--output-len", 4, *EXACT)
        self.assertEqual((run.level["succeeded"], run.level["failures"]), (24, {}))


class Queue(Served):
    def test_more_clients_than_slots_wait_and_it_shows(self):
        waiting, done = [], threading.Event()

        def watch():
            while not done.wait(0.05):
                page = metrics(f"{self.engine.url}/metrics")
                waiting.append((total(page, "llamacpp:requests_processing"), total(page, "llamacpp:requests_deferred")))

        watcher = threading.Thread(target=watch)
        watcher.start()
        try:
            words = ("-c", "16,32", "-n", 96, "--input-len", 16, "--output-len", 96, *EXACT)
            run = self.measure("run", "--server", self.engine.url, *words)
        finally:
            done.set()
            watcher.join()
        self.assertEqual(max(processing for processing, _ in waiting), 16)
        self.assertGreater(max(deferred for _, deferred in waiting), 8)
        # Of 32 clients half wait at any time; of 16 none does.
        full, over = [
            level["metrics"]["ttft"]["mean"] / level["metrics"]["e2e"]["mean"] for level in run.document["levels"]
        ]
        self.assertGreater(over, 0.3, (full, over))
        self.assertGreater(over, 2 * full, (full, over))


class Ends(Served):
    """kill -9 in the midst of a load, and a new start a second later."""

    load = ("--rate", 15, "--arrivals", "constant", "--input-len", 16, "--output-len", 200, "--warmup", 1, *EXACT)

    def killed(self, process, restarts=True):
        """Kills it once 20 requests were launched; when that was, and since when it answers again."""
        said = len(self.engine.said())
        while self.engine.said()[said:].count("launch_slot_") < 20 and process.poll() is None:
            time.sleep(0.02)
        at = time.time()
        self.engine.kill9()
        if restarts:
            time.sleep(1)
            self.engine.start(self.engine.port)
        return at, time.time()

    def test_nothing_is_lost_and_every_end_has_its_class(self):
        n = 150
        run = self.start("run", "--server", self.engine.url, "-n", n, *self.load)
        killed, ready = self.killed(run)
        run = self.finish(run)
        level, rows = run.level, run.rows
        self.assertEqual((level["offered"], len(rows)), (n, n))
        self.assertEqual(sorted(row["index"] for row in rows), list(range(n)))
        ends = collections.Counter(row["outcome"] for row in rows)
        self.assertEqual(ends.pop("success"), level["succeeded"])
        self.assertEqual(ends, collections.Counter(level["failures"]))
        self.assertLessEqual(ends.keys(), {"connect", "truncated", "http_5xx"})
        self.assertGreater(ends["connect"], 10, "refused for a second")
        for row in rows:
            if row["outcome"] == "connect":
                self.assertEqual((row["chunk_ms"], row["status"]), ([], None), row)
            elif row["outcome"] == "truncated":
                self.assertLess(len(row["chunk_ms"]), 200, row)
            elif row["outcome"] == "http_5xx":
                self.assertEqual((row["status"], row["detail"]), (503, "Loading model"), row)
        # It served before, and it serves again.
        self.assertEqual((run.done_before(killed), run.due_after(ready)), ({"success"}, {"success"}))
        errors = run.findings()["errors"]
        self.assertEqual((errors["severity"], errors["round"]), ("warning", 1))

    def test_a_gate_does_not_pass_on_it(self):
        words = ("-n", 60, "--rounds", 2, "--objective", "error_rate < 1%")
        gate = self.start("gate", "--server", self.engine.url, *words, *self.load)
        self.killed(gate)
        out, err = gate.communicate(timeout=180)
        document = json.loads((self.folder / "out" / "result.json").read_text())
        # By its objective; or, on a machine that is too busy for the client, not at all.
        self.assertIn((gate.returncode, document["verdict"]["decision"]), ((1, "fail"), (4, "invalid")), out + err)
        self.assertTrue(any(finding["code"] == "errors" and finding["round"] == 1 for finding in document["findings"]), out)

    def test_a_server_that_stays_away_fails_each_request_that_is_left(self):
        run = self.start("run", "--server", self.engine.url, "-n", 60, *self.load)
        _, gone = self.killed(run, restarts=False)
        run = self.finish(run)
        self.engine.start(self.engine.port)
        self.assertEqual((run.level["offered"], len(run.rows)), (60, 60))
        self.assertEqual(run.due_after(gone), {"connect"})


class Keys(Served):
    @classmethod
    def setUpClass(cls):
        cls.engine = LlamaServer(key="sk-of-the-test")
        cls.addClassCleanup(cls.engine.stop)
        cls.engine.install()
        cls.engine.start()

    def test_a_wrong_key_is_a_usage_error_and_the_right_one_is_written_nowhere(self):
        words = ("--server", self.engine.url, "-n", 3, "--output-len", 2)
        for key in (None, "sk-another"):
            run = self.start("run", *words, key=key)
            _, error = run.communicate(timeout=60)
            self.assertEqual(run.returncode, 2, error)
            self.assertIn("401", error)
            self.assertIn("--api-key", error)
            self.assertNotIn("sk-", error)
        run = self.measure("run", *words, key=self.engine.key)
        self.assertEqual(run.level["succeeded"], 3)
        written = run.out + run.err + "".join(path.read_text() for path in run.folder.iterdir())
        self.assertNotIn(self.engine.key, written)


if __name__ == "__main__":
    unittest.main()
