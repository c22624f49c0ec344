import statistics
from datetime import UTC, datetime

import pytest

from exporter.simulation import fleet, load, scaling
from exporter.simulation.post import Load, Post

POSTS = fleet.posts(7, 100)
MONDAY_AT = datetime(2026, 6, 1, tzinfo=UTC).timestamp()
WEEK = [MONDAY_AT + slot * 300 for slot in range(7 * 288)]


def first(kind: Load) -> Post:
    return next(post for post in POSTS if post.load is kind)


def week_of(kind: Load) -> list[float]:
    return [load.percent(first(kind), at) for at in WEEK]


@pytest.mark.parametrize("kind", list(Load))
def test_every_load_stays_between_0_and_100(kind: Load) -> None:
    """CPU is a percentage, and an operating system is never quite at rest."""
    values = week_of(kind)

    assert min(values) > 0
    assert max(values) <= 100
    assert len(set(values)) > 100


def test_a_forgotten_machine_idles() -> None:
    """Its CPU stays between one and two percent."""
    values = week_of(Load.FORGOTTEN)

    assert min(values) >= 1
    assert max(values) <= 2


@pytest.mark.parametrize("seed", range(5))
def test_an_oversized_database_is_hardly_used(seed: int) -> None:
    """Its 95th percentile is about twelve percent."""
    post = next(p for p in fleet.posts(seed, 100) if p.load is Load.OVERSIZED)
    p95 = statistics.quantiles((load.percent(post, at) for at in WEEK), n=20)[-1]

    assert 9 < p95 < 15


@pytest.mark.parametrize(
    ("kind", "busy_hour", "quiet_hour"),
    [
        (Load.WEB, 18, 2),  # UTC; Berlin is two hours ahead
        (Load.CHECKOUT, 18, 2),
        (Load.DATABASE, 18, 2),
        (Load.SCALED_WEB, 12, 1),
        (Load.BUILD, 8, 22),
        (Load.WORKBENCH, 8, 22),
        (Load.BATCH, 0, 12),
    ],
)
def test_working_days_have_their_busy_hours(kind: Load, busy_hour: int, quiet_hour: int) -> None:
    """Averaged over Monday to Friday, the busy hour is at least twice the quiet one."""

    def mean_of(hour: int) -> float:
        starts = [MONDAY_AT + day * 86400 + hour * 3600 for day in range(5)]
        return statistics.mean(
            load.percent(first(kind), at + slot * 300) for at in starts for slot in range(12)
        )

    assert mean_of(busy_hour) > 2 * mean_of(quiet_hour)


def test_scaled_servers_share_the_load() -> None:
    """Each has 60 percent for a server's worth of load, give or take 10 percent and 4 points."""
    post = first(Load.SCALED_WEB)
    for at in WEEK:
        shop = post.shop_stream
        shared = 60 * scaling.demand(shop, at) / scaling.desired(shop, at)
        assert abs(load.percent(post, at) - shared) < 0.1 * shared + 4


def test_builds_rest_at_the_weekend() -> None:
    """Saturday noon is far below Tuesday noon."""
    post = first(Load.BUILD)
    noons = {
        day: statistics.mean(
            load.percent(post, MONDAY_AT + day * 86400 + 8 * 3600 + slot * 300)
            for slot in range(12)
        )
        for day in (1, 5)
    }

    assert noons[5] < noons[1] / 2


def test_posts_of_a_kind_differ() -> None:
    """Each post has a level and noise of its own."""
    means = {
        round(statistics.mean(load.percent(post, at) for at in WEEK[::12]), 6)
        for post in POSTS
        if post.load is Load.SEARCH
    }

    assert len(means) == sum(1 for post in POSTS if post.load is Load.SEARCH)
