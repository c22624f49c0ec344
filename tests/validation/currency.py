"""Euros: how much an exchange rate changes while it grows old."""

from bisect import bisect_right
from datetime import date
from itertools import pairwise
from pathlib import Path

from exporter.core.units import SECONDS_PER_DAY
from exporter.sources.currency.ecb import OLDEST_SECONDS
from tests.validation.recordings import rows_in
from tests.validation.section import Table, Verdict
from tests.validation.spread import Spread, percent

PATTERNS = ("fx/ecb_usd_per_eur_daily.csv",)
LIMIT_DAYS = round(OLDEST_SECONDS / SECONDS_PER_DAY)
AGES_DAYS = (1, 3, LIMIT_DAYS, 2 * LIMIT_DAYS)
HIGHEST_P90 = 0.02
"""Small beside the bounds of anything that is published in euros."""


def currency(data: Path) -> tuple[Table, tuple[Verdict, ...]]:
    """What amounts in euros are off by when the rate is some days old."""
    rates = _rates(data)
    changes = {age: Spread.of(relative_changes(rates, age)) for age in AGES_DAYS}
    days = [day for day, _ in rates]
    pause = max(later - earlier for earlier, later in pairwise(days))
    rows = tuple(
        (f"{age}", spread.percent(), percent(spread.greatest)) for age, spread in changes.items()
    )
    first, last = (date.fromordinal(day).isoformat() for day in (days[0], days[-1]))
    note = (
        f"Recorded reference rates of the European Central Bank, {first} to {last}: the rate of"
        " each published day against the newest one that many days before. The exporter refuses"
        f" rates older than {LIMIT_DAYS} days; the last row is beyond that."
    )
    columns = ("age in days", "absolute relative change", "greatest")
    at_limit = changes[LIMIT_DAYS]
    verdicts = (
        Verdict(
            f"A rate at the limit of {LIMIT_DAYS} days: p90 of its change at most"
            f" {percent(HIGHEST_P90, 0)}",
            at_limit.percent(),
            at_limit.p90 <= HIGHEST_P90,
        ),
        Verdict(
            f"No pause of publication ends the euro series: all shorter than {LIMIT_DAYS} days",
            f"longest {pause} days (n = {len(days) - 1:,} pauses)",
            pause < LIMIT_DAYS,
        ),
    )
    return Table("Euros by an old rate", columns, rows, note), verdicts


def relative_changes(rates: list[tuple[int, float]], age_days: int) -> list[float]:
    """|rate of a day / rate in force ``age_days`` before - 1|, of every day that has both.

    ``rates`` are (day number, US dollars for one euro), oldest first.
    """
    days = [day for day, _ in rates]
    found = []
    for day, rate in rates:
        before = bisect_right(days, day - age_days)
        if before:
            found.append(abs(rate / rates[before - 1][1] - 1))
    return found


def _rates(data: Path) -> list[tuple[int, float]]:
    return sorted(
        (date.fromisoformat(row["date"]).toordinal(), float(row["usd_per_eur"]))
        for row in rows_in(data, PATTERNS[0])
    )
