from dataclasses import replace
from typing import Any

import pytest

from exporter.core.evidence import GapReason, PriceKey
from exporter.core.fleet import Instance
from exporter.core.scenarios.judgement import Change, Judge, Judgement, Unjudged
from exporter.core.scenarios.load import LoadDistribution, packed
from exporter.core.scenarios.outcome import ScenarioGap
from exporter.core.scenarios.weeks import newest_weeks
from tests.core.scenarios.machines import (
    HOURS_PER_MONTH,
    fleet,
    hardware,
    machine,
    price,
    prices,
    profile,
    profiles,
    steady,
)
from tests.core.scenarios.scenes import SITING, history, intensity, key, series


def judged(
    load: LoadDistribution, subject: Instance | None = None, **changes: Any
) -> Judgement | Unjudged:
    subject = subject or machine()
    facts = fleet({subject: load}, **changes)
    return Judge(facts, 80.0, newest_weeks(facts.history.known)).judge(subject)


def near(value: float) -> Any:
    return pytest.approx(value)


def wish(instance_type: str) -> PriceKey:
    return PriceKey("eu-central-1", instance_type, "RunInstances", "default")


def test_an_instance_that_fits_by_hand():
    """Four vCPUs at 10 %, that is 9.5 % on average, as two at 19 %.

    As it is: 0.20 USD/h; 10 W + 9.5 x 0.2 W = 11.9 W. As m5.large: 0.10 USD/h; 5 W + 19 x 0.1 W =
    6.9 W. It runs all of the 730.5 hours of a month, at 400 g/kWh and a PUE of 1.25: 0.5 g/Wh.
    """
    found = judged(steady(10))

    smaller = Change("m5.large", near(73.05), near(6.9 * 730.5 * 0.5))
    assert found == Judgement(
        machine(),
        usd=near(146.1),
        grams=near(11.9 * 730.5 * 0.5),
        grid_known_ratio=1.0,
        likely=smaller,
        possible=smaller,
        is_sure=True,
    )


def test_it_runs_as_long_as_it_had_points():
    """On for 10 h on each of five days a week: 50 / 168 of a month."""
    found = judged(LoadDistribution(20, (packed([(10, 600)]),) * 4))

    assert isinstance(found, Judgement)
    assert found.usd == pytest.approx(0.2 * HOURS_PER_MONTH * 50 / 168)


def test_an_instance_that_fits_nothing_smaller_is_judged():
    """At 60 % of four vCPUs two would be overloaded: it stays as it is."""
    found = judged(steady(60))

    assert isinstance(found, Judgement)
    assert (found.likely, found.possible, found.is_sure) == (None, None, False)
    assert found.usd == pytest.approx(146.1)


def test_a_doubtful_fit_is_likely_or_possible():
    """One point of twenty over 40 % may be; how many are differs from week to week."""
    likely = judged(weeks_with(2, 4, 6, 6))
    possible = judged(weeks_with(1, 6, 6, 8))

    assert isinstance(likely, Judgement)
    assert isinstance(possible, Judgement)
    assert likely.likely == likely.possible
    assert likely.likely is not None
    assert not likely.is_sure
    assert possible.likely is None
    assert possible.possible is not None
    assert possible.possible.target_type == "m5.large"


def weeks_with(*above: int) -> LoadDistribution:
    return LoadDistribution(28, tuple(packed([(90, n), (10, 100 - n)]) for n in above))


def test_the_likely_and_the_possible_type_may_differ():
    """Sixteen vCPUs: eight surely do, four only perhaps."""
    load = LoadDistribution(28, tuple(packed([(30, n), (10, 100 - n)]) for n in (1, 6, 6, 8)))

    found = judged(load, machine(instance_type="m5.4xlarge"))

    assert isinstance(found, Judgement)
    assert found.likely is not None
    assert found.possible is not None
    assert (found.likely.target_type, found.possible.target_type) == ("m5.2xlarge", "m5.large")
    assert found.is_sure


def test_emissions_are_those_of_its_own_group():
    """By the tag it carries now, in any case: the dev group runs while the grid is at 100."""
    grams = [100.0 if hour % 24 < 12 else 700.0 for hour in range(4 * 168)]
    mornings = [1.0 if hour % 24 < 12 else 0.0 for hour in range(4 * 168)]
    of = key(instance_type="m5.xlarge")
    used = history(series(of, joules=mornings), series(of._replace(environment="")))
    facts: dict[str, Any] = {"history": used, "intensities": {"DE": intensity(used, grams)}}

    dev = judged(steady(60), machine(tags=(("environment", "Dev"), ("team", "web"))), **facts)
    none = judged(steady(60), **facts)

    assert isinstance(dev, Judgement)
    assert isinstance(none, Judgement)
    assert none.grams / dev.grams == pytest.approx(400 / 100)


@pytest.mark.parametrize(
    ("lacking", "expected"),
    [
        ({"loads": {}}, ScenarioGap.TOO_LITTLE_HISTORY),
        ({"siting": replace(SITING, pue={})}, ScenarioGap.NO_PUE),
        ({"siting": replace(SITING, grid_zones={})}, ScenarioGap.ZONE_NOT_COVERED),
        ({"intensities": {}}, ScenarioGap.NO_GRID_INTENSITY),
        (
            {"hardware": {"m5.xlarge": hardware("m5.xlarge", burstable=True)}},
            ScenarioGap.BURSTABLE,
        ),
        (
            {"hardware": {"m5.xlarge": hardware("m5.xlarge", accelerators=1)}},
            ScenarioGap.ACCELERATOR_UNMODELLED,
        ),
        ({"hardware": {"m5.large": hardware("m5.large")}}, ScenarioGap.NO_HARDWARE),
        ({"profiles": profiles("m5.large")}, ScenarioGap.NO_PROFILE),
        (
            {
                "profiles": {
                    "m5.xlarge": replace(
                        profile("m5.xlarge", 4), power_gap=GapReason.SUBSTITUTED_PROFILE
                    )
                }
            },
            ScenarioGap.NO_PROFILE,
        ),
        ({"prices": prices("m5.large")}, ScenarioGap.NO_PRICE),
        ({"prices": prices() | price("m5.xlarge", None)}, ScenarioGap.NO_PRICE),
    ],
)
def test_what_is_lacking_is_the_reason(lacking, expected):
    """Nothing of its own that is unknown is wished for: it is asked for anyway."""
    assert judged(steady(10), **lacking) == Unjudged(expected)


