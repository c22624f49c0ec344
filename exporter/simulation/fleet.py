"""The posts of the simulated fleet, numbered: a larger fleet begins with the smaller one."""

from collections import Counter
from collections.abc import Iterator
from itertools import chain, cycle, islice

from exporter.simulation import noise, roster, scaling
from exporter.simulation.identity import POSTS_LIMIT
from exporter.simulation.post import Post, Rhythm
from exporter.simulation.roster import Group

_COST_CENTERS = {
    "web": "4100",
    "checkout": "4200",
    "search": "4300",
    "data": "5100",
    "ml": "5200",
    "platform": "6000",
}


def posts(seed: int, count: int) -> tuple[Post, ...]:
    """The first ``count`` posts; beyond the roster's end its ordinary groups repeat.

    Raises ValueError when there cannot be that many.
    """
    if not 0 < count <= POSTS_LIMIT:
        raise ValueError(f"instances must be 1 to {POSTS_LIMIT}, not {count}")
    shop_stream = noise.stream(seed, "shop")
    numbers = Counter[str]()
    members = islice(_members(), count)
    return tuple(
        _post(seed, shop_stream, number, group, rank, numbers)
        for number, (group, rank) in enumerate(members)
    )


def _members() -> Iterator[tuple[Group, int]]:
    for group in chain(roster.PECULIAR, cycle(roster.ORDINARY)):
        for rank in range(group.posts):
            yield group, rank


def _post(
    seed: int, shop_stream: int, number: int, group: Group, rank: int, numbers: Counter[str]
) -> Post:
    zone = "abc"[noise.stream(seed, "availability zone", number) % 3]
    stream = noise.stream(seed, "post", number)
    return Post(
        number=number,
        stream=stream,
        shop_stream=shop_stream,
        place=group.place,
        availability_zone=group.place.region + zone,
        instance_type=group.instance_type,
        name=_name(group, numbers),
        tags=_tags(group),
        rhythm=group.rhythm,
        load=group.load,
        level=0.8 + 0.4 * noise.uniform(noise.stream(seed, "level", number), 0),
        replaced_every_days=group.replaced_every_days,
        purchase_option=group.purchase_option,
        platform="Windows" if group.windows else "Linux/UNIX",
        usage_operation="RunInstances:0002" if group.windows else "RunInstances",
        rank=scaling.SMALLEST + rank if group.rhythm is Rhythm.SCALING else 0,
        reports_cpu=group.reports_cpu,
    )


def _name(group: Group, numbers: Counter[str]) -> str:
    if group.name or not group.tagged:
        return group.name
    prefix = f"{group.service}-{group.environment}"
    numbers[prefix] += 1
    return f"{prefix}-{numbers[prefix]:02d}"


def _tags(group: Group) -> tuple[tuple[str, str], ...]:
    if not group.tagged:
        return ()
    return (
        ("cost_center", _COST_CENTERS[group.team]),
        ("environment", group.environment),
        ("service", group.service),
        ("team", group.team),
    )
