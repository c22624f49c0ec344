"""The books on disk: what is written comes back, in the documented layout."""

import gzip
import json
from collections import Counter
from math import ceil
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from exporter.books.archive import COMPUTED_SECONDS, KEPT_SECONDS, Archive
from exporter.books.closing import HourRow
from exporter.books.hour import Hour
from exporter.books.meter import Metered
from exporter.books.place_book import ClosedHour, PlaceBook
from exporter.books.records import CpuDay
from exporter.core.accrual import Facility, PendingEmissions, PlaceAccrual
from exporter.core.evidence import GridIntensity, Quantity
from exporter.core.fleet import Place, PurchaseOption
from exporter.core.metering import NO_POINTS, InstanceHour, points_text
from exporter.core.scenarios.kind import Kind
from exporter.core.scenarios.load import packed
from exporter.core.statement import Accrued
from exporter.store import StateDirectory
from tests.books.scenes import DAY, DAY_AT, END_AT, HOUR, HOUR_AT
from tests.factories import DUBLIN, FRANKFURT


@pytest.fixture
def store(tmp_path):
    with StateDirectory(tmp_path) as found:
        yield found


@pytest.fixture
def archive(store):
    return Archive(store)


def restarted(state_dir: Path) -> Archive:
    """As another process finds it; it only reads."""
    return Archive(StateDirectory(state_dir, writable=False))


def lines(path: Path) -> list[Any]:
    """What zcat shows."""
    return [json.loads(line) for line in gzip.decompress(path.read_bytes()).splitlines()]


AMOUNTS = st.floats(0, 1e15)
INSTANTS = st.floats(0, 4e9)
PLACES = st.builds(Place, st.sampled_from(["111122223333", "444455556666"]), st.text(max_size=9))
BOOKS = st.builds(
    PlaceBook,
    PLACES,
    st.builds(
        PlaceAccrual,
        INSTANTS,
        INSTANTS,
        st.builds(
            Accrued,
            AMOUNTS,
            AMOUNTS,
            AMOUNTS,
            AMOUNTS,
            st.dictionaries(st.sampled_from(Quantity), AMOUNTS),
        ),
        st.lists(
            st.builds(PendingEmissions, st.text(max_size=9), INSTANTS, AMOUNTS, AMOUNTS), max_size=3
        ).map(tuple),
    ),
    st.lists(
        st.builds(ClosedHour, INSTANTS, st.frozensets(st.text(max_size=9), max_size=3)), max_size=3
    ).map(tuple),
    INSTANTS,
)
METERS = st.dictionaries(
    st.text(max_size=9),
    st.builds(
        Metered,
        INSTANTS,
        st.none() | INSTANTS,
        st.dictionaries(
            st.integers(0, 999_999).map(lambda hour: hour * HOUR),
            st.lists(st.none() | st.floats(0, 100), min_size=12, max_size=12),
            max_size=3,
        ),
    ),
    max_size=3,
)


@settings(deadline=None, max_examples=40)
@given(st.lists(BOOKS, max_size=3), METERS)
def test_books_and_meter_come_back_as_they_were(books, meter):
    """To the last bit: a counter that comes back lower would look like a restart."""
    with TemporaryDirectory() as state_dir, StateDirectory(Path(state_dir)) as store:
        Archive(store).save_books(books)
        Archive(store).save_meter(meter)

        found = restarted(Path(state_dir))
        assert found.load_books() == tuple(books)
        assert found.load_meter() == meter


def test_before_anything_was_written(archive, tmp_path):
    """Everything is empty, and reading leaves no file behind."""
    assert archive.load_books() == ()
    assert archive.load_meter() == {}
    assert archive.hour(HOUR_AT) == {}
    assert list(archive.uses_since(0.0)) == list(archive.cpu_since(0.0)) == []
    assert list(archive.cpu_hours_since(0.0)) == []
    assert list(archive.grid_since(0.0)) == list(archive.computed_since(0.0)) == []
    assert [path.name for path in tmp_path.iterdir()] == ["lock"]


