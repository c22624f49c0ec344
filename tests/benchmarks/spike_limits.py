"""What the rule cannot do: nights of a fleet of office hours, and the weeks after a shutdown."""

from tests.benchmarks.spike_demand import watched
from tests.benchmarks.spike_incidents import HISTORY_DAYS, Incident, Watched
from tests.benchmarks.spike_loads import SLOTS_PER_DAY, Load, is_office, office_hours
from tests.benchmarks.spike_rule import DAY, WAITED
from tests.benchmarks.spike_study import (
    CHOSEN,
    INSTANCES,
    LENGTHS_HOURS,
    POSITIONS,
    Study,
    draw_for,
    found_cells,
    written,
)
from tests.validation.section import Table
from tests.validation.spread import percent

_NIGHT_RATIO = 0.3
_SLOT_MINUTES = DAY // SLOTS_PER_DAY


def limits_table(study: Study) -> Table:
    """A made-up fleet of office hours: what the rule sees at night, and after a shutdown."""
    load = study.steady([1.0] * INSTANCES, 5 * HISTORY_DAYS, "office")
    shut = range(HISTORY_DAYS, HISTORY_DAYS + 14)
    cases = {
        "four weeks of history": (office_hours(load, _NIGHT_RATIO), HISTORY_DAYS * DAY),
        "installed on a Wednesday, first four weeks": (_first_weeks(load), WAITED),
        "after one week without office hours": (
            office_hours(load, _NIGHT_RATIO, range(shut.start, shut.start + 7)),
            (shut.start + 7) * DAY,
        ),
        "after two weeks without office hours": (
            office_hours(load, _NIGHT_RATIO, shut),
            shut.stop * DAY,
        ),
    }
    rows = []
    for name, (each, since) in cases.items():
        fleet = watched(each, since, name)
        rows.append((name, *_limits(fleet, by_night=name == next(iter(cases)))))
    return Table(
        f"A made-up fleet: {INSTANCES} steady instances, outside office hours"
        f" {percent(_NIGHT_RATIO, 0)} of them",
        (
            "when",
            "alarms, first four weeks",
            "6 h doublings begun by day: found",
            "median",
            "begun by night or weekend: found",
            "median",
        ),
        tuple(rows),
        f"The chosen rule, {written(CHOSEN)}. Office hours: Monday to Friday, 07:00 to 19:00.",
    )


def _first_weeks(load: Load) -> Load:
    office = office_hours(load, _NIGHT_RATIO)
    begin = 2 * SLOTS_PER_DAY
    return Load(office.watts[begin : begin + HISTORY_DAYS * SLOTS_PER_DAY], load.concentration)


def _limits(fleet: Watched, *, by_night: bool) -> tuple[str, ...]:
    first = [at for at in fleet.alarms([CHOSEN])[CHOSEN] if at < fleet.since + HISTORY_DAYS * DAY]
    if not by_night:
        return (str(len(first)), "-", "-", "-", "-")
    incidents = fleet.incidents(2 * POSITIONS, 60 * LENGTHS_HOURS[0], draw_for("office"))
    parts: dict[bool, list[Incident]] = {True: [], False: []}
    for incident in incidents:
        parts[is_office(incident.begin // _SLOT_MINUTES)].append(incident)
    cells = [found_cells(fleet.found(each, [CHOSEN])[CHOSEN]) for each in parts.values()]
    return (str(len(first)), *cells[0], *cells[1])
