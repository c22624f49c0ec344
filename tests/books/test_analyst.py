"""Who looks at the scenarios: when, at what, and what is remembered for it."""

import threading
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from exporter.books.analyst import Analyst
from exporter.books.cpu_book import CpuBook
from exporter.books.facts import Facts
from exporter.books.usage_book import UsageBook
from exporter.core.billing import BilledAs
from exporter.core.evidence import GapReason, PriceKey, PriceQuote
from exporter.core.fleet import Instance, PurchaseOption
from exporter.core.reconciliation import CostRatio, Reconciliation
from exporter.core.scenarios.case import NOT_STUDIED, BusinessCase
from exporter.core.scenarios.facts import CaseFacts
from exporter.core.scenarios.outcome import Scenario, ScenarioGap
from exporter.core.scenarios.study import study
from exporter.core.scenarios.usage import HourOfUse, UsageKey, Use
from exporter.core.statement import Statement
from tests import factories
from tests.books.keeping import DAY, HOUR, PLACE, WEB, film, stopped
from tests.fakes import PLAN, SITING

NOTHING = Statement()
FACTS = film(0, [replace(WEB, tags=(("environment", "dev"),))])[0]
NOON_AT = FACTS.now // DAY * DAY + 12 * HOUR
TODAY_AT = NOON_AT // DAY * DAY
KEY = UsageKey(
    PLACE.account_id,
    PLACE.region,
    WEB.instance_type,
    WEB.usage_operation,
    WEB.tenancy,
    PurchaseOption.ON_DEMAND,
    "dev",
)
LEVEL_TEN = "0a" * 12
USD_PER_HOUR = 0.25


def hour(at: float) -> HourOfUse:
    """One machine of dev that always runs, draws ten watts, and is at ten percent."""
    use = Use(KEY, HOUR, HOUR, 10 * HOUR, HOUR, USD_PER_HOUR)
    return HourOfUse(PLACE, at, (use,), ((WEB.instance_id, WEB.instance_type, LEVEL_TEN),))


def hours(days: int) -> list[HourOfUse]:
    """The last complete days."""
    return [hour(TODAY_AT - n * HOUR) for n in range(days * 24, 0, -1)]


def grid(days: int = 42) -> dict[str, dict[float, float]]:
    """300 g/kWh in Germany."""
    return {"DE": {TODAY_AT - n * HOUR: 300.0 for n in range(1, days * 24 + 1)}}


def at(now: float, facts: Facts = FACTS) -> Facts:
    """The same facts at another time."""
    return replace(facts, now=now)


class Desk:
    """An analyst with a clock of its own, and how often it was heard of."""

    def __init__(
        self,
        recall: Callable[[UsageBook, CpuBook], None] = lambda *_: None,
        rest_seconds: float = 0.0,
    ) -> None:
        self.seconds = 0.0
        self.news = 0
        self.analyst = Analyst(
            PLAN, SITING, recall, lambda: self.seconds, self._hear, rest_seconds=rest_seconds
        )

    def _hear(self) -> None:
        self.news += 1

    def case(self, facts: Facts | None = None, statement: Statement = NOTHING) -> BusinessCase:
        """The case at noon."""
        return self.analyst.case(facts or at(NOON_AT), statement, grid)


def recalling(days: int) -> Callable[[UsageBook, CpuBook], None]:
    """Remembers so many days."""

    def recall(usage: UsageBook, cpu: CpuBook) -> None:
        for each in hours(days):
            usage.take(each)
            cpu.take(each)

    return recall


def test_office_hours_of_what_is_remembered() -> None:
    """Off for 158 of 168 hours: the evidence of four weeks has gone all the way through."""
    desk = Desk(recalling(28))
    desk.analyst.recall()
    found = next(o for o in desk.case().outcomes if o.scenario is Scenario.OFFICE_HOURS)
    # PLAN is on for ten hours on Mondays only.
    assert found.cost.ratio.value == pytest.approx(1 - 10 / 168)
    assert found.cost.per_month.value == pytest.approx(USD_PER_HOUR * 158 * 365.25 / 12 / 7)


def test_too_little_is_told_with_its_reason() -> None:
    """27 days are not enough."""
    desk = Desk(recalling(27))
    desk.analyst.recall()
    case = desk.case()
    assert not case.outcomes
    assert case.gaps[Scenario.OFFICE_HOURS, ScenarioGap.TOO_LITTLE_HISTORY] == 1