WRONG = {
    "not JSON": b"{",
    "another format": b'{"format": "x", "version": 1, "content": []}',
    "another version": b'{"format": "carbonfinops-state", "version": 2, "content": []}',
    "another shape": b'{"format": "carbonfinops-state", "version": 1, "content": [{"place": 1}]}',
    "a number as text": json.dumps(
        {
            "format": "carbonfinops-state",
            "version": 1,
            "content": [
                {
                    "place": ["1", "eu-central-1"],
                    "accrual": {"since_at": "0", "closed_until_at": 0.0},
                }
            ],
        }
    ).encode(),
}


@pytest.mark.parametrize("content", WRONG.values(), ids=WRONG)
def test_books_that_cannot_be_read_are_set_aside(archive, tmp_path, caplog, content):
    """With one line in the log; counters begin again, and the file is kept for a look."""
    (tmp_path / "accrual.json").write_bytes(content)

    assert archive.load_books() == ()

    (record,) = caplog.records
    assert "set aside" in record.getMessage()
    assert not (tmp_path / "accrual.json").exists()
    assert (tmp_path / "accrual.json.unreadable").read_bytes() == content
    archive.save_books([PlaceBook.opened(FRANKFURT, HOUR_AT)])
    assert [book.place for book in restarted(tmp_path).load_books()] == [FRANKFURT]


WEB_KIND = Kind("eu-central-1", "RunInstances", "default", PurchaseOption.ON_DEMAND, "prod")
SPOT_KIND = Kind("eu-central-1", "RunInstances:0002", "default", PurchaseOption.SPOT, "")


def row(instance_id="i-0web", facility=Facility("DE", 1.25), points=NO_POINTS, **changes):  # noqa: B008 - an immutable tuple
    """A whole hour at 2 W, at 0.12 USD; anything may be changed by name."""
    known = {
        "running_seconds": 3600.0,
        "billed_seconds": 3600.0,
        "unknown_seconds": 0.0,
        "measured_seconds": 3600.0,
        "energy_joules": 7200.0,
        "embodied_grams": 0.5,
        "cost_usd": 0.12,
    }
    is_web = instance_id == "i-0web"
    hour = InstanceHour(**(known | changes))
    return HourRow(
        instance_id,
        "m5.large" if is_web else "t3.micro",
        facility,
        hour,
        points_text(points),
        WEB_KIND if is_web else SPOT_KIND,
    )


IDLE = row(points=[0.0] * 11 + [None])
GONE = row(
    "i-gone",
    Facility("", None),
    running_seconds=20.0,
    billed_seconds=60.0,
    unknown_seconds=40.5,
    measured_seconds=0.0,
    energy_joules=0.0,
    embodied_grams=None,
    cost_usd=None,
)


def test_an_hour_as_it_is_documented(archive, tmp_path):
    """A header, then a record of columns; what is not known is null, and never zero."""
    archive.add_hours([Hour(FRANKFURT, HOUR_AT, (IDLE, GONE, row("i-also")))])

    header, record = lines(tmp_path / "history/instance_hours/2026-03-04T11.jsonl.gz")
    assert header == {
        "format": "carbonfinops-history",
        "version": 1,
        "kind": "instance_hours",
        "start": int(HOUR_AT),
    }
    assert record == {
        "kind": "place",
        "account_id": "111122223333",
        "region": "eu-central-1",
        "hour": HOUR_AT,
        "kinds": [
            {
                "location": "eu-central-1",
                "usage_operation": "RunInstances",
                "tenancy": "default",
                "purchase_option": "on_demand",
                "environment": "prod",
            },
            {
                "location": "eu-central-1",
                "usage_operation": "RunInstances:0002",
                "tenancy": "default",
                "purchase_option": "spot",
                "environment": "",
            },
        ],
        "columns": {
            "instance_id": ["i-0web", "i-gone", "i-also"],
            "instance_type": ["m5.large", "t3.micro", "t3.micro"],
            "kind": [0, 1, 1],
            "grid_zone": ["DE", "", "DE"],
            "pue_ratio": [1.25, None, 1.25],
            "running_seconds": [3600.0, 20.0, 3600.0],
            "billed_seconds": [3600.0, 60.0, 3600.0],
            "unknown_seconds": [0.0, 40.5, 0.0],
            "measured_seconds": [3600.0, 0.0, 3600.0],
            "energy_joules": [7200.0, None, 7200.0],
            "embodied_grams": [0.5, None, 0.5],
            "cost_usd": [0.12, None, 0.12],
            "cpu": ["00" * 11 + "--", "--" * 12, "--" * 12],
        },
    }


