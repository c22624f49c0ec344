"""Prometheus scrapes while instances come, go, change and are retagged.

The duration is CARBONFINOPS_CI_SOAK_SECONDS, 60 by default.
"""

import os
import random
import subprocess
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from agreement import circumstances, disagreements
from cloud_rig import CloudRig, live_settings
from conftest import LOGS, StartExporter, StartRig
from expectation import Expectation
from exporter_process import ExporterProcess
from exposition import Exposition
from invariants import violations
from prometheus_server import SCRAPE_SECONDS, PrometheusServer
from waiting import calm_moment, eventually

REGIONS = "eu-central-1,us-east-1"
SOAK_SECONDS = float(os.environ.get("CARBONFINOPS_CI_SOAK_SECONDS", "60"))
PROMTOOL_EVERY_BODIES = 20
CONVERGENCE_SECONDS = 12.0
"""An inventory interval, the rig's answer, a publication, and some patience."""

SHORT = {
    "CARBONFINOPS_TTL__EC2_INVENTORY": "3s",
    "CARBONFINOPS_TTL__CLOUDWATCH_CPU": "5s",
    "CARBONFINOPS_TTL__SPOT_PRICE": "10s",
    "CARBONFINOPS_TTL__PRICING": "30s",
    "CARBONFINOPS_TTL__ELECTRICITY_MAPS": "10s",
    "CARBONFINOPS_TTL__ELECTRICITY_MAPS_HISTORY": "20s",
    "CARBONFINOPS_TTL__EXCHANGE_RATE": "30s",
    "CARBONFINOPS_MAX_AGE__EC2_INVENTORY": "15m",
}


@dataclass
class Soak:
    """What happened while the world changed."""

    problems: list[str] = field(default_factory=list)
    bodies: int = 0
    started: list[str] = field(default_factory=list)
    stopped: list[str] = field(default_factory=list)
    terminated: list[str] = field(default_factory=list)
    retagged: dict[str, str] = field(default_factory=dict)
    began_at: float = 0.0
    ended_at: float = 0.0
    last: Exposition | None = None


class Operator:
    """Changes the world, and waits each time until the exporter says so."""

    def __init__(self, rig: CloudRig, exporter: ExporterProcess, soak: Soak) -> None:
        self._rig = rig
        self._exporter = exporter
        self._soak = soak
        self._draw = random.Random(7)  # noqa: S311 - the same changes in every run
        self._steps = 0

    def step(self) -> None:
        """One change, in turn."""
        actions = (self.launch, self.retag, self.stop, self.launch, self.start, self.terminate)
        actions[self._steps % len(actions)]()
        self._steps += 1

    def launch(self) -> None:
        """An instance that has run for two hours already: old enough for every quantity."""
        tags = {"Name": f"soak {self._steps}", "team": f"t{self._steps}"}
        (iid,) = self._rig.change(
            "launch",
            region=self._draw.choice(REGIONS.split(",")),
            type=self._draw.choice(("m5.large", "t3.micro", "c6g.xlarge")),
            const=self._draw.uniform(1, 99),
            tags=tags,
            events=[{"at": "-2h", "action": "run"}],
        )["launched"]
        self._soak.started.append(iid)
        self._until(
            lambda body: iid in body.by_instance("instance_emissions_grams_per_hour"),
            f"{iid} was launched but has no emissions",
        )

    def retag(self) -> None:
        """Another value of one tag, with characters that need escapes."""
        iid, team = self._draw.choice(self._ours()), f'new "{self._steps}" \\ \n'
        self._rig.change("retag", ids=[iid], set={"team": team})
        self._soak.retagged[iid] = team
        self._until(
            lambda body: [s.labels["tag_team"] for s in body.find("instance_info", instance_id=iid)]
            == [team],
            f"{iid} was retagged",
        )

    def stop(self) -> None:
        """A stopped instance stays listed, with none of its quantities."""
        iid = self._draw.choice(self._ours())
        self._rig.change("stop", ids=[iid])
        self._soak.stopped.append(iid)
        self._soak.started.remove(iid)
        self._until(
            lambda body: (
                body.value("instance_running", instance_id=iid) == 0
                and iid not in body.by_instance("instance_power_watts")
                and iid not in body.by_instance("instance_cost_usd_per_hour")
            ),
            f"{iid} was stopped",
        )

    def start(self) -> None:
        """A start makes an instance young again: it runs, and its power is a gap."""
        iid = self._soak.stopped[0]
        state = self._rig.truth(id=iid)["instances"][0]["state"]
        if state != "stopped":
            return
        self._soak.stopped.remove(iid)
        self._rig.change("start", ids=[iid])
        self._soak.started.append(iid)
        self._until(
            lambda body: (
                body.value("instance_running", instance_id=iid) == 1
                and iid not in body.by_instance("instance_power_watts")
                and iid in body.by_instance("instance_cost_usd_per_hour")
            ),
            f"{iid} was started again",
        )

    def terminate(self) -> None:
        """Every series of a terminated instance ends."""
        iid = self._draw.choice(self._ours())
        self._rig.change("terminate", ids=[iid])
        self._soak.terminated.append(iid)
        self._soak.started.remove(iid)
        self._soak.retagged.pop(iid, None)
        # It is shutting down for a quarter of a minute before it is terminated.
        self._until(lambda body: iid not in body.text, f"{iid} was terminated", 15)

    def _ours(self) -> list[str]:
        return self._soak.started

    def _until(self, fits: Callable[[Exposition], bool], what: str, more: float = 0) -> None:
        def probe() -> bool:
            return fits(self.observe())

        try:
            eventually(probe, CONVERGENCE_SECONDS + more, what, 0.5)
        except AssertionError as error:
            self._soak.problems.append(str(error))

    def observe(self) -> Exposition:
        """One body, with everything that must hold of it."""
        body = self._exporter.scrape()
        self._soak.problems += violations(body)
        if self._soak.bodies % PROMTOOL_EVERY_BODIES == 0:
            self._soak.problems += criticism(body)
        self._soak.bodies += 1
        return body


