"""What CloudTrail and Cost Explorer would answer about the made-up organization."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from exporter.core.units import SECONDS_PER_DAY
from tests.benchmarks.organization import ACCOUNTS, Fleet, Machine

IMAGE_ID = "ami-0123456789abcdef0"
SPOT_SHARE = 0.1

Fields = dict[str, Any]


def looked_up(fleet: Fleet, place: tuple[str, str], fields: Fields) -> Fields:
    """One page of LookupEvents; a replacement is a launch and a termination."""
    name = fields["LookupAttributes"][0]["AttributeValue"]
    since_at, until_at = fields["StartTime"], fields["EndTime"]
    events = [
        _event(name, document)
        for old, new in fleet.replacements(since_at, until_at, place)
        for document in _documents(name, old, new, place)
    ]
    first, size = int(fields.get("NextToken", 0)), fields["MaxResults"]
    page: Fields = {"Events": events[first : first + size]}
    more = first + size < len(events)
    return page | {"NextToken": str(first + size)} if more else page


def _documents(
    name: str, old: Machine, new: Machine, place: tuple[str, str]
) -> Iterator[dict[str, Any]]:
    """At most one: each event has one name."""
    told = {
        "eventName": name,
        "eventID": f"{name}-{new.instance_id}",
        "eventSource": "ec2.amazonaws.com",
        "eventTime": _text(new.launched_at, "%Y-%m-%dT%H:%M:%SZ"),
        "recipientAccountId": place[0],
        "awsRegion": place[1],
    }
    if name == "RunInstances":
        launched = {
            "instanceId": new.instance_id,
            "instanceType": new.instance_type,
            "imageId": IMAGE_ID,
            "placement": {"availabilityZone": new.zone, "tenancy": "default"},
            **({"instanceLifecycle": "spot"} if new.spot else {}),
        }
        yield told | {"responseElements": {"instancesSet": {"items": [launched]}}}
    if name == "TerminateInstances":
        ended = {"instancesSet": {"items": [{"instanceId": old.instance_id}]}}
        yield told | {"requestParameters": ended}


def _event(name: str, document: Fields) -> Fields:
    at = datetime.fromisoformat(document["eventTime"]).timestamp()
    event_id = document["eventID"]
    return {
        "EventId": event_id,
        "EventName": name,
        "EventTime": at,
        "CloudTrailEvent": json.dumps(document),
    }


def billed(fleet: Fleet, fields: Fields) -> Fields:
    """GetCostAndUsage by day, account and purchase type, on one page."""
    period = fields["TimePeriod"]
    day_at, end_at = (
        datetime.fromisoformat(period[name]).replace(tzinfo=UTC).timestamp()
        for name in ("Start", "End")
    )
    accounts = [account for account in ACCOUNTS if (account, fleet.regions[0]) in fleet.places]
    hours = 24 * fleet.size / len(accounts)
    days = []
    while day_at < end_at:
        next_at = day_at + SECONDS_PER_DAY
        span = {"Start": _text(day_at, "%Y-%m-%d"), "End": _text(next_at, "%Y-%m-%d")}
        groups = [group for account in accounts for group in _groups(account, hours)]
        days.append({"TimePeriod": span, "Groups": groups, "Estimated": False})
        day_at = next_at
    return {"ResultsByTime": days}


def _groups(account: str, hours: float) -> Iterator[Fields]:
    for name, share, usd_per_hour in (
        ("On Demand Instances", 1 - SPOT_SHARE, 0.115),
        ("Spot Instances", SPOT_SHARE, 0.03),
    ):
        own_hours = hours * share
        metrics = {
            "AmortizedCost": {"Amount": str(own_hours * usd_per_hour), "Unit": "USD"},
            "UsageQuantity": {"Amount": str(own_hours), "Unit": "Hrs"},
        }
        yield {"Keys": [account, name], "Metrics": metrics}


def _text(at: float, form: str) -> str:
    return datetime.fromtimestamp(at, UTC).strftime(form)
