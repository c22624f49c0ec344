"""Closing an hour: when it is ready, and what it then adds."""

from dataclasses import replace
from typing import Any

import pytest

from exporter.books.closing import (
    ANSWER_SECONDS,
    PATIENCE_SECONDS,
    PUBLICATION_SECONDS,
    Closer,
    Closing,
)
from exporter.books.facts import PlaceFacts
from exporter.books.meter import LATEST_POINT_SECONDS, Meter
from exporter.books.place_book import ClosedHour, PlaceBook
from exporter.core.accrual import Facility, PendingEmissions, PlaceAccrual
from exporter.core.evidence import InstanceCpu, Quantity
from exporter.core.fleet import InstanceState
from exporter.core.metering import NO_POINTS, points_text
from exporter.core.scenarios.kind import Kind
from exporter.core.statement import Accrued
from exporter.core.trail import TrailAction, TrailEvent
from tests.books.scenes import (
    DAY,
    END_AT,
    HOUR,
    HOUR_AT,
    IDLE_WATTS,
    USD_PER_HOUR,
    WEB,
    chronicle,
    every_slot,
    facts,
    place_cpu,
    place_facts,
    polled,
    ran,
    sighted,
    tariff,
    trail,
)
from tests.factories import FRANKFURT, NOW, WEB_PRICE, instance

CPU_INTERVAL_SECONDS = 900.0
SETTLING_SECONDS = 2 * CPU_INTERVAL_SECONDS + PUBLICATION_SECONDS
MINUTE = 60.0
ENDED = instance("i-ended", state=InstanceState.STOPPED, launched_at=NOW - 3 * DAY)
OTHER = instance("i-other", launched_at=NOW - 3 * DAY)
RUNNING = place_facts(sighted(WEB))
WHOLE = polled(WEB, every_slot(HOUR_AT - HOUR, END_AT + 600))


def metered(*polls: InstanceCpu) -> Meter:
    meter = Meter()
    meter.take(place_cpu(*polls), float("-inf"))
    return meter


def book(since_at: float = NOW - 10 * DAY, closed_until_at: float = HOUR_AT) -> PlaceBook:
    return PlaceBook(FRANKFURT, PlaceAccrual(since_at, closed_until_at))


def close(
    known: PlaceFacts = RUNNING,
    meter: Meter | None = None,
    before: PlaceBook | None = None,
    now: float = NOW,
    **changes: Any,
) -> Closing | None:
    """Close the hour from 11:00 to 12:00, at 12:40 unless said otherwise."""
    closer = Closer(
        known,
        chronicle(known, now=now, lenient=True),
        tariff(facts(known, **changes)),
        meter or Meter(),
        CPU_INTERVAL_SECONDS,
        now,
        now,
    )
    return closer.next_closing(before or book())


def closed(*args, **kwargs) -> Closing:
    found = close(*args, **kwargs)
    assert found is not None
    return found


SILENT = polled(WEB, {})


@pytest.mark.parametrize(
    ("poll", "is_ready"),
    [
        # A point that begins at the end of the hour, or is the last one in it.
        (WHOLE, True),
        (polled(WEB, every_slot(HOUR_AT, END_AT)), True),
        # The last point of the hour may yet come, until it can come no more.
        (polled(WEB, every_slot(HOUR_AT, END_AT - 300), polled_at=END_AT + 300), False),
        (replace(SILENT, polled_at=END_AT + LATEST_POINT_SECONDS - 1), False),
        (replace(SILENT, polled_at=END_AT + LATEST_POINT_SECONDS), True),
        (None, False),
    ],
)
def test_an_hour_waits_for_its_points(poll, is_ready):
    """A running instance must have been asked about late enough."""
    assert (close(meter=metered(poll) if poll else Meter()) is not None) == is_ready


def test_an_hour_waits_for_its_end():
    """However well it is known so far."""
    before = book(closed_until_at=END_AT)

    assert close(meter=metered(WHOLE), before=before) is None
    assert close(meter=metered(WHOLE), now=END_AT - 1) is None
    assert close(meter=metered(WHOLE), now=END_AT) is not None


def test_an_hour_waits_for_an_inventory():
    """One that was asked for before its end may lack an instance."""
    early = replace(RUNNING, seen_until_at=END_AT - 1)

    assert close(early, metered(WHOLE)) is None
    assert close(replace(RUNNING, seen_until_at=END_AT), metered(WHOLE)) is not None


