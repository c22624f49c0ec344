"""Use by hour and group: what was told last of a place and hour, for 42 complete days."""

from collections.abc import Iterable
from math import fsum

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.books.archive import KEPT_SECONDS
from exporter.books.usage_book import UsageBook
from exporter.core.fleet import Place, PurchaseOption
from exporter.core.scenarios.usage import HourOfUse, UsageHistory, UsageKey, Use
from tests.books.scenes import DAY, DAY_AT, HOUR
from tests.factories import DUBLIN, FRANKFURT

WEB = UsageKey(
    FRANKFURT.account_id,
    FRANKFURT.region,
    "m5.large",
    "RunInstances",
    "default",
    PurchaseOption.ON_DEMAND,
    "prod",
)
TEST = WEB._replace(environment="test")
LOCAL = WEB._replace(location="eu-central-1-ham-1")
"""A Local Zone: its location is not the region, but its place is."""
FAR = WEB._replace(location=DUBLIN.region)
GROUPS = {FRANKFURT: [WEB, TEST, LOCAL], DUBLIN: [FAR]}
NEXT_AT = DAY_AT + DAY


def use(key: UsageKey = WEB, running_seconds: float = 3600.0, cost_usd: float = 0.1) -> Use:
    return Use(key, running_seconds, 3000.0, 9.0, 3500.0, cost_usd)


def hour(hour_at: float, *uses: Use, place: Place = FRANKFURT) -> HourOfUse:
    return HourOfUse(place, hour_at, uses, ())


def book_of(hours: Iterable[HourOfUse]) -> UsageBook:
    book = UsageBook()
    for each in hours:
        book.take(each)
    return book


def used(history: UsageHistory) -> dict[tuple[UsageKey, float], tuple[float, ...]]:
    """What is not zero, by group and hour."""
    return {
        (series.key, history.since_at + number * HOUR): columns
        for series in history.series
        for number, columns in enumerate(
            zip(
                series.running_seconds,
                series.measured_seconds,
                series.energy_joules,
                series.priced_seconds,
                series.cost_usd,
                strict=True,
            )
        )
        if any(columns)
    }


def known(history: UsageHistory) -> set[float]:
    return {history.since_at + n * HOUR for n, is_known in enumerate(history.known) if is_known}


def test_an_empty_book():
    """No hour of any day is known."""
    history = UsageBook().history(NEXT_AT + HOUR)

    assert (history.since_at, history.until_at) == (NEXT_AT, NEXT_AT)
    assert (history.known, history.series) == ([], ())


def test_every_column_has_its_own_place():
    """One group's hour, in the order of the columns; the other hours of the day are not known."""
    history = book_of([hour(DAY_AT + 5 * HOUR, use())]).history(NEXT_AT)

    (series,) = history.series
    assert series.key == WEB
    assert (history.since_at, len(history.known), sum(history.known)) == (DAY_AT, 24, 1)
    assert history.known[5]
    assert used(history) == {(WEB, DAY_AT + 5 * HOUR): (3600.0, 3000.0, 9.0, 3500.0, 0.1)}


def test_only_complete_days_before_an_instant():
    """The day of the instant is left out, and what came after it."""
    hours = [hour(DAY_AT + number * 12 * HOUR, use()) for number in range(4)]

    history = book_of(hours).history(NEXT_AT + 23 * HOUR)

    assert (history.since_at, history.until_at) == (DAY_AT, NEXT_AT)
    assert known(history) == {DAY_AT, DAY_AT + 12 * HOUR}


def test_a_day_without_any_hour_between_others():
    """The exporter was down: its hours are there, and are not known."""
    history = book_of([hour(DAY_AT - DAY, use()), hour(NEXT_AT, use())]).history(NEXT_AT + DAY)

    assert len(history.known) == 3 * 24
    assert known(history) == {DAY_AT - DAY, NEXT_AT}


def test_a_corrected_hour_replaces_that_of_its_place():
    """Groups that are no longer in it are gone; other places and hours stay."""
    book = book_of(
        [
            hour(DAY_AT, use(WEB), use(LOCAL)),
            hour(DAY_AT, use(FAR), place=DUBLIN),
            hour(DAY_AT + HOUR, use(WEB), use(LOCAL)),
        ]
    )

    book.take(hour(DAY_AT, use(TEST), use(WEB, 60.0)))

    found = used(book.history(NEXT_AT))
    assert {key: columns[0] for key, columns in found.items()} == {
        (WEB, DAY_AT): 60.0,
        (TEST, DAY_AT): 3600.0,
        (FAR, DAY_AT): 3600.0,
        (WEB, DAY_AT + HOUR): 3600.0,
        (LOCAL, DAY_AT + HOUR): 3600.0,
        # The next hour of the other place is not closed yet.
        (FAR, DAY_AT + HOUR): 3600.0,
    }


def test_an_hour_in_which_nothing_ran_is_known():
    """Of one place of two: whether anything of the other is missing, its own rows tell."""
    history = book_of([hour(DAY_AT, place=DUBLIN)]).history(NEXT_AT)

    assert known(history) == {DAY_AT}
    assert history.series == ()


