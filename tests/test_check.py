"""The check's findings, and one refresh of everything."""

import os
import threading
import time
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from exporter.app import Application, build
from exporter.books.bookkeeper import Bookkeeper
from exporter.check import Finding, Level, findings, refresh_once
from exporter.configuration import load_settings
from exporter.core.evidence import GapReason, HardwareProfile, Quantity
from exporter.core.fleet import InstanceState, Place
from exporter.core.instance_estimate import Siting
from exporter.core.provenance import FailureReason, SourceName
from exporter.exposition.families import FleetFamilies
from exporter.exposition.http import MetricsServer
from exporter.publisher import Publisher
from exporter.site import StatusSite
from exporter.store import StateDirectory
from tests.fakes import (
    SITING,
    Call,
    FakeClock,
    FakeUpstreams,
    Polling,
    Publishing,
    analyst,
    down,
    make_instance,
)

ACCOUNT = "111111111111"
FRANKFURT, IRELAND = Place(ACCOUNT, "eu-central-1"), Place(ACCOUNT, "eu-west-1")
WEB = make_instance("i-web", FRANKFURT)
SLEEPING = replace(
    make_instance("i-sleeping", IRELAND, state=InstanceState.STOPPED),
    state_transition_reason="User initiated (2027-01-14 09:00:00 GMT)",  # 23 hours ago
)
PATIENCE_SECONDS = 10.0


def settings_of(state_dir: Path, **more: str):
    variables = {"CARBONFINOPS_STATE_DIR": str(state_dir)}
    variables |= {f"CARBONFINOPS_{name}": value for name, value in more.items()}
    return load_settings(variables, dotenv=Path(os.devnull))


def application_of(publishing: Publishing) -> Application:
    """The parts of a fake loop, as a command gets them; its server is never started."""
    site = StatusSite(publishing.publisher, publishing.clock, version="1.2.3", simulated=False)
    return Application(
        publishing.roster,
        publishing.scheduler,
        publishing.analyst,
        publishing.publisher,
        MetricsServer("127.0.0.1:0", site),
        publishing.siting,
        publishing.news,
    )


def found_in(tmp_path, *instances, failing=None, siting=SITING, usd_per_hour=0.25, settings=None):
    """Findings of a fake cloud, as (level, text) by subject."""
    clock = FakeClock()
    upstreams = FakeUpstreams(clock, *instances)
    upstreams.failing |= failing or {}
    upstreams.usd_per_hour = usd_per_hour
    publishing = Publishing(upstreams, clock, siting=siting)
    publishing.settle()
    settings = settings_of(tmp_path, **(settings or {}))
    found = findings(application_of(publishing), settings, complete=True)
    by_subject = {finding.subject: (finding.level, finding.text) for finding in found}
    assert len(by_subject) == len(found)
    return by_subject


def test_all_is_well(tmp_path):
    """One line per fact, every one ok, in a fixed order; the inventory says what it found."""
    found = found_in(tmp_path, WEB, SLEEPING)

    assert {level for level, _ in found.values()} == {Level.OK}
    assert list(found) == [
        f"state directory {tmp_path}",
        "boavizta m5.large",
        "boavizta version",
        f"cloudtrail_events {ACCOUNT} eu-central-1",
        f"cloudtrail_events {ACCOUNT} eu-west-1",
        f"cloudwatch_cpu {ACCOUNT} eu-central-1",
        "cost_explorer",
        "ec2_inventory",
        f"ec2_inventory {ACCOUNT}",
        f"ec2_inventory {ACCOUNT} eu-central-1",
        f"ec2_inventory {ACCOUNT} eu-west-1",
        "electricity_maps DE",
        "electricity_maps IE",
        "electricity_maps_history DE",
        "electricity_maps_history IE",
        "exchange_rate",
        "pricing eu-central-1 m5.large|RunInstances|default",
        "pricing eu-west-1 m5.large|RunInstances|default",
    ]
    assert found[f"ec2_inventory {ACCOUNT} eu-central-1"][1] == "1 instance, 1 running"
    assert found[f"ec2_inventory {ACCOUNT} eu-west-1"][1] == "1 instance, 0 running"


@pytest.mark.parametrize("reason", [r for r in FailureReason if r != "not_configured"])
def test_a_failing_source(tmp_path, reason):
    """Its reason and the source's own words, which say how to mend it; the others are ok."""
    found = found_in(tmp_path, WEB, failing={Call("exchange_rate"): down(reason)})

    assert found.pop("exchange_rate") == (Level.FAIL, f"{reason}: made-up outage")
    assert {level for level, _ in found.values()} == {Level.OK}


