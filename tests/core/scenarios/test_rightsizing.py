from collections.abc import Mapping
from dataclasses import replace
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from exporter.core.bounded import Bounded
from exporter.core.evidence import GapReason
from exporter.core.fleet import Instance, InstanceState, PurchaseOption
from exporter.core.scenarios.facts import CaseFacts
from exporter.core.scenarios.load import LoadDistribution, packed
from exporter.core.scenarios.outcome import Outcome, Resize, ScenarioGap
from exporter.core.scenarios.rightsizing import Rightsizing, rightsizing
from tests.core.scenarios.machines import (
    HOURS_PER_MONTH,
    VCPUS,
    fleet,
    hardware,
    machine,
    price,
    prices,
    profile,
    profiles,
    steady,
)
from tests.core.scenarios.naive_rightsizing import naive_rightsizing
from tests.core.scenarios.random_fleet import RandomFleet, random_fleet
from tests.core.scenarios.scenes import (
    ACCOUNT_ID,
    FOUR_WEEKS,
    HOURS_PER_WEEK,
    MONDAY_AT,
    SITING,
    history,
    intensity,
    plan,
    series,
)

SMALL, BIG = machine("i-0small"), machine("i-0big", instance_type="m5.2xlarge")
UNTIL_AT = MONDAY_AT + FOUR_WEEKS * 3600


def study(watched: Mapping[Instance, LoadDistribution], **changes: Any) -> Rightsizing:
    return rightsizing(fleet(watched, **changes), plan())


def outcome_of(found: Rightsizing) -> Outcome:
    assert isinstance(found.outcome, Outcome)
    return found.outcome


def near(value: float) -> Any:
    return pytest.approx(value)


def always(value: float) -> Bounded:
    return Bounded(near(value), near(value), near(value))


def test_two_instances_by_hand():
    """One at 10 % becomes half as big, one at 70 % stays as it is.

    A month has 730.5 h, the grid 400 g/kWh, the PUE is 1.25: 0.5 g/Wh. The first costs 0.20 USD/h
    and draws 11.9 W (9.5 % on average); as m5.large 0.10 USD/h and 6.9 W (19 %). The other one
    costs 0.40 USD/h and draws 20 + 69.5 x 0.4 = 47.8 W.
    """
    found = study({SMALL: steady(10), BIG: steady(70)})
    outcome = outcome_of(found)

    saved_usd, saved_grams = 0.1 * 730.5, 5 * 730.5 * 0.5
    assert found.resizes == {
        "i-0small": Resize("m5.large", 10.0, near(saved_usd), near(saved_grams))
    }
    # All points alike in all weeks: who fits is not in doubt.
    assert outcome.cost.per_month == always(saved_usd)
    assert outcome.cost.ratio == always(0.1 / 0.6)
    assert outcome.emissions.per_month.value == pytest.approx(saved_grams)
    assert outcome.emissions.ratio.value == pytest.approx(5 / (11.9 + 47.8))
    # The models of both types: 1.85 x 0.3850 of what the new one emits.
    half_width = 1.85 * 0.3850 * 6.9 / (11.9 + 47.8)
    assert outcome.emissions.ratio.lower == pytest.approx(5 / 59.7 - half_width, abs=1e-4)
    assert outcome.emissions.ratio.upper == pytest.approx(5 / 59.7 + half_width, abs=1e-4)
    assert outcome.saved_usd_by_account == {ACCOUNT_ID: pytest.approx(saved_usd)}
    assert (outcome.samples, outcome.worse_ratio, outcome.covered_ratio) == (28, 0.0, 1.0)
    assert outcome.feasible
    assert (found.unjudged, found.wishes) == ({}, frozenset())


def test_a_fleet_in_which_nothing_fits_saves_nothing():
    """It was judged: 0 is what it comes to, and is not advised."""
    found = study({SMALL: steady(70)})
    outcome = outcome_of(found)

    for saving in (outcome.cost, outcome.emissions):
        assert saving.ratio == saving.per_month == Bounded(0.0, 0.0, 0.0)
    assert not outcome.feasible
    assert (found.resizes, outcome.saved_usd_by_account) == ({}, {})


def test_a_smaller_type_that_draws_more_is_worse_on_every_day():
    """It saves half of the cost, but more than a fifth of all days get worse: not advised."""
    hot = {"m5.large": replace(profile("m5.large", 2), watts=(50.0,) * 6)}

    found = study({SMALL: steady(10)}, profiles=profiles() | hot)

    assert found.resizes["i-0small"].saved_grams_per_month == pytest.approx(
        (11.9 - 50) * 730.5 * 0.5
    )
    assert outcome_of(found).worse_ratio == 1.0
    assert not outcome_of(found).feasible


