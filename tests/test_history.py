"""History on disk: appended, read and pruned, whatever a crash or a stranger left there."""

import errno
import gzip
import json
import logging
import os
import stat
import subprocess
import sys
import threading
import time
from datetime import UTC, datetime
from math import nextafter
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.history import FORMAT, VERSION, SegmentLog

AT = datetime(2026, 11, 23, 14, 30, tzinfo=UTC).timestamp()
HOUR_AT = AT - 1800
NAME = "2026-11-23T14.jsonl.gz"
HEADER = {"format": FORMAT, "version": VERSION, "kind": "made_up", "start": HOUR_AT}


def hours(directory: Path, kind: str = "made_up") -> SegmentLog:
    return SegmentLog(directory, kind, span_seconds=3600.0)


def days(directory: Path) -> SegmentLog:
    return SegmentLog(directory, "made_up", span_seconds=86400.0)


def shown(path: Path) -> list[Any]:
    """What zcat shows."""
    return [json.loads(line) for line in gzip.decompress(path.read_bytes()).splitlines()]


def gzipped(*lines: object) -> bytes:
    return gzip.compress("".join(f"{json.dumps(line)}\n" for line in lines).encode())


def messages(caplog: pytest.LogCaptureFixture) -> list[str]:
    assert all(record.levelno == logging.WARNING for record in caplog.records)
    return [record.getMessage() for record in caplog.records]


def test_appends_come_back_in_order(tmp_path):
    """From the writing process and from the next one."""
    log = hours(tmp_path)
    log.append(AT, [{"n": 1}, {"n": 2}])
    log.append(AT, [{"n": 3, "text": "é 漢\n\u2028", "number": 0.1 + 0.2}])

    expected = [{"n": 1}, {"n": 2}, {"n": 3, "text": "é 漢\n\u2028", "number": 0.1 + 0.2}]
    assert log.read(AT) == expected
    assert hours(tmp_path).read(AT) == expected


def test_a_file_begins_with_its_header(tmp_path):
    """Once per file, in the first member, and never among the records."""
    log = hours(tmp_path)
    log.append(AT, [{"n": 1}])
    first_size = (tmp_path / NAME).stat().st_size
    log.append(AT + 1, [{"n": 2}])
    hours(tmp_path).append(AT, [{"n": 3}])

    assert shown(tmp_path / NAME) == [HEADER, {"n": 1}, {"n": 2}, {"n": 3}]
    first_member = (tmp_path / NAME).read_bytes()[:first_size]
    assert gzip.decompress(first_member).count(b"\n") == 2


@pytest.mark.parametrize(
    ("make", "at", "name"),
    [
        (hours, HOUR_AT, NAME),
        (hours, nextafter(HOUR_AT + 3600, 0), NAME),
        (hours, HOUR_AT + 3600, "2026-11-23T15.jsonl.gz"),
        (hours, 0.0, "1970-01-01T00.jsonl.gz"),
        (days, AT, "2026-11-23.jsonl.gz"),
        (days, HOUR_AT - 14 * 3600, "2026-11-23.jsonl.gz"),
        (days, nextafter(HOUR_AT - 14 * 3600, 0), "2026-11-22.jsonl.gz"),
    ],
)
@pytest.mark.parametrize("zone", ["UTC", "America/St_Johns", "Pacific/Kiritimati"])
def test_segments_are_utc_and_half_open(tmp_path, monkeypatch, make, at, name, zone):
    """A segment holds its first instant and not its last, wherever the machine stands."""
    monkeypatch.setenv("TZ", zone)
    time.tzset()
    try:
        log = make(tmp_path)
        log.append(at, [{"n": 1}])

        assert [path.name for path in tmp_path.iterdir()] == [name]
        (start,) = log.starts()
        assert start <= at < start + (3600 if make is hours else 86400)
        assert log.read(start) == log.read(at) == [{"n": 1}]
        assert shown(tmp_path / name)[0]["start"] == start
    finally:
        monkeypatch.undo()
        time.tzset()


def test_nothing_is_read_from_nothing(tmp_path, caplog):
    """Before the first append there is no segment; asking makes no directory and no noise."""
    log = hours(tmp_path / "none")

    assert (log.read(AT), log.starts()) == ([], [])
    log.prune(AT)
    log.append(AT, [])

    assert not list(tmp_path.iterdir())
    assert not caplog.records


