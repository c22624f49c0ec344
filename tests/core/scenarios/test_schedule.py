"""Weekly schedules: what can be written, and which part of a UTC hour is on, clocks changing."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from exporter.core.scenarios.schedule import WeeklySchedule

HOUR = timedelta(hours=1)
DAY = 24 * 60
BERLIN = ZoneInfo("Europe/Berlin")
ZONES = (
    "UTC",
    "Europe/Berlin",
    "America/New_York",
    "Asia/Kolkata",  # 5:30
    "Asia/Kathmandu",  # 5:45
    "Pacific/Chatham",  # 12:45, and 13:45 in summer
    "Australia/Lord_Howe",  # 10:30, and 11:00 in summer: changes at half past a UTC hour
)


def utc(*moment: int) -> float:
    return datetime(*moment, tzinfo=UTC).timestamp()  # type: ignore[arg-type,misc] # y, m, d, h


@pytest.mark.parametrize(
    ("text", "spans"),
    [
        ("Sat 09:00-13:00", ((5 * DAY + 540, 5 * DAY + 780),)),
        ("Mon-Tue 08:00-18:00", ((480, 1080), (DAY + 480, DAY + 1080))),
        ("mon 8:00-18:30", ((480, 1110),)),
        ("  Tue 00:00-01:00 ,Mon 00:00-01:00 ", ((0, 60), (DAY, DAY + 60))),
        ("Sun-Mon 20:00-24:00", ((1200, DAY), (6 * DAY + 1200, 7 * DAY))),
        ("Mon 08:00-12:00, Mon 10:00-14:00, Mon 14:00-15:00", ((480, 900),)),
        ("Mon-Sun 00:00-24:00", ((0, 7 * DAY),)),
        ("Wed-Tue 00:00-24:00", ((0, 7 * DAY),)),
        ("Mon 00:00-24:00, Mon 09:00-10:00", ((0, DAY),)),
    ],
)
def test_reads_entries(text: str, spans: tuple[tuple[int, int], ...]) -> None:
    """Days and day ranges, which may wrap; spans come sorted, those that touch as one."""
    assert WeeklySchedule.parse(text).spans == spans


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("", "'' is not like"),
        ("Mon-Fri", "'Mon-Fri' is not like 'Mon-Fri 08:00-18:00'"),
        ("Mon 08:00-18:00,", "'' is not like"),
        ("08:00-18:00", "is not like"),
        ("Mon 08:00-18:00 Tue 08:00-18:00", "is not like"),
        ("Mon 8-18", "is not like"),
        ("Mon -8:00-18:00", "is not like"),
        ("Mon 08:00-18:00:30", "is not like"),
        ("Mon ०८:00-18:00", "is not like"),
        ("Mo-Fr 08:00-18:00", "'mo' in 'Mo-Fr 08:00-18:00' is not a day: Mon, Tue"),
        ("Mon-Xyz 08:00-18:00", "'xyz' in 'Mon-Xyz 08:00-18:00' is not a day"),
        ("Mon 08:60-18:00", "08:60 in 'Mon 08:60-18:00' is not a time of day"),
        ("Mon 08:00-24:01", "24:01 in 'Mon 08:00-24:01' is not a time of day"),
        ("Mon 22:00-06:00", "'Mon 22:00-06:00' ends before it begins: write one entry up to 24:00"),
        ("Mon 08:00-08:00", "ends before it begins"),
        ("Mon 24:00-24:00", "ends before it begins"),
    ],
)
def test_says_what_is_wrong(text: str, complaint: str) -> None:
    """What cannot be read is refused with the entry and what is wrong with it."""
    with pytest.raises(ValueError) as refused:  # noqa: PT011 - the message is the next line's
        WeeklySchedule.parse(text)
    assert complaint in str(refused.value)


@pytest.mark.parametrize(
    ("text", "zone", "hour_at", "on_ratio"),
    [
        # Berlin is one hour ahead in winter, two in summer.
        ("Mon 08:00-18:00", "Europe/Berlin", utc(2026, 2, 2, 6), 0.0),
        ("Mon 08:00-18:00", "Europe/Berlin", utc(2026, 2, 2, 7), 1.0),
        ("Mon 08:00-18:00", "Europe/Berlin", utc(2026, 2, 2, 16), 1.0),
        ("Mon 08:00-18:00", "Europe/Berlin", utc(2026, 2, 2, 17), 0.0),
        ("Mon 08:00-18:00", "Europe/Berlin", utc(2026, 7, 6, 6), 1.0),
        ("Mon 08:00-18:00", "Europe/Berlin", utc(2026, 7, 6, 16), 0.0),
        # 08:20 is a third into the hour.
        ("Mon 08:20-18:00", "UTC", utc(2026, 2, 2, 8), 2 / 3),
        # Two spans in one hour.
        ("Mon 08:00-08:15, Mon 08:45-09:00", "UTC", utc(2026, 2, 2, 8), 0.5),
        # 02:00 UTC is 07:30 in Kolkata, and 07:45 in Kathmandu.
        ("Mon 08:00-18:00", "Asia/Kolkata", utc(2026, 2, 2, 2), 0.5),
        ("Mon 08:00-18:00", "Asia/Kathmandu", utc(2026, 2, 2, 2), 0.75),
        # Sunday 18:00 UTC is 23:30 in Kolkata: half of it is Monday, the week's beginning.
        ("Mon 00:00-24:00", "Asia/Kolkata", utc(2026, 2, 1, 18), 0.5),
        ("Sun 00:00-24:00", "Asia/Kolkata", utc(2026, 2, 1, 18), 0.5),
        # Lord Howe Island at 15:00 UTC on 4 April: 02:00 at 11:00 ahead; at 15:00 it becomes 01:30.
        ("Sun 01:30-02:00", "Australia/Lord_Howe", utc(2026, 4, 4, 14), 0.5),
        ("Sun 01:30-02:00", "Australia/Lord_Howe", utc(2026, 4, 4, 15), 0.5),
        # On 3 October at 15:30 UTC, 02:00 at 10:30 ahead, it becomes 02:30: 02:00-02:30 is not.
        ("Sun 01:30-02:00", "Australia/Lord_Howe", utc(2026, 10, 3, 15), 0.5),
        ("Sun 02:00-02:30", "Australia/Lord_Howe", utc(2026, 10, 3, 15), 0.0),
        ("Sun 02:30-03:00", "Australia/Lord_Howe", utc(2026, 10, 3, 15), 0.5),
    ],
)
def test_on_ratio_of_an_hour(text: str, zone: str, hour_at: float, on_ratio: float) -> None:
    """The local clock decides, minute by minute, whatever its distance to UTC."""
    assert WeeklySchedule.parse(text).on_ratio(hour_at, ZoneInfo(zone)) == pytest.approx(on_ratio)


@pytest.mark.parametrize(
    ("midnight", "zone", "hours"),
    [
        (datetime(2026, 3, 28, tzinfo=BERLIN), BERLIN, 24),
        (datetime(2026, 3, 29, tzinfo=BERLIN), BERLIN, 23),
        (datetime(2026, 10, 25, tzinfo=BERLIN), BERLIN, 25),
        (
            datetime(2026, 4, 5, tzinfo=ZoneInfo("Australia/Lord_Howe")),
            ZoneInfo("Australia/Lord_Howe"),
            24.5,
        ),
    ],
)
def test_a_day_is_as_long_as_its_clock_says(
    midnight: datetime, zone: ZoneInfo, hours: float
) -> None:
    """Switched on all of a day means 23, 24 or 25 hours: those of that day, and no other's."""
    name = midnight.strftime("%a")
    schedule = WeeklySchedule.parse(f"{name} 00:00-24:00")
    begin = midnight.astimezone(UTC).replace(minute=0) - 24 * HOUR
    on = sum(schedule.on_ratio((begin + n * HOUR).timestamp(), zone) for n in range(72))
    assert on == pytest.approx(hours)


