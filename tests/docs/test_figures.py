"""Figures on the pages that follow from the program: computed a second time here."""

import random
import re
from statistics import fmean

import pytest

from exporter.core.provenance import SourceName
from exporter.core.uncertainty import cpu_age_deviation_ln
from exporter.durations import parse_duration_seconds
from exporter.refresh import Cadence, refresh_delay_seconds
from exporter.settings import Settings
from exporter.sources.aws.attempts import USD_PER_COST_EXPLORER_PAGE, USD_PER_METRIC
from tests.docs.pages import DOCS, Page

PAGE = Page(DOCS / "how-to" / "faster-intervals.md")
SECONDS_PER_MONTH = 365.25 / 12 * 86400
INSTANCES = 100
OLDER_SECONDS = 600.0
"""What points are older than the interval just before the next poll."""


class Middle(random.Random):
    """Draws the middle of every range."""

    def uniform(self, a: float, b: float) -> float:
        """The mean of both ends."""
        return (a + b) / 2


def polls(source: SourceName, ttl: str, max_age: str | None = None) -> float:
    """How often a source is asked in a month."""
    given = {"ttl": {source: ttl}} | ({"max_age": {source: max_age}} if max_age else {})
    settings = Settings.model_validate(given)
    cadence = Cadence(settings.interval_seconds(source), settings.max_age_seconds(source))
    return SECONDS_PER_MONTH / refresh_delay_seconds(cadence, Middle())


def rows(heading: str) -> dict[str, list[str]]:
    """The table below a heading, by the first cell of each row."""
    section = PAGE.text.split(f"## {heading}\n")[1].split("\n## ")[0]
    lines = [line for line in section.splitlines() if line.startswith("| `")]
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    return {re.sub(r"`(.+?)`.*", r"\1", row[0]): row[1:] for row in cells[1:]}


def test_cpu_points_cost_what_the_page_says():
    """Per month for 100 instances, by interval."""
    table = rows("CPU points")

    assert len(table) == 5
    for ttl, (usd, *_) in table.items():
        expected = polls(SourceName.CLOUDWATCH_CPU, ttl) * INSTANCES * USD_PER_METRIC
        assert float(usd) == pytest.approx(expected, abs=0.005), ttl


def test_older_points_err_by_what_the_page_says():
    """The standard deviation, by interval, in whole percent."""
    for ttl, (_, percent, *_) in rows("CPU points").items():
        deviation_ln = cpu_age_deviation_ln(parse_duration_seconds(ttl) + OLDER_SECONDS)
        assert percent == f"{100 * deviation_ln:.0f} %", ttl


def test_a_longer_age_saves_what_the_page_says():
    """With it the exporter waits until the interval is almost over."""
    usd = polls(SourceName.CLOUDWATCH_CPU, "15m", "65m") * INSTANCES * USD_PER_METRIC

    assert f"{usd:.2f} USD instead of 3.44" in " ".join(PAGE.text.split())


def test_the_bill_costs_what_the_page_says():
    """Per month, by interval."""
    table = rows("The bill")

    assert len(table) == 4
    for ttl, (usd,) in table.items():
        expected = polls(SourceName.COST_EXPLORER, ttl) * USD_PER_COST_EXPLORER_PAGE
        assert float(usd) == pytest.approx(expected, abs=0.005), ttl


@pytest.mark.parametrize(
    ("source", "ttl"),
    [
        (SourceName.ELECTRICITY_MAPS, "1h"),
        (SourceName.ELECTRICITY_MAPS, "15m"),
        (SourceName.ELECTRICITY_MAPS_HISTORY, "2h"),
        (SourceName.EC2_INVENTORY, "5m"),
    ],
)
def test_sources_are_asked_as_often_as_the_page_says(source, ttl):
    """Requests a month, where the page counts them."""
    assert f"{polls(source, ttl):.0f} requests" in PAGE.text


def test_a_day_of_a_grid_zone_is_what_the_page_says():
    """Both questions about a zone, per day."""
    names = (SourceName.ELECTRICITY_MAPS, SourceName.ELECTRICITY_MAPS_HISTORY)
    month = sum(polls(name, ttl) for name, ttl in zip(names, ("1h", "2h"), strict=True))
    page = Page(DOCS / "how-to" / "electricitymaps-key.md")

    assert f"about {month / 30.4375:.0f} requests a day" in " ".join(page.text.split())


def test_defaults_are_marked_as_such():
    """The rows with the word are those of the program."""
    settings = Settings.model_validate({})
    for variable, source in (
        ("CLOUDWATCH_CPU", SourceName.CLOUDWATCH_CPU),
        ("COST_EXPLORER", SourceName.COST_EXPLORER),
    ):
        table = PAGE.text.split(f"| `CARBONFINOPS_TTL__{variable}` |")[1].split("\n\n")[0]
        (ttl,) = re.findall(r"\| `(\w+)` \(default\)", table)
        assert parse_duration_seconds(ttl) == settings.interval_seconds(source)


def test_the_middle_is_between_the_ends():
    """The random source of these tests draws what is expected on average."""
    assert Middle().uniform(0.8, 0.9) == fmean((0.8, 0.9))
