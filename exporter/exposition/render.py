"""From metric families to the bytes of a scrape."""

import math
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

from pydantic_core import to_json

from exporter.exposition.family import Family
from exporter.exposition.gzip_stream import Block, compress, join

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"

LARGE_FAMILY_SAMPLES = 1000
"""From here on a family is a block of its own.

Small families share a block: apart, they would compress to twice the size.
"""


@dataclass(frozen=True, slots=True)
class Exposition:
    """One immutable answer to a scrape.

    ``response`` is the whole HTTP/1.1 answer to a client that takes gzip: ``head_length`` bytes of
    header, then the body. The plain text is not kept.
    """

    response: bytes
    head_length: int

    def gzip_body(self) -> bytes:
        """Copy the compressed body."""
        return self.response[self.head_length :]

    def identity(self) -> bytes:
        """Inflate the body for a client that does not take gzip."""
        return zlib.decompress(memoryview(self.response)[self.head_length :], wbits=31)


class Renderer:
    """Renders and compresses what changed since the last time. Not thread-safe."""

    def __init__(self, large_family_samples: int = LARGE_FAMILY_SAMPLES) -> None:
        self._large_family_samples = large_family_samples
        self._kept: dict[tuple[str, ...], tuple[tuple[Family, ...], Block]] = {}

    def render(
        self, fleet: Sequence[Family], sources: Sequence[Family], instrumentation: str
    ) -> Exposition:
        """Make the exposition of all families, and of the exporter's own metrics as text.

        The fleet's small families share a block, and so do those of the sources: the latter
        change more often. Raises ValueError for a value that is not finite.
        """
        kept = {}
        for group in (*self._groups(fleet), *self._groups(sources)):
            key = tuple(family.spec.name for family in group)
            before = self._kept.get(key)
            unchanged = before is not None and before[0] == group
            kept[key] = before if before and unchanged else (group, compress(text_of(group)))
        self._kept = kept
        blocks = [block for _, block in kept.values()]
        return _exposition(join([*blocks, compress(instrumentation.encode())]))

    def _groups(self, families: Sequence[Family]) -> Iterator[tuple[Family, ...]]:
        for large, group in groupby(families, self._is_large):
            if large:
                yield from ((family,) for family in group)
            else:
                yield tuple(group)

    def _is_large(self, family: Family) -> bool:
        return len(family.values) >= self._large_family_samples


def text_of(families: Sequence[Family]) -> bytes:
    """Render families in the Prometheus text format 0.0.4, with HELP and TYPE even if empty.

    Raises ValueError for a value that is not finite: unknown must be absent, not NaN.
    """
    lines: list[str] = []
    for family in families:
        name = family.spec.name
        if not math.isfinite(sum(family.values)):
            raise ValueError(f"{name} has a value that is not finite")
        lines.append(f"# HELP {name} {family.spec.help}\n# TYPE {name} {family.spec.kind}\n")
        samples = zip(family.label_sets, formatted(family.values), strict=True)
        lines.extend([f"{name}{label_set} {value}\n" for label_set, value in samples])
    return "".join(lines).encode()


def formatted(values: tuple[float, ...]) -> list[str]:
    """Write each value with the fewest digits that give the same float, as repr does.

    pydantic-core writes a list of floats in a quarter of the time that repr takes for each.
    """
    return to_json(values)[1:-1].decode("ascii").split(",") if values else []


def _exposition(gzip_body: bytes) -> Exposition:
    head = (
        "HTTP/1.1 200 OK\r\n"
        f"Content-Type: {CONTENT_TYPE}\r\n"
        "Content-Encoding: gzip\r\n"
        "Vary: Accept-Encoding\r\n"
        f"Content-Length: {len(gzip_body)}\r\n\r\n"
    ).encode("ascii")
    return Exposition(head + gzip_body, len(head))
