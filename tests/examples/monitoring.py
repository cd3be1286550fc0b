"""The Grafana examples against a real /metrics page: every metric, label and value they name is there, every expression parses.

monitoring.py BINARY PROMTOOL
"""
import json
import re
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

import yaml

FOLDER = Path(__file__).parents[2] / "examples" / "grafana"
# Labels that Prometheus itself puts on what it scrapes, and its own series.
SCRAPED = {"instance", "job"}
OWN = {"up"}
SERIES = re.compile(r"([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})? \S+")
LABEL = re.compile(r'(\w+)="((?:[^"\\]|\\.)*)"')
MATCHER = re.compile(r'(\w+)\s*(=~|!~|!=|=)\s*"([^"]*)"')


def exposition(text):
    """Label names and values by metric."""
    found = {}
    for line in filter(lambda line: line and not line.startswith("#"), text.splitlines()):
        name, labels = SERIES.fullmatch(line).groups()
        known = found.setdefault(name, {})
        for label, value in LABEL.findall(labels or ""):
            known.setdefault(label, set()).add(value)
    return found


def metrics(binary):
    """The page of a server on which one benchmark failed its requests and another one is under way."""
    with tempfile.TemporaryDirectory() as folder:
        server = subprocess.Popen(
            [binary, "serve", "--listen", "127.0.0.1:0", "--data", folder],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        try:
            url = server.stdout.readline().split()[-1]

            def ask(path, body=None):
                data = None if body is None else json.dumps(body).encode()
                headers = {"Content-Type": "application/json"}
                with urllib.request.urlopen(urllib.request.Request(url + path, data, headers), timeout=10) as answer:
                    return answer.read().decode()

            faulty = {"server": "sim:fast?errors=20%", "num-prompts": 60, "concurrency": 4, "output-len": 16}
            ask("/api/v1/benchmarks", {"settings": faulty})
            under_way = {"server": "sim:fast", "duration": "60s", "rate": 50, "output-len": 16}
            last = json.loads(ask("/api/v1/benchmarks", {"settings": under_way}))
            until = time.monotonic() + 30
            while True:
                page = ask("/metrics")
                if all(name in page for name in ("ttft_seconds{", "itl_seconds{", "requests_failed_total{")):
                    return page
                if time.monotonic() > until:
                    sys.exit(f"the page never had everything; benchmark {last['id']}:\n{page}")
                time.sleep(0.2)
        finally:
            server.terminate()
            server.wait()


def expressions(dashboard, rules):
    """(where, expression, texts that name labels)."""
    for panel in dashboard["panels"]:
        for target in panel["targets"]:
            yield f"panel '{panel['title']}'", target["expr"], [target["legendFormat"]]
    for variable in dashboard["templating"]["list"]:
        asked = re.fullmatch(r"label_values\((\w+), (\w+)\)", variable.get("definition", ""))
        if asked:
            yield f"variable {variable['name']}", asked[1], ["{{" + asked[2] + "}}"]
    for rule in (rule for group in rules["groups"] for rule in group["rules"]):
        yield f"alert {rule['alert']}", rule["expr"], list(rule["annotations"].values())


def wrong(known, dashboard, rules):
    """What the examples name and the page does not have."""
    found = []
    for where, expression, texts in expressions(dashboard, rules):
        bare = re.sub(r'"[^"]*"', '""', expression)
        names = set(re.findall(r"\b(?:llm_loadtest_\w+|up)\b", bare))
        found += [f"{where}: no metric {name}" for name in names - OWN - known.keys()]
        if not names:
            found.append(f"{where}: names no metric of ours")
        labels = {label: values for name in names for label, values in known.get(name, {}).items()}
        for name, selector in re.findall(r"(\w+)\{([^}]*)\}", expression):
            for label, operator, value in MATCHER.findall(selector):
                values = known.get(name, {}).get(label)
                if label in SCRAPED:
                    continue
                if values is None:
                    found.append(f"{where}: {name} has no label {label}")
                elif operator == "=" and value not in values:
                    found.append(f"{where}: {name} has no {label}={value}, but {sorted(values)}")
                elif operator == "=~" and not set(value.split("|")) <= values:
                    found.append(f"{where}: {name} has not all of {label}=~{value}")
        used = set(re.findall(r"\{\{\s*(\w+)\s*\}\}", " ".join(texts)))
        used |= set(re.findall(r"\$labels\.(\w+)", " ".join(texts)))
        for group in re.findall(r"\b(?:by|on)\s*\(([^)]*)\)", expression):
            used |= {label.strip() for label in group.split(",")}
        found += [f"{where}: no label {label}" for label in sorted(used - SCRAPED - labels.keys())]
    return found


def parses(promtool, dashboard):
    """Every expression as Prometheus reads it, variables filled in as Grafana does."""
    filled = [
        expression.replace("$__rate_interval", "5m").replace("$instance", ".*")
        for _, expression, _ in expressions(dashboard, {"groups": []})
    ]
    rules = [{"record": f"checked:{at}", "expr": expression} for at, expression in enumerate(filled)]
    with tempfile.NamedTemporaryFile("w", suffix=".yaml") as file:
        yaml.safe_dump({"groups": [{"name": "dashboard", "rules": rules}]}, file)
        file.flush()
        return subprocess.run([promtool, "check", "rules", file.name], capture_output=True, text=True, check=False)


def main(binary, promtool):
    dashboard = json.loads((FOLDER / "dashboard.json").read_text())
    rules = yaml.safe_load((FOLDER / "rules.yaml").read_text())
    known = exposition(metrics(binary))
    found = wrong(known, dashboard, rules)
    if found:
        sys.exit("\n".join(found))
    parsed = parses(promtool, dashboard)
    if parsed.returncode:
        sys.exit(parsed.stdout + parsed.stderr)
    for command in (["check", "rules", "rules.yaml"], ["test", "rules", "rules.test.yaml"]):
        subprocess.run([promtool, *command], cwd=FOLDER, check=True, stdout=subprocess.DEVNULL)

    # What is planted must be found.
    text = (FOLDER / "dashboard.json").read_text()
    for old, new in [
        ("llm_loadtest_queue_length", "llm_loadtest_queue_size"),
        ('state=\\"running\\"', 'state=\\"executing\\"'),
        ("sum by (class)", "sum by (kind)"),
        ("{{quantile}}", "{{percentile}}"),
    ]:
        spoilt = text.replace(old, new)
        if spoilt == text or not wrong(known, json.loads(spoilt), rules):
            sys.exit(f"nothing was found although {old} became {new}")
    if not parses(promtool, json.loads(text.replace("sum by (class) (", "sum by (class ("))).returncode:
        sys.exit("an expression that does not parse was accepted")
    count = len(list(expressions(dashboard, rules)))
    print(f"grafana: {count} expressions over {len(known)} metrics of a real page; 5 of 5 planted mistakes were found")


main(*sys.argv[1:])
