from dataclasses import replace
from math import exp, hypot, sqrt

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from exporter.core.bounded import Bounded
from exporter.core.evidence import GapReason, PriceKey, PriceQuote
from exporter.core.fleet import PurchaseOption
from exporter.core.instance_estimate import Siting
from exporter.core.scenarios.outcome import Outcome, Scenario, ScenarioGap
from exporter.core.scenarios.region_shift import RegionShift, region_shift
from tests.core.scenarios import region_reference
from tests.core.scenarios.fleets import KEYS, after_the_end, fleets
from tests.core.scenarios.scenes import (
    ACCOUNT_ID,
    FOUR_WEEKS,
    MONDAY_AT,
    SITING,
    TEN_WATTS_JOULES,
    facts,
    history,
    intensity,
    key,
    series,
)

DUBLIN = "eu-west-1"
MONTH_HOURS = 365.25 / 12 * 24
SITES = 1.85 * sqrt(2 * 0.05**2 + 2 * 0.03**2)


def quoted(of: PriceKey, usd: float | None) -> dict[PriceKey, PriceQuote]:
    """One price, as it is looked up."""
    return {of: PriceQuote(of, usd)}


HERE = key().price_key
THERE = HERE._replace(location=DUBLIN)
PRICES = quoted(HERE, 0.1) | quoted(THERE, 0.09)


def case(*groups, there=200.0, here=400.0, **changes):
    """Groups in Frankfurt, its grid, and that of Dublin."""
    told = history(*(groups or (series(),)))
    grids = {"DE": intensity(told, here), "IE": intensity(told, there)}
    return facts(told, **({"intensities": grids, "prices": PRICES} | changes))


def moved(known, target=DUBLIN) -> Outcome:
    """The outcome of a move that has one."""
    found = region_shift(known, target)
    assert isinstance(found.outcome, Outcome)
    assert found.wishes == frozenset()
    return found.outcome


def bounds(found: Bounded) -> tuple[float, float | None, float | None]:
    """Value, lower and upper."""
    return found.value, found.lower, found.upper


def test_ten_watts_from_frankfurt_to_dublin():
    """0.01 kW x 1.25 x 400 = 5 g/h here, 0.01 x 1.1 x 200 = 2.2 g/h there: 56 % less.

    A tenth less of 0.10 USD/h. All weeks are alike: the cost is certain, the emissions are so up
    to the season and the errors of both sites.
    """
    found = moved(case())

    assert (found.scenario, found.target_region) == (Scenario.REGION_SHIFT, DUBLIN)
    assert bounds(found.cost.ratio) == pytest.approx((0.1, 0.1, 0.1))
    usd = 0.01 * MONTH_HOURS
    assert bounds(found.cost.per_month) == pytest.approx((usd, usd, usd))
    assert found.saved_usd_by_account == {ACCOUNT_ID: pytest.approx(usd)}
    assert found.emissions.ratio.value == pytest.approx(0.56)
    assert found.emissions.per_month.value == pytest.approx(2.8 * MONTH_HOURS)
    assert (found.samples, found.worse_ratio, found.covered_ratio) == (28, 0.0, 1.0)
    assert found.feasible


def test_the_band_holds_the_errors_of_two_sites():
    """Emissions there are 44 % of those here, each of four factors may be off on its own.

    Besides, the share drifts by 1 point and the grams by 8 % from month to month.
    """
    found = moved(case()).emissions

    half = hypot(0.01, 0.44 * SITES)
    assert bounds(found.ratio) == pytest.approx((0.56, 0.56 - half, 0.56 + half))
    scale_ln = sqrt(0.29**2 + 0.05**2 + 0.03**2)  # of one type at one place
    grams, there = 2.8 * MONTH_HOURS, 2.2 * MONTH_HOURS
    assert bounds(found.per_month) == pytest.approx(
        (
            grams,
            grams - hypot(grams * (1 - exp(-1.85 * scale_ln)), 0.08 * grams, there * SITES),
            grams + hypot(grams * (exp(1.85 * scale_ln) - 1), 0.08 * grams, there * SITES),
        )
    )


def test_no_more_than_everything_is_saved():
    """The upper bound of a share is 1 at most."""
    found = moved(case(there=1.0, here=[1.0] * 168 + [900.0] * 168 + [1.0] * 168 + [900.0] * 168))

    assert found.emissions.ratio.value < 1.0
    assert found.emissions.ratio.upper == 1.0