def criticism(body: Exposition) -> list[str]:
    """What promtool says of a body."""
    done = subprocess.run(
        ["promtool", "check", "metrics"],  # noqa: S607 - as for prometheus
        input=body.text,
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    said = done.stdout + done.stderr
    return [f"promtool: {said}"] if said or done.returncode else []


@pytest.fixture(scope="module")
def rig(start_rig: StartRig) -> CloudRig:
    calm_moment()
    return start_rig("--fleet", "40", "--accounts", "2", "--regions", REGIONS)


@pytest.fixture(scope="module")
def exporter(rig: CloudRig, start_exporter: StartExporter) -> ExporterProcess:
    return start_exporter({**live_settings(rig, REGIONS), **SHORT})


@pytest.fixture(scope="module")
def prometheus(
    exporter: ExporterProcess, ending: ExitStack, folder: Callable[[str], Path]
) -> PrometheusServer:
    server = PrometheusServer(folder("prometheus"), exporter.address)
    ending.callback(server.stop)
    LOGS.append(server.log_path)
    return server


@pytest.fixture(scope="module")
def soak(rig: CloudRig, exporter: ExporterProcess, prometheus: PrometheusServer) -> Soak:
    found = Soak(began_at=prometheus.first_scrape_at)
    operator = Operator(rig, exporter, found)
    for _ in range(3):
        operator.launch()
    while time.time() - found.began_at < SOAK_SECONDS or not found.terminated:
        operator.step()
    calm_moment()
    eventually(lambda: _agrees(rig, operator, found), 20, "a last agreement with the truth", 1)
    time.sleep(2 * SCRAPE_SECONDS)
    found.ended_at = time.time()
    return found


def _agrees(rig: CloudRig, operator: Operator, soak: Soak) -> bool:
    body = soak.last = operator.observe()
    expected = Expectation.of(rig.truth(), circumstances(body, body.scraped_at))
    return not disagreements(body, expected)


def test_every_change_reached_the_exposition(soak: Soak):
    """Launches, stops, starts, new tags and ends show; no body broke a rule on the way."""
    assert soak.problems == []
    assert soak.bodies > SOAK_SECONDS / 5
    assert soak.terminated
    assert soak.stopped


def test_every_scrape_succeeded(soak: Soak, prometheus: PrometheusServer):
    """up was 1 at each scrape, and none was left out."""
    seconds = int(soak.ended_at - soak.began_at)
    up = f'up{{job="carbonfinops"}}[{seconds}s]'
    assert prometheus.scalar(f"min_over_time({up})") == 1
    scrapes = prometheus.scalar(f"count_over_time({up})")
    assert scrapes is not None
    assert scrapes >= 0.9 * seconds / SCRAPE_SECONDS - 1


def test_prometheus_refused_no_sample(soak: Soak, prometheus: PrometheusServer):
    """No duplicates, nothing out of order, and not a word of complaint in its log."""
    assert soak.bodies
    rejected = prometheus.rejected_samples()
    assert len(rejected) >= 4
    assert {name for name, value in rejected.items() if value} == set()
    assert prometheus.complaints() == []


def test_an_instance_never_has_two_info_series(soak: Soak, prometheus: PrometheusServer):
    """At no second of the soak, whatever was retagged."""
    count = "max(count by (instance_id) (carbonfinops_instance_info))"
    for start_at in range(int(soak.began_at), int(soak.ended_at), 3600):
        end_at = min(start_at + 3600, int(soak.ended_at))
        assert prometheus.highest(count, start_at, end_at) == 1


def test_a_new_tag_replaces_the_old_one(soak: Soak, prometheus: PrometheusServer):
    """Prometheus knows the last value only."""
    assert soak.retagged
    for iid, team in soak.retagged.items():
        found = prometheus.query(f'carbonfinops_instance_info{{instance_id="{iid}"}}')
        assert [row["metric"]["tag_team"] for row in found] == [team]


def test_a_stopped_instance_stays_without_quantities(soak: Soak, prometheus: PrometheusServer):
    """running is 0; power, emissions and cost are stale at once, not after five minutes."""
    for iid in soak.stopped:
        assert prometheus.scalar(f'carbonfinops_instance_running{{instance_id="{iid}"}}') == 0
        names = "instance_(power|emissions|embodied|cost|cpu).*"
        assert not prometheus.query(f'{{__name__=~"carbonfinops_{names}", instance_id="{iid}"}}')


def test_a_terminated_instance_has_ended(soak: Soak, prometheus: PrometheusServer):
    """It was there, and no series of it is left."""
    for iid in soak.terminated:
        selector = f'{{__name__=~"carbonfinops_.+", instance_id="{iid}"}}'
        assert prometheus.query(selector) == []
        was = f'carbonfinops_instance_info{{instance_id="{iid}"}}'
        assert prometheus.highest(was, soak.began_at, soak.ended_at) == 1
