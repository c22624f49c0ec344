"""When instances are born, run, stop and go, for each rhythm of a post."""

from collections.abc import Iterator
from dataclasses import dataclass
from math import floor
from typing import NamedTuple

from exporter.core.fleet import PurchaseOption
from exporter.core.units import SECONDS_PER_DAY, SECONDS_PER_HOUR
from exporter.simulation import berlin, noise, scaling
from exporter.simulation.post import Post, Rhythm

OFFICE_OPENS_HOUR = 7.0
OFFICE_CLOSES_HOUR = 19.0

_FIRST_LAUNCH_HOUR = 10.0
_TRIAL_SECONDS = 2 * SECONDS_PER_HOUR
_SPOT_REPLACEMENT_SECONDS = 180.0
_LONGEST_STOP_SECONDS = 4 * SECONDS_PER_DAY
_NIGHT_JOB_HOUR = 22.75  # UTC
_NIGHT_JOB_LONGEST_SECONDS = 4 * SECONDS_PER_HOUR
_BY_SHIFT = (Rhythm.NIGHTLY, Rhythm.SCALING)


class Run(NamedTuple):
    """One time of running, from launch to stop or termination."""

    started_at: float
    ended_at: float


@dataclass(frozen=True, slots=True)
class Life:
    """One instance on a post, from its first launch to its termination."""

    post: Post
    born_at: float
    gone_at: float


def life_at(post: Post, at: float) -> Life | None:
    """The instance on a post at an instant; None while the post is vacant."""
    if post.rhythm in _BY_SHIFT:
        for shift in _shifts(post, _shift_day(at)):
            if shift.started_at <= at < shift.ended_at:
                return Life(post, shift.started_at, shift.ended_at)
        return None
    life = _generation(post, _generation_at(post, at))
    return life if at < life.gone_at else None


def lives(post: Post, from_at: float, to_at: float) -> Iterator[Life]:
    """Every instance of a post that lives inside [from_at, to_at), oldest first."""
    for life in _candidate_lives(post, from_at, to_at):
        if life.born_at < to_at and life.gone_at > from_at:
            yield life


def _candidate_lives(post: Post, from_at: float, to_at: float) -> Iterator[Life]:
    if post.rhythm in _BY_SHIFT:
        for day in range(_shift_day(from_at), _shift_day(to_at) + 1):
            yield from (Life(post, *shift) for shift in _shifts(post, day))
    else:
        first, last = _generation_at(post, from_at), _generation_at(post, to_at)
        yield from (_generation(post, generation) for generation in range(first, last + 1))


def _shift_day(at: float) -> int:
    return int((at - scaling.DAY_BEGINS_SECONDS) // SECONDS_PER_DAY)


def _generation_at(post: Post, at: float) -> int:
    """Which generation was the last to take up a post."""
    generation = floor(at / (post.replaced_every_days * SECONDS_PER_DAY))
    return generation if _birth(post, generation) <= at else generation - 1


def _generation(post: Post, generation: int) -> Life:
    spot = post.purchase_option is PurchaseOption.SPOT
    vacant_seconds = _SPOT_REPLACEMENT_SECONDS if spot else 0.0
    return Life(post, _birth(post, generation), _birth(post, generation + 1) - vacant_seconds)


def _birth(post: Post, generation: int) -> float:
    """When an instance takes up the post: once a period, somewhere inside it."""
    share = 0.1 + 0.8 * noise.uniform(post.stream, generation)
    at = float(floor((generation + share) * post.replaced_every_days * SECONDS_PER_DAY))
    if post.rhythm is not Rhythm.OFFICE_HOURS:
        return at
    day = berlin.day(at) + 1
    while not berlin.is_working_day(day):
        day += 1
    return berlin.instant(day, _FIRST_LAUNCH_HOUR)


def _shifts(post: Post, day: int) -> tuple[Run, ...]:
    if post.rhythm is Rhythm.SCALING:
        return tuple(Run(*span) for span in scaling.shifts(post.shop_stream, post.rank, day))
    started_at = day * SECONDS_PER_DAY + _NIGHT_JOB_HOUR * SECONDS_PER_HOUR
    share = 0.6 + 0.4 * noise.uniform(post.stream, day)
    return (Run(started_at, started_at + floor(share * _NIGHT_JOB_LONGEST_SECONDS)),)


def runs(life: Life, from_at: float, to_at: float) -> tuple[Run, ...]:
    """The runs of an instance that touch [from_at, to_at), whole, oldest first."""
    return tuple(
        run
        for run in _candidates(life, from_at, to_at)
        if run.started_at < to_at and run.ended_at > from_at
    )


def latest_run(life: Life, at: float) -> Run:
    """The run an instance is in, or was in last, from its birth to its end."""
    candidates = _candidates(life, at - _LONGEST_STOP_SECONDS, at)
    return max(run for run in candidates if run.started_at <= at)


def _candidates(life: Life, from_at: float, to_at: float) -> list[Run]:
    if life.post.rhythm is Rhythm.OFFICE_HOURS:
        return _office_runs(life, from_at, to_at)
    if life.post.rhythm is Rhythm.ABANDONED:
        return [Run(life.born_at, life.born_at + _TRIAL_SECONDS)]
    return [Run(life.born_at, life.gone_at)]


def _office_runs(life: Life, from_at: float, to_at: float) -> list[Run]:
    first_day = berlin.day(max(from_at, life.born_at))
    last_day = berlin.day(min(to_at, life.gone_at))
    opened = (
        Run(
            max(berlin.instant(day, OFFICE_OPENS_HOUR), life.born_at),
            min(berlin.instant(day, OFFICE_CLOSES_HOUR), life.gone_at),
        )
        for day in range(first_day, last_day + 1)
        if berlin.is_working_day(day)
    )
    return [run for run in opened if run.started_at < run.ended_at]
