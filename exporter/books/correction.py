"""Closed hours of which CloudTrail has told more since."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from exporter.books.archive import Archive, Hour
from exporter.books.chronicle import Chronicle
from exporter.books.closing import HourRow
from exporter.books.place_book import REMEMBERED_HOURS, PlaceBook
from exporter.books.tariff import Tariff
from exporter.core.accrual import Facility, skip_seconds
from exporter.core.fleet import Place
from exporter.core.metering import NO_POINTS, InstanceHour, hour_of, instance_hour, points_text
from exporter.core.units import SECONDS_PER_HOUR

LATE_SECONDS = 2 * SECONDS_PER_HOUR
"""How late CloudTrail is allowed for, as in its source."""

_TOLERANCE_SECONDS = 1e-6


@dataclass(frozen=True, slots=True)
class Correction:
    """A closed hour with the runtimes known by now, and running seconds it lacked, by instance."""

    hour: Hour
    missed_seconds: Mapping[str, float]


class Corrections:
    """Corrects the recorded hours of some places, from what CloudTrail tells by now.

    ``until_at`` is the begin of the first hour that CloudTrail does not cover yet.
    """

    def __init__(
        self,
        archive: Archive,
        chronicles: Mapping[Place, Chronicle],
        until_at: Mapping[Place, float],
        tariff: Tariff,
    ) -> None:
        self._archive = archive
        self._chronicles = chronicles
        self._until_at = until_at
        self._tariff = tariff

    def apply(self, books: Mapping[Place, PlaceBook]) -> dict[Place, PlaceBook]:
        """Write the hours that have changed; the books with what they missed. Raises OSError."""
        corrected = {
            place: replace(books[place], corrected_until_at=self._until_at[place])
            for place in self._chronicles
        }
        begins = {place: self._begin(books[place], self._until_at[place]) for place in corrected}
        hour_at = min(begins.values())
        while hour_at < max(self._until_at.values()):
            due = [p for p in corrected if begins[p] <= hour_at < self._end(books[p])]
            for correction in self._hour(hour_at, due) if due else ():
                place = correction.hour.place
                corrected[place] = _with_missed(corrected[place], correction)
            hour_at += SECONDS_PER_HOUR
        return corrected

    def _begin(self, book: PlaceBook, until_at: float) -> float:
        """Late events may change the hours before those that are new."""
        begin_at = max(book.corrected_until_at - LATE_SECONDS, hour_of(book.accrual.since_at))
        return max(begin_at, until_at - REMEMBERED_HOURS * SECONDS_PER_HOUR)

    def _end(self, book: PlaceBook) -> float:
        return min(self._until_at[book.place], book.accrual.closed_until_at)

    def _hour(self, hour_at: float, places: Iterable[Place]) -> list[Correction]:
        recorded = self._archive.hour(hour_at)
        found = []
        for place in places:
            chronicle, columns = self._chronicles[place], recorded.get(place)
            correction = corrected_hour(place, hour_at, columns, chronicle, self._tariff)
            found += [correction] if correction else []
        self._archive.add_hours(correction.hour for correction in found)
        return found


def _with_missed(book: PlaceBook, correction: Correction) -> PlaceBook:
    """Count what was missed as skipped, and as not measured."""
    hour_at, missed = correction.hour.hour_at, correction.missed_seconds
    closed = tuple(
        replace(hour, unmeasured=hour.unmeasured.union(missed)) if hour.hour_at == hour_at else hour
        for hour in book.closed
    )
    if hour_at < book.accrual.since_at:  # the counters begin inside this hour
        return replace(book, closed=closed)
    accrual = skip_seconds(book.accrual, sum(missed.values()))
    return replace(book, closed=closed, accrual=accrual)


def corrected_hour(
    place: Place,
    hour_at: float,
    columns: Mapping[str, Any] | None,
    chronicle: Chronicle,
    tariff: Tariff,
) -> Correction | None:
    """The hour with the runtimes known by now; None where nothing changed, or it was lost.

    ``columns`` is what the archive has of it. Energy stays as it was metered, and so does an
    instance of which nobody tells any more.
    """
    if columns is None:
        return None
    recorded = _by_instance(columns)
    rows, changed = [], False
    missed_seconds: dict[str, float] = {}
    for instance_id in chronicle.ids(hour_at):
        instance, before = chronicle.instance(instance_id), recorded.pop(instance_id, {})
        if instance is None:
            continue
        runtime, rates = chronicle.runtime(instance_id), tariff.rates(instance, hour_at)
        hour = instance_hour(runtime, NO_POINTS, rates, hour_at)
        if not (before or hour.running_seconds or hour.unknown_seconds):
            continue
        changed = changed or _differs(before, hour)
        more_seconds = hour.running_seconds - before.get("running_seconds", 0.0)
        if more_seconds > _TOLERANCE_SECONDS:
            missed_seconds[instance_id] = more_seconds
        cpu, kind = before.get("cpu", points_text(NO_POINTS)), instance.instance_type
        facility = tariff.facility(instance)
        rows.append(HourRow(instance_id, kind, facility, _metered(hour, before), cpu))
    rows += [_kept(before) for before in recorded.values()]
    return Correction(Hour(place, hour_at, tuple(rows)), missed_seconds) if changed else None


def _kept(before: Mapping[str, Any]) -> HourRow:
    """The row as it is recorded."""
    hour = InstanceHour(
        before["running_seconds"],
        before["billed_seconds"],
        before["unknown_seconds"],
        before["measured_seconds"],
        before["energy_joules"] or 0.0,
        before["embodied_grams"],
        before["cost_usd"],
    )
    facility = Facility(before["grid_zone"], before["pue_ratio"])
    return HourRow(before["instance_id"], before["instance_type"], facility, hour, before["cpu"])


def _by_instance(columns: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    names = list(columns)
    rows = zip(*columns.values(), strict=True)
    return {row[names.index("instance_id")]: dict(zip(names, row, strict=True)) for row in rows}


def _differs(before: Mapping[str, Any], hour: InstanceHour) -> bool:
    return any(
        abs(before.get(name, 0.0) - getattr(hour, name)) > _TOLERANCE_SECONDS
        for name in ("running_seconds", "billed_seconds", "unknown_seconds")
    )


def _metered(hour: InstanceHour, before: Mapping[str, Any]) -> InstanceHour:
    return InstanceHour(
        hour.running_seconds,
        hour.billed_seconds,
        hour.unknown_seconds,
        min(before.get("measured_seconds", 0.0), hour.running_seconds),
        before.get("energy_joules") or 0.0,
        hour.embodied_grams,
        hour.cost_usd if before.get("cost_usd") is None else _rescaled(hour, before),
    )


def _rescaled(hour: InstanceHour, before: Mapping[str, Any]) -> float | None:
    """Cost at the price of its own hour, not at today's."""
    billed = before.get("billed_seconds", 0.0)
    return before["cost_usd"] * hour.billed_seconds / billed if billed else hour.cost_usd
