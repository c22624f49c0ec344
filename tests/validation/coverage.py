"""Time alignment coverage: which share of recorded hours would have had both cost and carbon."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from exporter.books.closing import PATIENCE_SECONDS
from exporter.sources.aws.events import LOOKBACK_SECONDS
from tests.validation.cpu_hours import PATTERNS as CPU_PATTERNS
from tests.validation.cpu_hours import SLOTS, Machines, recorded_machines
from tests.validation.grid_hours import PATTERNS as GRID_PATTERNS
from tests.validation.grid_hours import GridHours, recorded_grid_hours
from tests.validation.recordings import DataError
from tests.validation.section import Section, Table, Verdict
from tests.validation.spread import Spread, percent, share
from tests.validation.windows import (
    FEWEST_POINTS,
    HOURS,
    LOSSES,
    STEP_HOURS,
    Loss,
    MeasuredFleet,
    Window,
)

PATTERNS = (*GRID_PATTERNS, *CPU_PATTERNS)
"""The files it rests on."""

OUTAGES_HOURS = (1, 6, 24)
LOWEST_P5 = 0.95
NEGLIGIBLE = 1e-12

_TEXT = (
    """**Recorded**: hourly carbon intensity by Electricity Maps (data portal files as found in
HewlettPackard `green-dcc` and in `ichnos`) and by EnsembleCI, EirGrid's quarter-hours (in Irish
local time); CPU of EC2 instances from CloudWatch in the Numenta Anomaly Benchmark, of PlanetLab (as
redistributed with CloudSim) and of Bitbrains (GWA-T-12, as in OpenDC). **Composed**: that they
belong together. The recordings are of different years, so each fleet is laid beside each zone,
from every seventh day of the zone's file on, as if it had run there in all hours.
These files were published after the fact: what was late or missing when it was new may have been
filled in since. So this tells what the exporter makes of such inputs, not how reliable
the providers' live answers are.""",
    """An hour of an instance has carbon when its grid zone has a value for that hour and at least
80 % of its running time has CPU points. Price and running time are taken as known, but in the
outages below. The time alignment coverage (TAC) of a fleet is the share of its running hours with
both, in windows of {hours} h, one every {step} h. Beside the exporter's own metering and alignment,
points and hours are counted plainly.""",
    """Outages are taken as data that never arrive. Others heal: the grid's history brings
24 h back, CPU points are asked for {cpu:.0f} h back, CloudTrail's events {trail:.0f} days.""",
)


def section(data: Path) -> Section:
    """Check the coverage."""
    grids = recorded_grid_hours(data)
    kinds = recorded_machines(data)
    fleets = {kind.name: MeasuredFleet(kind) for kind in kinds}
    long = {name: fleet for name, fleet in fleets.items() if fleet.hours >= HOURS}
    first = kinds[0].name
    if first not in long:
        raise DataError(f"{CPU_PATTERNS[0]} has less than {HOURS} whole hours")
    by_zone = {grid.name: list(long[first].windows(grid.known)) for grid in grids}
    strict = {grid.name: list(long[first].windows(grid.measured)) for grid in grids}
    by_fleet = {
        name: [window for grid in grids for window in fleet.windows(grid.known)]
        for name, fleet in long.items()
    }
    outages = {
        (lost, hours): [w for g in grids for w in long[first].windows(g.known, Loss(lost, hours))]
        for lost in LOSSES
        for hours in OUTAGES_HOURS
    }
    groups = (*strict.values(), *by_fleet.values(), *outages.values())
    return Section(
        "Time alignment coverage",
        (
            _TEXT[0],
            _TEXT[1].format(hours=HOURS, step=STEP_HOURS),
            _TEXT[2].format(cpu=PATIENCE_SECONDS / 3600, trail=LOOKBACK_SECONDS / 86400),
        ),
        (
            _grid_table(grids, by_zone, strict),
            _cpu_table(kinds, fleets),
            _fleet_table(by_fleet),
            _outage_table(first, outages),
        ),
        (
            _metering_verdict(fleets),
            *_window_verdicts([window for group in groups for window in group]),
            _coverage_verdict(by_fleet[first]),
        ),
    )


_ByName = Mapping[str, Sequence[Window]]


