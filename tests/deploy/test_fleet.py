"""The test fleet's template: closed, cheap, gone when deleted, and as its page says."""

import json
import re
from decimal import Decimal
from typing import Any

import botocore.session
import pytest
from botocore import xform_name

from tests.deploy.template import DEPLOY, Template

FOLDER = DEPLOY / "cloudformation"
TEMPLATE = Template(FOLDER / "test-fleet.yaml")
README = (FOLDER / "README.md").read_text(encoding="utf-8")
INSTANCES = TEMPLATE.resources("AWS::EC2::Instance")
SCHEDULES = TEMPLATE.resources("AWS::Scheduler::Schedule")
CONDITIONAL = {"Batch"}
CANONICAL_TAGS = {"team", "environment", "service", "cost_center"}
KINDS = {
    "AWS::EC2::Instance",
    "AWS::EC2::LaunchTemplate",
    "AWS::EC2::SecurityGroup",
    "AWS::EC2::Subnet",
    "AWS::EC2::VPC",
    "AWS::IAM::Role",
    "AWS::Scheduler::Schedule",
}
HOURS_PER_WEEK = 168
HOURS_PER_MONTH = 365 * 24 // 12


def tables() -> dict[str, list[list[str]]]:
    """Rows of the README's tables, without heads, by the word over the first column."""
    found = {}
    for table in re.findall(r"(?:^\|.*\n)+", README, re.MULTILINE):
        rows = [[cell.strip() for cell in row.split("|")[1:-1]] for row in table.splitlines()]
        found[rows[0][0]] = rows[2:]
    return found


def tags(instance: dict[str, Any]) -> dict[str, Any]:
    return {tag["Key"]: tag["Value"] for tag in instance["Tags"]}


def test_nothing_is_made_that_opens_the_network():
    """No gateway, route, address, endpoint or key: only what is listed here."""
    kinds = {resource["Type"] for resource in TEMPLATE.content["Resources"].values()}
    assert kinds == KINDS
    (subnet,) = TEMPLATE.resources("AWS::EC2::Subnet").values()
    (group,) = TEMPLATE.resources("AWS::EC2::SecurityGroup").values()
    assert subnet["MapPublicIpOnLaunch"] is False
    assert "SecurityGroupIngress" not in group
    assert [rule["CidrIp"] for rule in group["SecurityGroupEgress"]] == ["127.0.0.1/32"]


@pytest.mark.parametrize("name", INSTANCES)
def test_an_instance_is_closed_and_leaves_nothing(name: str):
    """IMDSv2, no key, no role, an encrypted disk that goes with it, an image by parameter."""
    instance = INSTANCES[name]
    assert instance["MetadataOptions"]["HttpTokens"] == "required"
    assert not {"KeyName", "IamInstanceProfile", "NetworkInterfaces"} & instance.keys()
    assert instance["SecurityGroupIds"] == [{"Ref": "Closed"}]
    (disk,) = instance["BlockDeviceMappings"]
    assert disk["Ebs"]["Encrypted"] is True
    assert disk["Ebs"]["DeleteOnTermination"] is True
    image = TEMPLATE.parameters[instance["ImageId"]["Ref"]]
    arm = instance["InstanceType"].startswith("t4g.")
    assert image["Type"] == "AWS::SSM::Parameter::Value<AWS::EC2::Image::Id>"
    assert image["Default"].endswith("-arm64" if arm else "-x86_64")


@pytest.mark.parametrize("name", INSTANCES)
def test_bursts_cost_nothing(name: str):
    """T instances have standard credits; others have none."""
    instance = INSTANCES[name]
    burstable = instance["InstanceType"].startswith("t")
    assert instance.get("CreditSpecification") == (
        {"CPUCredits": "standard"} if burstable else None
    )


def test_the_deletion_leaves_nothing():
    """No resource asks to be kept."""
    for resource in TEMPLATE.content["Resources"].values():
        assert not {"DeletionPolicy", "UpdateReplacePolicy"} & resource.keys()


