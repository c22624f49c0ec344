"""Running and billed seconds, to the second, beside what the rig knows of every instance."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from expectation import epoch
from exposition import Exposition
from stepped_exporter import STEP_SECONDS, SteppedExporter
from timed_rig import TimedRig

REGIONS = "eu-central-1,eu-west-1,us-east-1"
START_AT = epoch("2026-03-06T14:22:30Z")
HOUR, WINDOW_HOURS = 3600, 48
CPU_INTERVAL_SECONDS = SETTLING_SECONDS = 900.0
TRAIL_INTERVAL_SECONDS = 24 * 3600.0
DENIED = ("111111111111", "us-east-1")
UNTOLD = {"os-shutdown"}
"""Labels of instances that ended without any event, and without a time in their state's reason."""

Seconds = tuple[float, float]


@dataclass(frozen=True)
class Scene:
    """A body, and what was true then."""

    body: Exposition
    truth: Mapping[str, Any]
    untold: frozenset[str]
    fleeting: frozenset[str]
    """Stopped and started between two inventories: known once CloudTrail has told of it."""

    @property
    def listed(self) -> list[Mapping[str, Any]]:
        """Instances that DescribeInstances shows as anything but ended."""
        ended = ("terminated", "shutting-down")
        return [i for i in self.truth["instances"] if i["visible"] and i["state"] not in ended]

    def knows(self, instance: Mapping[str, Any]) -> bool:
        """Whether its runtime can be known."""
        if instance["id"] in self.fleeting:
            return instance["id"] in self.shown()
        return (
            _place(instance) != DENIED
            and instance["id"] not in self.untold
            and instance["label"] not in UNTOLD
        )

    def expected(self) -> dict[str, Seconds]:
        """Running and billed seconds of the window, by instance that can be known."""
        return {i["id"]: self._in_window(i["runtime"]) for i in self.listed if self.knows(i)}

    def _in_window(self, runtime: Mapping[str, Any]) -> Seconds:
        now = self.body.scraped_at
        end_at = (now - CPU_INTERVAL_SECONDS - SETTLING_SECONDS) // HOUR * HOUR
        first = round((end_at - epoch(runtime["first_hour"])) / HOUR) - WINDOW_HOURS
        hours = slice(first, first + WINDOW_HOURS)
        return sum(runtime["energy_s"][hours]), sum(runtime["billed_s"][hours])

    def shown(self) -> dict[str, Seconds]:
        """What the exporter says."""
        running = self.body.by_instance("instance_runtime_seconds")
        billed = self.body.by_instance("instance_billed_seconds")
        assert running.keys() == billed.keys()
        return {instance_id: (running[instance_id], billed[instance_id]) for instance_id in running}

    def problems(self) -> list[str]:
        """Every difference."""
        expected, shown = self.expected(), self.shown()
        labels = {i["id"]: i["label"] or i["tags"].get("Name") for i in self.truth["instances"]}
        found = [
            f"{each} ({labels[each]}): {shown.get(each)}, expected {expected.get(each)}"
            for each in sorted(expected.keys() | shown.keys())
            if each not in self.fleeting and not _agree(shown.get(each), expected.get(each))
        ]
        gaps = Counter(_place(i) for i in self.listed if not self.knows(i))
        told: Counter[tuple[str, str]] = Counter()
        for (account, region, quantity, _), count in self.body.gaps().items():
            if quantity == "runtime":
                told[account, region] += count
        return found + [
            f"gaps {p}: {told[p]} not {gaps[p]}" for p in gaps | told if told[p] != gaps[p]
        ]


def _place(instance: Mapping[str, Any]) -> tuple[str, str]:
    return instance["account"], instance["region"]


def _agree(shown: Seconds | None, expected: Seconds | None) -> bool:
    if shown is None or expected is None:
        return shown is expected
    return all(abs(a - b) < 0.002 for a, b in zip(shown, expected, strict=True))


