"""Reads records of a history, and leaves out those that are not understood."""

import logging
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, TypeVar

from exporter.books.records import NOT_UNDERSTOOD
from exporter.history import SegmentLog

LOG = logging.getLogger(__name__)

T = TypeVar("T")


class Understanding:
    """Makes something of records; of each file it says once that it has left some out."""

    def __init__(self) -> None:
        self._told: set[Path] = set()

    def read(
        self, log: SegmentLog, at: float, decode: Callable[[Mapping[str, Any]], T]
    ) -> Iterator[T]:
        """What can be made of the records of the segment that holds an instant."""
        skipped: list[Exception] = []
        for record in log.read(at):
            try:
                read = decode(record)
            except NOT_UNDERSTOOD as error:
                skipped.append(error)
            else:
                yield read
        path = log.path(at)
        if skipped and path not in self._told:
            self._told.add(path)
            detail = f"{len(skipped)} of them, the last: {skipped[-1]!r}"
            known = {"file": str(path), "detail": detail}
            LOG.warning("history records are left out: they are not understood", extra=known)
