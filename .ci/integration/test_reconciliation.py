"""Billed amounts and the comparison with them, beside the rig's own ledger and hidden discounts."""

import math
import statistics
from collections import defaultdict
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from expectation import epoch
from exposition import Exposition
from stepped_exporter import SteppedExporter
from timed_rig import TimedRig

REGIONS = "eu-central-1,us-east-1"
START_AT = epoch("2026-03-06T00:22:30Z")
"""A day ago it was midnight: what is billed by now ends with a full day."""

BILLED_UNTIL_AT = epoch("2026-03-05T00:00:00Z")
COMPARED = [f"2026-02-{day}" for day in range(15, 29)]
"""The newest fourteen days of the last month: the present one is still estimated."""

PRIVATE_RATE, SAVINGS_PLAN, LIST = "111111111111", "222222222222", "333333333333"
HOUR = 3600
CENT = 0.005
TENTH_OF_A_POINT = 0.001
CE_SETTINGS = {"CARBONFINOPS_AWS__COST_EXPLORER_HOURLY": "true"}

Ledger = Mapping[tuple[str, str], tuple[float, float]]


@dataclass(frozen=True)
class Scene:
    """One exporter's body, and what the rig has in its ledger."""

    body: Exposition
    truth: Mapping[str, Any]
    ledger: Ledger
    """List price and billed amount by account and day."""
    last_hour: Mapping[str, float]
    pages: int
    """What the exporter asked Cost Explorer for."""

    def relations(self, account: str) -> list[float]:
        """(list price - billed) / billed of the compared days."""
        days = [self.ledger[account, day] for day in COMPARED]
        return [(listed - billed) / billed for listed, billed in days]


def _ledger(rig: TimedRig) -> Ledger:
    found: defaultdict[tuple[str, str], tuple[float, float]] = defaultdict(lambda: (0.0, 0.0))
    for day in rig.cost(30):
        for row in day["rows"]:
            listed, billed = found[row["account"], day["day"]]
            found[row["account"], day["day"]] = (
                listed + row["list_usd"],
                billed + row["billed_usd"],
            )
    return dict(found)


def _last_hour(rig: TimedRig, truth: Mapping[str, Any]) -> Mapping[str, float]:
    """What the hour before BILLED_UNTIL_AT was billed, from seconds, prices of then, discounts."""
    rig.set_clock(BILLED_UNTIL_AT - 60)
    spot = {i["id"]: i["spot_usd_per_h"] for i in rig.truth()["instances"]}
    rig.set_clock(START_AT)
    discounts = {account["id"]: account["hidden_discount"] for account in truth["accounts"]}
    usd: defaultdict[str, float] = defaultdict(float)
    for instance in truth["instances"]:
        runtime = instance["runtime"]
        number = round((BILLED_UNTIL_AT - HOUR - epoch(runtime["first_hour"])) / HOUR)
        is_spot = instance["market"] == "spot"
        price = spot[instance["id"]] if is_spot else instance["on_demand_usd_per_h"]
        share = 1.0 if is_spot else 1.0 - discounts[instance["account"]]
        usd[instance["account"]] += runtime["billed_s"][number] / HOUR * (price or 0.0) * share
    return usd


@pytest.fixture(scope="module")
def rig(ending: ExitStack, folder: Callable[[str], Path]) -> TimedRig:
    options = ("--fleet", "70", "--accounts", "3", "--regions", REGIONS, "--no-awkward")
    rig = TimedRig(folder("rig"), START_AT, *options, "--no-limits", "--ce-hourly")
    ending.callback(rig.stop)
    return rig


@pytest.fixture(scope="module")
def home(folder: Callable[[str], Path]) -> Path:
    return folder("exporter")


@pytest.fixture(scope="module")
def scene(rig: TimedRig, home: Path) -> Scene:
    with SteppedExporter(rig, REGIONS, home, START_AT, settings=CE_SETTINGS) as exporter:
        exporter.settle()
        body, pages = exporter.body(), _pages(rig)
    rig.set_clock(START_AT)
    truth = rig.truth()
    return Scene(body, truth, _ledger(rig), _last_hour(rig, truth), pages)


ACCOUNTS = (PRIVATE_RATE, SAVINGS_PLAN, LIST)


@pytest.mark.parametrize("account", ACCOUNTS)
def test_the_hidden_discount_is_found(scene: Scene, account: str):
    """The deviation is the discount, on top of spot, which has none; all of it is price."""
    name = "reconciliation_{}ratio"
    expected = scene.relations(account)
    deviation = scene.body.value(name.format("deviation_"), account_id=account)
    price = scene.body.value(name.format("price_deviation_"), account_id=account)
    error = scene.body.value(name.format("weighted_error_"), account_id=account)
    assert scene.body.value("reconciliation_samples", account_id=account) == len(COMPARED)
    assert deviation == pytest.approx(statistics.median(expected), abs=TENTH_OF_A_POINT)
    time = scene.body.value(name.format("time_deviation_"), account_id=account)
    assert time == pytest.approx(0, abs=1e-6)
    assert price == pytest.approx(deviation, abs=1e-6)
    days = [scene.ledger[account, day] for day in COMPARED]
    differences = sum(abs(listed - billed) for listed, billed in days)
    assert error == pytest.approx(differences / sum(b for _, b in days), abs=TENTH_OF_A_POINT)


