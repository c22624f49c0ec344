"""Pictures of dashboards over a real Prometheus, and what is wrong with them."""

import json
import re
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from exporter_process import ROOT

PROGRAM = ROOT.parent / "shared/tools/panelshot/panelshot"
DASHBOARDS = ROOT / "grafana/dashboards"
SCRAPE_INTERVAL = "1m"
LIMIT_SECONDS = 600
"""Its first use builds it, which takes a minute or two."""

SCREEN = "1920x1080"
LARGE_SCREEN = "3840x2160"


class Pictures:
    """One run of the program: of each dashboard what a reader would see, and its faults."""

    def __init__(
        self,
        prometheus: str,
        folder: Path,
        names: Sequence[str],
        *,
        size: str = SCREEN,
        theme: str = "dark",
        may_be_empty: Sequence[str] = (),
    ) -> None:
        allowed = "^(" + "|".join(map(re.escape, may_be_empty)) + ")$"
        done = subprocess.run(
            [
                str(PROGRAM),
                f"--prometheus=http://{prometheus}",
                f"--out={folder}",
                f"--size={size}",
                f"--theme={theme}",
                f"--scrape-interval={SCRAPE_INTERVAL}",
                f"--allow-empty={allowed}",
                "--strict",
                "--expand-rows",
                *(str(DASHBOARDS / f"{name}.json") for name in names),
            ],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=LIMIT_SECONDS,
            check=False,
        )
        self.content = done.returncode == 0
        self.said = done.stdout
        report = folder / "report.json"
        assert report.exists(), self.said[-2000:]
        found = json.loads(report.read_text())["dashboards"]
        self._reports: dict[str, Mapping[str, Any]] = {Path(r["file"]).stem: r for r in found}

    def faults(self, name: str) -> list[str]:
        """Everything that is not as it should be in a dashboard."""
        return list(_faults(self._reports[name]))

    def below(self, name: str) -> list[str]:
        """Titles of the panels that do not fit the first screen."""
        return [each["title"] for each in self._reports[name]["panels"] if each["belowFirstScreen"]]


def _faults(report: Mapping[str, Any]) -> Iterator[str]:
    if "error" in report:
        yield report["error"]
        return
    for variable in report["variables"]:
        if variable.get("error"):
            yield f"${variable['name']}: {variable['error']}"
    yield from report["notes"]
    yield from report["consoleErrors"]
    for panel in report["panels"]:
        if panel["status"] != "ok" and not panel.get("allowedEmpty"):
            yield f"{panel['title']}: {panel['status']}, {panel['message']}"
        yield from (f"{panel['title']}: {warning}" for warning in panel["warnings"])
