import pytest

from exporter.core.runtime import Coverage
from tests.core.runtime_stories import (
    COVERAGE,
    MIDNIGHT,
    NEXT_MIDNIGHT,
    clock,
    retype,
    run,
    runtime,
    seen,
    sighting,
    start,
    stop,
    terminate,
)


def types(*events, sighted=None, coverage=COVERAGE):
    """The types of the segments, oldest first."""
    result = runtime(*events, sighted=sighted, coverage=coverage)
    return [segment.instance_type for segment in result.segments]


LAST = sighting(seen(clock("12:00"), NEXT_MIDNIGHT))


@pytest.mark.parametrize(
    ("events", "expected"),
    [
        pytest.param(
            [run("01:00"), stop("02:00"), start("03:00"), stop("04:00")],
            ["m5.large", "m5.large"],
            id="from the launch on",
        ),
        pytest.param([stop("01:00"), start("02:00"), stop("03:00")], ["", ""], id="told by nobody"),
        pytest.param(
            [stop("01:00"), retype("01:30", "c5.large"), start("02:00"), stop("03:00")],
            ["", "c5.large"],
            id="from a change on",
        ),
        pytest.param(
            [
                stop("01:00"),
                retype("01:30", "c5.large"),
                retype("01:40", "r5.large"),
                start("02:00"),
                terminate("03:00"),
            ],
            ["", "r5.large"],
            id="the last change counts",
        ),
        pytest.param(
            [retype("01:00", "c5.large"), start("02:00"), terminate("03:00")],
            ["c5.large"],
            id="a change before everything",
        ),
    ],
)
def test_types_that_events_tell(events, expected):
    """A type holds until it is changed."""
    assert types(*events) == expected


def test_back_from_what_an_inventory_shows():
    """Without a change in between the earlier runs had the type of the later one."""
    assert types(stop("01:00"), start("02:00"), stop("03:00"), start("12:00"), sighted=LAST) == [
        "m5.large",
        "m5.large",
        "m5.large",
    ]


def test_not_beyond_a_change():
    """What it was before a change nobody tells."""
    changed = retype("02:30", "m5.large")
    assert types(stop("01:00"), stop("02:00"), changed, start("12:00"), sighted=LAST) == [
        "",
        "m5.large",
    ]


def test_only_where_cloudtrail_would_have_told_of_a_change():
    """A start that the trail does not cover yet may come after a change."""
    coverage = Coverage(MIDNIGHT, clock("11:00"), NEXT_MIDNIGHT, NEXT_MIDNIGHT)

    assert types(stop("01:00"), sighted=LAST, coverage=coverage) == ["", "m5.large"]
    assert types(run("01:00"), stop("02:00"), start("11:30"), stop("11:40"), coverage=coverage) == [
        "m5.large",
        "",
    ]