def test_use_as_it_is_documented(archive, tmp_path):
    """One record per place and hour, in the file of the day; a row per group of like instances."""
    archive.add_hours([Hour(FRANKFURT, HOUR_AT, (IDLE, GONE, row("i-also")))])
    archive.add_hours([Hour(DUBLIN, END_AT, ())])

    header, record, empty = lines(tmp_path / "history/usage_hours/2026-03-04.jsonl.gz")
    assert (header["kind"], header["start"]) == ("usage_hours", int(DAY_AT))
    assert record == {
        "account_id": "111122223333",
        "region": "eu-central-1",
        "hour": HOUR_AT,
        "columns": {
            "location": ["eu-central-1", "eu-central-1"],
            "instance_type": ["m5.large", "t3.micro"],
            "usage_operation": ["RunInstances", "RunInstances:0002"],
            "tenancy": ["default", "default"],
            "purchase_option": ["on_demand", "spot"],
            "environment": ["prod", ""],
            "running_seconds": [3600.0, 3660.5],
            "measured_seconds": [3600.0, 3600.0],
            "energy_joules": [7200.0, 7200.0],
            "priced_seconds": [3600.0, 3600.0],
            "cost_usd": [0.12, 0.12],
        },
    }
    assert (empty["region"], empty["hour"]) == ("eu-west-1", END_AT)
    assert set(empty["columns"]) == set(record["columns"])
    assert set(map(tuple, empty["columns"].values())) == {()}


def test_kinds_come_back(archive):
    """Each row has its own again; records from before there were kinds have none."""
    archive.add_hours([Hour(FRANKFURT, HOUR_AT, (GONE, IDLE, IDLE._replace(kind=None)))])
    archive.add_hours([Hour(DUBLIN, HOUR_AT, (IDLE,))])
    old = {
        "instance_id": ["i-0web", "i-gone"],
        "instance_type": ["m5.large", "t3.micro"],
        "cost_usd": [0.12, None],
        "cpu": ["00" * 12, "--" * 12],
    }
    archive._hours.append(END_AT, [{"kind": "place", **FRANKFURT._asdict(), "columns": old}])

    found = archive.hour(HOUR_AT)
    assert found[FRANKFURT]["kind"] == [SPOT_KIND, WEB_KIND, None]
    assert found[DUBLIN]["kind"] == [WEB_KIND]
    assert archive.hour(END_AT)[FRANKFURT] == old | {"kind": [None, None]}


def test_use_comes_back(archive):
    """What an hour's rows add up to, oldest day first; CPU of it is in the hours themselves."""
    told = [
        Hour(FRANKFURT, DAY_AT - HOUR, (IDLE, GONE)),
        Hour(DUBLIN, DAY_AT, ()),
        Hour(FRANKFURT, DAY_AT, (row("i-also", cost_usd=None),)),
    ]
    archive.add_hours(told)

    assert list(archive.uses_since(DAY_AT - 1)) == [hour.of_use._replace(cpu=()) for hour in told]
    assert [hour.hour_at for hour in archive.uses_since(DAY_AT)] == [DAY_AT, DAY_AT]
    by_hours = list(archive.cpu_hours_since(DAY_AT - HOUR))
    assert by_hours == [hour.of_use._replace(uses=()) for hour in told]
    assert len(list(archive.cpu_hours_since(DAY_AT))) == 2


