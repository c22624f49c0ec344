"""Counters of a day on which every upstream fails for an hour: too low where they must be, told."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import pytest

from books_on_disk import BookOnDisk, books, recorded_rows
from day_truth import JOULES_PER_KILOWATT_HOUR, PUE, DayTruth, Used
from exposition import Exposition
from simulated_day import (
    DAY_AT,
    EUROPE,
    FIRST,
    FLEET,
    HOUR,
    OFFICE,
    PLACES,
    REGIONS,
    SETTLED_AT,
    START_AT,
    STEADY,
    YOUNG,
    Place,
)
from stepped_exporter import SteppedExporter
from timed_rig import TimedRig

TRUTH_SECONDS = 2 * HOUR
TOLERANCE = 1e-6
FIRST_STEP_SECONDS = 150
"""Everything happens at a step: they are at two and a half minutes past."""

OUTAGES: Mapping[float, Mapping[str, str]] = {
    1: {"upstream": "electricitymaps", "mode": "http500"},
    4.5: {"upstream": "ce", "mode": "denied"},
    9: {"upstream": "boavizta", "mode": "http500"},  # a type is launched that was never seen
    12.75: {"upstream": "pricing", "mode": "denied"},  # an instance changes to another one
    15.5: {"upstream": "cloudwatch", "mode": "denied"},
    16.75: {"upstream": "ec2", "mode": "denied"},  # two instances stop meanwhile
    19: {"upstream": "cloudtrail", "mode": "denied"},
    22: {"upstream": "fx", "mode": "http500"},
}
"""What fails for an hour, by the hour of the day at which it begins."""

BLIND_SINCE = 2.75
BLIND = {"upstream": "cloudwatch", "account": FIRST, "region": EUROPE, "mode": "denied"}
"""One place gives no points from then until the end: longer than the exporter waits for them."""

PATIENCE_HOURS = 16
CLOSING_HOURS = 2


class Kind(NamedTuple):
    """A counter, the quantity that its skipped seconds go by, and what it counts in the truth."""

    name: str
    quantity: str
    attribute: str


KINDS = (
    Kind("fleet_energy_joules_total", "power", "energy_joules"),
    Kind("fleet_emissions_grams_total", "emissions", "emissions_grams"),
    Kind("fleet_embodied_emissions_grams_total", "embodied", "embodied_grams"),
    Kind("fleet_cost_usd_total", "cost_usd", "cost_usd"),
)


@dataclass(frozen=True)
class Day:
    """The end of the day, and what was true."""

    truth: DayTruth
    body: Exposition
    books: Mapping[Place, BookOnDisk]
    state: Path
    errors: Counter[str]

    def shown(self, name: str, place: Place, **labels: str) -> float:
        """A series of one place."""
        value = self.body.value(name, account_id=place[0], region=place[1], **labels)
        assert value is not None
        return value

    def skipped(self, place: Place, quantity: str) -> float:
        """Seconds that one counter of a place lacks."""
        return self.shown("accrual_skipped_seconds_total", place, quantity=quantity)

    def ran(self, place: Place) -> Used:
        """What ran in the hours that are closed."""
        return self.truth.total(place, self.books[place].hours, START_AT)

    def true(self, place: Place, kind: Kind) -> float:
        """What a counter ought to be."""
        book = self.books[place]
        hours = book.emitted_hours if kind.quantity == "emissions" else book.hours
        return float(getattr(self.truth.total(place, hours, START_AT), kind.attribute))


def _step_at(hour: float) -> float:
    return DAY_AT + hour * HOUR + FIRST_STEP_SECONDS


def _failing(at: float) -> Iterator[Mapping[str, str]]:
    if at >= _step_at(BLIND_SINCE):
        yield BLIND
    for hour, fault in OUTAGES.items():
        if _step_at(hour) <= at < _step_at(hour + 1):
            yield fault


@pytest.fixture(scope="module")
def day(ending: ExitStack, folder: Callable[[str], Path]) -> Day:
    options = ("--accounts", "2", "--regions", REGIONS, "--no-limits")
    rig = TimedRig(folder("rig"), START_AT, *options, instances=FLEET)
    ending.callback(rig.stop)
    exporter = ending.enter_context(SteppedExporter(rig, REGIONS, folder("exporter"), START_AT))
    exporter.settle()
    truth = DayTruth()
    turns = {START_AT + n * TRUTH_SECONDS for n in range(17)}
    turns |= {_step_at(BLIND_SINCE), SETTLED_AT}
    turns |= {_step_at(hour + n) for hour in OUTAGES for n in (0, 1)}
    for at in sorted(turns):
        exporter.run_until(at)
        truth.take(rig, at)
        rig.mend()
        for fault in _failing(at):
            rig.fail(**fault)
    errors: Counter[str] = Counter()
    for row in rig.calls():
        errors[row["upstream"]] += row["errors"]
    return Day(truth, exporter.body(), books(exporter.state), exporter.state, errors)


def test_every_outage_was_met(day: Day):
    """The day means something: each upstream was asked while it failed."""
    wanted = {fault["upstream"] for fault in OUTAGES.values()}
    assert {upstream for upstream, errors in day.errors.items() if errors} == wanted


@pytest.mark.parametrize("place", PLACES)
def test_hours_are_closed_nevertheless(day: Day, place: Place):
    """Outages of an hour delay nothing for long; without points an hour is given up in the end."""
    patience = PATIENCE_HOURS if place == STEADY else 0
    earliest_at = SETTLED_AT - (patience + CLOSING_HOURS) * HOUR
    assert day.books[place].closed_until_at >= earliest_at


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("kind", KINDS)
def test_no_counter_is_too_high(day: Day, place: Place, kind: Kind):
    """Whatever fails, nothing is counted that was not."""
    assert 0 < day.shown(kind.name, place) <= day.true(place, kind) * (1 + TOLERANCE)


@pytest.mark.parametrize("place", [STEADY, OFFICE, YOUNG])
def test_every_second_is_measured_or_skipped(day: Day, place: Place):
    """Measured seconds in the history and skipped seconds add up to what ran."""
    running = measured = 0.0
    for hour_at in day.books[place].hours[1:]:  # the first one has seconds before the start
        for row in recorded_rows(day.state, place, hour_at).values():
            running += row["running_seconds"]
            measured += row["measured_seconds"]
    first = day.truth.total(place, day.books[place].hours[:1], START_AT)
    assert first.running_seconds + running == pytest.approx(day.ran(place).running_seconds)
    skipped = first.running_seconds + running - first.measured_seconds - measured
    assert day.skipped(place, "power") == pytest.approx(skipped, abs=0.01)


@pytest.mark.parametrize("place", [STEADY, OFFICE, YOUNG])
@pytest.mark.parametrize("kind", KINDS)
def test_what_a_counter_lacks_is_in_its_skipped_seconds(day: Day, place: Place, kind: Kind):
    """Missing energy, emissions and cost lie within the skipped seconds at the fleet's rates."""
    ran = day.ran(place)
    skipped = day.skipped(place, kind.quantity)
    if kind.quantity in ("power", "emissions"):
        skipped -= ran.running_seconds - ran.measured_seconds  # nobody could have measured those
    missing = day.true(place, kind) - day.shown(kind.name, place)
    low, high = _rates(day.truth, place, kind)
    slack = day.true(place, kind) * TOLERANCE
    assert low * skipped - slack <= missing <= high * skipped + slack


