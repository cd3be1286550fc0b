"""A GitHub that knows one repository: its files by commit, pull requests, comments and statuses; everything else is not found."""

import base64
import json
import re
import threading
import urllib.parse
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from runner import pull_request

BASE = "b" * 40
NOT_FOUND = 404, {"message": "Not Found", "documentation_url": "https://docs.github.com/rest"}


class GitHub:
    """Listens on `host` while it is a context, with `files` on its default branch. `forbidden` refuses every write, as a fork's token is
    refused; what matches `silent` is never answered."""

    def __init__(self, host, forbidden=False, files=None, fork=False, silent=None):
        self.forbidden, self.silent = forbidden, silent and re.compile(silent)
        self.comments, self.statuses, self.requests = [], [], []
        self.pulls = [pull_request(fork)["pull_request"]]
        # Commits and trees are their files.
        self.objects, self.branches = {BASE: files or {}}, {"main": BASE}
        self.closing = threading.Event()
        github = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                github.answer(self)

            do_POST = do_PATCH = do_PUT = do_GET

            def log_message(self, *_):
                pass

        self.server = ThreadingHTTPServer((host, 0), Handler)
        self.url = f"http://{host}:{self.server.server_port}"

    def __enter__(self):
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_):
        self.closing.set()
        self.server.shutdown()
        self.server.server_close()

    @property
    def is_kept_waiting(self):
        """Whether somebody waits for what is never answered."""
        return any(self.silent.search(path) for _, path, _ in self.requests)

    def answer(self, request):
        length = int(request.headers.get("content-length") or 0)
        body = json.loads(request.rfile.read(length)) if length else None
        address = urllib.parse.urlsplit(request.path)
        path, query = urllib.parse.unquote(address.path), dict(urllib.parse.parse_qsl(address.query))
        self.requests.append((request.command, path, request.headers.get("authorization", "")))
        if self.silent and self.silent.search(path):
            self.closing.wait()
            return
        status, value = self.route(request.command, path, query, body)
        raw = isinstance(value, str)
        if raw and "raw" not in request.headers.get("accept", ""):
            value, raw = {"type": "file", "encoding": "base64", "content": base64.b64encode(value.encode()).decode(), "size": len(value), "sha": "f" * 40}, False
        text = (value if raw else json.dumps(value)).encode()
        request.send_response(status)
        request.send_header("content-type", "application/json; charset=utf-8")
        request.send_header("content-length", str(len(text)))
        request.end_headers()
        request.wfile.write(text)

    def route(self, method, path, query, body):
        if path == "/graphql":
            return 200, {"data": {"viewer": {"login": "github-actions[bot]"}}}
        if method != "GET" and self.forbidden:
            return 403, {"message": "Resource not accessible by integration", "documentation_url": "https://docs.github.com/rest"}
        path = path.removeprefix("/repos/org/serving")
        if path == "/issues/7/comments":
            if method == "POST":
                self.comments.append(self.comment(len(self.comments) + 1, body["body"]))
                return 201, self.comments[-1]
            return 200, self.comments
        if match := re.fullmatch(r"/issues/comments/(\d+)", path):
            self.comments[int(match[1]) - 1]["body"] = body["body"]
            return 200, self.comments[int(match[1]) - 1]
        if re.fullmatch(r"/statuses/[0-9a-f]{40}", path):
            self.statuses.append((path[-40:], body))
            return 201, {"id": 1, "url": self.url, **body}
        if path == "/pulls/7/files":
            return 200, []
        if match := re.fullmatch(r"/commits/([0-9a-f]{40})/pulls", path):
            return 200, [pull for pull in self.pulls if pull["head"]["sha"] == match[1]]
        if path.startswith("/contents/"):
            return self.contents(path.removeprefix("/contents/"), query.get("ref", "main"))
        if path.startswith("/git/"):
            return self.git(method, path.removeprefix("/git/"), body)
        if path == "/pulls":
            return self.proposals(method, query, body)
        return NOT_FOUND

    def comment(self, number, body):
        user = {"login": "github-actions[bot]", "id": 41898282, "type": "Bot"}
        address = f"{self.url}/repos/org/serving/issues/comments/{number}"
        return {"id": number, "node_id": "x", "url": address, "html_url": f"https://github.com/org/serving/pull/7#issuecomment-{number}", "body": body, "user": user}

    def contents(self, path, reference):
        files = self.objects[self.branches.get(reference, reference)]
        if path in files:
            return 200, files[path]
        inside = [name for name in files if name.startswith(f"{path}/")]
        entries = [{"type": "file", "path": name, "name": name.rsplit("/", 1)[1], "size": len(files[name]), "sha": "f" * 40} for name in inside]
        return (200, entries) if entries else NOT_FOUND

    def git(self, method, path, body):
        """Commits, trees and branches, as far as a file is added to a branch."""
        branch = path.removeprefix("ref/heads/").removeprefix("refs/heads/")
        if method == "GET" and path.startswith("ref/"):
            return (200, {"ref": f"refs/heads/{branch}", "object": {"sha": self.branches[branch]}}) if branch in self.branches else NOT_FOUND
        if method == "GET" and path.startswith("commits/"):
            return 200, {"tree": {"sha": path.removeprefix("commits/")}}
        if method == "POST" and path in ("trees", "commits"):
            name = f"{len(self.objects):040x}"
            edits = {entry["path"]: entry["content"] for entry in body["tree"]} if path == "trees" else {}
            self.objects[name] = self.objects[body["base_tree"] if path == "trees" else body["tree"]] | edits
            return 201, {"sha": name}
        self.branches[body["ref"].removeprefix("refs/heads/") if method == "POST" else branch] = body["sha"]
        return 200, {"object": {"sha": body["sha"]}}

    def proposals(self, method, query, body):
        if method == "GET":
            return 200, [pull for pull in self.pulls if f"org:{pull['head']['ref']}" == query["head"]]
        number = 7 + len(self.pulls)
        head = {"ref": body["head"], "sha": self.branches[body["head"]]}
        pull = {"number": number, "html_url": f"https://github.com/org/serving/pull/{number}", "state": "open", "merged_at": None}
        self.pulls.append(pull | {"body": body["body"], "head": head, "base": {"ref": body["base"], "sha": BASE}})
        return 201, self.pulls[-1]