def test_only_instances_on_demand_are_looked_at():
    """A spot instance is no candidate, and none that could not be judged either."""
    spot = machine("i-0spot", purchase_option=PurchaseOption.SPOT)

    assert study({spot: steady(10)}) == Rightsizing(ScenarioGap.NO_CANDIDATES, {}, {}, frozenset())
    assert study({spot: steady(10), SMALL: steady(10)}) == study({SMALL: steady(10)})


def test_four_usable_weeks_are_needed():
    """Before, there is nothing, and nothing is wished for."""
    known = [True] * (FOUR_WEEKS - 24)

    found = study(
        {SMALL: steady(10), BIG: steady(10)},
        history=history(series(hours=len(known)), known=known),
        prices={},
    )

    reason = ScenarioGap.TOO_LITTLE_HISTORY
    assert found == Rightsizing(reason, {}, {reason: 2}, frozenset())


def test_nothing_judged_is_a_gap():
    """The reason is that of most of the running time, and is counted for each instance."""
    found = study({SMALL: steady(10), BIG: steady(10, weeks=1)}, prices=prices("m5.xlarge"))

    assert found.outcome is ScenarioGap.TOO_LITTLE_HISTORY
    assert found.unjudged == {ScenarioGap.NO_PRICE: 1, ScenarioGap.TOO_LITTLE_HISTORY: 1}
    assert [str(key.instance_type) for key in found.wishes if not isinstance(key, str)] == [
        "m5.large"
    ]


def test_what_could_be_judged_speaks_for_its_running_time():
    """Of three instances one is unknown: two thirds of the time. Of two it would be one half."""
    three = {SMALL: steady(10), BIG: steady(10), machine("i-0other"): steady(10)}
    unknown = {each: steady(10) for each in (machine("i-0a", instance_type="m6i.large"),)}

    found = study(three | unknown)

    assert outcome_of(found).covered_ratio == pytest.approx(3 / 4)
    assert found.unjudged == {ScenarioGap.NO_HARDWARE: 1}


def test_less_than_half_is_no_total():
    """The instance's own figures stay."""
    unknown = {machine(f"i-0{n}", instance_type="m6i.large"): steady(10) for n in range(2)}

    found = study({SMALL: steady(10)} | unknown)

    assert found.outcome is ScenarioGap.NO_HARDWARE
    assert set(found.resizes) == {"i-0small"}


IDLE, BUSY = steady(10), steady(70)


@pytest.mark.parametrize(
    ("lacking", "awaited", "reason"),
    [
        ({"prices": prices("m5.xlarge", "m5.2xlarge")}, True, ScenarioGap.AWAITED),
        ({"prices": prices("m5.xlarge", "m5.2xlarge")}, False, ScenarioGap.NO_PRICE),
        ({"profiles": profiles("m5.xlarge", "m5.2xlarge")}, True, ScenarioGap.AWAITED),
        ({"profiles": profiles("m5.xlarge", "m5.2xlarge")}, False, ScenarioGap.NO_PROFILE),
    ],
)
def test_while_what_fits_is_unknown_nothing_is_no_answer(lacking, awaited, reason):
    """Those that fit nothing are judged without it: together they would save 0, for certain."""
    watched = {SMALL: IDLE, BIG: BUSY, machine("i-0other"): BUSY}
    wishes = study(watched, **lacking).wishes

    found = study(watched, **lacking, awaited=wishes if awaited else frozenset())

    assert found == Rightsizing(reason, {}, {reason: 1}, wishes)
    assert len(wishes) == 1
    alone = {each: load for each, load in watched.items() if load is BUSY}
    assert outcome_of(study(alone, **lacking)).cost.per_month == always(0.0)


def test_a_fitting_type_without_power_is_as_bad():
    """It was asked for, and will not get one: what fits it cannot be added up either."""
    unpowered = replace(profile("m5.large", 2), power_gap=GapReason.NO_PROFILE)

    found = study({SMALL: IDLE, BIG: BUSY}, profiles=profiles() | {"m5.large": unpowered})

    reason = ScenarioGap.NO_PROFILE
    assert found == Rightsizing(reason, {}, {reason: 1}, frozenset())


