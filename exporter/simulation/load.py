"""CPU utilization by kind of load: a week's pattern, the post's own level, and noise; invented."""

from collections.abc import Mapping
from typing import NamedTuple

from exporter.core.units import CPU_SLOT_SECONDS, SECONDS_PER_DAY, SECONDS_PER_HOUR
from exporter.simulation import noise, scaling, week
from exporter.simulation.post import Load, Post
from exporter.simulation.week import Day


class Pattern(NamedTuple):
    """Percent of CPU: ``floor`` when idle, ``span`` more when busiest.

    ``jitter`` moves each five-minute slot up or down by at most as much; ``burst`` is what one
    slot in fifty has on top.
    """

    day: Day
    weekend_ratio: float
    floor: float
    span: float
    jitter: float
    burst: float = 0.0


_PATTERNS: Mapping[Load, Pattern] = {
    Load.WEB: Pattern(Day.SHOP, 1.05, 5, 45, 4, 15),
    Load.CHECKOUT: Pattern(Day.SHOP, 1.05, 4, 38, 4, 20),
    Load.SEARCH: Pattern(Day.SHOP, 1.0, 12, 45, 5, 10),
    Load.DATABASE: Pattern(Day.SHOP, 1.0, 10, 35, 3, 10),
    Load.CLUSTER: Pattern(Day.SHOP, 0.9, 28, 22, 5, 10),
    Load.STREAM: Pattern(Day.FLAT, 0.9, 25, 20, 4),
    Load.BATCH: Pattern(Day.NIGHT, 1.0, 3, 84, 5),
    Load.TRAINING: Pattern(Day.FLAT, 1.0, 0, 92, 5),
    Load.BUILD: Pattern(Day.OFFICE, 0.15, 4, 55, 12, 35),
    Load.WORKBENCH: Pattern(Day.OFFICE, 0.2, 3, 20, 3, 30),
    Load.LIGHT: Pattern(Day.OFFICE, 0.5, 2, 4, 1, 5),
    Load.FORGOTTEN: Pattern(Day.FLAT, 1.0, 1.2, 0.3, 0.1),
    Load.OVERSIZED: Pattern(Day.SHOP, 1.0, 4, 9, 1),
}
_TARGET_PERCENT = 60.0  # what the auto scaling group aims at
_SCALED_JITTER_PERCENT = 4.0
_LOWEST_PERCENT = 0.1  # an operating system is never quite at rest
_BURST_SHARE = 0.02
_DRIFT_SECONDS = 2 * SECONDS_PER_HOUR
_TREND_SECONDS = 2 * SECONDS_PER_DAY


def percent(post: Post, slot_start_at: float) -> float:
    """Mean CPU utilization of a post's instance in the five-minute slot, 0..100.

    Every instance of the post has the same: the load is the post's, not the machine's.
    """
    chance = noise.uniform(post.stream, int(slot_start_at // CPU_SLOT_SECONDS))
    sway = 2 * chance - 1
    drift = 0.9 + 0.2 * noise.wander(post.stream, slot_start_at, _DRIFT_SECONDS)
    if post.load is Load.SCALED_WEB:
        servers = scaling.desired(post.shop_stream, slot_start_at)
        busy = _TARGET_PERCENT * scaling.demand(post.shop_stream, slot_start_at) / servers
        value = busy * drift + sway * _SCALED_JITTER_PERCENT
    else:
        pattern = _PATTERNS[post.load]
        busyness = week.ratios(pattern.day, pattern.weekend_ratio)[week.slot(slot_start_at)]
        trend = 0.95 + 0.1 * noise.wander(post.shop_stream, slot_start_at, _TREND_SECONDS)
        busy = pattern.span * post.level * busyness * trend
        value = (pattern.floor + busy) * drift + sway * pattern.jitter
        if chance > 1 - _BURST_SHARE:
            value += pattern.burst
    return min(100.0, max(_LOWEST_PERCENT, value))
