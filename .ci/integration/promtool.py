"""Prometheus' own tool, as a judge of bodies."""

import subprocess

from exposition import Exposition


def criticism(body: Exposition) -> list[str]:
    """What ``promtool check metrics`` says of a body; nothing when it is content."""
    done = subprocess.run(
        ["promtool", "check", "metrics"],  # noqa: S607 - the one of the machine is to be used
        input=body.text,
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    said = done.stdout + done.stderr
    return [f"promtool: {said}"] if said or done.returncode else []
