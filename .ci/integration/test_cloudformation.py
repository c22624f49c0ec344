"""The test fleet, deployed by the AWS CLI: the exporter sees its instances, and no others."""

import json
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

import pytest

from cloud_rig import CloudRig, live_settings
from cloud_tools import cloud_tools
from conftest import StartExporter, StartRig
from exporter_process import ROOT, ExporterProcess
from exposition import Exposition
from moto_cloud import HOME_ACCOUNT, MotoCloud
from readme_commands import commands
from waiting import eventually

REGION = "us-east-1"
FOLDER = ROOT / "deploy" / "cloudformation"
README = {heading: "".join(blocks) for heading, blocks in commands(FOLDER / "README.md").items()}
PATIENCE_SECONDS = 60

OWNED = {"team": "platform", "cost_center": "4711"}
FLEET = {
    "carbonfinops-web": ("t4g.nano", {"environment": "production", "service": "web", **OWNED}),
    "carbonfinops-api": ("t3.micro", {"environment": "production", "service": "api", **OWNED}),
    "carbonfinops-office": (
        "t3.micro",
        {"environment": "development", "service": "office", **OWNED},
    ),
    "carbonfinops-archive": ("m6i.large", {"environment": "test", "service": "archive"}),
}
LIST_USD_PER_HOUR = {"t4g.nano": 0.0042, "t3.micro": 0.0104, "m6i.large": 0.096}
"""As the README has them."""


@pytest.fixture(scope="module")
def cloud(ending: ExitStack, folder: Callable[[str], Path]) -> MotoCloud:
    cloud = MotoCloud(folder("moto"), cloud_tools())
    ending.callback(cloud.stop)
    # Somebody else's instance: another stack's of the same template, in another region.
    elsewhere = cloud.settings("eu-central-1")
    cloud.shell(README["Create"], elsewhere)
    return cloud


@pytest.fixture(scope="module")
def deployed(cloud: MotoCloud) -> dict[str, dict[str, str]]:
    """Instance ids and types by name, as EC2 tells them once the stack is there."""
    cloud.shell(README["Create"], cloud.settings(REGION))
    return _instances(cloud)


def _instances(cloud: MotoCloud) -> dict[str, dict[str, str]]:
    query = "Reservations[].Instances[?State.Name!='terminated'][]"
    told = cloud.shell(
        f'aws ec2 describe-instances --output json --query "{query}"', cloud.settings(REGION)
    )
    return {
        tag["Value"]: {"id": each["InstanceId"], "type": each["InstanceType"]}
        for each in json.loads(told)
        for tag in each["Tags"]
        if tag["Key"] == "Name"
    }


@pytest.fixture(scope="module")
def rig(start_rig: StartRig) -> CloudRig:
    """It plays what moto does not: list prices, hardware profiles, grids and rates."""
    return start_rig("--fleet", "1", "--accounts", "1", "--regions", REGION, "--no-awkward")


@pytest.fixture(scope="module")
def exporter(
    cloud: MotoCloud,
    rig: CloudRig,
    deployed: dict[str, dict[str, str]],
    start_exporter: StartExporter,
) -> ExporterProcess:
    del deployed  # a region without instances is looked at once an hour: they are there first
    settings = {
        **live_settings(rig, REGION),
        **cloud.settings(REGION),
        "AWS_ENDPOINT_URL_PRICING": rig.environment["AWS_ENDPOINT_URL"],
        "CARBONFINOPS_AWS__COST_EXPLORER": "false",
        "CARBONFINOPS_TTL__EC2_INVENTORY": "2s",
        "CARBONFINOPS_MAX_AGE__EC2_INVENTORY": "5m",
    }
    del settings["CARBONFINOPS_AWS__ACCOUNTS"]
    return start_exporter(settings)


def _named(body: Exposition) -> dict[str, dict[str, str]]:
    found = body.by_name.get("instance_info", ())
    return {series.labels["name"]: dict(series.labels) for series in found}


def _listed(exporter: ExporterProcess, names: set[str]) -> Exposition:
    """The body once it lists these and no others."""

    def listing() -> Exposition | None:
        body = exporter.scrape()
        return body if set(_named(body)) == names and len(_named(body)) == len(names) else None

    return eventually(listing, PATIENCE_SECONDS, f"exactly these instances: {sorted(names)}")


def test_the_stack_makes_what_the_page_says(deployed: dict[str, dict[str, str]]):
    """Four instances of three types, by the name of the stack."""
    assert {name: each["type"] for name, each in deployed.items()} == {
        name: instance_type for name, (instance_type, _) in FLEET.items()
    }