def test_an_hour_waits_for_every_instance():
    """Also for one that was launched in its last second; not for one launched after it."""
    late = instance("i-late", launched_at=END_AT - 1)
    later = instance("i-later", launched_at=END_AT)

    assert close(place_facts(sighted(WEB), sighted(late)), metered(WHOLE)) is None
    assert close(place_facts(sighted(WEB), sighted(later)), metered(WHOLE)) is not None


@pytest.mark.parametrize(
    ("run", "now", "is_ready"),
    [
        # Its points are known up to its end.
        (ran(ENDED, ended_at=HOUR_AT + 600), NOW, True),
        (ran(ENDED, ended_at=HOUR_AT + 550, gone_at=HOUR_AT + 800), NOW, True),
        # They are not, and a poll may yet bring them.
        (ran(ENDED, gone_at=HOUR_AT + 900), HOUR_AT + 900 + SETTLING_SECONDS - 1, False),
        # Whoever could have asked has asked.
        (ran(ENDED, gone_at=HOUR_AT + 900), HOUR_AT + 900 + SETTLING_SECONDS, True),
        # It ended before this hour.
        (ran(ENDED, gone_at=HOUR_AT), END_AT, True),
    ],
)
def test_an_hour_waits_for_what_ended_in_it(run, now, is_ready):
    """Until its end was asked about, or for as long as it could be."""
    known = place_facts(sighted(ENDED, run), seen_until_at=now)
    meter = metered(polled(ENDED, every_slot(HOUR_AT, HOUR_AT + 600), polled_at=HOUR_AT + 700))

    assert (close(known, meter, now=max(now, END_AT)) is not None) == is_ready


@pytest.mark.parametrize(("age_seconds", "is_ready"), [(0.0, True), (1.0, False)])
def test_an_hour_waits_for_a_poll_after_what_ended_in_it(age_seconds, is_ready):
    """The last poll counts, not the time that has passed: the exporter may have been down."""
    run = ran(ENDED, ended_at=END_AT - 600)
    now = END_AT - 600 + SETTLING_SECONDS
    known = place_facts(sighted(ENDED, run), seen_until_at=now, cpu_age_seconds=age_seconds)
    meter = metered(polled(ENDED, every_slot(HOUR_AT, END_AT - 1200), polled_at=END_AT - 1000))

    assert (close(known, meter, now=now) is not None) == is_ready


@pytest.mark.parametrize(
    ("awaited", "now", "is_ready"),
    [
        ("m5.large", NOW, False),
        (WEB_PRICE, NOW, False),
        ("c5.large", NOW, True),
        (WEB_PRICE._replace(tenancy="dedicated"), NOW, True),
        # An upstream that hangs does not hold the hour open for ever.
        ("m5.large", END_AT + ANSWER_SECONDS - 1, False),
        ("m5.large", END_AT + ANSWER_SECONDS, True),
    ],
)
def test_an_hour_waits_for_the_rates_of_a_new_type(awaited, now, is_ready):
    """Its profile and its price are asked for when it is first seen, and come some time after."""
    known = replace(RUNNING, seen_until_at=now)
    closer = Closer(
        known,
        chronicle(known, now=now, lenient=True),
        tariff(facts(known, awaited=frozenset({awaited}))),
        metered(WHOLE),
        CPU_INTERVAL_SECONDS,
        now,
        now,
    )

    assert (closer.next_closing(book()) is not None) == is_ready


@pytest.mark.parametrize(("first_at", "is_ready"), [(NOW, False), (NOW - ANSWER_SECONDS, True)])
def test_the_rates_of_a_new_type_are_awaited_after_an_outage(first_at, is_ready):
    """The hour ended long ago, but nobody could ask before an inventory had shown the type."""
    old_at = HOUR_AT - 2 * ANSWER_SECONDS
    web = replace(sighted(WEB), first_at=first_at)
    known = place_facts(web)
    closer = Closer(
        known,
        chronicle(known, lenient=True),
        tariff(facts(known, awaited=frozenset({"m5.large"}))),
        metered(WHOLE),
        CPU_INTERVAL_SECONDS,
        NOW,
        NOW,
    )

    assert (closer.next_closing(book(closed_until_at=old_at)) is not None) == is_ready


