from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.core.billing import Bill, BilledAs, BilledUsage
from exporter.core.reconciliation import (
    ComputedUsage,
    ExclusionReason,
    Reconciliation,
    reconcile,
)
from exporter.core.units import SECONDS_PER_DAY

NOW = datetime(2026, 3, 20, 12, tzinfo=UTC).timestamp()
SINCE_AT = datetime(2026, 2, 15, tzinfo=UTC).timestamp()
FEBRUARY = [SINCE_AT + n * SECONDS_PER_DAY for n in range(14)]
MARCH = [SINCE_AT + n * SECONDS_PER_DAY for n in range(14, 34)]
ACCOUNT = "111122223333"
ON_DEMAND, SPOT, OTHER = BilledAs.ON_DEMAND, BilledAs.SPOT, BilledAs.OTHER


def billed(day_at, usd, hours=24.0, billed_as=ON_DEMAND, account_id=ACCOUNT):
    """March is not closed yet."""
    return BilledUsage(account_id, day_at, billed_as, usd, hours, estimated=day_at >= MARCH[0])


def computed(day_at, usd, hours=24.0, billed_as=ON_DEMAND, unknown_hours=0.0, account_id=ACCOUNT):
    return ComputedUsage(account_id, day_at, billed_as, hours, usd, unknown_hours)


def compare(lines, reckoned, now=NOW):
    bill = Bill(now, SINCE_AT, tuple(lines))
    return reconcile(bill, reckoned, now)[ACCOUNT]


def test_a_worked_example():
    """Three days: 10 % too much by price, 5 % too few hours, and both at once.

    By hand: the first day is +10 % price; the second lacks 1.2 of 24 hours at a right price; the
    third has 26.4 hours at 110 % of the price: 26.4 x 1.1 / 24 - 1 = +21 %, of which the hours are
    2.4 x 1.1 / 24 = +11 % and the price is +10 %.
    """
    lines = [billed(day_at, 24.0) for day_at in FEBRUARY[:3]]
    reckoned = [
        computed(FEBRUARY[0], 26.4, 24.0),
        computed(FEBRUARY[1], 22.8, 22.8),
        computed(FEBRUARY[2], 29.04, 26.4),
    ]

    found = compare(lines, reckoned)

    assert found.samples == 3
    assert found.deviation_ratio == pytest.approx(0.10)
    assert found.time_deviation_ratio == pytest.approx(0.0)
    assert found.price_deviation_ratio == pytest.approx(0.10)
    assert found.weighted_error_ratio == pytest.approx((2.4 + 1.2 + 5.04) / 72)
    assert compare(lines[1:2], reckoned).time_deviation_ratio == pytest.approx(-0.05)
    assert compare(lines[1:2], reckoned).price_deviation_ratio == pytest.approx(0.0)
    assert compare(lines[2:], reckoned).time_deviation_ratio == pytest.approx(0.11)
    assert compare(lines[2:], reckoned).price_deviation_ratio == pytest.approx(0.10)
    assert compare(lines[1:], reckoned).deviation_ratio == pytest.approx((0.21 - 0.05) / 2)


def test_time_is_told_apart_by_what_was_paid_for():
    """Ten cheap spot hours too many and ten dear hours too few do not cancel to no time error."""
    lines = [billed(FEBRUARY[0], 100.0, 100.0), billed(FEBRUARY[0], 10.0, 100.0, SPOT)]
    reckoned = [computed(FEBRUARY[0], 90.0, 90.0), computed(FEBRUARY[0], 11.0, 110.0, SPOT)]

    found = compare(lines, reckoned)

    assert found.deviation_ratio == pytest.approx((101 - 110) / 110)
    assert found.time_deviation_ratio == pytest.approx((-10.0 + 1.0) / 110)
    assert found.price_deviation_ratio == pytest.approx(0.0)


@pytest.mark.parametrize(
    ("lines", "reckoned", "time", "price"),
    [
        # Nothing computed for the spot hours that were billed: all of it is time.
        (
            [billed(FEBRUARY[0], 8.0), billed(FEBRUARY[0], 2.0, 20.0, SPOT)],
            [computed(FEBRUARY[0], 8.0)],
            -0.2,
            0.0,
        ),
        # Spot hours computed that nobody billed.
        (
            [billed(FEBRUARY[0], 10.0)],
            [computed(FEBRUARY[0], 10.0), computed(FEBRUARY[0], 2.0, 20.0, SPOT)],
            0.2,
            0.0,
        ),
        # An amount without hours has no time in it.
        (
            [billed(FEBRUARY[0], 8.0), billed(FEBRUARY[0], 2.0, 0.0, SPOT)],
            [computed(FEBRUARY[0], 8.0)],
            0.0,
            -0.2,
        ),
    ],
)
def test_sides_without_hours(lines, reckoned, time, price):
    """Where there is no price per hour on one side, the other side's is taken."""
    found = compare(lines, reckoned)

    assert found.time_deviation_ratio == pytest.approx(time)
    assert found.price_deviation_ratio == pytest.approx(price)