@pytest.mark.parametrize(
    ("load", "judgeable"),
    [
        (LoadDistribution(14, (packed([(10, 2016)]),) * 2), True),
        (LoadDistribution(13, (packed([(10, 2016)]),) * 2), False),
        (LoadDistribution(14, (0, packed([(10, 2016)]))), False),
    ],
)
def test_fourteen_days_are_enough(load, judgeable):
    """In more than one block, or else nothing tells how much they differ."""
    found = judged(load)

    if judgeable:
        assert isinstance(found, Judgement)
    else:
        assert found == Unjudged(ScenarioGap.TOO_LITTLE_HISTORY)


def test_the_first_reason_by_precedence_is_told():
    """Of all that may be lacking, what comes first in the list of reasons."""
    everything: dict[str, Any] = {
        "siting": replace(SITING, pue={}),
        "intensities": {},
        "hardware": {},
        "profiles": {},
        "prices": {},
    }
    seen = []
    for name in ("siting", "intensities", "hardware", "profiles", "prices"):
        found = judged(steady(10), **everything)
        assert isinstance(found, Unjudged)
        seen.append(found.reason)
        del everything[name]

    assert seen == sorted(seen, key=list(ScenarioGap).index)
    assert seen == ["no_pue", "no_grid_intensity", "no_hardware", "no_profile", "no_price"]


def test_prices_of_types_that_fit_are_wished_for_first():
    """No profile is, before the cheapest is known."""
    found = judged(
        steady(10),
        machine(instance_type="m5.2xlarge"),
        prices=prices("m5.2xlarge"),
        profiles=profiles("m5.2xlarge"),
    )

    wishes = frozenset({wish("m5.large"), wish("m5.xlarge")})
    assert found == Unjudged(ScenarioGap.NO_PRICE, wishes, may_fit=True)


def test_then_only_the_profile_of_the_cheapest_is_wished_for():
    """What is not chosen need not be known."""
    found = judged(steady(10), machine(instance_type="m5.2xlarge"), profiles=profiles("m5.2xlarge"))

    assert found == Unjudged(ScenarioGap.NO_PROFILE, frozenset({"m5.large"}), may_fit=True)


def test_nothing_is_wished_for_where_nothing_fits():
    """Neither prices nor profiles of other types are needed to say so."""
    found = judged(steady(60), prices=prices("m5.xlarge"), profiles=profiles("m5.xlarge"))

    assert isinstance(found, Judgement)


@pytest.mark.parametrize(
    ("lacking", "wishes", "reason"),
    [
        ({"prices": prices("m5.2xlarge")}, {wish("m5.large"), wish("m5.xlarge")}, "no_price"),
        ({"profiles": profiles("m5.2xlarge")}, {"m5.large"}, "no_profile"),
    ],
)
def test_an_answer_that_never_came_is_wished_for_again(lacking, wishes, reason):
    """It is awaited until all of it was asked for: from then on it is unknown."""
    big, everything = machine(instance_type="m5.2xlarge"), frozenset(wishes)

    waiting = judged(steady(10), big, **lacking, awaited=everything | {"c5.large"})
    in_vain = judged(
        steady(10), big, **lacking, awaited=everything - {wish("m5.large"), "m5.large"}
    )

    assert waiting == Unjudged(ScenarioGap.AWAITED, everything, may_fit=True)
    assert in_vain == Unjudged(ScenarioGap(reason), everything, may_fit=True)


@pytest.mark.parametrize(
    "lacking", [{"prices": prices("m5.large")}, {"profiles": profiles("m5.large")}]
)
def test_its_own_price_and_power_may_be_awaited_too(lacking):
    """They were asked for with the fleet: they are not wished for."""
    found = judged(steady(10), **lacking, awaited=frozenset({"m5.xlarge", wish("m5.xlarge")}))

    assert found == Unjudged(ScenarioGap.AWAITED)


@pytest.mark.parametrize(
    ("gap", "expected"),
    [
        (GapReason.NOT_CONFIGURED, ScenarioGap.NOT_CONFIGURED),
        (GapReason.ZONE_NOT_COVERED, ScenarioGap.ZONE_NOT_COVERED),
        (GapReason.SOURCE_DOWN, ScenarioGap.NO_GRID_INTENSITY),
    ],
)
def test_why_the_grid_is_not_known(gap, expected):
    """As the zone's source tells it."""
    assert judged(steady(10), intensities={}, grid_gaps={"DE": gap}) == Unjudged(expected)


def test_a_chosen_type_without_power_leaves_it_unjudged():
    """The answer is known, so that nothing is wished for; no other type is put in its place.

    Whatever else is awaited.
    """
    unmodelled = replace(profile("m5.large", 2), watts=(), power_gap=GapReason.NO_PROFILE)

    found = judged(
        steady(10),
        machine(instance_type="m5.2xlarge"),
        profiles=profiles("m5.2xlarge", "m5.xlarge") | {"m5.large": unmodelled},
    )

    assert found == Unjudged(ScenarioGap.NO_PROFILE, may_fit=True)