def test_what_is_not_configured_is_a_note(tmp_path):
    """Everything else works without it: the command does not fail for it."""
    failing = {
        kind: down(FailureReason.NOT_CONFIGURED) for kind in ("grid_intensity", "grid_history")
    }
    found = found_in(tmp_path, WEB, failing=failing)

    assert found.pop("electricity_maps DE") == (Level.NOTE, "made-up outage")
    assert found.pop("electricity_maps_history DE") == (Level.NOTE, "made-up outage")
    assert {level for level, _ in found.values()} == {Level.OK}


def test_what_was_not_answered(tmp_path):
    """A cell without any attempt fails, and so does a check that ran out of time."""
    clock = FakeClock()
    publishing = Publishing(FakeUpstreams(clock, WEB), clock)
    found = findings(application_of(publishing), settings_of(tmp_path), complete=False)

    lines = [str(finding) for finding in found if finding.level is Level.FAIL]
    assert lines[0] == "FAIL  boavizta version: no answer yet: not asked yet"
    assert lines[-1] == "FAIL  check: not everything answered within 120 s"


def test_no_pue(tmp_path):
    """The setting to write is named as it is written, with AWS's average as advice only."""
    siting = Siting(SITING.grid_zones, {"eu-west-1": SITING.pue["eu-west-1"]})
    found = found_in(tmp_path, WEB, SLEEPING, siting=siting)

    level, text = found["pue eu-central-1"]
    assert level is Level.FAIL
    assert "CARBONFINOPS_PUE__EU_CENTRAL_1" in text
    assert "1.14" in text
    assert "pue eu-west-1" not in found


def test_no_grid_zone(tmp_path):
    """The setting to write is named with the very location."""
    local = replace(WEB, availability_zone="eu-central-1-ham-1a")
    found = found_in(tmp_path, local)

    level, text = found["zone eu-central-1-ham-1"]
    assert level is Level.FAIL
    assert "CARBONFINOPS_ELECTRICITY_MAPS__ZONES=eu-central-1-ham-1=" in text
    assert "CARBONFINOPS_PUE__EU_CENTRAL_1_HAM_1" in found["pue eu-central-1-ham-1"][1]


TARGETS = {
    "SCENARIOS__TARGET_REGIONS": "eu-north-1,eu-west-1,eu-central-1",
    "SCENARIOS__DEFERRABLE_WATTS": "300",
    "SCENARIOS__DEFERRABLE_REGION": "me-south-1",
}


def test_a_region_of_a_scenario_that_is_not_known_well(tmp_path):
    """What keeps a target region or a job without a value is said, with the setting to write."""
    found = found_in(tmp_path, WEB, settings=TARGETS)

    lacking = {subject: text for subject, (level, text) in found.items() if level is not Level.OK}
    assert set(lacking) == {
        f"{what} {region}" for what in ("pue", "zone") for region in ("eu-north-1", "me-south-1")
    }
    assert "no scenario there" in lacking["pue eu-north-1"]
    assert "CARBONFINOPS_PUE__EU_NORTH_1" in lacking["pue eu-north-1"]
    assert "CARBONFINOPS_ELECTRICITY_MAPS__ZONES=me-south-1=ZONE" in lacking["zone me-south-1"]


def test_a_target_region_that_instances_are_in_is_said_once(tmp_path):
    """What the fleet lacks there counts for more."""
    siting = Siting(SITING.grid_zones, {"eu-west-1": SITING.pue["eu-west-1"]})
    found = found_in(tmp_path, WEB, siting=siting, settings=TARGETS)

    assert "no emissions" in found["pue eu-central-1"][1]


def test_no_price(tmp_path):
    """AWS answered that there is none: a note, for nothing can be mended."""
    found = found_in(tmp_path, WEB, usd_per_hour=None)

    level, text = found["pricing eu-central-1 m5.large|RunInstances|default"]
    assert level is Level.NOTE
    assert "cost" in text


