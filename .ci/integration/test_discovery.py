"""Without lists of accounts and regions the exporter finds both, and only what is enabled."""

import pytest

from agreement import circumstances, disagreements
from cloud_rig import ROLE_NAME, CloudRig, live_settings
from conftest import StartExporter, StartRig
from expectation import Expectation
from exposition import Exposition
from invariants import violations
from waiting import calm_moment

REGIONS = "eu-central-1,us-east-1"
DISCOVERING = {
    "CARBONFINOPS_AWS__ORGANIZATION_ROLE": ROLE_NAME,
    "CARBONFINOPS_AWS__ORGANIZATION_EXTERNAL_ID": "rig-external-1",
}


@pytest.fixture(scope="module")
def rig(start_rig: StartRig) -> CloudRig:
    calm_moment()
    return start_rig("--fleet", "50", "--accounts", "2", "--regions", REGIONS)


@pytest.fixture(scope="module")
def body(rig: CloudRig, start_exporter: StartExporter) -> Exposition:
    settings = {**live_settings(rig, REGIONS), **DISCOVERING}
    for listed in ("CARBONFINOPS_AWS__REGIONS", "CARBONFINOPS_AWS__ACCOUNTS"):
        settings.pop(listed)
    return start_exporter(settings).settled(rig)


def test_the_whole_organization_is_found_and_right(rig: CloudRig, body: Exposition):
    """Both active accounts in every enabled region: values, gaps and totals as calculated."""
    expected = Expectation.of(rig.truth(), circumstances(body, body.scraped_at))
    assert disagreements(body, expected) == []
    assert violations(body) == []
    accounts = {series.labels["account_id"] for series in body.by_name["instance_info"]}
    assert accounts == {"111111111111", "222222222222"}


def test_every_enabled_region_is_asked_once_and_no_other(rig: CloudRig, body: Exposition):
    """Each account's enabled regions have one inventory; closed accounts are left alone."""
    asked = [
        (row["account"], row["region"], row["requests"])
        for row in rig.calls()
        if row["operation"] == "DescribeInstances"
    ]
    assert len(asked) == 2 * len({region for _, region, _ in asked})
    assert {requests for _, _, requests in asked} == {1}
    assert len(asked) > 20
    assert "af-south-1" not in {region for _, region, _ in asked}
    assert not any(
        series.labels["account_id"] == "999999999999"
        for members in body.by_name.values()
        for series in members
        if "account_id" in series.labels
    )
    assert all(series.value for series in body.by_name["source_up"])
