"""Closed hours of which CloudTrail has told more since."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from exporter.books.chronicle import Chronicle
from exporter.books.closing import HourRow
from exporter.books.hour import Hour
from exporter.books.place_book import REMEMBERED_HOURS, PlaceBook
from exporter.books.tariff import Tariff
from exporter.core.accrual import Facility, skip_seconds
from exporter.core.fleet import Place
from exporter.core.metering import NO_POINTS, InstanceHour, hour_of, instance_hour, points_text
from exporter.core.scenarios.kind import Kind
from exporter.core.units import SECONDS_PER_HOUR

LATE_SECONDS = 2 * SECONDS_PER_HOUR
"""How late CloudTrail is allowed for, as in its source."""

_TOLERANCE_SECONDS = 1e-6


@dataclass(frozen=True, slots=True)
class Correction:
    """A closed hour with the runtimes known by now, and running seconds it lacked, by instance."""

    hour: Hour
    missed_seconds: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Round:
    """The hours of one place that are to be corrected: ``hour_at`` is next, up to ``until_at``."""

    hour_at: float
    until_at: float

    @property
    def is_last(self) -> bool:
        """Whether no hour follows."""
        return self.hour_at + SECONDS_PER_HOUR >= self.until_at

    @property
    def following(self) -> "Round":
        """The round after this hour."""
        return Round(self.hour_at + SECONDS_PER_HOUR, self.until_at)


def correction_round(book: PlaceBook, trail_until_at: float) -> Round | None:
    """What CloudTrail throws new light on; late events may change the hours before. None if none.

    ``trail_until_at`` is the end of what CloudTrail covers by now.
    """
    until_at = min(hour_of(trail_until_at), book.accrual.closed_until_at)
    if until_at <= book.corrected_until_at:
        return None
    begin_at = max(book.corrected_until_at - LATE_SECONDS, hour_of(book.accrual.since_at))
    oldest_at = until_at - REMEMBERED_HOURS * SECONDS_PER_HOUR
    return Round(max(begin_at, oldest_at), until_at)


def with_missed(book: PlaceBook, correction: Correction) -> PlaceBook:
    """Count what was missed as skipped, and as not measured."""
    hour_at, missed = correction.hour.hour_at, correction.missed_seconds
    told = [row for row in correction.hour.rows if row.instance_id in missed]
    unmeasured = {row.instance_id for row in told if not row.hour.is_measured}
    unpriced = {row.instance_id for row in told if row.hour.cost_usd is None}
    closed = tuple(
        hour if hour.hour_at != hour_at else hour.with_exceptions(unmeasured, unpriced)
        for hour in book.closed
    )
    is_counted = book.counted_at == hour_at  # by a process that ended before it wrote the hour
    if is_counted or hour_at < book.accrual.since_at:  # the counters begin inside that hour
        return replace(book, closed=closed)
    accrual = skip_seconds(book.accrual, sum(missed.values()))
    return replace(book, closed=closed, accrual=accrual, counted_at=hour_at)


def corrected_hour(
    place: Place,
    hour_at: float,
    columns: Mapping[str, Any] | None,
    chronicle: Chronicle,
    tariff: Tariff,
) -> Correction | None:
    """The hour with the runtimes known by now; None where nothing changed, or it was lost.

    ``columns`` is what the archive has of it. Energy stays as it was metered, the instance what
    it was then, and so does one of which nobody tells any more.
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
        rows.append(
            HourRow(
                instance_id,
                before.get("instance_type", instance.instance_type),
                tariff.facility(instance),
                _metered(hour, before),
                before.get("cpu", points_text(NO_POINTS)),
                before.get("kind") or Kind.of(instance),
            )
        )
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
    identity = before["instance_id"], before["instance_type"]
    return HourRow(*identity, facility, hour, before["cpu"], before["kind"])


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
