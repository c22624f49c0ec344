"""Every upstream takes the request and never answers."""

import time

import pytest

from cloud_rig import CloudRig, live_settings
from conftest import StartExporter, StartRig
from exporter_process import ExporterProcess
from invariants import violations
from waiting import eventually

REGIONS = "eu-central-1,us-east-1"
ANSWER_LIMIT_SECONDS = 1.0
TIMEOUT_LIMIT_SECONDS = 100.0
HANGING = {"upstream": "*", "mode": "timeout", "delay": 600}


@pytest.fixture
def rig(start_rig: StartRig) -> CloudRig:
    return start_rig("--fleet", "30", "--accounts", "2", "--regions", REGIONS)


def _slowest_scrape_seconds(exporter: ExporterProcess, for_seconds: float) -> float:
    slowest, until = 0.0, time.monotonic() + for_seconds
    while time.monotonic() < until:
        began_at = time.monotonic()
        body = exporter.scrape()
        slowest = max(slowest, time.monotonic() - began_at)
        assert violations(body) == []
        time.sleep(0.1)
    return slowest


def test_a_cold_start_serves_metrics_and_ends_well(rig: CloudRig, start_exporter: StartExporter):
    """Nothing is known, and the exporter says so; it counts time-outs and ends on SIGTERM."""
    rig.fail(**HANGING)
    exporter = start_exporter(live_settings(rig, REGIONS))
    assert _slowest_scrape_seconds(exporter, 5) < ANSWER_LIMIT_SECONDS
    assert exporter.get("/-/healthy").status_code == 200
    assert exporter.get("/-/ready").status_code == 503
    assert exporter.get("/").status_code == 200
    body = exporter.scrape()
    assert "instance_info" not in body.by_name
    assert not any(series.value for series in body.by_name["source_up"])

    def timed_out() -> bool:
        counted = exporter.scrape().find("source_refresh_failures_total", reason="timeout")
        return any(series.value for series in counted)

    eventually(timed_out, TIMEOUT_LIMIT_SECONDS, "a refresh that failed with a time-out", 1)
    began_at = time.monotonic()
    assert exporter.stop() == 0
    assert time.monotonic() - began_at < 5


def test_a_warm_exporter_keeps_serving(rig: CloudRig, start_exporter: StartExporter):
    """The last good values stay while every refresh hangs; SIGTERM still ends it."""
    sources = ("EC2_INVENTORY", "CLOUDWATCH_CPU", "ELECTRICITY_MAPS", "BOAVIZTA", "PRICING")
    short = {f"CARBONFINOPS_TTL__{source}": "2s" for source in sources}
    exporter = start_exporter({**live_settings(rig, REGIONS), **short})
    eventually(
        lambda: exporter.scrape().value("fleet_emissions_grams_per_hour"), 30, "fleet emissions"
    )
    before = eventually(lambda: _steady_count(exporter), 30, "as many instances with a power")
    rig.fail(**HANGING)
    assert _slowest_scrape_seconds(exporter, 8) < ANSWER_LIMIT_SECONDS
    assert len(exporter.scrape().by_instance("instance_power_watts")) == before
    began_at = time.monotonic()
    assert exporter.stop() == 0
    assert time.monotonic() - began_at < 5


def _steady_count(exporter: ExporterProcess) -> int | None:
    """Instances with a power, once two looks that are more than a refresh apart agree."""
    count = len(exporter.scrape().by_instance("instance_power_watts"))
    time.sleep(3)
    same = len(exporter.scrape().by_instance("instance_power_watts")) == count
    return count if same else None
