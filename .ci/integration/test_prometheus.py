"""Prometheus scrapes while instances come, go, change and are retagged.

The duration is CARBONFINOPS_CI_SOAK_SECONDS, 60 by default.
"""

import os
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

import pytest

from agreement import circumstances, disagreements
from cloud_rig import CloudRig, live_settings
from conftest import LOGS, StartExporter, StartRig
from expectation import Expectation
from exporter_process import ExporterProcess
from prometheus_server import SCRAPE_SECONDS, PrometheusServer
from soak import REGIONS, Operator, Soak
from waiting import calm_moment, eventually

SOAK_SECONDS = float(os.environ.get("CARBONFINOPS_CI_SOAK_SECONDS", "60"))
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
    """Up was 1 at each scrape, and none was left out."""
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
    """Running is 0; power, emissions and cost are stale at once, not after five minutes."""
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