def test_other_is_never_compared():
    """What has no price is left out of both sides, however much it is."""
    lines = [billed(FEBRUARY[0], 10.0), billed(FEBRUARY[0], 900.0, 5.0, OTHER)]
    reckoned = [
        computed(FEBRUARY[0], 10.0),
        computed(FEBRUARY[0], 0.0, 0.0, OTHER, unknown_hours=500.0),
    ]

    found = compare(lines, reckoned)

    assert (found.samples, found.deviation_ratio, found.weighted_error_ratio) == (1, 0, 0)
    assert OTHER not in found.cost_ratios


def test_lines_of_the_same_kind_add_up():
    """The bill may be split, and so may the computed usage."""
    whole = compare([billed(FEBRUARY[0], 20.0)], [computed(FEBRUARY[0], 22.0)])
    parts = compare(
        [billed(FEBRUARY[0], 8.0, 9.0), billed(FEBRUARY[0], 12.0, 15.0)],
        [computed(FEBRUARY[0], 11.0, 20.0), computed(FEBRUARY[0], 11.0, 4.0)],
    )

    assert parts == whole


@pytest.mark.parametrize(
    ("line", "usage", "now", "reason"),
    [
        (billed(FEBRUARY[0], 24.0), computed(FEBRUARY[0], 24.0), NOW, None),
        (billed(MARCH[0], 24.0), computed(MARCH[0], 24.0), NOW, ExclusionReason.ESTIMATED),
        (
            replace(billed(FEBRUARY[0], 24.0), estimated=True),
            computed(FEBRUARY[0], 24.0),
            NOW,
            ExclusionReason.ESTIMATED,
        ),
        (
            billed(FEBRUARY[0], 24.0),
            computed(FEBRUARY[0], 24.0),
            FEBRUARY[3] - 1,
            ExclusionReason.TOO_RECENT,
        ),
        (billed(FEBRUARY[0], 24.0), computed(FEBRUARY[0], 24.0), FEBRUARY[3], None),
        (billed(FEBRUARY[0], 0.99), computed(FEBRUARY[0], 24.0), NOW, ExclusionReason.TOO_SMALL),
        (billed(FEBRUARY[0], 1.00), computed(FEBRUARY[0], 24.0), NOW, None),
        (billed(FEBRUARY[0], 24.0), computed(FEBRUARY[1], 24.0), NOW, ExclusionReason.INCOMPLETE),
        (
            billed(FEBRUARY[0], 24.0),
            computed(FEBRUARY[0], 24.0, 1000.0, unknown_hours=1.01),
            NOW,
            ExclusionReason.INCOMPLETE,
        ),
        (
            billed(FEBRUARY[0], 24.0),
            computed(FEBRUARY[0], 24.0, 1000.0, unknown_hours=1.0),
            NOW,
            None,
        ),
    ],
)
def test_which_days_are_compared(line, usage, now, reason):
    """Closed, older than two days, worth a dollar, and known for 99.9 % of the hours."""
    found = compare([line], [usage], now)

    assert found.samples == (reason is None)
    if reason:
        assert found.excluded[reason] >= 1
        assert found == Reconciliation(0, None, None, None, None, {}, found.excluded)


def test_every_day_is_compared_or_excluded_once():
    """34 days: 14 of a closed month, of which two are small, and 20 of the open one."""
    lines = [billed(day_at, 24.0) for day_at in (*FEBRUARY[2:], *MARCH[:18])]
    reckoned = [computed(day_at, 24.0) for day_at in (*FEBRUARY, *MARCH)]

    found = compare(lines, reckoned)

    assert found.samples == 12
    assert found.excluded == {
        ExclusionReason.TOO_SMALL: 2,
        ExclusionReason.ESTIMATED: 17,
        ExclusionReason.TOO_RECENT: 3,
    }


def test_a_day_is_estimated_for_all_accounts():
    """AWS marks periods, not lines: who has no line on an open day is not compared on it either."""
    other = "222233334444"
    lines = [billed(FEBRUARY[0], 5.0), billed(MARCH[0], 5.0, account_id=other)]

    found = compare(lines, [])

    assert found.excluded[ExclusionReason.ESTIMATED] == 1


def test_only_the_newest_fourteen_days():
    """Days before those do not count, even when they are in the bill."""
    lines = [replace(billed(day_at, 24.0), estimated=False) for day_at in (*FEBRUARY, *MARCH[:6])]
    reckoned = [
        computed(day_at, 24.0 if day_at >= FEBRUARY[6] else 99.0)
        for day_at in (*FEBRUARY, *MARCH[:6])
    ]

    found = compare(lines, reckoned)

    assert (found.samples, found.weighted_error_ratio) == (14, 0.0)


