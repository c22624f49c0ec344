"""Weeks of families on their way to one file, in bounded memory.

Families come instant by instant and are wanted one after the other: each has a temporary file of
its own, to which only what has changed is written.
"""

import struct
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import BinaryIO, Self

from exporter.exposition.catalogue import MetricSpec
from exporter.exposition.family import Family
from exporter.exposition.openmetrics import END, FamilyLines, header, stamped

_RECORD = struct.Struct(">II")
"""Number of the look, and how many bytes of lines follow."""


class _Column:
    """The file of one family."""

    def __init__(self, path: Path, spec: MetricSpec, target: Sequence[tuple[str, str]]) -> None:
        self.spec = spec
        self._file = path.open("w+b")
        self._lines = FamilyLines(target)
        self._held = Family(spec, (), ())

    def take(self, look: int, family: Family) -> None:
        """Write a family down, unless it is what it was."""
        if family == self._held:
            return
        self._held = family
        text = b"\n".join(self._lines.of(family))
        self._file.write(_RECORD.pack(look, len(text)))
        self._file.write(text)

    def pieces(self, stamps: Sequence[Sequence[int]]) -> Iterator[tuple[int, bytes]]:
        """How many samples, and their text, at every instant of every look."""
        self._file.seek(0)
        changes = self._records()
        lines: list[bytes] = []
        change = next(changes, None)
        for look, instants in enumerate(stamps):
            if change and change[0] == look:
                lines = change[1]
                change = next(changes, None)
            if lines:
                for at in instants:
                    yield len(lines), stamped(lines, at)

    def _records(self) -> Iterator[tuple[int, list[bytes]]]:
        while head := self._file.read(_RECORD.size):
            look, length = _RECORD.unpack(head)
            yield look, self._file.read(length).split(b"\n") if length else []

    def close(self) -> None:
        """Give the space on disk back."""
        self._file.close()
        Path(self._file.name).unlink()


class Spool:
    """Takes all families of one look after the other, and joins them family by family.

    ``folder`` holds the temporary files until the spool is left; ``target`` are the labels that
    Prometheus adds. OSError when nothing can be written.
    """

    def __init__(self, folder: Path, target: Sequence[tuple[str, str]]) -> None:
        self._folder = folder
        self._target = target
        self._stamps: list[tuple[int, ...]] = []
        self._columns: dict[MetricSpec, _Column] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for column in self._columns.values():
            column.close()

    def take(self, families: Iterable[Family], instants: tuple[int, ...]) -> None:
        """Write down what is shown at some instants (epoch seconds) later than all before."""
        look = len(self._stamps)
        self._stamps.append(instants)
        shown = {family.spec: family for family in families}
        for spec in shown.keys() - self._columns.keys():
            path = self._folder / spec.name
            self._columns[spec] = _Column(path, spec, self._target)
        for spec, column in self._columns.items():
            column.take(look, shown.get(spec) or Family(spec, (), ()))

    def join(self, out: BinaryIO) -> int:
        """Write everything out, giving the space back; how many samples that were."""
        samples = 0
        for spec in sorted(self._columns, key=lambda spec: spec.name):
            column = self._columns.pop(spec)
            begun = False
            for count, text in column.pieces(self._stamps):
                if not begun:
                    out.write(header(spec))
                    begun = True
                out.write(text)
                samples += count
            column.close()
        out.write(END)
        return samples
