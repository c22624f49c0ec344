"""What docs/reference/state-format.md says of the state directory is what the program writes."""

import gzip
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from exporter.books.archive import Archive
from exporter.books.ledger import METER_SAVE_SECONDS
from exporter.core.billing import BilledAs, BilledUsage
from exporter.publisher import SAVE_SECONDS
from exporter.settings import Settings
from exporter.store import StateDirectory
from tests.books.keeping import DAY, HOUR, PLACE, TICK_SECONDS, keeping
from tests.docs.state_page import PAGE, STAMP, examples, keys, kinds, names, section, shown
from tests.fakes import START_AT, down

FIRST_DAY_AT = START_AT // DAY * DAY + DAY
"""The first whole day of the books."""


@pytest.fixture(scope="module")
def state(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The state directory of a process that ended after three days and a half."""
    path: Path = tmp_path_factory.mktemp("state")
    with StateDirectory(path) as store:
        books = keeping(store=store)
        billed = BilledUsage(
            PLACE.account_id, FIRST_DAY_AT, BilledAs.ON_DEMAND, 6.0, 24.0, estimated=False
        )
        books.upstreams.billed = (billed,)
        books.run(3 * DAY, TICK_SECONDS)
        for source in ("grid_intensity", "grid_history"):  # the hours to come wait for one
            books.upstreams.failing[source] = down()
        books.run(DAY / 2 + HOUR / 2, TICK_SECONDS)
        books.save_cells()
        books.bookkeeper.save(books.clock.wall())
    return path


def segments(state: Path, kind: str) -> Iterator[tuple[Any, list[Any]]]:
    """Header and records of every file of one kind."""
    for path in sorted((state / "history" / kind).iterdir()):
        header, *records = map(json.loads, gzip.decompress(path.read_bytes()).splitlines())
        yield header, records


def test_the_files_are_those_of_the_table(state):
    """Every file that there is has its row, and every row its file."""
    written = {
        shown(path.relative_to(state).as_posix()) for path in state.rglob("*") if path.is_file()
    }
    listed = {shown(name) for name in names("The state directory") if "*" not in name}

    assert listed == written


def test_the_stamps_are_as_long_as_on_the_page(state):
    """Hours where the page has an hour, days where it has a day."""
    for name in names("The state directory"):
        if stamp := re.search(STAMP, name):
            written = {len(path.name) for path in (state / name).parent.iterdir()}
            assert written == {len(name.rpartition("/")[2])}, stamp[0]


def test_what_is_in_the_way_is_named_as_in_the_table(tmp_path, monkeypatch):
    """A file that was begun, and files that were not understood."""
    for _ in range(2):
        path = tmp_path / "accrual.json"
        path.unlink(missing_ok=True)
        path.mkdir()  # a folder does not take the place of an earlier one
        with StateDirectory(tmp_path) as store:
            Archive(store).load_books()

    def full(_: int) -> None:
        raise OSError("no space")

    with StateDirectory(tmp_path) as store, monkeypatch.context() as disk:
        disk.setattr("os.fsync", full)
        with pytest.raises(OSError, match="no space"):
            Archive(store).save_books([])

    left = {path.name.removeprefix("accrual.json") for path in tmp_path.iterdir()} - {"lock"}
    listed = {name[1:] for name in names("The state directory") if name.startswith("*")}
    assert left == listed


def test_deleting_is_told_of_every_file():
    """The second table has what the first has."""
    deleted = {name.strip("*") for name in names("Deleting by hand")}
    written = {
        name.rpartition("/")[0] + "/" if "/" in name else name.strip("*")
        for name in names("The state directory")
    }

    assert deleted == written - {".unreadable-2"}


def test_the_kinds_have_their_sections(state):
    """One each, and none for what is not written."""
    assert set(kinds()) == {path.name for path in (state / "history").iterdir()}


@pytest.mark.parametrize("name", ["boavizta", "accrual", "meter"])
def test_json_files_have_the_keys_of_the_page(state, name):
    """Those of a source's value aside; instances, hours and quantities are keys of no meaning."""
    by_name = dict(zip(("boavizta", "accrual", "meter"), examples("JSON files"), strict=True))
    written = json.loads((state / f"{name}.json").read_text())
    if name == "boavizta":
        for cell in written["cells"]:
            cell["value"] = {}
    if name == "meter":
        for document in (by_name[name], written):
            document["content"] = list(document["content"].values())
            for metered in document["content"]:
                assert metered["hours"]
                assert {len(slots) for slots in metered["hours"].values()} == {12}
                metered["hours"] = {}

    assert keys(by_name[name]) == keys(written)
    assert all(by_name[name][key] == written[key] for key in ("format", "version"))


def test_the_page_names_format_and_version_in_its_text(state):
    """As the examples do."""
    written = json.loads((state / "meter.json").read_text())
    text = "`format` is `{format}`, `version` is {version}.".format_map(written)

    assert text in section("JSON files")


@pytest.mark.parametrize("name", ["accrual", "meter"])
def test_the_program_reads_what_is_on_the_page(tmp_path, name):
    """An operator may believe the examples."""
    by_name = dict(zip(("boavizta", "accrual", "meter"), examples("JSON files"), strict=True))
    (tmp_path / f"{name}.json").write_text(json.dumps(by_name[name]))
    with StateDirectory(tmp_path) as store:
        archive = Archive(store)

        assert archive.load_books() if name == "accrual" else archive.load_meter()
    assert (tmp_path / f"{name}.json").exists()


def test_every_history_file_has_the_header_of_the_page(state):
    """With the kind of its folder, and the begin of its hour or day in its name."""
    (example,) = examples("History")
    for kind in kinds():
        for header, _ in segments(state, kind):
            expected = example | {"kind": kind, "start": header["start"]}
            assert list(header.items()) == list(expected.items())


@pytest.mark.parametrize("kind", kinds())
def test_history_records_have_the_keys_of_the_page(state, kind):
    """Each record those of one example; what that of an hour leaves out is in the table."""
    expected = [keys(example) for example in examples(kind)]
    if kind == "instance_hours":
        expected[0] |= {("columns", name) for name in names(kind)}
    written = [keys(record) for _, records in segments(state, kind) for record in records]

    assert written
    assert {frozenset(each) for each in written} == {frozenset(each) for each in expected}


def test_the_columns_of_an_hour_are_those_of_the_table(state):
    """In the same order, with nothing that is not written."""
    for _, records in segments(state, "instance_hours"):
        for record in records:
            if record["kind"] == "place":
                assert list(record["columns"]) == names("instance_hours")


def test_the_columns_of_use_are_those_of_the_table(state):
    """``location`` ... ``environment`` are those of the group."""
    first, last, *sums = names("usage_hours")
    for _, records in segments(state, "usage_hours"):
        for record in records:
            columns = list(record["columns"])
            group = columns[: columns.index(last) + 1]
            assert group[0] == first
            assert set(columns) - set(group) == set(sums)


def test_files_are_kept_as_long_as_the_page_says(tmp_path):
    """Deleted when so many days have passed since their last hour or day ended, and not before."""
    found = re.search(r"ended (\d+) days ago are deleted \(`computed_days`: (\d+) days", PAGE.text)
    assert found
    kept_days, computed_days = map(int, found.groups())
    history = tmp_path / "history"
    for kind in kinds():
        file = "2026-11-23T23.jsonl.gz" if kind == "instance_hours" else "2026-11-23.jsonl.gz"
        (history / kind).mkdir(parents=True)
        (history / kind / file).touch()
    ended_at = 1795478400.0  # 2026-11-24
    with StateDirectory(tmp_path) as store:
        archive = Archive(store)

        def left_after(seconds: float) -> set[str]:
            archive.prune(ended_at + seconds)
            return {path.parent.name for path in history.rglob("*.gz")}

        assert left_after(kept_days * DAY - 1) == set(kinds())
        assert left_after(kept_days * DAY) == {"computed_days"}
        assert left_after(computed_days * DAY - 1) == {"computed_days"}
        assert left_after(computed_days * DAY) == set()


def test_files_are_written_as_often_as_the_page_says():
    """And where the page says, without a setting."""
    assert f"at most every {SAVE_SECONDS:.0f} s per source" in PAGE.text
    assert METER_SAVE_SECONDS == 60
    assert "at most once a minute" in PAGE.text
    default = Settings.model_fields["state_dir"].default
    assert f"`CARBONFINOPS_STATE_DIR` (default `{default}`)" in PAGE.text