def _grid_table(grids: Sequence[GridHours], known: _ByName, strict: _ByName) -> Table:
    rows = tuple(
        (
            grid.name,
            share(sum(grid.known), len(grid.known)),
            share(sum(grid.estimated), len(grid.estimated)) if grid.estimated else "not marked",
            *_cells(known[grid.name]),
            *_cells(strict[grid.name]),
        )
        for grid in grids
    )
    note = (
        "Hours with a value (in each row of the hour), those marked as estimated, and the TAC of"
        " the EC2 instances beside this zone: all hours with a value, as the exporter counts, and"
        " only those not marked. Windows of different weeks use the same CPU series again."
    )
    columns = (
        "zone",
        "hours with a value",
        "estimated",
        "TAC",
        "windows at 1",
        "TAC without estimates",
        "windows at 1",
    )
    return Table("Grid hours", columns, rows, note)


def _cells(windows: Sequence[Window]) -> tuple[str, str]:
    found = [window.ratios.both for window in windows]
    if not found:
        return ("none", "none")
    return Spread.of(found).low_percent(), share(sum(each == 1 for each in found), len(found))


def _cpu_table(kinds: Sequence[Machines], fleets: Mapping[str, MeasuredFleet]) -> Table:
    rows = tuple(
        (
            kind.name,
            f"{len(kind.hours)}",
            f"{fleets[kind.name].judged:,}",
            Spread.of(fleets[kind.name].shares).low_percent(),
        )
        for kind in kinds
    )
    note = (
        f"Share of whole hours with at least {FEWEST_POINTS} of {SLOTS} points, by machine. In the"
        " Bitbrains files many samples span more than five minutes: read as one point each they"
        " stand for a source that loses many points, spread over their span for one that loses"
        " fewer. Spans over an hour, as of machines that were off, are not spread; those machines"
        " count as running without points."
    )
    columns = ("machines", "number", "instance-hours", "hours with enough points")
    return Table("CPU hours", columns, rows, note)


def _fleet_table(by_fleet: _ByName) -> Table:
    rows = tuple((name, *_cells(windows)) for name, windows in by_fleet.items())
    note = (
        "All zones together. n is how often it was computed: each fleet is used again in every week"
        " of every zone. PlanetLab was recorded for one day at a time, which is too short."
    )
    return Table(f"TAC over {HOURS} h", ("fleet", "TAC", "windows at 1"), rows, note)


def _outage_table(fleet: str, outages: Mapping[tuple[str, int], Sequence[Window]]) -> Table:
    rows = []
    for lost, meaning in LOSSES.items():
        cells = []
        for hours in OUTAGES_HOURS:
            ratios = [window.ratios for window in outages[lost, hours]]
            parts = " and ".join(
                percent(Spread.of(values).median)
                for values in ([r.cost for r in ratios], [r.carbon for r in ratios])
            )
            cells.append(f"{Spread.of(r.both for r in ratios).low_percent()}; {parts}")
        rows.append((meaning, *cells))
    note = (
        f"{fleet}, all zones, with so many hours lost in the middle of each window: TAC; median"
        " cost and carbon coverage. An hour of unknown running time counts in full, as uncovered."
    )
    columns = ("lost", *(f"for {hours} h" for hours in OUTAGES_HOURS))
    return Table("TAC when data are lost", columns, tuple(rows), note)


def _metering_verdict(fleets: Mapping[str, MeasuredFleet]) -> Verdict:
    agreeing = sum(fleet.agreeing for fleet in fleets.values())
    judged = sum(fleet.judged for fleet in fleets.values())
    return Verdict(
        f"The exporter takes an hour as measured exactly where {FEWEST_POINTS} of {SLOTS} points"
        " are counted",
        f"{share(agreeing, judged)} instance-hours",
        agreeing == judged,
    )


def _window_verdicts(windows: Sequence[Window]) -> Iterator[Verdict]:
    off = max(abs(window.ratios.both - window.counted) for window in windows)
    yield Verdict(
        f"TAC equals the plain count, with and without outages, within {NEGLIGIBLE:.0e}",
        f"greatest difference {off:.0e} (n = {len(windows):,} windows)",
        off <= NEGLIGIBLE,
    )
    bounded = sum(window.is_bounded for window in windows)
    yield Verdict(
        "max(0, cost + carbon - 1) <= TAC <= min(cost, carbon) in every window",
        share(bounded, len(windows)),
        bounded == len(windows),
    )


def _coverage_verdict(windows: Sequence[Window]) -> Verdict:
    spread = Spread.of(window.ratios.both for window in windows)
    return Verdict(
        f"CloudWatch recordings beside recorded grids: p5 of TAC at least {percent(LOWEST_P5, 0)}",
        spread.low_percent(),
        spread.p5 >= LOWEST_P5,
    )
