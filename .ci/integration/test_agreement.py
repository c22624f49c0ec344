"""Every number of a fleet full of traps, beside an independent calculation."""

from dataclasses import dataclass
from typing import Any

import pytest

from agreement import circumstances, differing, disagreements
from cloud_rig import CloudRig, live_settings
from conftest import StartExporter, StartRig
from expectation import Expectation, epoch, published_pue
from exporter_process import ExporterProcess, assert_nothing_leaks
from exposition import Exposition
from invariants import FLEET_TOTALS, PER_INSTANCE, violations
from promtool import criticism
from waiting import calm_moment

REGIONS = "eu-central-1,eu-west-1,us-east-1"
HOSTILE = {
    "TEAM": 'quote " backslash \\ newline \n brace } comma ,',
    "Cost-Center": "\U0001f680 R&D <42> ümläut ",
    "Environment": "\\n",
    "SERVICE": "a=b",
}


@pytest.fixture(scope="module")
def rig(start_rig: StartRig) -> CloudRig:
    calm_moment()
    rig = start_rig("--fleet", "100", "--accounts", "2", "--regions", REGIONS)
    plain = [i for i in rig.truth()["instances"] if i["label"] == "rhel"]
    rig.change("retag", ids=[plain[0]["id"]], set=HOSTILE, remove=["team", "Name"])
    return rig


@dataclass(frozen=True)
class Scene:
    """One exporter's body, and what was true when it was scraped."""

    exporter: ExporterProcess
    body: Exposition
    truth: dict[str, Any]
    expected: Expectation


@pytest.fixture(scope="module")
def scene(rig: CloudRig, start_exporter: StartExporter) -> Scene:
    exporter = start_exporter(live_settings(rig, REGIONS))
    body = exporter.settled(rig)
    truth = rig.truth()
    expected = Expectation.of(truth, circumstances(body, body.scraped_at))
    return Scene(exporter, body, truth, expected)


@pytest.mark.parametrize("quantity", PER_INSTANCE)
def test_every_instance_has_the_value_calculated_here_or_none(scene: Scene, quantity: str):
    """Each quantity agrees within 1e-6, and exactly the instances that can have it do."""
    shown = scene.body.by_instance(PER_INSTANCE[quantity])
    assert len(shown) > 50
    assert differing(scene.expected, quantity, shown) == []


def test_gaps_totals_and_states_agree(scene: Scene):
    """Gaps by place, quantity and reason, fleet totals, and states are exactly as expected."""
    assert disagreements(scene.body, scene.expected) == []


def test_the_traps_are_in_the_fleet(scene: Scene):
    """The comparison means something: every reason that the traps cause was expected."""
    reasons = {key[3] for key in scene.expected.gaps}
    assert reasons >= {
        "accelerator_unmodelled",
        "no_datapoints",
        "no_profile",
        "no_pue",
        "substituted_profile",
        "too_young",
    }


def test_the_body_is_consistent(scene: Scene):
    """Bounds hold their values, totals are sums, coverage and gaps add up, no number is absurd."""
    assert violations(scene.body) == []


def test_totals_are_sums_and_have_bounds(scene: Scene):
    """A fleet total has bounds, narrower than the sum of the instances' bounds."""
    for name, part in FLEET_TOTALS.values():
        if "cost" in name:
            continue
        head, unit = name.rsplit("_grams_per_hour", 1)[0], "grams_per_hour"
        if name.endswith("watts"):
            head, unit = "fleet_power", "watts"
        upper = scene.body.value(f"{head}_upper_{unit}")
        parts = scene.body.by_instance(f"{head}_upper_{unit}".replace("fleet", "instance", 1))
        assert upper is not None
        assert len(parts) == len(scene.body.by_instance(part))
        assert upper < sum(parts.values())


def test_the_cpu_points_are_the_newest_complete_ones(scene: Scene):
    """The newest point in use began at most two slots before the poll, on a slot's edge."""
    for series in scene.body.by_name["cpu_newest_point_timestamp_seconds"]:
        assert series.value % 300 == 0
        assert scene.exporter.started_at - 600 < series.value <= scene.body.scraped_at - 300


