"""A load generator for where wrk is missing: ``python -m tests.benchmarks.load PORT SECONDS``.

Ten threads ask again and again over raw sockets, and connect again where the server hangs up. It
is the limit itself beyond a few thousand requests a second.
"""

import socket
import sys
import time
from collections.abc import Iterator
from threading import Thread
from typing import BinaryIO

CONNECTIONS = 10
REQUEST = b"GET /metrics HTTP/1.1\r\nHost: 127.0.0.1\r\nAccept-Encoding: gzip\r\n\r\n"


def answers(port: int, ends_at: float) -> Iterator[int]:
    """Lengths of complete answers until the end."""
    while time.monotonic() < ends_at:
        with socket.create_connection(("127.0.0.1", port)) as connection:
            reader = connection.makefile("rb")
            while time.monotonic() < ends_at:
                connection.sendall(REQUEST)
                length, kept = read(reader)
                yield length
                if not kept:
                    break


def read(reader: BinaryIO) -> tuple[int, bool]:
    """Read one answer: the length of its body, and whether another may follow."""
    kept = reader.readline().startswith(b"HTTP/1.1")
    length = 0
    while (line := reader.readline().rstrip().lower()) != b"":
        name, _, value = line.partition(b":")
        length = int(value) if name == b"content-length" else length
        kept = kept and line != b"connection: close"
    return len(reader.read(length)), kept


def main(port: int, seconds: float) -> None:
    """Print the answers per second."""
    ends_at = time.monotonic() + seconds
    counts = [0] * CONNECTIONS

    def ask(number: int) -> None:
        for _ in answers(port, ends_at):
            counts[number] += 1

    threads = [Thread(target=ask, args=(number,)) for number in range(CONNECTIONS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    print(f"Requests/sec: {sum(counts) / seconds:.2f}")


if __name__ == "__main__":
    main(int(sys.argv[1]), float(sys.argv[2]))
