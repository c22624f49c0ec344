"""A place's book: how it begins, and how much of the past it keeps."""

from dataclasses import replace

from exporter.books.place_book import (
    BEFORE_START_HOURS,
    REMEMBERED_HOURS,
    ClosedHour,
    PlaceBook,
)
from exporter.core.accrual import PlaceAccrual
from exporter.core.statement import Accrued
from tests.books.scenes import HOUR, HOUR_AT
from tests.factories import FRANKFURT


def test_a_new_book():
    """Counters begin now; whole hours before that may yet be found to be covered."""
    book = PlaceBook.opened(FRANKFURT, HOUR_AT + 1234.5)

    assert book.place == FRANKFURT
    assert book.accrual.since_at == HOUR_AT + 1234.5
    assert book.accrual.closed_until_at == HOUR_AT - BEFORE_START_HOURS * HOUR
    assert book.accrual.accrued == Accrued()
    assert (book.closed, book.corrected_until_at) == ((), 0.0)


def test_hours_are_remembered_for_a_while():
    """As long as anything can look back at them, and no longer; an empty one is no hour."""
    book = replace(PlaceBook.opened(FRANKFURT, HOUR_AT), corrected_until_at=5.0)
    for number in range(200):
        hour_at = HOUR_AT + number * HOUR
        closed = None if number % 10 == 0 else ClosedHour(hour_at, frozenset({"i-1"}))
        book = book.with_hour(PlaceAccrual(HOUR_AT, hour_at + HOUR), closed)

    newest_at = HOUR_AT + 199 * HOUR
    assert book.closed[-1] == ClosedHour(newest_at, frozenset({"i-1"}))
    assert book.closed[0].hour_at >= newest_at + HOUR - REMEMBERED_HOURS * HOUR
    assert len(book.closed) == REMEMBERED_HOURS * 9 // 10
    assert book.accrual.closed_until_at == newest_at + HOUR
    assert (book.place, book.corrected_until_at) == (FRANKFURT, 5.0)
