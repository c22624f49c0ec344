"""The background loop from end to end: fake cloud, fake clock, real exposition."""

import math
import re
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from prometheus_client.parser import text_string_to_metric_families

from exporter.books.ledger import METER_SAVE_SECONDS
from exporter.core.billing import BilledAs, BilledUsage
from exporter.core.fleet import Account, InstanceState, Place, PurchaseOption
from exporter.core.provenance import FailureReason, Scope, SourceName
from exporter.core.snapshot import FleetSnapshot
from exporter.core.units import SECONDS_PER_DAY
from exporter.exposition.catalogue import METRICS
from exporter.exposition.families import FleetFamilies
from exporter.exposition.family import Family
from exporter.exposition.instrumentation import Instrumentation
from exporter.publisher import SAVE_SECONDS, Publisher
from exporter.refresh import Cadence, CellKey
from exporter.store import StateDirectory
from tests.fakes import (
    DEFAULT_CADENCES,
    START_AT,
    Call,
    FakeClock,
    FakeUpstreams,
    Publishing,
    down,
    make_instance,
)

ACCOUNT = "111111111111"
FRANKFURT, IRELAND = Place(ACCOUNT, "eu-central-1"), Place(ACCOUNT, "eu-west-1")
LAUNCHED_AT = START_AT - 3 * SECONDS_PER_DAY
WEB = make_instance("i-web", FRANKFURT, launched_at=LAUNCHED_AT)
BATCH = make_instance(
    "i-batch",
    FRANKFURT,
    instance_type="c5.large",
    purchase_option=PurchaseOption.SPOT,
    launched_at=LAUNCHED_AT,
)
SLEEPING = replace(
    make_instance("i-sleeping", FRANKFURT, state=InstanceState.STOPPED),
    state_transition_reason="User initiated (2027-01-14 09:00:00 GMT)",  # 23 hours ago
)
FAR = make_instance("i-far", IRELAND, instance_type="r5.large", launched_at=LAUNCHED_AT)
FLEET = (WEB, BATCH, SLEEPING, FAR)
MIDNIGHT_AT = START_AT // SECONDS_PER_DAY * SECONDS_PER_DAY
BILLED = tuple(
    BilledUsage(ACCOUNT, day_at, BilledAs.ON_DEMAND, 12.0, 48.0, estimated=False)
    for day_at in (MIDNIGHT_AT - back * SECONDS_PER_DAY for back in range(1, 6))
)

PATIENCE_SECONDS = 10.0


class Sample(NamedTuple):
    """One series."""

    name: str
    labels: tuple[tuple[str, str], ...]

    def label(self, name: str) -> str:
        """The value of a label, empty without it."""
        return dict(self.labels).get(name, "")


def scrape(text: str) -> dict[Sample, float]:
    """Parse an exposition as Prometheus' own client does; no series may occur twice."""
    found: dict[Sample, float] = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            name = sample.name.removeprefix("carbonfinops_")
            key = Sample(name, tuple(sorted(sample.labels.items())))
            assert key not in found, key
            assert math.isfinite(sample.value) or "_bucket" in name, key
            found[key] = sample.value
    return found


def is_fleet(sample: Sample) -> bool:
    """Whether it is about the fleet, not about sources or the exporter itself."""
    return not sample.name.startswith(("source_", "python_", "process_", "build_info"))


def publishing(
    *instances: Any, billed: tuple[BilledUsage, ...] = BILLED, **options: Any
) -> Publishing:
    clock = FakeClock()
    upstreams = FakeUpstreams(clock, *(instances or FLEET))
    upstreams.billed = billed
    found = Publishing(upstreams, clock, **options)
    found.settle()
    return found


def one(samples: dict[Sample, float], name: str, **labels: str) -> float:
    (value,) = [
        value
        for sample, value in samples.items()
        if sample.name == name and labels.items() <= dict(sample.labels).items()
    ]
    return value


