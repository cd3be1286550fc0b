"""Starts a server with one small benchmark in it, lets schemathesis at it, and says what came of that."""

import json
import os
import subprocess
import sys
import tempfile
import time
import urllib.request

binary, tools = (os.path.abspath(path) for path in sys.argv[1:3])

# Statuses, content types, bodies and headers are as described, and nothing is a fault of the server's.
CHECKS = "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance,unsupported_method"


def ask(base, path, body=None):
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(base + path, data, {"content-type": "application/json"})
    with urllib.request.urlopen(request, timeout=10) as answer:
        return json.load(answer)


def finished(base):
    """A benchmark to ask about; its id."""
    settings = {"server": "sim:fast", "num-prompts": 40, "concurrency": 4, "output-len": 16}
    started = ask(base, "/api/v1/benchmarks", {"settings": settings})
    for _ in range(200):
        seen = ask(base, f"/api/v1/benchmarks/{started['id']}?result=false")["benchmark"]
        if seen["state"] == "finished":
            return seen["id"]
        time.sleep(0.05)
    raise SystemExit(f"the benchmark did not finish: {seen}")


def main():
    with tempfile.TemporaryDirectory() as folder:
        log = open(os.path.join(folder, "log"), "w+")
        command = [binary, "serve", "--listen", "127.0.0.1:0", "--log", "json"]
        server = subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE, stderr=log, text=True)
        try:
            base = server.stdout.readline().split()[-1]
            baseline = finished(base)
            ask(base, "/api/v1/baselines", {"benchmark": baseline})
            schema = ask(base, "/api/v1/openapi.json")
            # Event streams stay open by design, and a WebSocket is none of OpenAPI's matters.
            for path in ["/api/v1/benchmarks/{id}/events", "/ws/benchmark/{id}"]:
                del schema["paths"][path]
            described = os.path.join(folder, "openapi.json")
            with open(described, "w") as file:
                json.dump(schema, file)
            config = os.path.join(folder, "schemathesis.toml")
            with open(config, "w") as file:
                # Half of the ids should lead somewhere.
                file.write(f'[parameters]\nid = "{baseline}"\nserver = "sim:fast"\n')
            began = time.monotonic()
            code = subprocess.call(
                [
                    os.path.join(tools, "venv/bin/schemathesis"), "--config-file", config, "run", described, "--url", base,
                    # Lines of JSON are a type that schemathesis does not write; tests/it/server sends them.
                    "--checks", CHECKS, "--exclude-method", "PUT", "--max-examples", "12", "--seed", "1", "--rate-limit", "90/s", "--phases",
                    "examples,coverage,fuzzing", "--request-timeout", "10", "--no-color",
                ],
                cwd=folder,
            )
            alive = server.poll() is None
            log.seek(0)
            faults = [line for line in log if '"status":5' in line]
            panics = [line for line in log if "panicked" in line]
            print(f"schemathesis took {time.monotonic() - began:.0f} s; answers of 5xx: {len(faults)}; the server lives: {alive}")
            for line in (faults + panics)[:10]:
                print(line.strip())
            return 1 if code or faults or panics or not alive else 0
        finally:
            server.terminate()
            server.wait(20)


sys.exit(main())
