"""What one refresh asks of every upstream, and what the exporter says it asked and spent."""

import math
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pytest

from cloud_rig import CloudRig, live_settings
from conftest import StartExporter, StartRig
from exposition import Exposition
from waiting import calm_moment, eventually

REGION = "eu-central-1"
QUERIES_PER_REQUEST = 500
LOADS_PER_PROFILE = 6
USD_PER_METRIC = 0.01 / 1000
OPERATIONS = {
    ("electricitymaps", "carbon-intensity/latest"): ("electricity_maps", "latest"),
    ("electricitymaps", "carbon-intensity/history"): ("electricity_maps", "history"),
    ("ce", "GetCostAndUsage"): ("cost_explorer", "GetCostAndUsage"),
    ("fx", "eurofxref-daily.xml"): ("ecb", "daily_rates"),
}
"""The rig's names of upstream and operation, where the exporter has others."""


def shown_requests(body: Exposition) -> Counter[tuple[str, str]]:
    """Requests by upstream and operation, as the exporter counts them."""
    return Counter(
        {
            (series.labels["upstream"], series.labels["operation"]): int(series.value)
            for series in body.by_name["upstream_requests_total"]
        }
    )


def made_requests(rig: CloudRig) -> Counter[tuple[str, str]]:
    """The same, as the rig counts them."""
    return Counter({OPERATIONS.get(key, key): n for key, n in rig.requests_made().items()})


def usd(rows: list[dict[str, Any]]) -> Mapping[str, float]:
    """Dollars by operation, as the rig bills them, not rounded."""
    billed: dict[str, float] = {}
    for row in rows:
        if row["usd"]:
            billed[row["operation"]] = billed.get(row["operation"], 0.0) + row["usd"]
    return billed


@dataclass(frozen=True)
class Refresh:
    """One first refresh of everything."""

    size: int
    body: Exposition
    truth: dict[str, Any]
    made: Counter[tuple[str, str]]
    rows: list[dict[str, Any]]


@pytest.fixture(scope="module", params=[20, 100, 500, 1200])
def refresh(
    request: pytest.FixtureRequest, start_rig: StartRig, start_exporter: StartExporter
) -> Refresh:
    calm_moment()
    options = ("--accounts", "1", "--regions", REGION, "--no-awkward")
    rig = start_rig("--fleet", str(request.param), *options)
    exporter = start_exporter(live_settings(rig, REGION))
    exporter.settled(rig)
    body = eventually(
        lambda: (
            latest if shown_requests(latest := exporter.scrape()) == made_requests(rig) else None
        ),
        15,
        "the exporter's request counters at the rig's",
    )
    found = Refresh(request.param, body, rig.truth(), rig.requests_made(), rig.calls())
    exporter.stop()
    rig.stop()
    return found


def test_cpu_takes_one_request_per_500_running_instances(refresh: Refresh):
    """Exactly ceil(running / 500) GetMetricData requests, one metric per running instance."""
    running = sum(i["state"] == "running" for i in refresh.truth["instances"])
    assert running > refresh.size / 2
    made = refresh.made["cloudwatch", "GetMetricData"]
    assert made == math.ceil(running / QUERIES_PER_REQUEST)
    assert sum(r["units"] for r in refresh.rows if r["operation"] == "GetMetricData") == running


def test_the_grid_is_asked_once_per_zone(refresh: Refresh):
    """One latest and one history request for the one zone, however many instances it has."""
    assert refresh.made["electricitymaps", "carbon-intensity/latest"] == 1
    assert refresh.made["electricitymaps", "carbon-intensity/history"] == 1


def test_hardware_is_asked_six_times_per_type(refresh: Refresh):
    """Six loads for each distinct type, one request for the version."""
    types = {i["type"] for i in refresh.truth["instances"] if i["visible"]}
    assert refresh.made["boavizta", "instance"] == LOADS_PER_PROFILE * len(types)
    assert refresh.made["boavizta", "version"] == 1


def test_prices_are_asked_once_per_kind_of_instance(refresh: Refresh):
    """One price request per type, OS and tenancy at most; the exchange rate once."""
    kinds = {(i["type"], i["os"], i["tenancy"]) for i in refresh.truth["instances"]}
    assert 0 < refresh.made["pricing", "GetProducts"] <= len(kinds)
    assert refresh.made["fx", "eurofxref-daily.xml"] == 1


def test_inventory_takes_one_request_per_page(refresh: Refresh):
    """DescribeInstances is asked page by page of at most 1000."""
    assert refresh.made["ec2", "DescribeInstances"] <= math.ceil(refresh.size / 500)


def test_the_exporter_counts_every_request(refresh: Refresh):
    """Its request counters are those of the rig, by operation, and nothing failed."""
    made = Counter({OPERATIONS.get(key, key): n for key, n in refresh.made.items()})
    assert shown_requests(refresh.body) == made
    failed = refresh.body.by_name.get("upstream_request_failures_total", ())
    assert not any(series.value for series in failed)


def test_the_exporter_knows_what_its_calls_cost(refresh: Refresh):
    """The cost counter equals the rig's bill, by operation."""
    shown = {
        series.labels["operation"]: series.value
        for series in refresh.body.by_name["upstream_cost_usd_total"]
        if series.value
    }
    billed = usd(refresh.rows)
    assert shown.keys() == billed.keys() == {"GetMetricData", "GetCostAndUsage"}
    for operation, cost in billed.items():
        assert math.isclose(shown[operation], cost, abs_tol=1e-12)


def test_retries_are_counted_and_only_answers_are_billed(
    start_rig: StartRig, start_exporter: StartExporter
):
    """Throttled attempts show in the counters, with their reason, and cost nothing."""
    rig = start_rig("--fleet", "20", "--accounts", "1", "--regions", REGION, "--no-awkward")
    rig.fail(upstream="cloudwatch", mode="throttle", times=1)
    rig.fail(upstream="ec2", operation="DescribeInstances", mode="http503", times=1)
    exporter = start_exporter(live_settings(rig, REGION))
    exporter.settled(rig)
    body = eventually(
        lambda: (
            latest if shown_requests(latest := exporter.scrape()) == made_requests(rig) else None
        ),
        20,
        "the exporter's request counters at the rig's",
    )
    assert rig.requests_made()["cloudwatch", "GetMetricData"] == 2
    failed = {
        (series.labels["operation"], series.labels["reason"]): series.value
        for series in body.by_name["upstream_request_failures_total"]
        if series.value
    }
    assert failed == {("GetMetricData", "throttled"): 1, ("DescribeInstances", "unavailable"): 1}
    billed = usd(rig.calls())["GetMetricData"]
    shown = body.value("upstream_cost_usd_total", operation="GetMetricData")
    assert shown == pytest.approx(billed, abs=1e-12)
