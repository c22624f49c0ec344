"""Clients that hold up a server: ``python -m tests.benchmarks.stalling KIND PORT COUNT``.

KIND is ``stall``: connections that say nothing, half a request or half a handshake, among them a
slow loris that sends its header byte by byte; all come again when they are sent away. Or it is
``guess``: logins over TLS with ever other passwords. The first line says that they are there.
"""

import base64
import itertools
import os
import select
import socket
import ssl
import sys
import time
from collections.abc import Iterator
from http.client import HTTPSConnection
from threading import Thread

BEGINNINGS = (b"", b"GET /metrics HTTP/1.1\r\nHost: x\r\n", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc")
LORIS_SECONDS = 0.05
COME_AGAIN_SECONDS = 0.2


def stall(port: int, count: int) -> None:
    """Stall until killed."""
    beginnings = itertools.cycle(BEGINNINGS)
    Thread(target=drip, args=(port,), daemon=True).start()
    held = [begin(port, beginning) for beginning in itertools.islice(beginnings, count)]
    print("stalled", flush=True)
    while True:
        time.sleep(COME_AGAIN_SECONDS)
        ended = set(select.select(held, [], [], 0)[0])
        for connection in ended:
            connection.close()
        held = [begin(port, next(beginnings)) if each in ended else each for each in held]


def begin(port: int, beginning: bytes) -> socket.socket:
    """Connect, and begin something."""
    connection = socket.create_connection(("127.0.0.1", port))
    connection.sendall(beginning)
    return connection


def drip(port: int) -> None:
    """Send a header byte by byte, again and again."""
    while True:
        with begin(port, BEGINNINGS[1] + b"X-Slow: ") as connection:
            try:
                while not select.select([connection], [], [], LORIS_SECONDS)[0]:
                    connection.send(b"x")
            except ConnectionError:
                continue


def guess(port: int, count: int) -> None:
    """Try passwords until killed."""
    for _ in range(count):
        Thread(target=guess_all, args=(port,), daemon=True).start()
    print("guessing", flush=True)
    sys.stdin.read()


def guess_all(port: int) -> None:
    """Try passwords on one connection after the other."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    while True:
        connection = HTTPSConnection("127.0.0.1", port, context=context)
        try:
            for login in logins():
                connection.request("GET", "/metrics", headers={"Authorization": login})
                connection.getresponse().read()
        except OSError:
            connection.close()


def logins() -> Iterator[str]:
    """Ever other credentials."""
    while True:
        yield "Basic " + base64.b64encode(b"prometheus:" + os.urandom(12)).decode()


if __name__ == "__main__":
    {"stall": stall, "guess": guess}[sys.argv[1]](int(sys.argv[2]), int(sys.argv[3]))