def test_the_whole_fleet_is_exposed():
    """Values as computed by hand from what the fake cloud says."""
    found = scrape(publishing().text)
    web = {"instance_id": "i-web", "region": "eu-central-1", "instance_type": "m5.large"}

    # 40 % lies between the anchors 25 % (20 W) and 50 % (26 W); PUE is 1.2, the grid at 330 g.
    watts = one(found, "instance_power_watts", **web)
    assert 20 < watts < 26
    grams = one(found, "instance_emissions_grams_per_hour", **web)
    assert grams == pytest.approx(watts / 1000 * 1.2 * 330)
    assert one(found, "instance_cpu_utilization_ratio", **web) == pytest.approx(0.4)
    assert one(found, "instance_embodied_emissions_grams_per_hour", **web) == 2.0
    assert one(found, "instance_cost_usd_per_hour", **web) == 0.25
    assert one(found, "instance_cost_eur_per_hour", **web) == 0.2
    assert one(found, "instance_cost_usd_per_hour", instance_id="i-batch") == 0.125
    assert one(found, "fleet_power_watts") == pytest.approx(3 * watts)
    assert one(found, "fleet_cost_usd_per_hour") == 0.625
    assert one(found, "instances", region="eu-central-1", state="stopped") == 1
    assert {v for s, v in found.items() if s.name == "fleet_covered_ratio"} == {1.0}
    assert {v for s, v in found.items() if s.name == "source_up"} == {1.0}
    assert not [s for s in found if s.name == "estimate_gaps"]


def test_a_stopped_instance_is_listed_without_quantities():
    """Its facts and the time that it ran are there, and nothing that only a running one has."""
    found = scrape(publishing().text)
    names = {s.name for s in found if s.label("instance_id") == "i-sleeping"}

    runtime = {"instance_runtime_seconds", "instance_billed_seconds"}
    assert names == {"instance_info", "instance_running"} | runtime
    assert one(found, "instance_running", instance_id="i-sleeping") == 0
    # It was launched 24 hours ago and stopped 23 hours ago.
    assert {one(found, name, instance_id="i-sleeping") for name in runtime} == {3600.0}


def test_before_the_first_inventory():
    """Every family is declared, sources say that they were not asked, no fleet is made up."""
    clock = FakeClock()
    found = Publishing(FakeUpstreams(clock, *FLEET), clock)

    assert found.publisher.published.snapshot is None
    samples = scrape(found.text)
    assert {s.name for s in samples if is_fleet(s)} == {
        "fleet_covered_ratio",
        "uncertainty_coverage_ratio",
        "uncertainty_coverage_factor",
        "alignment_window_seconds",
        "simulated",
        "upstream_cost_usd_total",
    }
    assert {v for s, v in samples.items() if s.name == "source_up"} == {0.0}
    assert {v for s, v in samples.items() if s.name == "fleet_covered_ratio"} == {0.0}
    declared = set(re.findall(r"^# TYPE (\S+) ", found.text, re.MULTILINE))
    assert declared >= {metric.name for metric in METRICS if "upstream" not in metric.name}


def test_an_upstream_that_is_down_from_the_start_leaves_the_rest():
    """The exporter is up when every upstream is down, and shows what it can with one of them."""
    clock = FakeClock()
    upstreams = FakeUpstreams(clock, *FLEET)
    kinds = ("accounts", "exchange_rate", "profile_version", "bill")
    upstreams.failing |= {kind: down() for kind in kinds}
    found = Publishing(upstreams, clock)
    found.run(600)
    assert {v for s, v in scrape(found.text).items() if s.name == "source_up"} == {0.0}

    del upstreams.failing["accounts"]
    found.run(1200)

    samples = scrape(found.text)
    assert one(samples, "instance_cost_usd_per_hour", instance_id="i-web") == 0.25
    assert not [s for s in samples if "eur" in s.name]
    for place in (FRANKFURT, IRELAND):
        gap = {"region": place.region, "quantity": "cost_eur", "reason": "source_down"}
        assert one(samples, "estimate_gaps", **gap) == (2 if place is FRANKFURT else 1)


