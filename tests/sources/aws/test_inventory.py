from datetime import UTC, datetime
from typing import Any

import boto3
import pytest
from moto import mock_aws

from exporter.core.fleet import Account, Instance, InstanceState, Place, PurchaseOption
from exporter.core.provenance import FailureReason, Scope, SourceName
from exporter.sources.aws.hardware import HardwareCatalogue
from exporter.sources.aws.inventory import Ec2Inventory
from exporter.sources.source import SourceError

LABELS = {"team": "team", "environment": "env"}
NOW = datetime(2026, 3, 29, 10, 0, 30, tzinfo=UTC).timestamp()
TERMINATED = {"code": 48, "name": "terminated"}
LAUNCHED_AT = datetime(2026, 3, 29, 0, 59, 59, tzinfo=UTC).timestamp()


def described(instance_id="i-0aaa", **more):
    """An instance as EC2's XML has it; values made up."""
    return {
        "instanceId": instance_id,
        "instanceType": "m5.large",
        "instanceState": {"code": 16, "name": "running"},
        "launchTime": "2026-03-29T00:59:59.000Z",
        "placement": {"availabilityZone": "eu-west-1b", "groupName": "", "tenancy": "default"},
        "reason": "",
        "architecture": "x86_64",
        "platformDetails": "Linux/UNIX",
        "usageOperation": "RunInstances",
        **more,
    }


def without(name, **more):
    return {key: value for key, value in described(**more).items() if key != name}


def page(*instances, token=""):
    reservations = [{"reservationId": "r-1", "instancesSet": [item]} for item in instances]
    return {"reservationSet": reservations, "nextToken": token}


def tag_set(tags):
    return [{"key": key, "value": value} for key, value in tags.items()]


def inventory_of(clients, account, labels=None, wall=lambda: NOW):
    return Ec2Inventory(
        clients,
        account,
        "eu-west-1",
        tag_labels=labels or {},
        hardware=HardwareCatalogue(clients),
        wall=wall,
    )


@pytest.fixture
def fetch(aws, clients, account):
    """List what the test has prepared; no hardware is described."""

    def fetch(*pages, labels=LABELS):
        aws.ec2("DescribeInstances", *pages)
        aws.ec2("DescribeInstanceTypes", {"instanceTypeSet": []})
        return inventory_of(clients, account, labels).fetch(None)

    return fetch


@pytest.fixture
def only(fetch):
    """The one instance of a page."""

    def only(instance, labels=LABELS):
        (found,) = fetch(page(instance), labels=labels).instances
        return found

    return only


def test_it_is_a_source(clients, account):
    """The inventory answers for one place."""
    source = inventory_of(clients, account)

    assert source.name is SourceName.EC2_INVENTORY
    assert source.scope == Scope("111122223333", "eu-west-1")


def test_every_field(only):
    """An instance is told as EC2 describes it; the launch time across a change of clocks."""
    instance = only(
        described(
            "i-0123",
            instanceLifecycle="spot",
            stateReason={"code": "Server.SpotInstanceTermination", "message": "made up"},
            reason="User initiated (2026-02-08 07:08:49 GMT)",
            instanceState={"code": 80, "name": "stopped"},
            placement={"availabilityZone": "eu-west-1c", "tenancy": "dedicated"},
            platformDetails="Red Hat Enterprise Linux",
            usageOperation="RunInstances:0010",
            tagSet=tag_set({"Name": "web-1", "Team": "red", "env": "prod", "secret": "x"}),
        )
    )

    assert instance == Instance(
        instance_id="i-0123",
        account_id="111122223333",
        region="eu-west-1",
        availability_zone="eu-west-1c",
        instance_type="m5.large",
        state=InstanceState.STOPPED,
        launched_at=LAUNCHED_AT,
        purchase_option=PurchaseOption.SPOT,
        usage_operation="RunInstances:0010",
        platform="Red Hat Enterprise Linux",
        tenancy="dedicated",
        architecture="x86_64",
        name="web-1",
        tags=(("environment", "prod"), ("team", "red")),
        state_reason="Server.SpotInstanceTermination",
        state_transition_reason="User initiated (2026-02-08 07:08:49 GMT)",
    )


