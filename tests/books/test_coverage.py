"""Runtime and coverage of a place: which hours have a cost, which have carbon."""

from collections.abc import Callable, Iterable

import pytest

from exporter.books.coverage import PlaceCoverage, Window, place_coverage
from exporter.books.facts import PlaceFacts
from exporter.books.place_book import ClosedHour, PlaceBook
from exporter.core.accrual import PlaceAccrual
from exporter.core.alignment import CoveredSeconds
from exporter.core.evidence import PriceQuote
from exporter.core.fleet import InstanceState
from exporter.core.statement import RuntimeInWindow
from exporter.core.trail import TrailAction, TrailEvent
from tests.books.scenes import (
    DAY,
    END_AT,
    HOUR,
    SITING,
    WEB,
    chronicle,
    facts,
    place_facts,
    ran,
    sighted,
    tariff,
    trail,
)
from tests.factories import FRANKFURT, NOW, WEB_PRICE, instance

WINDOW = Window(END_AT - 48 * HOUR, END_AT)
HOURS = WINDOW.hours()
OTHER = instance("i-other", launched_at=NOW - 3 * DAY)
STOPPED = instance("i-stopped", state=InstanceState.STOPPED, launched_at=NOW - 3 * DAY)


def closed(
    hours: Iterable[float] = HOURS, unmeasured: Iterable[str] = (), unpriced: Iterable[str] = ()
) -> PlaceBook:
    told = tuple(
        ClosedHour(hour_at, frozenset(unmeasured), frozenset(unpriced)) for hour_at in hours
    )
    return PlaceBook(FRANKFURT, PlaceAccrual(NOW - 9 * DAY, END_AT), told)


def cover(
    *known: PlaceFacts,
    book: PlaceBook | None = None,
    has_intensity: Callable[[str, float], bool] = lambda zone, _: zone == "DE",
    is_billed: Callable[[float], bool] | None = None,
    **changes,
) -> PlaceCoverage:
    place = known[0] if known else place_facts(sighted(WEB))
    siting = changes.pop("siting", SITING)
    return place_coverage(
        chronicle(place),
        book or closed(),
        tariff(facts(place, **changes), siting),
        WINDOW,
        has_intensity,
        is_billed,
    )


UNPRICED = closed(unpriced=["i-0web"])


def hours(running: float, cost: float, carbon: float, both: float) -> CoveredSeconds:
    return CoveredSeconds(running * HOUR, cost * HOUR, carbon * HOUR, both * HOUR)


def test_hours_of_a_window():
    """Whole hours, in order, half-open."""
    assert len(HOURS) == 48
    assert (HOURS[0], HOURS[-1]) == (END_AT - 48 * HOUR, END_AT - HOUR)
    assert Window(0.0, 0.0).hours() == ()


def test_a_place_that_lacks_nothing():
    """Two days of a web server: every hour has its price, its points and its intensity."""
    found = cover()

    assert found.covered == hours(48, 48, 48, 48)
    assert found.runtime == {"i-0web": RuntimeInWindow(48 * HOUR, 48 * HOUR)}
    assert found.unknown == frozenset()
    assert found.grid_zones == {"DE"}


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"prices": {}, "book": UNPRICED}, hours(48, 0, 48, 0)),
        (
            {"prices": {WEB_PRICE: PriceQuote(WEB_PRICE, None)}, "book": UNPRICED},
            hours(48, 0, 48, 0),
        ),
        # A price that was known when the hour was closed does not go with its source; one that
        # has become known since is as good.
        ({"prices": {}}, hours(48, 48, 48, 48)),
        ({"prices": {}, "book": closed(HOURS[12:])}, hours(48, 36, 36, 36)),
        ({"book": UNPRICED}, hours(48, 48, 48, 48)),
        ({"prices": {}, "book": closed(unpriced=["i-other"])}, hours(48, 48, 48, 48)),
        # Twelve hours were not closed, or nothing was measured in them.
        ({"book": closed(HOURS[:36])}, hours(48, 48, 36, 36)),
        ({"book": closed([])}, hours(48, 48, 0, 0)),
        ({"book": closed(unmeasured=["i-0web"])}, hours(48, 48, 0, 0)),
        ({"book": closed(unmeasured=["i-other"])}, hours(48, 48, 48, 48)),
        # What was closed before or after the window does not count.
        (
            {"book": closed([*HOURS, END_AT, END_AT - 49 * HOUR])},
            hours(48, 48, 48, 48),
        ),
        # Of six hours nobody knows the intensity.
        (
            {"has_intensity": lambda _, hour_at: hour_at >= END_AT - 42 * HOUR},
            hours(48, 48, 42, 42),
        ),
        # No grid zone, or no PUE, is no carbon; no PUE is asked of no grid.
        ({"siting": SITING.__class__({}, SITING.pue)}, hours(48, 48, 0, 0)),
        ({"siting": SITING.__class__(SITING.grid_zones, {})}, hours(48, 48, 0, 0)),
        # Six hours without an intensity, twelve without points, four of them the same.
        (
            {
                "book": closed(HOURS[:36], unpriced=["i-0web"]),
                "has_intensity": lambda _, at: not HOURS[32] <= at < HOURS[38],
                "prices": {},
            },
            hours(48, 0, 32, 0),
        ),
    ],
)
def test_what_is_missing_is_not_covered(changes, expected):
    """Hours of 48 with cost, with carbon, and with both."""
    assert cover(**changes).covered == expected


