import pytest

from exporter.core.spans import MINIMUM_BILLED_SECONDS, Segment, UnknownReason, UnknownSpan


@pytest.mark.parametrize(
    ("segment", "billed"),
    [
        (Segment(100, 120, "m5.large"), 60),
        (Segment(100, 160, "m5.large"), 60),
        (Segment(100, 161, "m5.large"), 61),
        (Segment(100, 120, "m5.large", begins=False), 20),
        (Segment(100, 120, "m5.large", ends=False), 20),
    ],
)
def test_the_minimum(segment, billed):
    """A whole run is billed for a minute at least; of a part nobody knows how long it was."""
    assert segment.billed_seconds(0, 1000) == billed


@pytest.mark.parametrize(
    ("start_at", "end_at", "running", "billed"),
    [(0, 100, 0, 0), (100, 110, 10, 50), (101, 200, 19, 19), (110, 115, 5, 5), (120, 200, 0, 0)],
)
def test_a_window_on_a_short_run(start_at, end_at, running, billed):
    """What a run of 20 s lacks belongs to the window that holds its start."""
    segment = Segment(100, 120, "m5.large")

    assert segment.running_seconds(start_at, end_at) == running
    assert segment.billed_seconds(start_at, end_at) == billed


def test_the_part_before_an_instant():
    """A segment that is cut goes on; one that had ended is as it was."""
    segment = Segment(100, 200, "m5.large")
    span = UnknownSpan(100, 200, UnknownReason.NO_TRAIL)

    assert segment.before(150) == Segment(100, 150, "m5.large", ends=False)
    assert span.before(150) == UnknownSpan(100, 150, UnknownReason.NO_TRAIL)
    assert segment.before(200) == segment
    assert span.before(200) == span


def test_a_minute():
    """AWS's minimum for a start."""
    assert MINIMUM_BILLED_SECONDS == 60
