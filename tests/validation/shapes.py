"""Composed calls written in the shape of recorded documents."""

import copy
import itertools
import json
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from tests.validation.calls import Call
from tests.validation.recorded_events import Document
from tests.validation.recordings import DataError

_CODES = {"pending": 0, "running": 16, "shutting-down": 32, "stopping": 64, "stopped": 80}
_BECOMES = {
    "StartInstances": "pending",
    "StopInstances": "stopping",
    "TerminateInstances": "shutting-down",
}
_SHAPED_AS = {"BidEvictedEvent": "TerminateInstances", "RebootInstances": "StopInstances"}
"""Events of which none is recorded: their frame is another's, their content is documented."""


class Shapes:
    """The newest recorded success of each event, to be filled with other values."""

    def __init__(self, documents: Iterable[Document]) -> None:
        self._templates: dict[str, Document] = {}
        self._numbers = itertools.count(1)
        for document in sorted(documents, key=lambda document: str(document["eventTime"])):
            if not document.get("errorCode"):
                self._templates[document["eventName"]] = document

    def looked_up(self, call: Call) -> dict[str, Any]:
        """The call as LookupEvents answers it: an event with its document as text."""
        event_id = f"00000000-0000-4000-8000-{next(self._numbers):012x}"
        document = self._document(call)
        document["eventID"] = event_id
        return {
            "EventId": event_id,
            "EventName": call.name,
            "EventTime": datetime.fromtimestamp(call.at, UTC),
            "EventSource": document["eventSource"],
            "Resources": [],
            "CloudTrailEvent": json.dumps(document),
        }

    def _document(self, call: Call) -> Document:
        wanted = _SHAPED_AS.get(call.name, call.name)
        if wanted not in self._templates:
            raise DataError(f"no successful {wanted} is recorded in cloudtrail/*.json")
        document = copy.deepcopy(self._templates[wanted])
        document["eventName"] = call.name
        document["eventTime"] = datetime.fromtimestamp(call.at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        document["awsRegion"] = call.place.region
        document["recipientAccountId"] = call.place.account_id
        if call.name == "BidEvictedEvent":
            # AWS CloudTrail User Guide, "Non-API events captured by CloudTrail".
            document["eventType"] = "AwsServiceEvent"
            document["serviceEventDetails"] = {"instanceIdSet": list(call.instance_ids)}
            document["requestParameters"] = document["responseElements"] = None
        elif call.name == "RunInstances":
            _fill_launch(document, call)
        elif call.name == "ModifyInstanceAttribute":
            _fill_change(document, call)
        else:
            _fill_switch(document, call)
        if call.error_code:
            document["errorCode"] = call.error_code
            document["errorMessage"] = "made up"
            document["responseElements"] = None
        return document


def _fill_launch(document: Document, call: Call) -> None:
    items = document["responseElements"]["instancesSet"]["items"]
    filled = []
    for number, instance_id in enumerate(call.instance_ids):
        item = copy.deepcopy(items[0])
        item["instanceId"] = instance_id
        item["instanceType"] = call.instance_type
        item["launchTime"] = round(call.at * 1000)
        item["amiLaunchIndex"] = number
        item["placement"]["availabilityZone"] = f"{call.place.region}a"
        if call.spot:
            item["instanceLifecycle"] = "spot"
        filled.append(item)
    document["responseElements"]["instancesSet"]["items"] = filled
    document["requestParameters"]["instanceType"] = call.instance_type


def _fill_change(document: Document, call: Call) -> None:
    instance_id = call.instance_ids[0]
    document["requestParameters"] = (
        {"instanceId": instance_id, "instanceType": {"value": call.instance_type}}
        if call.instance_type
        else {**document["requestParameters"], "instanceId": instance_id}
    )


def _fill_switch(document: Document, call: Call) -> None:
    """The answer lists the instances in another order than the request, as recorded ones do."""
    items = [{"instanceId": instance_id} for instance_id in call.instance_ids]
    document["requestParameters"]["instancesSet"]["items"] = items
    if call.hibernates:
        document["requestParameters"]["hibernate"] = True
    becomes = _BECOMES.get(call.name, call.was)
    document["responseElements"]["instancesSet"]["items"] = [
        {
            **item,
            "currentState": {"code": _CODES.get(becomes, 16), "name": becomes},
            "previousState": {"code": _CODES.get(call.was, 16), "name": call.was},
        }
        for item in reversed(items)
    ]
