"""Files of the data folder."""

import csv
import hashlib
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any


class DataError(Exception):
    """Something that a check needs is not in the data folder, or not as expected."""


def json_in(data: Path, name: str) -> Any:
    """The content of a JSON file."""
    try:
        return json.loads(_bytes_of(data, name))
    except ValueError as error:
        raise DataError(f"{name} is not JSON: {error}") from error


def rows_in(data: Path, name: str) -> list[dict[str, str]]:
    """The rows of a CSV file, by column name."""
    found = list(csv.DictReader(_bytes_of(data, name).decode("utf-8").splitlines()))
    if not found:
        raise DataError(f"{name} has no rows")
    return found


def names_in(data: Path, pattern: str) -> list[str]:
    """The files that match, as names relative to the folder, sorted; at least one."""
    found = sorted(path.relative_to(data).as_posix() for path in data.glob(pattern))
    if not found:
        raise DataError(f"there is no {pattern}")
    return found


def fingerprint(data: Path, patterns: Iterable[str]) -> str:
    """Twelve digits that change with any byte of the files that match."""
    if not data.is_dir():
        raise DataError(f"there is no folder {data}")
    digest = hashlib.sha256()
    for name in sorted({name for pattern in patterns for name in names_in(data, pattern)}):
        content = _bytes_of(data, name)
        digest.update(f"{name} {len(content)}\n".encode())
        digest.update(content)
    return digest.hexdigest()[:12]


def _bytes_of(data: Path, name: str) -> bytes:
    try:
        return (data / name).read_bytes()
    except OSError as error:
        raise DataError(f"{name} cannot be read: {error.strerror}") from error
