"""What the business case rests on, in words."""

from dataclasses import replace

import pytest

from exporter.core.scenarios.schedule import WeeklySchedule
from exporter.report_assumptions import assumptions, schedule_in_words
from tests.factories import SCENARIO_PLAN

WORDS = """\
Office hours: instances whose environment is one of dev, test run only Mon-Fri 08:00-18:00\
 (Europe/Berlin); their disks go on costing.
Rightsizing: CPU only, memory use is unknown. On-demand instances with CPU points on at least 14\
 days; the cheapest type of the same family and architecture with fewer vCPUs on which the 95th\
 percentile of CPU would be at most 70 %. Burstable types and accelerators are left out. Local\
 disks and the limits of network and EBS shrink with the size, and are not looked at.
Region shift: the on-demand instances as if they had run in eu-north-1 or eu-west-3, with the grid\
 of the same hours, the PUE and the list prices there; data transfer (egress) and the move itself\
 are not counted.
Time shift: a daily job of 500 W and 4 h in eu-central-1 that usually starts at 02:00\
 (Europe/Berlin) and has to end within 24 h of that. Each day's start is chosen by the same hours\
 of the 7 days before, by what was known then, and valued by what happened: never the best hour in\
 hindsight. It costs the same at every hour.
Idle: no CPU point of the last 14 complete days above 2.5 %; memory, disk and network use are\
 unknown."""
NOTHING_SET = replace(
    SCENARIO_PLAN, office_environments=frozenset(), target_regions=(), deferrable=None
)


def test_what_the_operator_set():
    """Every setting of the plan is in the words, with its unit."""
    assert assumptions(SCENARIO_PLAN)[-5:] == tuple(WORDS.splitlines())


def test_what_is_not_set_is_said():
    """A scenario that is about nothing says so."""
    words = assumptions(NOTHING_SET)
    assert "Office hours: no environment is named." in words
    assert "Region shift: no target region is set." in words
    assert "Time shift: no job is set." in words


def test_the_method():
    """Version, evidence, band, what shares and amounts are of, and when a change is advised."""
    words = " ".join(assumptions(NOTHING_SET))
    for told in (
        "Version 1 of the assumptions",
        "28 days, UTC",
        "at least 90 % are known",
        "in 90 % of cases",
        "shares of what a scenario is about",
        "Money is of compute only",
        "Dollars (usd_per_month) are at list or spot prices, without discounts",
        "Euros are those of each account times what its hours on demand were billed at",
        "those of manufacturing are not in it",
        "more than 2 % of cost or emissions",
        "fewer than 20 % of days",
    ):
        assert told in words


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Mon-Fri 08:00-18:00, Sat 09:00-13:00", "Mon-Fri 08:00-18:00, Sat 09:00-13:00"),
        ("Mon-Sun 00:00-24:00", "Mon-Sun 00:00-24:00"),
        ("Wed 07:30-08:45", "Wed 07:30-08:45"),
        ("Mon 08:00-12:00, Mon 13:00-17:00", "Mon 08:00-12:00 and 13:00-17:00"),
        ("Mon 08:00-09:00, Wed 08:00-09:00", "Mon 08:00-09:00, Wed 08:00-09:00"),
        ("Fri 22:00-24:00, Sat 00:00-06:00", "Fri 22:00-24:00, Sat 00:00-06:00"),
    ],
)
def test_a_schedule_reads_as_it_is_set(text, words):
    """Days alike share an entry; a span over midnight is told by day."""
    schedule = WeeklySchedule.parse(text)
    assert schedule_in_words(schedule) == words


def test_a_schedule_that_is_never_on():
    """It is told, not left empty."""
    assert schedule_in_words(WeeklySchedule(())) == "never"
