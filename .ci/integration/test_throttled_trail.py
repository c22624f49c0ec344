"""CloudTrail at its own pace: two requests a second, and half of them refused."""

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from exporter.core.fleet import Place
from exporter.core.trail import Trail

from expectation import epoch
from exposition import Exposition
from stepped_exporter import SteppedExporter
from timed_rig import TimedRig

REGION, ACCOUNT = "eu-central-1", "111111111111"
START_AT = epoch("2026-03-06T14:22:30Z")
CYCLES = 55
"""So many starts and stops need a second page each."""

BUSY = [
    {"at": START_AT - (CYCLES - n) * 3000 + seconds, "action": action}
    for n in range(CYCLES)
    for seconds, action in ((0, "stop"), (1234 + n, "start"))
]
FLEET: list[dict[str, Any]] = [
    {
        "id": f"i-0ab5{n:013x}",
        "account": ACCOUNT,
        "region": REGION,
        "type": "m5.large",
        "const": 20,
        "events": [{"at": "-4d", "action": "run"}, *(BUSY if n == 0 else [])],
    }
    for n in range(3)
]
REQUESTS_A_SECOND = 2
SEED = "3"
"""Of the refusals: with this one the history is read in a quarter of a minute."""


@dataclass(frozen=True)
class Reading:
    """What one exporter learnt, when it asked for it (seconds), and how often it was refused."""

    trail: Trail
    body: Exposition
    asked_at: list[float]
    refused: int


@dataclass(frozen=True)
class Readings:
    """The same history, read in peace and under refusals."""

    calm: Reading
    troubled: Reading
    truth: dict[str, Any]


def _read(rig: TimedRig, home: Path) -> Reading:
    rig.forget_calls()
    with SteppedExporter(rig, REGION, home, START_AT, hasty=False) as exporter:
        exporter.settle()
        trail = exporter.application.roster.trails[Place(ACCOUNT, REGION)].state.value
        body = exporter.body()
    assert trail is not None
    rows = [row for row in rig.log() if row[2] == "LookupEvents"]
    refused = sum(row[6] == "ThrottlingException" for row in rows)
    return Reading(trail, body, sorted(row[0] - row[7] / 1000 for row in rows), refused)


@pytest.fixture(scope="module")
def readings(ending: ExitStack, folder: Callable[[str], Path]) -> Readings:
    options = ("--accounts", "1", "--regions", REGION, "--seed", SEED)
    rig = TimedRig(folder("rig"), START_AT, *options, instances=FLEET)
    ending.callback(rig.stop)
    calm = _read(rig, folder("calm"))
    rig.fail(upstream="cloudtrail", mode="throttle", rate=0.5)
    troubled = _read(rig, folder("troubled"))
    return Readings(calm, troubled, rig.truth())


def test_refusals_lose_nothing(readings: Readings):
    """Half of all requests refused: the same events, the same runtime, and no failure."""
    assert readings.calm.refused == 0
    assert readings.troubled.refused >= 6
    assert len(readings.calm.trail.events) >= 2 * CYCLES
    assert readings.troubled.trail.events == readings.calm.trail.events
    for name in ("instance_runtime_seconds", "instance_billed_seconds"):
        shown = readings.troubled.body.by_instance(name)
        assert len(shown) == len(FLEET)
        assert shown == readings.calm.body.by_instance(name)
    assert readings.troubled.body.value("source_up", source="cloudtrail_events") == 1


@pytest.mark.parametrize("which", ["calm", "troubled"])
def test_no_second_sees_more_than_two_requests(readings: Readings, which: str):
    """By the service's own log: three requests never fall into one second."""
    asked_at = getattr(readings, which).asked_at
    assert len(asked_at) >= 8
    spans = [
        third - first for first, third in zip(asked_at, asked_at[REQUESTS_A_SECOND:], strict=False)
    ]
    assert min(spans) >= 1.0
