"""Documents have the shape of CloudTrail's own; ids and values are made up."""

import json
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from exporter.core.fleet import Place
from exporter.core.provenance import FailureReason
from exporter.core.trail import TrailAction, TrailEvent
from exporter.sources.aws.record import Record
from exporter.sources.aws.trail_document import trail_events
from exporter.sources.source import SourceError

PLACE = Place("111122223333", "eu-west-1")
AT = datetime(2026, 3, 29, 1, 0, 5, tzinfo=UTC).timestamp()
DOING = "cloudtrail lookup_events in eu-west-1"
LOGS = "CLOUDTRAIL_LOGS"


def document(name: str, **fields: Any) -> dict[str, Any]:
    return {
        "eventVersion": "1.10",
        "userIdentity": {
            "type": "AssumedRole",
            "principalId": "AROAEXAMPLE:deploy",
            "arn": "arn:aws:sts::111122223333:assumed-role/deploy/deploy",
            "accountId": "111122223333",
            "invokedBy": "autoscaling.amazonaws.com",
        },
        "eventTime": "2026-03-29T01:00:05Z",
        "eventSource": "ec2.amazonaws.com",
        "eventName": name,
        "awsRegion": "eu-west-1",
        "sourceIPAddress": "autoscaling.amazonaws.com",
        "userAgent": "autoscaling.amazonaws.com",
        "requestParameters": None,
        "responseElements": None,
        "requestID": "9c0b52f1-0000-4000-8000-000000000001",
        "eventID": "e-1",
        "readOnly": False,
        "eventType": "AwsApiCall",
        "managementEvent": True,
        "recipientAccountId": "111122223333",
        "eventCategory": "Management",
        **fields,
    }


def looked_up(content: Any, *resources: tuple[str, str]) -> Record:
    """An event of LookupEvents, as botocore gives it."""
    fields = {
        "EventId": "e-1",
        "EventName": "made up",
        "ReadOnly": "false",
        "EventTime": datetime(2026, 3, 29, 2, 0, 9, 700_000, tzinfo=UTC),
        "EventSource": "ec2.amazonaws.com",
        "Username": "deploy",
        "Resources": [{"ResourceType": kind, "ResourceName": name} for kind, name in resources],
        "CloudTrailEvent": content if isinstance(content, str) else json.dumps(content),
    }
    return Record(fields, DOING)


def read(content: Any, *resources: tuple[str, str]) -> list[TrailEvent]:
    return trail_events(looked_up(content, *resources), PLACE)


def launched(instance_id: str, **fields: Any) -> dict[str, Any]:
    return {
        "instanceId": instance_id,
        "imageId": "ami-0example",
        "instanceState": {"code": 0, "name": "pending"},
        "amiLaunchIndex": 0,
        "instanceType": "m5.large",
        "launchTime": 1774746005000,
        "placement": {"availabilityZone": "eu-west-1b", "tenancy": "default"},
        "architecture": "x86_64",
        **fields,
    }


def run_instances(*items: dict[str, Any], **fields: Any) -> dict[str, Any]:
    request = {
        "instancesSet": {"items": [{"imageId": "ami-0example", "minCount": 1, "maxCount": 5}]},
        "instanceType": "m5.large",
    }
    response = {"reservationId": "r-1", "instancesSet": {"items": list(items)}}
    return document(
        "RunInstances", **{"requestParameters": request, "responseElements": response, **fields}
    )


def switched(name: str, ids: list[str], was: dict[str, str], **request: Any) -> dict[str, Any]:
    """A start, stop or termination; ``was`` in the order of the answer."""
    results = [
        {
            "instanceId": instance_id,
            "currentState": {"code": 64, "name": "made up"},
            "previousState": {"code": 16, "name": state},
        }
        for instance_id, state in was.items()
    ]
    return document(
        name,
        requestParameters={"instancesSet": {"items": [{"instanceId": i} for i in ids]}, **request},
        responseElements={"requestId": "q-1", "instancesSet": {"items": results}},
    )


def event(action: TrailAction, instance_id: str = "i-a", **fields: Any) -> TrailEvent:
    return TrailEvent("e-1", AT, action, instance_id, **fields)


