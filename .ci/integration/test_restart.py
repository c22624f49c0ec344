"""A restart loses nothing and repeats no paid or slow call."""

import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from cloud_rig import CloudRig, live_settings
from command import run
from conftest import StartExporter, StartRig
from exporter_process import ExporterProcess
from exposition import Exposition
from waiting import eventually

REGIONS = "eu-central-1,eu-west-1"
WATCH_SECONDS = 16.0
"""Longer than the exporter's first retry, and than heartbeat and saving interval together."""

KEPT = (
    "instance_",
    "fleet_",
    "grid_",
    "exchange_rate_",
    "region_pue",
    "instances",
    "estimate_gaps",
)
BOUND = ("_lower_", "_upper_")
NOT_REPEATED = {"cloudwatch", "boavizta", "pricing", "electricitymaps", "fx"}


@dataclass(frozen=True)
class Restart:
    """Bodies before and after, and what the second process asked."""

    exit_code: int
    before: Exposition
    first: Exposition
    asked: set[str]


@dataclass(frozen=True)
class Victim:
    """A process that will be killed, and its home."""

    exporter: ExporterProcess
    home: Path


@pytest.fixture(scope="module")
def rig(start_rig: StartRig) -> CloudRig:
    return start_rig("--fleet", "60", "--regions", REGIONS)


@pytest.fixture(scope="module")
def victim(rig: CloudRig, start_exporter: StartExporter, folder: Callable[[str], Path]) -> Victim:
    """Started before the others are watched: by the time it is killed, its state is written."""
    home = folder("home")
    exporter = start_exporter(live_settings(rig, REGIONS), home=home)
    exporter.settled(rig)
    return Victim(exporter, home)


@pytest.fixture(scope="module")
def restart(
    rig: CloudRig, victim: Victim, start_exporter: StartExporter, folder: Callable[[str], Path]
) -> Restart:
    assert victim.exporter.pid
    home = folder("home")
    settings = live_settings(rig, REGIONS)
    exporter = start_exporter(settings, home=home)
    exporter.settled(rig)
    before = eventually(lambda: _stated(exporter), 30, "a statement of every region's runtime")
    exit_code = exporter.stop()
    rig.forget_calls()
    exporter = start_exporter(settings, home=home)
    time.sleep(WATCH_SECONDS)
    asked = {upstream for upstream, _ in rig.requests_made()}
    return Restart(exit_code, before, exporter.first, asked)


def _stated(exporter: ExporterProcess) -> Exposition | None:
    """A body whose books rest on every answer: they are stated less often than gauges move."""
    body = exporter.scrape()
    waits = any(key[2:] == ("runtime", "source_down") for key in body.gaps())
    return None if waits else body


def test_sigterm_ends_it_well(restart: Restart):
    """The exit code is 0."""
    assert restart.exit_code == 0


def test_the_first_scrape_is_complete(restart: Restart):
    """Every series of the fleet is there at once, with its value; bounds may have widened."""
    kept = {key: value for key, value in restart.before.by_key().items() if key[0].startswith(KEPT)}
    assert len(kept) > 500
    after = restart.first.by_key()
    missing = sorted(key for key in kept if key not in after)
    assert missing == []
    moved = [
        (key, value, after[key])
        for key, value in kept.items()
        if not math.isclose(after[key], value, rel_tol=0.02 if _is_bound(key[0]) else 1e-12)
    ]
    assert moved == []
    assert [key for key in after if key[0].startswith(KEPT) and key not in kept] == []


def _is_bound(name: str) -> bool:
    return any(part in name for part in BOUND)


def test_health_survives_too(restart: Restart):
    """source_up and the last success are those of the process before."""
    for name in ("source_up", "source_last_success_timestamp_seconds"):
        kept = {s.key: s.value for s in restart.before.by_name[name]}
        assert {s.key: s.value for s in restart.first.by_name[name]} == kept


def test_nothing_is_asked_twice_within_its_interval(restart: Restart):
    """No CPU points, profiles, prices, grid values or rates are fetched again."""
    assert restart.asked & NOT_REPEATED == set()


def test_the_start_after_a_crash_is_warm_as_well(
    rig: CloudRig, restart: Restart, victim: Victim, start_exporter: StartExporter
):
    """State is written as answers come in, not only at the end: SIGKILL loses nothing."""
    assert restart.exit_code == 0
    before = victim.exporter.scrape()
    victim.exporter.kill()
    after = start_exporter(live_settings(rig, REGIONS), home=victim.home).first
    for name in ("fleet_power_watts", "fleet_emissions_grams_per_hour", "fleet_cost_eur_per_hour"):
        assert after.value(name) == pytest.approx(before.value(name), rel=1e-12)


def test_a_second_exporter_is_refused_the_state(
    rig: CloudRig, start_exporter: StartExporter, folder: Callable[[str], Path]
):
    """Two processes on one state directory would undo each other: the second says who holds it."""
    home = folder("home")
    settings = live_settings(rig, REGIONS)
    exporter = start_exporter(settings, home=home)
    answer = run(home, settings, "serve")
    assert answer.code == 1
    assert len(answer.lines) == 1
    assert "in use" in answer.lines[0]
    assert str(exporter.pid) in answer.lines[0]
