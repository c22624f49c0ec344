"""From cells to evidence: what is fresh enough to be used, and the health of every source."""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import Any, TypeVar

from exporter.books.facts import Facts, PlaceFacts
from exporter.core.evidence import Evidence, GapReason
from exporter.core.fleet import Inventory, Place
from exporter.core.provenance import FailureReason, Scope, SourceName, SourceStatus
from exporter.refresh import Cell
from exporter.roster import Roster
from exporter.scheduler import Tally

K = TypeVar("K")
T = TypeVar("T")


def gather_evidence(roster: Roster) -> Evidence:
    """Everything that is fresh now."""
    return Evidence(
        inventories=_fresh(roster.inventories),
        unreachable={
            place: cell.state.value.running_count
            for place, cell in roster.inventories.items()
            if cell.state.value and cell.fresh() is None
        },
        cpu={
            place: {cpu.instance_id: cpu for cpu in points.instances}
            for place, points in _fresh(roster.cpu).items()
        },
        profiles=_fresh(roster.profiles),
        prices=_fresh(roster.prices),
        spot={
            place: {quote.key: quote for quote in prices.quotes}
            for place, prices in _fresh(roster.spot).items()
        },
        grid={zone: cell.fresh() or _grid_gap(cell) for zone, cell in roster.grid.items()},
        grid_history=_fresh(roster.grid_history),
        exchange_rate=roster.exchange_rate.fresh() or _rate_gap(roster.exchange_rate),
    )


def _fresh(cells: Mapping[K, Cell[T]]) -> dict[K, T]:
    values = {key: cell.fresh() for key, cell in cells.items()}
    return {key: value for key, value in values.items() if value is not None}


def _grid_gap(cell: Cell[Any]) -> GapReason:
    match cell.state.reason:
        case FailureReason.NOT_CONFIGURED:
            return GapReason.NOT_CONFIGURED
        case FailureReason.NOT_COVERED:
            return GapReason.ZONE_NOT_COVERED
        case FailureReason.NO_RECENT_DATA if cell.state.value is None:
            return GapReason.NO_GRID_INTENSITY
        case FailureReason.NO_RECENT_DATA:
            return GapReason.GRID_TOO_OLD
    return GapReason.SOURCE_DOWN


def _rate_gap(cell: Cell[Any]) -> GapReason:
    match cell.state.reason:
        case FailureReason.NOT_CONFIGURED:
            return GapReason.NOT_CONFIGURED
        case FailureReason.NO_RECENT_DATA:
            return GapReason.NO_EXCHANGE_RATE
    return GapReason.SOURCE_DOWN


def gather_facts(roster: Roster, now: float) -> Facts:
    """What the books are kept from, at ``now`` (epoch seconds)."""
    places = tuple(
        _place_facts(roster, place, cell.state.value, cell.state.succeeded_wall_at)
        for place, cell in sorted(roster.inventories.items())
        if cell.state.value
    )
    return Facts(
        now=now,
        places=places,
        hardware={
            hardware.instance_type: hardware
            for place in places
            for hardware in place.inventory.hardware
        },
        profiles=_fresh(roster.profiles),
        prices=_fresh(roster.prices),
        grid={
            zone: (cell.state.value, history.state.value)
            for zone, cell in roster.grid.items()
            if (history := roster.grid_history.get(zone))
        },
        bill=roster.bill.fresh() if roster.bill else None,
        exchange_rate=roster.exchange_rate.fresh(),
        awaited=frozenset((*_awaited(roster.profiles), *_awaited(roster.prices))),
        chosen_regions=_chosen_regions(roster),
        grid_gaps={
            zone: _grid_gap(cell) for zone, cell in roster.grid.items() if cell.fresh() is None
        },
    )


def _chosen_regions(roster: Roster) -> dict[str, frozenset[str]]:
    silent = {p.account_id for p, cell in roster.inventories.items() if not cell.state.value}
    return {
        account.account_id: frozenset(account.regions)
        for account in roster.accounts.state.value or ()
        if account.account_id not in silent
    }


def _awaited(cells: Mapping[K, Cell[T]]) -> Iterator[K]:
    """Those that were never asked for yet, not even in vain."""
    return (key for key, cell in cells.items() if not cell.state.attempted_wall_at)


def _place_facts(
    roster: Roster, place: Place, inventory: Inventory, seen_until_at: float
) -> PlaceFacts:
    trail, cpu, spot = roster.trails.get(place), roster.cpu.get(place), roster.spot.get(place)
    # Before its value: an answer that comes in between must not seem to be in these points.
    cpu_age_seconds = cpu.age_seconds() if cpu else None
    return PlaceFacts(
        place=place,
        inventory=inventory,
        seen_until_at=seen_until_at,
        trail=trail.state.value if trail else None,
        trail_asked=bool(trail and trail.state.attempted_wall_at),
        trail_fresh=bool(trail and trail.fresh()),
        cpu=cpu.state.value if cpu else None,
        cpu_age_seconds=cpu_age_seconds,
        spot=spot.state.value if spot else None,
    )


def gather_statuses(
    roster: Roster, tallies: Mapping[tuple[SourceName, Scope], Tally]
) -> tuple[SourceStatus, ...]:
    """Health by source and scope; where several cells share a scope, the worst of them counts."""
    groups: dict[tuple[SourceName, Scope], list[Cell[Any]]] = defaultdict(list)
    for cell in roster.cells():
        groups[cell.key.source, cell.key.scope].append(cell)
    return tuple(_status(groups[key], tallies.get(key, Tally())) for key in sorted(groups))


def _status(cells: list[Cell[Any]], tally: Tally) -> SourceStatus:
    """A cell that was never asked says nothing as long as others of its scope were."""
    asked = [cell for cell in cells if cell.state.attempted_wall_at] or cells
    worst = max(asked, key=lambda cell: (not cell.state.up, cell.state.consecutive_failures))
    state = worst.state
    answered = [cell for cell in asked if cell.state.succeeded_wall_at] or asked
    oldest = min(answered, key=lambda cell: cell.state.succeeded_wall_at)
    cadences = [cell.cadence for cell in asked]
    return SourceStatus(
        source=worst.key.source,
        scope=worst.key.scope,
        up=state.up,
        last_success_at=oldest.state.succeeded_wall_at,
        last_duration_seconds=state.duration_seconds,
        refreshes=tally.refreshes,
        failures=dict(tally.failures),
        reason=state.reason,
        detail=state.detail,
        age_seconds=oldest.age_seconds(),
        interval_seconds=max(cadence.interval_seconds for cadence in cadences),
        max_age_seconds=max(cadence.max_age_seconds for cadence in cadences),
    )
