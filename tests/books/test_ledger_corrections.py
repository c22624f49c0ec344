"""The history after CloudTrail has told more: its hours agree, and the counters stay."""

import gzip
import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from exporter.books.archive import Archive
from exporter.core.trail import TrailAction, TrailEvent
from exporter.history import SegmentLog
from exporter.store import StateDirectory
from tests.books.keeping import (
    HOUR,
    PLACE,
    SKIPPED,
    USD_PER_HOUR,
    WEB,
    Keeping,
    counters,
    keeping,
)
from tests.fakes import START_AT, FakeClock, FakeUpstreams, make_instance

TICK_SECONDS = 240.0
BATCH = make_instance("i-batch", PLACE, launched_at=START_AT + 1920)
ENDED_AT = START_AT + 2 * HOUR + 1234
END = TrailEvent("e-1", ENDED_AT, TrailAction.TERMINATE, "i-batch", was="running")
BRIEF_AT = START_AT + 4 * HOUR + 700
BRIEF = (
    TrailEvent(
        "e-2",
        BRIEF_AT,
        TrailAction.RUN,
        "i-brief",
        instance_type="m5.large",
        availability_zone="eu-central-1a",
        tenancy="default",
    ),
    TrailEvent("e-3", BRIEF_AT + 90, TrailAction.TERMINATE, "i-brief", was="running"),
)
"""It lived between two inventories."""


def lived(store: StateDirectory, *, until_trail: bool) -> Keeping:
    """A day in which one instance vanished and one was never seen."""
    found = keeping(WEB, store=store)
    found.run(BATCH.launched_at - START_AT, TICK_SECONDS)
    found.upstreams.fleet[PLACE] = (WEB, BATCH)
    found.run(35 * TICK_SECONDS - (BATCH.launched_at - START_AT), TICK_SECONDS)
    found.upstreams.fleet[PLACE] = (WEB,)
    found.upstreams.events[PLACE] = (END, *BRIEF)
    found.run((25 if until_trail else 10) * HOUR, TICK_SECONDS)
    asked = found.upstreams.times("trail")
    assert asked == (2 if until_trail else 1)
    return found


def hour(state_dir: Path, hour_at: float, instance_id: str) -> dict[str, Any]:
    columns = Archive(StateDirectory(state_dir, writable=False)).hour(hour_at)[PLACE]
    if instance_id not in columns["instance_id"]:
        return {}
    row = columns["instance_id"].index(instance_id)
    return {name: values[row] for name, values in columns.items()}


def records(state_dir: Path) -> Counter[float]:
    """How often each hour of the place was written."""
    found: Counter[float] = Counter()
    for path in (state_dir / "history/instance_hours").glob("*.gz"):
        for line in gzip.decompress(path.read_bytes()).splitlines():
            record = json.loads(line)
            if record.get("kind") == "place":
                found[record["hour"]] += 1
    return found


def test_recorded_hours_agree_with_cloudtrail(tmp_path):
    """The end that no inventory saw is there to the second, and nothing is unknown any more."""
    with StateDirectory(tmp_path) as store:
        early = lived(store, until_trail=False)
        before = hour(tmp_path, START_AT + 2 * HOUR, "i-batch")
        told = counters(early.statement.accrued[PLACE])
        early.run(15 * HOUR, TICK_SECONDS)
        after = hour(tmp_path, START_AT + 2 * HOUR, "i-batch")

    assert before["unknown_seconds"] > 0
    assert (after["running_seconds"], after["unknown_seconds"]) == (1234, 0)
    assert after["cost_usd"] == pytest.approx(USD_PER_HOUR * 1234 / HOUR)
    assert after["cpu"] == before["cpu"]
    assert after["energy_joules"] == before["energy_joules"]
    late = counters(early.statement.accrued[PLACE])
    assert all(a <= b for a, b in zip(told, late, strict=True))


def test_who_lived_between_two_inventories_is_in_the_history(tmp_path):
    """Once CloudTrail has told of it, with the time it ran and without energy."""
    with StateDirectory(tmp_path) as store:
        found = lived(store, until_trail=True)

    row = hour(tmp_path, START_AT + 4 * HOUR, "i-brief")
    assert (row["running_seconds"], row["billed_seconds"]) == (90, 90)
    assert row["measured_seconds"] == 0
    assert row["energy_joules"] is None
    web = hour(tmp_path, START_AT + 4 * HOUR, "i-web")
    assert (web["running_seconds"], web["measured_seconds"]) == (HOUR, HOUR)
    assert found.statement.runtime["i-brief"].running_seconds == 90


def test_only_hours_that_changed_are_written_again(tmp_path):
    """Two of them; and once, however often the books are kept after that."""
    with StateDirectory(tmp_path) as store:
        found = lived(store, until_trail=True)
        found.run(2 * HOUR, TICK_SECONDS)

    twice = {hour_at for hour_at, count in records(tmp_path).items() if count > 1}
    assert twice == {START_AT + 2 * HOUR, START_AT + 4 * HOUR}
    assert max(records(tmp_path).values()) == 2


