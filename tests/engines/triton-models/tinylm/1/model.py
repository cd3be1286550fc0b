"""A word every few milliseconds: responses to one request through its sender, each request on a thread of its own.

`stream: false` gathers the words into one response, unless `insist` is given. `fail_after: N` sends an error where word N was due.
"""

import json
import threading
import time

import numpy
import triton_python_backend_utils as triton

WORDS = "each word is sent alone and at its time so that whoever listens can tell one from the next".split()


class TritonPythonModel:
    def initialize(self, args):
        parameters = json.loads(args["model_config"])["parameters"]
        self.prefill, self.gap = (float(parameters[name]["string_value"]) / 1000 for name in ("prefill_ms", "token_ms"))

    def execute(self, requests):
        for request in requests:
            stream = given(request, "stream", True) or given(request, "insist", False)
            wanted = given(request, "max_tokens", 16), stream, given(request, "fail_after", -1)
            threading.Thread(target=self.answer, args=(request.get_response_sender(), *wanted)).start()

    def answer(self, sender, count, stream, fail_after):
        said, due = [], time.monotonic() + self.prefill
        for at in range(count):
            due += self.gap
            time.sleep(max(0.0, due - time.monotonic()))
            if at == fail_after:
                sender.send(triton.InferenceResponse([], error=triton.TritonError("failed as it was asked to")))
                break
            said.append(WORDS[at % len(WORDS)])
            if stream:
                sender.send(response(said[-1] + " "))
        else:
            if not stream:
                sender.send(response(" ".join(said)))
        sender.send(flags=triton.TRITONSERVER_RESPONSE_COMPLETE_FINAL)


def given(request, name, default):
    tensor = triton.get_input_tensor_by_name(request, name)
    return default if tensor is None else tensor.as_numpy().reshape(-1)[0].item()


def response(text):
    return triton.InferenceResponse([triton.Tensor("text_output", numpy.array([text.encode()], dtype=object))])
