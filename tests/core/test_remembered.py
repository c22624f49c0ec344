"""Which instances still matter: their prices, profiles and points are yet needed."""

from dataclasses import replace

import pytest

from exporter.core.evidence import MeteredRun
from exporter.core.fleet import (
    Instance,
    InstanceState,
    Inventory,
    PurchaseOption,
    SightedRun,
    Sighting,
)
from exporter.core.remembered import departed_instances, known_instances, metered_runs, remembered
from exporter.core.trail import Trail, TrailAction, TrailEvent
from tests.factories import FRANKFURT, NOW, instance

WEB = instance("i-web")
STOPPED = instance("i-stopped", state=InstanceState.STOPPED)
GONE = instance("i-gone", state=InstanceState.TERMINATED)
HOUR = 3600.0


def run(
    launched_at: float,
    *,
    ended_at: float | None = None,
    gone_at: float | None = None,
    instance_type: str = "m5.large",
) -> SightedRun:
    return SightedRun(launched_at, instance_type, launched_at, ended_at, gone_at)


def sighted(subject: Instance, *runs: SightedRun, listed: bool = True) -> Sighting:
    return Sighting(subject, runs, NOW - 9 * HOUR, listed)


def inventory(*sightings: Sighting) -> Inventory:
    listed = tuple(each.instance for each in sightings if each.listed)
    return Inventory(FRANKFURT, listed, (), sightings)


def trail(*events: TrailEvent) -> Trail:
    return Trail(FRANKFURT, NOW - 90 * 24 * HOUR, NOW, events)


def launch(instance_id: str, instance_type: str = "m5.large", **changes) -> TrailEvent:
    at = NOW - 5 * HOUR
    told = TrailEvent(f"e-{instance_id}", at, TrailAction.RUN, instance_id)
    return replace(told, instance_type=instance_type, **changes)


def resize(instance_id: str, instance_type: str) -> TrailEvent:
    at = NOW - 4 * HOUR
    return TrailEvent(
        f"m-{instance_id}", at, TrailAction.MODIFY, instance_id, instance_type=instance_type
    )


SINCE_LAUNCH = run(WEB.launched_at)


@pytest.mark.parametrize(
    ("sightings", "events", "expected"),
    [
        ([sighted(WEB, SINCE_LAUNCH)], [], [("i-web", "m5.large")]),
        # What is stopped is listed, and will be started at some price.
        ([sighted(STOPPED)], [], [("i-stopped", "m5.large")]),
        # What is gone is needed as long as its runs are remembered.
        (
            [sighted(WEB, SINCE_LAUNCH), sighted(GONE, run(NOW - 9 * HOUR), listed=False)],
            [],
            [("i-web", "m5.large"), ("i-gone", "m5.large")],
        ),
        # An earlier run of another type, seen by an inventory or told by CloudTrail.
        (
            [sighted(WEB, run(NOW - 99 * HOUR, instance_type="c5.large"), SINCE_LAUNCH)],
            [],
            [("i-web", "m5.large"), ("i-web", "c5.large")],
        ),
        (
            [sighted(WEB, SINCE_LAUNCH)],
            [launch("i-web", "t3.micro"), resize("i-web", "m5.large")],
            [("i-web", "m5.large"), ("i-web", "t3.micro")],
        ),
        # Other events tell no type; events of others are not about these.
        (
            [sighted(WEB, SINCE_LAUNCH)],
            [TrailEvent("s", NOW, TrailAction.STOP, "i-web"), launch("i-unseen", "x1.large")],
            [("i-web", "m5.large")],
        ),
    ],
)
def test_known_instances(sightings, events, expected):
    """Once for each type that it had; what is listed comes first."""
    found = known_instances(inventory(*sightings), trail(*events))

    assert [(each.instance_id, each.instance_type) for each in found] == expected


def test_a_former_self_is_the_same_but_for_its_type():
    """Place, operating system and purchase option are what its price is looked up by."""
    spot = replace(WEB, purchase_option=PurchaseOption.SPOT, usage_operation="RunInstances:0002")
    earlier = run(NOW - 99 * HOUR, instance_type="c5.large")

    _, former = known_instances(inventory(sighted(spot, earlier, SINCE_LAUNCH)), None)

    assert former == replace(spot, instance_type="c5.large")


def test_without_a_trail_inventories_are_enough():
    """Before CloudTrail has answered, or while it is denied."""
    assert known_instances(inventory(sighted(WEB, SINCE_LAUNCH)), None) == (WEB,)


