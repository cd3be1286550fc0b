"""Against tritonserver: its generate extension, KServe's protocol over HTTP and gRPC, at a pace that the model sets."""

import json
import time
import unittest

from client import Measured, metrics, total
from engines import Triton

# tinylm's parameters.
PREFILL_MS, GAP_MS = 20, 4
FIRST_MS = PREFILL_MS + GAP_MS


ENGINE = Triton()


def setUpModule():
    unittest.addModuleCleanup(ENGINE.stop)
    ENGINE.install()
    ENGINE.start()


class Served(Measured):
    """All tests share one server: it takes seconds to start and to stop."""

    engine = ENGINE

    def asked(self, model, work):
        """What `work` gives, and how many requests for `model` the server counted as successes meanwhile, or as failures."""

        before = self.counts(model)
        given = work()
        return given, [now - then for now, then in zip(self.counts(model), before)]

    def counts(self, model):
        page = metrics(self.engine.metrics)
        return [int(total(page, f"nv_inference_request_{end}", model=model)) for end in ("success", "failure")]

    def run_tinylm(self, *words, server=None):
        return self.measure("run", "--server", server or self.engine.url, "--model", "tinylm", *words)

    def paced(self, run, output):
        """One request at a time and nothing else to do: tokens come when the model says them, and are told apart."""
        numbers = run.level["metrics"]
        # A first token that was taken for the head of the answer, or for its end, is outside.
        self.assertTrue(FIRST_MS <= numbers["ttft"]["p50"] < FIRST_MS + (output - 2) * GAP_MS, numbers["ttft"])
        self.assertTrue(FIRST_MS <= numbers["ttft"]["min"], numbers["ttft"])
        self.assertTrue(GAP_MS - 1 <= numbers["itl"]["p50"] <= 2 * GAP_MS, numbers["itl"])
        self.assertTrue(GAP_MS - 0.5 <= numbers["tpot"]["p50"] <= 2 * GAP_MS, numbers["tpot"])
        whole = PREFILL_MS + output * GAP_MS
        self.assertTrue(whole <= numbers["e2e"]["p50"] < 1.6 * whole, numbers["e2e"])


class Streams(Served):
    def test_tokens_are_timed_and_requests_counted(self):
        n, warmup, output = 30, 2, 48
        words = ("-c", 1, "-n", n, "--warmup", warmup, "--input-len", 16, "--output-len", output)
        for api in ((), ("--api", "triton-generate")):
            run, counted = self.asked("tinylm", lambda: self.run_tinylm(*words, *api))
            self.assertEqual((run.level["offered"], run.level["succeeded"]), (n, n))
            self.assertEqual(counted, [n + warmup + 1, 0])
            self.assertEqual({row["tokens"]["output"] for row in run.rows}, {output})
            self.assertEqual({len(row["chunk_ms"]) for row in run.rows}, {output})
            self.paced(run, output)
            if not api:
                self.assertIn("Triton Inference Server", run.out + run.err)

    def test_many_at_once_keep_the_pace(self):
        n, output = 96, 24
        run, counted = self.asked("tinylm", lambda: self.run_tinylm("-c", 16, "-n", n, "--warmup", 0, "--output-len", output))
        self.assertEqual((run.level["succeeded"], run.level["tokens"]["output"]), (n, n * output))
        self.assertEqual(counted, [n + 1, 0])
        # Sixteen one after the other would take sixteen times as long.
        self.assertLess(run.level["metrics"]["e2e"]["p50"], 8 * (PREFILL_MS + output * GAP_MS))

    def test_an_answer_in_one_piece_has_no_first_token(self):
        n = 20
        run, counted = self.asked("tinylm", lambda: self.run_tinylm("--no-stream", "-c", 2, "-n", n, "--warmup", 0, "--output-len", 8))
        self.assertEqual((run.level["succeeded"], counted), (n, [n + 1, 0]))
        self.assertNotIn("ttft", run.level["metrics"])
        self.assertGreaterEqual(run.level["metrics"]["e2e"]["min"], PREFILL_MS + 8 * GAP_MS)

    def test_streams_that_all_fail_are_an_error(self):
        # One that always fails is found before any load.
        words = ("-c", 2, "-n", 20, "--warmup", 0, "--output-len", 8, "--extra-body", json.dumps({"fail_after": 5}))
        run = self.start("run", "--server", self.engine.url, "--model", "tinylm", *words)
        _, error = run.communicate(timeout=60)
        self.assertEqual(run.returncode, 3, error)
        self.assertIn("in_stream_error", error)
        self.assertIn("failed as it was asked to", error)

    def test_of_streams_that_fail_now_and_then_each_has_its_row(self):
        # Whoever wants more than five tokens fails.
        words = ("-c", 2, "-n", 60, "--warmup", 0, "--output-len", "2:9", "--extra-body", json.dumps({"fail_after": 5}))
        run, counted = self.asked("tinylm", lambda: self.run_tinylm(*words))
        for row in run.rows:
            asked = row["tokens"]["output_asked"]
            self.assertEqual(row["outcome"], "success" if asked <= 5 else "in_stream_error", row)
            self.assertEqual(len(row["chunk_ms"]), min(asked, 5), row)
        self.assertEqual(run.level["failures"], {"in_stream_error": sum(row["tokens"]["output_asked"] > 5 for row in run.rows)})
        # The server itself counts a stream that failed as a success.
        self.assertGreaterEqual(counted[0], 61)
        self.assertEqual(counted[1], 0)