def test_what_is_known_of_one_instance_stays_while_another_waits():
    """Its own figures; of two reasons the first by precedence is that of the total."""
    far = machine("i-0far", region="eu-west-1", availability_zone="eu-west-1a")
    unpowered = machine("i-0unpowered", instance_type="c5.xlarge")
    families = {**VCPUS, "c5.large": 2, "c5.xlarge": 4}
    lacking: dict[str, Any] = {
        "hardware": {name: hardware(name, vcpus=vcpus) for name, vcpus in families.items()},
        "profiles": profiles() | {"c5.xlarge": profile("c5.xlarge", 4)},
        "prices": prices()
        | price("m5.xlarge", 0.2, "eu-west-1")
        | price("c5.xlarge", 0.2)
        | price("c5.large", 0.1),
    }
    watched = {SMALL: IDLE, BIG: BUSY, far: IDLE, unpowered: IDLE}
    resizes = study({SMALL: IDLE}).resizes

    in_vain = study(watched, **lacking)
    half = study(watched, **lacking, awaited=frozenset({"c5.large"}))
    waiting = study(watched, **lacking, awaited=in_vain.wishes)

    assert in_vain.unjudged == {ScenarioGap.NO_PROFILE: 1, ScenarioGap.NO_PRICE: 1}
    assert half.unjudged == {ScenarioGap.AWAITED: 1, ScenarioGap.NO_PRICE: 1}
    assert waiting.unjudged == {ScenarioGap.AWAITED: 2}
    assert [each.outcome for each in (in_vain, half, waiting)] == [
        ScenarioGap.NO_PROFILE,
        ScenarioGap.NO_PRICE,
        ScenarioGap.AWAITED,
    ]
    assert in_vain.resizes == half.resizes == waiting.resizes == resizes


def test_burstable_and_accelerated_types_are_not_what_it_is_about():
    """They are counted, but take nothing from the coverage; alone they are the reason."""
    burstable = machine("i-0t3", instance_type="t3.micro")
    video = machine("i-0g4", instance_type="g4dn.xlarge")
    types = {each: hardware(each) for each in VCPUS} | {
        "t3.micro": hardware("t3.micro", burstable=True),
        "g4dn.xlarge": hardware("g4dn.xlarge", accelerators=1),
    }

    mixed = study({SMALL: steady(10), burstable: steady(1), video: steady(1)}, hardware=types)
    alone = study({burstable: steady(1)}, hardware=types)

    reasons = {ScenarioGap.BURSTABLE: 1, ScenarioGap.ACCELERATOR_UNMODELLED: 1}
    assert mixed.unjudged == reasons
    assert outcome_of(mixed).covered_ratio == 1.0
    assert alone.outcome is ScenarioGap.BURSTABLE


def test_coverage_is_of_running_time():
    """Without CPU points the present run counts, since its launch; with points those."""
    new = machine("i-0new", launched_at=UNTIL_AT - 7 * 86400)
    newest = machine("i-0newest", launched_at=UNTIL_AT + 3600)
    seldom = machine("i-0seldom", launched_at=UNTIL_AT - 3600)
    watched = {
        SMALL: steady(10),
        new: steady(10, weeks=0),
        newest: steady(10, weeks=0),
        seldom: steady(10, points=1008),
    }

    found = study(watched)

    # 28 days and 14 are judged, 7 are not, and one has not run yet.
    assert outcome_of(found).covered_ratio == pytest.approx(42 / 49)
    assert found.unjudged == {ScenarioGap.TOO_LITTLE_HISTORY: 2}


def test_what_is_off_at_night_counts_all_the_same():
    """Ten hours on five days a week, by its points: whether it is asked at noon or at night."""
    office = LoadDistribution(20, (packed([(10, 600)]),) * 4)
    up = machine("i-0dev", launched_at=UNTIL_AT + 8 * 3600)
    down = replace(up, state=InstanceState.STOPPED, launched_at=UNTIL_AT - 16 * 3600)

    noon, night = (study({each: office, BIG: steady(70)}) for each in (up, down))

    assert noon == night
    assert outcome_of(night).cost.per_month == always(0.1 * HOURS_PER_MONTH * 50 / 168)


def test_time_since_the_launch_is_that_of_running_instances_only():
    """A stopped one without points has not run: what it lacks takes nothing from the coverage."""
    asleep = replace(machine("i-0asleep"), state=InstanceState.STOPPED)

    found = study({SMALL: steady(10), asleep: steady(10, weeks=0)})

    assert outcome_of(found).covered_ratio == 1.0
    assert found.unjudged == {ScenarioGap.TOO_LITTLE_HISTORY: 1}