def test_the_exporter_lists_exactly_its_instances(
    exporter: ExporterProcess, deployed: dict[str, dict[str, str]]
):
    """Each with its id, place, type and tags; nothing of the stack in another region."""
    body = _listed(exporter, set(FLEET))
    for name, labels in _named(body).items():
        instance_type, tags = FLEET[name]
        wanted = {f"tag_{key}": value for key, value in tags.items()}
        assert labels["instance_id"] == deployed[name]["id"]
        assert (labels["account_id"], labels["region"]) == (HOME_ACCOUNT, REGION)
        assert labels["instance_type"] == instance_type
        assert {k: v for k, v in labels.items() if k.startswith("tag_") and v} == wanted
    assert len(body.by_name["instance_info"]) == len(FLEET)


def test_they_cost_what_the_page_says(
    exporter: ExporterProcess, deployed: dict[str, dict[str, str]]
):
    """Each its list price; CPU is asked for, and CloudWatch has none yet."""

    def priced() -> dict[str, float]:
        costs = exporter.scrape().by_instance("instance_cost_usd_per_hour")
        return costs if len(costs) == len(FLEET) else {}

    costs = eventually(priced, PATIENCE_SECONDS, "a cost of each")
    for each in deployed.values():
        assert costs[each["id"]] == pytest.approx(LIST_USD_PER_HOUR[each["type"]])
    assert exporter.scrape().value("source_up", source="cloudwatch_cpu", region=REGION) == 1


def test_what_the_schedule_does_is_seen(
    cloud: MotoCloud, exporter: ExporterProcess, deployed: dict[str, dict[str, str]]
):
    """Office stops as EventBridge Scheduler stops it: it stays listed, and costs nothing."""
    office = deployed["carbonfinops-office"]["id"]
    cloud.shell(f"aws ec2 stop-instances --instance-ids {office}", cloud.settings(REGION))

    def stopped() -> Exposition | None:
        body = exporter.scrape()
        return body if office not in body.by_instance("instance_cost_usd_per_hour") else None

    body = eventually(stopped, PATIENCE_SECONDS, "the end of its cost")
    assert set(_named(body)) == set(FLEET)
    assert body.value("instances", region=REGION, state="stopped") == 1


def test_the_page_shows_the_fleet(cloud: MotoCloud, deployed: dict[str, dict[str, str]]):
    """The commands to look at it, as they are written, list the instances by name."""
    assert deployed
    told = cloud.shell(README["Look"], cloud.settings(REGION))
    assert all(name in told for name in FLEET)


def test_the_deletion_leaves_none(cloud: MotoCloud, exporter: ExporterProcess):
    """Every instance goes, and with it its series; the other region's stack stays."""
    cloud.shell(README["Delete"], cloud.settings(REGION))
    assert _instances(cloud) == {}
    body = _listed(exporter, set())
    assert not body.by_name.get("instance_cost_usd_per_hour")
    remaining = cloud.shell(
        "aws cloudformation describe-stacks --query 'Stacks[].StackStatus' --output text",
        cloud.settings("eu-central-1"),
    )
    assert remaining.split() == ["CREATE_COMPLETE"]


def test_every_part_can_be_made_and_told(cloud: MotoCloud):
    """With the spot instance and other tags: all outputs name what was made."""
    settings = cloud.settings("eu-west-1")
    told = cloud.shell(
        f"""
        aws cloudformation create-stack --stack-name second --capabilities CAPABILITY_IAM \
          --template-body file://{FOLDER}/test-fleet.yaml \
          --parameters ParameterKey=Spot,ParameterValue=yes \
            ParameterKey=Team,ParameterValue=search \
            ParameterKey=AvailabilityZone,ParameterValue=eu-west-1b > /dev/null
        aws cloudformation wait stack-create-complete --stack-name second
        aws cloudformation describe-stacks --stack-name second --query 'Stacks[0].Outputs' \
          --output json
        """,
        settings,
    )
    outputs = {each["OutputKey"]: each["OutputValue"] for each in json.loads(told)}
    ids = f"{outputs['ScheduledInstance']} {outputs['StoppedInstance']}"
    query = "Reservations[].Instances[].[InstanceType,Placement.AvailabilityZone]"
    told = cloud.shell(
        f"aws ec2 describe-instances --instance-ids {outputs['RunningInstances']} {ids}"
        f" --filters Name=tag:service,Values=web,api,batch,office,archive"
        f" --query '{query}' --output json",
        settings,
    )
    made = sorted(map(tuple, json.loads(told)))
    types = ("m6i.large", "t3.micro", "t3.micro", "t4g.nano", "t4g.nano")
    assert made == [(each, "eu-west-1b") for each in types]
    assert outputs["Region"] == "eu-west-1"
