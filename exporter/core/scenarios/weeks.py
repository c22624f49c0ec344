"""Which weeks of a history can be used."""

from collections.abc import Sequence

from exporter.core.scenarios.month import WEEKS

DAYS_PER_WEEK = 7
HOURS_PER_WEEK = 168

FEWEST_KNOWN_RATIO = 0.9
"""A week of which less is known is left out."""


def newest_weeks(known: Sequence[bool], week_length: int = HOURS_PER_WEEK) -> tuple[range, ...]:
    """The newest WEEKS usable weeks, oldest first, as ranges of indices; none if there are fewer.

    Weeks are counted back from the end of ``known``, which has ``week_length`` entries a week.
    """
    found: list[range] = []
    for end in range(len(known), week_length - 1, -week_length):
        week = range(end - week_length, end)
        if sum(known[week.start : end]) >= FEWEST_KNOWN_RATIO * week_length:
            found.append(week)
        if len(found) == WEEKS:
            return tuple(reversed(found))
    return ()