def test_accounts_are_apart():
    """Each has its own days; one that only one side knows has no samples."""
    bill = Bill(
        NOW,
        SINCE_AT,
        (
            billed(FEBRUARY[0], 10.0, account_id="1"),
            billed(FEBRUARY[0], 10.0, account_id="2"),
            billed(FEBRUARY[0], 10.0, account_id="only billed"),
        ),
    )
    reckoned = [
        computed(FEBRUARY[0], 11.0, account_id="1"),
        computed(FEBRUARY[0], 9.0, account_id="2"),
        computed(FEBRUARY[0], 9.0, account_id="only computed"),
    ]

    found = reconcile(bill, reckoned, NOW)

    assert {name: (each.samples, each.deviation_ratio) for name, each in found.items()} == {
        "1": (1, pytest.approx(0.1)),
        "2": (1, pytest.approx(-0.1)),
        "only billed": (0, None),
        "only computed": (0, None),
    }
    assert found["only billed"].excluded[ExclusionReason.INCOMPLETE] == 1


def test_nothing_billed_nothing_computed():
    """Then there is no account to speak of."""
    assert reconcile(Bill(NOW, SINCE_AT, ()), [], NOW) == {}


def test_ratios_of_billed_to_computed():
    """Five days at 80, 82 .. 88 % of the list price; spot as computed, but on four days only.

    By hand: the 5 % quantile of five values lies a fifth of the way from the first to the second.
    """
    lines = [billed(day_at, 80.0 + 2 * n) for n, day_at in enumerate(FEBRUARY[:5])]
    lines += [billed(day_at, 3.0, billed_as=SPOT) for day_at in FEBRUARY[:4]]
    reckoned = [computed(day_at, 100.0) for day_at in FEBRUARY[:5]]
    reckoned += [computed(day_at, 3.0, billed_as=SPOT) for day_at in FEBRUARY[:4]]

    found = compare(lines, reckoned).cost_ratios

    assert set(found) == {ON_DEMAND}
    assert found[ON_DEMAND].lower == pytest.approx(0.804)
    assert found[ON_DEMAND].upper == pytest.approx(0.876)


def test_small_parts_of_a_day_give_no_ratio():
    """A day counts for a kind only if a dollar of that kind was billed and anything computed."""
    lines = [billed(day_at, 50.0) for day_at in FEBRUARY[:6]]
    lines += [billed(day_at, 0.5, billed_as=SPOT) for day_at in FEBRUARY[:6]]
    reckoned = [computed(day_at, 50.0) for day_at in FEBRUARY[:4]]
    reckoned += [computed(day_at, 0.0) for day_at in FEBRUARY[4:6]]
    reckoned += [computed(day_at, 0.5, billed_as=SPOT) for day_at in FEBRUARY[:6]]

    assert compare(lines, reckoned).cost_ratios == {}


# -- properties, against a second calculation in exact fractions ----------------------------------

_AMOUNTS = st.integers(100, 10**7).map(lambda cents: cents / 100)
_HOURS = st.integers(1, 10**6).map(lambda hundredths: hundredths / 100)
_PAIR = st.tuples(_AMOUNTS, _HOURS)
_DAY = st.tuples(_PAIR, _PAIR, st.none() | _PAIR, st.none() | _PAIR)
"""On demand billed and computed, spot billed and computed."""


def built(days):
    lines, reckoned = [], []
    for day_at, (demand, demand_computed, spot, spot_computed) in zip(FEBRUARY, days, strict=False):
        for billed_as, actual, own in (
            (ON_DEMAND, demand, demand_computed),
            (SPOT, spot, spot_computed),
        ):
            if actual:
                lines.append(billed(day_at, actual[0], actual[1], billed_as))
            if own:
                reckoned.append(computed(day_at, own[0], own[1], billed_as))
    return lines, reckoned


def exact(day) -> tuple[Fraction, Fraction, Fraction]:
    """Deviation, its time part and its price part: hours by price, and price by billed hours."""
    sides: list[list[Fraction]] = []
    for actual, reckoned in ((day[0], day[1]), (day[2], day[3])):
        a, h_a = map(Fraction, actual or (0, 0))
        c, h_c = map(Fraction, reckoned or (0, 0))
        if h_c and h_a:
            time, price = (h_c - h_a) * (c / h_c), h_a * (c / h_c - a / h_a)
        else:
            time, price = c - a, Fraction(0)
        sides.append([a, time, price])
    actual_total, time_total, price_total = (sum(column) for column in zip(*sides, strict=True))
    time, price = time_total / actual_total, price_total / actual_total
    return Fraction(time + price), Fraction(time), Fraction(price)


