"""The lanes' vocabulary: a small steady fleet, and the ways in which an upstream can fail."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from exposition import Series

REGIONS = "eu-central-1,us-east-1"
ACCOUNT = "111111111111"

LISTED, SPOT = "1111", "5555"
"""Part of the instance ids, to tell who pays which price."""

_TYPES = {"eu-central-1": ("m5.large", 20.0), "us-east-1": ("c6g.xlarge", 60.0)}
FLEET = [
    {
        "id": f"i-0{kind}{region.encode().hex()[:8]}{n:04x}",
        "account": ACCOUNT,
        "region": region,
        "type": itype,
        "market": market,
        "const": load + n,
        "tags": {"Name": f"{market}-{n}", "team": "lane"},
        "events": [{"at": "-5h", "action": "run"}],
    }
    for region, (itype, load) in _TYPES.items()
    for market, kind, n in (
        ("on-demand", LISTED, 1),
        ("on-demand", LISTED, 2),
        ("spot", SPOT, 3),
    )
]
"""Constant loads: no value moves by itself but the grid's, at the hour."""

Depends = Callable[[Series], bool]


@dataclass(frozen=True)
class Mode:
    """One way to fail, and what should come of it."""

    name: str
    reasons: frozenset[str]
    """Failure reasons of which one must be counted; empty where the answer is no failure."""
    gaps: frozenset[str] = frozenset({"source_down"})
    delay: float | None = None


def plain(*more: Mode) -> tuple[Mode, ...]:
    """The ways in which every upstream can fail, replaced or followed by further ones."""

    def mode(name: str, *reasons: str, delay: float | None = None) -> Mode:
        return Mode(name, frozenset(reasons), delay=delay)

    usual = (
        mode("denied", "denied"),
        mode("throttle", "throttled"),
        mode("http500", "unavailable"),
        mode("http503", "unavailable"),
        mode("timeout", "unavailable", "timeout", delay=3),
        mode("reset", "unavailable"),
        mode("malformed", "malformed"),
        mode("blank", "malformed"),
    )
    replaced = {m.name for m in more}
    return (*(m for m in usual if m.name not in replaced), *more)


@dataclass(frozen=True)
class Lane:
    """One source that fails, and what depends on it."""

    source: str
    fault: Mapping[str, str]
    modes: tuple[Mode, ...]
    ends: Depends
    """Series that must be gone once the age limit is over."""
    quantities: tuple[str, ...]
    """Quantities that then are gaps."""
    scope: Mapping[str, str] = field(default_factory=dict)
    """Labels of source_up that fail; other scopes of the source stay up."""
    may_change: Depends = lambda _: False
    """Series that may change or go besides: totals of which a part ended."""
