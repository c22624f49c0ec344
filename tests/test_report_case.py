"""The business case as tables for a terminal."""

from dataclasses import replace

from exporter.core.bounded import Bounded
from exporter.core.scenarios.case import NOT_STUDIED, BusinessCase
from exporter.core.scenarios.outcome import Resize, Scenario, ScenarioGap
from exporter.core.snapshot import FleetSnapshot, InstanceEstimate
from exporter.report_case import MOST_INSTANCES, as_table
from tests.factories import SCENARIO_PLAN, business_case, fleet_snapshot, instance, outcome

TABLE = """\
Savings per month
scenario                target      EUR/month            kgCO2e/month          \
cost share                emissions share           covered  worse days    advised
Office hours                        100 (75.0 to 125)    40.0 (20.0 to 60.0)   \
75 % (62.5 % to 87.5 %)   68.8 % (62.5 % to 75 %)   93.8 %   0 % of 28     yes
Rightsizing (CPU only)              20.0 (8.00 to 22.0)  4.00 (-2.00 to 8.00)  \
50 % (25 % to 50 %)       12.5 % (-6.25 % to 25 %)  100 %    12.5 % of 28  yes
Region shift            eu-north-1  -20.0                64.0 (32.0 to 96.0)   \
-6.25 % (-12.5 % to 0 %)  93.8 % (87.5 % to 100 %)  93.8 %   25 % of 28    no
Rightsizing (CPU only): 3 instances: the CPU credits of burstable types are not looked at\
 (burstable)
Time shift: a setting that it needs is not set (not_configured)

Instances, by CPU only (memory use is unknown)
account       region        instance  type      idle  smaller type  p95 CPU  EUR/month  \
kgCO2e/month  name
111122223333  eu-central-1  i-0aaa    m5.large  yes   m5.medium     12.5 %   20.0       \
4.00          web
111122223333  eu-central-1  i-0ddd    m5.large  yes   -             -        -          \
-             web

Assumptions
- Version 1 of the assumptions: figures of another do not compare.
- Evidence: the newest 4 usable weeks (28 days, UTC), of whose hours at least 90 % are known.
  Unknown hours of such a week are taken to be like its known ones; nothing else is extrapolated.
"""


def snapshot(case: BusinessCase, *names: str) -> FleetSnapshot:
    """Running instances of these ids, with a business case."""
    return fleet_snapshot(case, *(InstanceEstimate(instance(name), "DE") for name in names))


def test_everything():
    """Scenarios, what they lack, instances, and what all of it rests on; unknown is a dash."""
    case = business_case(idle={"i-0aaa": True, "i-0bbb": False, "i-0ddd": True})
    assert as_table(snapshot(case, "i-0aaa", "i-0bbb", "i-0ddd"), SCENARIO_PLAN).startswith(TABLE)


def test_the_assumptions_fit_a_terminal():
    """They are prose: no line is longer than a hundred characters."""
    _, _, prose = as_table(snapshot(business_case()), SCENARIO_PLAN).partition("\nAssumptions\n")
    assert max(map(len, prose.splitlines())) <= 100
    assert "never the best hour in hindsight" in " ".join(prose.split())


def test_only_twenty_instances_are_shown():
    """What saves most, and how many others there are."""
    names = [f"i-{number:02}" for number in range(MOST_INSTANCES + 2)]
    resizes = {name: Resize("m5.medium", 10.0, float(i), 1.0) for i, name in enumerate(names)}
    lines = as_table(snapshot(BusinessCase(resizes=resizes), *names), SCENARIO_PLAN).splitlines()
    shown = [line.split()[2] for line in lines if line.startswith("111122223333")]
    assert shown == names[:1:-1]
    assert "and 2 more instances: --format json and --format csv list all" in lines


def test_twenty_are_all():
    """Nobody is sent elsewhere for nothing."""
    names = [f"i-{number:02}" for number in range(MOST_INSTANCES)]
    text = as_table(snapshot(BusinessCase(idle=dict.fromkeys(names, True)), *names), SCENARIO_PLAN)
    assert "more instance" not in text


def test_without_advice_there_is_no_table_of_instances():
    """Savings are told without it."""
    assert "Instances" not in as_table(snapshot(business_case()), SCENARIO_PLAN)


def test_only_gaps():
    """While nothing has a value, each line says why; there is no empty table."""
    case = BusinessCase(gaps={(Scenario.OFFICE_HOURS, ScenarioGap.TOO_LITTLE_HISTORY): 1})
    assert as_table(snapshot(case), SCENARIO_PLAN).startswith(
        "Savings per month\n"
        "Office hours: too few days of evidence so far (too_little_history)\n"
        "\n"
        "Assumptions\n"
    )


def test_while_the_evidence_is_being_read():
    """Each scenario says that it is looked at; none tells of instances or regions."""
    awaited = "still being looked at: not all that it needs was read or asked for (awaited)\n"
    assert as_table(snapshot(NOT_STUDIED), SCENARIO_PLAN).startswith(
        "Savings per month\n"
        f"Office hours: {awaited}Region shift: {awaited}"
        f"Rightsizing (CPU only): {awaited}Time shift: {awaited}"
    )


def test_euros_that_are_not_known_are_a_dash():
    """Without an exchange rate, of scenarios and of instances."""
    text = as_table(
        snapshot(business_case(eur_per_month={}, usd_per_eur=None, eur_per_usd={}), "i-0aaa"),
        SCENARIO_PLAN,
    )
    (office,) = (line for line in text.splitlines() if line.startswith("Office hours  "))
    assert office.split()[2] == "-"
    (resized,) = (line for line in text.splitlines() if "m5.medium" in line)
    assert resized.split()[-3:] == ["-", "4.00", "web"]


def test_large_amounts_are_plain_digits():
    """A script reads 12345, not 12 345."""
    large = outcome(emissions=replace(outcome().emissions, per_month=Bounded(12_345_000.0)))
    assert "  12345  " in as_table(snapshot(BusinessCase(outcomes=(large,))), SCENARIO_PLAN)


def test_a_name_cannot_break_the_table():
    """Newlines and terminal sequences of a tag do not reach the terminal."""
    hostile = InstanceEstimate(instance("i-1", name="a\x1b[2J\r\nb\u2028c"), "DE")
    text = as_table(fleet_snapshot(BusinessCase(idle={"i-1": True}), hostile), SCENARIO_PLAN)
    assert all(character.isprintable() for line in text.split("\n") for character in line)
    assert "a [2J  b c" in text