def test_launch():
    """One call may launch several instances; each brings what is known of it."""
    found = read(
        run_instances(
            launched("i-a"),
            launched(
                "i-b",
                instanceType="c5.xlarge",
                instanceLifecycle="spot",
                placement={"availabilityZone": "eu-west-1c", "tenancy": "dedicated"},
            ),
            launched("i-c", placement=None),
        )
    )

    kind = {"instance_type": "m5.large", "image_id": "ami-0example"}
    assert found == [
        event(TrailAction.RUN, "i-a", **kind, availability_zone="eu-west-1b", tenancy="default"),
        event(
            TrailAction.RUN,
            "i-b",
            instance_type="c5.xlarge",
            availability_zone="eu-west-1c",
            tenancy="dedicated",
            image_id="ami-0example",
            spot=True,
        ),
        event(TrailAction.RUN, "i-c", **kind),
    ]


@pytest.mark.parametrize("action", [TrailAction.START, TrailAction.STOP, TrailAction.TERMINATE])
def test_states_before_belong_to_their_instance(action):
    """The answer lists the instances in an order of its own, and perhaps not all of them."""
    found = read(switched(action, ["i-a", "i-b", "i-c"], {"i-b": "stopped", "i-a": "running"}))

    assert found == [
        event(action, "i-a", was="running"),
        event(action, "i-b", was="stopped"),
        event(action, "i-c"),
    ]


@pytest.mark.parametrize(
    ("request_fields", "hibernates"),
    [({}, False), ({"force": False, "hibernate": False}, False), ({"hibernate": True}, True)],
)
def test_hibernation(request_fields, hibernates):
    """A stop says whether the instance hibernates."""
    found = read(switched("StopInstances", ["i-a"], {"i-a": "running"}, **request_fields))

    assert found == [event(TrailAction.STOP, was="running", hibernates=hibernates)]


def test_spot_interruption():
    """A service event has neither request nor answer, and names the instances in its details."""
    found = read(
        document(
            "BidEvictedEvent",
            eventType="AwsServiceEvent",
            userIdentity={"accountId": "111122223333", "invokedBy": "ec2.amazonaws.com"},
            serviceEventDetails={"instanceIdSet": ["i-a", "i-b"]},
        )
    )

    assert found == [
        event(TrailAction.EVICT, "i-a", spot=True),
        event(TrailAction.EVICT, "i-b", spot=True),
    ]


@pytest.mark.parametrize(
    ("fields", "instance_type"),
    [
        ({"instanceType": {"value": "m5.xlarge"}}, "m5.xlarge"),
        ({"instanceType": "m5.xlarge"}, "m5.xlarge"),
        ({"attribute": "instanceType", "value": "m5.xlarge"}, "m5.xlarge"),
        ({"attribute": "userData", "value": "m5.xlarge"}, None),
        ({"disableApiTermination": {"value": False}}, None),
        ({"userData": "<sensitiveDataRemoved>"}, None),
        ({"groupSet": {"items": [{"groupId": "sg-1"}]}}, None),
    ],
)
def test_new_type(fields, instance_type):
    """Of all attributes only the type matters, however the call sets it."""
    found = read(
        document(
            "ModifyInstanceAttribute",
            requestParameters={"instanceId": "i-a", **fields},
            responseElements={"requestId": "q-1", "_return": True},
        )
    )

    expected = [event(TrailAction.MODIFY, instance_type=instance_type)] if instance_type else []
    assert found == expected


@pytest.mark.parametrize(
    "fields",
    [
        {"errorCode": "Client.DryRunOperation", "errorMessage": "it would have succeeded"},
        {"errorCode": "Client.VcpuLimitExceeded", "responseElements": None},
        {"errorCode": "Client.UnauthorizedOperation", "responseElements": None},
        {"recipientAccountId": "999988887777"},
        {"awsRegion": "us-east-1"},
        {"eventSource": "other.amazonaws.com"},
        {"eventName": "RebootInstances"},
    ],
)
def test_what_does_not_count(fields):
    """Failed calls, other places and other kinds of calls change nothing here."""
    assert read(run_instances(launched("i-a"), **fields)) == []


def test_old_documents():
    """The first version of the format had no ids and no recipient."""
    old = run_instances(launched("i-a"))
    for name in ("recipientAccountId", "requestID", "eventID", "eventCategory", "managementEvent"):
        del old[name]

    assert [found.instance_id for found in read(old)] == ["i-a"]


@pytest.mark.parametrize(
    ("text", "at"),
    [
        ("2026-03-29T01:00:05Z", AT),
        ("2026-03-29T01:00:05.987Z", AT),
        ("2026-03-29 01:00:05", AT),
        ("2026-03-29T03:00:05+02:00", AT),
        (None, datetime(2026, 3, 29, 2, 0, 9, tzinfo=UTC).timestamp()),
    ],
)
def test_time(text, at):
    """The document's own time in whole seconds; where it has none, the answer's."""
    (found,) = read(run_instances(launched("i-a"), eventTime=text))

    assert found.at == at