def test_nothing_is_said_before_the_past_is_known() -> None:
    """A case of half of the evidence would be wrong; whoever waits hears when it is all there.

    Until then every scenario is counted as awaited.
    """
    desk = Desk(recalling(28))
    assert desk.case() == NOT_STUDIED
    assert desk.case().gaps == {(scenario, ScenarioGap.AWAITED): 1 for scenario in Scenario}
    desk.analyst.recall()
    assert desk.news == 1
    assert desk.case().outcomes


def test_hours_closed_meanwhile_are_not_lost() -> None:
    """They wait until the past is known: 27 days from there and one from here are four weeks."""
    past, live = hours(28)[:-24], hours(28)[-24:]

    def recall(usage: UsageBook, cpu: CpuBook) -> None:
        for each in past:
            usage.take(each)
            cpu.take(each)

    desk = Desk(recall)
    desk.analyst.take(live)
    desk.case()
    desk.analyst.recall()
    assert desk.case().outcomes


def test_the_past_is_recalled_on_a_thread_of_its_own() -> None:
    """Reading six weeks takes a while, in which everything else goes on."""
    threads = []
    done = threading.Event()

    def recall(*_: object) -> None:
        threads.append(threading.current_thread())
        done.set()

    desk = Desk(recall)
    desk.analyst.start()
    assert done.wait(10)
    assert threads != [threading.current_thread()]


def test_a_past_that_cannot_be_recalled_is_missing(caplog) -> None:
    """It is said once, and the books begin afresh: half a past is not kept."""

    def recall(usage: UsageBook, _: CpuBook) -> None:
        for each in hours(28):
            usage.take(each)
        raise OSError("the disk is gone")

    desk = Desk(recall)
    desk.analyst.recall()
    assert "begin afresh" in caplog.text
    assert not desk.case().outcomes
    assert desk.case().gaps[Scenario.OFFICE_HOURS, ScenarioGap.TOO_LITTLE_HISTORY] == 1


def test_studied_once_an_hour() -> None:
    """The very same case until the next hour, however often it is asked for."""
    desk = Desk(recalling(28))
    desk.analyst.recall()
    first = desk.case(at(NOON_AT))
    for minutes in range(1, 60):
        desk.seconds = 60.0 * minutes
        assert desk.case(at(NOON_AT + 60 * minutes)) is first
    desk.seconds = HOUR
    assert desk.case(at(NOON_AT + HOUR)) is not first


def test_a_rest_between_two_cases() -> None:
    """The case of hours before stays in force until the rest is over."""
    desk = Desk(recalling(28), rest_seconds=5 * HOUR)
    desk.analyst.recall()
    first = desk.case(at(NOON_AT))
    for hours_later in range(1, 5):
        desk.seconds = hours_later * HOUR
        assert desk.case(at(NOON_AT + desk.seconds)) is first
    desk.seconds = 5 * HOUR
    assert desk.case(at(NOON_AT + desk.seconds)) is not first


def test_a_new_answer_is_looked_at_before_the_hour_is_over() -> None:
    """A price that was wished for would otherwise wait; but not more often than it costs."""
    desk = Desk(recalling(28))
    desk.analyst.recall()
    first = desk.case(at(NOON_AT))
    desk.seconds = 60.0
    poorer = at(NOON_AT + 60, replace(FACTS, prices={}))
    assert desk.case(poorer) is not first


def test_an_estimate_of_today_does_not_count() -> None:
    """Only complete days: what the grid did since midnight changes nothing."""
    desk = Desk(recalling(28))
    desk.analyst.recall()
    before = desk.analyst.case(at(NOON_AT), NOTHING, grid, at_once=True)
    poisoned = {"DE": grid()["DE"] | {TODAY_AT + n * HOUR: 9999.0 for n in range(12)}}
    desk.analyst.take([hour(TODAY_AT + n * HOUR) for n in range(11)])
    after = desk.analyst.case(at(NOON_AT), NOTHING, lambda: poisoned, at_once=True)
    assert after.outcomes == before.outcomes


def test_a_day_counts_three_hours_after_its_end() -> None:
    """Its last hours are closed by then."""
    desk = Desk(recalling(28))
    desk.analyst.recall()
    early = desk.case(at(TODAY_AT + 2.9 * HOUR))
    assert early.gaps[Scenario.OFFICE_HOURS, ScenarioGap.TOO_LITTLE_HISTORY] == 1
    assert desk.case(at(TODAY_AT + 3.1 * HOUR)).outcomes


