"""History on disk: gzip segments of JSON lines that are only ever appended to.

Each append is one gzip member, so ``zcat`` shows a segment, and a crash costs at most the member
that was being written: what follows the last whole one is cut off before the next append.
"""

import logging
import threading
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from exporter.core.units import SECONDS_PER_DAY, SECONDS_PER_HOUR
from exporter.members import (
    NEW,
    Members,
    append_member,
    json_lines,
    make_member,
    read_members,
    sync_directory,
)

LOG = logging.getLogger(__name__)

FORMAT = "carbonfinops-history"
VERSION = 1

_SUFFIX = ".jsonl.gz"
_ASIDE = ".unreadable"
_STAMP_LENGTHS = {SECONDS_PER_HOUR: len("2026-11-23T14"), SECONDS_PER_DAY: len("2026-11-23")}


class SegmentLog:
    """Records of one kind, one file per hour or day (UTC): ``span_seconds`` is 3600 or 86400.

    The first record of a file says format, version, kind and the segment's start. Files of
    another format or version are left alone and read as empty, with a line in the log; an append
    sets them aside. Only ``append`` raises. One owner appends and prunes; anyone may read, on any
    thread.
    """

    def __init__(self, directory: Path, kind: str, *, span_seconds: float) -> None:
        self._directory = directory
        self._kind = kind
        self._span_seconds = span_seconds
        self._stamp_length = _STAMP_LENGTHS[span_seconds]
        self._ends: dict[Path, int] = {}
        self._reported: set[Path] = set()
        # Whoever reads while what a crash left is cut off and written over finds a bit of both.
        self._lock = threading.Lock()

    def append(self, at: float, records: Sequence[Mapping[str, Any]]) -> None:
        """Add records to the segment that holds ``at``, durably, all of them or none.

        A number that is not finite becomes null. Raises OSError; ValueError for records that JSON
        cannot say, before anything is written.
        """
        if not records:
            return
        path, header = self.path(at), self._header(at)
        lines = json_lines(records)
        with self._lock:
            _make_private(self._directory)
            end = self._whole_until(path, header)
            member = make_member(lines if end else json_lines([header]) + lines)
            append_member(path, end, member)
            self._ends[path] = end + len(member)

    def read(self, at: float) -> list[dict[str, Any]]:
        """All whole records of the segment that holds ``at``, oldest first; none without one.

        Damage, with a line in the log, costs the append that it is in.
        """
        path = self.path(at)
        try:
            with self._lock:
                content = path.read_bytes()
            members = _whole_members(content, self._header(at))
        except FileNotFoundError:
            return []
        except (OSError, ValueError) as error:
            self._report(path, "history file reads as empty", str(error))
            return []
        if members.damage:
            self._report(path, "history file is damaged: a part reads as empty", members.damage)
        else:
            self._reported.discard(path)
        return members.records[1:]

    def starts(self) -> list[float]:
        """Begin of each segment there is, oldest first."""
        return sorted(start for start, path in self._files() if path.name.endswith(_SUFFIX))

    def path(self, at: float) -> Path:
        """Where the segment that holds an instant is, or would be."""
        start = datetime.fromtimestamp(self._start(at), UTC)
        return self._directory / (start.isoformat()[: self._stamp_length] + _SUFFIX)

    def prune(self, before_at: float) -> None:
        """Delete the segments that end at or before an instant, and what else has their names."""
        for start, path in self._files():
            if start + self._span_seconds <= before_at:
                self._ends.pop(path, None)
                try:
                    path.unlink(missing_ok=True)
                except OSError as error:
                    self._report(path, "history file cannot be deleted", str(error))
                else:
                    self._reported.discard(path)

    def _files(self) -> list[tuple[float, Path]]:
        """Segments, those that were begun and those set aside, with their starts."""
        try:
            paths = list(self._directory.iterdir())
        except FileNotFoundError:
            return []
        except OSError as error:
            self._report(self._directory, "history reads as empty", str(error))
            return []
        self._reported.discard(self._directory)
        dated = ((self._start_of(path.name), path) for path in paths)
        return [(start, path) for start, path in dated if start is not None]

    def _start_of(self, name: str) -> float | None:
        """The start that a file name tells; None for names that are not ours."""
        try:
            stamp = datetime.fromisoformat(name.partition(_SUFFIX)[0])
        except ValueError:
            return None
        start = stamp.replace(tzinfo=UTC).timestamp()
        own = self.path(start).name  # a date can be written in other ways as well
        return start if name in (own, own + NEW, own + _ASIDE) else None

    def _start(self, at: float) -> float:
        return at // self._span_seconds * self._span_seconds

    def _header(self, at: float) -> dict[str, Any]:
        known = {"format": FORMAT, "version": VERSION, "kind": self._kind}
        return known | {"start": int(self._start(at))}

    def _whole_until(self, path: Path, header: Mapping[str, Any]) -> int:
        """Where the next member belongs; the file is read unless it is as this process left it."""
        try:
            size = path.stat().st_size
            if self._ends.get(path) == size:
                return size
            end = _whole_members(path.read_bytes(), header).end
        except FileNotFoundError:
            return 0
        except ValueError as error:
            aside = path.replace(path.with_name(path.name + _ASIDE))
            known = {"file": str(aside), "detail": str(error)}
            LOG.warning("history file set aside: the segment starts afresh", extra=known)
            return 0
        if end < size:
            known = {"file": str(path), "detail": f"{size - end} bytes"}
            LOG.warning("history: an append that did not end is cut off", extra=known)
        return end

    def _report(self, path: Path, message: str, detail: str) -> None:
        """Say it once, until it is well again."""
        if path not in self._reported:
            LOG.warning(message, extra={"file": str(path), "detail": detail})
        self._reported.add(path)


def _whole_members(content: bytes, header: Mapping[str, Any]) -> Members:
    """A segment's members; its header comes first. Raises ValueError for another's file."""
    members = read_members(content)
    first = members.records[0] if members.records else {}
    for name, expected in header.items():
        if members.end and first.get(name) != expected:
            raise ValueError(f"{name} is {first.get(name)!r} and not {expected!r}")
    return members


def _make_private(directory: Path) -> None:
    """Make it and its parents for nobody else: account ids are nobody else's business."""
    if not directory.is_dir():
        _make_private(directory.parent)
        directory.mkdir(mode=0o700, exist_ok=True)
        sync_directory(directory.parent)