@pytest.mark.parametrize(
    ("age_seconds", "since_at", "waited_seconds", "is_ready"),
    [
        # CloudWatch answers, but not about this instance: it may yet.
        (60.0, NOW - 10 * DAY, PATIENCE_SECONDS, False),
        # It has been silent for as long as it keeps points for us.
        (PATIENCE_SECONDS, NOW - 10 * DAY, PATIENCE_SECONDS, True),
        (PATIENCE_SECONDS, NOW - 10 * DAY, PATIENCE_SECONDS - 1, False),
        # It was never asked successfully, and there was time enough to.
        (None, END_AT, PATIENCE_SECONDS, True),
        (None, END_AT + 1, PATIENCE_SECONDS, False),
        # The clock jumped forward by a day: the last answer is young all the same.
        (60.0, NOW - 10 * DAY, DAY, False),
    ],
)
def test_patience_ends(age_seconds, since_at, waited_seconds, is_ready):
    """Without CloudWatch an hour is closed once its points cannot be had any more."""
    now = END_AT + waited_seconds
    known = replace(RUNNING, seen_until_at=now, cpu_age_seconds=age_seconds)

    found = close(known, before=book(since_at=since_at), now=now)

    assert (found is not None) == is_ready


def test_patience_ends_without_an_inventory_as_well():
    """An unreachable region does not hold its hours open for ever; nobody knows what ran."""
    now = END_AT + PATIENCE_SECONDS
    known = place_facts(
        sighted(WEB, ran(WEB, seen_at=HOUR_AT)),
        seen_until_at=HOUR_AT,
        cpu_age_seconds=PATIENCE_SECONDS,
    )

    found = closed(known, now=now)

    (row,) = found.rows
    assert (row.hour.running_seconds, row.hour.unknown_seconds) == (0, HOUR)
    assert found.book.accrual.accrued.cost_usd == 0


def test_a_closed_hour_is_accrued():
    """At 0 % for the whole hour: idle watts, embodied emissions, list price; emissions wait."""
    found = closed(meter=metered(WHOLE))

    accrual = found.book.accrual
    assert (found.hour_at, accrual.closed_until_at) == (HOUR_AT, END_AT)
    assert accrual.accrued.energy_joules == pytest.approx(IDLE_WATTS * HOUR)
    assert accrual.accrued.embodied_grams == pytest.approx(0.46)
    assert accrual.accrued.cost_usd == pytest.approx(USD_PER_HOUR)
    assert not any(accrual.accrued.skipped_seconds.values())
    (pending,) = accrual.pending
    joules = pytest.approx(IDLE_WATTS * HOUR * 1.25)
    assert pending == PendingEmissions("DE", HOUR_AT, joules, HOUR)  # type: ignore[arg-type]  # approximate
    (row,) = found.rows
    assert (row.instance_id, row.instance_type) == ("i-0web", "m5.large")
    assert (row.facility, row.cpu) == (Facility("DE", 1.25), "00" * 12)
    assert row.kind == Kind.of(WEB)
    assert found.book.closed == (ClosedHour(HOUR_AT, frozenset()),)


def test_hours_are_closed_one_after_the_other():
    """Each goes on where the one before it ended."""
    first = closed(meter=metered(WHOLE), before=book(closed_until_at=HOUR_AT - HOUR))
    second = closed(meter=metered(WHOLE), before=first.book)

    assert [h.hour_at for h in second.book.closed] == [HOUR_AT - HOUR, HOUR_AT]
    assert second.book.accrual.accrued.cost_usd == pytest.approx(2 * USD_PER_HOUR)


def test_an_instance_without_enough_points():
    """It has cost, its energy has a gap, and the hour notes that it was not measured."""
    known = place_facts(sighted(WEB), sighted(OTHER))
    meter = metered(
        polled(WEB, every_slot(HOUR_AT, END_AT)), polled(OTHER, every_slot(END_AT - 900, END_AT))
    )

    found = closed(known, meter)

    accrued = found.book.accrual.accrued
    assert accrued.energy_joules == pytest.approx(IDLE_WATTS * (HOUR + 900))
    assert accrued.cost_usd == pytest.approx(2 * USD_PER_HOUR)
    assert accrued.skipped_seconds[Quantity.POWER] == HOUR - 900
    assert accrued.skipped_seconds[Quantity.EMISSIONS] == HOUR - 900
    assert found.book.closed == (ClosedHour(HOUR_AT, frozenset({"i-other"})),)
    assert [row.cpu for row in found.rows] == ["00" * 12, "--" * 9 + "00" * 3]