def test_the_bill_gives_euros_their_bounds() -> None:
    """As soon as the account was compared."""
    ratio = CostRatio(0.7, 0.9)
    compared = Reconciliation(
        samples=14,
        deviation_ratio=0.25,
        time_deviation_ratio=0.0,
        price_deviation_ratio=0.25,
        weighted_error_ratio=0.25,
        cost_ratios={BilledAs.ON_DEMAND: ratio},
        excluded={},
    )
    desk = Desk(recalling(28))
    desk.analyst.recall()
    stated = Statement(reconciliation={PLACE.account_id: compared})
    assert desk.case().eur_per_month[Scenario.OFFICE_HOURS, ""].lower is None
    desk.seconds = 60.0
    known = desk.case(at(NOON_AT + 60), stated).eur_per_month[Scenario.OFFICE_HOURS, ""]
    assert known.lower is not None
    assert known.upper is not None
    assert known.lower < known.value < known.upper
    assert FACTS.exchange_rate is not None
    expected = USD_PER_HOUR * 158 * 365.25 / 12 / 7 * 0.8 / FACTS.exchange_rate.usd_per_eur
    assert known.value == pytest.approx(expected)


def test_departed_instances_are_forgotten_at_the_next_day() -> None:
    """Ten thousand new instances a day would fill the memory; what is listed stays."""
    desk = Desk(recalling(28))
    desk.analyst.recall()
    desk.case()
    both = (*hour(TODAY_AT).cpu, ("i-0gone", "m5.large", LEVEL_TEN))
    gone = hour(TODAY_AT)._replace(cpu=both)
    desk.analyst.take([gone])
    desk.seconds = HOUR
    desk.case(at(NOON_AT + HOUR))
    assert desk.analyst._cpu.loads().keys() == {WEB.instance_id, "i-0gone"}
    desk.seconds = DAY
    desk.case(at(NOON_AT + DAY))
    assert desk.analyst._cpu.loads().keys() == {WEB.instance_id}


SMALLER = PriceKey(PLACE.region, "m5.medium", WEB.usage_operation, WEB.tenancy)
"""What WEB may fit at ten percent of two vCPUs."""


def fitting(**changes: Any) -> Facts:
    """The same fleet, beside a smaller type of which nothing is known yet."""
    types = [replace(factories.hardware(name), vcpus=n) for name, n in SIZES.items()]
    known: dict[str, Any] = {
        "now": NOON_AT,
        "hardware": {each.instance_type: each for each in types},
    }
    return replace(FACTS, **(known | changes))


SIZES = {"m5.medium": 1, "m5.large": 2}


def gaps_of_rightsizing(case: BusinessCase) -> dict[ScenarioGap, int]:
    """By reason."""
    return {gap: n for (name, gap), n in case.gaps.items() if name is Scenario.RIGHTSIZING}


def test_answers_come_in_two_stages() -> None:
    """First the price of what may fit, then its power: each is awaited as soon as it is wished."""
    desk = Desk(recalling(28))
    desk.analyst.recall()

    first = desk.case(fitting())
    assert first.wishes == {SMALLER}
    assert gaps_of_rightsizing(first) == {ScenarioGap.AWAITED: 1}
    desk.seconds += 60
    priced = dict(FACTS.prices) | {SMALLER: PriceQuote(SMALLER, 0.01)}
    second = desk.case(fitting(prices=priced))
    assert second.wishes == {"m5.medium"}
    assert gaps_of_rightsizing(second) == {ScenarioGap.AWAITED: 1}
    desk.seconds += 60
    powered = dict(FACTS.profiles) | {"m5.medium": factories.M5_LARGE}
    third = desk.case(fitting(prices=priced, profiles=powered))
    assert (third.wishes, gaps_of_rightsizing(third)) == (frozenset(), {})
    assert list(third.resizes) == [WEB.instance_id]


