from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest

from exporter.core.fleet import PurchaseOption
from exporter.simulation import fleet, schedule
from exporter.simulation.post import Post, Rhythm
from exporter.simulation.schedule import Life

POSTS = fleet.posts(7, 100)
NOON_AT = datetime(2026, 7, 8, 12, tzinfo=UTC).timestamp()
DAY = 86400.0


def of(rhythm: Rhythm) -> list[Post]:
    return [post for post in POSTS if post.rhythm is rhythm]


def living(post: Post, at: float) -> Life:
    life = schedule.life_at(post, at)
    assert life is not None
    return life


def is_running(post: Post, at: float) -> bool:
    return schedule.latest_run(living(post, at), at).ended_at > at


@pytest.mark.parametrize("monday", ["2026-01-12", "2026-03-23", "2026-07-06", "2026-10-26"])
@pytest.mark.parametrize("post", of(Rhythm.OFFICE_HOURS), ids=lambda post: post.name)
def test_office_hours_hold_in_summer_and_winter(post: Post, monday: str) -> None:
    """Monday to Friday from 07:00 to 19:00 Berlin time, stopped otherwise, but never gone.

    Winter is UTC+1; these summer days are UTC+2. A new instance starts at 10:00.
    """
    utc_offset = 2 if monday == "2026-07-06" else 1
    midnight = datetime.fromisoformat(monday).replace(tzinfo=UTC) - timedelta(hours=utc_offset)
    for half_hour in range(7 * 48):
        at = (midnight + timedelta(minutes=30 * half_hour)).timestamp()
        day, hour = half_hour // 48, half_hour % 48 / 2
        life = living(post, at)
        on_first_morning = at - DAY / 2 < life.born_at
        open_ = day < 5 and 7 <= hour < 19
        assert is_running(post, at) == open_ or on_first_morning


@pytest.mark.parametrize("post", POSTS, ids=lambda post: f"{post.number}")
def test_lives_follow_each_other_without_overlap(post: Post) -> None:
    """One life lasts until its end; the next is born no earlier, and spot is vacant in between."""
    lives = {}
    for hour in range(24 * 200):
        life = schedule.life_at(post, NOON_AT + hour * 3600)
        if life is not None:
            lives[life.born_at] = life
    ordered = [lives[born_at] for born_at in sorted(lives)]

    for before, after in pairwise(ordered):
        assert before.gone_at <= after.born_at
        if post.purchase_option is PurchaseOption.SPOT:
            assert after.born_at - before.gone_at == 180
    for life in ordered:
        assert schedule.life_at(post, life.born_at) == life
        assert schedule.life_at(post, life.gone_at - 1) == life
        assert schedule.life_at(post, life.gone_at) != life
        assert life.born_at == int(life.born_at)


def test_spot_instances_are_interrupted_now_and_then() -> None:
    """In six weeks every spot post has several instances, one after the other."""
    for post in POSTS:
        if post.purchase_option is PurchaseOption.SPOT:
            times = [NOON_AT + hour * 3600 for hour in range(42 * 24)]
            births = {life.born_at for at in times if (life := schedule.life_at(post, at))}
            assert 5 <= len(births) <= 12


@pytest.mark.parametrize("post", of(Rhythm.NIGHTLY), ids=lambda post: post.name)
def test_the_nightly_job_runs_two_to_four_hours_every_night(post: Post) -> None:
    """It begins at 22:45 UTC and is gone by 02:45."""
    for night in range(14):
        starts_at = NOON_AT + night * DAY + 10.75 * 3600
        life = living(post, starts_at)
        assert life.born_at == starts_at
        assert 2 * 3600 < life.gone_at - life.born_at <= 4 * 3600
        assert schedule.life_at(post, starts_at - 1) is None


@pytest.mark.parametrize("post", of(Rhythm.ABANDONED), ids=lambda post: post.name)
def test_an_abandoned_instance_stays_listed_and_stopped(post: Post) -> None:
    """It ran for two hours long ago."""
    for day in range(0, 42, 7):
        life = living(post, NOON_AT + day * DAY)
        run = schedule.latest_run(life, NOON_AT + day * DAY)
        assert run == (life.born_at, life.born_at + 7200)
        assert run.ended_at < NOON_AT


@pytest.mark.parametrize("post", POSTS, ids=lambda post: f"{post.number}")
def test_runs_are_those_that_touch_the_interval(post: Post) -> None:
    """Runs of a week equal the runs of its days put together, and lie inside the life."""
    life = schedule.life_at(post, NOON_AT)
    if life is None:
        return
    whole = schedule.runs(life, NOON_AT - 7 * DAY, NOON_AT)
    daily = [
        schedule.runs(life, NOON_AT - day * DAY, NOON_AT - (day - 1) * DAY)
        for day in range(7, 0, -1)
    ]

    assert set(whole) == {run for runs in daily for run in runs}
    assert list(whole) == sorted(whole)
    for run in whole:
        assert life.born_at <= run.started_at < run.ended_at <= life.gone_at
        assert run.started_at < NOON_AT
        assert run.ended_at > NOON_AT - 7 * DAY


@pytest.mark.parametrize("post", POSTS, ids=lambda post: f"{post.number}")
def test_lives_are_those_found_by_looking_often(post: Post) -> None:
    """Every life of 50 days is there once, oldest first: no shift or reclaimed one is missed."""
    from_at, to_at = NOON_AT - 50 * DAY, NOON_AT
    looks = (schedule.life_at(post, from_at + 450 * step) for step in range(50 * 192))
    found = dict.fromkeys(life for life in looks if life is not None)

    assert list(schedule.lives(post, from_at, to_at)) == list(found)


@pytest.mark.parametrize("post", POSTS[::9], ids=lambda post: f"{post.number}")
def test_a_life_lies_inside_an_interval_from_its_birth_until_its_end(post: Post) -> None:
    """Begin and end of both are half-open."""
    for life in schedule.lives(post, NOON_AT - 3 * DAY, NOON_AT):
        born_at, gone_at = life.born_at, life.gone_at
        assert life not in schedule.lives(post, born_at - 9, born_at)
        assert list(schedule.lives(post, born_at, born_at + 1)) == [life]
        assert list(schedule.lives(post, gone_at - 1, gone_at)) == [life]
        assert life not in schedule.lives(post, gone_at, gone_at + 9)
