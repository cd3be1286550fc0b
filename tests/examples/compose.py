"""The Compose example: a valid file, no secret in it, and commands that the binary takes.

compose.py BINARY
"""
import os
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import yaml
from compose_spec import PyCompose

FOLDER = Path(__file__).parents[2] / "examples" / "compose"


def check(text):
    """What is wrong with the file itself."""
    try:
        PyCompose.from_yaml(text)
    except ValueError as error:
        return [f"not a Compose file: {error}"]
    services = yaml.safe_load(text)["services"]
    found = []
    for name, service in services.items():
        if "healthcheck" not in service:
            found.append(f"{name} has no health check")
        for port in service.get("ports", []):
            if not str(port).startswith("127.0.0.1:"):
                found.append(f"{name} opens {port} to other machines")
        for other, how in service.get("depends_on", {}).items():
            if other not in services or how["condition"] != "service_healthy":
                found.append(f"{name} does not wait for {other}")
        for variable, value in service.get("environment", {}).items():
            if re.search("PASSWORD|SECRET|KEY|TOKEN", variable) and not value.startswith("${"):
                found.append(f"{name} has {variable} in clear")
            if re.search(r"://[^/@$]+:[^@$]+@", value):
                found.append(f"{name} has a password in {variable}")
    return found


def starts(binary, service, folder):
    """Whether a service's command serves, and its health check says so."""
    command = [
        re.sub(r"0\.0\.0\.0:\d+", "0.0.0.0:0", word).replace("/data", folder)
        for word in service["command"]
    ]
    process = subprocess.Popen([binary, *command], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        line = process.stdout.readline()
        if "http://" not in line:
            sys.exit(f"{command}: {line}{process.stderr.read()}")
        port = line.split(":")[-1].strip()
        kind, *words = service["healthcheck"]["test"]
        assert kind == "CMD", kind
        words = [re.sub(r"(/dev/tcp/127\.0\.0\.1/|localhost:)\d+", rf"\g<1>{port}", word) for word in words]
        until = time.monotonic() + 10
        while (probe := subprocess.run(words, check=False, timeout=10, env={"PATH": os.environ["PATH"]})).returncode:
            if time.monotonic() > until:
                sys.exit(f"{words}: {probe.returncode}")
            time.sleep(0.2)
        process.terminate()
        process.wait()
        if not subprocess.run(words, check=False, timeout=10, stderr=subprocess.DEVNULL).returncode:
            sys.exit(f"{words} calls a server healthy that has ended")
    finally:
        process.kill()
        process.wait()


def main(binary):
    text = (FOLDER / "docker-compose.yml").read_text()
    found = check(text)
    if found:
        sys.exit("\n".join(found))
    services = yaml.safe_load(text)["services"]
    with tempfile.TemporaryDirectory() as folder:
        # The README's own line, on a store beside it; without a key such an address is refused.
        readme = (FOLDER / "README.md").read_text()
        words = re.search(r"run --rm llm-loadtest (.*)", readme)[1].split()
        without = [binary, "serve", "--listen", "0.0.0.0:0", "--data", folder]
        if "key" not in subprocess.run(without, timeout=20, capture_output=True, text=True, check=False).stderr:
            sys.exit("a server without a key is open to other machines")
        subprocess.run([binary, *words, "--data", folder], check=True, stdout=subprocess.DEVNULL)
        for name in ("llm-loadtest", "simulator"):
            starts(binary, services[name], folder)
    for old, new in [
        ("127.0.0.1:8090:8090", "8090:8090"),
        ("POSTGRES_PASSWORD: ${POSTGRES_PASSWORD:?copy env.example to .env and set it}", "POSTGRES_PASSWORD: hunter2"),
        (":${POSTGRES_PASSWORD:?copy env.example to .env and set it}@", ":hunter2@"),
        ("simulator: {condition", "simulators: {condition"),
        ("restart: unless-stopped", "restarts: [1]"),
    ]:
        spoilt = text.replace(old, new)
        if spoilt == text or not check(spoilt):
            sys.exit(f"nothing was found although {old} became {new}")
    variables = set(re.findall(r"\$\{(\w+)", text))
    given = set(re.findall(r"^(\w+)=", (FOLDER / "env.example").read_text(), re.M))
    if variables != given:
        sys.exit(f"env.example gives {given}, the file asks for {variables}")
    print("compose: a valid file, both commands serve and are healthy; 5 of 5 planted mistakes were found")


main(*sys.argv[1:])
