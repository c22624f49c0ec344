from collections import Counter
from collections.abc import Callable

import pytest

from exporter.core.fleet import PurchaseOption
from exporter.simulation import fleet, hardware
from exporter.simulation.post import Load, Post, Rhythm


@pytest.fixture
def posts() -> tuple[Post, ...]:
    return fleet.posts(7, 100)


def test_roster_covers_the_company(posts: tuple[Post, ...]) -> None:
    """Two accounts, three regions, six teams, three environments, both architectures."""
    tags = [dict(post.tags) for post in posts]

    assert len({post.place.account_id for post in posts}) == 2
    assert {post.place.region for post in posts} == {"eu-central-1", "eu-west-1", "us-east-1"}
    assert {tag["team"] for tag in tags if tag} == {
        *("web", "checkout", "search", "data", "platform", "ml")
    }
    assert {tag["environment"] for tag in tags if tag} == {"prod", "staging", "dev"}
    assert {hardware.MODELS[post.instance_type].architecture for post in posts} == {
        *("x86_64", "arm64")
    }


@pytest.mark.parametrize(
    ("peculiar", "count"),
    [
        (lambda post: not post.tags and not post.name, 1),
        (lambda post: post.platform == "Windows", 1),
        (lambda post: hardware.MODELS[post.instance_type].accelerators > 0, 1),
        (lambda post: not hardware.MODELS[post.instance_type].known, 1),
        (lambda post: post.load is Load.FORGOTTEN, 1),
        (lambda post: post.load is Load.OVERSIZED, 1),
        (lambda post: post.rhythm is Rhythm.ABANDONED, 2),
        (lambda post: post.rhythm is Rhythm.NIGHTLY, 2),
        (lambda post: post.load is Load.SCALED_WEB, 8),
        (lambda post: not post.reports_cpu, 1),
        (lambda post: '"' in post.name and "\\" in post.name and not post.name.isascii(), 1),
    ],
)
def test_peculiar_posts_are_there(
    posts: tuple[Post, ...], peculiar: Callable[[Post], bool], count: int
) -> None:
    """Every case a real fleet brings along is there as often as planned, not more."""
    assert sum(1 for post in posts if peculiar(post)) == count


def test_something_runs_at_night_that_nobody_needs(posts: tuple[Post, ...]) -> None:
    """Most of development stops by itself; an ordinary group and a forgotten machine do not."""
    running = {
        dict(post.tags)["service"]
        for post in posts
        if dict(post.tags).get("environment") in {"dev", "staging"}
        and post.rhythm is Rhythm.ALWAYS
        and post.purchase_option is PurchaseOption.ON_DEMAND
    }

    assert running == {"notebooks", "relaunch"}
    assert sum(1 for post in posts if post.rhythm is Rhythm.OFFICE_HOURS) > 10


def test_all_tagged_posts_carry_all_tags_sorted(posts: tuple[Post, ...]) -> None:
    """Tags are sorted by label, as the inventory promises."""
    labels = Counter(tuple(label for label, _ in post.tags) for post in posts)

    assert labels == {("cost_center", "environment", "service", "team"): 99, (): 1}


def test_spot_posts_are_replaced_within_days(posts: tuple[Post, ...]) -> None:
    """Spot capacity is taken back now and then, on-demand instances live for weeks."""
    for post in posts:
        spot = post.purchase_option is PurchaseOption.SPOT
        assert (post.replaced_every_days < 10) == spot


def test_a_larger_fleet_begins_with_the_smaller(posts: tuple[Post, ...]) -> None:
    """Growing the fleet changes nothing about the posts that were there."""
    assert fleet.posts(7, 1000)[:100] == posts
    assert fleet.posts(7, 7) == posts[:7]


def test_numbered_names_are_unique() -> None:
    """Only the auto scaling group, the untagged and the hostile name repeat in a large fleet."""
    names = Counter(post.name for post in fleet.posts(7, 2000))

    assert {name for name, count in names.items() if count > 1} == {"web-prod-asg"}


@pytest.mark.parametrize("count", [0, -1, 2**16 + 1])
def test_impossible_sizes_are_refused(count: int) -> None:
    """A fleet has at least one instance, and no more than ids can tell apart."""
    with pytest.raises(ValueError, match="instances"):
        fleet.posts(7, count)
