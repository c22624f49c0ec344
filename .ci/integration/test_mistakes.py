"""What operators get wrong: one clear line that says what to do, and never a secret."""

import json
from collections.abc import Mapping
from pathlib import Path

import pytest

from cloud_rig import CANARY_KEY_ID, CloudRig, live_settings
from command import Answer, run
from conftest import StartExporter, StartRig
from exporter_process import ExporterProcess, free_address
from exposition import Exposition
from waiting import eventually

REGIONS = "eu-central-1,eu-west-1"


@pytest.fixture(scope="module")
def rig(start_rig: StartRig) -> CloudRig:
    options = ("--fleet", "20", "--accounts", "2", "--regions", REGIONS, "--no-awkward")
    return start_rig(*options)


def check(folder: Path, rig: CloudRig, changed: Mapping[str, str] = {}) -> Answer:
    """The answer of ``check`` with some settings changed."""
    return run(folder, {**live_settings(rig, REGIONS), **changed}, "check")


def failures(answer: Answer) -> list[str]:
    """Its lines that tell of a failure."""
    return [line for line in answer.lines if line.startswith("FAIL")]


def test_check_of_a_sound_set_up_is_content(rig: CloudRig, tmp_path: Path):
    """Exit code 0 and no failure; each account, region, zone, price and profile has its line."""
    answer = check(tmp_path, rig)
    assert failures(answer) == []
    assert answer.code == 0
    for subject in (
        "ec2_inventory 222222222222 eu-west-1",
        "cloudwatch_cpu 111111111111 eu-central-1",
        "electricity_maps DE",
        "electricity_maps IE",
        "exchange_rate",
        "state directory",
    ):
        assert any(subject in line for line in answer.lines), subject


def test_without_credentials_check_says_how_to_give_them(rig: CloudRig, tmp_path: Path):
    """No key anywhere: FAIL, one line for it, exit code 1."""
    settings = dict(live_settings(rig, REGIONS))
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        settings.pop(name)
    answer = run(tmp_path, settings, "check")
    assert answer.code == 1
    assert any("credentials" in line.lower() for line in failures(answer)), answer.output
    assert "AWS_ACCESS_KEY_ID" in answer.output


def test_without_credentials_serve_stays_up_and_says_so(
    rig: CloudRig, start_exporter: StartExporter
):
    """The exporter is up even when AWS is not: metrics answer, the inventory is down."""
    settings = dict(live_settings(rig, REGIONS))
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        settings.pop(name)
    exporter = start_exporter(settings)
    body = _asked_once(exporter)
    assert not any(s.value for s in body.find("source_up", source="ec2_inventory"))
    assert "credentials" in exporter.log.lower()
    assert exporter.stop() == 0


def _asked_once(exporter: ExporterProcess) -> Exposition:
    def probe() -> Exposition | None:
        body = exporter.scrape()
        asked = body.find("source_refreshes_total", source="ec2_inventory")
        return body if asked and all(s.value for s in asked) else None

    return eventually(probe, 20, "an attempt at the inventory")


MISTAKES_AT_AWS: dict[str, tuple[dict[str, str], tuple[str, ...]]] = {
    "wrong secret": ({"AWS_SECRET_ACCESS_KEY": "canary-wrong"}, ("not accepted", "check the keys")),
    "wrong key": ({"AWS_ACCESS_KEY_ID": "AKIAWRONG"}, ("not accepted", "check the keys")),
    "wrong role": (
        {
            "CARBONFINOPS_AWS__ACCOUNTS": json.dumps(
                [
                    {
                        "role_arn": "arn:aws:iam::222222222222:role/nobody",
                        "external_id": "rig-external-1",
                    }
                ]
            )
        },
        ("role/nobody", "trust policy"),
    ),
    "wrong external id": (
        {
            "CARBONFINOPS_AWS__ACCOUNTS": json.dumps(
                [
                    {
                        "role_arn": "arn:aws:iam::222222222222:role/rig-reader",
                        "external_id": "canary-wrong",
                    }
                ]
            )
        },
        ("role/rig-reader", "external id"),
    ),
    "region not enabled": (
        {"CARBONFINOPS_AWS__REGIONS": "eu-central-1,ap-east-1"},
        ("ap-east-1", "enabled"),
    ),
}


@pytest.mark.parametrize("mistake", MISTAKES_AT_AWS)
def test_what_aws_refuses_is_said_with_the_remedy(rig: CloudRig, tmp_path: Path, mistake: str):
    """FAIL lines that name the thing to mend; exit code 1."""
    changed, words = MISTAKES_AT_AWS[mistake]
    answer = check(tmp_path, rig, changed)
    assert answer.code == 1
    failed = failures(answer)
    assert failed
    assert any(all(word in line for word in words) for line in failed), answer.output


