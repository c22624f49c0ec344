"""The exporter's body beside the second calculation."""

import math
from collections import Counter
from dataclasses import replace
from typing import Any

from expectation import Circumstances, Expectation
from exposition import Exposition
from invariants import FLEET_TOTALS, PER_INSTANCE

RELATIVE_TOLERANCE = 1e-6
ABSOLUTE_TOLERANCE = 1e-8
"""CloudWatch answers with six decimals of a percent: 5e-9 of a load that may be almost nothing."""


def circumstances(body: Exposition, polled_at: float, **special: Any) -> Circumstances:
    """What the body says it was calculated from: newest CPU points, and the grid's hours."""
    newest = {
        (series.labels["account_id"], series.labels["region"]): series.value
        for series in body.by_name.get("cpu_newest_point_timestamp_seconds", ())
    }
    hours = {
        series.labels["grid_zone"]: series.value
        for series in body.by_name.get("grid_carbon_intensity_timestamp_seconds", ())
    }
    return replace(Circumstances(polled_at, newest, hours), **special)


def disagreements(body: Exposition, expected: Expectation) -> list[str]:
    """Every difference in values, gaps, totals and states."""
    found = []
    for quantity, name in PER_INSTANCE.items():
        found += [f"{name} {d}" for d in differing(expected, quantity, body.by_instance(name))]
    found += _gaps(body, expected)
    for quantity, (name, _) in FLEET_TOTALS.items():
        values = expected.values.get(quantity, {}).values()
        if not _agree(body.value(name), sum(values) if values else None):
            found.append(f"{name}: {body.value(name)}, expected {sum(values)}")
    found += _states(body, expected)
    return found


def differing(expected: Expectation, quantity: str, shown: dict[str, float]) -> list[str]:
    """Differences of one per-instance quantity."""
    wanted = expected.values.get(quantity, {})
    return [
        f"{i} ({expected.listed[i]['label'] if i in expected.listed else 'not in the truth'}): "
        f"{shown.get(i)}, expected {wanted.get(i)}"
        for i in sorted(wanted.keys() | shown.keys())
        if not _agree(shown.get(i), wanted.get(i))
    ]


def _agree(shown: float | None, wanted: float | None) -> bool:
    if shown is None or wanted is None:
        return shown is wanted
    return math.isclose(shown, wanted, rel_tol=RELATIVE_TOLERANCE, abs_tol=ABSOLUTE_TOLERANCE)


def _gaps(body: Exposition, expected: Expectation) -> list[str]:
    shown = Counter({k: n for k, n in body.gaps().items() if k[2] != "runtime"})
    return [
        f"gaps {key}: {shown[key]}, expected {expected.gaps[key]}"
        for key in sorted(shown.keys() | expected.gaps.keys())
        if shown[key] != expected.gaps[key]
    ]


def _states(body: Exposition, expected: Expectation) -> list[str]:
    running = body.by_instance("instance_running")
    wanted = {i: float(row["state"] == "running") for i, row in expected.listed.items()}
    found = [
        f"instance_running {i}: {running.get(i)}, expected {wanted.get(i)}"
        for i in sorted(running.keys() | wanted.keys())
        if running.get(i) != wanted.get(i)
    ]
    shown = {
        (s.labels["account_id"], s.labels["region"], s.labels["state"]): s.value
        for s in body.by_name.get("instances", ())
    }
    return found + [
        f"instances {key}: {shown.get(key)}, expected {expected.states[key]}"
        for key in sorted(shown.keys() | expected.states.keys())
        if shown.get(key, 0) != expected.states[key]
    ]