class Refusals(Served):
    def refused(self, code, *words):
        run = self.start("run", "--server", self.engine.url, "-n", 5, *words)
        _, error = run.communicate(timeout=60)
        self.assertEqual(run.returncode, code, error)
        self.assertIn("hint: ", error)
        return error

    def test_a_400_whose_body_is_a_stream_is_read(self):
        error = self.refused(2, "--model", "tinylm", "--output-len", 8, "--extra-body", json.dumps({"fail_after": 0}))
        self.assertIn("400", error)
        self.assertIn("failed as it was asked to", error)

    def test_an_unknown_model_is_a_404(self):
        error = self.refused(2, "--model", "nobody")
        self.assertIn("404", error)
        self.assertIn("nobody", error)

    def test_many_responses_where_one_is_wanted_are_no_success(self):
        words = ("--no-stream", "--output-len", 8, "--extra-body", json.dumps({"insist": True}))
        error = self.refused(3, "--model", "tinylm", *words)
        self.assertIn("exactly 1 response", error)


class Kserve(Served):
    def test_infer_over_http(self):
        n = 200
        words = ("--model", "echo", "--api", "kserve-infer", "-c", 4, "-n", n, "--warmup", 4, "--output-len", "auto")
        run, counted = self.asked("echo", lambda: self.measure("run", "--server", self.engine.url, *words))
        self.assertEqual((run.level["succeeded"], run.level["failures"]), (n, {}))
        self.assertEqual(counted, [n + 4 + 1, 0])

    def test_streams_over_grpc(self):
        n, warmup, output = 30, 2, 48
        words = ("--api", "kserve-grpc", "-c", 1, "-n", n, "--warmup", warmup, "--input-len", 16, "--output-len", output)
        run, counted = self.asked("tinylm", lambda: self.run_tinylm(*words, server=self.engine.grpc))
        self.assertEqual((run.level["offered"], run.level["succeeded"]), (n, n))
        self.assertEqual(counted, [n + warmup + 1, 0])
        self.assertEqual({row["tokens"]["output"] for row in run.rows}, {output})
        self.paced(run, output)

    def test_a_stream_over_grpc_that_fails_is_no_success(self):
        words = ("-c", 2, "-n", 60, "--warmup", 0, "--output-len", "2:9", "--extra-body", json.dumps({"fail_after": 5}))
        run = self.run_tinylm(*words, server=self.engine.grpc)
        for row in run.rows:
            wanted = "success" if row["tokens"]["output_asked"] <= 5 else "in_stream_error"
            self.assertEqual(row["outcome"], wanted, row)

    def test_an_unknown_model_over_grpc(self):
        run = self.start("run", "--server", self.engine.grpc, "--model", "nobody", "-n", 5)
        _, error = run.communicate(timeout=60)
        # Triton says it in the stream, which has begun well.
        self.assertEqual(run.returncode, 3, error)
        self.assertIn("unknown model: 'nobody'", error)


class Ends(Served):
    def killed_and_started_again(self, server):
        n = 200
        words = ("--model", "tinylm", "--rate", 20, "--arrivals", "constant", "-n", n, "--warmup", 0, "--output-len", 100)
        (asked, _) = self.counts("tinylm")
        run = self.start("run", "--server", server, *words)
        while self.counts("tinylm")[0] < asked + 20 and run.poll() is None:
            time.sleep(0.05)
        killed = time.time()
        self.engine.kill9()
        time.sleep(1)
        self.engine.start(self.engine.port)
        ready = time.time()
        run = self.finish(run)
        level = run.level
        self.assertEqual((level["offered"], len(run.rows)), (n, n))
        self.assertEqual(level["succeeded"] + sum(level["failures"].values()), n)
        self.assertLessEqual(level["failures"].keys(), {"connect", "truncated", "http_5xx"})
        self.assertGreater(level["failures"]["connect"], 10)
        # Cut between tokens; not one of these was close to its end.
        self.assertGreater(level["failures"]["truncated"], 0)
        self.assertTrue(all(len(row["chunk_ms"]) < 100 for row in run.rows if row["outcome"] == "truncated"))
        self.assertEqual((run.done_before(killed), run.due_after(ready)), ({"success"}, {"success"}))
        self.assertEqual(run.findings()["errors"]["round"], 1)

    def test_killed_and_started_again(self):
        self.killed_and_started_again(self.engine.url)

    def test_killed_and_started_again_over_grpc(self):
        self.killed_and_started_again(self.engine.grpc)


if __name__ == "__main__":
    unittest.main()
