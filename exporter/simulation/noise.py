"""Noise that is a pure function: the same stream and tick give the same number, in any order."""

from functools import lru_cache
from hashlib import blake2b
from math import cos, floor, pi

_MASK = 2**64 - 1


def stream(*names: str | int) -> int:
    """A number that names one series of noise; different names give unrelated series."""
    text = "\x1f".join(map(str, names))
    return int.from_bytes(blake2b(text.encode(), digest_size=8).digest(), "big")


def uniform(stream: int, tick: int) -> float:
    """Evenly spread over [0, 1).

    SplitMix64 (Steele, Lea and Flood, OOPSLA 2014): several times cheaper than a digest, and
    six weeks of a fleet need millions of numbers.
    """
    x = (stream + tick * 0x9E3779B97F4A7C15) & _MASK
    x = ((x ^ (x >> 30)) * 0xBF58476D1CE4E5B9) & _MASK
    x = ((x ^ (x >> 27)) * 0x94D049BB133111EB) & _MASK
    return ((x ^ (x >> 31)) >> 11) * 2.0**-53


def wander(stream: int, at: float, period_seconds: float) -> float:
    """A smooth walk inside [0, 1) that reaches a new, independent level once per period."""
    position = at / period_seconds
    tick = floor(position)
    share = (1 - cos(pi * (position - tick))) / 2
    return _knot(stream, tick) * (1 - share) + _knot(stream, tick + 1) * share


# Neighbouring instants lie between the same two knots.
_knot = lru_cache(maxsize=4096)(uniform)
