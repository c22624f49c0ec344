"""The state directory: what survives a restart, and what it survives itself."""

import gc
import json
import logging
import os
import stat
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from exporter.core.evidence import (
    CpuPoint,
    Embodied,
    ExchangeRate,
    GapReason,
    GridHistory,
    GridIntensity,
    HardwareProfile,
    InstanceCpu,
    PlaceCpu,
    PriceKey,
    PriceQuote,
    SpotPrices,
    SpotQuote,
)
from exporter.core.fleet import Account, Hardware, InstanceState, Inventory, Place, PurchaseOption
from exporter.core.provenance import FailureReason, Scope, SourceName
from exporter.refresh import Cadence, Cell, CellKey, CellState
from exporter.store import StateDirectory, StateError
from tests.fakes import START_AT, FakeClock, FakeSource, ScriptedSource, make_cell, make_instance

PLACE = Place("111111111111", "eu-central-1")
HOSTILE = "NUL \x00 quote \" apostrophe ' back\\slash\r\n\ttab \x1b[31m é 漢 👩‍🚀 \u2028 </script>"
INSTANCE = make_instance("i-1", PLACE, name=HOSTILE)
HOUR = GridIntensity("DE", 311.25, START_AT, estimated=True, method=HOSTILE)
KEY = PriceKey("eu-central-1", "m5.large", "RunInstances:0002", "default")

VALUES: dict[str, tuple[object, object]] = {
    "inventory": (
        Inventory,
        Inventory(
            PLACE,
            (
                replace(INSTANCE, tags=(("team", HOSTILE), ("cost_center", ""))),
                replace(
                    INSTANCE,
                    instance_id="i-2",
                    state=InstanceState.STOPPED,
                    purchase_option=PurchaseOption.SPOT,
                    state_reason="Client.UserInitiatedShutdown",
                    tags=(),
                ),
            ),
            (Hardware("g5.xlarge", 4, 16384, 1, burstable=False, architecture="x86_64"),),
        ),
    ),
    "empty inventory": (Inventory, Inventory(PLACE, (), ())),
    "cpu": (
        PlaceCpu,
        PlaceCpu(
            PLACE,
            (
                InstanceCpu("i-1", START_AT - 0.1, START_AT, START_AT, 3, ()),
                InstanceCpu(
                    "i-2", 1.5, START_AT, START_AT, 3, (CpuPoint(START_AT - 300, 12.3456789012345),)
                ),
            ),
        ),
    ),
    "price": (PriceQuote, PriceQuote(KEY, 0.1 + 0.2)),
    "no price": (PriceQuote, PriceQuote(KEY, None)),
    "spot": (
        SpotPrices,
        SpotPrices(
            PLACE, (SpotQuote("eu-central-1a", "m5.large", "Linux/UNIX", 0.0317, START_AT - 7.25),)
        ),
    ),
    "profile": (
        HardwareProfile,
        HardwareProfile(
            "m5.large", (1.5, 2.5, 3.5, 4.5, 5.5, 6.5), None, Embodied(2.0, 1.0, 4.0), None, HOSTILE
        ),
    ),
    "profile gap": (
        HardwareProfile,
        HardwareProfile(
            "p5.48xlarge",
            (),
            GapReason.SUBSTITUTED_PROFILE,
            None,
            GapReason.SUBSTITUTED_PROFILE,
            "2.5.0",
        ),
    ),
    "intensity": (GridIntensity, HOUR),
    "history": (GridHistory, GridHistory("DE", (HOUR, replace(HOUR, valid_at=START_AT + 3600)))),
    "rate": (ExchangeRate, ExchangeRate(1.0856, START_AT, "ecb")),
    "accounts": (
        tuple[Account, ...],
        (
            Account("111111111111"),
            Account("222222222222", "arn:aws:iam::222222222222:role/x", regions=("eu-west-1",)),
        ),
    ),
    "no accounts": (tuple[Account, ...], ()),
    "regions": (tuple[str, ...], ("eu-central-1", HOSTILE)),
    "version": (str, HOSTILE),
    "empty version": (str, ""),
    "nothing": (str, None),
}


