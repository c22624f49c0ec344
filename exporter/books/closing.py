"""Closing an hour of one place: once its CPU points are in, or cannot be had any more."""

from dataclasses import dataclass, replace
from typing import NamedTuple

from exporter.books.chronicle import Chronicle
from exporter.books.facts import PlaceFacts
from exporter.books.meter import Meter
from exporter.books.place_book import ClosedHour, PlaceBook
from exporter.books.tariff import Tariff
from exporter.core.accrual import Facility, accrue_hour
from exporter.core.fleet import SightedRun, Sighting
from exporter.core.metering import NO_POINTS, InstanceHour, instance_hour, points_text
from exporter.core.scenarios.kind import Kind
from exporter.core.units import SECONDS_PER_HOUR

PATIENCE_SECONDS = 16 * SECONDS_PER_HOUR
"""Points that are older are not asked for any more: the hour is closed without them."""

ANSWER_SECONDS = 2 * SECONDS_PER_HOUR
"""So long an hour waits for the price or profile of a type that is new to the exporter."""

PUBLICATION_SECONDS = 1200.0
"""A run that ended is asked about once more: polls so late after the settling time have done so."""


class HourRow(NamedTuple):
    """One instance in one closed hour; ``kind`` is None where an old record does not tell it."""

    instance_id: str
    instance_type: str
    facility: Facility
    hour: InstanceHour
    cpu: str
    kind: Kind | None = None


@dataclass(frozen=True, slots=True)
class Closing:
    """A place's book with one more hour, and what happened in that hour."""

    book: PlaceBook
    hour_at: float
    rows: tuple[HourRow, ...]

    @property
    def is_counted(self) -> bool:
        """Whether it is in the counters, or holds anything: else it is from before the start."""
        return bool(self.rows) or self.hour_at + SECONDS_PER_HOUR > self.book.accrual.since_at


class Closer:
    """Closes hours of one place from one body of facts, none that ends after ``horizon_at``."""

    def __init__(
        self,
        facts: PlaceFacts,
        chronicle: Chronicle,
        tariff: Tariff,
        meter: Meter,
        cpu_interval_seconds: float,
        now: float,
        horizon_at: float,
    ) -> None:
        self._facts = facts
        self._chronicle = chronicle
        self._tariff = tariff
        self._meter = meter
        self._settling_seconds = 2 * cpu_interval_seconds + PUBLICATION_SECONDS
        self._now = now
        self._horizon_at = min(now, horizon_at)
        # Not the time of day: while the exporter was down nobody could ask.
        self._polled_at = now - (facts.cpu_age_seconds or 0.0)

    def next_closing(self, book: PlaceBook) -> Closing | None:
        """Close the next hour, if it is ready."""
        hour_at = book.accrual.closed_until_at
        end_at = hour_at + SECONDS_PER_HOUR
        since_at = book.accrual.since_at
        if end_at > self._horizon_at or not self._is_ready(hour_at, end_at, since_at):
            return None
        accrual = replace(book.accrual, closed_until_at=end_at)
        if end_at <= since_at and not self._has_points(hour_at):
            return Closing(book.with_hour(accrual, None), hour_at, ())
        rows = tuple(self._rows(hour_at, float("-inf")))
        if end_at > since_at:
            counted = rows if since_at <= hour_at else tuple(self._rows(hour_at, since_at))
            used = ((row.facility, row.hour) for row in counted)
            accrual = accrue_hour(book.accrual, hour_at, used)
        closed = None
        if any(row.hour.measured_seconds for row in rows):
            unmeasured = (row.instance_id for row in rows if not row.hour.is_measured)
            unpriced = (row.instance_id for row in rows if row.hour.cost_usd is None)
            closed = ClosedHour(hour_at, frozenset(unmeasured), frozenset(unpriced))
        return Closing(book.with_hour(accrual, closed), hour_at, rows)

    def _has_points(self, hour_at: float) -> bool:
        ids = (sighting.instance.instance_id for sighting in self._chronicle.sightings())
        return any(self._meter.points(i, hour_at) is not NO_POINTS for i in ids)

    def _rows(self, hour_at: float, since_at: float) -> list[HourRow]:
        rows = []
        for instance_id in self._chronicle.ids(hour_at):
            instance = self._chronicle.instance(instance_id)
            if instance is None:
                continue
            points = self._meter.points(instance_id, hour_at)
            runtime = self._chronicle.runtime(instance_id)
            rates = self._tariff.rates(instance, hour_at)
            hour = instance_hour(runtime, points, rates, hour_at, since_at)
            if hour.running_seconds or hour.unknown_seconds or hour.billed_seconds:
                rows.append(
                    HourRow(
                        instance_id,
                        instance.instance_type,
                        self._tariff.facility(instance),
                        hour,
                        points_text(points),
                        Kind.of(instance),
                    )
                )
        return rows

    def _is_ready(self, hour_at: float, end_at: float, since_at: float) -> bool:
        """Whether nothing more will be known; a poll's age runs on a clock that never jumps."""
        age_seconds = self._facts.cpu_age_seconds
        silent_seconds = self._now - since_at if age_seconds is None else age_seconds
        if min(self._now - end_at, silent_seconds) >= PATIENCE_SECONDS:
            return True
        if self._facts.seen_until_at < end_at:
            return False
        return all(
            self._is_metered(sighting.instance.instance_id, run, end_at)
            and not self._is_awaited(sighting, run, max(end_at, since_at))
            for sighting in self._chronicle.sightings()
            for run in sighting.runs
            if run.launched_at < end_at and (_end(run) or end_at) > hour_at
        )

    def _is_metered(self, instance_id: str, run: SightedRun, end_at: float) -> bool:
        run_end_at = _end(run)
        wanted_at = end_at if run_end_at is None else min(end_at, run_end_at)
        if self._meter.is_metered(instance_id, wanted_at):
            return True
        return run_end_at is not None and self._polled_at - run_end_at >= self._settling_seconds

    def _is_awaited(self, sighting: Sighting, run: SightedRun, due_at: float) -> bool:
        """Whether its rates are about to be known; nobody could ask before it was first seen."""
        if self._now - max(due_at, sighting.first_at) >= ANSWER_SECONDS:
            return False
        return self._tariff.is_awaited(sighting.instance, run.instance_type)


def _end(run: SightedRun) -> float | None:
    return run.ended_at if run.ended_at is not None else run.gone_at
