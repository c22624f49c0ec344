"""A Prometheus that has known the demo's fleet for days, made for one benchmark."""

import json
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.parse import urlencode
from urllib.request import ProxyHandler, Request, build_opener

from tests.benchmarks.child import ROOT

PARTS = 2
TARGET = "127.0.0.1:10105"
PROGRAMS = ("prometheus", "promtool")
START_SECONDS = 60.0
DIRECT = build_opener(ProxyHandler({}))


class Refused(Exception):  # noqa: N818 - not an error of ours
    """Prometheus gave up on a query; the text says why."""


class Lived:
    """The server's address, and the last instant that it knows."""

    def __init__(self, address: str, until: float, limit_seconds: float) -> None:
        self._address = address
        self._limit_seconds = limit_seconds
        self.until = until

    def seconds(self, path: str, parameters: Mapping[str, object]) -> float:
        """Wall time of an answer that has data or none. Raises Refused."""
        begun = time.monotonic()
        self.ask(path, parameters)
        return time.monotonic() - begun

    def ask(self, path: str, parameters: Mapping[str, object]) -> list[dict[str, Any]]:
        """Series that a query has. Raises Refused."""
        body = urlencode({**parameters, "timeout": f"{self._limit_seconds:.0f}s"}).encode()
        request = Request(f"http://{self._address}/api/v1/{path}", data=body)
        try:
            with DIRECT.open(request, timeout=2 * self._limit_seconds) as answer:
                found: list[dict[str, Any]] = json.load(answer)["data"]["result"]
                return found
        except HTTPError as error:
            raise Refused(json.load(error)["error"]) from None

    def wait(self) -> None:
        """Until it answers."""
        ends_at = time.monotonic() + START_SECONDS
        while True:
            try:
                self.ask("query", {"query": "1"})
            except (URLError, ConnectionError):
                if time.monotonic() > ends_at:
                    raise
                time.sleep(0.2)
            else:
                return


def missing() -> list[str]:
    """What it needs and the machine does not have."""
    return [name for name in PROGRAMS if shutil.which(name) is None]


@contextmanager
def lived(folder: Path, days: int, instances: int, limit_seconds: float) -> Iterator[Lived]:
    """Make the history in a folder, and serve it."""
    until = time.time() - 60
    _record(folder, days, instances)
    address = _free_address()
    (folder / "empty.yml").write_text("global: {}\n", encoding="utf-8")
    with (folder / "prometheus.log").open("w", encoding="utf-8") as log:
        server = subprocess.Popen(
            [  # noqa: S607 - the one of the machine is to be measured
                "prometheus",
                f"--config.file={folder / 'empty.yml'}",
                f"--storage.tsdb.path={folder / 'data'}",
                "--storage.tsdb.retention.time=10y",
                f"--web.listen-address={address}",
            ],
            stdout=log,
            stderr=subprocess.STDOUT,
        )
    try:
        found = Lived(address, until, limit_seconds)
        found.wait()
        yield found
    finally:
        server.terminate()
        server.wait()


def _record(folder: Path, days: int, instances: int) -> None:
    """Backfill in as many processes as there are parts, then let the rules record it."""
    texts = [folder / f"{part}.om" for part in range(1, PARTS + 1)]
    fleet = ["--days", f"{days}", "--instances", f"{instances}", "--instance", TARGET]
    command = [sys.executable, "-m", "exporter", "backfill", *fleet]
    makers = [
        subprocess.Popen(
            [*command, "--part", f"{part}/{PARTS}", "--output", str(text)],
            cwd=ROOT,
            stderr=subprocess.DEVNULL,
        )
        for part, text in enumerate(texts, start=1)
    ]
    if any([maker.wait() for maker in makers]):  # noqa: C419 - each is waited for
        raise RuntimeError(f"{' '.join(command)} failed")
    subprocess.run(
        [ROOT / "prometheus" / "history.sh", folder / "data", f"{days}", *texts],
        env=os.environ | {"HISTORY_ADDRESS": _free_address()},
        check=True,
        stdout=subprocess.DEVNULL,
    )


def _free_address() -> str:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return f"127.0.0.1:{probe.getsockname()[1]}"