@pytest.mark.parametrize(
    ("state", "kept"),
    [
        ("pending", True),
        ("running", True),
        ("stopping", True),
        ("stopped", True),
        ("shutting-down", False),
        ("terminated", False),
    ],
)
def test_states(fetch, state, kept):
    """Ended instances stay visible in EC2 for an hour, but are no part of the fleet."""
    inventory = fetch(page(described(instanceState={"code": 0, "name": state})))

    assert [instance.state.value for instance in inventory.instances] == [state] * kept


@pytest.mark.parametrize(
    ("fields", "platform", "usage_operation"),
    [
        ({"platformDetails": "Windows", "usageOperation": "RunInstances:0002"}, None, None),
        ({"platformDetails": "SUSE Linux", "usageOperation": "RunInstances:000g"}, None, None),
        ({}, "Linux/UNIX", "RunInstances"),
        ({"platformDetails": "Linux/UNIX"}, "Linux/UNIX", "RunInstances"),
        ({"platform": "windows"}, "Windows", ""),
        ({"platformDetails": "Windows", "platform": "windows"}, "Windows", ""),
        ({"platformDetails": "Red Hat Enterprise Linux"}, "Red Hat Enterprise Linux", ""),
    ],
)
def test_platform_and_billing_code(only, fields, platform, usage_operation):
    """Where AWS tells no billing code, it is only known of plain Linux; nothing is guessed."""
    instance = described()
    del instance["platformDetails"], instance["usageOperation"]
    found = only({**instance, **fields})

    assert found.platform == (platform or fields["platformDetails"])
    expected = fields["usageOperation"] if usage_operation is None else usage_operation
    assert found.usage_operation == expected


@pytest.mark.parametrize(
    ("lifecycle", "option"),
    [
        ({}, PurchaseOption.ON_DEMAND),
        ({"instanceLifecycle": "spot"}, PurchaseOption.SPOT),
        ({"instanceLifecycle": "capacity-block"}, PurchaseOption.CAPACITY_BLOCK),
        ({"instanceLifecycle": "scheduled"}, PurchaseOption.ON_DEMAND),
    ],
)
def test_purchase_option(only, lifecycle, option):
    """The lifecycle says how an instance is paid for; on demand where there is none."""
    assert only(described(**lifecycle)).purchase_option is option


HOSTILE = (
    'quote " backslash \\ brace } {',
    "two\nlines\tand a tab",
    "\U0001f680 r\u00f6st\u00ef \u4e2d\u6587 \u202e",
    "x" * 256,
    " spaces around ",
    "<&>]]>",
    "",
)


@pytest.mark.parametrize("value", HOSTILE)
def test_tag_values_are_intact(only, value):
    """Tags are free text; what a label needs is the business of those who write it."""
    found = only(described(tagSet=tag_set({"Name": value, "TEAM": value, "Env": value})))

    assert found.name == value
    assert found.tags == (("environment", value), ("team", value))


def test_name_is_the_tag_of_that_very_name(only):
    """The AWS console shows the tag Name; name or NAME are other tags."""
    assert only(described(tagSet=tag_set({"name": "a", "NAME": "b"}))).name == ""


def test_exact_tag_key_wins(only):
    """An instance may carry both Team and team."""
    found = only(
        described(tagSet=tag_set({"team": "loose", "Team": "exact"})), labels={"team": "Team"}
    )

    assert found.tags == (("team", "exact"),)