def test_an_instance_without_a_price():
    """Its seconds are skipped for cost, and the hour notes that it had none then."""
    found = closed(meter=metered(WHOLE), prices={})

    accrued = found.book.accrual.accrued
    assert (accrued.cost_usd, accrued.skipped_seconds[Quantity.COST_USD]) == (0, HOUR)
    assert found.book.closed == (ClosedHour(HOUR_AT, frozenset(), frozenset({"i-0web"})),)
    assert accrued.energy_joules == pytest.approx(IDLE_WATTS * HOUR)


def test_an_hour_of_which_nothing_was_measured():
    """It is closed and has its cost, but no carbon: it is not among the hours that have."""
    found = closed(meter=metered(SILENT))

    assert found.book.closed == ()
    assert found.book.accrual.accrued.cost_usd == pytest.approx(USD_PER_HOUR)
    assert found.book.accrual.accrued.skipped_seconds[Quantity.POWER] == HOUR
    assert found.book.accrual.pending == ()
    assert [row.cpu for row in found.rows] == [points_text(NO_POINTS)]


def test_an_hour_of_unknown_runtime_is_not_measured():
    """Should CloudTrail tell that it ran after all, there is no power of it all the same."""
    run = ran(OTHER, seen_at=HOUR_AT - 600, gone_at=END_AT + 600)
    known = place_facts(sighted(WEB), sighted(OTHER, run, listed=False), trail=None)

    found = closed(known, metered(WHOLE), now=END_AT + 600 + SETTLING_SECONDS)

    (_, other) = found.rows
    assert (other.hour.running_seconds, other.hour.unknown_seconds) == (0, HOUR)
    (hour,) = found.book.closed
    assert hour.unmeasured == {"i-other"}


def test_an_hour_in_which_nothing_ran():
    """It is closed without a row."""
    found = closed(place_facts())

    assert (found.rows, found.book.closed) == ((), ())
    assert found.is_counted
    assert found.book.accrual.closed_until_at == END_AT
    assert found.book.accrual.accrued.cost_usd == 0


def test_counters_begin_with_the_exporter():
    """At 11:45: a quarter of the hour is counted, all of it is told, and it is covered."""
    found = closed(meter=metered(WHOLE), before=book(since_at=HOUR_AT + 45 * MINUTE))

    accrued = found.book.accrual.accrued
    assert accrued.energy_joules == pytest.approx(IDLE_WATTS * HOUR / 4)
    assert accrued.cost_usd == pytest.approx(USD_PER_HOUR / 4)
    assert accrued.embodied_grams == pytest.approx(0.46 / 4)
    (row,) = found.rows
    assert row.hour.running_seconds == HOUR
    assert found.book.closed == (ClosedHour(HOUR_AT, frozenset()),)


@pytest.mark.parametrize("since_at", [END_AT, END_AT + 1800])
@pytest.mark.parametrize("has_points", [True, False])
def test_hours_before_the_exporter_are_not_counted(has_points, since_at):
    """With points they are covered and told all the same; without they are passed over."""
    meter = metered(WHOLE) if has_points else metered(polled(WEB, every_slot(END_AT, END_AT + 600)))

    found = closed(meter=meter, before=book(since_at=since_at))

    assert found.book.accrual.accrued == Accrued()
    assert found.book.accrual.pending == ()
    assert found.book.accrual.closed_until_at == END_AT
    assert (len(found.rows), len(found.book.closed)) == ((1, 1) if has_points else (0, 0))
    assert found.is_counted == has_points


def test_a_run_that_only_cloudtrail_tells_of():
    """Ninety seconds between two inventories: cost by its type, and no point to measure it."""
    launch = TrailEvent(
        "e-1",
        HOUR_AT + 600,
        TrailAction.RUN,
        "i-brief",
        instance_type="m5.large",
        tenancy="default",
        image_id="ami-0aaaaaaaaaaaaaaaa",
    )
    end = TrailEvent("e-2", HOUR_AT + 690, TrailAction.TERMINATE, "i-brief", was="running")
    web = replace(WEB, image_id=launch.image_id)
    known = place_facts(sighted(web), trail=trail(launch, end))

    found = closed(known, metered(WHOLE))

    accrued = found.book.accrual.accrued
    assert accrued.cost_usd == pytest.approx(USD_PER_HOUR * (1 + 90 / 3600))
    assert accrued.skipped_seconds[Quantity.POWER] == 90
    assert [row.instance_id for row in found.rows] == ["i-0web", "i-brief"]
    assert found.book.closed == (ClosedHour(HOUR_AT, frozenset({"i-brief"})),)
