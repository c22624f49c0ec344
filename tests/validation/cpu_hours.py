"""Recorded CPU series, cut into the twelve five-minute points of each hour."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.validation.recorded_events import instant
from tests.validation.recordings import names_in, rows_in

PATTERNS = ("cpu/nab/ec2_*.csv", "cpu/planetlab/*.csv", "cpu/bitbrains/trace.csv")

SLOT_SECONDS = 300
SLOTS = 12

Points = Sequence[float | None]
"""CPU in percent of the slots of one hour, None where there is no point."""


Slots = Mapping[int, float]
"""CPU in percent by number of the five-minute slot since the epoch."""


@dataclass(frozen=True, slots=True)
class Recording:
    """Recorded machines of one kind: the points of each."""

    name: str
    machines: Sequence[Slots]


@dataclass(frozen=True, slots=True)
class Machines:
    """Recorded machines of one kind: for each the points of its whole hours, in a row."""

    name: str
    hours: Sequence[Sequence[Points]]

    @property
    def common_hours(self) -> int:
        """How many hours all of them have."""
        return min(map(len, self.hours))


def recordings(data: Path) -> list[Recording]:
    """Real EC2 instances first; Bitbrains twice, since its recordings merge equal samples."""
    ec2 = [_cloudwatch(data, name) for name in names_in(data, PATTERNS[0])]
    planetlab = [each for name in names_in(data, PATTERNS[1]) for each in _columns(data, name)]
    return [
        Recording("EC2 instances in CloudWatch (NAB)", ec2),
        Recording("PlanetLab machines", planetlab),
        Recording("Bitbrains machines, a point per sample", _bitbrains(data, spread=False)),
        Recording(
            "Bitbrains machines, samples spread over their span", _bitbrains(data, spread=True)
        ),
    ]


def recorded_machines(data: Path) -> list[Machines]:
    """The same recordings, by hours."""
    return [
        Machines(each.name, [whole_hours(slots) for slots in each.machines])
        for each in recordings(data)
    ]


def whole_hours(slots: Mapping[int, float]) -> list[Points]:
    """Points by slot number (of the epoch) as hours; the broken hours at both ends are left out."""
    first, last = -(-min(slots) // SLOTS), (max(slots) + 1) // SLOTS
    return [
        [slots.get(hour * SLOTS + number) for number in range(SLOTS)] for hour in range(first, last)
    ]


def _slot(text: str) -> int:
    return int(instant(text) // SLOT_SECONDS)


def _cloudwatch(data: Path, name: str) -> Slots:
    return {_slot(r["timestamp"]): float(r["value"]) for r in rows_in(data, name)}


def _columns(data: Path, name: str) -> Iterable[Slots]:
    rows = rows_in(data, name)
    for column in rows[0]:
        if column != "timestamp":
            yield {_slot(r["timestamp"]): float(r[column]) for r in rows if r[column]}


def _bitbrains(data: Path, *, spread: bool) -> list[Slots]:
    """A sample ends at its time stamp; longer ones than an hour are machines switched off."""
    machines: dict[str, dict[int, float]] = defaultdict(dict)
    for row in rows_in(data, PATTERNS[2]):
        last = _slot(row["timestamp"])
        length = round(int(row["duration_ms"]) / 1000 / SLOT_SECONDS)
        for back in range(length if spread and length <= SLOTS else 1):
            machines[row["vm_id"]][last - back] = float(row["cpu_pct"])
    return [machines[vm_id] for vm_id in sorted(machines)]