def test_files_and_directories_are_private(tmp_path):
    """Account ids and instances are nobody else's business, whatever the umask."""
    before = os.umask(0)
    try:
        hours(tmp_path / "a" / "b").append(AT, [{"n": 1}])
    finally:
        os.umask(before)

    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in tmp_path.rglob("*")}
    assert modes == {"a": 0o700, "b": 0o700, NAME: 0o600}


def test_starts_are_those_of_our_files(tmp_path):
    """Oldest first; other names, and other ways to write the same hour, are not segments."""
    log = hours(tmp_path)
    for at in (AT + 7200, AT, AT - 86400):
        log.append(at, [{"n": 1}])
    for name in (
        "2026-11-23.jsonl.gz",
        "20261123T12.jsonl.gz",
        "2026-11-23 12.jsonl.gz",
        "2026-11-23T12:00.jsonl.gz",
        "2026-11-23T12+01.jsonl.gz",
        "2026-13-23T12.jsonl.gz",
        "2026-11-23T24.jsonl.gz",
        "2026-11-23T12.jsonl",
        "2026-11-23T12.jsonl.gz.new",
        "2026-11-23T12.jsonl.gz.unreadable",
        "notes",
        ".jsonl.gz",
    ):
        (tmp_path / name).touch()

    assert log.starts() == [HOUR_AT - 86400, HOUR_AT, HOUR_AT + 7200]
    assert days(tmp_path).starts() == [HOUR_AT - 14 * 3600]


def test_prune_deletes_what_has_ended(tmp_path):
    """A segment goes when its end is reached, also one set aside or begun; strangers stay."""
    log = hours(tmp_path)
    for hour in range(4):
        log.append(HOUR_AT + hour * 3600, [{"n": hour}])
    aside, begun = tmp_path / f"{NAME}.unreadable", tmp_path / f"{NAME}.new"
    stranger = tmp_path / f"{NAME}.mine"
    for path in (aside, begun, stranger):
        path.touch()

    log.prune(nextafter(HOUR_AT + 3600, 0))
    assert len(log.starts()) == 4
    assert aside.exists()
    assert begun.exists()

    log.prune(HOUR_AT + 2 * 3600)
    assert log.starts() == [HOUR_AT + 2 * 3600, HOUR_AT + 3 * 3600]
    assert not aside.exists()
    assert not begun.exists()
    assert stranger.exists()
    assert log.read(AT) == []

    log.append(AT, [{"n": "again"}])
    assert shown(tmp_path / NAME) == [HEADER, {"n": "again"}]


def test_what_cannot_be_deleted_is_told_once(tmp_path, caplog):
    """It stops neither the caller nor the rest."""
    log = hours(tmp_path)
    (tmp_path / NAME / "inner").mkdir(parents=True)
    log.append(AT + 3600, [{"n": 1}])

    log.prune(AT + 86400)
    log.prune(AT + 86400)

    assert [path.name for path in tmp_path.iterdir()] == [NAME]
    assert messages(caplog) == ["history file cannot be deleted"]


def test_an_append_that_a_crash_cut_off_costs_only_itself(tmp_path, caplog):
    """At every byte: the earlier records are there, and the next append is readable."""
    log = hours(tmp_path)
    log.append(AT, [{"n": 1}])
    path = tmp_path / NAME
    before = path.stat().st_size
    log.append(AT, [{"n": 2}])
    content = path.read_bytes()
    for length in range(before, len(content)):
        path.write_bytes(content[:length])
        caplog.clear()
        successor = hours(tmp_path)
        assert successor.read(AT) == [{"n": 1}], length
        assert not caplog.records

        successor.append(AT, [{"n": 3}])

        assert successor.read(AT) == [{"n": 1}, {"n": 3}], length
        assert shown(path) == [HEADER, {"n": 1}, {"n": 3}], length
        assert len(caplog.records) == (length > before), length


