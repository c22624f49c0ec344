"""Counters that grow by closed hours, and emissions that wait for their intensity."""

from collections.abc import Iterable, Mapping
from itertools import pairwise
from math import fsum
from typing import NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.core.accrual import (
    ESTIMATE_PATIENCE_SECONDS,
    INTENSITY_PATIENCE_SECONDS,
    Facility,
    PendingEmissions,
    PlaceAccrual,
    accrue_hour,
    settle_emissions,
    skip_seconds,
)
from exporter.core.evidence import GridIntensity, Quantity
from exporter.core.metering import InstanceHour
from exporter.core.statement import Accrued

HOUR = 3600.0
HOUR_AT = 1000 * HOUR
END_AT = HOUR_AT + HOUR
FRANKFURT, DUBLIN = Facility("DE", 1.25), Facility("IE", 1.5)
KILOWATT_HOUR = 3.6e6
SKIPPED = (Quantity.POWER, Quantity.EMISSIONS, Quantity.EMBODIED, Quantity.COST_USD)


def hour_of(
    running: float = 3600.0,
    measured: float = 3600.0,
    joules: float = KILOWATT_HOUR,
    embodied: float | None = 2.0,
    usd: float | None = 0.5,
) -> InstanceHour:
    """One instance's hour; billed and unknown seconds are of no account here."""
    return InstanceHour(running, running, 0.0, measured, joules, embodied, usd)


def opened(**changes) -> PlaceAccrual:
    return PlaceAccrual(**({"since_at": HOUR_AT, "closed_until_at": HOUR_AT} | changes))


def accrued(*used: tuple[Facility, InstanceHour]) -> PlaceAccrual:
    return accrue_hour(opened(), HOUR_AT, used)


def known(grams: float, *, estimated: bool = False, zone: str = "DE", hour_at: float = HOUR_AT):
    return GridIntensity(zone, grams, hour_at, estimated, "")


def told(*intensities: GridIntensity):
    """What a grid book would answer."""
    by_hour = {(each.grid_zone, each.valid_at): each for each in intensities}
    return lambda zone, hour_at: by_hour.get((zone, hour_at))


NOTHING = told()


def test_an_hour_is_added_to_the_counters_at_once():
    """Two instances: energy, embodied emissions and cost; the emissions wait by zone."""
    found = accrued(
        (FRANKFURT, hour_of(joules=2 * KILOWATT_HOUR)),
        (FRANKFURT, hour_of(running=1800, measured=1800, joules=KILOWATT_HOUR, embodied=1.0)),
        (DUBLIN, hour_of(joules=4 * KILOWATT_HOUR, usd=0.25)),
    )

    assert found.accrued.energy_joules == 7 * KILOWATT_HOUR
    assert found.accrued.embodied_grams == 5.0
    assert found.accrued.cost_usd == 1.25
    assert found.accrued.emissions_grams == 0.0
    assert not any(found.accrued.skipped_seconds.values())
    assert found.pending == (
        PendingEmissions("DE", HOUR_AT, 3.75 * KILOWATT_HOUR, 5400.0),
        PendingEmissions("IE", HOUR_AT, 6.0 * KILOWATT_HOUR, 3600.0),
    )
    assert (found.since_at, found.closed_until_at) == (HOUR_AT, END_AT)


NO_ZONE, NO_PUE = Facility("", 1.25), Facility("DE", None)


@pytest.mark.parametrize(
    ("facility", "hour", "skipped"),
    [
        (FRANKFURT, hour_of(), {}),
        (FRANKFURT, hour_of(measured=3000.0), {"power": 600, "emissions": 600}),
        (FRANKFURT, hour_of(measured=0.0, joules=0.0), {"power": 3600, "emissions": 3600}),
        (NO_ZONE, hour_of(), {"emissions": 3600}),
        (NO_PUE, hour_of(), {"emissions": 3600}),
        # What was not measured and what has no PUE make the whole hour: no second counts twice.
        (NO_PUE, hour_of(measured=3000.0), {"power": 600, "emissions": 3600}),
        (FRANKFURT, hour_of(embodied=None), {"embodied": 3600}),
        (FRANKFURT, hour_of(running=20.0, measured=20.0, usd=None), {"cost_usd": 20}),
    ],
)
def test_what_cannot_be_accrued_is_skipped(facility, hour, skipped):
    """Counted in instance-seconds, for the quantity that lacks something, and not accrued."""
    found = accrued((facility, hour)).accrued

    assert {q: s for q, s in found.skipped_seconds.items() if s} == skipped
    assert found.energy_joules == hour.energy_joules
    assert found.embodied_grams == (hour.embodied_grams or 0.0)
    assert found.cost_usd == (hour.cost_usd or 0.0)