def test_an_idle_measured_hour_has_its_energy(archive):
    """Zero joules were measured: that is not unknown."""
    archive.add_hours([Hour(FRANKFURT, HOUR_AT, (row(energy_joules=0.0),))])

    assert archive.hour(HOUR_AT)[FRANKFURT]["energy_joules"] == [0.0]


def test_the_last_record_of_a_place_and_hour_counts(archive):
    """A corrected hour replaces the whole of it; other places and hours stay as they are."""
    archive.add_hours(
        [
            Hour(FRANKFURT, HOUR_AT, (IDLE, GONE)),
            Hour(DUBLIN, HOUR_AT, (row("i-far"),)),
            Hour(FRANKFURT, END_AT, (IDLE,)),
        ]
    )
    archive.add_hours([Hour(FRANKFURT, HOUR_AT, (row(cost_usd=0.06),))])

    found = archive.hour(HOUR_AT)

    assert found[FRANKFURT]["instance_id"] == ["i-0web"]
    assert found[FRANKFURT]["cost_usd"] == [0.06]
    assert found[DUBLIN]["instance_id"] == ["i-far"]
    assert archive.hour(END_AT)[FRANKFURT]["cost_usd"] == [0.12]


def test_an_hour_without_rows_is_written(archive):
    """Nothing ran in it: that is known, and an hour that is missing is lost."""
    archive.add_hours([Hour(FRANKFURT, HOUR_AT, ())])

    assert list(archive.hour(HOUR_AT)) == [FRANKFURT]
    assert set(map(tuple, archive.hour(HOUR_AT)[FRANKFURT].values())) == {()}
    assert archive.hour(END_AT) == {}


def test_nothing_to_write(archive, tmp_path):
    """No file, not even an empty one."""
    archive.add_hours([])
    archive.add_intensities({})

    assert not (tmp_path / "history").exists()


def test_intensities_stand_beside_the_hours_they_were_used_for(archive, tmp_path):
    """With them emissions follow from the energy of the hour."""
    archive.add_hours([Hour(FRANKFURT, HOUR_AT, (IDLE,))])
    archive.add_intensities({("DE", HOUR_AT): 371.5, ("IE", END_AT): 250.0})

    assert lines(tmp_path / "history/instance_hours/2026-03-04T11.jsonl.gz")[-1] == {
        "kind": "intensity",
        "grid_zone": "DE",
        "hour": HOUR_AT,
        "grams_per_kilowatt_hour": 371.5,
    }
    assert set(archive.hour(HOUR_AT)) == {FRANKFURT}
    assert archive.hour(END_AT) == {}


def test_grid_records(archive, tmp_path):
    """By day of the hour itself; estimates and what replaces them."""
    midnight = GridIntensity("DE", 380.0, DAY_AT, estimated=True, method="SANDBOX")
    before = GridIntensity("DE", 390.0, DAY_AT - HOUR, estimated=False, method="")
    archive.add_grid([midnight, before])
    archive.add_grid([GridIntensity("DE", 400.0, DAY_AT, estimated=False, method="")])

    known = {"grid_zone": "DE", "hour": DAY_AT}
    assert lines(tmp_path / "history/grid_days/2026-03-04.jsonl.gz")[1:] == [
        known | {"grams_per_kilowatt_hour": 380.0, "estimated": True},
        known | {"grams_per_kilowatt_hour": 400.0, "estimated": False},
    ]
    told = [(r["hour"], r["grams_per_kilowatt_hour"]) for r in archive.grid_since(DAY_AT - 1)]
    assert told == [(DAY_AT - HOUR, 390.0), (DAY_AT, 380.0), (DAY_AT, 400.0)]


