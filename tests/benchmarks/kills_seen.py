"""One closed hour as the history has it, held against the truth, instance by instance."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from exporter.core.fleet import Place
from tests.benchmarks.kills_state import Counters
from tests.benchmarks.kills_truth import (
    COUNTED,
    EVER,
    NO_POINT,
    SLOT_SECONDS,
    SLOTS,
    TrueHour,
    Truth,
)

RELATIVE_TOLERANCE = 1e-9
ABSOLUTE_TOLERANCE = 1e-6
SAME_SECONDS = 1e-3

Columns = Mapping[str, list[Any]]
Row = Mapping[str, Any]


def agree(one: float, other: float) -> bool:
    """Whether two amounts are the same but for rounding."""
    return abs(one - other) <= ABSOLUTE_TOLERANCE + RELATIVE_TOLERANCE * max(abs(one), abs(other))


def rows_of(columns: Columns) -> dict[str, Row]:
    """The rows of a record by instance."""
    rows = (dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True))
    return {row["instance_id"]: row for row in rows}


def points_of(row: Row) -> dict[int, str]:
    """The points that a row has, by slot, as they are written."""
    texts = {i: row["cpu"][2 * i : 2 * i + 2] for i in SLOTS}
    return {slot: text for slot, text in texts.items() if text != NO_POINT}


@dataclass(slots=True)
class Seen:
    """What an hour must add to the counters, given which of its points there are.

    ``lost`` points were measured, but are not in the hour. ``unseen`` seconds ran unknown to the
    exporter until CloudTrail told of them; ``assumed`` ones did not run: an instance of whose end
    nobody has told yet ran until the end of the last slot with a point, by the rules. Those
    instances count as recorded, and have a ``surplus`` of what they have too much.
    """

    counters: Counters = field(default_factory=lambda: dict.fromkeys(COUNTED, 0.0))
    measured_seconds: float = 0.0
    lost_points: int = 0
    lost_seconds: float = 0.0
    unseen_seconds: float = 0.0
    assumed_seconds: float = 0.0
    surplus: Counters = field(default_factory=lambda: dict.fromkeys(COUNTED, 0.0))
    problems: list[str] = field(default_factory=list)

    def _add(self, usage: Mapping[str, float], measured_seconds: float) -> None:
        self.counters = {name: amount + usage[name] for name, amount in self.counters.items()}
        self.measured_seconds += measured_seconds

    def _approximate(
        self, instance_id: str, row: Row | None, true: TrueHour | None, missing_seconds: float
    ) -> None:
        """Take an instance as it is recorded, if that can be so."""
        self.unseen_seconds += max(0.0, missing_seconds)
        self.assumed_seconds += max(0.0, -missing_seconds)
        end_unknown = row is not None and row["unknown_seconds"] > 0
        if missing_seconds < (-SLOT_SECONDS if end_unknown else 0.0):
            self.problems.append(f"{instance_id} ran {-missing_seconds:.3f} s too long")
        recorded = _as_recorded(row)
        used = true.usage(SLOTS) if true else dict.fromkeys(COUNTED, 0.0)
        self._add(recorded, row["measured_seconds"] if row else 0.0)
        for name, amount in recorded.items():
            self.surplus[name] += max(0.0, amount - used[name])

    @classmethod
    def of(
        cls, truth: Truth, place: Place, hour_at: float, columns: Columns, since_at: float
    ) -> "Seen":
        """Compare a record with the truth; only what ran since ``since_at`` is counted."""
        seen, rows = cls(), rows_of(columns)
        whole, counted = (truth.hour(place, hour_at, at) for at in (EVER, since_at))
        for instance_id in sorted(whole.keys() | rows.keys()):
            row, true = rows.get(instance_id), whole.get(instance_id)
            recorded_seconds = row["running_seconds"] if row else 0.0
            missing_seconds = (true.running_seconds if true else 0.0) - recorded_seconds
            if abs(missing_seconds) > SAME_SECONDS:
                seen._approximate(instance_id, row, true, missing_seconds)
            elif row and true:
                points = points_of(row)
                wrong = [slot for slot, text in points.items() if text != true.cpu(slot)]
                if wrong or not agree(row["energy_joules"] or 0.0, true.joules(points)):
                    seen.problems.append(f"{instance_id}: points or energy are not the true ones")
                if instance_id in counted:
                    part = counted[instance_id]
                    lost = part.measurable() - points.keys()
                    seen.lost_points += len(lost)
                    seen.lost_seconds += part.measured_seconds(lost)
                    measured = part.measured_seconds(points)
                    is_part = since_at > hour_at
                    seen._add(part.usage(points), measured if is_part else row["measured_seconds"])
        return seen


def _as_recorded(row: Row | None) -> Counters:
    """What a row adds by its own account."""
    if row is None:
        return dict.fromkeys(COUNTED, 0.0)
    unmeasured = row["running_seconds"] - row["measured_seconds"]
    return {
        "energy_joules": row["energy_joules"] or 0.0,
        "embodied_grams": row["embodied_grams"] or 0.0,
        "cost_usd": row["cost_usd"] or 0.0,
        "skipped power": unmeasured,
        "skipped emissions": unmeasured,
        "skipped embodied": row["running_seconds"] if row["embodied_grams"] is None else 0.0,
        "skipped cost_usd": row["running_seconds"] if row["cost_usd"] is None else 0.0,
    }
