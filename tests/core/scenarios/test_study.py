"""The whole business case: one scenario's trouble is its own, and what euros are worth."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.core.bounded import Bounded
from exporter.core.evidence import GapReason
from exporter.core.fleet import InstanceState
from exporter.core.reconciliation import CostRatio
from exporter.core.scenarios.case import BusinessCase
from exporter.core.scenarios.facts import CaseFacts
from exporter.core.scenarios.outcome import Scenario, ScenarioGap
from exporter.core.scenarios.plan import DeferrableLoad, ScenarioPlan
from exporter.core.scenarios.study import saved_eur_per_month, study
from exporter.core.scenarios.usage import Intensities, UsageHistory
from tests.core.scenarios import machines, scenes
from tests.factories import outcome

WEEKS = 6
MACHINE = machines.machine("i-0web", tags=(("environment", "dev"),))
OTHER = replace(MACHINE, instance_id="i-0other", account_id="444455556666")
DUBLIN = "eu-west-1"
OTHERS = {
    Scenario.OFFICE_HOURS: "",
    Scenario.RIGHTSIZING: "",
    Scenario.REGION_SHIFT: DUBLIN,
    Scenario.TIME_SHIFT: "",
}
PLAN = scenes.plan(
    target_regions=(DUBLIN,),
    deferrable=DeferrableLoad(1000.0, "us-east-1", start_hour=2, hours=2, within_hours=24),
)


def used() -> UsageHistory:
    """One m5.xlarge of dev in Frankfurt that always runs at 0.20 USD/h and twelve watts."""
    return scenes.history(
        scenes.series(
            scenes.key(instance_type="m5.xlarge"),
            hours=WEEKS * scenes.HOURS_PER_WEEK,
            joules=12 * 3600.0,
            usd=0.2,
        )
    )


def grids(history: UsageHistory) -> Intensities:
    """Frankfurt is dirty, Dublin clean, and Virginia clean in its evenings only."""
    hours = range(len(history.known))
    virginia = [200.0 if 18 <= n % 24 < 22 else 400.0 for n in hours]
    return {
        "DE": scenes.intensity(history, 400.0),
        "IE": scenes.intensity(history, 200.0),
        "US-MIDA-PJM": scenes.intensity(history, virginia),
    }


def everything(**changes: Any) -> CaseFacts:
    """What every scenario needs; anything may be changed by name."""
    history = used()
    known = scenes.facts(
        history,
        intensities=grids(history),
        instances=(MACHINE,),
        loads={"i-0web": machines.steady(10)},
        idle={"i-0web": False, "i-0gone": True},
        hardware={name: machines.hardware(name) for name in machines.VCPUS},
        profiles=machines.profiles(),
        prices=machines.prices() | machines.price("m5.xlarge", 0.18, DUBLIN),
    )
    return replace(known, **changes)


def without(mapping: Any, name: Any) -> Any:
    """The mapping without one key."""
    return {key: value for key, value in mapping.items() if key != name}


def found(case: BusinessCase) -> dict[Scenario, str]:
    """Scenarios with a value."""
    return {each.scenario: each.target_region for each in case.outcomes}


def test_every_scenario_has_a_value_where_everything_is_known() -> None:
    """And no gap is counted."""
    case = study(everything(), PLAN)
    assert found(case) == OTHERS
    assert not case.gaps
    assert not case.wishes
    assert case.eur_per_month.keys() == OTHERS.items()
    assert list(case.resizes) == ["i-0web"]


def without_price_in_dublin(facts: CaseFacts) -> CaseFacts:
    key = next(key for key in facts.prices if key.location == DUBLIN)
    return replace(facts, prices=without(facts.prices, key))


def without_price_of_smaller_types(facts: CaseFacts) -> CaseFacts:
    own = {k: v for k, v in facts.prices.items() if k.instance_type == "m5.xlarge"}
    return replace(facts, prices=own)


def without_zone(facts: CaseFacts, zone: str) -> CaseFacts:
    return replace(facts, intensities=without(facts.intensities, zone))


def three_weeks(facts: CaseFacts, zone: str) -> CaseFacts:
    """Of one grid only the last three weeks are known."""
    since_at = facts.history.until_at - 21 * 86400
    late = {at: grams for at, grams in facts.intensities[zone].items() if at >= since_at}
    return replace(facts, intensities={**facts.intensities, zone: late})


@pytest.mark.parametrize(
    ("lack", "scenario", "reason"),
    [
        (without_price_in_dublin, Scenario.REGION_SHIFT, ScenarioGap.NO_PRICE),
        (without_price_of_smaller_types, Scenario.RIGHTSIZING, ScenarioGap.NO_PRICE),
        (
            lambda facts: without_zone(facts, "IE"),
            Scenario.REGION_SHIFT,
            ScenarioGap.NO_GRID_INTENSITY,
        ),
        (
            lambda facts: without_zone(facts, "US-MIDA-PJM"),
            Scenario.TIME_SHIFT,
            ScenarioGap.NO_GRID_INTENSITY,
        ),
        (
            lambda facts: three_weeks(facts, "US-MIDA-PJM"),
            Scenario.TIME_SHIFT,
            ScenarioGap.TOO_LITTLE_HISTORY,
        ),
        (
            lambda facts: replace(facts, loads={}),
            Scenario.RIGHTSIZING,
            ScenarioGap.TOO_LITTLE_HISTORY,
        ),
    ],
)
def test_what_is_missing_ends_its_own_scenario_only(lack, scenario, reason) -> None:
    """The one is absent and counted with its reason; the others are what they were."""
    whole, poorer = study(everything(), PLAN), study(lack(everything()), PLAN)
    assert poorer.gaps == {(scenario, reason): 1}
    kept = tuple(each for each in whole.outcomes if each.scenario is not scenario)
    assert poorer.outcomes == kept


def plain(plan: ScenarioPlan, **changes: Any) -> ScenarioPlan:
    return replace(plan, **changes)


@pytest.mark.parametrize(
    ("plan", "scenario", "reason"),
    [
        (plain(PLAN, target_regions=()), Scenario.REGION_SHIFT, ScenarioGap.NOT_CONFIGURED),
        (plain(PLAN, deferrable=None), Scenario.TIME_SHIFT, ScenarioGap.NOT_CONFIGURED),
        (
            plain(PLAN, office_environments=frozenset({"qa"})),
            Scenario.OFFICE_HOURS,
            ScenarioGap.NO_CANDIDATES,
        ),
        (
            plain(PLAN, office_environments=frozenset()),
            Scenario.OFFICE_HOURS,
            ScenarioGap.NOT_CONFIGURED,
        ),
    ],
)
def test_what_nobody_asked_for_is_counted_as_well(plan, scenario, reason) -> None:
    """A missing setting is a reason like any other."""
    case = study(everything(), plan)
    assert case.gaps == {(scenario, reason): 1}
    assert scenario not in found(case)


def test_each_target_region_stands_on_its_own() -> None:
    """One without a PUE is counted; the other has its value."""
    case = study(everything(), replace(PLAN, target_regions=(DUBLIN, "eu-west-3", "mx-central-1")))
    assert found(case) == OTHERS
    assert case.gaps == {(Scenario.REGION_SHIFT, ScenarioGap.NO_PUE): 2}


def test_without_a_rate_only_euros_are_missing() -> None:
    """Shares and grams stay."""
    whole = study(everything(), PLAN)
    case = study(everything(exchange_rate=GapReason.NO_EXCHANGE_RATE), PLAN)
    assert case.outcomes == whole.outcomes
    assert not case.eur_per_month
    assert not case.eur_per_usd
    assert case.gaps == {(each, ScenarioGap.NO_EXCHANGE_RATE): 1 for each in OTHERS}


def test_only_what_runs_is_idle() -> None:
    """An instance that is gone or stopped wastes nothing."""
    asleep = replace(MACHINE, instance_id="i-0asleep", state=InstanceState.STOPPED)
    idle = {"i-0web": False, "i-0gone": True, "i-0asleep": True}
    known = everything(instances=(MACHINE, asleep), idle=idle)
    assert study(known, PLAN).idle == {"i-0web": False}


def test_a_wish_is_asked_for_once_it_is_needed() -> None:
    """The price there, and the prices of the types that fit."""
    case = study(without_price_in_dublin(without_price_of_smaller_types(everything())), PLAN)
    wished = {(key.location, key.instance_type) for key in case.wishes if not isinstance(key, str)}
    assert wished == {(DUBLIN, "m5.xlarge"), ("eu-central-1", "m5.large")}


def saved(usd: Bounded, **by_account: float) -> Any:
    """An outcome that saves so much."""
    told = outcome(saved_usd_by_account=by_account)
    return replace(told, cost=replace(told.cost, per_month=usd))


HUNDRED = Bounded(100.0, 80.0, 120.0)
HALF = CostRatio(0.4, 0.6)
FULL = CostRatio(0.9, 1.1)


@pytest.mark.parametrize(
    ("outcome", "ratios", "expected"),
    [
        # Never compared: at list price, and nobody knows how far off that is.
        (saved(HUNDRED, a=100.0), {}, Bounded(80.0)),
        (saved(HUNDRED, a=50.0, b=50.0), {"a": HALF}, Bounded(60.0)),
        # Half of the list price on average: 50 USD; 40 to 60 by the bill, 20 x 0.5 by the weeks:
        # 50 -+ sqrt(10^2 + 10^2) USD.
        (saved(HUNDRED, a=100.0), {"a": HALF}, Bounded(40.0, 28.6863, 51.3137)),
        # 75 x 0.5 + 25 x 1 = 62.5 USD; 75 x 0.4 + 25 x 0.9 = 52.5 and 72.5 by the bill, the weeks
        # 20 x 0.625: 62.5 -+ sqrt(10^2 + 12.5^2) USD.
        (
            saved(HUNDRED, a=75.0, b=25.0),
            {"a": HALF, "b": FULL},
            Bounded(50.0, 37.193752, 62.806248),
        ),
        # The weeks as far as 30 below and 10 above: 50 - sqrt(10^2 + 15^2), 50 + sqrt(10^2 + 5^2).
        (
            saved(Bounded(100.0, 70.0, 110.0), a=100.0),
            {"a": HALF},
            Bounded(40.0, 25.5778, 48.9443),
        ),
        # A loss is smaller where less is paid.
        (
            saved(Bounded(-100.0, -120.0, -80.0), a=-100.0),
            {"a": HALF},
            Bounded(-40.0, -51.3137, -28.6863),
        ),
        # 0 at list prices: 100 x 0.5 - 100 x 1 = -50 USD; 40 - 110 = -70 and 60 - 90 = -30 by the
        # bill, 10 x 0.75 by the weeks: -50 -+ sqrt(20^2 + 7.5^2) USD.
        (
            saved(Bounded(0.0, -10.0, 10.0), a=100.0, b=-100.0),
            {"a": HALF, "b": FULL},
            Bounded(-40.0, -57.0880, -22.9120),
        ),
        # One of both was never compared: 100 x 0.5 - 100.
        (saved(Bounded(0.0, -10.0, 10.0), a=100.0, b=-100.0), {"a": HALF}, Bounded(-40.0)),
        # Who saves nothing need not be compared.
        (saved(HUNDRED, a=100.0, b=0.0), {"a": HALF}, Bounded(40.0, 28.6863, 51.3137)),
        # No money at stake.
        (saved(Bounded(0.0, 0.0, 0.0)), {}, Bounded(0.0, 0.0, 0.0)),
    ],
)
def test_euros_are_what_is_billed(outcome, ratios, expected) -> None:
    """Each account by its own bill: the middle and the ends of what it has shown.

    Bounds hold the spread of the weeks too, in quadrature; all at 1.25 USD per EUR.
    """
    found = saved_eur_per_month(outcome, 1.25, ratios)
    assert found.value == pytest.approx(expected.value)
    assert (found.lower, found.upper) == (
        expected.lower and pytest.approx(expected.lower),
        expected.upper and pytest.approx(expected.upper),
    )


def test_one_account_saves_what_another_loses() -> None:
    """314.74 x 0.88 - 78.59 x 1 = 198.38 USD, at 1.097 USD per EUR 180.84 EUR."""
    told = saved(Bounded(236.15, 200.0, 280.0), a=314.74, b=-78.59)
    ratios = {"a": CostRatio(0.87, 0.89), "b": CostRatio(0.99, 1.01)}
    assert saved_eur_per_month(told, 1.097, ratios).value == pytest.approx(180.84, abs=0.005)


RATIOS = st.tuples(st.floats(0, 2), st.floats(0, 2)).map(lambda ends: CostRatio(*sorted(ends)))


@given(
    st.dictionaries(st.sampled_from("abc"), st.tuples(st.floats(-1e4, 1e4), RATIOS)),
    st.floats(0, 1e3),
    st.floats(0, 1e3),
)
def test_the_value_lies_inside_its_band(accounts: Any, below: float, above: float) -> None:
    """Whoever saves or loses, and whatever was billed."""
    usd = sum(each for each, _ in accounts.values())
    told = saved(
        Bounded(usd, usd - below, usd + above), **{name: usd for name, (usd, _) in accounts.items()}
    )
    found = saved_eur_per_month(told, 1.25, {name: ratio for name, (_, ratio) in accounts.items()})
    assert found.lower is not None
    assert found.upper is not None
    assert found.lower <= found.value <= found.upper


def test_advice_and_total_of_rightsizing_agree_in_euros() -> None:
    """What the instances save adds up to what the scenario says, each by its account's bill."""
    ratios = {scenes.ACCOUNT_ID: HALF, OTHER.account_id: FULL}
    loads = dict.fromkeys(("i-0web", "i-0other"), machines.steady(10))
    facts = everything(billed_ratios=ratios, instances=(MACHINE, OTHER), loads=loads)
    case = study(facts, PLAN)
    account_ids = {each.instance_id: each.account_id for each in facts.instances}
    each = [
        resize.saved_usd_per_month * case.eur_per_usd[account_ids[instance_id]]
        for instance_id, resize in case.resizes.items()
    ]
    assert len(each) == 2
    assert case.eur_per_month[Scenario.RIGHTSIZING, ""].value == pytest.approx(sum(each))


def test_the_profiles_are_those_of_the_history() -> None:
    """Twelve watts, a PUE of 1.25 and 400 g/kWh are 6 g/h, in every hour of the week."""
    case = study(everything(), PLAN)
    assert len(case.emissions_profile) == 168
    assert list(case.emissions_profile.values()) == [pytest.approx(6.0)] * 168
    assert case.grid_profile["IE", 1, 0] == pytest.approx(200.0)
    assert datetime.fromtimestamp(scenes.MONDAY_AT, UTC).isoweekday() == 1
    assert case.grid_profile["US-MIDA-PJM", 7, 18] == pytest.approx(200.0)