QUANTITIES = ("cpu", "power", "emissions", "embodied", "cost_usd", "cost_eur", "runtime")
POWER = ("instance_power", "instance_emissions")
RUNTIME = ("instance_runtime", "instance_billed")
SHORT = {
    # All multiples of the tick; the age limit leaves room for a few failures in a row.
    SourceName.EC2_INVENTORY: Cadence(300.0, 900.0),
    SourceName.CLOUDWATCH_CPU: Cadence(900.0, 3600.0),
    **dict.fromkeys(
        (
            SourceName.PRICING,
            SourceName.SPOT_PRICE,
            SourceName.BOAVIZTA,
            SourceName.EXCHANGE_RATE,
            SourceName.ELECTRICITY_MAPS,
            SourceName.ELECTRICITY_MAPS_HISTORY,
            SourceName.CLOUDTRAIL_EVENTS,
            SourceName.COST_EXPLORER,
        ),
        Cadence(1800.0, 5400.0),
    ),
}
TICK_SECONDS = 300.0


class Outage(NamedTuple):
    """What fails, which series end with it, and which quantities of which places are gaps."""

    call: Call
    cell: CellKey
    ends: Callable[[Sample], bool]
    gaps: dict[str, int]
    quantities: tuple[str, ...]


def in_frankfurt(sample: Sample) -> bool:
    return sample.label("region") == "eu-central-1"


def is_of_the_books(sample: Sample) -> bool:
    """Counters and coverage go on: they tell of hours that are over."""
    return sample.name.endswith(("_total", "_coverage_ratio"))


def of(sample: Sample, instance_id: str) -> bool:
    return sample.label("instance_id") == instance_id


def is_bound(sample: Sample) -> bool:
    return "_lower_" in sample.name or "_upper_" in sample.name


def of_types(sample: Sample, *types: str) -> bool:
    return sample.name == "uncertainty_ln" and sample.label("instance_type") in types


DE = Scope(grid_zone="DE")
OUTAGES = {
    "inventory": Outage(
        Call("inventory", Scope(*FRANKFURT)),
        CellKey(SourceName.EC2_INVENTORY, Scope(*FRANKFURT)),
        lambda s: (
            (in_frankfurt(s) and not is_of_the_books(s)) or of_types(s, "m5.large", "c5.large")
        ),
        {"eu-central-1": 2},
        QUANTITIES,
    ),
    "cpu": Outage(
        Call("cpu", Scope(*FRANKFURT)),
        CellKey(SourceName.CLOUDWATCH_CPU, Scope(*FRANKFURT)),
        lambda s: (
            (in_frankfurt(s) and s.name.startswith((*POWER, "instance_cpu", "cpu_newest")))
            or of_types(s, "m5.large", "c5.large")
        ),
        {"eu-central-1": 2},
        ("cpu", "power", "emissions"),
    ),
    "list price": Outage(
        Call("list_price", Scope(region="eu-central-1"), "m5.large"),
        CellKey(SourceName.PRICING, Scope(region="eu-central-1"), "m5.large|RunInstances|default"),
        lambda s: s.name.startswith("instance_cost") and of(s, "i-web"),
        {"eu-central-1": 1},
        ("cost_usd", "cost_eur"),
    ),
    "spot price": Outage(
        Call("spot_prices", Scope(*FRANKFURT)),
        CellKey(SourceName.SPOT_PRICE, Scope(*FRANKFURT)),
        lambda s: s.name.startswith("instance_cost") and of(s, "i-batch"),
        {"eu-central-1": 1},
        ("cost_usd", "cost_eur"),
    ),
    "profile": Outage(
        Call("profile", item="m5.large"),
        CellKey(SourceName.BOAVIZTA, Scope(), "m5.large"),
        lambda s: (
            (s.name.startswith((*POWER, "instance_embodied")) and of(s, "i-web"))
            or of_types(s, "m5.large")
        ),
        {"eu-central-1": 1},
        ("power", "emissions", "embodied"),
    ),
    "grid": Outage(
        Call("grid_intensity", DE),
        CellKey(SourceName.ELECTRICITY_MAPS, DE),
        lambda s: (
            (in_frankfurt(s) and s.name.startswith("instance_emissions"))
            or (s.label("grid_zone") == "DE" and s.name != "instance_info")
        ),
        {"eu-central-1": 2},
        ("emissions",),
    ),
    "grid history": Outage(
        Call("grid_history", DE),
        CellKey(SourceName.ELECTRICITY_MAPS_HISTORY, DE),
        # Without bounds of one part the total has none; the values themselves stay.
        lambda s: (
            (is_bound(s) and s.name.startswith("instance_emissions") and in_frankfurt(s))
            or (is_bound(s) and s.name.startswith("fleet_emissions"))
            or (is_bound(s) and s.label("grid_zone") == "DE")
            or (s.label("component"), s.label("grid_zone")) == ("grid", "DE")
        ),
        {},
        (),
    ),
    "exchange rate": Outage(
        Call("exchange_rate"),
        CellKey(SourceName.EXCHANGE_RATE, Scope()),
        lambda s: "_eur" in s.name or s.name.startswith("exchange_rate"),
        {"eu-central-1": 2, "eu-west-1": 1},
        ("cost_eur",),
    ),
    "profile version": Outage(
        Call("profile_version"),
        CellKey(SourceName.BOAVIZTA, Scope(), "version"),
        lambda _: False,
        {},
        (),
    ),
    "trail": Outage(
        Call("trail", Scope(*IRELAND)),
        CellKey(SourceName.CLOUDTRAIL_EVENTS, Scope(*IRELAND)),
        lambda s: s.name.startswith(RUNTIME) and of(s, "i-far"),
        {"eu-west-1": 1},
        ("runtime",),
    ),
    "bill": Outage(
        Call("bill"),
        CellKey(SourceName.COST_EXPLORER, Scope()),
        lambda s: s.name.startswith(("billed_", "reconciliation_")),
        {},
        (),
    ),
    "regions": Outage(
        Call("regions", Scope(ACCOUNT)),
        CellKey(SourceName.EC2_INVENTORY, Scope(ACCOUNT)),
        lambda _: False,
        {},
        (),
    ),
    "accounts": Outage(
        Call("accounts"),
        CellKey(SourceName.EC2_INVENTORY, Scope()),
        lambda _: False,
        {},
        (),
    ),
}


