"""Upstreams that send back all that they were sent, as a proxy could do, or a mistake of theirs.

One refuses everything, the other answers as asked.
"""

import base64
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any
from urllib.parse import parse_qs
from xml.sax.saxutils import escape

from tests.benchmarks.answers import ANSWERS, Asked
from tests.benchmarks.organization import ACCOUNTS, ROLE_KEY, Fleet, Machine

STRANGER = "666677778888"
"""An account of the organization whose role trusts nobody."""


class Echo(BaseHTTPRequestHandler):
    """Refuses, in the words of whoever is asked, with everything it was sent."""

    received: list[str]

    def do_GET(self) -> None:
        """Refuse."""
        self.refuse(self.sent())

    do_POST = do_CONNECT = do_GET  # noqa: N815 (http.server's names)

    def sent(self) -> str:
        """Read the whole request, and keep it."""
        self.body = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()
        plain = [
            base64.b64decode(value.removeprefix("Basic ")).decode()
            for value in self.headers.values()
            if value.startswith("Basic ")
        ]
        sent = f"{self.path} {self.headers} {plain} {self.body}"
        self.received.append(sent)
        return sent

    def refuse(self, sent: str) -> None:
        """Say no, and why, and what was sent; as AWS does it, the unsuitable value comes first."""
        secret = self.headers.get("X-Amz-Security-Token")
        said = f"Value {parse_qs(self.body).get('ExternalId', secret)} is unsuitable: {sent}"
        if "X-Amz-Target" in self.headers:
            body = json.dumps({"__type": "ValidationException", "message": said})
        elif "AWS4-HMAC" in sent:
            error = f"<Error><Code>ValidationError</Code><Message>{escape(said)}</Message></Error>"
            body = f"<Response><Errors>{error}</Errors></Response>"
            if "sts" in sent or "AssumeRole" in sent:
                body = f"<ErrorResponse>{error}</ErrorResponse>"
        else:
            body = json.dumps({"message": sent, "error": sent, "detail": sent})
        self.answer(403, "Forbidden " + " ".join(sent.split())[:200], body)

    def answer(self, status: int, reason: str, body: str) -> None:
        """Send an answer."""
        self.send_response(status, reason)
        self.send_header("Content-Length", str(len(body.encode())))
        self.end_headers()
        self.wfile.write(body.encode())

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 (http.server's name)
        """Keep quiet."""


class Lasting(Fleet):
    """Of whose past CloudTrail knows nothing: reading it takes a while."""

    def replacements(
        self, since_at: float, until_at: float, place: tuple[str, str]
    ) -> Iterator[tuple[Machine, Machine]]:
        """None."""
        del since_at, until_at, place
        return iter(())


def answering(fleet: Fleet, wall: Callable[[], float], credentials: str) -> type[Echo]:
    """Answers as asked, with what was sent beside it; roles get ``credentials``."""

    class Answering(Echo):
        def do_GET(self) -> None:
            sent = self.sent()
            operation, fields, account = self.asked()
            if operation == "AssumeRole" and STRANGER in self.body:
                self.refuse(sent)
                return
            if operation == "ListAccounts":
                ids = (*ACCOUNTS, STRANGER)
                told: object = {"Accounts": [{"Id": each, "Status": "ACTIVE"} for each in ids]}
            else:
                place = (account, "eu-central-1")
                told = ANSWERS[operation](fleet, Asked(wall(), operation, place, fields))
            self.answer(200, "OK", self.boasting(told, sent))

        do_POST = do_GET  # noqa: N815 (http.server's names)

        def asked(self) -> tuple[str, dict[str, Any], str]:
            """Operation, fields and account."""
            path, _, query = self.path.partition("?")
            signed = self.headers.get("Authorization", "")
            account = ACCOUNTS[int(ROLE_KEY in signed)]
            if "X-Amz-Target" in self.headers:
                return self.headers["X-Amz-Target"].split(".")[-1], json.loads(self.body), account
            if "AWS4-HMAC" in signed:
                fields = {name: values[0] for name, values in parse_qs(self.body).items()}
                return fields["Action"], fields, account
            return path, dict(json.loads(self.body) if self.body else parse_qs(query)), account

        @staticmethod
        def boasting(told: object, sent: str) -> str:
            """What was asked for, and what was sent, in one document where there is room."""
            if isinstance(told, dict):
                return json.dumps(told | {"sent": sent, "message": sent})
            text = str(told).replace("made-up<", f"{credentials}<")
            return text.replace("><", f"><Sent>{escape(sent)}</Sent><", 1)

    return Answering


@contextmanager
def served(kind: type[Echo]) -> Iterator[tuple[str, list[str]]]:
    """The address of an upstream, and what it has received."""
    received: list[str] = []
    handler = type("Handler", (kind,), {"received": received})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    try:
        yield f"127.0.0.1:{server.server_port}", received
    finally:
        server.shutdown()
        server.server_close()