def test_a_first_append_that_a_crash_cut_off(tmp_path, caplog):
    """At every byte: there is no segment until it is whole, and what was begun is in no way."""
    hours(tmp_path).append(AT, [{"n": 1}])
    path, new = tmp_path / NAME, tmp_path / f"{NAME}.new"
    content = path.read_bytes()
    for length in range(len(content)):
        path.unlink()
        new.write_bytes(content[:length])
        successor = hours(tmp_path)
        assert (successor.starts(), successor.read(AT)) == ([], [])

        successor.append(AT, [{"n": 2}])

        assert shown(path) == [HEADER, {"n": 2}], length
        assert [file.name for file in tmp_path.iterdir()] == [NAME]
    assert not caplog.records


@given(
    st.lists(
        st.one_of(
            st.tuples(st.just("append"), st.integers(1, 3)),
            st.tuples(st.just("crash"), st.integers(1, 400)),
            st.tuples(st.just("restart"), st.just(0)),
        ),
        max_size=12,
    )
)
def test_crashes_in_any_order(tmp_path_factory, steps):
    """After any series of appends, cuts and restarts there is exactly what was whole."""
    directory = tmp_path_factory.mktemp("history")
    log, path = hours(directory), directory / NAME
    appended: list[tuple[int, list[dict[str, Any]]]] = []
    for number, (step, count) in enumerate(steps):
        if step == "append":
            group = [{"step": number, "n": n} for n in range(count)]
            log.append(AT, group)
            appended.append((path.stat().st_size, group))
        elif step == "crash" and path.exists():
            size = max(0, path.stat().st_size - count)
            os.truncate(path, size)
            appended = [(end, group) for end, group in appended if end <= size]
        elif step == "restart":
            log = hours(directory)

        assert log.read(AT) == [record for _, group in appended for record in group]


def test_a_file_that_vanished_gets_a_header_again(tmp_path):
    """Deleted by hand, or the whole directory, while the process goes on."""
    log = hours(tmp_path / "history")
    log.append(AT, [{"n": 1}])
    (tmp_path / "history" / NAME).unlink()
    (tmp_path / "history").rmdir()

    log.append(AT, [{"n": 2}])

    assert shown(tmp_path / "history" / NAME) == [HEADER, {"n": 2}]


def test_damage_costs_the_append_it_is_in(tmp_path, caplog):
    """It is told once, the others are read, and appending goes on behind it."""
    log = hours(tmp_path)
    ends = []
    for number in range(3):
        log.append(AT, [{"n": number}])
        ends.append((tmp_path / NAME).stat().st_size)
    content = bytearray((tmp_path / NAME).read_bytes())
    content[ends[1] - 5] ^= 1  # in the checksum of the second member
    (tmp_path / NAME).write_bytes(content)

    successor = hours(tmp_path)
    assert successor.read(AT) == successor.read(AT) == [{"n": 0}, {"n": 2}]
    successor.append(AT, [{"n": 3}])

    assert successor.read(AT) == [{"n": 0}, {"n": 2}, {"n": 3}]
    assert messages(caplog) == ["history file is damaged: a part reads as empty"]


class Watched:
    """A lock; ``reached`` is set once somebody is about to wait for it."""

    def __init__(self, reached: threading.Event) -> None:
        self._lock = threading.Lock()
        self._reached = reached

    def __enter__(self) -> None:
        if self._lock.locked():
            self._reached.set()
        self._lock.acquire()

    def __exit__(self, *_: object) -> None:
        self._lock.release()


def test_an_append_while_another_thread_reads(tmp_path, monkeypatch, caplog):
    """What a crash left is not written over while it is read: that would look like damage."""
    hours(tmp_path).append(AT, [{"n": 1}])
    path = tmp_path / NAME
    whole = path.read_bytes()
    hours(tmp_path).append(AT, [{"crashed": list(range(500))}])
    os.truncate(path, len(whole) + 100)
    log, reached = hours(tmp_path), threading.Event()
    monkeypatch.setattr(log, "_lock", Watched(reached))

    def append() -> None:
        log.append(AT, [{"n": n} for n in range(2, 500)])
        reached.set()

    writer = threading.Thread(target=append)
    read_bytes = Path.read_bytes

    def in_two_parts(path: Path) -> bytes:
        if threading.current_thread() is writer:
            return read_bytes(path)
        with path.open("rb", buffering=0) as file:
            first = file.read(len(whole) + 100)
            writer.start()
            assert reached.wait(60)
            return first + file.read()

    monkeypatch.setattr(Path, "read_bytes", in_two_parts)
    found = log.read(AT)
    writer.join(60)
    monkeypatch.undo()

    assert found == [{"n": 1}]
    assert log.read(AT) == [{"n": n} for n in range(1, 500)]
    assert messages(caplog) == ["history: an append that did not end is cut off"]