@pytest.mark.parametrize("seen_waiting", [True, False])
@pytest.mark.parametrize(
    ("prices", "wish", "reason"),
    [
        ({}, SMALLER, ScenarioGap.NO_PRICE),
        ({SMALLER: PriceQuote(SMALLER, 0.01)}, "m5.medium", ScenarioGap.NO_PROFILE),
    ],
)
def test_an_answer_that_stays_away_is_not_awaited_for_ever(
    seen_waiting: bool,  # noqa: FBT001 - told by the table
    prices: dict[PriceKey, PriceQuote],
    wish: str | PriceKey,
    reason: ScenarioGap,
) -> None:
    """It is told once it was asked for in vain, in the same hour; the wish stays.

    Even where the wait is over before anybody has looked.
    """
    desk = Desk(recalling(28))
    desk.analyst.recall()
    known = fitting(prices=dict(FACTS.prices) | prices)
    assert gaps_of_rightsizing(desk.case(known)) == {ScenarioGap.AWAITED: 1}
    if seen_waiting:
        for _ in range(2):
            desk.seconds += 60
            waiting = desk.case(replace(known, awaited=frozenset({wish})))
            assert gaps_of_rightsizing(waiting) == {ScenarioGap.AWAITED: 1}
    desk.seconds += 60
    in_vain = desk.case(known)
    assert in_vain.wishes == {wish}
    assert gaps_of_rightsizing(in_vain) == {reason: 1}
    desk.seconds += 60
    assert desk.case(known) is in_vain
    desk.seconds += HOUR
    later = desk.case(replace(known, now=NOON_AT + HOUR))
    assert later.wishes == {wish}
    assert gaps_of_rightsizing(later) == {reason: 1}


def test_why_a_zone_is_unknown_is_told_as_soon_as_it_is_known() -> None:
    """A missing token is not a grid that has no values yet."""
    desk = Desk(recalling(28))
    desk.analyst.recall()
    gap = {"DE": GapReason.NOT_CONFIGURED}
    reasons = []
    for grid_gaps in ({}, gap):
        desk.seconds += 60
        facts = replace(at(NOON_AT), grid_gaps=grid_gaps)
        case = desk.analyst.case(facts, NOTHING, dict)
        reasons += [gap for name, gap in case.gaps if name is Scenario.OFFICE_HOURS]
    assert reasons == [ScenarioGap.NO_GRID_INTENSITY, ScenarioGap.NOT_CONFIGURED]


class Listening(Analyst):
    """An analyst that tells what it studies."""

    def _study(self, facts: CaseFacts) -> BusinessCase:
        self.studied = facts
        return super()._study(facts)


def studied(*listed: Instance, days_ago: int = 0) -> CaseFacts:
    """What is studied at noon, so many days after WEB has had its last points."""
    analyst = Listening(PLAN, SITING, recalling(28), lambda: 0.0, lambda: None)
    analyst.recall()
    (place,) = FACTS.places
    inventory = replace(place.inventory, instances=listed)
    facts = fitting(
        now=NOON_AT + days_ago * DAY,
        places=(replace(place, inventory=inventory),),
        prices=dict(FACTS.prices) | {SMALLER: PriceQuote(SMALLER, 0.01)},
        profiles=dict(FACTS.profiles) | {"m5.medium": factories.M5_LARGE},
    )
    analyst.case(facts, NOTHING, grid)
    return analyst.studied


ASLEEP = stopped(WEB, NOON_AT - HOUR)


def test_the_fleet_of_the_night_is_that_of_the_day() -> None:
    """What has just stopped is rightsized for the same money; it wastes nothing, though."""
    day, night = study(studied(WEB), PLAN), study(studied(ASLEEP), PLAN)

    assert [each.scenario for each in day.outcomes] == [
        Scenario.OFFICE_HOURS,
        Scenario.RIGHTSIZING,
    ]
    assert day.outcomes == night.outcomes
    assert list(day.idle) == [WEB.instance_id]
    assert not night.idle


@pytest.mark.parametrize(
    ("listed", "days_ago", "expected"),
    [
        (ASLEEP, 0, True),
        (ASLEEP, 6, True),
        (ASLEEP, 7, False),
        (WEB, 7, True),
        (replace(ASLEEP, instance_id="i-never"), 0, False),
        (replace(WEB, instance_id="i-new"), 0, True),
    ],
)
def test_what_was_off_for_a_week_is_of_the_fleet_no_more(
    listed: Instance,
    days_ago: int,
    expected: bool,  # noqa: FBT001 - told by the table
) -> None:
    """Nor what never ran. Whatever runs belongs to it."""
    assert studied(listed, days_ago=days_ago).instances == ((listed,) if expected else ())


@pytest.mark.parametrize("listed", [WEB, ASLEEP])
def test_a_resized_instance_is_not_judged_by_what_it_was(listed: Instance) -> None:
    """Its listing tells the new type before the first hour of it is closed, or while it is off."""
    before = studied(listed)
    after = studied(replace(listed, instance_type="m5.24xlarge"))

    assert set(before.loads) == set(before.idle) == {WEB.instance_id}
    assert len(after.instances) == 1
    assert (after.loads, after.idle) == ({}, {})