class _Upheaval:
    """Plain instances, each of which something happens to."""

    def __init__(self, rig: TimedRig) -> None:
        self._rig = rig
        self._plain = [
            i["id"]
            for i in rig.truth()["instances"]
            if not i["label"] and i["state"] == "running" and _place(i) != DENIED
            if i["market"] == "on-demand" and i["launch_time"] < "2026-03-04"
        ]
        self.os_stopped = self._plain.pop()
        self.fleeting: list[str] = []

    def happen(self, start_at: float) -> None:
        """Let everything happen that can happen to an instance, in the next two hours."""
        changes: list[tuple[tuple[str, float], ...]] = [
            (("stop", 1200),),
            (("stop", 1301), ("start", 4000)),
            (("stop", 1400), ("start", 1433)),  # both between two inventories
            (("stop", 1500), ("start", 1560), ("stop", 1580), ("start", 1640)),  # 20 s: 60 billed
            (("reboot", 1700),),
            (("hibernate", 1800), ("start", 5000)),
            (("terminate", 1900),),
            (("stop", 2690), ("start", 2710)),  # the full hour is at 2250 and at 5850
            (("stop", 5849), ("start", 5851)),
        ]
        for steps in changes:
            victim = self._plain.pop()
            if len(steps) > 1 and steps[-1][1] - steps[0][1] < STEP_SECONDS:
                self.fleeting.append(victim)
            for action, seconds in steps:
                self._rig.change(action, ids=[victim], at=int(start_at + seconds))
        self._rig.change("os_stop", ids=[self.os_stopped], at=int(start_at + 2001))
        resized = self._plain.pop()
        self._rig.change("change_type", ids=[resized], type="m5.xlarge", at=int(start_at + 3000))
        for state in ("stopped", "hibernated"):
            rows = self._rig.truth(label=state)["instances"]
            self._rig.change("start", ids=[rows[0]["id"]], at=int(start_at + 3333))
        for at in (start_at + 2500, start_at + 4444):
            launched = [{"at": at, "action": "run"}]
            self._rig.change("launch", type="t3.medium", count=3, events=launched)


Scenes = dict[str, Scene]


@pytest.fixture(scope="module")
def scenes(ending: ExitStack, folder: Callable[[str], Path]) -> Scenes:
    """At the start; hours later, by inventories alone; and when CloudTrail has told the rest."""
    options = ("--fleet", "100", "--accounts", "2", "--regions", REGIONS, "--no-limits")
    rig = TimedRig(folder("rig"), START_AT, *options)
    ending.callback(rig.stop)
    account, region = DENIED
    rig.fail(upstream="cloudtrail", mode="denied", account=account, region=region)
    exporter = ending.enter_context(SteppedExporter(rig, REGIONS, folder("exporter"), START_AT))
    upheaval = _Upheaval(rig)
    found = {}

    def show(name: str, untold: Iterable[str] = (), fleeting: Iterable[str] = ()) -> None:
        exporter.settle()
        rig.set_clock(exporter.now)
        found[name] = Scene(exporter.body(), rig.truth(), frozenset(untold), frozenset(fleeting))

    show("start")
    upheaval.happen(START_AT)
    exporter.run_until(START_AT + 3 * HOUR)
    show("before CloudTrail", [upheaval.os_stopped], upheaval.fleeting)
    exporter.run_until(START_AT + 0.95 * TRAIL_INTERVAL_SECONDS, step_seconds=HOUR)
    show("after CloudTrail", [upheaval.os_stopped])
    return found


SCENES = ("start", "before CloudTrail", "after CloudTrail")


@pytest.mark.parametrize("name", SCENES)
def test_runtime_is_exact_or_a_gap(scenes: Scenes, name: str):
    """Every knowable instance has its seconds of the window, every other one is a counted gap."""
    scene = scenes[name]
    assert len(scene.expected()) > 70
    assert not scene.problems(), "\n".join(scene.problems())


def test_the_window_holds_every_kind_of_trap(scenes: Scenes):
    """The comparison means something: part-time, short, changed and never-started instances."""
    seconds = {
        i["label"]: scenes["start"].expected()[i["id"]]
        for i in scenes["start"].listed
        if i["id"] in scenes["start"].expected()
    }
    running, billed = seconds["flapping"]
    assert billed - running == pytest.approx(400)  # ten runs of 20 s
    running, billed = seconds["bucket-edge"]
    assert billed - running == pytest.approx(58)  # one run of 2 s, over a full hour
    assert 0 < seconds["stopped"][0] < WINDOW_HOURS * HOUR
    assert {"hibernated", "noisy-trail", "older-than-90-days", "type-changed"} <= seconds.keys()


def test_places_without_cloudtrail_have_no_runtime_but_everything_else(scenes: Scenes):
    """Denied LookupEvents: runtime ends in that place only, power and cost stay."""
    account, region = DENIED
    for scene in scenes.values():
        assert not scene.body.find("instance_runtime_seconds", account_id=account, region=region)
        assert scene.body.find("instance_power_watts", account_id=account, region=region)
        assert scene.body.find("instance_cost_usd_per_hour", account_id=account, region=region)
        assert scene.body.value("cost_coverage_ratio", account_id=account, region=region) == 0
