"""One event of CloudTrail, a JSON document inside the answer of LookupEvents.

Fields: "CloudTrail record contents", AWS CloudTrail User Guide (2026).
"""

import json
import math
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime

from exporter.core.fleet import Place
from exporter.core.trail import TrailAction, TrailEvent
from exporter.sources.aws.record import Record

_EC2 = "ec2.amazonaws.com"
_ACTIONS = {action.value: action for action in TrailAction}


def trail_events(record: Record, place: Place) -> list[TrailEvent]:
    """Give each instance's part in one event, in whole epoch seconds.

    Nothing comes of what failed (dry runs too), of other accounts and regions, and of other
    kinds of events. Raises SourceError (malformed), with the id of the event, where the document
    is not as AWS documents it.
    """
    event_id = record.text("EventId")
    document = record.within(_decoded(record, event_id), f"CloudTrailEvent {event_id}")
    action = _ACTIONS.get(document.text("eventName"))
    if action is None or not _counts(document, place):
        return []
    part = TrailEvent(event_id, _happened_at(record, document, event_id), action, instance_id="")
    match action:
        case TrailAction.RUN:
            return list(_launched(record, document, part))
        case TrailAction.EVICT:
            return list(_evicted(document, part))
        case TrailAction.MODIFY:
            return list(_resized(document, part))
        case _:
            return list(_switched(record, document, part))


def _decoded(record: Record, event_id: str) -> object:
    try:
        return json.loads(record.text("CloudTrailEvent"))
    except (ValueError, RecursionError):
        raise record.malformed(f"CloudTrailEvent {event_id} is not JSON") from None


def _counts(document: Record, place: Place) -> bool:
    return (
        not document.optional_text("errorCode")
        and document.optional_text("eventSource") in {"", _EC2}
        and document.optional_text("recipientAccountId") in {"", place.account_id}
        and document.optional_text("awsRegion") in {"", place.region}
    )


def _happened_at(record: Record, document: Record, event_id: str) -> float:
    text = document.optional_text("eventTime")
    if not text:
        return float(math.floor(record.instant("EventTime")))
    try:
        instant = datetime.fromisoformat(text)
    except ValueError:
        problem = f"CloudTrailEvent {event_id}.eventTime is not an instant"
        raise document.malformed(problem) from None
    # CloudTrail writes UTC, with or without saying so.
    utc = instant if instant.tzinfo else instant.replace(tzinfo=UTC)
    return float(math.floor(utc.timestamp()))


def _launched(record: Record, document: Record, part: TrailEvent) -> Iterator[TrailEvent]:
    response = document.part("responseElements")
    if _is_omitted(response):
        for instance_id in _resource_ids(record):
            yield replace(part, instance_id=instance_id)
        return
    for item in response.part("instancesSet").parts("items"):
        placement = item.part("placement")
        yield replace(
            part,
            instance_id=item.text("instanceId"),
            instance_type=item.optional_text("instanceType"),
            availability_zone=placement.optional_text("availabilityZone"),
            tenancy=placement.optional_text("tenancy"),
            image_id=item.optional_text("imageId"),
            spot=item.optional_text("instanceLifecycle") == "spot",
        )


def _switched(record: Record, document: Record, part: TrailEvent) -> Iterator[TrailEvent]:
    """Read a start, stop or termination; the answer has its own order, and may be cut off."""
    request = document.part("requestParameters")
    results = document.part("responseElements").part("instancesSet").optional_parts("items")
    was = {
        result.text("instanceId"): result.part("previousState").optional_text("name")
        for result in results
    }
    if _is_omitted(request):
        instance_ids = list(was) or _resource_ids(record)
    else:
        items = request.part("instancesSet").parts("items")
        instance_ids = [item.text("instanceId") for item in items]
    hibernates = part.action is TrailAction.STOP and request.optional_flag("hibernate")
    for instance_id in instance_ids:
        yield replace(
            part, instance_id=instance_id, was=was.get(instance_id, ""), hibernates=hibernates
        )


def _evicted(document: Record, part: TrailEvent) -> Iterator[TrailEvent]:
    details = document.part("serviceEventDetails")
    for instance_id in details.values("instanceIdSet"):
        if not isinstance(instance_id, str) or not instance_id:
            problem = f"CloudTrailEvent {part.event_id}: an entry of instanceIdSet is not an id"
            raise document.malformed(problem)
        yield replace(part, instance_id=instance_id, spot=True)


def _resized(document: Record, part: TrailEvent) -> Iterator[TrailEvent]:
    """Read a new type; the API takes it in two ways, and changes other attributes as well."""
    request = document.part("requestParameters")
    instance_type = request.attribute("instanceType")
    if not instance_type and request.attribute("attribute") == "instanceType":
        instance_type = request.attribute("value")
    if instance_type:
        yield replace(part, instance_id=request.text("instanceId"), instance_type=instance_type)


def _is_omitted(field: Record) -> bool:
    """Tell whether CloudTrail left the contents out: it does so beyond 100 KB."""
    return field.has("omitted")


def _resource_ids(record: Record) -> list[str]:
    """Give the instances that LookupEvents itself lists; it may list none."""
    return [
        resource.text("ResourceName")
        for resource in record.optional_parts("Resources")
        if resource.optional_text("ResourceType") == "AWS::EC2::Instance"
    ]