def series(samples: dict[Sample, float]) -> set[Sample]:
    return {s for s in samples if is_fleet(s) and s.name != "estimate_gaps"}


@pytest.mark.parametrize("outage", OUTAGES.values(), ids=OUTAGES)
def test_one_upstream_fails(outage):
    """Its own series end right after their age limit, nothing else does, and gaps say why."""
    found = publishing(cadences=SHORT)
    found.run(3600, TICK_SECONDS)
    whole = scrape(found.text)
    (cell,) = [cell for cell in found.roster.cells() if cell.key == outage.cell]
    ends_at = cell.state.succeeded_wall_at + cell.cadence.max_age_seconds
    found.upstreams.failing[outage.call] = down()

    found.run(ends_at - found.clock.wall(), TICK_SECONDS)
    assert found.clock.wall() == ends_at
    before = scrape(found.text)
    assert series(before) == series(whole)
    assert not [s for s in before if s.name == "estimate_gaps"]
    found.clock.advance(1)
    found.settle()
    after = scrape(found.text)

    assert series(before) - series(after) == {s for s in series(before) if outage.ends(s)}
    assert series(after) <= series(before)
    gaps = {s: value for s, value in after.items() if s.name == "estimate_gaps"}
    assert {(s.label("region"), s.label("quantity")): v for s, v in gaps.items()} == {
        (region, quantity): count
        for region, count in outage.gaps.items()
        for quantity in outage.quantities
    }
    assert {s.label("reason") for s in gaps} <= {"source_down"}
    share = 1 - sum(outage.gaps.values()) / 3
    for quantity in QUANTITIES:
        covered = one(after, "fleet_covered_ratio", quantity=quantity)
        assert covered == pytest.approx(share if quantity in outage.quantities else 1)
    about = {"source": str(outage.cell.source), **outage.cell.scope._asdict()}
    assert one(after, "source_up", **about) == 0
    kept = {s for s in series(after) if s.name.startswith("instance_") and not is_bound(s)}
    assert {s: after[s] for s in kept} == {s: before[s] for s in kept}


