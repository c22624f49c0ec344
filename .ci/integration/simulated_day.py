"""The day on which clocks go forward in Europe, and a small fleet that starts and stops in it."""

from collections.abc import Mapping
from typing import Any

from expectation import epoch

REGIONS = "eu-central-1,us-east-1"
EUROPE, AMERICA = REGIONS.split(",")
FIRST, SECOND = "111111111111", "222222222222"

STEADY, OFFICE = (FIRST, EUROPE), (FIRST, AMERICA)
FLEETING, YOUNG = (SECOND, EUROPE), (SECOND, AMERICA)
"""What runs all day; what starts and stops; what does so unseen; what is all launched that day."""

PLACES = (STEADY, OFFICE, FLEETING, YOUNG)

START_AT = epoch("2026-03-28T23:02:30Z")
DAY_AT = epoch("2026-03-29T00:00:00Z")
HOUR, DAY = 3600, 86400
SETTLED_AT = START_AT + 34 * HOUR
"""By then the day's carbon intensities are measured, and CloudTrail was asked a second time."""

Place = tuple[str, str]


def _day(clock: str) -> float:
    return epoch(f"2026-03-29T{clock}Z")


def _events(*happenings: tuple[float | str, str]) -> list[dict[str, Any]]:
    return [{"at": at, "action": action} for at, action in happenings]


LONG_AGO = ("-20d", "run")
LUNCH = _events(LONG_AGO, (_day("11:30:00"), "stop"), (_day("12:15:01"), "start"))
OFFICE_HOURS = _events(
    ("-20d", "run"),
    ("-30h", "stop"),
    (_day("06:13:21"), "start"),
    (_day("17:00:00"), "stop"),
)
EVENING = _events(("-9d", "run"), (_day("18:44:44"), "hibernate"))
RESIZED = [
    *_events(LONG_AGO, (_day("13:00:00"), "stop")),
    {
        "at": _day("13:01:00"),
        "action": "modify",
        "info": {"old": "m5.large", "new": "m5.2xlarge"},
    },
    *_events((_day("13:02:40"), "start")),
]
SHORT_RUNS = _events(
    LONG_AGO,
    ("-25h", "stop"),
    *(
        (_day(f"{hour:02}:{minute:02}:{second:02}"), action)
        for hour in (3, 9, 15)
        for minute, second, action in (
            (28, 0, "start"),
            (28, 20, "stop"),
            (29, 0, "start"),
            (31, 30, "stop"),
        )
    ),
)
"""Two runs between two inventories, which come at 27:30 and 32:30: one of 20 s, one of 150 s."""

EVICTED = _events(("-3d", "run"), (_day("16:20:20"), "evict"))
"""A spot interruption: DescribeInstances does not tell its time."""

MORNING = _events(("-3d", "run"), (_day("12:34:56"), "terminate"))
AFTERNOON = _events((_day("09:10:11"), "run"), (_day("20:03:07"), "terminate"))
EARLY_EVENING = _events((_day("10:40:00"), "run"), (_day("21:25:00"), "stop"))

_FLEET: tuple[tuple[Place, str, Mapping[str, Any]], ...] = (
    (STEADY, "m5.large", {}),
    (STEADY, "c6g.xlarge", {}),
    (STEADY, "t3.micro", {"const": 97.5}),
    (STEADY, "r5.large", {"market": "spot"}),
    (STEADY, "m5.large", {"os": "windows"}),
    (STEADY, "t3.medium", {}),
    (OFFICE, "m5.large", {"const": 12.3, "events": OFFICE_HOURS}),
    (OFFICE, "m7i.large", {"const": 45.6, "events": OFFICE_HOURS}),
    (OFFICE, "c5.xlarge", {"const": 78.9, "events": LUNCH}),
    (OFFICE, "m5.2xlarge", {"const": 1.5, "events": RESIZED}),
    (OFFICE, "t3a.large", {"const": 30, "events": EVENING}),
    (OFFICE, "m6g.large", {"const": 60, "events": MORNING}),
    (OFFICE, "m5.large", {"const": 0, "os": "rhel"}),
    (FLEETING, "m5.large", {"events": SHORT_RUNS}),
    (FLEETING, "c5.xlarge", {"market": "spot", "events": EVICTED}),
    (FLEETING, "m6i.xlarge", {"const": 55}),
    (YOUNG, "c7g.large", {"const": 5, "count": 3, "events": _events((_day("00:31:00"), "run"))}),
    (YOUNG, "m5.4xlarge", {"const": 20, "events": AFTERNOON}),
    (YOUNG, "m5.large", {"const": 95, "events": EARLY_EVENING}),
)
"""Loads come from recorded traces, gaps and all, where none is given."""

UNSEEN = frozenset(
    f"i-0{n:016x}"
    for n, (_, _, more) in enumerate(_FLEET, 1)
    if more.get("events") in (SHORT_RUNS, EVICTED)
)
"""Instances that end without the inventories telling when."""

FLEET: list[dict[str, Any]] = [
    {
        "id": f"i-0{n:016x}",
        "account": account,
        "region": region,
        "type": instance_type,
        "tags": {"Name": f"day-{n}", "team": "rig"},
        "events": _events(LONG_AGO),
        **more,
    }
    for n, ((account, region), instance_type, more) in enumerate(_FLEET, 1)
]
