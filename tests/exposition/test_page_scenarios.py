import re
from collections.abc import Callable
from dataclasses import replace
from html import unescape

import pytest

from exporter.core.bounded import Bounded
from exporter.core.scenarios.case import NOT_STUDIED, BusinessCase
from exporter.core.scenarios.outcome import Scenario, ScenarioGap
from exporter.core.snapshot import FleetSnapshot
from exporter.exposition.page_scenarios import scenarios_section
from tests.factories import business_case, outcome

DASH = "\N{EM DASH}"

Section = Callable[[BusinessCase], str]


@pytest.fixture
def section(snapshot: FleetSnapshot) -> Section:
    """Render the section of a case about the small fleet."""
    return lambda case: scenarios_section(replace(snapshot, case=case))


def texts(html: str) -> list[str]:
    """The pieces of text, in order, without markup."""
    return [unescape(text) for text in re.split(r"(?:<[^>]*>|\n)+", html) if text]


def table(html: str) -> list[list[list[str]]]:
    """Rows of cells of pieces of text."""
    rows = re.findall(r"<tr>(.*?)</tr>", html)
    return [[texts(cell) for cell in re.findall(r"<t[dh][^>]*>.*?</t[dh]>", row)] for row in rows]


def test_before_the_first_evaluation_there_is_no_section(section: Section) -> None:
    """An empty table would only be in the way."""
    assert section(BusinessCase()) == ""


def test_savings_with_bands_and_reasons(section: Section) -> None:
    """A row per scenario and target, and one per reason, in the order of the scenarios."""
    heading, *rows = table(section(business_case()))
    assert heading == [
        ["Scenario", "Target"],
        ["Cost saved", "EUR/month, 90 % band"],
        ["Emissions saved", "kgCO2e/month, 90 % band"],
        ["Worse days", "more emitted than without"],
        ["Advised"],
    ]
    assert rows == [
        [
            ["Office hours"],
            ["100", "75.0 to 125"],
            ["40.0", "20.0 to 60.0"],
            ["0 %", "of 28 days"],
            ["yes"],
        ],
        [
            ["Rightsizing (CPU only)"],
            ["20.0", "8.00 to 22.0"],
            ["4.00", "-2.00 to 8.00"],
            ["12.5 %", "of 28 days"],
            ["yes"],
        ],
        [
            ["Rightsizing (CPU only)", "burstable"],
            ["3 instances: the CPU credits of burstable types are not looked at"],
        ],
        [
            ["Region shift", "eu-north-1"],
            ["-20.0"],
            ["64.0", "32.0 to 96.0"],
            ["25 %", "of 28 days"],
            ["no"],
        ],
        [["Time shift", "not_configured"], ["a setting that it needs is not set"]],
    ]


def test_euros_that_are_not_known_are_a_dash(section: Section) -> None:
    """Emissions stay."""
    _, office, *_ = table(section(business_case(eur_per_month={})))
    assert office[1:3] == [[DASH], ["40.0", "20.0 to 60.0"]]


def test_only_reasons(section: Section) -> None:
    """While nothing has a value the section says why, in the order of precedence."""
    reasons = (ScenarioGap.NO_PRICE, ScenarioGap.TOO_LITTLE_HISTORY)
    case = BusinessCase(gaps={(Scenario.OFFICE_HOURS, reason): 1 for reason in reasons})
    html = section(case)
    assert [row[0][1] for row in table(html)[1:]] == ["too_little_history", "no_price"]
    assert "By CPU alone" not in html


def test_while_the_evidence_is_being_read(section: Section) -> None:
    """Every scenario is listed, and that it is looked at."""
    rows = table(section(NOT_STUDIED))[1:]
    assert [row[0][1] for row in rows] == ["awaited"] * 4
    assert {row[1][0].partition(":")[0] for row in rows} == {"still being looked at"}


def test_targets_are_in_order(section: Section) -> None:
    """Whatever order the case has."""
    targets = [outcome(Scenario.REGION_SHIFT, target_region=name) for name in ("b", "a")]
    rows = table(section(BusinessCase(outcomes=tuple(targets))))[1:]
    assert [row[0] for row in rows] == [["Region shift", "a"], ["Region shift", "b"]]


def test_advice_is_counted(section: Section) -> None:
    """Only instances that run, and that it is by CPU alone is said."""
    shown = texts(section(business_case()))[-3:]
    assert " ".join(shown) == (
        "By CPU alone, memory use being unknown: 1 running instance idle, 1 instance that a"
        " smaller type would fit.  carbonfinops scenarios  lists them, with the assumptions."
    )


def test_names_are_text(section: Section) -> None:
    """A target region cannot add markup."""
    case = BusinessCase(outcomes=(outcome(Scenario.REGION_SHIFT, target_region="<b>"),))
    assert "<small>&lt;b&gt;</small>" in section(case)


def test_large_amounts_are_readable(section: Section) -> None:
    """Tonnes are told in kilograms, as everything in the column."""
    tonnes = outcome().emissions.per_month
    case = BusinessCase(
        outcomes=(
            outcome(emissions=replace(outcome().emissions, per_month=Bounded(tonnes.value * 1000))),
        )
    )
    assert table(section(case))[1][2] == ["40\N{NARROW NO-BREAK SPACE}000"]
