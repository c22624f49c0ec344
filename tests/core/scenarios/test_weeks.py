"""Which four weeks a scenario rests on."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.core.scenarios.weeks import newest_weeks

WEEK = 168


def known(*weeks: int, before: int = 0) -> list[bool]:
    """Weeks, oldest first, each with so many known hours, behind some more hours."""
    hours = [True] * before
    for count in weeks:
        hours += [True] * count + [False] * (WEEK - count)
    return hours


@pytest.mark.parametrize(
    ("hours", "begins"),
    [
        (known(168, 168, 168, 168), (0, 168, 336, 504)),
        # 27 days.
        (known(168, 168, 168, before=144), ()),
        # The newest four, counted back from the end: a fifth week that is not whole is left.
        (known(168, 168, 168, 168, before=144), (144, 312, 480, 648)),
        (known(168, 168, 168, 168, 168, 168), (336, 504, 672, 840)),
        # 152 of 168 are above 90 %, 151 are below.
        (known(152, 152, 152, 152), (0, 168, 336, 504)),
        (known(168, 168, 151, 168), ()),
        # An unusable week gives its place to an older one.
        (known(168, 168, 0, 168, 168), (0, 168, 504, 672)),
        (known(168, 168, 168, 168, 100, 100), (0, 168, 336, 504)),
        ((), ()),
    ],
)
def test_the_newest_usable_weeks(hours: list[bool], begins: tuple[int, ...]) -> None:
    """Four weeks of which 90 % are known, oldest first; none if there are fewer."""
    assert newest_weeks(hours) == tuple(range(begin, begin + WEEK) for begin in begins)


def test_weeks_of_days() -> None:
    """A week may have seven entries: it is usable with all of them, as six are under 90 %."""
    days = [True] * 35
    assert newest_weeks(days, 7) == (range(7, 14), range(14, 21), range(21, 28), range(28, 35))
    days[30] = False
    assert newest_weeks(days, 7) == (range(7), range(7, 14), range(14, 21), range(21, 28))


@given(st.lists(st.sampled_from([0, 100, 151, 152, 168]), max_size=7), st.integers(0, 167))
def test_agrees_with_counting(counts: list[int], before: int) -> None:
    """Found anew: keep the weeks with at least 151.2 known hours, then the last four of those."""
    usable = [n for n, count in enumerate(counts) if count >= 151.2]
    expected = [before + n * WEEK for n in usable[-4:]] if len(usable) >= 4 else []
    assert [week.start for week in newest_weeks(known(*counts, before=before))] == expected