@pytest.mark.parametrize(("month", "day", "hours"), [(3, 29, 1), (10, 25, 3)])
def test_a_span_over_the_change_of_clocks(month: int, day: int, hours: int) -> None:
    """01:00-03:00 in Berlin lasts one hour when the clock skips an hour, three when one repeats."""
    schedule = WeeklySchedule.parse("Sun 01:00-03:00")
    begin = datetime(2026, month, day, tzinfo=UTC) - 12 * HOUR
    on = sum(schedule.on_ratio((begin + n * HOUR).timestamp(), BERLIN) for n in range(36))
    assert on == hours


SCHEDULES = st.lists(
    st.tuples(
        st.integers(0, 6), st.integers(0, 6), st.integers(0, DAY - 1), st.integers(0, DAY - 1)
    ),
    min_size=1,
    max_size=4,
)
NAMES = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")


def written(entries: list[tuple[int, int, int, int]]) -> str:
    """Entries as text; the later of two times is the minute after which it is off."""
    return ", ".join(
        f"{NAMES[first]}-{NAMES[last]} {_clock(min(times))}-{_clock(max(times) + 1)}"
        for first, last, *times in entries
    )


def _clock(minute: int) -> str:
    return f"{minute // 60:02}:{minute % 60:02}"


def is_on(entries: list[tuple[int, int, int, int]], local: datetime) -> bool:
    """By walking through the days of each entry, one after the other."""
    for first, last, *times in entries:
        day = first
        while True:
            if local.weekday() == day:
                minute = local.hour * 60 + local.minute
                if min(times) <= minute <= max(times):
                    return True
            if day == last:
                break
            day = (day + 1) % 7
    return False


@given(
    entries=SCHEDULES,
    zone=st.sampled_from(ZONES),
    hour=st.integers(0, 365 * 24 - 1).map(lambda n: datetime(2026, 1, 1, tzinfo=UTC) + n * HOUR),
)
@example([(6, 6, 0, DAY - 1)], "Europe/Berlin", datetime(2026, 3, 29, 1, tzinfo=UTC))
@example([(6, 6, 90, 119)], "Australia/Lord_Howe", datetime(2026, 4, 4, 14, tzinfo=UTC))
@example([(6, 6, 0, 149)], "Australia/Lord_Howe", datetime(2026, 10, 3, 15, tzinfo=UTC))
def test_agrees_with_reading_the_local_clock_every_minute(
    entries: list[tuple[int, int, int, int]], zone: str, hour: datetime
) -> None:
    """The share on is that of sixty looks at the clock on the wall."""
    clock = [(hour + timedelta(minutes=n)).astimezone(ZoneInfo(zone)) for n in range(60)]
    schedule = WeeklySchedule.parse(written(entries))
    assert schedule.on_ratio(hour.timestamp(), ZoneInfo(zone)) == pytest.approx(
        sum(is_on(entries, local) for local in clock) / 60
    )


@given(SCHEDULES)
def test_spans_are_sorted_apart_and_within_the_week(
    entries: list[tuple[int, int, int, int]],
) -> None:
    """Whatever is written: spans are in order, never touch and stay within Monday to Sunday."""
    ends = [end for span in WeeklySchedule.parse(written(entries)).spans for end in span]
    assert ends == sorted(set(ends))
    assert ends[0] >= 0
    assert ends[-1] <= 7 * DAY


def test_without_spans_it_is_always_off() -> None:
    """A schedule without spans is on in no hour."""
    assert WeeklySchedule(()).on_ratio(utc(2026, 2, 2, 8), BERLIN) == 0.0