def test_a_read_while_another_thread_appends(tmp_path, monkeypatch):
    """It waits for what is half written."""
    log, reached = hours(tmp_path), threading.Event()
    log.append(AT, [{"n": 1}])
    monkeypatch.setattr(log, "_lock", Watched(reached))
    found: list[object] = []

    def read() -> None:
        found.extend(log.read(AT))
        reached.set()

    reader, write = threading.Thread(target=read), os.write

    def in_two_parts(descriptor: int, content: bytes) -> int:
        if reader.ident is None:
            count = write(descriptor, content[:20])
            reader.start()
            assert reached.wait(60)
            return count
        return write(descriptor, content)

    monkeypatch.setattr(os, "write", in_two_parts)
    log.append(AT, [{"n": 2}])
    reader.join(60)

    assert found == [{"n": 1}, {"n": 2}]


FOREIGN = {
    "another version": gzipped(HEADER | {"version": 2}, {"n": 1}),
    "a version in words": gzipped(HEADER | {"version": "1"}),
    "another kind": gzipped(HEADER | {"kind": "other"}),
    "another hour": gzipped(HEADER | {"start": HOUR_AT + 3600}),
    "another format": gzipped(HEADER | {"format": "other"}),
    "no header": gzipped({"n": 1}),
    "empty gzip": gzipped(),
    "not an object": gzipped([HEADER]),
    "not JSON": gzip.compress(b"<html>"),
    "not gzip": b"<html>",
    "NULs after a power cut": b"\x00" * 512,
}


@pytest.mark.parametrize("content", FOREIGN.values(), ids=FOREIGN)
def test_a_foreign_file_reads_as_empty_and_is_left_alone(tmp_path, caplog, content):
    """It is named in the log, once; not a byte changes."""
    (tmp_path / NAME).write_bytes(content)
    log = hours(tmp_path)

    assert log.read(AT) == log.read(AT) == []

    assert (tmp_path / NAME).read_bytes() == content
    assert messages(caplog) == ["history file reads as empty"]
    assert NAME in str(vars(caplog.records[0]))


@pytest.mark.parametrize("content", FOREIGN.values(), ids=FOREIGN)
def test_a_foreign_file_is_set_aside_by_an_append(tmp_path, caplog, content):
    """It is kept for a look beside the new segment, in place of an earlier one."""
    (tmp_path / f"{NAME}.unreadable").write_bytes(b"earlier")
    (tmp_path / NAME).write_bytes(content)
    log = hours(tmp_path)

    log.append(AT, [{"n": 7}])

    assert shown(tmp_path / NAME) == [HEADER, {"n": 7}]
    assert (tmp_path / f"{NAME}.unreadable").read_bytes() == content
    assert messages(caplog) == ["history file set aside: the segment starts afresh"]


def test_what_has_become_well_is_told_anew(tmp_path, caplog):
    """A line in the log per outage."""
    log = hours(tmp_path)
    log.append(AT, [{"n": 1}])
    good = (tmp_path / NAME).read_bytes()
    for _ in range(2):
        (tmp_path / NAME).write_bytes(b"broken")
        log.read(AT)
        (tmp_path / NAME).write_bytes(good)
        assert log.read(AT) == [{"n": 1}]

    assert messages(caplog) == ["history file reads as empty"] * 2


def test_a_file_that_cannot_be_opened(tmp_path, caplog):
    """What the system refuses, to root as well, reads as empty, and an append says so."""
    (tmp_path / NAME).symlink_to(NAME)
    log = hours(tmp_path)

    assert log.read(AT) == []
    with pytest.raises(OSError, match=r"[Ss]ymbolic"):
        log.append(AT, [{"n": 1}])

    assert messages(caplog) == ["history file reads as empty"]


