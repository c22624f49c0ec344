from dataclasses import replace
from typing import Any

import pytest

from exporter.core.bounded import Bounded
from exporter.core.scenarios.judgement import Change, Judgement
from exporter.core.scenarios.resized_fleet import (
    cost_saving,
    emissions_saving,
    saved_usd_by_account,
)
from tests.core.scenarios.machines import VCPUS, hardware, machine
from tests.core.scenarios.scenes import ACCOUNT_ID, SITING

HARDWARE = {each: hardware(each) for each in VCPUS}


def judgement(
    instance_id: str,
    usd: float,
    grams: float,
    likely: Change | None = None,
    possible: Change | None = None,
    *,
    is_sure: bool = False,
) -> Judgement:
    subject = machine(instance_id, instance_type="m5.xlarge" if usd < 200 else "m5.2xlarge")
    return Judgement(subject, usd, grams, 1.0, likely, possible or likely, is_sure)


SURE = judgement("i-0sure", 100, 1000, Change("m5.large", 60, 700), is_sure=True)
LIKELY = judgement(
    "i-0likely", 200, 2000, Change("m5.xlarge", 100, 900), Change("m5.large", 50, 800)
)
BUSY = judgement("i-0busy", 50, 500)


def approx(value: float, lower: float, upper: float) -> Any:
    near: list[Any] = [pytest.approx(each, rel=1e-3) for each in (value, lower, upper)]
    return Bounded(*near)


def test_cost_by_hand():
    """Lower: the sure one, 40. Value: 40 + 100. Upper: 40 + 150, as the cheapest that might do.

    All three cost 350.
    """
    saving = cost_saving([SURE, LIKELY, BUSY])

    assert saving.per_month == Bounded(140.0, 40.0, 190.0)
    assert saving.ratio == approx(140 / 350, 40 / 350, 190 / 350)


def test_emissions_by_hand():
    """Saved: 300 surely, 300 + 1100 likely, 300 + 1200 at most, of 3,500 g.

    The models of two types are each off by sqrt(0.29^2 - 0.1^2) = 0.2722, both together by 0.3850.
    Two pairs emit 700 and 900 g: 0.3850 x sqrt(700^2 + 900^2) = 438.9, times 1.85 = 812.0 g.
    Lower 1400 - sqrt(1100^2 + 812^2) = 32.75, upper 1400 + sqrt(100^2 + 812^2) = 2218.1.

    The scale of the 3,000 g of those two as they are: type 0.2722 x sqrt(1000^2 + 2000^2) = 608.7,
    grid 0.05 x 3000 = 150, PUE 90, model 300: 700.8 g, a factor of exp(1.85 x 0.2336) = 1.5406.
    The grid of another season 8 % of 1,400 g: 112 g.
    Lower 1400 - sqrt(1367.3^2 + (1400 - 1400 / 1.5406)^2 + 112^2) = -57.14 is a loss, which no
    scale makes of 1400 - sqrt(1367.3^2 + 112^2) = 28.17: it is 28.17 / 1.5406 = 18.28 at least.
    Upper 1400 + sqrt(818.1^2 + (1400 x 1.5406 - 1400)^2 + 112^2) = 2520.1.
    """
    saving = emissions_saving([SURE, LIKELY, BUSY], HARDWARE, SITING)

    assert saving.ratio == approx(1400 / 3500, 32.75 / 3500, 2218.1 / 3500)
    assert saving.per_month == approx(1400, 18.28, 2520.1)


def test_instances_of_one_pair_share_its_error():
    """Two alike are off together: 700 + 700 g, not sqrt(2) x 700."""
    twin = replace(SURE, instance=machine("i-0twin"))

    alone = emissions_saving([SURE], HARDWARE, SITING).ratio

    assert emissions_saving([SURE, twin], HARDWARE, SITING).ratio == alone


def test_nobody_fits():
    """The saving is 0, and sure to be."""
    nothing = Bounded(0.0, 0.0, 0.0)

    for saving in (cost_saving([BUSY]), emissions_saving([BUSY], HARDWARE, SITING)):
        assert (saving.ratio, saving.per_month) == (nothing, nothing)


def test_a_smaller_type_that_draws_more():
    """It saves money and costs carbon: whichever of the sums is higher bounds from above."""
    hotter = replace(LIKELY, likely=Change("m5.xlarge", 100, 2500), possible=Change("x", 50, 3000))

    grams = emissions_saving([hotter], HARDWARE, SITING)

    # Not sure: 0 at best but for the models, 1.85 x 0.3850 x 2500 = 1780.5.
    assert grams.ratio == approx(
        -500 / 2000,
        (-500 - (500**2 + 1780.5**2) ** 0.5) / 2000,
        (-500 + (500**2 + 1780.5**2) ** 0.5) / 2000,
    )
    for each in (grams.ratio, grams.per_month):
        assert each.lower is not None
        assert each.upper is not None
        assert each.lower < each.value < each.upper


def test_savings_that_cancel_leave_wide_but_finite_bounds():
    """One saves what the other adds: the scale is that of what they emit, not of the rest."""
    more = judgement("i-0more", 100, 1000, Change("m5.large", 60, 1300.0001), is_sure=True)

    grams = emissions_saving([SURE, more], HARDWARE, SITING).per_month

    assert grams.value == pytest.approx(-0.0001, abs=1e-6)
    assert grams.upper == pytest.approx(1.85 * 0.3850 * 2000, rel=1e-3)


def test_no_more_can_be_saved_than_is_emitted():
    """The upper bound of the share is at most 1."""
    unsure = judgement("i-0a", 100, 1000, Change("x", 60, 900), Change("m5.large", 10, 10))

    # Saved are 100 g, 990 g at most: 0.1 + sqrt(0.89^2 + (1.85 x 0.3850 x 0.9)^2) = 1.2.
    assert emissions_saving([unsure], HARDWARE, SITING).ratio.upper == 1.0


def test_the_saving_is_split_by_account():
    """Accounts in which nothing fits have no share."""
    other = replace(LIKELY, instance=machine("i-0other", account_id="444455556666"))
    busy = replace(BUSY, instance=machine("i-0busy", account_id="777788889999"))

    split = saved_usd_by_account([SURE, LIKELY, other, busy])

    assert split == {ACCOUNT_ID: 140.0, "444455556666": 100.0}