def test_unknown_hours_of_the_grid_are_not_covered():
    """Instances are judged by the known ones, as long as those are half of all."""
    known = intensity(history(series()))

    def with_weeks(weeks: int) -> Rightsizing:
        hours = {at: g for at, g in known.items() if at < MONDAY_AT + weeks * 7 * 86400}
        return study({SMALL: steady(10)}, intensities={"DE": hours})

    assert outcome_of(with_weeks(3)).covered_ratio == pytest.approx(0.75)
    assert with_weeks(1).outcome is ScenarioGap.NO_GRID_INTENSITY


def test_a_fleet_without_emissions_has_nothing_to_save():
    """A share of nothing does not exist."""
    clean = intensity(history(series()), 0.0)

    found = study({SMALL: steady(10)}, intensities={"DE": clean})

    assert found.outcome is ScenarioGap.NO_CANDIDATES


def test_one_gap_leaves_the_others_alone():
    """What is unknown of one type takes nothing from instances of another."""
    other = machine("i-0other", instance_type="c5.large")
    unpowered = replace(profile("c5.large", 2), power_gap=GapReason.NO_PROFILE)

    alone = study({SMALL: steady(10)})
    found = study(
        {SMALL: steady(10), other: steady(10)},
        hardware={each: hardware(each) for each in (*VCPUS, "c5.large")},
        profiles=profiles() | {"c5.large": unpowered},
        prices=prices() | price("c5.large", 0.1),
    )

    assert found.resizes == alone.resizes
    assert outcome_of(found).cost == outcome_of(alone).cost
    assert found.unjudged == {ScenarioGap.NO_PROFILE: 1}


FLEETS = [random_fleet(Random(seed)) for seed in range(60)]  # noqa: S311 - made-up fleets


@pytest.mark.parametrize("random", FLEETS, ids=range(len(FLEETS)))
def test_a_second_implementation_agrees(random: RandomFleet):
    """One that expands every point, sorts, and adds up watts point by point and hour by hour."""
    found = rightsizing(random.facts, plan(rightsizing_percent=random.percent))
    naive = naive_rightsizing(random.facts, random.points, random.percent)

    assert {name: each.target_type for name, each in found.resizes.items()} == {
        name: target_type for name, (target_type, *_) in naive.resizes.items()
    }
    for name, (_, *numbers) in naive.resizes.items():
        resize = found.resizes[name]
        assert [
            resize.p95_percent,
            resize.saved_usd_per_month,
            resize.saved_grams_per_month,
        ] == pytest.approx(numbers, rel=1e-9)
    assert found.unjudged == naive.unjudged
    assert found.wishes == naive.wishes
    if naive.unjudged:
        # All of their own is known: what is missing is about a type that may fit.
        assert found.outcome in naive.unjudged
        return
    assert isinstance(found.outcome, Outcome)
    cost, emissions = found.outcome.cost, found.outcome.emissions
    low, value, high = naive.usd
    assert_bounded(cost.per_month, value, low, high)
    assert_bounded(cost.ratio, *(each / naive.base_usd for each in (value, low, high)))
    low, high = naive.gram_bounds
    high = min(high, naive.base_grams)
    value = naive.grams[1]
    assert_bounded(emissions.ratio, *(each / naive.base_grams for each in (value, low, high)))
    assert_bounded(
        emissions.per_month, value, *naive.scaled_gram_bounds(random.facts.siting.grid_zones)
    )
    assert found.outcome.saved_usd_by_account == pytest.approx(naive.by_account)
    assert found.outcome.worse_ratio == (1.0 if value < 0 else 0.0)


def assert_bounded(found: Bounded, value: float, lower: float, upper: float) -> None:
    assert (found.value, found.lower, found.upper) == pytest.approx(
        (value, lower, upper), rel=1e-9, abs=1e-9
    )


def test_the_random_fleets_are_worth_comparing():
    """Among them are sure, likely and merely possible fits, wishes of both kinds, and losses."""
    studied = [rightsizing(each.facts, plan(rightsizing_percent=each.percent)) for each in FLEETS]
    outcomes = [each.outcome for each in studied if isinstance(each.outcome, Outcome)]
    months = [each.cost.per_month for each in outcomes]

    gaps = {each.outcome for each in studied if isinstance(each.outcome, ScenarioGap)}

    assert len(outcomes) > len(FLEETS) / 2
    assert gaps == {ScenarioGap.NO_PROFILE, ScenarioGap.NO_PRICE, ScenarioGap.AWAITED}
    assert any(each.lower and each.lower == each.value for each in months)
    assert any(each.lower is not None and each.lower < each.value for each in months)
    assert any(each.upper is not None and each.value < each.upper for each in months)
    assert {type(wish) for each in studied for wish in each.wishes} == {str, *PRICE_KEYS}
    assert any(each.saved_grams_per_month < 0 for s in studied for each in s.resizes.values())


