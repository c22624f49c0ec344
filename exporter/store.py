"""The state directory: last good values that outlive the process.

One JSON file per source, written whole (temporary file, fsync, rename, fsync of the directory):
after a crash a file is the old one or the new one, never half of one. A file that cannot be
understood is set aside, with a line in the log, and its source simply starts afresh.
"""

import fcntl
import logging
import os
import socket
from collections.abc import Iterable
from dataclasses import dataclass, fields
from functools import cache
from itertools import chain, count
from pathlib import Path
from typing import Any, Self

from pydantic import TypeAdapter
from pydantic_core import from_json, to_json

from exporter.core.provenance import Scope, SourceName
from exporter.refresh import Cell, CellKey, CellState

LOG = logging.getLogger(__name__)

FORMAT = "carbonfinops-state"
VERSION = 1
_KEPT_FIELDS = [f.name for f in fields(CellState) if f.name not in ("value", "succeeded_at")]


class StateError(Exception):
    """The state directory cannot be used; the message says why and what to do."""


class StateDirectory:
    """Reads and, when ``writable``, locks and writes one state directory.

    ``probe`` only tries: what is in the directory is neither read nor set aside. Raises StateError
    from the constructor when the directory cannot be used.
    """

    def __init__(self, path: Path, *, writable: bool = True, probe: bool = False) -> None:
        self._path = path
        self._writable = writable
        self._lock_file: Any = None
        self._failed: set[SourceName] = set()
        if writable:
            self._prepare()
        self._restored = {} if probe else dict(self._read_all())

    def _prepare(self) -> None:
        try:
            self._path.mkdir(parents=True, exist_ok=True, mode=0o700)
            self._lock_file = (self._path / "lock").open("a+", encoding="utf-8")
        except OSError as error:
            raise StateError(
                f"state directory {self._path} cannot be written ({error.strerror}): "
                "make it writable, or set CARBONFINOPS_STATE_DIR"
            ) from error
        try:
            fcntl.flock(self._lock_file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            with self._lock_file as held:
                held.seek(0)
                holder = held.read().strip() or "another process"
            raise StateError(
                f"state directory {self._path} is in use by {holder}: "
                "stop it, or set CARBONFINOPS_STATE_DIR to another directory"
            ) from error
        self._lock_file.truncate(0)
        self._lock_file.write(f"process {os.getpid()} on {socket.gethostname()}")
        self._lock_file.flush()

    def __enter__(self) -> Self:
        """Use as a context: the lock is given back at the end."""
        return self

    def __exit__(self, *_: object) -> None:
        """Give the lock back."""
        if self._lock_file:
            self._lock_file.close()

    def restore(self, cell: Cell[Any]) -> None:
        """Give a new cell the state that an earlier process left, if there is one."""
        raw = self._restored.pop(cell.key, None)
        if raw is None:
            return
        try:
            state = _adapter(cell.value_type).validate_json(to_json(raw), strict=True)
        except ValueError:
            LOG.warning("state ignored: not understood", extra={"source": str(cell.key.source)})
            return
        cell.restore(state)

    def save(self, source: SourceName, cells: Iterable[Cell[Any]]) -> None:
        """Write the states of all cells of one source. A full disk is logged, once, not fatal."""
        if not self._writable:
            return
        document = {
            "format": FORMAT,
            "version": VERSION,
            "source": source,
            "cells": [_entry(cell) for cell in cells],
        }
        try:
            self._replace(f"{source}.json", to_json(document))
        except (OSError, ValueError) as error:
            if source not in self._failed:
                known = {"source": str(source), "detail": str(error)}
                LOG.warning("state not written: a restart would ask again", extra=known)
            self._failed.add(source)
            return
        self._failed.discard(source)

    @property
    def path(self) -> Path:
        """The directory itself."""
        return self._path

    @property
    def writable(self) -> bool:
        """Whether this process may write."""
        return self._writable

    def write_document(self, name: str, content: object) -> None:
        """Write a document of its own, whole and durably. Raises OSError."""
        document = {"format": FORMAT, "version": VERSION, "content": content}
        self._replace(f"{name}.json", to_json(document))

    def read_document(self, name: str, content_type: Any) -> Any:
        """Content of a document as an instance of ``content_type``; None when there is none.

        What cannot be understood is set aside, with a line in the log.
        """
        path = self._path / f"{name}.json"
        try:
            document = from_json(path.read_bytes(), allow_inf_nan=False)
            if not isinstance(document, dict) or document.get("format") != FORMAT:
                raise ValueError(f"not a {FORMAT} file")  # noqa: TRY301 - one handler for all
            if document.get("version") != VERSION:
                version = document.get("version")
                raise ValueError(f"version {version}, this program reads {VERSION}")  # noqa: TRY301 - as above
            content = to_json(document.get("content"))
            return _content_adapter(content_type).validate_json(content, strict=True)
        except FileNotFoundError:
            return None
        except (OSError, ValueError) as error:
            self._set_aside(name, path, str(error))
            return None

    def _replace(self, name: str, content: bytes) -> None:
        temporary = self._path / f"{name}.new"
        with open(temporary, "wb", opener=_private) as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(self._path / name)
        descriptor = os.open(self._path, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)

    def _read_all(self) -> Iterable[tuple[CellKey, dict[str, Any]]]:
        for source in SourceName:
            path = self._path / f"{source}.json"
            try:
                yield from _parse(source, path.read_bytes())
            except FileNotFoundError:
                continue
            except (OSError, ValueError) as error:
                self._set_aside(source, path, str(error))

    def _set_aside(self, source: str, path: Path, why: str) -> None:
        known = {"source": str(source), "file": path.name, "detail": why}
        if self._writable:
            aside = _free_name(path)
            try:
                path.rename(aside)
            except OSError as error:
                known["detail"] += f"; it stays in the way: {error.strerror}"
            else:
                known["file"] = aside.name
        LOG.warning("state file set aside: the source starts afresh", extra=known)


def _private(path: str, flags: int) -> int:
    """Open for nobody else: account ids and tags are nobody else's business."""
    return os.open(path, flags, 0o600)


def _free_name(path: Path) -> Path:
    """A name beside ``path`` to move it to; a file may take the place of an earlier one."""
    plain = path.with_name(f"{path.name}.unreadable")
    numbered = (path.with_name(f"{plain.name}-{number}") for number in count(2))
    replaceable = path.is_file()
    return next(
        name
        for name in chain([plain], numbered)
        if not name.exists() or (replaceable and name.is_file())
    )


@cache
def _adapter(value_type: Any) -> TypeAdapter[CellState[Any]]:
    """Building one takes a millisecond, and hundreds of cells hold the same type."""
    return TypeAdapter(CellState[value_type])


def _entry(cell: Cell[Any]) -> dict[str, Any]:
    state = cell.state
    kept = {name: getattr(state, name) for name in _KEPT_FIELDS}
    return {"scope": cell.key.scope, "item": cell.key.item, "value": state.value, **kept}


@cache
def _content_adapter(content_type: Any) -> TypeAdapter[Any]:
    return TypeAdapter(content_type)


@dataclass(frozen=True, slots=True)
class _Envelope:
    """What of an entry must be understood before its cell exists."""

    scope: Scope
    item: str


_ENVELOPES = TypeAdapter(list[_Envelope])


def _parse(source: SourceName, content: bytes) -> list[tuple[CellKey, dict[str, Any]]]:
    """The entries of a file by cell. Raises ValueError."""
    document = from_json(content, allow_inf_nan=False)
    if not isinstance(document, dict):
        raise ValueError(f"not a {FORMAT} file")  # noqa: TRY004 - one kind of error for any content
    if document.get("format") != FORMAT or document.get("source") != source:
        raise ValueError(f"not a {FORMAT} file of {source}")
    if document.get("version") != VERSION:
        raise ValueError(f"version {document.get('version')}, this program reads {VERSION}")
    entries: Any = document.get("cells")
    envelopes = _ENVELOPES.validate_python(entries)
    return [
        (CellKey(source, envelope.scope, envelope.item), entry)
        for envelope, entry in zip(envelopes, entries, strict=True)
    ]