@pytest.mark.parametrize("outage", OUTAGES.values(), ids=OUTAGES)
def test_recovery_brings_everything_back(outage):
    """After the outage the very same series are there, no gap is left, every source is up."""
    found = publishing(cadences=SHORT)
    found.run(3600, TICK_SECONDS)
    whole = series(scrape(found.text))
    found.upstreams.failing[outage.call] = down()
    found.run(3 * 3600, TICK_SECONDS)
    found.upstreams.failing.clear()

    found.run(3600, TICK_SECONDS)

    samples = scrape(found.text)
    assert series(samples) == whole
    assert not [s for s in samples if s.name == "estimate_gaps"]
    assert {v for s, v in samples.items() if s.name == "source_up"} == {1.0}
    failures = [v for s, v in samples.items() if s.name == "source_refresh_failures_total"]
    assert sum(failures) > 0


def test_the_other_sources_stay_up():
    """One failing scope shows in its own line only."""
    found = publishing()
    found.upstreams.failing[Call("cpu", Scope(*FRANKFURT))] = down(FailureReason.DENIED)
    found.run(1200)

    samples = scrape(found.text)
    is_down = [s for s, v in samples.items() if s.name == "source_up" and v == 0]
    assert [(s.label("source"), s.label("region")) for s in is_down] == [
        ("cloudwatch_cpu", "eu-central-1")
    ]
    failures = {
        s.label("reason"): v
        for s, v in samples.items()
        if s.name == "source_refresh_failures_total" and v
    }
    assert set(failures) == {"denied"}


def test_a_gap_has_the_reason_of_the_latest_attempt():
    """When a source says something new, the next publication says so too."""
    clock = FakeClock()
    upstreams = FakeUpstreams(clock, *FLEET)
    upstreams.failing["grid_intensity"] = down()
    found = Publishing(upstreams, clock)
    found.settle()
    reasons = {s.label("reason") for s in scrape(found.text) if s.name == "estimate_gaps"}
    assert reasons == {"source_down"}

    upstreams.failing["grid_intensity"] = down(FailureReason.NOT_CONFIGURED)
    for cell in found.roster.grid.values():
        found.scheduler.poke(cell.key)
    found.settle()

    reasons = {s.label("reason") for s in scrape(found.text) if s.name == "estimate_gaps"}
    assert reasons == {"not_configured"}


def test_a_fleet_that_vanished_is_an_empty_fleet():
    """When no account or region is left to poll, the last known fleet does not live on."""
    found = publishing()
    found.upstreams.polled_accounts = ()
    found.run(3 * 3600, 300)

    samples = scrape(found.text)
    assert not [s for s in samples if s.label("instance_id")]
    assert not [s for s in samples if s.name == "fleet_power_watts"]


def test_bounds_widen_with_time_and_values_stay():
    """Old evidence is worth less: without any news the interval grows, minute by minute."""
    found = publishing()
    bounds = []
    for _ in range(14):
        samples = scrape(found.text)
        bounds.append(
            tuple(
                one(samples, f"instance_{quantity}", instance_id="i-web")
                for quantity in (
                    "power_lower_watts",
                    "power_watts",
                    "power_upper_watts",
                    "emissions_lower_grams_per_hour",
                    "emissions_grams_per_hour",
                    "emissions_upper_grams_per_hour",
                )
            )
        )
        found.clock.advance(60)
        found.publisher.publish()

    lower, value, upper, *_ = (list(column) for column in zip(*bounds, strict=True))
    _, _, _, lower_grams, grams, upper_grams = (list(c) for c in zip(*bounds, strict=True))
    assert len(set(value)) == len(set(grams)) == 1
    for falling in (lower, lower_grams):
        assert falling == sorted(falling, reverse=True)
        assert len(set(falling)) == len(falling)
    for rising in (upper, upper_grams):
        assert rising == sorted(rising)
        assert len(set(rising)) == len(rising)