PRICE_KEYS = {type(key) for key in prices()}


@pytest.mark.parametrize("random", FLEETS[:20], ids=range(20))
def test_cost_bounds_are_in_order(random: RandomFleet):
    """Lower, value, upper; and no share is above 1."""
    found = rightsizing(random.facts, plan()).outcome
    if isinstance(found, Outcome):
        for each in (found.cost.ratio, found.cost.per_month, found.emissions.ratio):
            assert each.lower is not None
            assert each.upper is not None
            assert each.lower <= each.value <= each.upper
        assert 0 <= found.cost.ratio.value < 1


@pytest.mark.parametrize("random", FLEETS[:20], ids=range(20))
def test_the_order_of_instances_is_irrelevant(random: RandomFleet):
    """Not to the last bit either."""
    turned = replace(random.facts, instances=random.facts.instances[::-1])

    assert rightsizing(turned, plan()) == rightsizing(random.facts, plan())


WEEKS = st.lists(st.lists(st.integers(0, 100), min_size=1, max_size=12), min_size=4, max_size=4)


def load_of(weeks: list[list[int]]) -> LoadDistribution:
    return LoadDistribution(28, tuple(packed([(level, 1) for level in week]) for week in weeks))


@given(WEEKS, st.data())
def test_a_busier_instance_never_fits_a_smaller_type(weeks, data):
    """Raising any CPU point leaves the advice as it is, or makes it a bigger type, or ends it."""
    raised = [list(each) for each in weeks]
    week = data.draw(st.sampled_from(raised))
    point = data.draw(st.integers(0, len(week) - 1))
    week[point] = data.draw(st.integers(week[point], 100))
    sixteen = machine(instance_type="m5.4xlarge")

    before = study({sixteen: load_of(weeks)}).resizes
    after = study({sixteen: load_of(raised)}).resizes

    assert set(after) <= set(before)
    for name, resize in after.items():
        assert VCPUS[resize.target_type] >= VCPUS[before[name].target_type]
        assert resize.p95_percent >= before[name].p95_percent


@given(WEEKS)
def test_blocks_add_up(weeks):
    """How points are spread over the weeks changes the bounds, never the advice."""
    together = sorted(point for week in weeks for point in week)
    spread = [together[n::4] for n in range(4)]

    before, after = (study({BIG: load_of(each)}).resizes for each in (weeks, spread))

    assert {name: (each.target_type, each.p95_percent) for name, each in before.items()} == {
        name: (each.target_type, each.p95_percent) for name, each in after.items()
    }


@given(st.floats(0, 1e6), st.integers(0, 100))
@settings(max_examples=25)
def test_what_comes_after_the_history_changes_nothing(grams, level):
    """Neither the grid of later hours, nor the CPU of an instance that does not run any more."""
    facts = fleet({SMALL: steady(10), BIG: steady(30)})
    poisoned = replace(
        facts,
        intensities={
            zone: {**hours, **{UNTIL_AT + n * 3600: grams for n in range(48)}}
            for zone, hours in facts.intensities.items()
        },
        loads={**facts.loads, "i-0gone": steady(level)},
    )

    assert rightsizing(poisoned, plan()) == rightsizing(facts, plan())


def test_weeks_that_do_not_count_change_nothing():
    """Of six weeks the newest four usable ones: older and unusable ones may hold anything."""
    known = [True] * (2 * HOURS_PER_WEEK) + [False] * HOURS_PER_WEEK
    known += [True] * (3 * HOURS_PER_WEEK)

    def with_other_weeks(joules: float, grams: float) -> CaseFacts:
        counted = [False] * HOURS_PER_WEEK + known[HOURS_PER_WEEK:]
        used = history(
            series(
                hours=len(known),
                joules=[36e3 if each else joules for each in counted],
            ),
            known=known,
        )
        column = [400.0 if each else grams for each in counted]
        return fleet(
            {SMALL: steady(10)},
            history=used,
            intensities={zone: intensity(used, column) for zone in SITING.grid_zones.values()},
        )

    usual = rightsizing(with_other_weeks(36e3, 400.0), plan())

    assert outcome_of(usual).cost.per_month.value == pytest.approx(0.1 * HOURS_PER_MONTH)
    assert rightsizing(with_other_weeks(1e9, 9999.0), plan()) == usual
