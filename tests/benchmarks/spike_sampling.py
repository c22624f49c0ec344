"""What a scrape shows of a fleet's power: polls of complete slots, held until the next poll."""

import random
from bisect import bisect_left
from collections.abc import Mapping, Sequence
from itertools import accumulate
from math import ceil, exp
from typing import NamedTuple

from exporter.core.uncertainty import COVERAGE_FACTOR, cpu_age_deviation_ln
from exporter.refresh import Cadence, refresh_delay_seconds

SLOT_SECONDS = 300
MINUTE_SECONDS = 60
HOUR_SECONDS = 3600
_FEWEST_SLOTS, _MOST_SLOTS = 3, 191
_MAX_AGE_INTERVALS = 4.0
_OLDEST_SECONDS = 4.0 * HOUR_SECONDS
_SMALLEST_FACTOR = 1.2

PUBLISHED_AFTER_SECONDS = (60.0, 240.0)
"""How long after a slot's end CloudWatch tells its point: assumed, drawn for each poll."""

SEEN_AFTER_SECONDS = 60.0
"""From a poll to the rules: a scrape and an evaluation, each every minute."""

GRID_PUBLISHED_AFTER_SECONDS = 3600.0
"""How long after the begin of an hour its intensity is told: assumed."""


class Poll(NamedTuple):
    """The window that is shown since a minute, by numbers of slots; ``end`` is not in it."""

    minute: int
    begin: int
    end: int


def window(at: float, interval_seconds: float, published_after_seconds: float) -> tuple[int, int]:
    """Slots that a poll at ``at`` averages over: as long as the interval, at least three.

    It ends one slot earlier where the newest complete one is not published yet.
    """
    length = min(max(ceil(interval_seconds / SLOT_SECONDS), _FEWEST_SLOTS), _MOST_SLOTS)
    end = int(at // SLOT_SECONDS)
    if at - end * SLOT_SECONDS < published_after_seconds:
        end -= 1
    return end - length, end


def polls(minutes: int, interval_seconds: float, draw: random.Random) -> list[Poll]:
    """Polls as the exporter makes them, at 80-90 % of the interval."""
    cadence = Cadence(interval_seconds, _MAX_AGE_INTERVALS * interval_seconds)
    at = interval_seconds + 2 * _FEWEST_SLOTS * SLOT_SECONDS + draw.uniform(0, interval_seconds)
    found = []
    while at < minutes * MINUTE_SECONDS:
        slots = window(at, interval_seconds, draw.uniform(*PUBLISHED_AFTER_SECONDS))
        found.append(Poll(ceil((at + SEEN_AFTER_SECONDS) / MINUTE_SECONDS), *slots))
        at += refresh_delay_seconds(cadence, draw)
    return found


def held(watts: Sequence[float], polled: Sequence[Poll], minutes: int) -> list[float]:
    """Power by minute; before the first poll as after it."""
    total = [0.0, *accumulate(watts)]
    means = [(total[poll.end] - total[poll.begin]) / (poll.end - poll.begin) for poll in polled]
    return _stretched([poll.minute for poll in polled], means, minutes)


def held_excess(
    excess: Mapping[int, float], polled: Sequence[Poll], since: int, minutes: int
) -> list[float]:
    """What further watts in some slots add to ``minutes`` minutes from ``since`` on."""
    first = max(0, bisect_left(polled, since + 1, key=lambda poll: poll.minute) - 1)
    last = bisect_left(polled, since + minutes, key=lambda poll: poll.minute)
    shown = polled[first:last]
    means = [
        sum(excess.get(slot, 0.0) for slot in range(poll.begin, poll.end)) / (poll.end - poll.begin)
        for poll in shown
    ]
    return _stretched([poll.minute - since for poll in shown], means, minutes)


def noise_multiples(
    polled: Sequence[Poll], minutes: int, concentration: float
) -> list[float] | None:
    """What power has to be of the reference to be more than noise, by minute.

    exp(K S c) for power now and half of that for the reference: S is the error of a held power at
    its age, c the fleet's concentration. None where that never matters.
    """

    def multiple(age_seconds: float) -> float:
        deviation_ln = concentration * cpu_age_deviation_ln(age_seconds)
        return exp(1.5 * COVERAGE_FACTOR * deviation_ln)

    if multiple(_OLDEST_SECONDS) < _SMALLEST_FACTOR:
        return None
    by_minute: list[float] = []
    for poll, until in zip(polled, [*(poll.minute for poll in polled[1:]), minutes], strict=True):
        ages = range(len(by_minute), min(until, minutes))
        end_at = poll.end * SLOT_SECONDS
        by_minute.extend(multiple(max(0, each * MINUTE_SECONDS - end_at)) for each in ages)
    return by_minute


def held_grid(grams: Sequence[float], minutes: int, draw: random.Random) -> list[float]:
    """Intensity of the newest hour that is told, by minute, asked for about hourly."""
    cadence = Cadence(float(HOUR_SECONDS), 3.0 * HOUR_SECONDS)
    at = GRID_PUBLISHED_AFTER_SECONDS
    since, values = [], []
    while at < minutes * MINUTE_SECONDS:
        since.append(ceil((at + SEEN_AFTER_SECONDS) / MINUTE_SECONDS))
        values.append(grams[int((at - GRID_PUBLISHED_AFTER_SECONDS) // HOUR_SECONDS)])
        at += refresh_delay_seconds(cadence, draw)
    return _stretched(since, values, minutes)


def _stretched(since: Sequence[int], values: Sequence[float], minutes: int) -> list[float]:
    """Values held from a minute of their own on until the next; the first from the start on."""
    by_minute: list[float] = []
    for value, until in zip(values, [*since[1:], minutes], strict=True):
        by_minute.extend([value] * (min(until, minutes) - len(by_minute)))
    return by_minute
