"""A simulated AWS (moto) as a process, and the AWS CLI pointed at it."""

import os
import re
import subprocess
from collections.abc import Mapping
from pathlib import Path

import requests

from cloud_rig import CANARY_KEY_ID, CANARY_SECRET
from exporter_process import ROOT
from waiting import ended, eventually

HOME_ACCOUNT = "123456789012"
"""The account that moto takes unknown access keys for."""

_RUNNING = re.compile(r"Running on (http://127\.0\.0\.1:\d+)")
_COMMAND_SECONDS = 120


class MotoCloud:
    """A running simulation; stop it with ``stop``."""

    def __init__(self, folder: Path, tools: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        self._tools = tools
        self._log_path = folder / "moto.log"
        with self._log_path.open("w") as log:
            self._process = subprocess.Popen(
                [str(tools / "moto_server"), "-H", "127.0.0.1", "-p", "0"],
                env=self._environment({}),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        self.url = eventually(self._announced, 60, "moto's announcement")
        self._control = requests.Session()
        self._control.trust_env = False

    def _announced(self) -> str:
        assert self._process.poll() is None, f"moto ended: {self._log_path.read_text()}"
        found = _RUNNING.search(self._log_path.read_text())
        return found[1] if found else ""

    def _environment(self, more: Mapping[str, str]) -> dict[str, str]:
        """Nothing of the machine's own: no profile, no credentials, no pager."""
        path = f"{self._tools}{os.pathsep}{os.environ['PATH']}"
        return {
            "PATH": path,
            "HOME": str(self._folder),
            "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_PAGER": "",
            "PYTHONDONTWRITEBYTECODE": "1",
            **more,
        }

    def settings(self, region: str) -> dict[str, str]:
        """Environment of whoever asks this cloud, in one region and the home account."""
        return {
            "AWS_ENDPOINT_URL": self.url,
            "AWS_ACCESS_KEY_ID": CANARY_KEY_ID,
            "AWS_SECRET_ACCESS_KEY": CANARY_SECRET,
            "AWS_DEFAULT_REGION": region,
        }

    def shell(self, commands: str, settings: Mapping[str, str]) -> str:
        """What commands print, run by a shell in the root of the project; they must succeed."""
        done = subprocess.run(
            ["/bin/bash", "-euo", "pipefail", "-c", commands],
            cwd=ROOT,
            env=self._environment(settings),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=_COMMAND_SECONDS,
            check=False,
        )
        assert done.returncode == 0, f"{commands}\n{done.stdout}\n{done.stderr}"
        return done.stdout

    def enforce(self, *, policies: bool) -> None:
        """Whether signatures are checked and actions need a policy; neither at the start."""
        answer = self._control.post(
            f"{self.url}/moto-api/reset-auth",
            data="0" if policies else "inf",
            headers={"Content-Type": "text/plain"},
            timeout=30,
        )
        assert answer.ok, answer.text

    def stop(self) -> None:
        """End the process."""
        self._control.close()
        ended(self._process)
