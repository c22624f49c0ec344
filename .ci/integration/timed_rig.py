"""A rig whose clock stands where the checks want it."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from cloud_rig import CloudRig

LOG_LINES = 20_000


class TimedRig(CloudRig):
    """A rig that starts at an instant (epoch seconds); it runs on in real time until set again."""

    def __init__(
        self,
        folder: Path,
        start_at: float,
        *options: str,
        instances: Sequence[dict[str, Any]] | None = None,
    ) -> None:
        world: tuple[str, ...] = ()
        if instances is not None:
            folder.mkdir(parents=True, exist_ok=True)
            file = folder / "world.json"
            file.write_text(json.dumps({"replace": True, "instances": instances}))
            world = ("--world", str(file), "--fleet", "0")
        now = datetime.fromtimestamp(start_at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        super().__init__(folder, "--now", now, *world, *options)

    @property
    def now(self) -> float:
        """Its clock, epoch seconds."""
        return float(self._ask("GET", "health")["now"])

    def set_clock(self, at: float) -> None:
        """Set its clock, forward or back by what it ran on meanwhile."""
        self._ask("POST", "clock", json={"advance_s": at - self.now})

    def cost(self, days: int) -> list[dict[str, Any]]:
        """Closed days, oldest first: hours, list price and billed amount by account and region."""
        found: list[dict[str, Any]] = self._ask("GET", "truth/cost", params={"days": str(days)})[
            "days"
        ]
        return found

    def log(self) -> list[tuple[Any, ...]]:
        """Each request: when (s), upstream, operation, account, region, status, code, ms."""
        return [tuple(row) for row in self._ask("GET", f"calls?log={LOG_LINES}")["log"]]
