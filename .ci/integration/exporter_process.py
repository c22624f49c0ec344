"""The exporter as its users run it: a process with an environment and an HTTP port."""

import gzip
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path

import requests

from cloud_rig import CANARY_KEY_ID, CANARY_SECRET, CANARY_TOKEN, CloudRig
from exposition import Exposition
from waiting import eventually

ROOT = Path(__file__).resolve().parents[2]
SECRETS = (CANARY_SECRET, CANARY_TOKEN, "rig-external-", "canary-")
"""No output may hold one of these: the planted secrets, and any role's external id."""

SESSION_TOKEN = re.compile(r"rig[A-Z2-7]{60,}")
"""The form of the rig's temporary session tokens."""


def free_address() -> str:
    """An address on loopback that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return f"127.0.0.1:{probe.getsockname()[1]}"


def clean_environment(folder: Path, settings: Mapping[str, str]) -> dict[str, str]:
    """Nothing of the machine's own: no profile, no metadata service, no .env file."""
    return {
        "PATH": os.environ["PATH"],
        "HOME": str(folder),
        "PYTHONPATH": str(ROOT),
        "AWS_EC2_METADATA_DISABLED": "true",
        "CARBONFINOPS_STATE_DIR": str(folder / "state"),
        **settings,
    }


def assert_nothing_leaks(text: str, where: str) -> None:
    """Fail when a planted secret or a stack trace shows."""
    for secret in SECRETS:
        assert secret not in text, f"{where} shows the secret {secret!r}"
    assert not SESSION_TOKEN.search(text), f"{where} shows a session token"
    assert CANARY_KEY_ID not in text, f"{where} shows the access key id"
    assert "Traceback" not in text, f"{where} shows a stack trace:\n{text[-3000:]}"


class ExporterProcess:
    """``serve`` or ``demo``, running; ``stop`` ends it and reads its log for leaks and bugs."""

    def __init__(self, folder: Path, settings: Mapping[str, str], *arguments: str) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.log_path = folder / "exporter.log"
        self.state = Path(clean_environment(folder, settings)["CARBONFINOPS_STATE_DIR"])
        self.address = settings.get("CARBONFINOPS_WEB__LISTEN_ADDRESS") or free_address()
        listen = {"CARBONFINOPS_WEB__LISTEN_ADDRESS": self.address}
        self.started_at = time.time()
        with self.log_path.open("a") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "exporter", *(arguments or ("serve",))],
                cwd=folder,
                env=clean_environment(folder, {**settings, **listen}),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        self._http = requests.Session()
        self._http.trust_env = False
        self.first = eventually(self._first_scrape, 30, "the first scrape", 0.02)

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._process.pid

    def kill(self) -> None:
        """End it without warning, as a crash would."""
        self._process.kill()
        self._process.wait()

    @property
    def log(self) -> str:
        """Everything it printed."""
        return self.log_path.read_text()

    def _first_scrape(self) -> Exposition | None:
        assert self._process.poll() is None, f"the exporter ended:\n{self.log}"
        try:
            return self.scrape()
        except requests.ConnectionError:
            return None

    def get(self, path: str, limit_seconds: float = 10) -> requests.Response:
        """One answer of its web server."""
        return self._http.get(f"http://{self.address}{path}", timeout=limit_seconds)

    def scrape(self) -> Exposition:
        """What /metrics says now."""
        answer = self.get("/metrics")
        assert answer.status_code == 200, answer.text[:300]
        scraped_at = time.time()
        return Exposition.of(answer.content.decode("utf-8"), scraped_at)

    def settled(
        self, rig: CloudRig, *, limit_seconds: float = 60, quiet: float = 1.5
    ) -> Exposition:
        """The body once every source was asked and no request was made for a while."""
        seen, since = -1, time.monotonic()

        def quiet_and_complete() -> Exposition | None:
            nonlocal seen, since
            made = rig.requests_made().total()
            if made != seen:
                seen, since = made, time.monotonic()
            if time.monotonic() - since < quiet:
                return None
            body = self.scrape()
            asked = body.by_name.get("source_refreshes_total", ())
            complete = asked and all(series.value for series in asked)
            return body if complete and body.by_name.get("instance_info") else None

        return eventually(quiet_and_complete, limit_seconds, "a settled exporter", 0.25)

    def stop(self) -> int:
        """End it as a supervisor does; its exit code."""
        self._http.close()
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)
            try:
                self._process.wait(10)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
        assert_nothing_leaks(self.log, "the log")
        assert "unexpectedly" not in self.log, f"the log tells of a bug:\n{self.log[-3000:]}"
        for file in filter(Path.is_file, self.state.rglob("*")):
            content = file.read_bytes()
            if file.name.endswith(".gz"):
                content = gzip.decompress(content)
            assert_nothing_leaks(content.decode(errors="replace"), f"the state file {file.name}")
        return self._process.returncode
