"""A simulated day in steps of five minutes: counters, history and coverage, to the last second."""

from collections.abc import Callable, Mapping
from contextlib import ExitStack
from itertools import pairwise
from pathlib import Path

import pytest

from books_on_disk import BookOnDisk, recorded_hours, recorded_intensities, recorded_rows
from day_truth import PUE, Used
from lived_day import WHOLE_AT, LivedDay, Ratios
from simulated_day import (
    DAY,
    DAY_AT,
    FLEET,
    FLEETING,
    HOUR,
    OFFICE,
    PLACES,
    REGIONS,
    SETTLED_AT,
    START_AT,
    STEADY,
    UNSEEN,
    YOUNG,
    Place,
)
from stepped_exporter import SteppedExporter
from timed_rig import TimedRig

TOLERANCE = 1e-6
EXACT = (STEADY, OFFICE, YOUNG)
COUNTERS = {
    "fleet_energy_joules_total": "energy_joules",
    "fleet_embodied_emissions_grams_total": "embodied_grams",
    "fleet_cost_usd_total": "cost_usd",
}
ZONES = {"eu-central-1": "DE", "us-east-1": "US-MIDA-PJM"}


@pytest.fixture(scope="module")
def day(ending: ExitStack, folder: Callable[[str], Path]) -> LivedDay:
    options = ("--accounts", "2", "--regions", REGIONS, "--no-limits")
    rig = TimedRig(folder("rig"), START_AT, *options, instances=FLEET)
    ending.callback(rig.stop)
    exporter = ending.enter_context(SteppedExporter(rig, REGIONS, folder("exporter"), START_AT))
    lived = LivedDay(exporter)
    lived.live()
    return lived


def _in_day(book: BookOnDisk) -> bool:
    return book.closed_until_at >= DAY_AT + DAY and not any(p < DAY_AT + DAY for p in book.pending)


@pytest.mark.parametrize("place", PLACES)
def test_the_day_is_closed(day: LivedDay, place: Place):
    """Counters begin at the start; hours close within two hours, emissions within nine."""
    book = day.settled[place]
    assert book.since_at == START_AT
    assert book.closed_until_at >= SETTLED_AT - 2 * HOUR
    assert min(book.pending, default=SETTLED_AT) >= SETTLED_AT - 9 * HOUR
    assert _in_day(book)


@pytest.mark.parametrize("place", EXACT)
@pytest.mark.parametrize("name", COUNTERS)
def test_counters_are_what_ran(day: LivedDay, place: Place, name: str):
    """Energy, embodied emissions and cost: the sum over points, seconds and prices, to 1e-6."""
    book = day.settled[place]
    expected = getattr(day.truth.total(place, book.hours, START_AT), COUNTERS[name])
    assert expected > 0
    assert day.counter(name, place) == pytest.approx(expected, rel=TOLERANCE)


@pytest.mark.parametrize("place", EXACT)
def test_emissions_are_accrued_with_the_measured_intensity(day: LivedDay, place: Place):
    """Each hour's energy times PUE times the intensity that the hour ends up with."""
    book = day.settled[place]
    assert all((ZONES[place[1]], int(hour)) in day.truth.intensities for hour in book.emitted_hours)
    expected = day.truth.total(place, book.emitted_hours, START_AT).emissions_grams
    assert expected > 0
    shown = day.counter("fleet_emissions_grams_total", place)
    assert shown == pytest.approx(expected, rel=TOLERANCE)


@pytest.mark.parametrize("place", EXACT)
def test_only_seconds_without_a_point_are_skipped(day: LivedDay, place: Place):
    """Running seconds are either in the counters, or skipped for want of a point."""
    total = day.truth.total(place, day.settled[place].hours, START_AT)
    skipped = {q: day.skipped(place, q) for q in ("power", "cost_usd", "embodied")}
    missing = total.running_seconds - total.measured_seconds
    assert skipped["power"] == pytest.approx(missing, abs=0.01)
    assert (missing > 0) == (place == STEADY)  # its traces have gaps
    assert (skipped["cost_usd"], skipped["embodied"]) == (0, 0)


def test_what_nobody_could_see_is_missing_and_not_invented(day: LivedDay):
    """Runs between two inventories: the counters are too low by at most those."""
    book = day.settled[FLEETING]
    true = day.truth.total(FLEETING, book.hours, START_AT)
    seen = Used()
    for by_instance in day.truth.used(FLEETING, book.hours, START_AT).values():
        for instance_id, used in by_instance.items():
            if instance_id not in UNSEEN:
                seen.add(used)
    for name, attribute in COUNTERS.items():
        shown = day.counter(name, FLEETING)
        assert getattr(seen, attribute) * (1 - TOLERANCE) <= shown
        assert shown <= getattr(true, attribute) * (1 + TOLERANCE)


