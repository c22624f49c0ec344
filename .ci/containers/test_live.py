"""A live fleet in the compose file: a simulated AWS, a BoaviztAPI and secrets of its own."""

import json
import os
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
from alerting import WebHook
from cloud_rig import (
    CANARY_KEY_ID,
    CANARY_SECRET,
    CANARY_TOKEN,
    PROGRAM,
    CloudRig,
    live_settings,
)
from exporter_process import assert_nothing_leaks
from waiting import eventually

from compose_project import ComposeProject, composed
from engine import Engine
from prometheus_answers import results, value

REGIONS = "eu-central-1,eu-west-1"
ACCOUNTS = ("111111111111", "222222222222")
SERVICES = ("exporter", "boaviztapi", "prometheus", "alertmanager")
PATIENCE_SECONDS = 120
USER = 65532
TYPES = ("m5.large", "c5.xlarge", "m6i.xlarge", "c7g.large")
LOAD_PERCENT = 50
SECRETS: Mapping[str, str] = {
    "aws": f"[default]\naws_access_key_id={CANARY_KEY_ID}\naws_secret_access_key={CANARY_SECRET}\n",
    "electricity-maps": CANARY_TOKEN,
}
FROM_FILES = {
    "AWS_SHARED_CREDENTIALS_FILE": "/secrets/aws",
    "CARBONFINOPS_ELECTRICITY_MAPS__TOKEN_FILE": "/secrets/electricity-maps",
    "CARBONFINOPS_WEB__LISTEN_ADDRESS": "127.0.0.1:10105",
}
LEFT_OUT = {
    "AWS_ACCESS_KEY_ID",
    "AWS_SECRET_ACCESS_KEY",
    "CARBONFINOPS_ELECTRICITY_MAPS__TOKEN",
    "CARBONFINOPS_BOAVIZTA__BASE_URL",
}
"""Secrets, and the rig's own Boavizta: the file has one."""


@pytest.fixture(scope="module")
def rig(tmp_path_factory: pytest.TempPathFactory) -> Iterator[CloudRig]:
    """It stands in for AWS, ElectricityMaps and the ECB."""
    if not PROGRAM.is_dir():
        pytest.skip(f"the simulated AWS is not there: {PROGRAM}")
    folder = tmp_path_factory.mktemp("rig")
    world = folder / "world.json"
    instances = [
        {
            "type": kind,
            "account": account,
            "region": region,
            "const": LOAD_PERCENT,
            "events": [{"at": "-2d", "action": "run"}],
        }
        for kind in TYPES
        for account in ACCOUNTS
        for region in REGIONS.split(",")
    ]
    world.write_text(json.dumps({"replace": True, "instances": instances}))
    options = ("--accounts", str(len(ACCOUNTS)), "--regions", REGIONS, "--world", str(world))
    rig = CloudRig(folder, *options)
    yield rig
    rig.stop()


@pytest.fixture(scope="module")
def project(
    rig: CloudRig,
    engine: Engine,
    image: str,
    hook: WebHook,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[ComposeProject]:
    """The services of the profile `live` but Grafana, which has no stand-in."""
    parent = tmp_path_factory.mktemp("live")
    with composed(engine, parent, "live", image, hook.address) as project:
        _configure(project.folder, live_settings(rig, REGIONS))
        project.bring_up(*SERVICES)
        yield project


def _configure(folder: Path, settings: Mapping[str, str]) -> None:
    """Write exporter.env, and secrets that nobody but the exporter's user can read."""
    kept = {name: value for name, value in settings.items() if name not in LEFT_OUT} | FROM_FILES
    lines = [f"{name}={value}\n" for name, value in kept.items()]
    (folder / "exporter.env").write_text("".join(lines))
    (folder / "secrets").mkdir()
    for name, content in SECRETS.items():
        file = folder / "secrets" / name
        file.write_text(content)
        file.chmod(0o400)
        os.chown(file, USER, USER)


@pytest.mark.parametrize("name", ["exporter", "boaviztapi", "alertmanager"])
def test_a_service_is_healthy(project: ComposeProject, name: str) -> None:
    """Its own health check says so. That of Prometheus needs a newer promtool than is here."""
    project.until_healthy(name)


@pytest.mark.parametrize("name", SERVICES)
def test_a_service_may_do_nothing_but_its_work(project: ComposeProject, name: str) -> None:
    """It is not root, has no capability and gains none, and cannot write to its own files."""
    lines = project.run(name, "cat", "/proc/1/status").splitlines()
    status = {key: rest.split() for key, _, rest in (line.partition(":") for line in lines)}
    assert "0" not in status["Uid"]
    assert int(status["CapBnd"][0], 16) == 0
    assert int(status["CapEff"][0], 16) == 0
    assert status["NoNewPrivs"] == ["1"]
    root = next(line.split() for line in project.run(name, "cat", "/proc/mounts").splitlines())
    assert root[1] == "/"
    assert "ro" in root[3].split(",")


def test_prometheus_knows_the_power_of_every_instance(
    project: ComposeProject, rig: CloudRig
) -> None:
    """The exporter is up; each instance, at half load, has the watts that its type has then."""
    assert project
    truth = rig.truth()
    half = {
        kind: each["watts"][str(LOAD_PERCENT)]["value"] for kind, each in truth["types"].items()
    }
    wanted = {instance["id"]: half[instance["type"]] for instance in truth["instances"]}
    assert len(wanted) == len(TYPES) * len(ACCOUNTS) * len(REGIONS.split(","))

    def shown() -> dict[str, float] | None:
        found = results("carbonfinops_instance_power_watts")
        watts = {each["metric"]["instance_id"]: float(each["value"][1]) for each in found}
        return watts if watts.keys() == wanted.keys() else None

    watts = eventually(shown, PATIENCE_SECONDS, "the power of every instance")
    assert value('up{job="carbonfinops"}') == 1
    assert watts == pytest.approx(wanted, rel=1e-3)


def test_profiles_come_from_the_service_of_the_file(project: ComposeProject, rig: CloudRig) -> None:
    """The BoaviztAPI of the file was asked for each type and answered; the rig's own never was."""
    said = eventually(
        lambda: results("carbonfinops_build_info{boavizta_version!=''}"), PATIENCE_SECONDS, "asked"
    )
    assert said[0]["metric"]["boavizta_version"] == "2.5.0"
    assert '"POST /v1/cloud/instance' in project.log("boaviztapi")
    assert " 500 " not in project.log("boaviztapi")
    assert not [asked for asked in rig.requests_made() if asked[0] == "boavizta"]


def test_a_secret_is_a_file_and_in_no_log(project: ComposeProject, rig: CloudRig) -> None:
    """The exporter's user can read it, it was used, and no container printed it."""
    eventually(
        lambda: value('carbonfinops_source_up{source="electricity_maps"}'), PATIENCE_SECONDS, "used"
    )
    assert any(asked[0] == "electricitymaps" for asked in rig.requests_made())
    assert project.run("exporter", "id", "-u").strip() == str(USER)
    assert project.run("exporter", "cat", "/secrets/electricity-maps") == CANARY_TOKEN
    assert CANARY_TOKEN not in project.run("exporter", "env")
    for name in SERVICES:
        assert_nothing_leaks(project.log(name), f"the log of {name}")