def cell_of(
    value_type: object = str,
    *,
    name: SourceName = SourceName.BOAVIZTA,
    scope: Scope = Scope(),  # noqa: B008 - an immutable tuple
    item: str = "version",
    clock: FakeClock | None = None,
) -> Cell[object]:
    source = ScriptedSource[object]("asked again", name=name, scope=scope)
    cadence = Cadence(600.0, 1800.0)
    return make_cell(source, clock or FakeClock(), cadence, value_type, item)


def holding(value: object, value_type: object = str, **about: object) -> Cell[object]:
    """A cell that got its value ten minutes ago, and has failed since."""
    cell = cell_of(value_type, **about)  # type: ignore[arg-type]  # passed through
    cell.state = CellState(
        value,
        succeeded_wall_at=START_AT - 600.125 if value is not None else 0.0,
        attempted_wall_at=START_AT - 1.5,
        consecutive_failures=3,
        reason=FailureReason.TIMEOUT,
        detail=HOSTILE,
        duration_seconds=10.0009765625,
    )
    return cell


def save(path: Path, *cells: Cell[object]) -> None:
    with StateDirectory(path) as store:
        for cell in cells:
            store.save(cell.key.source, [cell])


def restore(path: Path, cell: Cell[object]) -> CellState[object]:
    with StateDirectory(path) as store:
        store.restore(cell)
    return cell.state


@pytest.mark.parametrize(("value_type", "value"), VALUES.values(), ids=VALUES)
def test_every_kind_of_value_comes_back_equal(tmp_path, value_type, value):
    """Whatever the roster keeps is the same after a restart, to the last bit and character."""
    saved = holding(value, value_type)
    save(tmp_path, saved)

    state = restore(tmp_path, cell_of(value_type))

    assert state.value == value
    assert type(state.value) is type(value)
    kept = replace(state, succeeded_at=None)
    assert kept == saved.state
    assert isinstance(state.reason, FailureReason)
    assert (state.succeeded_at is None) == (value is None)


@given(text=st.text())
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=50)
def test_any_text_comes_back(tmp_path, text):
    """No text that an upstream may send is changed or makes the file unreadable."""
    save(tmp_path, holding(text))

    assert restore(tmp_path, cell_of()).value == text


def test_text_that_is_no_unicode_does_not_end_the_loop(tmp_path):
    """Half a surrogate pair, as JSON can spell it, has no UTF-8 form; other sources are saved."""
    with StateDirectory(tmp_path) as store:
        store.save(SourceName.BOAVIZTA, [holding("\ud800")])
        store.save(SourceName.EXCHANGE_RATE, [holding("x", name=SourceName.EXCHANGE_RATE)])

    about = {"name": SourceName.EXCHANGE_RATE}
    assert restore(tmp_path, cell_of(**about)).value == "x"  # type: ignore[arg-type]


def test_each_cell_gets_its_own_state(tmp_path):
    """Source, scope and item tell cells apart; a cell that was never saved gets nothing."""
    cells = {
        (source, scope, item): holding(
            f"{source} {scope} {item}", name=source, scope=scope, item=item
        )
        for source in (SourceName.PRICING, SourceName.BOAVIZTA)
        for scope in (Scope(), Scope("1", "eu-west-1"), Scope(grid_zone="DE"))
        for item in ("", "a", "b")
    }
    with StateDirectory(tmp_path) as store:
        for source in (SourceName.PRICING, SourceName.BOAVIZTA):
            store.save(source, [cell for key, cell in cells.items() if key[0] is source])

    with StateDirectory(tmp_path) as store:
        for (source, scope, item), saved in cells.items():
            cell = cell_of(name=source, scope=scope, item=item)
            store.restore(cell)
            assert cell.state.value == saved.state.value
        for stranger in (
            cell_of(name=SourceName.PRICING, item="c"),
            cell_of(name=SourceName.SPOT_PRICE, item=""),
        ):
            store.restore(stranger)
            assert stranger.state == CellState()