def test_hours_count_by_the_time_that_ran():
    """One ran 90 minutes in two hours, the first of them not closed; the other all the time."""
    began_at = HOURS[10] + HOUR / 2
    run = ran(STOPPED, began_at, seen_at=began_at, ended_at=HOURS[12], gone_at=HOURS[12] + 60)
    known = place_facts(sighted(WEB), sighted(STOPPED, run))
    book = closed(hour_at for hour_at in HOURS if hour_at != HOURS[10])

    found = cover(known, book=book)

    assert found.covered == hours(49.5, 49.5, 48, 48)
    assert found.runtime["i-stopped"] == RuntimeInWindow(1.5 * HOUR, 1.5 * HOUR)


def test_an_instance_that_was_not_measured_leaves_the_others_alone():
    """The exceptions of an hour are about single instances."""
    known = place_facts(sighted(WEB), sighted(OTHER))

    found = cover(known, book=closed(unmeasured=["i-other"]))

    assert found.covered == hours(96, 96, 48, 48)


def test_unknown_runtime_is_not_covered():
    """From the last inventory on nobody knows: those hours count in full, and as uncovered."""
    seen_at = END_AT - 6 * HOUR
    known = place_facts(sighted(WEB, ran(WEB, seen_at=seen_at)), seen_until_at=seen_at)

    found = cover(known)

    assert found.covered == hours(48, 42, 42, 42)
    assert found.unknown == {"i-0web"}
    assert found.runtime == {}


def test_without_cloudtrail_nothing_is_covered():
    """It never answered: every hour of everyone who is listed may or may not have run."""
    found = cover(place_facts(sighted(WEB), sighted(STOPPED, listed=True), trail=None))

    assert found.covered == hours(96, 0, 0, 0)
    assert found.unknown == {"i-0web", "i-stopped"}


BILLED_HOURS = frozenset(HOURS[24:])


def test_billed_hours_have_a_cost():
    """Where the bill says so, whether or not there is a price."""
    found = cover(is_billed=BILLED_HOURS.__contains__, prices={}, book=closed(HOURS[20:30]))

    assert found.covered == hours(48, 24, 10, 6)


IMAGE = "ami-0aaaaaaaaaaaaaaaa"
LAUNCH = TrailEvent(
    "e-1",
    HOURS[5] + 600,
    TrailAction.RUN,
    "i-brief",
    instance_type="m5.large",
    tenancy="default",
    image_id=IMAGE,
)
END = TrailEvent("e-2", HOURS[5] + 960, TrailAction.TERMINATE, "i-brief", was="running")


@pytest.mark.parametrize(("image_id", "priced"), [(IMAGE, 0.1), ("", 0.0)])
def test_an_instance_that_only_cloudtrail_tells_of(image_id, priced):
    """Six minutes between two inventories: its cost is known by its image, its carbon is not."""
    web = instance("i-0web", launched_at=WEB.launched_at, image_id=image_id)
    known = place_facts(sighted(web), trail=trail(LAUNCH, END))

    found = cover(known)

    assert found.runtime["i-brief"] == RuntimeInWindow(360, 360)
    covered = found.covered
    assert covered.running == pytest.approx(48.1 * HOUR)
    assert covered.cost == pytest.approx((48 + priced) * HOUR)
    assert covered.carbon == pytest.approx(48 * HOUR)
    assert covered.both == pytest.approx(48 * HOUR)


def test_an_end_without_a_launch_is_not_priced():
    """It ran until CloudTrail tells of its end; what it was nobody knows."""
    known = place_facts(sighted(WEB), trail=trail(END))

    found = cover(known, is_billed=None)

    assert found.runtime["i-brief"].running_seconds == 5 * HOUR + 960
    assert found.covered.running == pytest.approx((48 + 5 + 960 / 3600) * HOUR)
    assert found.covered.cost == found.covered.both == 48 * HOUR
    billed = cover(known, is_billed=lambda _: True).covered
    assert billed.cost == pytest.approx(found.covered.running)
    assert billed.both == 48 * HOUR
