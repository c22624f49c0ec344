"""AWS on the loopback: canned answers over real HTTP, so that botocore's own ways are tested."""

import json
import threading
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl
from xml.sax.saxutils import escape

import botocore.loaders
import pytest

from exporter.core.fleet import Account, Instance, InstanceState, PurchaseOption
from exporter.core.provenance import FailureReason
from exporter.sources.aws.session import AwsClients

OWN_ACCESS_KEY = "AKIAEXAMPLEOWN"


@dataclass(frozen=True)
class Reply:
    """What the server sends; ``silent`` keeps it waiting, ``cut`` closes without an answer."""

    body: bytes = b""
    status: int = 200
    headers: tuple[tuple[str, str], ...] = ()
    silent: bool = False
    cut: bool = False


@dataclass(frozen=True)
class Asked:
    """One request as it came in; ``parameters`` are flat for query APIs."""

    operation: str
    parameters: dict[str, Any]
    access_key: str
    region: str
    service: str


@dataclass
class LoopbackAws:
    """Answers each operation in turn with what the test has prepared, and keeps the requests."""

    asked: list[Asked] = field(default_factory=list)
    replies: dict[str, deque[Reply]] = field(default_factory=dict)
    released: threading.Event = field(default_factory=threading.Event)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def reply(self, operation: str, *replies: Reply) -> None:
        """Prepare raw answers."""
        self.replies.setdefault(operation, deque()).extend(replies)

    def json(self, operation: str, *bodies: Any) -> None:
        """Prepare answers of a JSON API."""
        self.reply(operation, *(Reply(json.dumps(body).encode()) for body in bodies))

    def ec2(self, operation: str, *bodies: dict[str, Any]) -> None:
        """Prepare answers of EC2, by its names in the XML."""
        for body in bodies:
            document = f"<{operation}Response>{xml(body)}</{operation}Response>"
            self.reply(operation, Reply(document.encode()))

    def sts(self, operation: str, *bodies: dict[str, Any]) -> None:
        """Prepare answers of STS."""
        for body in bodies:
            self.ec2(operation, {f"{operation}Result": body})

    def ec2_error(self, operation: str, code: str, status: int, times: int = 1) -> None:
        """Prepare errors of EC2 or STS."""
        error = {"Errors": {"Error": {"Code": code, "Message": "made up"}}}
        document = f"<Response>{xml(error)}</Response>"
        self.reply(operation, *[Reply(document.encode(), status)] * times)

    def json_error(self, operation: str, code: str, status: int = 400) -> None:
        """Prepare an error of a JSON API."""
        body = json.dumps({"__type": code, "message": "made up"}).encode()
        self.reply(operation, Reply(body, status))

    def parameters(self, operation: str) -> list[dict[str, Any]]:
        """What the operation was asked with, in order."""
        return [asked.parameters for asked in self.asked if asked.operation == operation]

    def next_reply(self, asked: Asked) -> Reply:
        """Keep the request and take the next prepared answer."""
        with self.lock:
            self.asked.append(asked)
            waiting = self.replies.get(asked.operation)
            if not waiting:
                return Reply(b"nothing prepared for this request", 404)
            return waiting.popleft()


def xml(value: Any) -> str:
    """Render as the query APIs do: lists are made of <item> elements."""
    if isinstance(value, dict):
        return "".join(f"<{name}>{xml(inner)}</{name}>" for name, inner in value.items())
    if isinstance(value, list):
        return "".join(f"<item>{xml(inner)}</item>" for inner in value)
    return escape(str(value).lower() if isinstance(value, bool) else str(value))


def _handler(aws: LoopbackAws) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            target = self.headers.get("X-Amz-Target")
            query = {} if target else dict(parse_qsl(body, keep_blank_values=True))
            scope = self.headers["Authorization"].split("Credential=")[1].split(",")[0].split("/")
            reply = aws.next_reply(
                Asked(
                    target.split(".")[-1] if target else query["Action"],
                    json.loads(body) if target else query,
                    access_key=scope[0],
                    region=scope[2],
                    service=scope[3],
                )
            )
            if reply.silent:
                aws.released.wait()
            if reply.silent or reply.cut:
                self.close_connection = True
                return
            self.send_response(reply.status)
            for name, value in (*reply.headers, ("Content-Length", str(len(reply.body)))):
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(reply.body)

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class's name
            pass

    return Handler


