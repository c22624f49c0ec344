"""What is missing takes its own quantities only, with the right reason: beside the calculation."""

import math
from typing import Any

import pytest

from agreement import circumstances, disagreements
from cloud_rig import CloudRig, live_settings
from conftest import StartExporter, StartRig
from expectation import Expectation
from exporter_process import free_address
from exposition import Exposition
from invariants import violations
from waiting import calm_moment

REGIONS = "eu-central-1,eu-west-1,us-east-1"


@pytest.fixture(scope="module")
def rig(start_rig: StartRig) -> CloudRig:
    calm_moment()
    return start_rig("--fleet", "60", "--accounts", "2", "--regions", REGIONS)


def _settled(
    rig: CloudRig, start_exporter: StartExporter, settings: dict[str, str], **special: Any
) -> tuple[Exposition, list[str]]:
    """A body under special circumstances, and what disagrees with the calculation."""
    exporter = start_exporter({**live_settings(rig, REGIONS), **settings})
    body = exporter.settled(rig)
    around = circumstances(body, body.scraped_at, **special)
    found = disagreements(body, Expectation.of(rig.truth(), around)) + violations(body)
    exporter.stop()
    return body, found


def test_without_a_grid_token_everything_else_works(rig: CloudRig, start_exporter: StartExporter):
    """No key: emissions are not_configured everywhere, before any other reason."""
    token = {"CARBONFINOPS_ELECTRICITY_MAPS__TOKEN": ""}
    body, found = _settled(rig, start_exporter, token, grid_configured=False)
    assert found == []
    assert body.value("fleet_emissions_grams_per_hour") is None


def test_dead_upstreams_take_only_their_own_quantities(
    rig: CloudRig, start_exporter: StartExporter
):
    """Nobody answers at three addresses: source_down comes before what is said of an instance."""
    nowhere = f"http://{free_address()}"
    dead = {
        "CARBONFINOPS_ELECTRICITY_MAPS__BASE_URL": nowhere,
        "CARBONFINOPS_BOAVIZTA__BASE_URL": nowhere,
        "CARBONFINOPS_CURRENCY__ECB_URL": f"{nowhere}/rates.xml",
    }
    down = frozenset({"electricity_maps", "boavizta", "fx"})
    body, found = _settled(rig, start_exporter, dead, down=down)
    assert found == []
    assert body.by_instance("instance_cost_usd_per_hour")
    assert math.isclose(body.value("fleet_covered_ratio", quantity="power") or 0.0, 0.0)


def test_denied_cloudwatch_leaves_cost_and_embodied(rig: CloudRig, start_exporter: StartExporter):
    """Without GetMetricData there is no power, for any instance: source_down, never idle."""
    rig.fail(upstream="cloudwatch", mode="denied")
    body, found = _settled(rig, start_exporter, {}, down=frozenset({"cloudwatch"}))
    rig.mend()
    assert found == []
    assert body.value("fleet_embodied_emissions_grams_per_hour")


def test_an_account_that_cannot_be_entered_does_not_hide_the_other(
    rig: CloudRig, start_exporter: StartExporter
):
    """A wrong external id: the own account is complete and right, the failure is visible."""
    role = rig.roles[0]["role_arn"]
    accounts = f'[{{"role_arn": "{role}", "external_id": "canary-wrong"}}]'
    settings = {"CARBONFINOPS_AWS__ACCOUNTS": accounts}
    absent = frozenset({"222222222222"})
    body, found = _settled(rig, start_exporter, settings, absent_accounts=absent)
    assert found == []
    failed = [s for account in absent for s in body.find("source_up", account_id=account)]
    failed = [series for series in failed if series.labels["region"]]
    assert len(failed) >= 3
    assert not any(series.value for series in failed)


def test_a_key_for_one_zone_covers_that_zone(start_rig: StartRig, start_exporter: StartExporter):
    """A free grid key: its zone has emissions, the others are zone_not_covered."""
    rig = start_rig("--fleet", "60", "--regions", REGIONS, "--em-zone-keys", "canary-free=DE")
    settings = {"CARBONFINOPS_ELECTRICITY_MAPS__TOKEN": "canary-free"}
    covered = frozenset({"DE"})
    body, found = _settled(rig, start_exporter, settings, zones_covered=covered)
    assert found == []
    assert body.value("fleet_emissions_grams_per_hour")
