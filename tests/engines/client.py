"""llm-loadtest as its users run it, and what it wrote; the pages of the servers' own metrics, read by a reader of our own."""

import contextlib
import dataclasses
import datetime
import json
import os
import re
import shutil
import socket
import subprocess
import tempfile
import threading
import time
import unittest
from pathlib import Path

from engines import MODEL, REPOSITORY, get

BINARY = Path(os.environ.get("BINARY", REPOSITORY / "target" / "debug" / "llm-loadtest"))
TOKENIZER = MODEL / "tiny" / "tokenizer.json"
# Proxies, keys and settings of whoever runs the tests are none of theirs.
CLEAN = {name: os.environ[name] for name in ("PATH", "HOME", "TMPDIR") if name in os.environ}


@dataclasses.dataclass
class Ended:
    """How a run ended."""

    code: int
    out: str
    err: str
    folder: Path

    @property
    def document(self):
        return json.loads((self.folder / "result.json").read_text())

    @property
    def level(self):
        return self.document["levels"][0]

    @property
    def rows(self):
        return [json.loads(line) for line in (self.folder / "requests.jsonl").read_text().splitlines()]

    def findings(self):
        return {finding["code"]: finding for finding in self.document["findings"]}

    def done_before(self, moment):
        """How the requests ended that were over by then, in seconds of the epoch."""
        return {row["outcome"] for row in self.rows if self.origin + row["done_ms"] / 1000 < moment}

    def due_after(self, moment):
        return {row["outcome"] for row in self.rows if self.origin + row["due_ms"] / 1000 > moment}

    @property
    def origin(self):
        return datetime.datetime.fromisoformat(self.document["clock_origin"]).timestamp()


class Measured(unittest.TestCase):
    """A test that runs llm-loadtest; what it writes is gone afterwards."""

    maxDiff = None

    def setUp(self):
        self.folder = Path(tempfile.mkdtemp(prefix="engines-"))
        self.addCleanup(shutil.rmtree, self.folder)

    def start(self, command, *words, key=None):
        """`llm-loadtest COMMAND WORDS…`, running."""
        environment = CLEAN | ({"OPENAI_API_KEY": key} if key else {})
        arguments = [BINARY, command, *words, "--output", self.folder / "out/", "--gpu", "off"]
        process = subprocess.Popen(
            list(map(str, arguments)), cwd=self.folder, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        self.addCleanup(ended, process)
        return process

    def finish(self, process, code=0):
        """Its end, with the exit code that is expected."""
        out, err = process.communicate(timeout=180)
        self.assertEqual(process.returncode, code, f"{out}\n{err}")
        return Ended(process.returncode, out, err, self.folder / "out")

    def measure(self, command, *words, code=0, key=None):
        return self.finish(self.start(command, *words, key=key), code)


def ended(process):
    if process.poll() is None:
        process.kill()
    process.communicate()


# A sample: name, labels, value; a timestamp or an exemplar may follow.
SAMPLE = re.compile(r"([A-Za-z_:][\w:]*)(?:\{(.*?)\})? ([^ ]+)")


def metrics(url, key=None):
    """A Prometheus page as [(name, labels, value)]."""
    lines = [line for line in get(url, key).splitlines() if line and not line.startswith("#")]
    found = [SAMPLE.match(line) for line in lines]
    return [(match[1], dict(re.findall(r'(\w+)="(.*?)"', match[2] or "")), float(match[3])) for match in found if match]


def total(page, name, **labels):
    """The sum over all label sets of `name` that have `labels`."""
    return sum(value for known, has, value in page if known == name and labels.items() <= has.items())


class Histogram:
    """What a histogram of a page counted between two readings, with all label sets in one."""

    def __init__(self, before, after, name, **labels):
        counts = {}
        for page, sign in ((before, -1), (after, 1)):
            for known, has, value in page:
                if known == f"{name}_bucket" and labels.items() <= has.items():
                    bound = float(has["le"])
                    counts[bound] = counts.get(bound, 0) + sign * value
        self.bounds, self.below = zip(*sorted(counts.items()))
        self.count = self.below[-1]

    def around(self, quantile):
        """The ends of the bucket that holds the quantile and of its neighbours, in ms."""
        at = next(at for at, below in enumerate(self.below) if below >= quantile * self.count)
        low = self.bounds[at - 2] if at > 1 else 0.0
        return 1000 * low, 1000 * self.bounds[min(at + 1, len(self.bounds) - 1)]


class Relay:
    """Hands bytes on between the client and an engine, and keeps what the client sent: what was really asked for.

    The news that the engine has closed a connection is handed on `late` seconds after it came.
    """

    def __init__(self, port, late=0.0):
        self.target, self.late = port, late
        self.sent, self.connections = [], 0
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}"

    def accept(self):
        with contextlib.suppress(OSError):
            while True:
                client = self.listener.accept()[0]
                self.connections += 1
                threading.Thread(target=self.serve, args=(client, bytearray()), daemon=True).start()

    def serve(self, client, kept):
        self.sent.append(kept)
        with client, socket.create_connection(("127.0.0.1", self.target)) as server:
            answers = threading.Thread(target=self.hand_on, args=(server, client, None, self.late))
            answers.start()
            self.hand_on(client, server, kept, 0.0)
            answers.join()

    @staticmethod
    def hand_on(source, sink, kept, late):
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                if kept is not None:
                    kept += data
                sink.sendall(data)
        time.sleep(late)
        # Both ways: whoever still waits for the other side hears of its end.
        for end in (source, sink):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    def bodies(self):
        """The JSON bodies of all POST requests, connection by connection."""
        texts = [kept.decode(errors="replace") for kept in self.sent]
        starts = [(text, match.end()) for text in texts for match in re.finditer(r"POST [^\r]*\r\n(?:[^\r]+\r\n)*\r\n", text)]
        return [json.JSONDecoder().raw_decode(text, start)[0] for text, start in starts]
