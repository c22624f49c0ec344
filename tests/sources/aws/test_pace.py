import itertools
import random

import pytest

from exporter.core.provenance import FailureReason
from exporter.sources.aws.pace import Pace
from exporter.sources.source import SourceError


@pytest.fixture
def pace(passing):
    return Pace(0.5, pause=passing.pause, timer=passing.timer)


def failing(*reasons, retry_after_seconds=None):
    """A call that fails for these reasons, one after the other, and then gives "fine"."""
    outcomes = iter(reasons)

    def call():
        reason = next(outcomes, None)
        if reason:
            raise SourceError(reason, "made up", retry_after_seconds)
        return "fine"

    return call


def test_calls_keep_their_distance(pace, passing):
    """The distance counts from the end of the call before; who comes later does not wait."""
    ended_at = []

    def call():
        passing.now += 0.2
        ended_at.append(passing.now)

    pace.run(call)
    pace.run(call)
    passing.now += 0.4
    pace.run(call)
    passing.now += 7.0
    pace.run(call)

    assert passing.pauses == pytest.approx([0.5, 0.1])
    assert [b - a for a, b in itertools.pairwise(ended_at)] == pytest.approx([0.7, 0.7, 7.2])


def test_refused_calls_are_repeated_after_a_growing_pause(pace, passing):
    """Each refusal in a row doubles the pause, up to eight seconds."""
    result = pace.run(failing(*[FailureReason.THROTTLED] * 6))

    assert result == "fine"
    assert passing.pauses == [1.0, 2.0, 4.0, 8.0, 8.0, 8.0]


def test_the_next_call_begins_with_a_short_pause(pace, passing):
    """What one call went through does not slow down the next one."""
    pace.run(failing(*[FailureReason.THROTTLED] * 3))
    passing.pauses.clear()

    pace.run(failing(FailureReason.THROTTLED))

    assert passing.pauses == [0.5, 1.0]


@pytest.mark.parametrize(
    ("reason", "calls"),
    [
        (FailureReason.THROTTLED, 13),
        (FailureReason.TIMEOUT, 3),
        (FailureReason.UNAVAILABLE, 3),
        (FailureReason.DENIED, 1),
        (FailureReason.MALFORMED, 1),
    ],
)
def test_repeating_ends(pace, reason, calls):
    """A failure that stays is raised; one that time cannot mend, at once."""
    counted = itertools.count()

    def call():
        next(counted)
        raise SourceError(reason, "made up")

    with pytest.raises(SourceError) as caught:
        pace.run(call)

    assert caught.value.reason is reason
    assert next(counted) == calls


def test_what_aws_asks_for_is_obeyed(pace, passing):
    """A longer pause that AWS asks for is made."""
    pace.run(failing(FailureReason.THROTTLED, retry_after_seconds=20.0))

    assert passing.pauses == [20.0]


def test_nobody_waits_for_hours(pace, passing):
    """Where AWS asks for more than a minute the failure is raised: others wait better."""
    with pytest.raises(SourceError) as caught:
        pace.run(failing(FailureReason.THROTTLED, retry_after_seconds=61.0))

    assert caught.value.retry_after_seconds == 61.0
    assert passing.pauses == []


def test_bugs_pass(pace, passing):
    """Only failures of the upstream are repeated."""

    def call():
        raise KeyError("a bug of ours")

    with pytest.raises(KeyError):
        pace.run(call)

    assert passing.pauses == []


def test_every_second_call_refused(pace, passing):
    """An API that refuses half of all requests, in any order, is asked to the end."""
    draw = random.Random(7)  # noqa: S311 - the same refusals each time

    def call():
        if draw.random() < 0.5:
            raise SourceError(FailureReason.THROTTLED, "made up")
        return "fine"

    assert {pace.run(call) for _ in range(500)} == {"fine"}
    assert passing.pauses