def test_what_cloudtrail_tells_later_is_counted_as_skipped(day: LivedDay):
    """Runs that nobody saw are in no counter; once they are known they are in the skipped time."""
    hours = day.settled[FLEETING].hours
    measured = sum(
        row["measured_seconds"]
        for hour_at in hours[1:]  # the first one has seconds before the start
        for row in recorded_rows(day.state, FLEETING, hour_at).values()
    )
    measured += day.truth.total(FLEETING, hours[:1], START_AT).measured_seconds
    missing = day.truth.total(FLEETING, hours, START_AT).running_seconds - measured
    assert day.skipped(FLEETING, "power") == pytest.approx(missing, abs=0.01)


def test_no_counter_ever_falls(day: LivedDay):
    """From hour to hour every counter stays or grows."""
    names = [*COUNTERS, "fleet_emissions_grams_total", "accrual_skipped_seconds_total"]
    bodies = [day.bodies[at] for at in sorted(day.bodies)]
    for before, after in pairwise(bodies):
        later = after.by_key()
        for name in names:
            for series in before.by_name[name]:
                assert later[series.key] >= series.value


HISTORY_COLUMNS = ("running_seconds", "billed_seconds", "measured_seconds", "cost_usd")


def test_the_day_of_the_clock_change_has_24_hours(day: LivedDay):
    """Everything is in UTC: 2026-03-29 has no more and no fewer hours than any other day."""
    hours = recorded_hours(day.state, "2026-03-29")
    assert hours == [DAY_AT + n * HOUR for n in range(24)]


@pytest.mark.parametrize("place", PLACES)
def test_the_history_of_the_day_is_right(day: LivedDay, place: Place):
    """Every instance in every hour: seconds, energy and cost; and each hour's intensity."""
    hours = [DAY_AT + n * HOUR for n in range(24)]
    for hour_at, expected in day.truth.used(place, hours).items():
        rows = recorded_rows(day.state, place, hour_at)
        assert {i for i, row in rows.items() if row["running_seconds"]} == expected.keys()
        if place != FLEETING:
            assert not any(row["unknown_seconds"] for row in rows.values())
        for instance_id, used in expected.items():
            _assert_recorded(rows[instance_id], used, energy=place != FLEETING)
        if expected:
            zone = ZONES[place[1]]
            intensity = day.truth.intensities[zone, int(hour_at)]
            assert recorded_intensities(day.state, hour_at)[zone] == pytest.approx(intensity)
            assert {row["pue_ratio"] for row in rows.values()} == {PUE[place[1]]}


def _assert_recorded(row: Mapping[str, float], used: Used, *, energy: bool) -> None:
    for name in HISTORY_COLUMNS if energy else ("running_seconds", "billed_seconds"):
        assert row[name] == pytest.approx(getattr(used, name), rel=TOLERANCE, abs=1e-6), name
    if energy and used.measured_seconds:
        assert row["energy_joules"] == pytest.approx(used.energy_joules, rel=TOLERANCE)


def test_coverage_obeys_its_identity(day: LivedDay):
    """At every hour: max(0, cost + carbon - 1) <= both <= min(cost, carbon)."""
    assert len(day.bodies) > 40
    for at in day.bodies:
        for place, ratios in day.coverage(at).items():
            assert max(0.0, ratios.cost + ratios.carbon - 1) <= ratios.both + 1e-9, place
            assert ratios.both <= min(ratios.cost, ratios.carbon) + 1e-9, place


@pytest.mark.parametrize("place", EXACT)
def test_coverage_is_the_share_measured_since_the_start(day: LivedDay, place: Place):
    """At every hour: running seconds of measured hours over all; the hour of the start counts."""
    checked = 0
    for at in day.bodies:
        end_at = (at - 900 - 900) // HOUR * HOUR
        hours = [end_at - n * HOUR for n in range(1, 49)]
        running = covered = 0.0
        for hour_at, by_instance in day.truth.used(place, hours).items():
            for used in by_instance.values():
                running += used.running_seconds
                if hour_at >= START_AT // HOUR * HOUR and used.is_measured:
                    covered += used.running_seconds
        shown = day.coverage(at).get(place)
        if not running:
            assert shown is None
        elif at < SETTLED_AT + HOUR or at == WHOLE_AT:  # the truth reaches back three days
            assert shown is not None
            assert shown.both == pytest.approx(covered / running, abs=1e-9), at
            assert shown.cost == 1
            checked += 1
    assert checked > 20


def test_everything_is_covered_in_the_end(day: LivedDay):
    """Two days after the start TAC is 1 wherever nothing awkward happened."""
    last = day.coverage(WHOLE_AT)
    assert last[OFFICE] == last[YOUNG] == Ratios(1, 1, 1)
    assert last[STEADY].cost == 1
    assert 0.9 < last[FLEETING].both < 1


@pytest.mark.parametrize("place", EXACT)
def test_an_old_answer_of_cloudtrail_does_not_lower_coverage(day: LivedDay, place: Place):
    """CloudTrail is asked once a day: TAC never falls meanwhile."""
    shown = [day.coverage(at).get(place) for at in sorted(day.bodies)]
    known = [ratios.both for ratios in shown if ratios]
    assert all(after >= before - 1e-9 for before, after in pairwise(known))