def test_grid_values_are_the_published_ones(scene: Scene):
    """Intensity, its hour and whether it is an estimate are those of the provider."""
    zones = scene.truth["grid"]
    assert zones.keys() == {"DE", "IE", "US-MIDA-PJM"}
    for zone, grid in zones.items():
        name = "grid_carbon_intensity"
        shown = scene.body.value(f"{name}_grams_per_kilowatt_hour", grid_zone=zone)
        assert shown == pytest.approx(grid["published_g_per_kwh"], rel=1e-9)
        assert scene.body.value(f"{name}_estimated", grid_zone=zone) == float(grid["estimated"])
        hour = scene.body.value(f"{name}_timestamp_seconds", grid_zone=zone)
        assert hour == epoch(grid["datetime"])


def test_pue_and_exchange_rate_are_shown_with_their_basis(scene: Scene):
    """PUE is AWS's published figure, the rate the ECB's of its day."""
    pue = published_pue()
    for region in REGIONS.split(","):
        shown = scene.body.value("region_pue_ratio", region=region, basis="published")
        assert shown == pue[region]
    fx = scene.truth["usd_per_eur"]
    assert scene.body.value("exchange_rate_usd_per_eur", basis="ecb") == fx["rate"]
    dated = scene.body.value("exchange_rate_timestamp_seconds", basis="ecb")
    assert dated is not None
    assert dated // 86400 == epoch(fx["date"] + "T00:00:00Z") // 86400


def test_info_tells_the_facts_of_each_instance(scene: Scene):
    """One info series per listed instance, its labels as AWS reports them."""
    info = {s.labels["instance_id"]: s.labels for s in scene.body.by_name["instance_info"]}
    assert info.keys() == scene.expected.listed.keys()
    platforms = {"linux": "Linux/UNIX", "windows": "Windows", "rhel": "Red Hat Enterprise Linux"}
    for iid, row in scene.expected.listed.items():
        labels = info[iid]
        assert labels["account_id"] == row["account"]
        assert labels["region"] == row["region"]
        assert labels["instance_type"] == row["type"]
        assert labels["availability_zone"] == row["az"]
        assert labels["platform"] == platforms[row["os"]]
        assert labels["purchase_option"] == row["market"].replace("-", "_")
        assert labels["grid_zone"] == (row["zone"] or "")
        assert labels["architecture"] == ("arm64" if "g." in row["type"] else "x86_64")
        assert labels["name"] == row["tags"].get("Name", "")


def test_tags_are_matched_without_case_and_survive_any_content(scene: Scene):
    """Quotes, backslashes, newlines, braces and emoji come back unharmed from the parser."""
    info = {s.labels["instance_id"]: s.labels for s in scene.body.by_name["instance_info"]}
    for iid, row in scene.expected.listed.items():
        if row["label"] in ("weird-tags", "rhel"):
            continue
        assert info[iid]["tag_team"] == row["tags"].get("team", "")
        assert info[iid]["tag_environment"] == ""
    labels = {row["label"]: info[iid] for iid, row in scene.expected.listed.items()}
    assert labels["weird-tags"]["tag_team"] in ("rig", "upper")
    assert labels["weird-tags"]["name"] == 'quote " backslash \\ newline \n end'
    hostile = labels["rhel"]
    assert hostile["name"] == ""
    assert hostile["tag_team"] == HOSTILE["TEAM"]
    assert hostile["tag_cost_center"].strip() == HOSTILE["Cost-Center"].strip()
    assert hostile["tag_environment"] == HOSTILE["Environment"]
    assert hostile["tag_service"] == HOSTILE["SERVICE"]


def test_promtool_finds_nothing_to_criticise(scene: Scene):
    """Its check of metrics is silent."""
    assert criticism(scene.body) == []


def test_the_pages_answer_and_tell_no_secret(scene: Scene):
    """Every page answers, compressed or not, without a planted secret."""
    plain = scene.exporter.get("/metrics").text
    for path in ("/", "/metrics", "/-/healthy", "/-/ready"):
        answer = scene.exporter.get(path)
        assert answer.status_code == 200, path
        assert_nothing_leaks(answer.text, path)
    assert scene.exporter.get("/nothing").status_code == 404
    assert "carbonfinops_instance_info" in plain