DENIED = {
    ("ec2", "DescribeInstances"): "ec2:DescribeInstances",
    ("ec2", "DescribeInstanceTypes"): "ec2:DescribeInstanceTypes",
    ("cloudwatch", "GetMetricData"): "cloudwatch:GetMetricData",
    ("pricing", "GetProducts"): "pricing:GetProducts",
    ("sts", "AssumeRole"): "sts:AssumeRole",
}


@pytest.mark.parametrize("operation", DENIED, ids="-".join)
def test_a_missing_permission_is_named(rig: CloudRig, tmp_path: Path, operation: tuple[str, str]):
    """The line names the IAM action to allow; exit code 1."""
    upstream, name = operation
    rig.fail(upstream=upstream, operation=name, mode="denied")
    try:
        answer = check(tmp_path, rig)
    finally:
        rig.mend()
    assert answer.code == 1
    assert any(DENIED[operation] in line for line in failures(answer)), answer.output


def test_a_wrong_grid_token_is_said(rig: CloudRig, tmp_path: Path):
    """The line names the setting; the token itself never shows."""
    wrong = {"CARBONFINOPS_ELECTRICITY_MAPS__TOKEN": "canary-wrong-token"}
    answer = check(tmp_path, rig, wrong)
    assert answer.code == 1
    grid = [line for line in failures(answer) if "electricity_maps" in line]
    assert grid
    assert all("CARBONFINOPS_ELECTRICITY_MAPS__TOKEN" in line for line in grid), answer.output


def test_no_grid_token_is_a_note_only(rig: CloudRig, tmp_path: Path):
    """Everything else works without: exit code 0, and a line says which setting is missing."""
    answer = check(tmp_path, rig, {"CARBONFINOPS_ELECTRICITY_MAPS__TOKEN": ""})
    assert answer.code == 0
    assert "CARBONFINOPS_ELECTRICITY_MAPS__TOKEN" in answer.output


@pytest.mark.parametrize(
    "setting",
    [
        "CARBONFINOPS_ELECTRICITY_MAPS__BASE_URL",
        "CARBONFINOPS_BOAVIZTA__BASE_URL",
        "CARBONFINOPS_CURRENCY__ECB_URL",
    ],
)
def test_a_wrong_address_of_an_upstream_is_said(rig: CloudRig, tmp_path: Path, setting: str):
    """Nobody listens there: the lines say so, with the address; exit code 1."""
    nowhere = free_address()
    answer = check(tmp_path, rig, {setting: f"http://{nowhere}/path"})
    assert answer.code == 1
    assert any(nowhere in line and "refused" in line for line in failures(answer)), answer.output


def test_a_place_without_published_pue_is_told_with_the_settings(
    start_rig: StartRig, tmp_path: Path
):
    """Check names the settings and AWS's average; with them there are emissions, and no FAIL."""
    world = tmp_path / "world.json"
    zone = {"region": "eu-central-1", "az": "eu-central-1-ham-1a", "type": "t3.medium"}
    launched = {"const": 20, "events": [{"at": "-3h", "action": "run"}]}
    world.write_text(json.dumps({"replace": True, "instances": [zone | launched]}))
    rig = start_rig("--accounts", "1", "--regions", "eu-central-1", "--world", str(world))
    settings = live_settings(rig, "eu-central-1")
    answer = run(tmp_path, settings, "check")
    assert answer.code == 1
    (pue,) = [line for line in failures(answer) if "CARBONFINOPS_PUE__" in line]
    assert "CARBONFINOPS_PUE__EU_CENTRAL_1_HAM_1 " in pue
    assert "average" in pue
    assert "1.14" in pue
    assert any("CARBONFINOPS_ELECTRICITY_MAPS__ZONES" in line for line in failures(answer))
    given = {
        "CARBONFINOPS_PUE__EU_CENTRAL_1_HAM_1": "1.2",
        "CARBONFINOPS_ELECTRICITY_MAPS__ZONES": "eu-central-1-ham-1=DE",
    }
    answer = run(tmp_path, {**settings, **given}, "check")
    assert failures(answer) == []
    assert answer.code == 0


def test_the_key_of_the_rig_is_in_use(rig: CloudRig):
    """The planted key is the one used above: its absence from every output means something."""
    assert live_settings(rig, REGIONS)["AWS_ACCESS_KEY_ID"] == CANARY_KEY_ID
