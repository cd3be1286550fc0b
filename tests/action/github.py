"""A GitHub that knows one repository: comments and statuses, and the files of its base branch; everything else is not found."""

import base64
import json
import re
import threading
import urllib.parse
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class GitHub:
    """Listens on `host` while it is a context; `forbidden` refuses every write, as a fork's token is refused."""

    def __init__(self, host, forbidden=False, files=None):
        self.forbidden, self.files = forbidden, files or {}
        self.comments, self.statuses, self.requests = [], [], []
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
        self.server.shutdown()
        self.server.server_close()

    def answer(self, request):
        length = int(request.headers.get("content-length") or 0)
        body = json.loads(request.rfile.read(length)) if length else None
        path = request.path.split("?")[0]
        self.requests.append((request.command, path, request.headers.get("authorization", "")))
        status, value = self.route(request.command, urllib.parse.unquote(path), body)
        raw = isinstance(value, str)
        if raw and "raw" not in request.headers.get("accept", ""):
            value, raw = {"type": "file", "encoding": "base64", "content": base64.b64encode(value.encode()).decode(), "size": len(value), "sha": "f" * 40}, False
        text = (value if raw else json.dumps(value)).encode()
        request.send_response(status)
        request.send_header("content-type", "application/json; charset=utf-8")
        request.send_header("content-length", str(len(text)))
        request.end_headers()
        request.wfile.write(text)

    def route(self, method, path, body):
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
        if path.startswith("/contents/"):
            return self.contents(path.removeprefix("/contents/"))
        return 404, {"message": "Not Found", "documentation_url": "https://docs.github.com/rest"}

    def comment(self, number, body):
        user = {"login": "github-actions[bot]", "id": 41898282, "type": "Bot"}
        address = f"{self.url}/repos/org/serving/issues/comments/{number}"
        return {"id": number, "node_id": "x", "url": address, "html_url": f"https://github.com/org/serving/pull/7#issuecomment-{number}", "body": body, "user": user}

    def contents(self, path):
        if path in self.files:
            return 200, self.files[path]
        inside = [name for name in self.files if name.startswith(f"{path}/")]
        entries = [{"type": "file", "path": name, "name": name.rsplit("/", 1)[1], "size": len(self.files[name]), "sha": "f" * 40} for name in inside]
        return (200, entries) if entries else (404, {"message": "Not Found", "documentation_url": "https://docs.github.com/rest"})