OMITTED = {"omitted": True, "originalSize": 149893, "reason": "too large"}
INSTANCE = "AWS::EC2::Instance"


def test_a_launch_too_large_for_its_document():
    """CloudTrail leaves out what is over 100 KB: then the answer's own list says who it was."""
    content = run_instances(responseElements=OMITTED)
    resources = ((INSTANCE, "i-a"), ("AWS::EC2::VPC", "vpc-1"), (INSTANCE, "i-b"))

    assert read(content, *resources) == [
        event(TrailAction.RUN, "i-a"),
        event(TrailAction.RUN, "i-b"),
    ]
    assert read(content) == []


def test_a_stop_too_large_for_its_document():
    """Without the answer only the states before are unknown, without the request nothing is."""
    stop = switched("StopInstances", ["i-a", "i-b"], {"i-a": "running"})
    without_answer = {**stop, "responseElements": OMITTED}
    without_request = {**stop, "requestParameters": OMITTED}
    without_both = {**without_answer, "requestParameters": OMITTED}

    assert read(without_answer) == [event(TrailAction.STOP, "i-a"), event(TrailAction.STOP, "i-b")]
    assert read(without_request) == [event(TrailAction.STOP, "i-a", was="running")]
    assert read(without_both, (INSTANCE, "i-z")) == [event(TrailAction.STOP, "i-z")]


def without(name: str, content: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in content.items() if key != name}


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        ("{", "CloudTrailEvent e-1 is not JSON"),
        ("[" * 100_000, "CloudTrailEvent e-1 is not JSON"),
        ("[]", "CloudTrailEvent e-1 is not a structure"),
        (without("eventName", run_instances()), "CloudTrailEvent e-1.eventName is missing"),
        (run_instances(eventTime="yesterday"), "CloudTrailEvent e-1.eventTime is not an instant"),
        (run_instances(eventTime=7), "CloudTrailEvent e-1.eventTime is not of type str"),
        (
            run_instances(responseElements=None),
            "CloudTrailEvent e-1.responseElements.instancesSet.items is missing",
        ),
        (
            run_instances(responseElements="hidden"),
            "CloudTrailEvent e-1.responseElements is not a structure",
        ),
        (
            run_instances(without("instanceId", launched("i-a"))),
            "CloudTrailEvent e-1.responseElements.instancesSet.items.instanceId is missing",
        ),
        (
            document("StopInstances"),
            "CloudTrailEvent e-1.requestParameters.instancesSet.items is missing",
        ),
        (
            document("BidEvictedEvent"),
            "CloudTrailEvent e-1.serviceEventDetails.instanceIdSet is missing",
        ),
        (
            document("BidEvictedEvent", serviceEventDetails={"instanceIdSet": ["i-a", 7]}),
            "CloudTrailEvent e-1: an entry of instanceIdSet is not an id",
        ),
        (
            document("ModifyInstanceAttribute", requestParameters={"instanceType": "m5.large"}),
            "CloudTrailEvent e-1.requestParameters.instanceId is missing",
        ),
    ],
)
def test_documents_that_cannot_be_read(content, problem):
    """What is not as AWS documents it is no absence of events: it is named, and where it was."""
    with pytest.raises(SourceError) as caught:
        read(content)

    assert caught.value.reason is FailureReason.MALFORMED
    assert caught.value.detail == f"{DOING}: unusable answer: {problem}"


def test_recorded_logs():
    """Every event of CloudTrail's own log files can be read, if the tester has some at hand."""
    if not os.environ.get(LOGS):
        pytest.skip(f"{LOGS} names no directory of CloudTrail log files")
    for path in sorted(Path(os.environ[LOGS]).glob("*.json")):
        for number, content in enumerate(json.loads(path.read_text(encoding="utf-8"))["Records"]):
            place = Place(content.get("recipientAccountId", ""), content["awsRegion"])
            fields = {
                "EventId": f"{path.name}-{number}",
                "EventTime": datetime(2026, 1, 1, tzinfo=UTC),
                "CloudTrailEvent": json.dumps(content),
            }
            found = trail_events(Record(fields, DOING), place)

            text = json.dumps(content)
            assert all(f'"{each.instance_id}"' in text for each in found)
            assert not (content.get("errorCode") and found)
            silent = {"ModifyInstanceAttribute", "RebootInstances"}
            assert found or content.get("errorCode") or content["eventName"] in silent