def interpolated(values: Sequence[float], share: float) -> float:
    ordered = sorted(values)
    position = share * (len(ordered) - 1)
    below = int(position)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (position - below) * (ordered[above] - ordered[below])


@given(days=st.lists(_DAY, min_size=1, max_size=14))
def test_against_exact_fractions(days):
    """Median day, its two parts, weighted error and quantiles, calculated a second way."""
    found = compare(*built(days))
    ranked = sorted(exact(day) for day in days)
    middle = ranked[(len(ranked) - 1) // 2 : len(ranked) // 2 + 1]

    def mean(part: int) -> float:
        return float(sum(day[part] for day in middle) / len(middle))

    assert found.samples == len(days)
    assert found.deviation_ratio == pytest.approx(mean(0), rel=1e-9, abs=1e-9)
    scale = max(1.0, *(abs(float(part)) for day in middle for part in day))
    if len({day[0] for day in ranked}) == len(ranked):
        assert found.time_deviation_ratio == pytest.approx(mean(1), abs=1e-9 * scale)
        assert found.price_deviation_ratio == pytest.approx(mean(2), abs=1e-9 * scale)
    sums = [(d[0][0] + (d[2][0] if d[2] else 0), d[1][0] + (d[3][0] if d[3] else 0)) for d in days]
    assert found.weighted_error_ratio == pytest.approx(
        sum(abs(c - a) for a, c in sums) / sum(a for a, _ in sums), abs=1e-9 * scale
    )
    ratios = [day[0][0] / day[1][0] for day in days]
    if len(days) >= 5:
        assert found.cost_ratios[ON_DEMAND].lower == pytest.approx(interpolated(ratios, 0.05))
        assert found.cost_ratios[ON_DEMAND].upper == pytest.approx(interpolated(ratios, 0.95))
    else:
        assert found.cost_ratios == {}


@given(days=st.lists(_DAY, min_size=1, max_size=14))
def test_the_parts_add_up(days):
    """Deviation = time + price."""
    found = compare(*built(days))
    assert found.deviation_ratio is not None
    assert found.time_deviation_ratio is not None
    assert found.price_deviation_ratio is not None

    parts = found.time_deviation_ratio + found.price_deviation_ratio

    scale = max(1.0, abs(found.time_deviation_ratio), abs(found.price_deviation_ratio))
    assert found.deviation_ratio == pytest.approx(parts, abs=1e-12 * scale)


@given(
    days=st.lists(st.tuples(_PAIR, st.none() | _PAIR), min_size=5, max_size=14),
    discount=st.floats(0.0, 0.9),
)
def test_a_constant_discount_is_all_price(days, discount):
    """With right runtimes a discount d gives 1/(1-d) - 1, nothing of it time, and one ratio."""
    pairs = [(demand, demand, spot, spot) for demand, spot in days]
    lines, reckoned = built(pairs)
    cut = [replace(line, usd=line.usd * (1 - discount) * 20) for line in lines]
    found = compare(cut, [replace(each, usd=each.usd * 20) for each in reckoned])

    expected = 1 / (1 - discount) - 1
    assert found.deviation_ratio == pytest.approx(expected, abs=1e-9)
    assert found.time_deviation_ratio == pytest.approx(0.0, abs=1e-9)
    assert found.weighted_error_ratio == pytest.approx(expected, abs=1e-9)
    assert found.cost_ratios[ON_DEMAND].lower == pytest.approx(1 - discount)
    assert found.cost_ratios[ON_DEMAND].upper == pytest.approx(1 - discount)


@given(
    days=st.lists(st.tuples(_PAIR, st.none() | _PAIR), min_size=1, max_size=14),
    lost=st.floats(0.0, 0.99),
)
def test_missed_hours_are_all_time(days, lost):
    """A share of the hours that was not seen is that share of the deviation, none of it price."""
    lines, reckoned = built([(demand, demand, spot, spot) for demand, spot in days])
    kept = 1 - lost
    found = compare(
        lines, [replace(each, usd=each.usd * kept, hours=each.hours * kept) for each in reckoned]
    )

    assert found.deviation_ratio == pytest.approx(-lost, abs=1e-9)
    assert found.time_deviation_ratio == pytest.approx(-lost, abs=1e-9)
    assert found.price_deviation_ratio == pytest.approx(0.0, abs=1e-9)


@given(days=st.lists(_DAY, min_size=1, max_size=14), order=st.randoms(use_true_random=False))
def test_the_order_of_lines_does_not_matter(days, order):
    """Neither of the bill's nor of the computed usage's."""
    lines, reckoned = built(days)
    found = compare(lines, reckoned)
    order.shuffle(lines)
    order.shuffle(reckoned)

    assert compare(lines, reckoned) == found