def a_file(tmp_path: Path) -> tuple[Path, bytes]:
    """The file of one source, and beside it a second source that is sound."""
    save(tmp_path, holding("x"), holding("sound", name=SourceName.EXCHANGE_RATE))
    file = tmp_path / "boavizta.json"
    return file, file.read_bytes()


def assert_starts_afresh(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """The broken source has no state, a message names its file, the other source is untouched."""
    caplog.clear()
    broken, sound = cell_of(), cell_of(name=SourceName.EXCHANGE_RATE)
    with StateDirectory(tmp_path) as store:
        store.restore(broken)
        store.restore(sound)
        assert broken.state == CellState()
        assert sound.state.value == "sound"
        (record,) = caplog.records
        assert record.levelno == logging.WARNING
        assert "boavizta" in str(vars(record))
        # It recovers by itself: the next answer is saved and comes back.
        broken.attempt()
        store.save(SourceName.BOAVIZTA, [broken])
    assert restore(tmp_path, cell_of()).value == "asked again"


def _document(**changes: object) -> bytes:
    cell = {
        "scope": ["", "", ""],
        "item": "version",
        "value": "x",
        "succeeded_wall_at": START_AT,
        "attempted_wall_at": START_AT,
        "consecutive_failures": 0,
        "reason": None,
        "detail": "",
        "duration_seconds": 0.5,
    }
    document = {
        "format": "carbonfinops-state",
        "version": 1,
        "source": "boavizta",
        "cells": [cell],
    }
    for name, value in changes.items():
        place = cell if name in cell else document
        place[name] = value
    return json.dumps(document).encode()


def test_the_documented_form_is_read(tmp_path):
    """The table of broken files below is broken by its one change only."""
    (tmp_path / "boavizta.json").write_bytes(_document())

    assert restore(tmp_path, cell_of()).value == "x"


BROKEN = {
    "empty": b"",
    "not text": b"\xff\xfe\x00\x00",
    "not JSON": b"<html>",
    "NULs after a power cut": b"\x00" * 512,
    "a list": b"[]",
    "a number": b"17",
    "null": b"null",
    "an object": b"{}",
    "foreign JSON": json.dumps({"format": "terraform", "version": 4, "cells": []}).encode(),
    "deeply nested": b"[" * 100_000,
    "another version": _document(version=2),
    "a version in words": _document(version="1"),
    "another source": _document(source="pricing"),
    "cells is null": _document(cells=None),
    "cells is an object": _document(cells={"a": 1}),
    "a cell is text": _document(cells=["x"]),
    "a cell is empty": _document(cells=[{}]),
    "scope too long": _document(scope=["1", "2", "3", "4"]),
    "scope holds a list": _document(scope=[["1"], "", ""]),
    "scope is null": _document(scope=None),
    "item is a list": _document(item=["version"]),
    "item is an object": _document(item={}),
}


@pytest.mark.parametrize("content", BROKEN.values(), ids=BROKEN)
def test_a_broken_file_is_set_aside(tmp_path, caplog, content):
    """It is kept for a look, named in the log, and its source starts afresh; nothing else does."""
    file, _ = a_file(tmp_path)
    file.write_bytes(content)

    assert_starts_afresh(tmp_path, caplog)

    aside = [path for path in tmp_path.iterdir() if "boavizta.json." in path.name]
    assert [path.read_bytes() for path in aside] == [content]


WRONG_FIELDS = {
    "value of another type": _document(value={"usd": 1}),
    "success is null": _document(succeeded_wall_at=None),
    "success is text": _document(succeeded_wall_at="yesterday"),
    "success is not a number": _document(succeeded_wall_at=float("nan")),
    "success is infinite": _document(succeeded_wall_at=float("-inf")),
    "attempt is text": _document(attempted_wall_at="now"),
    "attempt is a list": _document(attempted_wall_at=[]),
    "failures are text": _document(consecutive_failures="3"),
    "unknown reason": _document(reason="tired"),
    "reason is a list": _document(reason=[]),
    "duration is null": _document(duration_seconds=None),
    "detail is a number": _document(detail=7),
}


@pytest.mark.parametrize("content", WRONG_FIELDS.values(), ids=WRONG_FIELDS)
def test_a_state_with_a_wrong_field_is_ignored(tmp_path, caplog, content):
    """A field that is not what it should be makes this one state count for nothing."""
    file, _ = a_file(tmp_path)
    file.write_bytes(content)

    assert_starts_afresh(tmp_path, caplog)


def test_a_file_cut_off_anywhere_is_no_exception(tmp_path, caplog):
    """Whatever byte a copy ended at: not a state, and not an error."""
    file, content = a_file(tmp_path)
    for length in [*range(0, len(content), 7), len(content) - 1]:
        file.write_bytes(content[:length])
        caplog.clear()

        assert restore(tmp_path, cell_of()) == CellState(), length
        assert len(caplog.records) == 1, length


@given(position=st.integers(0, 10_000), byte=st.integers(0, 255))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
def test_a_file_with_a_wrong_byte_is_no_exception(tmp_path, position, byte):
    """A flipped byte costs at most what it stands in."""
    file, content = a_file(tmp_path)
    changed = bytearray(content)
    changed[position % len(content)] = byte
    file.write_bytes(changed)

    restore(tmp_path, cell_of())


def test_a_directory_in_place_of_the_file(tmp_path, caplog):
    """Somebody's mkdir is named, and set aside like any other nonsense."""
    file, _ = a_file(tmp_path)
    file.unlink()
    (file / "inner").mkdir(parents=True)

    assert_starts_afresh(tmp_path, caplog)


def test_a_broken_file_for_the_second_time(tmp_path, caplog):
    """What was set aside earlier, even a directory of that name, does not stand in the way."""
    file, _ = a_file(tmp_path)
    for _ in range(2):
        file.write_bytes(b"broken")
        assert_starts_afresh(tmp_path, caplog)
    (tmp_path / "boavizta.json.unreadable").unlink()
    (tmp_path / "boavizta.json.unreadable" / "inner").mkdir(parents=True)
    file.write_bytes(b"broken")

    assert_starts_afresh(tmp_path, caplog)


def test_a_file_that_cannot_be_read(tmp_path, caplog):
    """What the system refuses to open, to root as well, is moved aside and starts afresh."""
    file, _ = a_file(tmp_path)
    file.unlink()
    file.symlink_to(file.name)

    assert_starts_afresh(tmp_path, caplog)


def test_state_from_the_future_is_ignored(tmp_path, caplog):
    """A wall clock that was set back makes ages unknowable."""
    cell = holding("x")
    cell.state = replace(cell.state, succeeded_wall_at=START_AT + 3600)
    save(tmp_path, cell)

    assert restore(tmp_path, cell_of()) == CellState()
    assert [r.getMessage() for r in caplog.records] == ["state ignored: it is from the future"]


def test_a_second_process_learns_who_holds_the_directory(tmp_path):
    """The message names process and setting; the holder is not disturbed, no file left open."""
    with StateDirectory(tmp_path) as store:
        with pytest.raises(StateError) as caught:
            StateDirectory(tmp_path)
        store.save(SourceName.BOAVIZTA, [holding("x")])

    message = str(caught.value)
    del caught
    gc.collect()  # here, not in a later test, an open file would be warned of
    assert f"process {os.getpid()} " in message
    assert str(tmp_path) in message
    assert "CARBONFINOPS_STATE_DIR" in message
    assert restore(tmp_path, cell_of()).value == "x"


def test_the_lock_ends_with_the_process_that_held_it(tmp_path):
    """What a killed process left in the lock file keeps nobody out."""
    (tmp_path / "lock").write_text("process 1 on a machine with a long name, long gone")

    with StateDirectory(tmp_path):
        assert (tmp_path / "lock").read_text().startswith(f"process {os.getpid()} on ")
    with StateDirectory(tmp_path):
        pass


@pytest.mark.parametrize("below", ["", "deep/er"])
def test_a_directory_that_cannot_be_made(tmp_path, below):
    """The error says which directory, why, and which setting to change."""
    (tmp_path / "file").write_text("in the way")
    path = tmp_path / "file" / below

    with pytest.raises(StateError) as caught:
        StateDirectory(path)

    assert str(path) in str(caught.value)
    assert "CARBONFINOPS_STATE_DIR" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_new_directory_is_private(tmp_path):
    """Parents are made too; nobody else may read names and account numbers."""
    path = tmp_path / "a" / "b"
    save(path, holding("x"))

    assert stat.S_IMODE(path.stat().st_mode) & 0o077 == 0


def test_a_write_that_fails_is_logged_once_and_recovers(tmp_path, caplog):
    """A full disk is one line in the log per outage; the old file stays; then saving goes on."""
    save(tmp_path, holding("old"))
    obstacle = tmp_path / "boavizta.json.new"
    with StateDirectory(tmp_path) as store:
        for _ in range(2):
            caplog.clear()
            obstacle.mkdir()
            for _ in range(3):
                store.save(SourceName.BOAVIZTA, [holding("new")])
            assert [record.source for record in caplog.records] == ["boavizta"]
            assert b"old" in (tmp_path / "boavizta.json").read_bytes()

            obstacle.rmdir()
            store.save(SourceName.BOAVIZTA, [holding("new but old")])
    assert restore(tmp_path, cell_of()).value == "new but old"


@pytest.mark.parametrize("written", [b"", b'{"format": "carbonfinops-st'])
def test_a_crash_between_write_and_rename_leaves_the_old_file(tmp_path, caplog, written):
    """Half a new file beside the old one is nothing: it is neither read nor in the way."""
    save(tmp_path, holding("old"))
    (tmp_path / "boavizta.json.new").write_bytes(written)

    assert restore(tmp_path, cell_of()).value == "old"
    assert not caplog.records
    save(tmp_path, holding("new"))
    assert restore(tmp_path, cell_of()).value == "new"


def test_a_file_is_replaced_never_rewritten(tmp_path):
    """Whoever has the old file open reads all of the old one."""
    save(tmp_path, holding("old"))
    with (tmp_path / "boavizta.json").open("rb") as reader:
        save(tmp_path, holding("new"))
        assert b"old" in reader.read()
    assert not list(tmp_path.glob("*.new"))


def contents(path: Path) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in path.iterdir()}