def test_an_empty_hour_is_closed():
    """Nothing ran: nothing is added, nothing waits, the next hour is next."""
    found = accrued()

    assert (found.accrued.energy_joules, found.pending) == (0.0, ())
    assert found.closed_until_at == END_AT
    unmeasured = accrued((FRANKFURT, hour_of(measured=0.0, joules=0.0)))
    assert unmeasured.pending == ()


ONE = accrued((FRANKFURT, hour_of(joules=2 * KILOWATT_HOUR)))
"""2 kWh at a PUE of 1.25: 2.5 kWh from the German grid."""


@pytest.mark.parametrize(
    ("intensity", "age_seconds", "grams"),
    [
        (known(400), 0, 1000),
        (known(400), 40 * HOUR, 1000),
        (known(400, estimated=True), 0, None),
        (known(400, estimated=True), ESTIMATE_PATIENCE_SECONDS - 1, None),
        (known(400, estimated=True), ESTIMATE_PATIENCE_SECONDS, 1000),
        (known(400, zone="IE"), HOUR, None),
        (known(400, hour_at=END_AT), HOUR, None),
        (known(0), 0, 0),
        (None, INTENSITY_PATIENCE_SECONDS - 1, None),
    ],
)
def test_emissions_wait_for_the_intensity_of_their_own_hour(intensity, age_seconds, grams):
    """A measured one counts at once, an estimate once none is to be expected; None: it waits."""
    intensities = told(intensity) if intensity else NOTHING

    found = settle_emissions(ONE, intensities, END_AT + age_seconds)

    if grams is None:
        assert found.accrual is ONE
        assert found.intensities == {}
    else:
        assert found.accrual.accrued.emissions_grams == grams
        assert found.accrual.pending == ()
        assert found.intensities == {("DE", HOUR_AT): intensity.grams_per_kilowatt_hour}
        assert not any(found.accrual.accrued.skipped_seconds.values())


@pytest.mark.parametrize("age_seconds", [INTENSITY_PATIENCE_SECONDS, 1000 * HOUR])
def test_emissions_are_given_up_some_time(age_seconds):
    """Their seconds are skipped then, and nothing else changes."""
    found = settle_emissions(ONE, NOTHING, END_AT + age_seconds)

    assert found.accrual.pending == ()
    assert found.accrual.accrued.skipped_seconds[Quantity.EMISSIONS] == 3600
    assert found.accrual.accrued.emissions_grams == 0
    assert found.intensities == {}
    assert found.accrual.accrued.energy_joules == ONE.accrued.energy_joules


def test_zones_and_hours_do_not_wait_for_each_other():
    """What can be settled is, in any order; the rest stays as it is."""
    both = accrue_hour(
        accrued((FRANKFURT, hour_of()), (DUBLIN, hour_of())), END_AT, [(FRANKFURT, hour_of())]
    )
    measured = told(known(300, zone="IE"), known(200, hour_at=END_AT))

    found = settle_emissions(both, measured, END_AT + HOUR)

    assert found.accrual.accrued.emissions_grams == 1.5 * 300 + 1.25 * 200
    assert [(p.grid_zone, p.hour_at) for p in found.accrual.pending] == [("DE", HOUR_AT)]
    assert found.intensities == {("IE", HOUR_AT): 300, ("DE", END_AT): 200}


class Step(NamedTuple):
    """An hour that is closed, and what is known of the grid when emissions are settled."""

    used: list[tuple[Facility, InstanceHour]]
    intensities: Mapping[str, tuple[float, bool]]
    """By zone: what the newest hours have by now, and whether it is an estimate."""
    waited_hours: int


@st.composite
def hours(draw: st.DrawFn) -> InstanceHour:
    running = draw(st.integers(0, 3600))
    measured = draw(st.integers(0, running))
    return hour_of(
        float(running),
        float(measured),
        measured * draw(st.floats(0, 500)),
        draw(st.none() | st.floats(0, 10)),
        draw(st.none() | st.floats(0, 10)),
    )


STEPS = st.lists(
    st.builds(
        Step,
        st.lists(
            st.tuples(st.sampled_from([FRANKFURT, DUBLIN, NO_ZONE, NO_PUE]), hours()), max_size=3
        ),
        st.dictionaries(
            st.sampled_from(["DE", "IE"]), st.tuples(st.floats(0, 1000), st.booleans())
        ),
        st.integers(0, 20),
    ),
    max_size=6,
)


