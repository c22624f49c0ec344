"""Signals that come while the program starts, which takes a moment, and with much state seconds."""

import contextlib
import os
import signal
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PATIENCE_SECONDS = 60.0
START = """
import os, sys
from importlib.abc import MetaPathFinder

class Signal(MetaPathFinder):
    def find_spec(self, name, path, target=None):
        if name == {at!r}:
            os.kill(os.getpid(), {number:d})

sys.meta_path.insert(0, Signal())
from exporter.__main__ import main
sys.exit(main())
"""
"""The program, which gets a signal when it begins to import a module."""


@pytest.fixture
def variables(tmp_path):
    """Settings of a program that never gets as far as to need more."""
    return {
        "PYTHONPATH": str(ROOT),
        "CARBONFINOPS_STATE_DIR": str(tmp_path),
        "CARBONFINOPS_WEB__LISTEN_ADDRESS": "127.0.0.1:0",
    }


def started(command, at, number, variables):
    return subprocess.run(
        [sys.executable, "-c", START.format(at=at, number=number), command],
        env=variables,
        cwd=variables["CARBONFINOPS_STATE_DIR"],
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENCE_SECONDS,
    )


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
@pytest.mark.parametrize("command", ["serve", "demo"])
@pytest.mark.parametrize("at", ["exporter.cli", "exporter.app"])
def test_a_signal_during_the_start_ends_it_well(variables, command, at, number):
    """Before it is known which command runs, and while that makes its parts: neither is reached."""
    ended = started(command, at, number, variables)

    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "", "")


@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGTERM, -signal.SIGTERM), (signal.SIGINT, 130)]
)
@pytest.mark.usefixtures("_interruptible")
def test_other_commands_are_ended_as_ever(variables, number, code):
    """They have not done what they were asked for, so it is not exit code 0; nor is it a trace."""
    ended = started("check", "exporter.cli", number, variables)

    assert (ended.returncode, ended.stdout, ended.stderr) == (code, "", "")


def test_a_signal_while_the_state_is_read_ends_it_well(variables, tmp_path):
    """With the file that is being read: nothing else of a large state is, and nobody is served."""
    state = tmp_path / "ec2_inventory.json"
    os.mkfifo(state)
    with subprocess.Popen(
        [sys.executable, "-m", "exporter", "serve"],
        env=variables,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            writing = None
            while writing is None and process.poll() is None:
                with contextlib.suppress(OSError):  # nobody reads it yet
                    writing = os.open(state, os.O_WRONLY | os.O_NONBLOCK)
            assert writing is not None
            process.send_signal(signal.SIGTERM)
            os.close(writing)  # a read that has not begun is not interrupted: it ends
            said = process.communicate(timeout=PATIENCE_SECONDS)[1]
        finally:
            process.kill()

    assert (process.returncode, said) == (0, "")


def test_the_package_and_the_image_start_it_the_same_way():
    """By the module that holds the signals, which is what is tested above."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]

    assert project["scripts"] == {"carbonfinops": "exporter.__main__:main"}
    assert "from exporter.__main__ import main" in (ROOT / "Dockerfile").read_text(encoding="utf-8")