def test_a_dirtier_and_dearer_region():
    """It costs and emits more, on every day: negative savings, not advised."""
    found = moved(case(there=800.0, prices=quoted(HERE, 0.1) | quoted(THERE, 0.15)))

    assert found.cost.ratio.value == pytest.approx(-0.5)
    assert found.emissions.ratio.value == pytest.approx(1 - 8.8 / 5)
    assert found.emissions.per_month.value == pytest.approx(-3.8 * MONTH_HOURS)
    lower, upper = found.emissions.per_month.lower, found.emissions.per_month.upper
    assert lower is not None
    assert upper is not None
    assert lower < found.emissions.per_month.value < upper
    assert found.saved_usd_by_account == {ACCOUNT_ID: pytest.approx(-0.05 * MONTH_HOURS)}
    assert found.worse_ratio == 1.0
    assert not found.feasible


def test_a_grid_that_is_dirtier_on_some_days():
    """Five of 28 days at 600 g x 1.1 against 400 g x 1.25: cleaner in sum, worse on those."""
    there = [600.0 if n // 24 in (0, 3, 9, 20, 27) else 200.0 for n in range(FOUR_WEEKS)]

    found = moved(case(there=there))

    saved = (23 * (500 - 220) + 5 * (500 - 660)) / (28 * 500)
    assert found.emissions.ratio.value == pytest.approx(saved)
    assert found.worse_ratio == 5 / 28
    assert found.feasible


def test_worse_on_a_fifth_of_the_days_is_not_advised():
    """Six of 28 days."""
    there = [600.0 if n // 24 < 6 else 200.0 for n in range(FOUR_WEEKS)]

    assert not moved(case(there=there)).feasible


def test_an_hour_counts_by_the_energy_used_in_it():
    """The job runs at night only, when the grid there is dirtier: the day's wind does not help."""
    night = [TEN_WATTS_JOULES if n % 24 < 6 else 0.0 for n in range(FOUR_WEEKS)]
    there = [800.0 if n % 24 < 6 else 100.0 for n in range(FOUR_WEEKS)]

    found = moved(case(series(joules=night), there=there))

    assert found.emissions.ratio.value == pytest.approx(1 - 8.8 / 5)


def test_what_is_not_sold_there_stays():
    """Half of the fleet moves: half the saving, and not feasible as a whole."""
    odd = key(instance_type="t3.micro")
    unsold = quoted(odd.price_key._replace(location=DUBLIN), None)

    found = moved(case(series(), series(odd), prices=PRICES | unsold))

    assert found.cost.ratio.value == pytest.approx(0.05)
    assert found.emissions.ratio.value == pytest.approx(0.28)
    half = hypot(0.01, 0.22 * SITES)
    assert found.emissions.ratio.lower == pytest.approx(0.28 - half)
    assert found.covered_ratio == 1.0
    assert not found.feasible


def test_nothing_is_sold_there():
    """Everything stays: nothing saved, for certain but for the season, and not feasible."""
    found = moved(case(prices=quoted(THERE, None)))

    assert bounds(found.cost.per_month) == (0.0, 0.0, 0.0)
    assert bounds(found.emissions.per_month) == (0.0, 0.0, 0.0)
    assert found.worse_ratio == 0.0
    assert not found.feasible


def test_the_scope_is_on_demand_elsewhere():
    """Spot and capacity blocks have other prices there; what is there already does not move."""
    others = [
        series(key(purchase_option=PurchaseOption.SPOT)),
        series(key(purchase_option=PurchaseOption.CAPACITY_BLOCK)),
        series(key(location=DUBLIN)),
    ]

    assert moved(case(series(), *others)) == moved(case())


@pytest.mark.parametrize(
    "groups",
    [
        [series(key(purchase_option=PurchaseOption.SPOT))],
        [series(key(location=DUBLIN))],
        [series(running=0.0, joules=0.0, usd=0.0)],
    ],
)
def test_no_candidates(groups):
    """Nothing ran on demand elsewhere."""
    assert region_shift(case(*groups), DUBLIN) == RegionShift(
        DUBLIN, ScenarioGap.NO_CANDIDATES, frozenset()
    )


def test_no_group_was_ever_seen():
    """A fleet that was watched and is empty."""
    known = facts(history(known=[True] * FOUR_WEEKS), prices=PRICES)

    assert region_shift(known, DUBLIN).outcome is ScenarioGap.NO_CANDIDATES


@pytest.mark.parametrize(
    "watched",
    [
        history(series(hours=FOUR_WEEKS - 24)),
        history(series(), known=[n % 168 >= 17 for n in range(FOUR_WEEKS)]),
        history(known=[]),
        history(known=[False] * FOUR_WEEKS),
    ],
)
def test_too_little_history(watched):
    """Fewer than four usable weeks, or nothing at all."""
    known = facts(watched, prices=PRICES)

    assert region_shift(known, DUBLIN) == RegionShift(
        DUBLIN, ScenarioGap.TOO_LITTLE_HISTORY, frozenset()
    )


@pytest.mark.parametrize(
    ("changes", "gap"),
    [
        ({"siting": Siting(SITING.grid_zones, {})}, ScenarioGap.NO_PUE),
        ({"siting": Siting({}, SITING.pue)}, ScenarioGap.ZONE_NOT_COVERED),
        ({"intensities": {}}, ScenarioGap.NO_GRID_INTENSITY),
        ({"intensities": {"DE": {MONDAY_AT: 1.0}, "IE": {}}}, ScenarioGap.NO_GRID_INTENSITY),
        ({"prices": {}}, ScenarioGap.NO_PRICE),
        (
            {"intensities": {}, "grid_gaps": {"IE": GapReason.NOT_CONFIGURED}},
            ScenarioGap.NOT_CONFIGURED,
        ),
        (
            {"intensities": {}, "grid_gaps": {"IE": GapReason.ZONE_NOT_COVERED}},
            ScenarioGap.ZONE_NOT_COVERED,
        ),
    ],
)
def test_what_is_not_known_of_the_target(changes, gap):
    """The target is absent, with the reason."""
    assert region_shift(case(**changes), DUBLIN).outcome is gap


def test_why_most_of_the_fleet_has_no_grid():
    """Two thirds of it run where the zone is not covered."""
    far = series(key(location="us-east-1"), running=7200.0)
    prices = PRICES | quoted(far.key.price_key, 0.1)
    told = {"US-MIDA-PJM": GapReason.ZONE_NOT_COVERED}

    found = region_shift(case(series(), far, prices=prices, grid_gaps=told), DUBLIN)

    assert found.outcome is ScenarioGap.ZONE_NOT_COVERED


def test_other_targets_are_not_touched():
    """What is missing in one region says nothing about another."""
    known = case()

    assert region_shift(known, "us-east-1").outcome is ScenarioGap.NO_GRID_INTENSITY
    assert isinstance(region_shift(known, DUBLIN).outcome, Outcome)


def test_missing_prices_are_wished_for():
    """Of every group in scope, there and here; AWAITED while they are to be asked for.

    Once they were asked for in vain, they go on being wished for.
    """
    odd = key(instance_type="t3.micro", usage_operation="RunInstances:0002")
    groups = [series(), series(odd), series(odd._replace(environment="prod"))]
    odd_there = odd.price_key._replace(location=DUBLIN)

    wished = region_shift(case(*groups, prices=quoted(HERE, 0.1)), DUBLIN)
    assert wished == RegionShift(
        DUBLIN, ScenarioGap.NO_PRICE, frozenset({THERE, odd.price_key, odd_there})
    )

    waiting = case(*groups, prices=quoted(HERE, 0.1), awaited=wished.wishes)
    assert region_shift(waiting, DUBLIN) == replace(wished, outcome=ScenarioGap.AWAITED)


@pytest.mark.parametrize("awaited", [{THERE}, {HERE, THERE}, {THERE, "m5.large"}])
def test_while_any_price_is_awaited_there_is_nothing(awaited):
    """The other group's price was asked for in vain, but this one's will change the figures."""
    odd = key(instance_type="t3.micro")
    known = case(series(), series(odd), prices=quoted(HERE, 0.1), awaited=frozenset(awaited))

    assert region_shift(known, DUBLIN).outcome is ScenarioGap.AWAITED


@pytest.mark.parametrize("known_here", [True, False])
def test_a_price_asked_for_in_vain_takes_its_own_group_only(known_here):
    """Two thirds of the running time are compared as if they were all there is.

    The rest may not be sold there: the move is not advised.
    """
    odd = key(instance_type="t3.micro")
    prices = PRICES | (quoted(odd.price_key, 0.1) if known_here else {})
    two = series(running=7200.0, joules=2 * TEN_WATTS_JOULES, usd=0.2)

    found = region_shift(case(two, series(odd), prices=prices), DUBLIN)

    alone = moved(case(two))
    assert alone.feasible
    assert isinstance(found.outcome, Outcome)
    assert found.outcome.covered_ratio == pytest.approx(2 / 3)
    assert replace(found.outcome, covered_ratio=1.0) == replace(alone, feasible=False)
    there = odd.price_key._replace(location=DUBLIN)
    assert found.wishes == ({there} if known_here else {there, odd.price_key})


def test_too_many_prices_asked_for_in_vain():
    """Two thirds of the running time have no price there."""
    odd = series(key(instance_type="t3.micro"), running=7200.0)

    assert region_shift(case(series(), odd), DUBLIN).outcome is ScenarioGap.NO_PRICE


def test_no_wishes_for_what_did_not_run():
    """A group of older weeks is not in the comparison, nor is its price missing."""
    gone = series(
        key(instance_type="t3.micro"),
        hours=FOUR_WEEKS + 168,
        running=[3600.0] * 168 + [0.0] * FOUR_WEEKS,
    )

    found = region_shift(case(series(hours=FOUR_WEEKS + 168), gone), DUBLIN)

    assert isinstance(found.outcome, Outcome)


def test_a_group_that_is_not_priced_here():
    """Half of the running time is left: its amounts are those of the other group alone."""
    odd = key(instance_type="t3.micro")
    quotes = quoted(odd.price_key, None) | quoted(odd.price_key._replace(location=DUBLIN), 0.01)

    found = moved(case(series(), series(odd), prices=PRICES | quotes))

    assert found.covered_ratio == 0.5
    assert found.cost == moved(case()).cost


THREE = 3 * 3600.0
ODD = key(instance_type="t3.micro")


@pytest.mark.parametrize(
    ("mostly", "gap"),
    [
        (series(ODD, running=THREE), ScenarioGap.NO_PRICE),
        (series(key(location="eu-north-1"), running=THREE), ScenarioGap.NO_PUE),
        (series(ODD._replace(location="eu-north-1"), running=THREE), ScenarioGap.NO_PUE),
        (series(key(location="us-east-1"), running=THREE), ScenarioGap.NO_GRID_INTENSITY),
        (series(running=THREE, measured=0.0, joules=0.0), ScenarioGap.NO_PROFILE),
        (series(running=THREE, priced=0.0, usd=0.0), ScenarioGap.NO_PRICE),
    ],
)
def test_less_than_half_is_known(mostly, gap):
    """The scenario is absent with what most of the running time lacks."""
    prices = dict(PRICES)
    for place in ("eu-north-1", "us-east-1"):
        prices |= quoted(HERE._replace(location=place), 0.1)
    for place in ("eu-central-1", "eu-north-1"):
        prices |= quoted(ODD.price_key._replace(location=place), None)
    prices |= quoted(ODD.price_key._replace(location=DUBLIN), 0.1)

    found = region_shift(case(series(), mostly, prices=prices, profiles={}), DUBLIN)

    assert found.outcome is gap


def test_hours_without_the_grid_there_are_not_compared():
    """A quarter of the hours is not known there: they count neither here nor there."""
    known = case()
    there = {at: grams for at, grams in known.intensities["IE"].items() if at // 3600 % 4}

    found = moved(replace(known, intensities=known.intensities | {"IE": there}))

    assert found.covered_ratio == 0.75
    assert found.cost.ratio.value == pytest.approx(0.1)
    assert found.cost.per_month.value == pytest.approx(0.75 * 0.01 * MONTH_HOURS)
    assert found.emissions.per_month.value == pytest.approx(0.75 * 2.8 * MONTH_HOURS)


def test_unknown_hours_are_taken_to_be_like_the_others():
    """A twelfth of the hours was not closed: nothing changes, whatever is in them."""
    known = [n % 12 != 5 for n in range(FOUR_WEEKS)]
    junk = [0.1 if each else 77.0 for each in known]
    told = replace(case(series(usd=junk)).history, known=known)

    found = moved(replace(case(), history=told))

    assert found.cost.per_month.value == pytest.approx(0.01 * MONTH_HOURS)
    assert found.emissions.per_month.value == pytest.approx(2.8 * MONTH_HOURS)
    assert found.covered_ratio == 1.0


@pytest.mark.parametrize("nothing", [{"here": 0.0}, {}])
def test_nothing_to_save(nothing):
    """A share of no emissions, or of no cost, is not known."""
    group = series() if nothing else series(usd=0.0)

    assert region_shift(case(group, **nothing), DUBLIN).outcome is ScenarioGap.NO_CANDIDATES


def test_two_regions_of_one_account_each():
    """Each hour is compared at its own place; savings are split by account."""
    far = key(account_id="444455556666", location="us-east-1")
    prices = PRICES | quoted(far.price_key, 0.05)
    told = history(series(), series(far, usd=0.05))
    grids = {"DE": 400.0, "IE": 200.0, "US-MIDA-PJM": 100.0}

    found = moved(
        facts(
            told,
            intensities={zone: intensity(told, grams) for zone, grams in grids.items()},
            prices=prices,
        )
    )

    # 5 and 1.2 g/h here, 2.2 g/h each there; 0.10 and 0.05 USD/h here, 0.09 each there.
    assert found.emissions.ratio.value == pytest.approx(1.8 / 6.2)
    assert found.saved_usd_by_account == {
        ACCOUNT_ID: pytest.approx(0.01 * MONTH_HOURS),
        "444455556666": pytest.approx(-0.04 * MONTH_HOURS),
    }
    assert sum(found.saved_usd_by_account.values()) == pytest.approx(found.cost.per_month.value)


PLACES = ["eu-central-1", "eu-central-1", "us-east-1", "us-east-1", DUBLIN, "eu-north-1"]
OPTIONS = [PurchaseOption.ON_DEMAND] * 4 + [PurchaseOption.SPOT, PurchaseOption.CAPACITY_BLOCK]
KEYS_OF_EVERY_KIND = st.builds(
    lambda of, place, option: of._replace(location=place, purchase_option=option),
    KEYS,
    st.sampled_from(PLACES),
    st.sampled_from(OPTIONS),
)


@st.composite
def priced_fleets(draw):
    """Random fleets of which prices are known, or known not to be, or were asked for in vain."""
    known = draw(fleets(KEYS_OF_EVERY_KIND))
    keys = {group.key.price_key for group in known.history.series}
    keys |= {of._replace(location=DUBLIN) for of in keys}
    usd = st.sampled_from([None, 0.01, 0.06, 0.1, 0.17, 2.0])
    unanswered = draw(st.sets(st.sampled_from(sorted(keys)), max_size=1))
    return replace(
        known, prices={of: PriceQuote(of, draw(usd)) for of in sorted(keys - unanswered)}
    )


@settings(max_examples=20, deadline=None)
@given(priced_fleets(), st.floats(0, 1e6))
def test_grid_hours_after_the_end_do_not_count(known, grams):
    """Evidence ends with the history."""
    assert region_shift(after_the_end(known, grams), DUBLIN) == region_shift(known, DUBLIN)


@settings(max_examples=120, deadline=None)
@given(priced_fleets())
def test_agrees_with_a_second_implementation(known):
    """Random fleets with holes of every kind: figures, bands and days, or none at all."""
    found = region_shift(known, DUBLIN)

    assert not found.wishes & known.prices.keys()
    if found.outcome in (ScenarioGap.NO_CANDIDATES, ScenarioGap.TOO_LITTLE_HISTORY):
        weeks = region_reference.weeks_of(known)
        assert len(weeks) < 4 or not any(
            hour.running for hour in region_reference.hours_of(known, DUBLIN, weeks)
        )
        return
    expected = region_reference.shift(known, DUBLIN)
    if expected is None:
        assert isinstance(found.outcome, ScenarioGap)
        return
    assert isinstance(found.outcome, Outcome)
    cost, emissions = found.outcome.cost, found.outcome.emissions
    assert bounds(cost.ratio) == pytest.approx(expected.cost_ratio, rel=1e-9, abs=1e-6)
    assert bounds(cost.per_month) == pytest.approx(expected.usd, rel=1e-9, abs=1e-6)
    assert bounds(emissions.ratio) == pytest.approx(expected.emissions_ratio, rel=1e-9, abs=1e-6)
    assert bounds(emissions.per_month) == pytest.approx(expected.grams, rel=1e-9, abs=1e-6)
    assert found.outcome.worse_ratio == expected.worse_ratio
    assert not (found.outcome.feasible and found.wishes)
    assert found.outcome.covered_ratio == pytest.approx(expected.covered_ratio)
    by_account = found.outcome.saved_usd_by_account
    for name in by_account.keys() | expected.usd_by_account.keys():
        expected_usd = expected.usd_by_account.get(name, 0.0)
        assert by_account.get(name, 0.0) == pytest.approx(expected_usd, rel=1e-9, abs=1e-6)