def test_without_news_nothing_is_computed_again_within_a_minute():
    """A publication per heartbeat costs no estimation."""
    found = publishing()
    first = found.publisher.published.snapshot
    found.clock.advance(59)
    found.publisher.publish()
    assert found.publisher.published.snapshot is first

    found.clock.advance(1)
    found.publisher.publish()
    assert found.publisher.published.snapshot is not first


def test_a_day_of_refreshes_keeps_its_size():
    """Twenty-four hours: the same series each hour, nothing that grows, no value that is none."""
    found = publishing()
    found.run(3600)
    whole = set(scrape(found.text))
    sizes, text_sizes = [], []
    for _ in range(24):
        found.run(3600, 120)
        assert set(scrape(found.text)) == whole
        sizes.append(
            (
                len(found.scheduler._tasks),
                len(found.publisher._seen),
                len(found.publisher._saved),
                len(found.renderer._kept),
                len(found.scheduler.tallies),
            )
        )
        text_sizes.append(len(found.publisher.published.exposition.identity()))
        assert len(found.scheduler._heap) <= 2 * len(found.scheduler._tasks)

    assert len(set(sizes)) == 1
    assert max(text_sizes) - min(text_sizes) < 1000  # numbers grow by a digit or two
    hours = found.upstreams.calls[Call("grid_intensity", Scope(grid_zone="DE"))]
    assert 25 <= hours <= 33
    assert found.upstreams.times("list_price") == 2


def fleet_text(text: str) -> str:
    return text.partition("# HELP carbonfinops_source_up ")[0]


@pytest.mark.parametrize("away_seconds", [0.0, 60.0])
def test_a_restart_goes_on_where_it_was(tmp_path, away_seconds):
    """The fleet part is the same to the byte, and no call that is still good is repeated."""
    with StateDirectory(tmp_path) as store:
        before = publishing(store=store)
        before.run(2 * 3600)
        before.clock.advance(away_seconds)
        before.publisher._estimated_at = float("-inf")
        before.publisher.publish()

    clock = FakeClock(before.clock.wall())
    with StateDirectory(tmp_path) as store:
        after = Publishing(FakeUpstreams(clock, *FLEET), clock, store=store)
        assert fleet_text(after.text) == fleet_text(before.text)
        after.settle()
        assert fleet_text(after.text) == fleet_text(before.text)
        asked = {call.kind for call in after.upstreams.calls}
        # Settings may have changed the accounts, and an inventory is due after four minutes.
        assert asked <= {"accounts", "exchange_rate"} | ({"inventory"} if away_seconds else set())
    old, new = scrape(before.text), scrape(after.text)
    for name in ("source_up", "source_last_success_timestamp_seconds"):
        kept, now = (
            {s: v for s, v in found.items() if s.name == name and s.label("account_id")}
            for found in (old, new)
        )
        if not away_seconds:
            assert now == kept


def test_a_restart_within_an_outage(tmp_path):
    """The last good values serve on to the same age limit, and the source is still down."""
    with StateDirectory(tmp_path) as store:
        before = publishing(store=store)
        before.upstreams.failing["cpu"] = down(FailureReason.THROTTLED)
        before.run(1800)

    clock = FakeClock(before.clock.wall())
    upstreams = FakeUpstreams(clock, *FLEET)
    upstreams.failing["cpu"] = down(FailureReason.THROTTLED)
    with StateDirectory(tmp_path) as store:
        after = Publishing(upstreams, clock, store=store)
        assert (
            one(scrape(after.text), "source_up", source="cloudwatch_cpu", region="eu-west-1") == 0
        )
        after.run(START_AT + 3600 - clock.wall())
        assert [s for s in scrape(after.text) if s.name == "instance_power_watts"]
        after.run(60)
        assert not [s for s in scrape(after.text) if s.name == "instance_power_watts"]


