"""Runtimes of a place: whom inventories and CloudTrail tell of, and how far that reaches."""

import pytest

from exporter.core.fleet import InstanceState, PurchaseOption
from exporter.core.trail import TrailAction, TrailEvent
from tests.books.scenes import DAY, HOUR, WEB, chronicle, place_facts, ran, sighted, trail
from tests.factories import NOW, instance

SINCE_AT = NOW - 10 * DAY
IMAGE = "ami-0aaaaaaaaaaaaaaaa"
LAUNCH = TrailEvent(
    "e-1",
    NOW - 5 * HOUR,
    TrailAction.RUN,
    "i-brief",
    instance_type="c5.large",
    availability_zone="eu-central-1b",
    tenancy="default",
    image_id=IMAGE,
)
END = TrailEvent("e-2", NOW - 5 * HOUR + 90, TrailAction.TERMINATE, "i-brief", was="running")


def test_whom_it_tells_of():
    """Everyone that inventories remember; of CloudTrail's those with an event since an instant."""
    known = place_facts(sighted(WEB), trail=trail(LAUNCH, END))
    found = chronicle(known)

    assert list(found.ids(NOW - 6 * HOUR)) == ["i-0web", "i-brief"]
    assert list(found.ids(END.at)) == ["i-0web", "i-brief"]
    assert list(found.ids(END.at + 1)) == ["i-0web"]
    assert [s.instance for s in found.sightings()] == [WEB]


def test_an_instance_as_inventories_show_it():
    """What CloudTrail tells of its launch is less, and older."""
    event = TrailEvent("e-1", NOW - DAY, TrailAction.RUN, "i-0web", instance_type="t3.micro")

    assert chronicle(place_facts(sighted(WEB), trail=trail(event))).instance("i-0web") == WEB


def test_an_instance_that_only_cloudtrail_tells_of():
    """As far as its launch tells; another instance of its image gives the operating system."""
    windows = instance(
        "i-0web", image_id=IMAGE, usage_operation="RunInstances:0002", platform="Windows"
    )
    found = chronicle(place_facts(sighted(windows), trail=trail(LAUNCH, END))).instance("i-brief")

    assert found is not None
    assert (found.account_id, found.region) == (WEB.account_id, WEB.region)
    assert (found.instance_type, found.availability_zone) == ("c5.large", "eu-central-1b")
    assert (found.usage_operation, found.platform) == ("RunInstances:0002", "Windows")
    assert (found.launched_at, found.state) == (LAUNCH.at, InstanceState.TERMINATED)
    assert found.purchase_option is PurchaseOption.ON_DEMAND


@pytest.mark.parametrize("events", [(), (END,)])
def test_nobody_knows_what_was_never_launched(events):
    """Neither inventories nor a launch tell of it."""
    assert chronicle(place_facts(trail=trail(*events))).instance("i-brief") is None


@pytest.mark.parametrize(
    ("events", "known_since_at", "running", "unknown"),
    [
        # Its whole life, between two inventories.
        ((LAUNCH, END), SINCE_AT, 90, 0),
        # Nobody tells of its end: the next inventory would have shown it.
        ((LAUNCH,), SINCE_AT, 0, 300),
        # It was launched an hour before the first inventory, and is not in it.
        ((LAUNCH,), LAUNCH.at + HOUR, 0, 3600),
        # Only its end is known: it ran since before CloudTrail tells anything, or not at all.
        ((END,), SINCE_AT, 90 * DAY - 5 * HOUR + 90, 0),
    ],
)
def test_runtime_of_what_no_inventory_has_shown(events, known_since_at, running, unknown):
    """From its events; without an end it is gone by the next inventory."""
    found = chronicle(place_facts(trail=trail(*events)), known_since_at=known_since_at)

    runtime = found.runtime("i-brief")

    span = (NOW - 90 * DAY, NOW)
    assert runtime.running_seconds(*span) == running
    assert runtime.unknown_seconds(*span) == unknown


@pytest.mark.parametrize(
    ("changes", "lenient", "running", "unknown"),
    [
        # All is well: the inventory stands in for what CloudTrail has not told yet.
        ({}, False, 24, 0),
        ({}, True, 24, 0),
        # CloudTrail's last answer, six hours old, is too old to be stretched; counters do.
        ({"trail_fresh": False}, False, 18, 6),
        ({"trail_fresh": False}, True, 24, 0),
        # CloudTrail has never answered.
        ({"trail": None}, False, 0, 24),
        ({"trail": None}, True, 24, 0),
        # The inventory is two hours old: since then nobody knows.
        ({"seen_until_at": NOW - 2 * HOUR}, False, 22, 2),
        ({"seen_until_at": NOW - 2 * HOUR}, True, 22, 2),
        # The clock was set back since the last inventory.
        ({"seen_until_at": NOW + 2 * HOUR}, False, 24, 0),
    ],
)
def test_how_far_knowledge_reaches(changes, lenient, running, unknown):
    """Hours of the last 24 that a web server ran for certain, and those that nobody knows of."""
    seen_at = min(changes.get("seen_until_at", NOW), NOW)
    told = {"trail": trail(until_at=NOW - 6 * HOUR)} | changes
    known = place_facts(sighted(WEB, ran(WEB, seen_at=seen_at)), **told)

    runtime = chronicle(known, lenient=lenient).runtime("i-0web")

    assert runtime.running_seconds(NOW - DAY, NOW) == running * HOUR
    assert runtime.unknown_seconds(NOW - DAY, NOW) == unknown * HOUR


def test_before_the_first_inventory_only_launches_tell():
    """Without CloudTrail: what runs has run since its launch, which the inventory shows."""
    known = place_facts(sighted(WEB), trail=None)
    found = chronicle(known, known_since_at=NOW - HOUR, lenient=True).runtime("i-0web")

    assert found.running_seconds(NOW - 4 * DAY, NOW) == 3 * DAY
    assert found.running_seconds(NOW - DAY, NOW) == DAY


def test_a_point_proves_that_it_ran():
    """It vanished between two inventories; until its last point it was there."""
    gone = ran(WEB, seen_at=NOW - 2 * HOUR, gone_at=NOW - HOUR)
    known = place_facts(sighted(WEB, gone, listed=False))

    found = chronicle(known, last_point_at=NOW - 1.5 * HOUR).runtime("i-0web")

    assert found.running_seconds(NOW - 2 * HOUR, NOW) == HOUR / 2
    assert found.unknown_seconds(NOW - 2 * HOUR, NOW) == HOUR / 2


def test_runtimes_are_worked_out_once():
    """Closing, coverage and settlement ask for the same ones."""
    found = chronicle(place_facts(sighted(WEB)))

    assert found.runtime("i-0web") is found.runtime("i-0web")