def lived(steps: Iterable[Step]) -> list[PlaceAccrual]:
    """Every state of a place that goes through the steps."""
    states = [opened()]
    now = HOUR_AT
    for step in steps:
        hour_at = states[-1].closed_until_at
        states.append(accrue_hour(states[-1], hour_at, step.used))
        now = max(now, hour_at + HOUR) + step.waited_hours * HOUR

        def intensity(zone: str, at: float, step: Step = step) -> GridIntensity | None:
            told_of = step.intensities.get(zone)
            return GridIntensity(zone, told_of[0], at, told_of[1], "") if told_of else None

        states.append(settle_emissions(states[-1], intensity, now).accrual)
    return states


def counters(accrual: PlaceAccrual) -> list[float]:
    books = accrual.accrued
    plain = [books.energy_joules, books.emissions_grams, books.embodied_grams, books.cost_usd]
    return plain + [books.skipped_seconds.get(quantity, 0.0) for quantity in SKIPPED]


@given(STEPS)
def test_counters_never_fall(steps):
    """Whatever is closed, settled or given up."""
    states = lived(steps)

    for before, after in pairwise(states):
        assert all(a <= b for a, b in zip(counters(before), counters(after), strict=True))


@given(STEPS)
def test_every_running_second_is_accrued_or_skipped_or_waits(steps):
    """For each quantity: no second is lost, and none counts twice."""
    last = lived(steps)[-1]
    used = [pair for step in steps for pair in step.used]
    running = sum(hour.running_seconds for _, hour in used)
    skipped = last.accrued.skipped_seconds

    measured = sum(hour.measured_seconds for _, hour in used)
    assert measured + skipped.get(Quantity.POWER, 0.0) == running
    embodied = sum(h.running_seconds for _, h in used if h.embodied_grams is not None)
    assert embodied + skipped.get(Quantity.EMBODIED, 0.0) == running
    priced = sum(h.running_seconds for _, h in used if h.cost_usd is not None)
    assert priced + skipped.get(Quantity.COST_USD, 0.0) == running


@given(STEPS)
def test_every_measured_second_ends_in_one_place(steps):
    """Emissions: what is settled, skipped and waiting makes all that ran."""
    running, settled = 0.0, 0.0
    states = lived(steps)
    for step, before, after in zip(steps, states[1::2], states[2::2], strict=True):
        running += sum(hour.running_seconds for _, hour in step.used)
        gone = {p for p in before.pending if p not in after.pending}
        settled += sum(p.measured_seconds for p in gone if p.grid_zone in step.intensities)
        skipped = after.accrued.skipped_seconds.get(Quantity.EMISSIONS, 0.0)
        waiting = sum(p.measured_seconds for p in after.pending)

        assert settled + skipped + waiting == pytest.approx(running)


@given(STEPS)
def test_sums_are_those_of_the_hours(steps):
    """Energy, embodied emissions and cost: by exact summation of what was handed in."""
    last = lived(steps)[-1].accrued
    used = [hour for step in steps for _, hour in step.used]

    assert last.energy_joules == pytest.approx(fsum(h.energy_joules for h in used))
    assert last.embodied_grams == pytest.approx(fsum(h.embodied_grams or 0.0 for h in used))
    assert last.cost_usd == pytest.approx(fsum(h.cost_usd or 0.0 for h in used))


@given(STEPS, st.floats(0, 1000), st.booleans())
def test_settling_twice_changes_nothing(steps, grams, estimated):
    """What was settled is gone from what waits: the same knowledge adds nothing again."""
    state = lived(steps)[-1]
    now = state.closed_until_at + ESTIMATE_PATIENCE_SECONDS

    def intensity(zone: str, at: float) -> GridIntensity:
        return GridIntensity(zone, grams, at, estimated, "")

    once = settle_emissions(state, intensity, now).accrual
    again = settle_emissions(once, intensity, now)

    assert again.accrual is once
    assert again.intensities == {}


@given(STEPS, st.floats(0, 1e6))
def test_seconds_that_became_known_late_are_skipped_for_everything(steps, seconds):
    """They ran after their hour was closed: no quantity has them, and nothing else changes."""
    before = lived(steps)[-1]

    after = skip_seconds(before, seconds)

    if not seconds:
        assert after is before
    for quantity in SKIPPED:
        skipped = before.accrued.skipped_seconds.get(quantity, 0.0)
        assert after.accrued.skipped_seconds.get(quantity, 0.0) == skipped + seconds
    assert counters(after)[:4] == counters(before)[:4]
    assert (after.pending, after.closed_until_at) == (before.pending, before.closed_until_at)


def test_a_place_begins_at_nothing():
    """Its counters are 0, not unknown: from now on everything is counted."""
    assert counters(opened()) == [0.0] * 8
    assert opened().accrued == Accrued()