@pytest.fixture(autouse=True)
def credentials(monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> None:
    """Made-up base credentials, and nothing of the machine's own AWS configuration."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", OWN_ACCESS_KEY)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "made-up-secret")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "no-config"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "no-credentials"))
    for name in ("AWS_SESSION_TOKEN", "AWS_PROFILE", "AWS_DEFAULT_REGION", "AWS_ENDPOINT_URL"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture(scope="session")
def service_models() -> Any:
    """The service models, read from disk once: 0.2 s for EC2 alone."""
    return botocore.loaders.create_loader()


@pytest.fixture(autouse=True)
def loaders_made(monkeypatch: pytest.MonkeyPatch, service_models: Any) -> list[Any]:
    """What ``create_loader`` gave; in the tests it is always the same loader."""
    made: list[Any] = []

    def create_loader(search_path_string: str | None = None) -> Any:
        assert search_path_string is None
        made.append(service_models)
        return service_models

    monkeypatch.setattr("botocore.loaders.create_loader", create_loader)
    return made


@pytest.fixture
def no_backoff(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let botocore retry at once."""

    class NoClock:
        @staticmethod
        def sleep(seconds: float) -> None:
            del seconds

    monkeypatch.setattr("botocore.endpoint.time", NoClock)


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[LoopbackAws]:
    """A loopback server behind AWS_ENDPOINT_URL."""
    loopback = LoopbackAws()
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(loopback))
    server.daemon_threads = True
    serving = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    serving.start()
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{server.server_port}")
    yield loopback
    loopback.released.set()
    server.shutdown()
    server.server_close()
    serving.join()


class RecordingObserver:
    """Keeps what it is told."""

    def __init__(self) -> None:
        self.requests: list[tuple[str, str, FailureReason | None]] = []
        self.seconds: list[float] = []
        self.spent: list[tuple[str, float]] = []

    def request(
        self, upstream: str, operation: str, seconds: float, failure: FailureReason | None
    ) -> None:
        """Keep a request."""
        self.requests.append((upstream, operation, failure))
        self.seconds.append(seconds)

    def spend(self, operation: str, usd: float) -> None:
        """Keep a bill."""
        self.spent.append((operation, usd))


class PassingTime:
    """Time that passes when someone pauses, or when the test says so."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.pauses: list[float] = []

    def timer(self) -> float:
        """Seconds since some instant."""
        return self.now

    def pause(self, seconds: float) -> None:
        """Let the time pass at once."""
        self.pauses.append(seconds)
        self.now += seconds


@pytest.fixture
def passing() -> PassingTime:
    return PassingTime()


@pytest.fixture
def observer() -> RecordingObserver:
    return RecordingObserver()


@pytest.fixture
def clients(observer: RecordingObserver) -> AwsClients:
    return AwsClients(observer, connect_timeout_seconds=1.0, read_timeout_seconds=5.0)


@pytest.fixture
def account() -> Account:
    return Account("111122223333")


def make_instance(**changes: Any) -> Instance:
    fields: dict[str, Any] = {
        "instance_id": "i-0aaa",
        "account_id": "111122223333",
        "region": "eu-west-1",
        "availability_zone": "eu-west-1a",
        "instance_type": "m5.large",
        "state": InstanceState.RUNNING,
        "launched_at": 0.0,
        "purchase_option": PurchaseOption.ON_DEMAND,
        "usage_operation": "RunInstances",
        "platform": "Linux/UNIX",
        "tenancy": "default",
        "architecture": "x86_64",
        "name": "",
    }
    return Instance(**{**fields, **changes})


@pytest.fixture
def instance_of() -> Any:
    """Make a running instance; keyword arguments change its fields."""
    return make_instance


@pytest.fixture
def make_reply() -> type[Reply]:
    """The raw answers a test can prepare."""
    return Reply