@pytest.mark.parametrize(
    ("since_at", "days"), [(DAY_AT, 1), (DAY_AT + DAY - 1, 1), (DAY_AT - 1, 2), (DAY_AT + DAY, 0)]
)
def test_records_since_the_day_of_an_instant(archive, since_at, days):
    """The day that holds it counts whole."""
    for day_at in (DAY_AT - 2 * DAY, DAY_AT - DAY, DAY_AT):
        archive.add_computed([(day_at, {"day": day_at})])
        archive.add_grid([GridIntensity("DE", 1.0, day_at, estimated=False, method="")])

    assert len(list(archive.computed_since(since_at))) == days
    assert len(list(archive.grid_since(since_at))) == days


POINTS = st.lists(st.none() | st.floats(0, 100), min_size=12, max_size=12)
DAYS = st.dictionaries(
    st.tuples(st.sampled_from([FRANKFURT, DUBLIN]), st.integers(0, 23)),
    st.dictionaries(st.sampled_from("abc"), POINTS),
    max_size=6,
)


@settings(deadline=None, max_examples=40)
@given(DAYS)
def test_a_distribution_counts_the_points_of_a_day(told):
    """Of each instance: how many points had each whole percentage, rounded up."""
    counted: dict[tuple[str, str], Counter[int]] = {}
    with TemporaryDirectory() as state_dir, StateDirectory(Path(state_dir)) as store:
        archive = Archive(store)
        for (place, hour), instances in told.items():
            rows = tuple(row(name, points=points) for name, points in instances.items())
            archive.add_hours([Hour(place, DAY_AT + hour * HOUR, rows)])
            for name, points in instances.items():
                counts = counted.setdefault((place.region, name), Counter())
                counts.update(ceil(point) for point in points if point is not None)
        # Neither the day before nor the day after.
        archive.add_hours([Hour(FRANKFURT, DAY_AT - HOUR, (row("a", points=[50.0] * 12),))])
        archive.add_hours([Hour(FRANKFURT, DAY_AT + DAY, (row("a", points=[50.0] * 12),))])

        archive.distribute_cpu(DAY_AT)

        path = Path(state_dir) / "history/cpu_days/2026-03-04.jsonl.gz"
        records = lines(path)[1:] if path.exists() else []
    found = {
        (record["region"], name): Counter(dict(zip(levels[::2], levels[1::2], strict=True)))
        for record in records
        for name, _, levels in zip(*record["columns"].values(), strict=True)
    }
    assert found == {key: counts for key, counts in counted.items() if counts}


def test_a_distribution_as_it_is_documented(archive, tmp_path):
    """Pairs of a whole percentage and a number of points, by instance."""
    points = [11.0, 11.0, 11.5, 12.0, *[None] * 8]
    archive.add_hours([Hour(FRANKFURT, DAY_AT, (row(points=points), GONE))])
    archive.add_hours([Hour(FRANKFURT, DAY_AT + HOUR, (row(points=points),))])

    archive.distribute_cpu(DAY_AT)

    assert lines(tmp_path / "history/cpu_days/2026-03-04.jsonl.gz")[1:] == [
        {
            "account_id": "111122223333",
            "region": "eu-central-1",
            "day": DAY_AT,
            "columns": {
                "instance_id": ["i-0web"],
                "instance_type": ["m5.large"],
                "levels": [[11, 4, 12, 4]],
            },
        }
    ]
    assert list(archive.cpu_since(DAY_AT)) == [
        CpuDay(FRANKFURT, DAY_AT, {"i-0web": packed([(11, 4), (12, 4)])}, {"i-0web": "m5.large"})
    ]


def test_an_old_distribution(archive):
    """A list for each pair and no types, as it was written before."""
    columns = {"instance_id": ["i-0web"], "levels": [[[11, 4], [12, 4]]]}
    archive._cpu.append(DAY_AT, [{**FRANKFURT._asdict(), "day": DAY_AT, "columns": columns}])

    (day,) = archive.cpu_since(DAY_AT)
    assert day.blocks == {"i-0web": packed([(11, 4), (12, 4)])}
    assert day.instance_types == {}