def test_a_restart_after_a_week(tmp_path):
    """What is too old is not shown, but the last known running instances are counted as gaps."""
    with StateDirectory(tmp_path) as store:
        publishing(store=store).run(600)

    clock = FakeClock(START_AT + 7 * 86400)
    upstreams = FakeUpstreams(clock, *FLEET)
    upstreams.failing |= {"inventory": down(), "accounts": down(), "regions": down()}
    with StateDirectory(tmp_path) as store:
        after = Publishing(upstreams, clock, store=store)
        after.settle()

    samples = scrape(after.text)
    assert not [s for s in samples if s.label("instance_id")]
    assert one(samples, "estimate_gaps", region="eu-central-1", quantity="power") == 2
    assert {v for s, v in samples.items() if s.name == "fleet_covered_ratio"} == {0.0}


def written_files(state_dir: Path) -> dict[str, int]:
    """When each file was written last, but for the lock."""
    files = (path for path in state_dir.rglob("*") if path.is_file() and path.name != "lock")
    return {str(path.relative_to(state_dir)): path.stat().st_mtime_ns for path in files}


def test_only_what_has_news_is_written(tmp_path):
    """A heartbeat without news touches no file, be it of a source or of the books."""
    with StateDirectory(tmp_path) as store:
        found = publishing(store=store)
        found.clock.advance(METER_SAVE_SECONDS)
        found.publisher.publish()
        written = written_files(tmp_path)
        files = {name for name in written if "/" not in name}
        assert files == {f"{source}.json" for source in SourceName} | {"accrual.json", "meter.json"}
        assert {name.partition("/")[0] for name in written.keys() - files} == {"history"}
        found.clock.advance(60)
        found.publisher.publish()
        assert written == written_files(tmp_path)

        found.run(300)

    newer = {name for name, at in written_files(tmp_path).items() if at != written.get(name)}
    assert newer == {"ec2_inventory.json"}


def test_files_are_written_with_measure(tmp_path):
    """Whatever changes in between, a source's file is written every few seconds at the most."""
    with StateDirectory(tmp_path) as store:
        found = publishing(store=store)
        written = set()
        for _ in range(100):
            found.clock.advance(SAVE_SECONDS / 10)
            for cell in found.roster.inventories.values():
                found.scheduler.poke(cell.key)
            found.settle()
            written.add((tmp_path / "ec2_inventory.json").stat().st_mtime_ns)

    assert 9 <= len(written) <= 12


def test_the_last_publication_saves_everything(tmp_path):
    """What was learnt in the last seconds before a stop is known after the restart."""
    with StateDirectory(tmp_path) as store:
        found = publishing(store=store)
        found.publisher.stop(0.0)
        found.publisher.run()

    clock = FakeClock(found.clock.wall())
    with StateDirectory(tmp_path) as store:
        after = Publishing(FakeUpstreams(clock, *FLEET), clock, store=store)
        after.settle()
    assert {call.kind for call in after.upstreams.calls} <= {"accounts", "exchange_rate"}
    assert fleet_text(after.text) == fleet_text(found.text)


class BreakableFamilies(FleetFamilies):
    """Families with a bug that can be switched on."""

    broken = False

    def of(self, snapshot: FleetSnapshot | None) -> tuple[Family, ...]:
        """Build every family, or fail on a real fleet."""
        if self.broken and snapshot is not None:
            raise ZeroDivisionError
        return super().of(snapshot)


def test_a_bug_in_a_publication_withdraws_the_fleet(caplog):
    """Frozen numbers would look alive: they end, with one traceback, until the bug does."""
    found = publishing()
    families = BreakableFamilies(("team",))
    found.publisher = Publisher(
        found.roster,
        found.scheduler,
        found.bookkeeper,
        found.analyst,
        found.siting,
        families,
        Instrumentation(version="1.2.3", revision="", simulated=False),
        store=None,
        clock=found.clock,
        news=found.news,
    )
    whole = series(scrape(found.text))
    families.broken = True
    for _ in range(3):
        found.clock.advance(60)
        found.publisher._publish_or_withdraw()
        assert found.publisher.published.snapshot is None
        assert not [s for s in scrape(found.text) if s.label("instance_id")]
    assert len([record for record in caplog.records if record.exc_info]) == 1

    families.broken = False
    found.publisher._publish_or_withdraw()
    assert series(scrape(found.text)) == whole


