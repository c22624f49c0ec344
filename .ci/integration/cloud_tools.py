"""The AWS CLI, cfn-lint and moto, in an environment of their own, made when it is missing."""

import shutil
import subprocess
import sys
from pathlib import Path

from exporter_process import ROOT

LOCK = ROOT / ".ci" / "cloud-tools.lock"
PLACE = ROOT / "build" / "cloud-tools"
_INSTALL_SECONDS = 600


def cloud_tools() -> Path:
    """The folder of the programs, as the lock names them; 20 s when they are to be installed."""
    stamp, lock = PLACE / "installed.lock", LOCK.read_bytes()
    if not (stamp.exists() and stamp.read_bytes() == lock):
        shutil.rmtree(PLACE, ignore_errors=True)
        _run(sys.executable, "-m", "venv", str(PLACE))
        _run(
            *(str(PLACE / "bin" / "python"), "-m", "pip", "install", "--quiet", "--no-compile"),
            *("--disable-pip-version-check", "--require-hashes", "--requirement", str(LOCK)),
        )
        stamp.write_bytes(lock)
    return PLACE / "bin"


def _run(*command: str) -> None:
    done = subprocess.run(
        command, capture_output=True, text=True, timeout=_INSTALL_SECONDS, check=False
    )
    assert done.returncode == 0, f"{' '.join(command)}:\n{done.stdout}\n{done.stderr}"