def test_a_distribution_of_a_resized_instance(archive):
    """Its type is that of the last hour with a point; only the points since it has it count."""
    big, small = (
        [row(points=[level] * 12)._replace(instance_type=name) for level in levels]
        for name, levels in (("m5.4xlarge", (13.0, 14.0)), ("m5.xlarge", (50.0, 60.0)))
    )
    silent = row()._replace(instance_type="m5.large")
    for number, told in enumerate([*big, *small, silent]):
        archive.add_hours([Hour(FRANKFURT, DAY_AT + number * HOUR, (told, GONE))])
    archive.distribute_cpu(DAY_AT)

    assert list(archive.cpu_since(DAY_AT)) == [
        CpuDay(FRANKFURT, DAY_AT, {"i-0web": packed([(50, 12), (60, 12)])}, {"i-0web": "m5.xlarge"})
    ]


def test_a_day_is_distributed_once(archive, tmp_path):
    """A restart after midnight finds it done; corrected hours count once, as they are last."""
    archive.add_hours([Hour(FRANKFURT, DAY_AT, (row(points=[1.0] * 12),))])
    archive.add_hours([Hour(FRANKFURT, DAY_AT, (row(points=[2.0] * 12),))])
    archive.distribute_cpu(DAY_AT)
    archive.distribute_cpu(DAY_AT)

    (_, record) = lines(tmp_path / "history/cpu_days/2026-03-04.jsonl.gz")
    assert record["columns"]["levels"] == [[2, 12]]


def test_a_day_without_points_has_no_distribution(archive, tmp_path):
    """Nothing was recorded: no file."""
    archive.distribute_cpu(DAY_AT)

    assert not (tmp_path / "history").exists()


def spoiled(record: dict[str, Any], where: str, what: object) -> dict[str, Any]:
    """A copy in which the first value of a column, or a value beside the columns, is another."""
    copy: dict[str, Any] = json.loads(json.dumps(record))
    if where in copy["columns"]:
        copy["columns"][where][0] = what
    elif where in copy:
        copy[where] = what
    else:
        copy["kinds"][0][where] = what
    return copy


def shortened(record: dict[str, Any], column: str) -> dict[str, Any]:
    """A copy in which one column lacks its last value."""
    copy: dict[str, Any] = json.loads(json.dumps(record))
    copy["columns"][column].pop()
    return copy


def left_out(caplog: pytest.LogCaptureFixture) -> list[Path]:
    """The files of which records were left out, as often as that was told."""
    found = [record for record in caplog.records if "left out" in record.getMessage()]
    return [Path(vars(record)["file"]) for record in found]


NOT_UNDERSTOOD: dict[str, list[tuple[str, object]]] = {
    "usage_hours": [
        ("purchase_option", "on_the_moon"),
        ("purchase_option", None),
        ("environment", None),
        ("environment", ["prod"]),
        ("cost_usd", None),
        ("energy_joules", "9"),
        ("hour", None),
        ("hour", HOUR_AT + 1),
        ("columns", None),
        ("columns", {}),
    ],
    "cpu_days": [
        ("instance_id", None),
        ("instance_type", None),
        ("levels", None),
        ("levels", []),
        ("levels", [11]),
        ("levels", [101, 1]),
        ("levels", [11.5, 1]),
        ("levels", [-1, 1]),
        ("day", DAY_AT + HOUR),
        ("columns", []),
    ],
    "instance_hours": [
        ("purchase_option", "on_the_moon"),
        ("kind", 7),
        ("instance_id", None),
        ("cpu", None),
        ("cpu", "0"),
        ("cpu", "65" * 12),
        ("columns", None),
    ],
}
SPOILED = [(kind, *each) for kind, values in NOT_UNDERSTOOD.items() for each in values]


def kept_hours() -> list[Hour]:
    """An hour of one place, and the next of two."""
    busy = row(points=[11.0] * 12)
    return [
        Hour(FRANKFURT, DAY_AT, (busy, GONE)),
        Hour(FRANKFURT, DAY_AT + HOUR, (busy,)),
        Hour(DUBLIN, DAY_AT + HOUR, (busy,)),
    ]