def test_a_scrape_never_sees_half_a_refresh():
    """Every scrape during refreshes is of one generation: names, count, sum and coverage agree."""
    instances = tuple(make_instance(f"i-{n:02}", FRANKFURT, name="g0") for n in range(20))
    found = publishing(*instances)
    done, scraped = threading.Event(), threading.Event()
    wrong: list[str] = []
    generations: set[str] = set()

    def read() -> None:
        while not done.is_set():
            text = found.text
            names = set(re.findall(r'instance_info\{.*?,name="(g\d+)"', text))
            watts = [float(v) for v in re.findall(r"_instance_power_watts\{.*\} (\S+)", text)]
            (total,) = re.findall(r"^carbonfinops_fleet_power_watts (\S+)", text, re.MULTILINE)
            if len(names) != 1 or len(watts) != 20 or not math.isclose(sum(watts), float(total)):
                wrong.append(f"{names} {len(watts)} {sum(watts)} {total}")
            generations.update(names)
            scraped.set()

    reader = threading.Thread(target=read, daemon=True)
    reader.start()
    for generation in range(1, 16):
        found.upstreams.cpu_percent = 10.0 + generation
        named = (replace(i, name=f"g{generation}") for i in instances)
        found.upstreams.hold(named)
        found.run(900, 300)
        scraped.clear()
        assert scraped.wait(PATIENCE_SECONDS)
    done.set()
    reader.join(PATIENCE_SECONDS)

    assert not reader.is_alive()
    assert wrong == []
    assert len(generations) >= 8


def test_a_published_picture_never_changes():
    """Who holds an old one keeps all of it."""
    found = publishing()
    held = found.publisher.published
    text, names = held.exposition.identity(), [e.instance.name for e in held.snapshot.instances]  # type: ignore[union-attr]  # settled
    found.upstreams.hold([replace(i, name="renamed") for i in FLEET])
    found.run(900)

    assert held.exposition.identity() == text
    assert [e.instance.name for e in held.snapshot.instances] == names  # type: ignore[union-attr]  # as above
    assert found.publisher.published is not held


def test_run_publishes_news_until_it_is_stopped():
    """On its own thread, with one last publication at the end."""
    found = publishing()
    loop = threading.Thread(target=found.publisher.run, daemon=True)
    loop.start()
    found.upstreams.hold([replace(WEB, name="renamed")])
    found.clock.advance(300)
    found.scheduler.step()
    found.publisher.stop(PATIENCE_SECONDS)
    loop.join(PATIENCE_SECONDS)

    assert not loop.is_alive()
    names = [s.label("name") for s in scrape(found.text) if s.name == "instance_info"]
    assert names == ["renamed"]


def test_hostile_names_stay_inside_their_label():
    """A Name tag can be anything; the parser gives it back as it was."""
    name = 'x"} 1\ncarbonfinops_simulated 1\\ 漢 \x00 {'
    found = scrape(publishing(replace(WEB, name=name)).text)

    (info,) = [s for s in found if s.name == "instance_info"]
    assert info.label("name") == name
    assert one(found, "simulated") == 0


def test_an_account_of_another_role_does_not_double_its_series():
    """One account in two regions and one region in two accounts: every series is unique."""
    other = Place("222222222222", "eu-central-1")
    found = publishing(*FLEET, make_instance("i-web", other))

    samples = scrape(found.text)
    assert len([s for s in samples if s.label("instance_id") == "i-web"]) == 2 * 16
    assert found.upstreams.polled_accounts == (Account(ACCOUNT), Account("222222222222"))
    assert found.upstreams.calls[Call("list_price", Scope(region="eu-central-1"), "m5.large")] == 1


def test_default_cadences_are_those_of_the_settings():
    """The intervals of this file's fake loop are published as they are."""
    found = scrape(publishing().text)

    for source, cadence in DEFAULT_CADENCES.items():
        about = {"source": str(source)}
        interval = one(found, "source_refresh_interval_seconds", **about)
        assert interval == cadence.interval_seconds
        assert one(found, "source_max_age_seconds", **about) == cadence.max_age_seconds