def test_the_accounts_are_of_three_kinds(scene: Scene):
    """The comparison means something: a private rate, Savings Plans, and the list price."""
    kinds = {a["id"]: (a["billing"], a["hidden_discount"]) for a in scene.truth["accounts"]}
    assert kinds[PRIVATE_RATE] == ("private_rate", 0.14)
    assert kinds[SAVINGS_PLAN] == ("savings_plan", 0.30)
    assert kinds[LIST] == ("list", 0.0)
    medians = {a: statistics.median(scene.relations(a)) for a in ACCOUNTS}
    assert 0.1 < medians[PRIVATE_RATE] < 0.14 / 0.86 + TENTH_OF_A_POINT
    assert 0.3 < medians[SAVINGS_PLAN] < 0.30 / 0.70 + TENTH_OF_A_POINT
    assert medians[LIST] == pytest.approx(0)


def test_cost_bounds_are_what_was_billed_for_a_computed_dollar(scene: Scene):
    """On demand: the euro price less the discount, on both sides. Spot: about its own price."""
    body, rows = scene.body, {i["id"]: i for i in scene.truth["instances"]}
    share = {a["id"]: 1 - a["hidden_discount"] for a in scene.truth["accounts"]}
    eur = body.by_instance("instance_cost_eur_per_hour")
    lower = body.by_instance("instance_cost_lower_eur_per_hour")
    upper = body.by_instance("instance_cost_upper_eur_per_hour")
    assert lower.keys() == upper.keys()
    assert {i for i in eur if rows[i]["market"] != "spot"} <= lower.keys()
    for instance_id, low in lower.items():
        row, high, price = rows[instance_id], upper[instance_id], eur[instance_id]
        if row["market"] == "spot":
            assert 0.97 * price < low <= high < 1.03 * price
        else:
            assert low == pytest.approx(price * share[row["account"]], rel=1e-6)
            assert high == pytest.approx(price * share[row["account"]], rel=1e-6)


@pytest.mark.parametrize("account", ACCOUNTS)
def test_billed_amounts_are_the_ledgers(scene: Scene, account: str):
    """Month to date, the last full day and the last full hour agree to the cent, in both coins."""
    days = [f"2026-03-0{day}" for day in range(1, 5)]
    expected = {
        "month_to_date": math.fsum(scene.ledger[account, day][1] for day in days),
        "last_day": scene.ledger[account, days[-1]][1],
        "last_hour": scene.last_hour[account],
    }
    rate = scene.body.value("exchange_rate_usd_per_eur", basis="ecb")
    assert rate
    for name, usd in expected.items():
        assert usd > 0
        shown = scene.body.value(f"billed_{name}_usd", account_id=account)
        assert shown is not None
        assert shown == pytest.approx(usd, abs=CENT), name
        in_euros = scene.body.value(f"billed_{name}_eur", account_id=account)
        assert in_euros == pytest.approx(shown / rate, rel=1e-9)


def test_late_spot_prices_are_not_too_late(
    scene: Scene, rig: TimedRig, folder: Callable[[str], Path]
):
    """Days that lack a spot price are compared as soon as it is known, not with the next bill."""
    rig.fail(upstream="ec2", operation="DescribeSpotPriceHistory", mode="denied")
    with SteppedExporter(rig, REGIONS, folder("late"), START_AT) as exporter:
        exporter.settle()
        before = exporter.body()
        rig.mend()
        exporter.run_until(START_AT + HOUR / 2)
        after = exporter.body()
    name = "reconciliation_weighted_error_ratio"
    expected = {account: scene.body.value(name, account_id=account) for account in ACCOUNTS}
    assert {a: before.value(name, account_id=a) for a in ACCOUNTS} != expected
    assert {a: after.value(name, account_id=a) for a in ACCOUNTS} == pytest.approx(expected)


def _pages(rig: TimedRig) -> int:
    return rig.requests_made()["ce", "GetCostAndUsage"]


def test_each_refresh_asks_once_and_none_is_repeated(scene: Scene, rig: TimedRig, home: Path):
    """Two pages with hours, one without; a restart inside the interval asks for none of them."""
    spent = scene.body.value("upstream_cost_usd_total", operation="GetCostAndUsage")
    assert spent == pytest.approx(0.02)
    assert scene.pages == 2
    before = _pages(rig)
    restarted_at = START_AT + 2 * HOUR
    with SteppedExporter(rig, REGIONS, home, restarted_at, settings=CE_SETTINGS) as again:
        again.settle()
        assert _pages(rig) == before
        for name in ("billed_last_day_usd", "billed_last_hour_usd", "reconciliation_samples"):
            for account in ACCOUNTS:
                shown = again.body().value(name, account_id=account)
                assert shown == scene.body.value(name, account_id=account)
        again.run_until(START_AT + 6 * HOUR, step_seconds=HOUR)
    assert _pages(rig) == before + 2


def test_daily_amounts_alone_cost_one_page(rig: TimedRig, folder: Callable[[str], Path]):
    """Without the opt-in there is no hour, and one page a refresh."""
    before = _pages(rig)
    with SteppedExporter(rig, REGIONS, folder("daily"), START_AT) as exporter:
        exporter.settle()
        body = exporter.body()
    assert _pages(rig) == before + 1
    assert body.value("upstream_cost_usd_total", operation="GetCostAndUsage") == 0.01
    assert "billed_last_hour_usd" not in body.by_name
    assert len(body.by_name["billed_last_day_usd"]) == len(ACCOUNTS)