@pytest.mark.parametrize(("kind", "where", "what"), SPOILED)
def test_a_record_that_is_not_understood_costs_only_itself(tmp_path, caplog, kind, where, what):
    """A later version wrote it, or a hand: all others come back, and its file is told of once."""
    with StateDirectory(tmp_path) as store:
        archive = Archive(store)
        archive.add_hours(kept_hours())
        archive.distribute_cpu(DAY_AT)
        whole = everything(archive)
        log = {"usage_hours": archive._uses, "cpu_days": archive._cpu}.get(kind, archive._hours)
        record = spoiled(log.read(DAY_AT)[0], where, what) | {"region": "of-the-moon"}
        log.append(DAY_AT, [record, record])

        assert everything(archive) == everything(archive) == whole

    day = "2026-03-04T00" if kind == "instance_hours" else "2026-03-04"
    assert left_out(caplog) == [tmp_path / "history" / kind / f"{day}.jsonl.gz"]
    assert vars(caplog.records[0])["detail"].startswith("2 of them")


@pytest.mark.parametrize("column", ["running_seconds", "location", "instance_id", "levels", "cpu"])
def test_a_record_with_columns_of_different_length(archive, caplog, column):
    """Nobody knows whose the values are: it is left out, wherever it is."""
    archive.add_hours(kept_hours())
    archive.distribute_cpu(DAY_AT)
    whole = everything(archive)
    for log in (archive._uses, archive._cpu, archive._hours):
        record = log.read(DAY_AT)[0]
        if column in record["columns"]:
            log.append(DAY_AT, [shortened(record, column) | {"region": "of-the-moon"}])

    assert everything(archive) == whole
    assert left_out(caplog)


def everything(archive: Archive) -> list[object]:
    """What a start finds of use and CPU."""
    return [
        *archive.uses_since(DAY_AT),
        *archive.cpu_since(DAY_AT),
        *archive.cpu_hours_since(DAY_AT),
    ]


def test_a_corrected_hour_that_is_not_understood(archive):
    """What it replaced does not count any more: the hour of that place is lost."""
    archive.add_hours(kept_hours())
    record = archive._hours.read(DAY_AT + HOUR)[0]
    assert record["region"] == FRANKFURT.region
    archive._hours.append(DAY_AT + HOUR, [spoiled(record, "purchase_option", "on_the_moon")])

    assert set(archive.hour(DAY_AT)) == {FRANKFURT}
    assert set(archive.hour(DAY_AT + HOUR)) == {DUBLIN}


def test_pruning(archive, tmp_path):
    """Hours, grid and CPU are kept for six weeks, computed days until their bill is closed."""
    now = DAY_AT + 12 * HOUR
    for age in (KEPT_SECONDS - DAY, KEPT_SECONDS + DAY, COMPUTED_SECONDS + DAY):
        at = DAY_AT - age
        archive.add_hours([Hour(FRANKFURT, at, (IDLE,))])
        archive.add_grid([GridIntensity("DE", 1.0, at, estimated=False, method="")])
        archive.distribute_cpu(at)
        archive.add_computed([(at, {"day": at})])

    archive.prune(now)

    kept = Counter(path.parent.name for path in (tmp_path / "history").rglob("*.gz"))
    assert kept == {
        "instance_hours": 1,
        "usage_hours": 1,
        "grid_days": 1,
        "cpu_days": 1,
        "computed_days": 2,
    }


def test_who_only_reads(store, tmp_path):
    """A snapshot beside the exporter finds everything and says that it may not write."""
    Archive(store).save_books([PlaceBook.opened(FRANKFURT, HOUR_AT)])
    reader = restarted(tmp_path)

    assert (Archive(store).writable, reader.writable) == (True, False)
    assert [book.place for book in reader.load_books()] == [FRANKFURT]