@pytest.mark.parametrize("newest_at", [NEXT_AT, NEXT_AT + 23 * HOUR])
def test_days_are_kept_for_six_weeks(newest_at):
    """42 complete days beside today; what is told of days before them comes too late."""
    first_at = NEXT_AT - KEPT_SECONDS
    late = hour(first_at - HOUR, use())
    book = book_of([late, hour(first_at, use()), hour(newest_at, use()), late])

    assert known(book.history(NEXT_AT)) == {first_at}
    assert known(book.history(newest_at + DAY)) == {newest_at}
    assert len(book._days) == 2


def hours_of(
    place: Place, key: UsageKey, *numbers: int, seconds: float = 3600.0
) -> list[HourOfUse]:
    """Hours of that day in which one group ran."""
    return [hour(DAY_AT + n * HOUR, use(key, seconds), place=place) for n in numbers]


def presumed(history: UsageHistory, key: UsageKey) -> dict[int, tuple[float, ...]]:
    """By hour since that day began, what one group counts as where its place was not watched."""
    return {
        round((at - DAY_AT) / HOUR): columns
        for (found, at), columns in used(history).items()
        if found == key and not any(columns[1:])
    }


def test_a_place_that_was_added_ran_before_as_it_does_since():
    """Its mean counts as running, in none of it was anything measured or priced."""
    watched = hours_of(FRANKFURT, WEB, *range(-48, 24))
    added = [
        *hours_of(DUBLIN, FAR, *range(16), seconds=3600.0),
        *(hour(DAY_AT + n * HOUR, place=DUBLIN) for n in range(16, 24)),
    ]

    history = book_of([*watched, *added]).history(NEXT_AT)

    assert presumed(history, FAR) == dict.fromkeys(range(-48, 0), (2400.0, 0.0, 0.0, 0.0, 0.0))
    assert presumed(history, WEB) == {}
    (far,) = (series for series in history.series if series.key == FAR)
    assert sum(far.running_seconds) == 48 * 2400 + 16 * 3600
    assert sum(far.cost_usd) == pytest.approx(16 * 0.1)


def test_a_gap_of_one_place():
    """Between its hours, however long it is, and also if it ends only today."""
    watched = hours_of(FRANKFURT, WEB, *range(-96, 24))
    before, today = hours_of(DUBLIN, FAR, *range(-96, -80)), hours_of(DUBLIN, FAR, 30)

    book = book_of([*watched, *before, *today])

    assert set(presumed(book.history(NEXT_AT), FAR)) == set(range(-80, 24))


def test_a_place_that_is_no_longer_polled_has_ended():
    """For a day after its last hour it may be late; later it counts as nothing."""
    watched = hours_of(FRANKFURT, WEB, *range(-96, 24))

    history = book_of([*watched, *hours_of(DUBLIN, FAR, *range(-96, -72))]).history(NEXT_AT)

    assert set(presumed(history, FAR)) == set(range(-72, -48))


def test_hours_that_nobody_closed_are_not_presumed():
    """They are not known: weeks are scaled by how many of their hours are."""
    watched = hours_of(FRANKFURT, WEB, *range(10), *range(14, 24))

    history = book_of([*watched, *hours_of(DUBLIN, FAR, 5, 20)]).history(NEXT_AT)

    assert set(presumed(history, FAR)) == set(range(24)) - {5, 20, *range(10, 14)}
    assert presumed(history, WEB) == {}


def test_the_share_that_was_watched_is_what_is_covered():
    """Two alike places, one of them for a quarter of the time: five eighths are measured."""
    watched = hours_of(FRANKFURT, WEB, *range(-72, 24))

    history = book_of([*watched, *hours_of(DUBLIN, FAR, *range(24))]).history(NEXT_AT)

    running = sum(sum(series.running_seconds) for series in history.series)
    priced = sum(sum(series.priced_seconds) for series in history.series)
    assert priced / running == pytest.approx(5 / 8 * 3500 / 3600)


USES = st.sampled_from([FRANKFURT, DUBLIN]).flatmap(
    lambda place: st.builds(
        lambda number, told: hour(DAY_AT + number * HOUR, *told, place=place),
        st.integers(-60, 40),
        st.lists(
            st.builds(use, st.sampled_from(GROUPS[place]), st.floats(0, 3600), st.floats(0, 9)),
            unique_by=lambda each: each.key,
        ),
    )
)


@given(st.lists(USES, max_size=30))
def test_the_last_word_on_each_place_and_hour_counts(hours):
    """In whatever order, and taken twice: what is held is the newest of each, and nothing else."""
    last = {(each.place, each.hour_at): each for each in hours}
    told_of = {at for _, at in last if at < NEXT_AT}
    expected = {
        (found.key, at): tuple(found[1:])
        for (_, at), each in last.items()
        for found in each.uses
        if at < NEXT_AT
    }
    for place, keys in GROUPS.items():
        own = {at for found, at in last if found == place}
        for key in keys:
            seconds = [expected.get((key, at), (0.0,))[0] for at in own & told_of]
            for at in told_of - own:
                if seconds and at <= max(own) + DAY:
                    expected[key, at] = (fsum(seconds) / len(seconds), 0.0, 0.0, 0.0, 0.0)

    for told in (hours, [*hours, *last.values()]):
        history = book_of(told).history(NEXT_AT)
        assert used(history) == {
            key: pytest.approx(columns) for key, columns in expected.items() if any(columns)
        }
        assert known(history) == told_of
