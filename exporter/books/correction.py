"""Closed hours of which CloudTrail has told more since."""

from collections.abc import Mapping
from typing import Any

from exporter.books.archive import Hour
from exporter.books.chronicle import Chronicle
from exporter.books.closing import HourRow
from exporter.books.tariff import Tariff
from exporter.core.fleet import Place
from exporter.core.metering import NO_POINTS, InstanceHour, instance_hour, points_text

_TOLERANCE_SECONDS = 1e-6


def corrected_hour(
    place: Place,
    hour_at: float,
    columns: Mapping[str, Any] | None,
    chronicle: Chronicle,
    tariff: Tariff,
) -> Hour | None:
    """The hour with the runtimes known by now; None where nothing changed.

    ``columns`` is what the archive has of it. Energy stays as it was metered.
    """
    recorded = _by_instance(columns or {})
    rows, changed = [], False
    for instance_id in chronicle.ids(hour_at):
        instance = chronicle.instance(instance_id)
        if instance is None:
            continue
        runtime, rates = chronicle.runtime(instance_id), tariff.rates(instance, hour_at)
        hour = instance_hour(runtime, NO_POINTS, rates, hour_at)
        before = recorded.get(instance_id, {})
        if not (before or hour.running_seconds or hour.unknown_seconds):
            continue
        changed = changed or _differs(before, hour)
        cpu = before.get("cpu", points_text(NO_POINTS))
        rows.append(HourRow(instance, tariff.facility(instance), _metered(hour, before), cpu))
    return Hour(place, hour_at, tuple(rows)) if changed else None


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