IMAGE = "ami-0aaaaaaaaaaaaaaaa"
OF_IMAGE = replace(WEB, image_id=IMAGE, usage_operation="RunInstances:0002", platform="Windows")


@pytest.mark.parametrize(
    ("events", "expected"),
    [
        ([], []),
        # It is sighted, so it is not unseen.
        ([launch("i-web", image_id=IMAGE)], []),
        # An instance that lived between two inventories has the system of its image.
        ([launch("i-brief", "c5.large", image_id=IMAGE)], [("c5.large", "RunInstances:0002")]),
        # One of each kind is enough to find the price.
        (
            [launch(f"i-{n}", "c5.large", image_id=IMAGE) for n in range(3)],
            [("c5.large", "RunInstances:0002")],
        ),
        (
            [launch("i-1", "c5.large", image_id=IMAGE), launch("i-2", "c5.xlarge", image_id=IMAGE)],
            [("c5.large", "RunInstances:0002"), ("c5.xlarge", "RunInstances:0002")],
        ),
        # Of another image nothing is known that a price could be looked up by.
        ([launch("i-brief", "c5.large", image_id="ami-0bbbbbbbbbbbbbbbb")], []),
        ([launch("i-brief", "c5.large")], []),
        # Without its launch nobody knows what it was.
        ([TrailEvent("s", NOW, TrailAction.STOP, "i-brief")], []),
    ],
)
def test_unseen_instances(events, expected):
    """What only CloudTrail tells of needs its price as well."""
    found = remembered(inventory(sighted(OF_IMAGE, SINCE_LAUNCH)), trail(*events))

    assert [(each.instance_type, each.usage_operation) for each in found.unseen] == expected
    assert found.known == (OF_IMAGE,)


def test_unseen_spot_instances_need_a_spot_price():
    """The pool is the zone, the type and the platform of the image."""
    event = launch(
        "i-brief", "c5.large", image_id=IMAGE, spot=True, availability_zone="eu-central-1b"
    )

    (found,) = remembered(inventory(sighted(OF_IMAGE, SINCE_LAUNCH)), trail(event)).unseen

    assert found.purchase_option is PurchaseOption.SPOT
    assert (found.availability_zone, found.platform) == ("eu-central-1b", "Windows")


def test_departed_instances():
    """Listed lately and no more; what is stopped is still listed."""
    found = inventory(
        sighted(WEB, SINCE_LAUNCH), sighted(STOPPED), sighted(GONE, run(NOW), listed=False)
    )

    assert list(departed_instances(found)) == [GONE]


SINCE_AT = NOW - 2 * HOUR
TWICE = [run(NOW - 9 * HOUR, gone_at=NOW - HOUR), run(NOW - HOUR / 2)]


@pytest.mark.parametrize(
    ("sighting", "expected"),
    [
        # It runs: until now.
        (sighted(WEB, SINCE_LAUNCH), [(WEB.launched_at, None)]),
        # It ended lately; the end that is told is more exact than when it was found to be gone.
        (sighted(STOPPED, run(NOW - 9 * HOUR, gone_at=SINCE_AT)), [(NOW - 9 * HOUR, SINCE_AT)]),
        (
            sighted(STOPPED, run(NOW - 9 * HOUR, ended_at=SINCE_AT, gone_at=SINCE_AT + 300)),
            [(NOW - 9 * HOUR, SINCE_AT)],
        ),
        (sighted(GONE, run(NOW - HOUR, gone_at=NOW), listed=False), [(NOW - HOUR, NOW)]),
        # It ended too long ago.
        (sighted(STOPPED, run(NOW - 9 * HOUR, gone_at=SINCE_AT - 1)), []),
        (sighted(STOPPED, run(NOW - 9 * HOUR, ended_at=SINCE_AT - 1, gone_at=NOW)), []),
        (sighted(STOPPED), []),
        # It was started again: both runs have points.
        (sighted(WEB, *TWICE), [(WEB.launched_at, None), (NOW - 9 * HOUR, NOW - HOUR)]),
    ],
)
def test_metered_runs(sighting, expected):
    """What runs, and what ended after an instant, each with its own launch and end."""
    found = metered_runs(inventory(sighting), SINCE_AT)

    assert [(each.instance.launched_at, each.ended_at) for each in found] == expected
    assert all(isinstance(each, MeteredRun) for each in found)
    assert {each.instance.instance_id for each in found} <= {sighting.instance.instance_id}
