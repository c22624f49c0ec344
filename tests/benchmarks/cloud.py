"""Made-up upstreams on the loopback: every request that reaches them is counted."""

import json
import threading
from collections import Counter
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from tests.benchmarks.answers import ANSWERS, Asked
from tests.benchmarks.organization import ACCOUNTS, ROLE_KEY, Fleet


class LoopbackCloud:
    """All upstreams behind one port; ``wall`` gives the simulated epoch seconds."""

    def __init__(self, fleet: Fleet, wall: Callable[[], float]) -> None:
        self.fleet = fleet
        self.calls: Counter[str] = Counter()
        self.metrics_asked = 0
        self._wall = wall
        self._lock = threading.Lock()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    @property
    def url(self) -> str:
        """Where all of it answers."""
        return f"http://127.0.0.1:{self._server.server_port}"

    def close(self) -> None:
        """Answer no more."""
        self._server.shutdown()
        self._server.server_close()

    def answer(self, operation: str, place: tuple[str, str], fields: dict[str, Any]) -> bytes:
        """Count one request and answer it."""
        with self._lock:
            self.calls[operation] += 1
            self.metrics_asked += len(fields.get("MetricDataQueries", ()))
        document = ANSWERS[operation](self.fleet, Asked(self._wall(), operation, place, fields))
        return (document if isinstance(document, str) else json.dumps(document)).encode()


def _handler(cloud: LoopbackCloud) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def do_GET(self) -> None:
            url = urlsplit(self.path)
            self._send(cloud.answer(url.path, ("", ""), dict(parse_qs(url.query))))

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            if "Authorization" not in self.headers:
                self._send(cloud.answer(urlsplit(self.path).path, ("", ""), json.loads(body)))
                return
            key, _, region, *_ = self.headers["Authorization"].split("Credential=")[1].split("/")
            place = (ACCOUNTS[int(key == ROLE_KEY)], region)
            target = self.headers.get("X-Amz-Target")
            if target:
                self._send(cloud.answer(target.split(".")[-1], place, json.loads(body)))
            else:
                fields = {name: values[0] for name, values in parse_qs(body).items()}
                self._send(cloud.answer(fields["Action"], place, fields))

        def _send(self, body: bytes) -> None:
            head = f"HTTP/1.1 200 OK\r\nContent-Length: {len(body)}\r\n\r\n"
            self.wfile.write(head.encode() + body)

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class's name
            """Keep no log."""

    return Handler
