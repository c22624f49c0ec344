"""Settings that cannot be: one line that names the setting, and never a secret."""

import json
from pathlib import Path

import pytest

from cloud_rig import CloudRig, live_settings
from command import run
from conftest import StartExporter, StartRig

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
    "accounts not json": (
        {"CARBONFINOPS_AWS__ACCOUNTS": f"[{CANARY}"},
        "CARBONFINOPS_AWS__ACCOUNTS",
    ),
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
    "tag labels no json": (
        {"CARBONFINOPS_AWS__TAG_LABELS": "team"},
        "CARBONFINOPS_AWS__TAG_LABELS",
    ),
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
}


@pytest.fixture(scope="module")
def rig(start_rig: StartRig) -> CloudRig:
    return start_rig("--fleet", "5", "--accounts", "2", "--regions", REGIONS, "--no-awkward")


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
    assert len(answer.lines) == 1, answer.output
    assert named in answer.lines[0]
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
    """Serve ends with 1 and one line that names setting and address."""
    first = start_exporter(live_settings(rig, REGIONS))
    taken = {"CARBONFINOPS_WEB__LISTEN_ADDRESS": first.address}
    answer = run(tmp_path, {**live_settings(rig, REGIONS), **taken}, "serve", limit=20)
    assert answer.code == 1
    assert len(answer.lines) == 1
    assert "CARBONFINOPS_WEB__LISTEN_ADDRESS" in answer.lines[0]
    assert first.address in answer.lines[0]


def test_a_state_directory_that_cannot_be_written_is_named(rig: CloudRig, tmp_path: Path):
    """Serve ends with one line, check has one failure: both name the setting and the place."""
    file = tmp_path / "a-file"
    file.write_text("")
    changed = {"CARBONFINOPS_STATE_DIR": str(file / "state")}
    for command in ("serve", "check"):
        answer = run(tmp_path, {**live_settings(rig, REGIONS), **changed}, command, limit=20)
        lines = [line for line in answer.lines if not line.startswith(("ok", "note"))]
        assert answer.code == 1
        assert len(lines) == 1, answer.output
        assert str(file) in lines[0]
        assert "CARBONFINOPS_STATE_DIR" in lines[0]