@pytest.mark.parametrize("gap", [GapReason.NO_PROFILE, GapReason.ACCELERATOR_UNMODELLED])
def test_no_power_model(tmp_path, gap):
    """A type that Boavizta does not know well is named with the reason of its gap."""
    clock = FakeClock()
    publishing = Publishing(FakeUpstreams(clock, WEB), clock)
    publishing.settle()
    cell = publishing.roster.profiles["m5.large"]
    cell.state = replace(cell.state, value=HardwareProfile("m5.large", (), gap, None, gap, "2.5.0"))
    found = findings(application_of(publishing), settings_of(tmp_path), complete=True)

    (line,) = [str(finding) for finding in found if finding.subject == "boavizta m5.large"]
    assert line == f"note  boavizta m5.large: no power for this type: {gap}"


def test_a_state_directory_in_use_is_a_note(tmp_path):
    """Checking beside a running exporter is the usual case."""
    with StateDirectory(tmp_path):
        level, text = found_in(tmp_path, WEB)[f"state directory {tmp_path}"]

    assert level is Level.NOTE
    assert f"process {os.getpid()}" in text


def test_a_state_directory_that_cannot_be_written(tmp_path):
    """The setting to change is named."""
    (tmp_path / "file").write_text("in the way")
    path = tmp_path / "file" / "state"

    level, text = found_in(path, WEB)[f"state directory {path}"]

    assert level is Level.FAIL
    assert "CARBONFINOPS_STATE_DIR" in text


def test_a_finding_is_one_aligned_line():
    """Level, subject, text."""
    lines = [str(Finding(level, "pricing", "x")) for level in Level]

    assert lines == ["ok    pricing: x", "note  pricing: x", "FAIL  pricing: x"]


def real_time_fleet():
    launched_at = time.time() - 86400
    told = datetime.fromtimestamp(launched_at + 3600, UTC).strftime("%Y-%m-%d %H:%M:%S GMT")
    slept = replace(SLEEPING, state_transition_reason=f"User initiated ({told})")
    return [replace(i, launched_at=launched_at) for i in (WEB, slept)]


def test_one_refresh_asks_for_everything_once():
    """From the accounts to the last price, on the real lanes and clock, each fact one time."""
    made = []

    def make_upstreams(_settings, _observer, clock):
        made.append(FakeUpstreams(clock, *real_time_fleet()))
        return made[0]

    application = build(settings_of(Path(os.devnull)), make_upstreams, store=None)
    assert refresh_once(application, PATIENCE_SECONDS)

    snapshot = application.publisher.published.snapshot
    assert snapshot is not None
    assert [e.instance.instance_id for e in snapshot.instances] == ["i-web", "i-sleeping"]
    assert set(snapshot.covered_ratio.values()) == {1.0}
    assert set(made[0].calls.values()) == {1}
    assert len(made[0].calls) == 17


def test_the_grid_of_the_scenarios_regions_is_asked_for_too():
    """Of every target region and of the load's: with instances there or not."""
    made = []

    def make_upstreams(_settings, _observer, clock):
        made.append(FakeUpstreams(clock))
        return made[0]

    targets = {"SCENARIOS__TARGET_REGIONS": "eu-north-1,us-east-1,us-east-2"}
    load = {"SCENARIOS__DEFERRABLE_WATTS": "300", "SCENARIOS__DEFERRABLE_REGION": "eu-west-2"}
    settings = settings_of(Path(os.devnull), **targets, **load)
    application = build(settings, make_upstreams, store=None)
    assert refresh_once(application, PATIENCE_SECONDS)

    asked = {call.scope.grid_zone for call in made[0].calls if call.kind == "grid_history"}
    assert asked == set(application.roster.grid) == {"SE-SE3", "US-MIDA-PJM", "GB"}


def test_one_refresh_ends_with_a_statement_of_everything(monkeypatch):
    """However long the books take: there is no later publication that would have them."""
    monkeypatch.setattr("exporter.books.bookkeeper.LARGEST_SHARE", 1e-9)
    application = build(
        settings_of(Path(os.devnull)),
        lambda _settings, _observer, clock: FakeUpstreams(clock, *real_time_fleet()),
        store=None,
    )
    assert refresh_once(application, PATIENCE_SECONDS)

    snapshot = application.publisher.published.snapshot
    assert snapshot is not None
    assert {place.region for place in snapshot.statement.coverage} == {"eu-central-1", "eu-west-1"}
    assert set(snapshot.statement.runtime) == {"i-web", "i-sleeping"}