def _rates(truth: DayTruth, place: Place, kind: Kind) -> tuple[float, float]:
    """The lowest and the highest that a second can count."""
    watts = [w["value"] for t in truth.types.values() for w in t["watts"].values()]
    if kind.quantity == "power":
        return min(watts), max(watts)
    if kind.quantity == "emissions":
        pue, grams = PUE[place[1]] / JOULES_PER_KILOWATT_HOUR, truth.intensities.values()
        return min(watts) * pue * min(grams), max(watts) * pue * max(grams)
    if kind.quantity == "embodied":
        embedded = [t["embedded_kg_per_h"]["value"] * 1000 / HOUR for t in truth.types.values()]
        return min(embedded), max(embedded)
    usd = [price / HOUR for price in truth.prices.values()]
    return min(usd), max(usd)


def test_a_blind_place_skips_all_that_ran(day: Day):
    """Without points for longer than anyone waits: no energy, every second told, cost goes on."""
    book = day.books[STEADY]
    blind_hours = [hour for hour in book.hours if hour >= _step_at(BLIND_SINCE)]
    assert len(blind_hours) > 10
    blind = day.truth.total(STEADY, blind_hours)
    assert day.skipped(STEADY, "power") >= blind.running_seconds
    assert day.skipped(STEADY, "emissions") >= blind.running_seconds
    assert day.skipped(STEADY, "cost_usd") == day.skipped(STEADY, "embodied") == 0