def test_optional_fields(only):
    """What AWS may leave out is empty; a tag without a value too."""
    bare = {
        key: described()[key]
        for key in ("instanceId", "instanceType", "instanceState", "launchTime")
    }
    found = only({**bare, "tagSet": [{"key": "team"}]})

    assert (found.availability_zone, found.tenancy, found.architecture) == ("", "", "")
    assert found.tags == (("team", ""),)
    assert (found.state_reason, found.state_transition_reason, found.name) == ("", "", "")


@pytest.mark.parametrize(
    "instance",
    [
        without("instanceId"),
        without("instanceType"),
        without("instanceState"),
        without("launchTime"),
        described(instanceId=""),
        described(instanceState={"code": 1, "name": "dreaming"}),
        described(launchTime="some day"),
        described(tagSet=[{"value": "x"}]),
    ],
)
def test_an_unusable_instance_is_malformed(fetch, instance):
    """An instance without identity, type, state or launch makes the answer unusable."""
    with pytest.raises(SourceError) as caught:
        fetch(page(described("i-0good"), instance))

    assert caught.value.reason is FailureReason.MALFORMED


def test_answer_without_reservations_is_malformed(fetch):
    """An answer that holds nothing is not an empty region."""
    with pytest.raises(SourceError, match="Reservations is missing"):
        fetch({})


def test_empty_region(fetch, aws):
    """A region without instances is a valid answer and asks for no hardware."""
    inventory = fetch(page())

    assert inventory.place == Place("111122223333", "eu-west-1")
    assert inventory.instances == inventory.hardware == ()
    assert aws.parameters("DescribeInstanceTypes") == []


def test_all_pages(fetch, aws):
    """More than a thousand instances; one that moves between pages is listed once."""
    ids = [f"i-{number:04}" for number in range(1700)]
    first = page(*(described(name) for name in reversed(ids[:1000])), token="more")
    second = page(*(described(name) for name in reversed(ids[999:])))

    inventory = fetch(first, second)

    assert [instance.instance_id for instance in inventory.instances] == ids
    asked = aws.parameters("DescribeInstances")
    assert [(a["MaxResults"], a.get("NextToken")) for a in asked] == [
        ("1000", None),
        ("1000", "more"),
    ]


def test_ended_instances_are_sighted(fetch):
    """An instance that ended between two inventories was there all the same: its run is kept."""
    inventory = fetch(page(described("i-1"), described("i-2", instanceState=TERMINATED)))

    assert [instance.instance_id for instance in inventory.instances] == ["i-1"]
    seen = {sighting.instance.instance_id: sighting for sighting in inventory.sightings}
    assert {name: sighting.listed for name, sighting in seen.items()} == {"i-1": True, "i-2": False}
    assert [run.launched_at for run in seen["i-2"].runs] == [LAUNCHED_AT]


def test_sightings_go_on(aws, clients, account):
    """Each inventory builds on the one before: what it no longer shows is gone since then."""
    aws.ec2("DescribeInstances", page(described("i-1")), page())
    aws.ec2("DescribeInstanceTypes", {"instanceTypeSet": []}, {"instanceTypeSet": []})
    first = inventory_of(clients, account).fetch(None)

    second = inventory_of(clients, account, wall=lambda: NOW + 300).fetch(first)

    assert second.instances == ()
    (sighting,) = second.sightings
    (run,) = sighting.runs
    assert not sighting.listed
    assert (run.launched_at, run.seen_at, run.gone_at) == (LAUNCHED_AT, NOW, NOW + 300)


def test_sightings_know_when_they_were_made(aws, clients, account, monkeypatch):
    """Pages take time: what they show was so at some instant between the first and the last."""
    calls = []

    def sighted(previous, found, began_at, ended_at):
        calls.append((previous, [instance.instance_id for instance in found], began_at, ended_at))
        return ()

    monkeypatch.setattr("exporter.sources.aws.inventory.sighted", sighted)
    aws.ec2("DescribeInstances", page(described("i-2"), token="more"), page(described("i-1")))
    aws.ec2("DescribeInstanceTypes", {"instanceTypeSet": []})
    # The clock tells how many questions have been answered.
    source = inventory_of(clients, account, wall=lambda: NOW + len(aws.asked))

    source.fetch(None)

    assert calls == [((), ["i-2", "i-1"], NOW, NOW + 2)]


