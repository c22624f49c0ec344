"""Recorded CloudTrail events: as answers of LookupEvents, and counted by hand from the raw JSON.

The count knows nothing of the exporter's parser and state machine: it reads the documents field
by field and pairs each start with the next end.
"""

import calendar
import json
import time
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

from exporter.core.fleet import Place
from exporter.core.trail import TrailEvent
from exporter.sources.aws.record import Record
from exporter.sources.aws.trail_document import trail_events
from exporter.sources.source import SourceError
from tests.validation.recordings import DataError, json_in, names_in

MARGIN_SECONDS = 3600.0
"""How far before the first and after the last event of an instance it is looked at."""

_STARTS = ("RunInstances", "StartInstances")
_ENDS = ("StopInstances", "TerminateInstances")

Document = dict[str, Any]
"""One event as CloudTrail writes it."""


def recorded_documents(data: Path) -> list[Document]:
    """Every document of the folder, in the order of files and of each file."""
    found: list[Document] = []
    for name in names_in(data, "cloudtrail/*.json"):
        try:
            found += json_in(data, name)["Records"]
        except (KeyError, TypeError):
            raise DataError(f"{name} has no list of Records") from None
    return found


def instant(text: str) -> float:
    """Epoch seconds of a time stamp, which is UTC whatever its form; fractions are cut off."""
    return float(calendar.timegm(time.strptime(text[:19].replace(" ", "T"), "%Y-%m-%dT%H:%M:%S")))


def looked_up(document: Document, number: int) -> dict[str, Any]:
    """The event as LookupEvents gives it; documents of 2014 have no id: their number stands in."""
    return {
        "EventId": document.get("eventID") or f"without-id-{number}",
        "EventName": document["eventName"],
        "EventTime": datetime.fromtimestamp(instant(document["eventTime"]), UTC),
        "EventSource": document.get("eventSource", ""),
        "Resources": [],
        "CloudTrailEvent": json.dumps(document),
    }


def parsed(documents: Sequence[Document]) -> list[list[TrailEvent] | None]:
    """What the exporter reads from each document; None where it refuses one."""
    found: list[list[TrailEvent] | None] = []
    for number, document in enumerate(documents):
        record = Record(looked_up(document, number), "recorded")
        try:
            found.append(trail_events(record, _place(document)))
        except SourceError:
            found.append(None)
    return found


def _place(document: Document) -> Place:
    account_id = document.get("recipientAccountId") or document["userIdentity"]["accountId"]
    return Place(account_id, document["awsRegion"])


@dataclass(frozen=True, slots=True)
class Count:
    """One instance counted by hand between ``since_at`` and ``until_at``.

    ``story`` names its ``events``. ``unknown_seconds`` follow a start whose end is not recorded.
    """

    instance_id: str
    story: str
    events: int
    since_at: float
    until_at: float
    running_seconds: float
    unknown_seconds: float


def counted(documents: Iterable[Document]) -> list[Count]:
    """Pair starts and ends of every instance, whoever's account the recording says it is in.

    The two halves of one recorded pair carry different made-up accounts.
    """
    told: dict[str, list[tuple[float, str]]] = defaultdict(list)
    for document in documents:
        name = document["eventName"]
        if document.get("errorCode") or name not in (*_STARTS, *_ENDS):
            continue
        half = "responseElements" if name == "RunInstances" else "requestParameters"
        for item in document[half]["instancesSet"]["items"]:
            told[item["instanceId"]].append((instant(document["eventTime"]), name))
    return [_count(instance_id, sorted(told[instance_id])) for instance_id in sorted(told)]


def _count(instance_id: str, told: list[tuple[float, str]]) -> Count:
    since_at, until_at = told[0][0] - MARGIN_SECONDS, told[-1][0] + MARGIN_SECONDS
    # The answer of the recorded ends says that the instance was running before.
    running = told[0][0] - since_at if told[0][1] in _ENDS else 0.0
    for (at, name), (next_at, _) in pairwise(told):
        running += next_at - at if name in _STARTS else 0.0
    unknown = until_at - told[-1][0] if told[-1][1] in _STARTS else 0.0
    story = ", ".join(name.removesuffix("Instances") for _, name in told)
    return Count(instance_id, story, len(told), since_at, until_at, running, unknown)


def launch_time_lags(documents: Iterable[Document]) -> list[float]:
    """Seconds from each successful launch's event to the LaunchTime in its answer."""
    return [
        item["launchTime"] / 1000 - instant(document["eventTime"])
        for document in documents
        if document["eventName"] == "RunInstances" and not document.get("errorCode")
        for item in document["responseElements"]["instancesSet"]["items"]
    ]
