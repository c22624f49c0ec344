"""Which instances a poll did not know: by age, launch and pool."""

from dataclasses import replace

import pytest

from exporter.core.evidence import PlaceCpu, SpotPrices, SpotQuote
from exporter.core.fleet import PurchaseOption
from exporter.core.newcomers import lacks_points, lacks_quotes
from tests.factories import FRANKFURT, NOW, cpu, instance

OLD = instance("i-old")
YOUNG = instance("i-young", launched_at=NOW - 899)
GROWN = instance("i-grown", launched_at=NOW - 900)
RESTARTED = replace(OLD, launched_at=NOW - 7200)
POLLED = cpu(OLD, 10, 20, 30)


@pytest.mark.parametrize(
    ("running", "entries", "lacks"),
    [
        ([], [], False),
        ([OLD], [POLLED], False),
        # Also without points: it was asked about.
        ([OLD], [cpu(OLD)], False),
        ([OLD], [], True),
        ([OLD, GROWN], [POLLED], True),
        # Too young for an estimate: there is time until it is old enough.
        ([OLD, YOUNG], [POLLED], False),
        # It was asked about while it was too young, and is old enough by now.
        ([GROWN], [cpu(GROWN, polled_at=NOW - 60)], True),
        ([GROWN], [cpu(GROWN, polled_at=NOW)], False),
        # The points are of an earlier run.
        ([RESTARTED], [POLLED], True),
        # The entries of its runs come oldest first.
        ([RESTARTED], [POLLED, cpu(RESTARTED, 10, 20, 30)], False),
    ],
)
def test_instances_without_points(running, entries, lacks):
    """An instance that could have an estimate but was not polled for one."""
    assert lacks_points(running, PlaceCpu(FRANKFURT, tuple(entries)), NOW) == lacks


def test_without_any_poll_nothing_is_new():
    """The first poll comes by itself."""
    assert not lacks_points([OLD], None, NOW)
    assert not lacks_quotes([replace(OLD, purchase_option=PurchaseOption.SPOT)], None)


SPOT = instance("i-spot", purchase_option=PurchaseOption.SPOT)
QUOTE = SpotQuote("eu-central-1a", "m5.large", "Linux/UNIX", 0.04, NOW)


@pytest.mark.parametrize(
    ("running", "quotes", "lacks"),
    [
        ([SPOT], [QUOTE], False),
        ([SPOT, replace(SPOT, instance_id="i-other")], [QUOTE], False),
        ([SPOT], [], True),
        ([SPOT, replace(SPOT, instance_type="c5.large")], [QUOTE], True),
        ([SPOT, replace(SPOT, availability_zone="eu-central-1b")], [QUOTE], True),
        ([SPOT, replace(SPOT, platform="Windows")], [QUOTE], True),
        # What is bought on demand needs no quote.
        ([OLD], [], False),
        ([replace(SPOT, purchase_option=PurchaseOption.CAPACITY_BLOCK)], [], False),
    ],
)
def test_spot_pools_without_a_quote(running, quotes, lacks):
    """A pool is a zone, a type and a platform."""
    assert lacks_quotes(running, SpotPrices(FRANKFURT, tuple(quotes))) == lacks