def test_a_directory_that_cannot_be_made(tmp_path, caplog):
    """Reading is empty, appending an OSError."""
    (tmp_path / "file").write_text("in the way")
    for below in ("", "deeper", "deeper/still"):
        caplog.clear()
        log = hours(tmp_path / "file" / below)

        assert (log.read(AT), log.starts()) == ([], [])
        with pytest.raises(OSError, match=r"exists|Not a directory"):
            log.append(AT, [{"n": 1}])

        assert messages(caplog) == ["history file reads as empty", "history reads as empty"]


def test_a_segment_that_may_not_be_written(tmp_path):
    """An append is an OSError for root as well, and what is there can be read on."""
    log = hours(tmp_path)
    log.append(AT, [{"n": 1}])
    log.path(AT + 3600).mkdir()  # no user may write to a directory as to a file
    with pytest.raises(OSError, match="Is a directory"):
        log.append(AT + 3600, [{"n": 2}])
    assert log.read(AT) == [{"n": 1}]


def test_records_that_json_cannot_say_write_nothing(tmp_path):
    """The error comes before the file is touched."""
    log = hours(tmp_path)
    log.append(AT, [{"n": 1}])
    before = (tmp_path / NAME).read_bytes()

    with pytest.raises(ValueError, match="surrogate"):
        log.append(AT, [{"n": 2}, {"n": "\ud800"}])

    assert (tmp_path / NAME).read_bytes() == before


@pytest.mark.parametrize("earlier", [[], [{"n": 1}]])
def test_a_write_that_is_not_durable_did_not_happen(tmp_path, monkeypatch, earlier):
    """After a failed fsync the caller tries again, and nothing is there twice."""
    log = hours(tmp_path)
    log.append(AT, earlier)

    def fail(_: int) -> None:
        raise OSError(errno.EIO, "made up")

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", fail)
        for _ in range(2):
            with pytest.raises(OSError, match="made up"):
                log.append(AT, [{"n": 2}])
            assert log.read(AT) == earlier
            assert len(log.starts()) == len(earlier)
    log.append(AT, [{"n": 2}])

    assert shown(tmp_path / NAME) == [HEADER, *earlier, {"n": 2}]


def test_a_name_that_is_not_durable_is_taken_back(tmp_path, monkeypatch):
    """A new file whose directory cannot be synced is not there: the same append comes again."""
    log, sync = hours(tmp_path), os.fsync

    def fail(descriptor: int) -> None:
        if stat.S_ISDIR(os.fstat(descriptor).st_mode):
            raise OSError(errno.EIO, "made up")
        sync(descriptor)

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", fail)
        with pytest.raises(OSError, match="made up"):
            log.append(AT, [{"n": 1}])
    assert not list(tmp_path.iterdir())
    log.append(AT, [{"n": 1}])

    assert shown(tmp_path / NAME) == [HEADER, {"n": 1}]


FULL_DISK = """
import resource, signal, sys
from pathlib import Path
from exporter.history import SegmentLog

signal.signal(signal.SIGXFSZ, signal.SIG_IGN)  # a write beyond the limit is EFBIG
path = Path(sys.argv[1])
log = SegmentLog(path, "made_up", span_seconds=3600.0)
for first in (True, False):
    for spare in range(300):
        size = sum(file.stat().st_size for file in path.glob("*"))
        resource.setrlimit(resource.RLIMIT_FSIZE, (size + spare, resource.RLIM_INFINITY))
        try:
            log.append(float(sys.argv[2]), [{"first": first}])
        except OSError:
            assert sum(file.stat().st_size for file in path.glob("*")) == size, spare
            assert len(log.starts()) == (not first), spare
        else:
            break
    print(spare)
    resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY,) * 2)
    log.append(float(sys.argv[2]), [{"after": first}])
"""


def test_a_full_disk_leaves_nothing_half_written(tmp_path):
    """However much still fits: the file stays as it was, and once there is room all goes on."""
    ended = subprocess.run(
        [sys.executable, "-c", FULL_DISK, str(tmp_path), str(AT)],
        check=True,
        capture_output=True,
        text=True,
        timeout=60,
    )

    spares = [int(line) for line in ended.stdout.split()]
    assert all(spare > 10 for spare in spares), "no write was too large"
    expected = [{"first": True}, {"after": True}, {"first": False}, {"after": False}]
    assert shown(tmp_path / NAME) == [HEADER, *expected]
