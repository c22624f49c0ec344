"""Recorded hours of which CloudTrail tells more: written again where their runtimes changed."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from exporter.books.closing import HourRow
from exporter.books.correction import Correction, corrected_hour
from exporter.books.hour import Hour
from exporter.books.records import hour_columns, hour_record
from exporter.core.fleet import InstanceState
from exporter.core.scenarios.kind import Kind
from exporter.core.trail import TrailAction, TrailEvent
from tests.books.scenes import (
    HOUR,
    HOUR_AT,
    SITING,
    USD_PER_HOUR,
    WEB,
    chronicle,
    facts,
    place_facts,
    ran,
    sighted,
    tariff,
    trail,
)
from tests.factories import FRANKFURT, instance

POINTS = "0a" * 12
IMAGE = "ami-0aaaaaaaaaaaaaaaa"
TEST_WEB = Kind.of(WEB)._replace(environment="test")
"""What the web server was then; it has no tag any more."""
COLUMNS = (
    "instance_id",
    "instance_type",
    "kind",
    "grid_zone",
    "pue_ratio",
    "running_seconds",
    "billed_seconds",
    "unknown_seconds",
    "measured_seconds",
    "energy_joules",
    "embodied_grams",
    "cost_usd",
    "cpu",
)


def recorded(instance_id: str = "i-0web", **changes: Any) -> dict[str, Any]:
    """A whole hour at 0.10 USD, as the archive has it; anything may be changed by name."""
    whole = {
        "instance_id": instance_id,
        "instance_type": "m5.large",
        "kind": TEST_WEB,
        "grid_zone": "DE",
        "pue_ratio": 1.25,
        "running_seconds": HOUR,
        "billed_seconds": HOUR,
        "unknown_seconds": 0.0,
        "measured_seconds": HOUR,
        "energy_joules": 36_000.0,
        "embodied_grams": 0.46,
        "cost_usd": 0.10,
        "cpu": POINTS,
    }
    return whole | changes


def columns(*rows: dict[str, Any]) -> dict[str, list[Any]]:
    return {name: [row[name] for row in rows] for name in COLUMNS}


def corrected(known, *rows, **changes) -> Correction | None:
    """Correct what is recorded; without rows an hour in which nothing ran."""
    known_tariff = tariff(facts(known, **changes), SITING)
    return corrected_hour(FRANKFURT, HOUR_AT, columns(*rows), chronicle(known), known_tariff)


def found(known, *rows, **changes) -> tuple[tuple[HourRow, ...], Mapping[str, float]]:
    """The rows written again, and the running seconds that the record lacked."""
    correction = corrected(known, *rows, **changes)
    assert correction is not None
    assert (correction.hour.place, correction.hour.hour_at) == (FRANKFURT, HOUR_AT)
    return correction.hour.rows, correction.missed_seconds


def event(action: TrailAction, seconds: float, instance_id: str = "i-0web", **changes: Any):
    at = HOUR_AT + seconds
    return TrailEvent(f"{action}-{seconds}", at, action, instance_id, **changes)


STOPPED = instance("i-0web", state=InstanceState.STOPPED, launched_at=WEB.launched_at)
SEEN = ran(STOPPED, seen_at=HOUR_AT + 300, gone_at=HOUR_AT + 900)
"""The inventory saw it running at 11:05 and stopped at 11:15."""
STOP = event(TrailAction.STOP, 600, was="running")
HALF_KNOWN = recorded(
    running_seconds=300.0,
    billed_seconds=300.0,
    unknown_seconds=600.0,
    measured_seconds=300.0,
    energy_joules=3_000.0,
    cost_usd=300 * 0.10 / 3600,
)


def test_nothing_changed():
    """What was recorded is what is known now: nothing is written."""
    assert corrected(place_facts(sighted(WEB)), recorded()) is None
    assert corrected(place_facts()) is None


def test_a_difference_of_rounding_is_none():
    """Sums of floats in another order."""
    assert corrected(place_facts(sighted(WEB)), recorded(running_seconds=HOUR - 1e-9)) is None


def test_an_end_that_was_told_late():
    """It ran for ten minutes, not for five: cost at the price of its own hour, energy as it was."""
    known = place_facts(sighted(STOPPED, SEEN), trail=trail(STOP))

    (row,), missed_seconds = found(known, HALF_KNOWN)

    assert missed_seconds == {"i-0web": 300}
    assert (row.hour.running_seconds, row.hour.billed_seconds) == (600, 600)
    assert row.hour.unknown_seconds == 0
    assert (row.hour.measured_seconds, row.hour.energy_joules) == (300, 3_000)
    assert row.hour.cost_usd == pytest.approx(600 * 0.10 / 3600)
    assert row.hour.embodied_grams == pytest.approx(600 * 0.46 / 3600)
    assert row.cpu == POINTS


def test_it_ran_for_less_than_was_recorded():
    """No more can be measured than ran; joules stay those that were metered."""
    known = place_facts(sighted(STOPPED, SEEN), trail=trail(STOP))

    (row,), missed_seconds = found(known, recorded())

    assert missed_seconds == {}
    assert row.hour.measured_seconds == 600
    assert row.hour.energy_joules == 36_000
    assert row.hour.cost_usd == pytest.approx(600 * 0.10 / 3600)


def test_it_did_not_run_at_all():
    """It stays in the hour, with zeros: it was there before."""
    stop = event(TrailAction.STOP, -10, was="running")
    run = ran(STOPPED, seen_at=HOUR_AT - 300, gone_at=HOUR_AT + 900)

    known = place_facts(sighted(STOPPED, run), trail=trail(stop))

    (row,), missed_seconds = found(known, recorded())

    assert missed_seconds == {}
    assert row.hour.running_seconds == row.hour.billed_seconds == 0
    assert row.hour.cost_usd == 0


def test_a_price_that_is_known_by_now():
    """Where none was known the present one counts; where the run changed as well."""
    known = place_facts(sighted(STOPPED, SEEN), trail=trail(STOP))

    (row,), _ = found(known, HALF_KNOWN | {"cost_usd": None})
    (without,), _ = found(known, HALF_KNOWN | {"cost_usd": None}, prices={})

    assert row.hour.cost_usd == pytest.approx(600 * USD_PER_HOUR / 3600)
    assert without.hour.cost_usd is None


def test_an_instance_that_nobody_had_seen():
    """Ninety seconds between two inventories: a row of its own, without energy."""
    launch = event(
        TrailAction.RUN, 600, "i-brief", instance_type="m5.large", tenancy="default", image_id=IMAGE
    )
    end = event(TrailAction.TERMINATE, 690, "i-brief", was="running")
    web = instance("i-0web", launched_at=WEB.launched_at, image_id=IMAGE)
    known = place_facts(sighted(web), trail=trail(launch, end))

    (before, brief), missed_seconds = found(known, recorded())

    assert missed_seconds == {"i-brief": 90}
    assert (before.instance_id, before.hour.energy_joules, before.cpu) == ("i-0web", 36_000, POINTS)
    assert before.hour.cost_usd == pytest.approx(0.10)
    assert brief.instance_id == "i-brief"
    assert (brief.hour.running_seconds, brief.hour.measured_seconds) == (90, 0)
    assert brief.hour.cost_usd == pytest.approx(90 * USD_PER_HOUR / 3600)
    assert brief.cpu == "--" * 12
    assert (before.kind, brief.kind) == (TEST_WEB, Kind.of(web))


LAUNCH = event(TrailAction.RUN, 600, "i-brief", instance_type="m5.large")
BRIEF = place_facts(
    trail=trail(LAUNCH, event(TrailAction.TERMINATE, 690, "i-brief", was="running"))
)


def test_an_hour_in_which_nothing_seemed_to_run():
    """It is recorded as such, and CloudTrail tells that something did."""
    (row,), missed_seconds = found(BRIEF)

    assert row.hour.running_seconds == missed_seconds["i-brief"] == 90


def test_an_hour_that_is_lost():
    """Its file was deleted: what ran in it was counted, and its energy cannot be had again."""
    assert corrected_hour(FRANKFURT, HOUR_AT, None, chronicle(BRIEF), tariff(facts(BRIEF))) is None


def test_an_instance_is_what_it_was_in_its_hour():
    """Its type and its tags may have changed since: the cost of the hour is of those of then."""
    resized = replace(STOPPED, instance_type="m5.xlarge")
    known = place_facts(sighted(resized, SEEN), trail=trail(STOP))

    (row,), _ = found(known, HALF_KNOWN)

    assert (row.instance_type, row.kind) == ("m5.large", TEST_WEB)


def test_an_old_record_without_kinds():
    """Who is still known gets one; who is not stays without, and out of the use of groups."""
    known = place_facts(sighted(STOPPED, SEEN), trail=trail(STOP))

    rows, _ = found(known, HALF_KNOWN | {"kind": None}, recorded("i-forgotten", kind=None))

    assert [row.kind for row in rows] == [Kind.of(STOPPED), None]
    (use,) = Hour(FRANKFURT, HOUR_AT, rows).uses
    assert use.running_seconds == 600


def test_who_is_remembered_by_nobody_stays_recorded():
    """A corrected record replaces the hour as a whole: none of it may be lost with it."""
    known = place_facts(sighted(STOPPED, SEEN), trail=trail(STOP))

    forgotten = recorded("i-forgotten", energy_joules=None, measured_seconds=0.0, pue_ratio=None)

    rows, missed_seconds = found(known, HALF_KNOWN, forgotten)

    assert missed_seconds == {"i-0web": 300}
    record = hour_record(Hour(FRANKFURT, HOUR_AT, rows[1:]))
    assert hour_columns(record) == columns(forgotten)