def test_one_refresh_takes_what_a_running_exporter_knows(tmp_path):
    """A snapshot beside it repeats none of its calls, and does not wait for them either."""
    clock = FakeClock(time.time() - 60)
    with StateDirectory(tmp_path) as running:
        found = Publishing(FakeUpstreams(clock, *real_time_fleet()), clock, store=running)
        found.settle()
        found.run(60)
        made = []

        def make_upstreams(_settings, _observer, clock):
            made.append(FakeUpstreams(clock))
            return made[0]

        store = StateDirectory(tmp_path, writable=False)
        application = build(settings_of(tmp_path), make_upstreams, store=store)
        assert refresh_once(application, PATIENCE_SECONDS)

    assert application.publisher.published.snapshot is not None
    assert {call.kind for call in made[0].calls} <= {"accounts", "exchange_rate"}


@pytest.mark.parametrize("mended", [True, False])
def test_one_refresh_asks_once_for_what_a_running_exporter_failed_to_get(tmp_path, mended):
    """Now, for somebody may have mended it; whatever the answer, that is all."""
    kinds = ("bill", "cpu", "trail", "grid_intensity", "grid_history")
    failing: dict[Call | str, Exception] = {kind: down(FailureReason.DENIED) for kind in kinds}
    clock = FakeClock(time.time() - 60)
    with StateDirectory(tmp_path) as running:
        found = Publishing(FakeUpstreams(clock, *real_time_fleet()), clock, store=running)
        found.upstreams.failing |= failing
        found.settle()
        found.run(60)
    made = []

    def make_upstreams(_settings, _observer, clock):
        made.append(FakeUpstreams(clock, *real_time_fleet()))
        made[0].failing |= {} if mended else failing
        return made[0]

    store = StateDirectory(tmp_path, writable=False)
    application = build(settings_of(tmp_path), make_upstreams, store=store)
    assert refresh_once(application, PATIENCE_SECONDS)

    assert {call.kind for call in made[0].calls} - {"accounts", "exchange_rate"} == set(kinds)
    assert set(made[0].calls.values()) == {1}
    snapshot = application.publisher.published.snapshot
    assert snapshot is not None
    assert snapshot.covered_ratio[Quantity.EMISSIONS] == float(mended)


def test_one_refresh_does_not_wait_for_ever():
    """A hanging upstream costs its own answer: the rest is there, and the result says so."""
    release = threading.Event()

    class Hanging(FakeUpstreams):
        def asked(self, call: Call) -> None:
            super().asked(call)
            if call.kind == "exchange_rate":
                release.wait(PATIENCE_SECONDS)

    def make_upstreams(_settings, _observer, clock):
        return Hanging(clock, *real_time_fleet())

    application = build(settings_of(Path(os.devnull)), make_upstreams, store=None)
    try:
        assert not refresh_once(application, 1.0)
        snapshot = application.publisher.published.snapshot
        assert snapshot is not None
        assert snapshot.covered_ratio[Quantity.COST_USD] == 1
        assert snapshot.exchange_rate is None
    finally:
        release.set()


class AnsweringWhileRendering:
    """Own metrics that take so long that all upstreams have answered when they are done."""

    def __init__(self, polling: Polling) -> None:
        self._polling = polling

    def render(self) -> str:
        """Let every attempt that is due end meanwhile."""
        self._polling.scheduler.step()
        return ""

    def set_boavizta_version(self, version: str) -> None:
        """Not shown."""


class WithoutThread(Application):
    """An application whose attempts run when the test says so."""

    def start_scheduler(self) -> None:
        """Start nothing."""


def test_one_refresh_ends_with_the_last_answer_published():
    """Answers that come while a picture is being published are in the next one."""
    clock = FakeClock(time.time() + 60)
    polling = Polling(FakeUpstreams(clock, *real_time_fleet()), clock)
    asked = analyst(clock)
    publisher = Publisher(
        polling.roster,
        polling.scheduler,
        Bookkeeper(None, SITING, 900.0, clock.wall(), clock.monotonic),
        asked,
        SITING,
        FleetFamilies(),
        AnsweringWhileRendering(polling),
        store=None,
        clock=clock,
        news=polling.news,
    )
    site = StatusSite(publisher, clock, version="1.2.3", simulated=False)
    server = MetricsServer("127.0.0.1:0", site)
    application = WithoutThread(
        polling.roster, polling.scheduler, asked, publisher, server, SITING, polling.news
    )

    assert refresh_once(application, PATIENCE_SECONDS)

    snapshot = publisher.published.snapshot
    assert snapshot is not None
    assert set(snapshot.covered_ratio.values()) == {1.0}
    assert SourceName.CLOUDWATCH_CPU in {cell.key.source for cell in polling.roster.cells()}
