"""The rule in plain Python against the shipped rules in Prometheus' own engine, by promtool."""

import shutil
from concurrent.futures import ThreadPoolExecutor

from tests.benchmarks.spike_incidents import Incident, Watched
from tests.benchmarks.spike_loads import (
    BITBRAINS,
    BITBRAINS_DAYS,
    CLOUDWATCH,
    SLOTS_PER_DAY,
    Load,
    shuffled,
    together,
)
from tests.benchmarks.spike_promtool import TOLERANCE_MINUTES, Case, failed_checks
from tests.benchmarks.spike_rule import DAY, WAITED, Comparison, Run
from tests.benchmarks.spike_study import (
    CHOSEN,
    LENGTHS_HOURS,
    QUARTER_SECONDS,
    ZONES,
    Study,
    draw_for,
)
from tests.validation.recordings import DataError
from tests.validation.section import Verdict

INCIDENT_DAYS = 30
GROUPS, GROUP_SIZE, GROUP_DAYS = 1, 3, 12


class Agreement:
    """Asks promtool in the background: it takes a minute, on a processor of its own."""

    def __init__(self, study: Study) -> None:
        self._cases = cases(study)
        promtool = shutil.which("promtool")
        if promtool is None:
            raise DataError("promtool is not installed (Debian: apt-get install prometheus)")
        pool = ThreadPoolExecutor(max_workers=2)
        self._failed = [pool.submit(failed_checks, promtool, case) for case in self._cases]
        pool.shutdown(wait=False)

    def verdict(self) -> Verdict:
        """Whether it says the same."""
        failed = [
            f"{case.name}: {text}"
            for case, texts in zip(self._cases, self._failed, strict=True)
            for text in texts.result()
        ]
        alarms = sum(len(case.fired) for case in self._cases)
        days = sum(len(case.power) for case in self._cases) / DAY
        found = f"{alarms} alarms of {len(self._cases)} fleets in {days:.0f} days"
        return Verdict(
            "The shipped rules in promtool begin and end each alarm within"
            f" {TOLERANCE_MINUTES} minutes of plain Python, and have no other",
            "; ".join([found, *failed]),
            not failed,
        )


def cases(study: Study) -> list[Case]:
    """Doublings on a steady fleet; the EC2 machine with most alarms; groups of machines."""
    single = [
        _case(f"{CLOUDWATCH} {number}", together([machine]))
        for number, machine in enumerate(study.pools[CLOUDWATCH])
    ]
    whole = [m for m in study.pools[BITBRAINS] if len(m.days) >= BITBRAINS_DAYS]
    draw = draw_for("promtool")
    return [
        _case(f"steady fleet of {ZONES[0]}", _with_doublings(study.zones[0].fleet.load)),
        max(single, key=lambda case: len(case.fired)),
        *(
            _case(
                f"{GROUP_SIZE} of {BITBRAINS} {number}",
                shuffled([together(draw.sample(whole, GROUP_SIZE))], GROUP_DAYS, draw),
            )
            for number in range(GROUPS)
        ),
    ]


def _with_doublings(load: Load) -> Load:
    """The first weeks of a fleet with a doubling at a random time of every third day."""
    draw = draw_for("promtool", "doublings")
    watts = list(load.watts[: INCIDENT_DAYS * SLOTS_PER_DAY])
    for number, day in enumerate(range(2, INCIDENT_DAYS, 3)):
        minutes = 60 * LENGTHS_HOURS[number % len(LENGTHS_HOURS)]
        incident = Incident(day * DAY + draw.randrange(DAY - minutes), minutes)
        for slot, excess in incident.excess(watts).items():
            watts[slot] += excess
    return Load(watts, load.concentration)


def _case(name: str, load: Load) -> Case:
    fleet = Watched.of(load, QUARTER_SECONDS, draw_for("promtool", name), WAITED)
    found = Comparison(fleet.references, CHOSEN.factor, fleet.noise).runs(fleet.since)
    fired = [
        Run(at, run.end) for run in found if (at := run.fired_at(CHOSEN.hold_minutes)) is not None
    ]
    return Case(name, fleet.references.power, fleet.noise, fired)