def test_the_newest_page_counts(fetch):
    """An instance may end while the pages are read, and move from one to the next."""
    ended = described("i-1", instanceState=TERMINATED)

    assert fetch(page(described("i-1"), token="more"), page(ended)).instances == ()


def test_hardware_of_the_families_in_use(aws, clients, account):
    """Every size of the family of every listed type, and of runs that ended lately."""
    aws.ec2(
        "DescribeInstances",
        page(
            described("i-1"),
            described("i-2", instanceType="t3.micro"),
            described("i-3", instanceType="c5.large", instanceState=TERMINATED),
        ),
    )
    record = {"vCpuInfo": {"defaultVCpus": 2}, "memoryInfo": {"sizeInMiB": 1024}}
    types = [{"instanceType": name, **record} for name in ("t3.micro", "t3.nano")]
    aws.ec2("DescribeInstanceTypes", {"instanceTypeSet": types})
    source = inventory_of(clients, account)

    inventory = source.fetch(None)

    assert [hardware.instance_type for hardware in inventory.hardware] == ["t3.micro", "t3.nano"]
    (asked,) = aws.parameters("DescribeInstanceTypes")
    families = {value for name, value in asked.items() if name.startswith("Filter.1.Value.")}
    assert families == {"m5.*", "t3.*", "c5.*"}


def test_denied(aws, clients, account):
    """A missing permission is named."""
    aws.ec2_error("DescribeInstances", "UnauthorizedOperation", 403)
    source = inventory_of(clients, account)

    with pytest.raises(SourceError, match="allow ec2:DescribeInstances") as caught:
        source.fetch(None)

    assert caught.value.reason is FailureReason.DENIED


def test_emulated_fleet(clients):
    """An emulated fleet over two accounts: states, spot, tags and hardware."""
    member = Account("222233334444", "arn:aws:iam::222233334444:role/reader")
    with mock_aws():
        ec2: Any = boto3.client("ec2", "eu-west-1")
        tags = [{"ResourceType": "instance", "Tags": [{"Key": "Team", "Value": "red"}]}]
        run = {"ImageId": "ami-1", "InstanceType": "m5.large"}
        ids = [
            instance["InstanceId"]
            for instance in ec2.run_instances(
                **run, MinCount=3, MaxCount=3, TagSpecifications=tags
            )["Instances"]
        ]
        spot = ec2.run_instances(
            **run, MinCount=1, MaxCount=1, InstanceMarketOptions={"MarketType": "spot"}
        )["Instances"][0]["InstanceId"]
        ec2.stop_instances(InstanceIds=ids[:1])
        ec2.terminate_instances(InstanceIds=ids[1:2])
        inventories = [
            inventory_of(clients, account, LABELS).fetch(None)
            for account in (Account("123456789012"), member)
        ]

    own = {instance.instance_id: instance for instance in inventories[0].instances}
    assert set(own) == {ids[0], ids[2], spot}
    assert own[ids[0]].state is InstanceState.STOPPED
    assert own[ids[0]].state_transition_reason.startswith("User initiated")
    assert own[ids[2]].tags == (("team", "red"),)
    assert own[spot].purchase_option is PurchaseOption.SPOT
    assert own[ids[2]].usage_operation == "RunInstances"
    sizes = {hardware.instance_type: hardware.vcpus for hardware in inventories[0].hardware}
    assert {name.partition(".")[0] for name in sizes} == {"m5"}
    assert (sizes["m5.large"], sizes["m5.24xlarge"]) == (2, 96)
    assert inventories[0].running_count == 2
    assert inventories[1].instances == ()
