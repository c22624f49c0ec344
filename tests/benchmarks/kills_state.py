"""The files of a state directory, read by other means than the exporter's own."""

import json
import zlib
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from exporter.core.fleet import Place
from tests.benchmarks.kills_truth import SKIPPABLE

_GZIP = 16 + zlib.MAX_WBITS

Counters = dict[str, float]


@dataclass(frozen=True, slots=True)
class Book:
    """What the file of counters says of one place; ``pending`` hours wait for their intensity."""

    since_at: float
    closed_until_at: float
    counters: Counters
    pending: frozenset[float]


def read_books(folder: Path) -> dict[Place, Book]:
    """The counters on disk. Raises ValueError for a file that is not whole."""
    try:
        text = (folder / "accrual.json").read_text(encoding="utf-8")
    except FileNotFoundError:
        return {}
    return {
        Place(*entry["place"]): _book(entry["accrual"]) for entry in json.loads(text)["content"]
    }


def _book(accrual: Mapping[str, Any]) -> Book:
    accrued = dict(accrual["accrued"])
    skipped = accrued.pop("skipped_seconds")
    return Book(
        accrual["since_at"],
        accrual["closed_until_at"],
        accrued | {f"skipped {quantity}": skipped.get(quantity, 0.0) for quantity in SKIPPABLE},
        frozenset(pending["hour_at"] for pending in accrual["pending"]),
    )


class History:
    """Reads the segments of one kind again when they have changed."""

    def __init__(self, folder: Path, kind: str) -> None:
        self._folder = folder / "history" / kind
        self._stamps: dict[str, tuple[int, int]] = {}
        self.records: dict[str, list[dict[str, Any]]] = defaultdict(list)

    def news(self) -> tuple[list[dict[str, Any]], bool]:
        """The records that are new, oldest first, and whether an append was cut off.

        Raises ValueError for anything else that is not as it should be.
        """
        news, cut = [], False
        for path in sorted(self._folder.glob("*.jsonl.gz")):
            stamp = (path.stat().st_size, path.stat().st_mtime_ns)
            if self._stamps.get(path.name) != stamp:
                records, torn = _records(path)
                known = self.records[path.name]
                if records[: len(known)] != known:
                    raise ValueError(f"{path.name}: records are gone")
                news += records[len(known) :]
                self.records[path.name] = records
                self._stamps[path.name] = stamp
                cut |= torn
        return news, cut


def _records(path: Path) -> tuple[list[dict[str, Any]], bool]:
    """The records behind the header, and whether the last append was cut off."""
    rest, lines = path.read_bytes(), []
    while rest:
        inflater = zlib.decompressobj(_GZIP)
        try:
            text = inflater.decompress(rest)
        except zlib.error as error:
            raise ValueError(f"{path.name}: {error}") from error
        if not inflater.eof:
            break
        lines += text.splitlines()
        rest = inflater.unused_data
    header, *records = map(json.loads, lines)
    if header["format"] != "carbonfinops-history":
        raise ValueError(f"{path.name}: no header")
    return records, bool(rest)


def traces(folder: Path, since_ns: int) -> list[str]:
    """Temporary files that were begun since an instant (nanoseconds) and never renamed."""
    return [path.name for path in folder.rglob("*.new") if path.stat().st_mtime_ns >= since_ns]


def damage(folder: Path) -> list[str]:
    """Files that were set aside, and JSON files that are not whole."""
    found = [f"{path.name} was set aside" for path in folder.rglob("*.unreadable*")]
    for path in folder.glob("*.json"):
        try:
            json.loads(path.read_text(encoding="utf-8"))
        except ValueError as error:
            found.append(f"{path.name} is not whole: {error}")
    return found
