"""CPU of every instance by week: each point counts once, whatever is told twice."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.books.cpu_book import CpuBook
from exporter.core.fleet import Place
from exporter.core.metering import points_text
from exporter.core.scenarios.load import LEVELS, counts_of, packed
from exporter.core.scenarios.usage import HourOfUse
from tests.books.scenes import DAY, HOUR
from tests.factories import DUBLIN, FRANKFURT

MONDAY = 2_900
"""A number of days since the epoch at which a block of seven begins: divisible by 7 below."""
FIRST_AT = (MONDAY - MONDAY % 7) * DAY
"""Begin of a week of days since the epoch."""
TYPE = "m5.4xlarge"
"""What an instance is before it is resized."""


def hour(hour_at: float, place=FRANKFURT, **points: list[float | None]) -> HourOfUse:
    """An hour of instances with these points."""
    cpu = {name: told + [None] * (12 - len(told)) for name, told in points.items()}
    return HourOfUse(place, hour_at, (), tuple((n, TYPE, points_text(p)) for n, p in cpu.items()))


def resized(told: HourOfUse, instance_type: str = "m5.large") -> HourOfUse:
    """The same hour of instances of another type."""
    return told._replace(cpu=tuple((name, instance_type, text) for name, _, text in told.cpu))


def take_day(
    book: CpuBook,
    day_at: float,
    blocks: dict[str, int],
    place: Place = FRANKFURT,
    instance_type: str | None = TYPE,
) -> None:
    """A day of instances of one type; of None where the record tells none."""
    types = {} if instance_type is None else dict.fromkeys(blocks, instance_type)
    book.take_day(place, day_at, blocks, types)


def counted(book: CpuBook) -> dict[str, Counter[int]]:
    """Points by level of each instance."""
    return {
        name: Counter(
            {n: c for n, c in enumerate(counts_of(sum(load.blocks))) if c},
        )
        for name, load in book.loads().items()
    }


def test_points_by_level():
    """Rounded up to whole percents; slots without a point count nothing."""
    book = CpuBook()
    book.take(hour(FIRST_AT, a=[0.0, 0.0, 0.1, 99.5, 100.0], b=[None, 7.0], c=[]))
    book.take(hour(FIRST_AT + HOUR, a=[1.0]))

    assert counted(book) == {"a": Counter({0: 2, 1: 2, 100: 2}), "b": Counter({7: 1})}
    assert book.loads()["a"].days == 1


def test_a_corrected_hour_does_not_count_twice():
    """Nor any that is not newer than the newest of its place; another place has its own."""
    book = CpuBook()
    book.take(hour(FIRST_AT + HOUR, a=[5.0]))
    book.take(hour(FIRST_AT + HOUR, a=[5.0, 6.0]))
    book.take(hour(FIRST_AT, a=[7.0]))
    book.take(hour(FIRST_AT, DUBLIN, far=[8.0]))

    assert counted(book) == {"a": Counter({5: 1}), "far": Counter({8: 1})}


def test_restored_days_and_the_hours_after_them():
    """A day counts as its hours; none of those counts again."""
    book = CpuBook()
    take_day(book, FIRST_AT, {"a": packed([(5, 200), (9, 80)])})
    take_day(book, FIRST_AT, {"a": packed([(5, 200), (9, 80)])})
    book.take(hour(FIRST_AT + 23 * HOUR, a=[1.0]))
    book.take(hour(FIRST_AT + DAY, a=[1.0]))
    take_day(book, FIRST_AT + DAY, {"a": packed([(5, 288)])})

    assert counted(book) == {"a": Counter({5: 200, 9: 80, 1: 1})}
    assert book.loads()["a"].days == 2


def test_blocks_are_weeks():
    """Of seven days since the epoch, oldest first, one for each week: 0 without a point."""
    book = CpuBook()
    for day in (0, 6, 7, 14):
        take_day(book, FIRST_AT + day * DAY, {"a": packed([(day, 1)])} if day != 7 else {})
        take_day(book, FIRST_AT + day * DAY, {"far": packed([(1, 10)])}, DUBLIN)

    load = book.loads()["a"]
    assert load.days == 3
    assert load.blocks == (1 + (1 << 16 * 6), 0, 1 << 16 * 14)
    assert len(book.loads()["far"].blocks) == 3


@pytest.mark.parametrize(("day", "weeks"), [(41, 6), (42, 7), (43, 6), (48, 6), (49, 7), (50, 6)])
def test_weeks_are_forgotten(day, weeks):
    """Once their first day is older than 42 days, which is what the disk keeps."""
    book = CpuBook()
    for number in range(day + 1):
        take_day(book, FIRST_AT + number * DAY, {"a": packed([(3, 288)])})

    load = book.loads()["a"]
    oldest = -(-max(0, day - 42) // 7) * 7
    assert len(load.blocks) == weeks
    assert load.days == day + 1 - oldest
    assert counted(book)["a"] == {3: 288 * load.days}


def test_a_full_week_of_one_level_fits_its_lane():
    """Six weeks and a day of the same level: no count runs over into the next level."""
    book = CpuBook()
    for day in range(43):
        take_day(book, FIRST_AT + day * DAY, {"a": packed([(100, 288)]), "b": packed([(0, 288)])})

    assert counted(book) == {"a": {100: 43 * 288}, "b": {0: 43 * 288}}


def test_an_hour_that_is_too_old():
    """It changes nothing: its week is forgotten."""
    book = CpuBook()
    book.take(hour(FIRST_AT + 60 * DAY, a=[1.0]))
    book.take(hour(FIRST_AT, DUBLIN, far=[1.0]))

    assert set(book.loads()) == {"a"}


def test_instances_that_are_gone_are_forgotten():
    """Those that the fleet has not any more; the others go on as if nothing had been."""
    book = CpuBook()
    book.take(hour(FIRST_AT, a=[1.0], gone=[2.0]))
    book.retain({"a", "new"})
    book.take(hour(FIRST_AT + HOUR, a=[1.0]))

    assert counted(book) == {"a": Counter({1: 2})}


def test_a_resized_instance_starts_anew():
    """Its points, days and highest levels as another type are of another load; others stay."""
    book = CpuBook()
    for number in range(9 * 24):
        book.take(hour(FIRST_AT + number * HOUR, a=[13.0], b=[13.0]))
    after = resized(hour(FIRST_AT + 9 * DAY, a=[50.0, 2.0]))
    book.take(after._replace(cpu=after.cpu + hour(0.0, b=[13.0]).cpu))

    assert counted(book) == {"a": Counter({50: 1, 2: 1}), "b": Counter({13: 9 * 24 + 1})}
    assert {name: load.days for name, load in book.loads().items()} == {"a": 1, "b": 10}
    assert len(book.loads()["a"].blocks) == len(book.loads()["b"].blocks) == 2
    assert (book.is_of("a", "m5.large"), book.is_of("a", TYPE)) == (True, False)
    # The day it was resized on is all that tells whether it is idle: too few of ten.
    assert book.idle(FIRST_AT + 10 * DAY, 13.0, 10) == {"a": False, "b": True}
    assert book.idle(FIRST_AT + 10 * DAY, 50.0, 10) == {"b": True}


def test_what_an_instance_was_busy_with_before_it_was_resized():
    """It does not keep it from being idle as what it is now."""
    book = CpuBook()
    book.take(hour(FIRST_AT, a=[99.0]))
    book.take(resized(hour(FIRST_AT + HOUR, a=[1.0])))

    assert book.idle(FIRST_AT + DAY, 5.0, 1) == {"a": True}


def test_an_hour_without_a_point_tells_no_type():
    """The load is what it was until there is one; whoever asks is told which type it is of."""
    book = CpuBook()
    book.take(hour(FIRST_AT, a=[13.0]))
    book.take(resized(hour(FIRST_AT + HOUR, a=[])))

    assert counted(book) == {"a": Counter({13: 1})}
    assert (book.is_of("a", TYPE), book.is_of("a", "m5.large")) == (True, False)


def test_a_resized_instance_in_restored_days():
    """As by hours: a day as another type, and so an hour after days, are all there is."""
    by_days, by_hour = CpuBook(), CpuBook()
    for book in (by_days, by_hour):
        take_day(book, FIRST_AT, {"a": packed([(13, 288)])})
        take_day(book, FIRST_AT + DAY, {"a": packed([(13, 288)])})
    take_day(by_days, FIRST_AT + 2 * DAY, {"a": packed([(50, 12)])}, instance_type="m5.large")
    by_hour.take(resized(hour(FIRST_AT + 2 * DAY, a=[50.0] * 12)))

    assert counted(by_days) == counted(by_hour) == {"a": Counter({50: 12})}
    assert by_days.loads() == by_hour.loads()
    for book in (by_days, by_hour):
        book.take(resized(hour(FIRST_AT + 3 * DAY, a=[51.0])))
        assert counted(book) == {"a": Counter({50: 12, 51: 1})}


def test_days_of_which_no_type_is_known():
    """They are taken for the same type, wherever they are."""
    book = CpuBook()
    take_day(book, FIRST_AT, {"a": packed([(1, 10)])}, instance_type=None)
    assert book.is_of("a", TYPE)
    take_day(book, FIRST_AT + DAY, {"a": packed([(2, 10)])})
    take_day(book, FIRST_AT + 2 * DAY, {"a": packed([(3, 10)])}, instance_type=None)
    book.take(hour(FIRST_AT + 3 * DAY, a=[4.0]))

    assert counted(book) == {"a": Counter({1: 10, 2: 10, 3: 10, 4: 1})}
    book.take(resized(hour(FIRST_AT + 4 * DAY, a=[5.0])))
    assert counted(book) == {"a": Counter({5: 1})}


def test_a_correction_does_not_bring_the_old_type_back():
    """An old hour is told again, as what the instance was then: nothing is forgotten for it."""
    book = CpuBook()
    book.take(hour(FIRST_AT, a=[13.0]))
    book.take(resized(hour(FIRST_AT + HOUR, a=[50.0])))
    before = book.loads()
    book.take(hour(FIRST_AT, a=[13.0]))
    take_day(book, FIRST_AT, {"a": packed([(13, 12)])})

    assert book.loads() == before
    assert book.is_of("a", "m5.large")


def test_the_type_of_a_departed_instance_is_forgotten():
    """Or the fleets of all times would fill the memory."""
    book = CpuBook()
    book.take(hour(FIRST_AT, a=[1.0], gone=[2.0]))
    book.retain({"a"})

    assert (book.is_of("gone", "m5.large"), book.is_of("a", "m5.large")) == (True, False)


POINTS = st.lists(st.none() | st.floats(0, 100), max_size=12)
HOURS = st.dictionaries(
    st.tuples(st.sampled_from([FRANKFURT, DUBLIN]), st.integers(0, 40)),
    st.dictionaries(st.sampled_from("abc"), POINTS),
    max_size=8,
)


@given(HOURS, st.integers(0, 41))
def test_days_and_hours_tell_the_same(told, resized_from):
    """Restored by days or taken hour by hour: the same loads, and every level is in its place.

    From some hour on all of them are of another type.
    """
    hours = [
        resized(
            hour(
                FIRST_AT + number * HOUR, place, **{f"{place.region}-{n}": p for n, p in by.items()}
            ),
            "m5.large" if number >= resized_from else TYPE,
        )
        for (place, number), by in sorted(told.items(), key=lambda item: item[0][1])
    ]
    book, restored = CpuBook(), CpuBook()
    days: dict[tuple[Place, float], dict[str, dict[str, Counter[int]]]] = {}
    for each in hours:
        book.take(each)
        day = days.setdefault((each.place, each.hour_at // DAY * DAY), {})
        for name, instance_type, text in each.cpu:
            levels = [int(text[i : i + 2], 16) for i in range(0, 24, 2) if text[i] != "-"]
            if levels:
                day.setdefault(name, {}).setdefault(instance_type, Counter()).update(levels)
    for (place, day_at), counts in days.items():
        last = {name: list(told.items())[-1] for name, told in counts.items()}
        blocks = {name: packed(list(levels.items())) for name, (_, levels) in last.items()}
        restored.take_day(place, day_at, blocks, {name: kind for name, (kind, _) in last.items()})

    assert restored.loads() == book.loads()
    now = FIRST_AT + 2 * DAY
    assert restored.idle(now, 50, 2) == book.idle(now, 50, 2)
    assert all(0 <= level < LEVELS for counts in counted(book).values() for level in counts)


NOW = FIRST_AT + 10 * DAY + HOUR


def test_who_was_seen_lately():
    """On one of the last complete days, or since; a restart brings all of it back by days."""
    book = CpuBook()
    take_day(book, FIRST_AT + 2 * DAY, {"gone": packed([(1, 288)])})
    take_day(book, FIRST_AT + 3 * DAY, {"a": packed([(1, 1)]), "b": packed([(1, 1)])})
    book.take(hour(FIRST_AT + 4 * DAY, DUBLIN, far=[0.0], silent=[None]))
    book.take(hour(FIRST_AT + 10 * DAY, today=[3.0]))

    assert book.seen(NOW, 7) == {"a", "b", "far", "today"}
    assert book.seen(NOW, 8) == {"gone", "a", "b", "far", "today"}
    assert book.seen(NOW + 10 * DAY, 7) == frozenset()
    assert CpuBook().seen(NOW, 7) == frozenset()


def watched(days: range, level: int = 2) -> CpuBook:
    book = CpuBook()
    for day in days:
        take_day(book, FIRST_AT + day * DAY, {"a": packed([(1, 200), (level, 1)])})
    return book


@pytest.mark.parametrize(
    ("days", "level", "expected"),
    [
        (range(10), 5, True),
        # One point above it, of thousands.
        (range(10), 6, False),
        # Eight days of ten are enough, seven are not: but who was busy is not idle.
        (range(2, 10), 5, True),
        (range(3, 10), 5, None),
        (range(9, 10), 6, False),
    ],
)
def test_idle(days, level, expected):
    """Every point of the last complete days at most that, on enough of them."""
    assert watched(days, level).idle(NOW, 5.0, 10).get("a") is expected


def test_idle_looks_at_complete_days_only():
    """Neither at today nor at the day before the first: they are not over, or not asked about."""
    book = watched(range(1, 10))
    book.take(hour(FIRST_AT + 10 * DAY, a=[90.0]))
    busy = watched(range(1), 90)
    for day in range(1, 10):
        take_day(busy, FIRST_AT + day * DAY, {"a": packed([(1, 288)])})

    assert book.idle(NOW, 5.0, 9) == {"a": True}
    assert book.idle(NOW + DAY, 5.0, 9) == {"a": False}
    assert busy.idle(NOW, 5.0, 9) == {"a": True}
    assert busy.idle(NOW, 5.0, 10) == {"a": False}
