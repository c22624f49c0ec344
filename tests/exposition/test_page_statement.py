import re
from collections.abc import Callable
from dataclasses import replace
from html import unescape
from typing import Any

import pytest

from exporter.core.fleet import Place
from exporter.core.reconciliation import Reconciliation
from exporter.core.snapshot import FleetSnapshot
from exporter.core.statement import BilledTotals, CoverageRatios, Statement
from exporter.exposition.page_statement import statement_section
from tests.factories import statement

PLACE = Place("111122223333", "eu-central-1")
DASH = "\N{EM DASH}"

Section = Callable[..., str]


@pytest.fixture
def section(make_snapshot: Callable[..., FleetSnapshot]) -> Section:
    """Render the section of books; other facts of the snapshot may be changed by name."""

    def of(books: Statement, **changes: Any) -> str:
        return statement_section(replace(make_snapshot(), statement=books, **changes))

    return of


def texts(html: str) -> list[str]:
    """The pieces of text, in order, without markup."""
    return [unescape(text) for text in re.split(r"(?:<[^>]*>|\n)+", html) if text]


def table(html: str) -> list[list[list[str]]]:
    """Rows of cells of pieces of text."""
    rows = re.findall(r"<tr>(.*?)</tr>", html)
    return [[texts(cell) for cell in re.findall(r"<t[dh][^>]*>.*?</t[dh]>", row)] for row in rows]


def test_coverage_is_told_in_words(section: Section) -> None:
    """The big figure says what it is a share of, and where it is lowest."""
    everywhere = {
        PLACE: CoverageRatios(cost=1.0, carbon=1.0, both=1.0),
        Place("111122223333", "eu-west-1"): CoverageRatios(cost=0.75, carbon=0.5, both=0.25),
    }
    meaning = (
        "of the running time in the last 48 complete hours has cost and carbon known for the same"
        " hour."
    )
    shown = texts(section(statement(coverage=everywhere)))
    assert shown[:5] == [
        "Time and money",
        "Time alignment coverage",
        "87.5 %",
        meaning,
        "Lowest in eu-west-1, account 111122223333: 25 % (cost 75 %, carbon 50 %)",
    ]


def test_complete_coverage_needs_no_hint(section: Section) -> None:
    """Nobody is sent to a place that lacks nothing."""
    whole = statement(coverage={PLACE: CoverageRatios(1.0, 1.0, 1.0)}, fleet_alignment_ratio=1.0)
    assert "100 %" in texts(section(whole))
    assert "Lowest" not in section(whole)


def test_an_account_with_everything(section: Section) -> None:
    """Dollars with euros (1.15 USD), the signed deviation with its parts, days and error."""
    heading, row = table(section(statement()))
    assert [cell[0] for cell in heading] == [
        "Account",
        "Billed this month",
        "Last full day",
        "Last full hour",
        "Computed against billed",
        "Days compared",
        "Alignment with billed cost",
    ]
    assert row == [
        ["111122223333"],
        ["46.0", "40.0"],
        ["23.0", "20.0"],
        ["1.00", "0.870"],
        ["-3.12 %", "time +1.56 %, price -4.69 %"],
        ["12", "6.25 %"],
        ["75 %"],
    ]


def test_accounts_that_lack_something(section: Section) -> None:
    """Every account that is known of has a row; what is not known is a dash, not a 0."""
    books = Statement(
        billed={"2": BilledTotals(8.0)},
        reconciliation={"3": Reconciliation(0, None, None, None, None, {}, {})},
        billed_alignment_ratio={"1": 0.5},
    )
    heading, *rows = table(section(books, exchange_rate=None))
    assert "Last full hour" not in [cell[0] for cell in heading]
    assert rows == [
        [["1"], [DASH], [DASH], [DASH], [DASH], ["50 %"]],
        [["2"], ["8.00"], [DASH], [DASH], [DASH], [DASH]],
        [["3"], [DASH], [DASH], [DASH], ["0"], [DASH]],
    ]


def test_an_hour_billed_for_some_accounts(section: Section) -> None:
    """Hourly granularity gives every account the column; who has none has a dash."""
    books = Statement(billed={"1": BilledTotals(8.0, 4.0), "2": BilledTotals(8.0, 4.0, 0.5)})
    _, *rows = table(section(books, exchange_rate=None))
    assert [row[3] for row in rows] == [[DASH], ["0.500"]]


def test_before_anything_is_known(section: Section) -> None:
    """The section says what it waits for."""
    assert texts(section(Statement())) == [
        "Time and money",
        "Time alignment coverage",
        DASH,
        "Nothing is known to have run in the last 48 complete hours.",
        "Nothing billed is known: it needs an answer of Cost Explorer.",
    ]


def test_names_are_text(section: Section) -> None:
    """Accounts and regions cannot add markup."""
    hostile = Place("<b>1</b>", "<i>2</i>")
    books = statement(hostile)
    page = section(books)
    assert "<b>" not in page
    assert "<i>" not in page
    assert page.count("&lt;b&gt;") == 2  # the lowest coverage and the row