def test_a_restart_does_not_correct_again(tmp_path):
    """What agrees with CloudTrail is noted with the counters."""
    with StateDirectory(tmp_path) as store:
        before = lived(store, until_trail=True)
        before.run(2 * HOUR, TICK_SECONDS)
        before.save_cells()
    written = records(tmp_path)

    with StateDirectory(tmp_path) as store:
        after = Keeping(before.upstreams, before.clock, store=store)
        after.run(1200, TICK_SECONDS)

    assert records(tmp_path) == written


def test_a_disk_that_is_full_while_correcting(tmp_path, monkeypatch, caplog):
    """It is tried again, some minutes later."""
    append = SegmentLog.append
    broken = [True]

    def failing(log, at, told):
        if broken[0] and log._kind == "instance_hours" and at < START_AT + 5 * HOUR:
            raise OSError(28, "No space left on device")
        append(log, at, told)

    with StateDirectory(tmp_path) as store:
        found = lived(store, until_trail=False)
        monkeypatch.setattr(SegmentLog, "append", failing)
        found.run(15 * HOUR, TICK_SECONDS)
        assert max(records(tmp_path).values()) == 1
        broken[0] = False
        found.run(HOUR, TICK_SECONDS)

    assert {at for at, count in records(tmp_path).items() if count > 1} == {
        START_AT + 2 * HOUR,
        START_AT + 4 * HOUR,
    }
    assert [r for r in caplog.records if "not written" in r.getMessage()]


def test_seconds_that_became_known_late_are_skipped(tmp_path):
    """They ran after all, when their hour was closed: each is counted for every quantity, once."""
    with StateDirectory(tmp_path) as store:
        found = lived(store, until_trail=True)
        found.run(2 * HOUR, TICK_SECONDS)
        accrued = found.statement.accrued[PLACE]
        after = Keeping(found.upstreams, found.clock, store=store)
        after.settle()

    # Of one the last seconds, of the other its whole life.
    before = hour(tmp_path, START_AT + 2 * HOUR, "i-batch")
    late_seconds = 1234 - before["measured_seconds"] + 90
    assert set(accrued.skipped_seconds) == set(SKIPPED)
    assert list(accrued.skipped_seconds.values()) == pytest.approx([late_seconds] * 4)
    assert after.statement.accrued[PLACE] == accrued


class Killed(BaseException):
    """The process ends here."""


def test_killed_between_the_counters_and_the_history(tmp_path, monkeypatch):
    """What was missed is counted once, although the next process has to correct the hour again."""
    append = SegmentLog.append

    def dying(log, at, told):
        if log._kind == "instance_hours" and at < START_AT + 5 * HOUR:
            raise Killed
        append(log, at, told)

    with StateDirectory(tmp_path) as store:
        found = lived(store, until_trail=False)
        monkeypatch.setattr(SegmentLog, "append", dying)
        with pytest.raises(Killed):
            found.run(15 * HOUR, TICK_SECONDS)
        found.save_cells()
    monkeypatch.setattr(SegmentLog, "append", append)
    with StateDirectory(tmp_path) as store:
        after = Keeping(found.upstreams, found.clock, store=store)
        after.settle()
        after.run(HOUR, TICK_SECONDS)

    row = hour(tmp_path, START_AT + 2 * HOUR, "i-batch")
    late_seconds = row["running_seconds"] - row["measured_seconds"] + 90
    assert row["running_seconds"] == 1234
    skipped = after.statement.accrued[PLACE].skipped_seconds
    assert list(skipped.values()) == pytest.approx([late_seconds] * 4)


def test_history_that_was_deleted_is_no_news(tmp_path):
    """Whoever needs the space may delete it: the counters have counted those hours already."""
    with StateDirectory(tmp_path) as store:
        found = lived(store, until_trail=False)
        found.upstreams.events.clear()
        before = found.statement.accrued[PLACE]
        for path in (tmp_path / "history/instance_hours").glob("*.gz"):
            path.unlink()
        found.run(15 * HOUR, TICK_SECONDS)
        assert found.upstreams.times("trail") == 2

    after = found.statement.accrued[PLACE]
    assert after.cost_usd > before.cost_usd
    assert after.skipped_seconds == before.skipped_seconds


def test_what_ran_before_the_exporter_is_not_skipped(tmp_path):
    """Counters begin in the middle of an hour: its earlier half is nobody's count."""
    clock = FakeClock(START_AT + 4 * HOUR + 1800)
    with StateDirectory(tmp_path) as store:
        upstreams = FakeUpstreams(clock, WEB)
        found = Keeping(upstreams, clock, store=store)
        found.settle()
        upstreams.events[PLACE] = BRIEF
        found.run(26 * HOUR, TICK_SECONDS)

    assert upstreams.times("trail") == 2
    assert not any(found.statement.accrued[PLACE].skipped_seconds.values())
