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
CANARY = "canary-of-a-setting"

BAD_SETTINGS: dict[str, tuple[dict[str, str], str]] = {
    "misspelt": ({"CARBONFINOPS_AWS__REGION": "eu-west-1"}, "CARBONFINOPS_AWS__REGIONS"),
    "unknown section": ({"CARBONFINOPS_AZURE__TENANT": "x"}, "CARBONFINOPS_AZURE__TENANT"),
    "no duration": ({"CARBONFINOPS_TTL__EC2_INVENTORY": "soon"}, "CARBONFINOPS_TTL__EC2_INVENTORY"),
    "zero": ({"CARBONFINOPS_TTL__EC2_INVENTORY": "0s"}, "CARBONFINOPS_TTL__EC2_INVENTORY"),
    "negative": ({"CARBONFINOPS_MAX_AGE__BOAVIZTA": "-5m"}, "CARBONFINOPS_MAX_AGE__BOAVIZTA"),
    "unknown source": ({"CARBONFINOPS_TTL__CLOUDWATCH": "5m"}, "cloudwatch_cpu"),
    "pue below one": ({"CARBONFINOPS_PUE__EU_WEST_2": "0.5"}, "CARBONFINOPS_PUE__EU_WEST_2"),
    "pue no number": ({"CARBONFINOPS_PUE__EU_WEST_2": "good"}, "CARBONFINOPS_PUE__EU_WEST_2"),
    "accounts not json": ({"CARBONFINOPS_AWS__ACCOUNTS": f"[{CANARY}"}, "CARBONFINOPS_AWS__ACCOUNTS"),
    "account without role": (
        {"CARBONFINOPS_AWS__ACCOUNTS": json.dumps([{"external_id": CANARY}])},
        "CARBONFINOPS_AWS__ACCOUNTS",
    ),
    "role is no role": (
        {
            "CARBONFINOPS_AWS__ACCOUNTS": json.dumps(
                [{"role_arn": "arn:aws:iam::1:user/x", "external_id": CANARY}]
            )
        },
        "CARBONFINOPS_AWS__ACCOUNTS",
    ),
    "nothing to poll": ({"CARBONFINOPS_AWS__OWN_ACCOUNT": "false"}, "own_account"),
    "unknown region": ({"CARBONFINOPS_AWS__REGIONS": "eu-centrall-1"}, "eu-central-1"),
    "no region at all": ({"CARBONFINOPS_AWS__REGIONS": "Frankfurt"}, "CARBONFINOPS_AWS__REGIONS"),
    "no url": ({"CARBONFINOPS_BOAVIZTA__BASE_URL": "localhost"}, "CARBONFINOPS_BOAVIZTA__BASE_URL"),
    "other scheme": (
        {"CARBONFINOPS_CURRENCY__ECB_URL": "ftp://127.0.0.1/x"},
        "CARBONFINOPS_CURRENCY__ECB_URL",
    ),
    "rate of zero": (
        {"CARBONFINOPS_CURRENCY__USD_PER_EUR": "0"},
        "CARBONFINOPS_CURRENCY__USD_PER_EUR",
    ),
    "no address": (
        {"CARBONFINOPS_WEB__LISTEN_ADDRESS": "everywhere"},
        "CARBONFINOPS_WEB__LISTEN_ADDRESS",
    ),
    "no such port": (
        {"CARBONFINOPS_WEB__LISTEN_ADDRESS": "127.0.0.1:99999"},
        "CARBONFINOPS_WEB__LISTEN_ADDRESS",
    ),
    "tag labels no json": ({"CARBONFINOPS_AWS__TAG_LABELS": "team"}, "CARBONFINOPS_AWS__TAG_LABELS"),
    "tag label no label": (
        {"CARBONFINOPS_AWS__TAG_LABELS": '{"Cost Center": "cc"}'},
        "CARBONFINOPS_AWS__TAG_LABELS",
    ),
    "level": ({"CARBONFINOPS_LOG__LEVEL": "loud"}, "CARBONFINOPS_LOG__LEVEL"),
    "no secret file": (
        {"CARBONFINOPS_ELECTRICITY_MAPS__TOKEN_FILE": "/nowhere/token"},
        "CARBONFINOPS_ELECTRICITY_MAPS__TOKEN_FILE",
    ),
    "token of two lines": (
        {"CARBONFINOPS_ELECTRICITY_MAPS__TOKEN": f"{CANARY}\nsecond"},
        "CARBONFINOPS_ELECTRICITY_MAPS__TOKEN",
    ),
    "zones no pairs": (
        {"CARBONFINOPS_ELECTRICITY_MAPS__ZONES": "DE"},
        "CARBONFINOPS_ELECTRICITY_MAPS__ZONES",
    ),
    "state in a file": ({"CARBONFINOPS_STATE_DIR": f"{__file__}/state"}, "CARBONFINOPS_STATE_DIR"),
}


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


@pytest.mark.parametrize("command", ["check", "serve"])
@pytest.mark.parametrize("mistake", BAD_SETTINGS)
def test_a_bad_setting_is_named_in_one_line(
    rig: CloudRig, tmp_path: Path, mistake: str, command: str
):
    """Exit code 1, and one line that names the setting (or what it should have been)."""
    changed, named = BAD_SETTINGS[mistake]
    settings = {**live_settings(rig, REGIONS)}
    if mistake == "nothing to poll":
        settings.pop("CARBONFINOPS_AWS__ACCOUNTS")
    if mistake == "no secret file":
        settings.pop("CARBONFINOPS_ELECTRICITY_MAPS__TOKEN")
    answer = run(tmp_path, {**settings, **changed}, command, limit=20)
    assert answer.code == 1
    complaints = failures(answer) if mistake == "state in a file" and command == "check" else None
    lines = answer.lines if complaints is None else complaints
    assert len(lines) == 1, answer.output
    assert named in lines[0]
    assert CANARY not in answer.output


def test_a_missing_or_broken_file_of_settings_is_named(rig: CloudRig, tmp_path: Path):
    """--config of nothing, or of no TOML: one line, exit code 1."""
    broken = tmp_path / "broken.toml"
    broken.write_text(f"aws = {CANARY}")
    for path in (tmp_path / "missing.toml", broken):
        answer = run(tmp_path, live_settings(rig, REGIONS), "check", "--config", str(path))
        assert answer.code == 1
        assert len(answer.lines) == 1
        assert str(path) in answer.lines[0]
        assert CANARY not in answer.output


def test_a_port_in_use_is_said(rig: CloudRig, tmp_path: Path, start_exporter: StartExporter):
    """serve ends with 1 and one line that names setting and address."""
    first = start_exporter(live_settings(rig, REGIONS))
    taken = {"CARBONFINOPS_WEB__LISTEN_ADDRESS": first.address}
    answer = run(tmp_path, {**live_settings(rig, REGIONS), **taken}, "serve", limit=20)
    assert answer.code == 1
    assert len(answer.lines) == 1
    assert "CARBONFINOPS_WEB__LISTEN_ADDRESS" in answer.lines[0]
    assert first.address in answer.lines[0]


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
    """check names the settings and AWS's average; with them there are emissions, and no FAIL."""
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
