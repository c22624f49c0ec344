"""One closed hour of one place: its rows, and what groups of like instances used."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from exporter.books.closing import HourRow
from exporter.core.fleet import Place
from exporter.core.scenarios.kind import Kind
from exporter.core.scenarios.usage import HourOfUse, Use

OnClosed = Callable[[Sequence[HourOfUse]], None]
"""Is told of every closed or corrected hour, once it cannot be lost any more."""


def nobody(_: Sequence[HourOfUse]) -> None:
    """Is told, and does nothing."""


@dataclass(frozen=True, slots=True)
class Hour:
    """Rows of one place in one closed hour, and their sums by group."""

    place: Place
    hour_at: float
    rows: tuple[HourRow, ...]
    uses: tuple[Use, ...] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        # They are written and handed on: a large fleet's are added up only once.
        object.__setattr__(self, "uses", uses_of(self.place.account_id, self.rows))

    @property
    def of_use(self) -> HourOfUse:
        """The hour as scenarios look at it."""
        cpu = tuple((row.instance_id, row.instance_type, row.cpu) for row in self.rows)
        return HourOfUse(self.place, self.hour_at, self.uses, cpu)


def uses_of(account_id: str, rows: Iterable[HourRow]) -> tuple[Use, ...]:
    """Sums by group; rows of which no kind is known take no part.

    Seconds that may have been run count as running, but neither as measured nor as priced.
    """
    sums: dict[tuple[Kind, str], list[float]] = {}
    for _, instance_type, _, hour, _, kind in rows:
        if kind is None:
            continue
        known = sums.get((kind, instance_type))
        if known is None:
            known = sums[kind, instance_type] = [0.0] * 5
        known[0] += hour.running_seconds + hour.unknown_seconds
        known[1] += hour.measured_seconds
        known[2] += hour.energy_joules
        if hour.cost_usd is not None:
            known[3] += hour.running_seconds
            known[4] += hour.cost_usd
    return tuple(
        Use(kind.usage_key(account_id, instance_type), *columns)
        for (kind, instance_type), columns in sums.items()
        if any(columns)
    )
