"""An hour's use by groups: the sums of its rows."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.books.closing import HourRow
from exporter.books.hour import Hour, uses_of
from exporter.core.accrual import Facility
from exporter.core.fleet import PurchaseOption
from exporter.core.metering import InstanceHour
from exporter.core.scenarios.kind import Kind
from exporter.core.scenarios.usage import Use
from tests.books.scenes import HOUR_AT
from tests.factories import FRANKFURT, instance

ACCOUNT = FRANKFURT.account_id
WEB = Kind.of(instance())
SPOT = WEB._replace(purchase_option=PurchaseOption.SPOT)
TEST = WEB._replace(environment="test")
SECONDS = st.floats(0, 3600)


def row(hour: InstanceHour, kind: Kind | None = WEB, instance_type: str = "m5.large") -> HourRow:
    return HourRow("i-0web", instance_type, Facility("DE", 1.25), hour, "0a" * 12, kind)


def rows(cost: st.SearchStrategy[float | None]) -> st.SearchStrategy[list[HourRow]]:
    amounts = st.floats(0, 1e9)
    hour = st.builds(
        InstanceHour, SECONDS, SECONDS, SECONDS, SECONDS, amounts, st.none() | amounts, cost
    )
    kinds = st.sampled_from([WEB, SPOT, TEST, None])
    return st.lists(st.builds(row, hour, kinds, st.sampled_from(["m5.large", "c5.large"])))


@given(rows(st.none() | st.floats(0, 100)))
def test_sums_are_those_of_the_rows(told):
    """Over all groups and in each one; every group once; rows without a kind take no part."""
    uses = uses_of(ACCOUNT, told)

    assert len({use.key for use in uses}) == len(uses)
    for use in uses:
        own = [
            each.hour
            for each in told
            if each.kind and each.kind.usage_key(ACCOUNT, each.instance_type) == use.key
        ]
        priced = [(h.running_seconds, h.cost_usd) for h in own if h.cost_usd is not None]
        assert use[1:] == pytest.approx(
            (
                sum(h.running_seconds + h.unknown_seconds for h in own),
                sum(h.measured_seconds for h in own),
                sum(h.energy_joules for h in own),
                sum(seconds for seconds, _ in priced),
                sum(usd for _, usd in priced),
            )
        )
    total = sum(r.hour.running_seconds + r.hour.unknown_seconds for r in told if r.kind)
    assert sum(use.running_seconds for use in uses) == pytest.approx(total)


def test_what_is_not_known_of_an_hour():
    """Unknown seconds may have run: they count as such, not as measured, and not as priced."""
    priced = InstanceHour(1800.0, 1800.0, 600.0, 900.0, 5.0, 0.1, 0.05)
    unpriced = InstanceHour(1800.0, 1800.0, 0.0, 1800.0, 7.0, None, None)

    (use,) = uses_of(ACCOUNT, [row(priced), row(unpriced)])

    key = WEB.usage_key(ACCOUNT, "m5.large")
    assert use == Use(key, 4200.0, 2700.0, 12.0, 1800.0, 0.05)


def test_a_group_that_did_nothing_is_left_out():
    """An instance that, as was told later, did not run after all."""
    assert uses_of(ACCOUNT, [row(InstanceHour(0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0))]) == ()


def test_an_hour_as_scenarios_look_at_it():
    """Its place, its groups' use, and every instance's CPU points, of old records too."""
    whole = InstanceHour(3600.0, 3600.0, 0.0, 3600.0, 9.0, 0.1, 0.12)
    hour = Hour(FRANKFURT, HOUR_AT, (row(whole), row(whole, kind=None)._replace(instance_id="i-1")))

    assert hour.of_use.uses == hour.uses == uses_of(ACCOUNT, hour.rows)
    assert (hour.of_use.place, hour.of_use.hour_at) == (FRANKFURT, HOUR_AT)
    assert hour.of_use.cpu == (
        ("i-0web", "m5.large", "0a" * 12),
        ("i-1", "m5.large", "0a" * 12),
    )
