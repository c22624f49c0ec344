"""One lane: an upstream made to fail in one way after the other.

Each has a rig and an exporter of its own, so that lanes run side by side.
"""

import json
import math
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from cloud_rig import CloudRig, live_settings
from exporter_process import ExporterProcess
from exposition import Exposition, Series
from invariants import violations
from lane import FLEET, REGIONS, Lane, Mode
from waiting import eventually

INTERVAL_SECONDS = 1.0
MAX_AGE_SECONDS = 6.0
OUTAGE_LIMIT_SECONDS = 45.0
"""Longer than anything should take: attempts at an AWS service last several delays."""


@dataclass
class Outcome:
    """What was seen of one mode; ``problems`` is empty when all is well."""

    problems: list[str] = field(default_factory=list)
    seen: int = 0
    outage_seconds: float = 0.0
    reasons: set[str] = field(default_factory=set)


OWN = ("source_", "upstream_", "process_", "python_", "uncertainty", "estimate_gaps")
MOVING = ("_lower_", "_upper_", "cpu_newest_point")
"""Bounds widen as evidence ages, and every five minutes there is a new point."""


class LaneRun:
    """Runs the modes of one lane, in order."""

    def __init__(self, lane: Lane, folder: Path) -> None:
        self._lane = lane
        world = folder / "world.json"
        world.write_text(json.dumps({"replace": True, "instances": FLEET}))
        self._rig = CloudRig(folder, "--accounts", "1", "--regions", REGIONS, "--world", str(world))
        name = lane.source.upper()
        settings = {
            **live_settings(self._rig, REGIONS),
            f"CARBONFINOPS_TTL__{name}": f"{INTERVAL_SECONDS:g}s",
            f"CARBONFINOPS_MAX_AGE__{name}": f"{MAX_AGE_SECONDS:g}s",
        }
        self._exporter = ExporterProcess(folder / "exporter", settings)

    def outcomes(self) -> dict[str, Outcome]:
        """What came of each mode."""
        try:
            found = {}
            for mode in self._lane.modes:
                found[mode.name] = self._outcome(mode)
                if not found[mode.name].seen:
                    break
        finally:
            self._rig.mend()
            self.exit_code = self._exporter.stop()
            self._rig.stop()
        return found

    def _outcome(self, mode: Mode) -> Outcome:
        outcome = Outcome()
        try:
            before = eventually(self._healthy, 30, "a healthy start")
        except AssertionError as error:
            outcome.problems.append(f"{error}: {self._exporter.log[-500:]}")
            return outcome
        delay = {} if mode.delay is None else {"delay": mode.delay}
        self._rig.fail(**self._lane.fault, mode=mode.name, **delay)
        began_at = time.monotonic()
        try:
            last = self._watch(mode, before, outcome)
            self._judge(mode, before, last, outcome)
        except AssertionError as error:
            outcome.problems.append(str(error))
        outcome.outage_seconds = time.monotonic() - began_at
        self._rig.mend()
        try:
            eventually(lambda: self._recovered(before), 30, "recovery")
        except AssertionError as error:
            outcome.problems.append(f"{error}: {self._difference(before)[:5]}")
        return outcome

    def _healthy(self) -> Exposition | None:
        body = self._exporter.scrape()
        up = body.by_name.get("source_up", ())
        whole = body.value("fleet_covered_ratio", quantity="emissions") == 1
        costs = body.value("fleet_covered_ratio", quantity="cost_eur") == 1
        bounds = len(body.by_instance("instance_emissions_upper_grams_per_hour")) == len(FLEET)
        return body if whole and costs and bounds and all(s.value for s in up) else None

    def _watch(self, mode: Mode, before: Exposition, outcome: Outcome) -> Exposition:
        """Scrape until what depends on the source has ended."""

        def ended() -> Exposition | None:
            body = self._exporter.scrape()
            outcome.seen += 1
            outcome.problems += [f"{v} (during {mode.name})" for v in violations(body)]
            outcome.problems += self._too_early(mode, before, body)
            outcome.problems = outcome.problems[:20]
            gone = not any(self._lane.ends(s) for s in _all(body))
            noticed = self._new_failures(before, body) and not any(
                s.value
                for s in body.find("source_up", source=self._lane.source, **self._lane.scope)
            )
            return body if gone and (noticed or not mode.reasons) else None

        return eventually(
            ended, OUTAGE_LIMIT_SECONDS, f"what depends on {self._lane.source} has ended", 0.4
        )

    def _too_early(self, mode: Mode, before: Exposition, body: Exposition) -> Iterator[str]:
        """The last good value serves, unchanged, while it is younger than the limit."""
        if not mode.reasons:
            return
        succeeded_at = [
            s.value
            for s in body.find("source_last_success_timestamp_seconds", source=self._lane.source)
            if self._lane.scope.items() <= s.labels.items()
        ]
        if body.scraped_at - min(succeeded_at, default=0) > MAX_AGE_SECONDS - 1:
            return
        after = body.by_key()
        for series in _all(before):
            if not self._lane.ends(series) or any(part in series.name for part in MOVING):
                continue
            if not _same(after.get(series.key), series.value):
                yield f"too early: {series.key}: {series.value}, then {after.get(series.key)}"

    def _judge(self, mode: Mode, before: Exposition, last: Exposition, outcome: Outcome) -> None:
        outcome.reasons = self._new_failures(before, last)
        if mode.reasons:
            if not outcome.reasons & mode.reasons:
                outcome.problems.append(f"counted as {outcome.reasons}, not {set(mode.reasons)}")
            for series in last.find("source_up", source=self._lane.source):
                failing = self._lane.scope.items() <= series.labels.items()
                if series.value == failing:
                    outcome.problems.append(f"source_up{dict(series.labels)} is {series.value}")
        self._judge_gaps(mode, last, outcome)
        outcome.problems += self._touched(before, last)

    def _judge_gaps(self, mode: Mode, last: Exposition, outcome: Outcome) -> None:
        for quantity in self._lane.quantities:
            reasons = {key[3] for key in last.gaps() if key[2] == quantity}
            if not reasons or not reasons <= mode.gaps:
                outcome.problems.append(f"gaps of {quantity}: {reasons}, not {set(mode.gaps)}")
            ratio = last.value("fleet_covered_ratio", quantity=quantity)
            if ratio is None or ratio >= 1:
                outcome.problems.append(f"{quantity} is covered to {ratio}")

    def _touched(self, before: Exposition, after: Exposition) -> Iterator[str]:
        """What does not depend on the failed source is there, with the same value."""
        values = after.by_key()
        stamp = "grid_carbon_intensity_timestamp_seconds"
        if before.by_name.get(stamp) != after.by_name.get(stamp) and self._hour_turned(
            before, after
        ):
            return
        for series in _all(before):
            if series.name.startswith((*OWN, "fleet_covered")) or self._lane.ends(series):
                continue
            if self._lane.may_change(series):
                continue
            if series.key not in values:
                yield f"gone: {series.key}"
            elif not any(part in series.name for part in MOVING) and not _same(
                values[series.key], series.value
            ):
                yield f"changed: {series.key}: {series.value}, then {values[series.key]}"

    @staticmethod
    def _hour_turned(before: Exposition, after: Exposition) -> bool:
        """The grid's next hour came in between: its values moved for that reason."""
        stamp = "grid_carbon_intensity_timestamp_seconds"
        hours = {s.key: s.value for s in before.by_name[stamp]}
        return any(hours.get(s.key) != s.value for s in after.by_name.get(stamp, ()))

    def _new_failures(self, before: Exposition, body: Exposition) -> set[str]:
        name = "source_refresh_failures_total"
        counted = {s.key: s.value for s in before.by_name.get(name, ())}
        return {
            s.labels["reason"]
            for s in body.find(name, source=self._lane.source)
            if s.value > counted.get(s.key, 0)
        }

    def _recovered(self, before: Exposition) -> bool:
        return self._healthy() is not None and not self._difference(before)

    def _difference(self, before: Exposition) -> list[str]:
        after = self._exporter.scrape().by_key()
        return [
            str(s.key)
            for s in _all(before)
            if not s.name.startswith(("source_", "upstream_", "process_", "python_"))
            and s.key not in after
        ]


def _all(body: Exposition) -> Iterator[Series]:
    for members in body.by_name.values():
        yield from members


def _same(a: float | None, b: float) -> bool:
    return a is not None and math.isclose(a, b, rel_tol=1e-9)