def test_read_only_writes_and_locks_nothing(tmp_path, caplog):
    """A snapshot reads what a running exporter holds, and leaves no trace, not even of nonsense."""
    with StateDirectory(tmp_path) as running:
        running.save(SourceName.BOAVIZTA, [holding("x")])
        (tmp_path / "pricing.json").write_bytes(b"broken")
        before = contents(tmp_path)

        with StateDirectory(tmp_path, writable=False) as store:
            cell = cell_of()
            store.restore(cell)
            store.save(SourceName.BOAVIZTA, [holding("y")])

        assert cell.state.value == "x"
        assert contents(tmp_path) == before
        assert len(caplog.records) == 1


def test_read_only_makes_no_directory(tmp_path):
    """Nothing there is nothing known."""
    StateDirectory(tmp_path / "none", writable=False)

    assert not list(tmp_path.iterdir())


def test_read_only_does_not_keep_others_out(tmp_path):
    """An exporter starts while a snapshot reads."""
    with StateDirectory(tmp_path, writable=False), StateDirectory(tmp_path):
        pass


def test_restored_cell_serves_with_its_age(tmp_path):
    """The age goes on from the wall clock of the saving process."""
    clock = FakeClock(START_AT)
    cell = make_cell(FakeSource(lambda: "x", SourceName.BOAVIZTA, Scope()), clock, item="version")
    cell.attempt()
    save(tmp_path, cell)  # type: ignore[arg-type]  # a cell of text is a cell

    later = FakeClock(START_AT + 1700)
    successor = cell_of(clock=later)
    restore(tmp_path, successor)

    assert (successor.age_seconds(), successor.fresh()) == (1700, "x")
    assert successor.key == CellKey(SourceName.BOAVIZTA, Scope(), "version")
