"""A clone as a newcomer has it: what is tracked, and nothing that was built or installed."""

import shutil
import subprocess
from pathlib import Path

from exporter_process import ROOT


def clone(folder: Path) -> Path:
    """Copy every file that git would carry, as it is in the working tree now."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],  # noqa: S607 - whichever git there is
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    for name in filter(None, listed.stdout.split("\0")):
        source, target = ROOT / name, folder / name
        if source.is_file():
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(source, target)
    return folder