def test_tags_are_those_that_the_exporter_shows():
    """All four on every instance, but on the one that nobody owns."""
    assert {"Name", *CANONICAL_TAGS} == set(tags(INSTANCES["Web"]))
    assert {
        name for name, each in INSTANCES.items() if not tags(each).keys() >= CANONICAL_TAGS
    } == {"Archive"}
    assert set(tags(INSTANCES["Archive"])) == {"Name", "environment", "service"}


def test_the_schedule_starts_and_stops_one_instance():
    """By operations that EC2 has; the role allows these, on this instance, to the scheduler."""
    operations = botocore.session.get_session().get_service_model("ec2").operation_names
    known = {xform_name(name): name for name in operations}
    called = set()
    for schedule in SCHEDULES.values():
        target = schedule["Target"]
        operation = target["Arn"]["Fn::Sub"].removeprefix(
            "arn:${AWS::Partition}:scheduler:::aws-sdk:ec2:"
        )
        called.add(f"ec2:{known[xform_name(operation)]}")
        assert json.loads(target["Input"]["Fn::Sub"]) == {"InstanceIds": ["${Office}"]}
        assert schedule["FlexibleTimeWindow"] == {"Mode": "OFF"}
    role = TEMPLATE.resources("AWS::IAM::Role")["OfficeHoursRole"]
    ((statement,),) = [each["PolicyDocument"]["Statement"] for each in role["Policies"]]
    (trust,) = role["AssumeRolePolicyDocument"]["Statement"]
    assert set(statement["Action"]) == called == {"ec2:StartInstances", "ec2:StopInstances"}
    assert statement["Resource"]["Fn::Sub"].endswith(":instance/${Office}")
    assert trust["Principal"] == {"Service": "scheduler.amazonaws.com"}
    assert trust["Condition"] == {"StringEquals": {"aws:SourceAccount": {"Ref": "AWS::AccountId"}}}


def test_the_switch_that_must_be_text_is():
    """YAML reads a bare OFF as false, and yes as true."""
    assert all(isinstance(each["FlexibleTimeWindow"]["Mode"], str) for each in SCHEDULES.values())
    assert TEMPLATE.parameters["Spot"]["AllowedValues"] == ["yes", "no"]


def test_the_page_lists_the_instances_and_parameters():
    """Each with its type or default; none is missing, none is too many."""
    listed = {row[0]: row[1] for row in tables()["instance"]}
    assert listed == {name: each["InstanceType"] for name, each in INSTANCES.items()}
    rows = {
        name: row[1] for row in tables()["parameter"] for name in re.findall(r"`(\w+)`", row[0])
    }
    assert set(rows) == set(TEMPLATE.parameters)
    for name in ("Team", "CostCenter", "StartAt", "StopAt", "TimeZone", "Spot"):
        assert f"`{TEMPLATE.parameters[name]['Default']}`" in rows[name]


def test_the_costs_on_the_page_add_up():
    """Price times hours of the week, the disks that there are, the sum, the month."""
    *rows, (_, _, _, total) = tables()["what"]
    cent = Decimal("0.0001")
    averages = {}
    for what, price, hours, average in rows:
        averages[what] = Decimal(average)
        assert (Decimal(price) * int(hours) / HOURS_PER_WEEK).quantize(cent) == averages[what], what
    assert sum(averages.values()) == Decimal(total)
    made = {f"{n}, {i['InstanceType']}" for n, i in INSTANCES.items() if n not in CONDITIONAL}
    assert made == {what for what in averages if not what.startswith("disks")}
    disks = [INSTANCES[name]["BlockDeviceMappings"][0]["Ebs"] for name in INSTANCES]
    sizes = [disk["VolumeSize"] for disk in disks[: len(INSTANCES) - len(CONDITIONAL)]]
    hourly = Decimal("0.08") * sum(sizes) / HOURS_PER_MONTH
    assert hourly.quantize(cent) == averages[f"disks, {len(sizes)} x {sizes[0]} GB gp3"]
    assert f"{Decimal(total) * HOURS_PER_MONTH:.2f} USD for a whole month" in README
