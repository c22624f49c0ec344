import itertools
import json
from datetime import UTC, datetime
from typing import Any

import pytest

from exporter.core.fleet import Place
from exporter.core.provenance import FailureReason, Scope, SourceName
from exporter.core.trail import Trail, TrailAction, TrailEvent
from exporter.sources.aws.events import CloudTrailEvents
from exporter.sources.aws.session import AwsClients
from exporter.sources.source import SourceError

PLACE = Place("111122223333", "eu-west-1")
NOW = datetime(2026, 3, 29, 10, 0, 30, tzinfo=UTC).timestamp()
DAY = 86400.0
NAMES = [
    "RunInstances",
    "StartInstances",
    "StopInstances",
    "TerminateInstances",
    "BidEvictedEvent",
    "ModifyInstanceAttribute",
]


class Stopwatch:
    """Hears of requests and keeps when each ended."""

    def __init__(self, timer):
        self._timer = timer
        self.asked_at = []

    def request(self, *_):
        """Keep the time."""
        self.asked_at.append(self._timer())

    def spend(self, *_):
        """Looking events up costs nothing."""
        raise AssertionError

    def shortest_distance_seconds(self):
        """Between two requests in a row."""
        return min(b - a for a, b in itertools.pairwise(self.asked_at))


@pytest.fixture
def stopwatch(passing):
    return Stopwatch(passing.timer)


@pytest.fixture
def source(passing, stopwatch, account):
    def source(now=NOW, **options):
        clients = AwsClients(stopwatch, connect_timeout_seconds=1.0, read_timeout_seconds=5.0)
        return CloudTrailEvents(
            clients,
            account,
            "eu-west-1",
            wall=lambda: now,
            pause=passing.pause,
            timer=passing.timer,
            **options,
        )

    return source


def stop(event_id, at, *ids):
    """An event of LookupEvents; values made up."""
    items = [{"instanceId": instance_id} for instance_id in ids]
    was = [{**item, "previousState": {"code": 16, "name": "running"}} for item in items]
    content = {
        "eventVersion": "1.10",
        "eventTime": datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "eventSource": "ec2.amazonaws.com",
        "eventName": "StopInstances",
        "awsRegion": "eu-west-1",
        "requestParameters": {"instancesSet": {"items": items}, "force": False},
        "responseElements": {"instancesSet": {"items": was}},
        "recipientAccountId": "111122223333",
    }
    return {
        "EventId": event_id,
        "EventName": "StopInstances",
        "ReadOnly": "false",
        "EventTime": at,
        "EventSource": "ec2.amazonaws.com",
        "Resources": [],
        "CloudTrailEvent": json.dumps(content),
    }


def stopped(event_id, at, instance_id):
    return TrailEvent(event_id, at, TrailAction.STOP, instance_id, was="running")


def answers(*pages):
    """Answers to the six questions: ``pages`` of stops, and nothing else."""
    empty: dict[str, Any] = {"Events": []}
    tokens = [f"page-{number}" for number in range(1, len(pages))]
    stops = [
        {"Events": list(page)} | ({"NextToken": token} if token else {})
        for page, token in itertools.zip_longest(pages, tokens)
    ]
    return [empty, empty, *(stops or [empty]), empty, empty, empty]


def test_it_is_a_source(source):
    """The events are those of one place."""
    assert source().name is SourceName.CLOUDTRAIL_EVENTS
    assert source().scope == Scope(*PLACE)


def test_questions(aws, source):
    """Each kind of event is asked for on its own, since the lookback, as many as a page holds."""
    aws.json("LookupEvents", *answers())
    source(now=NOW + 0.7).fetch(None)

    asked = aws.parameters("LookupEvents")
    assert [a["LookupAttributes"] for a in asked] == [
        [{"AttributeKey": "EventName", "AttributeValue": name}] for name in NAMES
    ]
    assert {(a["StartTime"], a["EndTime"], a["MaxResults"]) for a in asked} == {
        (NOW - 89 * DAY, NOW, 50)
    }


def test_nothing_happened(aws, source):
    """A place without events has a trail that says so, up to what is published for certain."""
    aws.json("LookupEvents", *answers())

    assert source().fetch(None) == Trail(PLACE, NOW - 89 * DAY, NOW - 1200, ())


def test_all_pages(aws, source):
    """Pages come newest first; the trail is sorted, and what comes twice is there once."""
    aws.json(
        "LookupEvents",
        *answers(
            [stop("e-4", NOW - 60, "i-a"), stop("e-3", NOW - 900, "i-b", "i-a")],
            [stop("e-3", NOW - 900, "i-b", "i-a"), stop("e-2", NOW - 900, "i-c")],
            [stop("e-1", NOW - 40 * DAY, "i-a"), stop("e-0", NOW - 90 * DAY, "i-a")],
        ),
    )

    found = source().fetch(None)

    assert found.events == (
        stopped("e-1", NOW - 40 * DAY, "i-a"),
        stopped("e-2", NOW - 900, "i-c"),
        stopped("e-3", NOW - 900, "i-a"),
        stopped("e-3", NOW - 900, "i-b"),
        stopped("e-4", NOW - 60, "i-a"),
    )
    asked = aws.parameters("LookupEvents")
    assert [a.get("NextToken") for a in asked] == [
        None,
        None,
        None,
        "page-1",
        "page-2",
        *[None] * 3,
    ]
    stops = {json.dumps(a["LookupAttributes"]) for a in asked[2:5]}
    assert len(stops) == 1


PREVIOUS = Trail(
    PLACE,
    NOW - 89 * DAY - 3600,
    NOW - 4800,
    (
        stopped("e-0", NOW - 89 * DAY - 60, "i-a"),
        stopped("e-1", NOW - 9 * DAY, "i-a"),
        stopped("e-3", NOW - 5000, "i-a"),
    ),
)


def test_later_only_what_is_new(aws, source):
    """Two hours are read again for late events; what leaves the lookback goes."""
    aws.json(
        "LookupEvents",
        *answers(
            [stop("e-4", NOW - 1000, "i-b"), stop("e-3", NOW - 5000, "i-a")],
            [stop("e-2", NOW - 11000, "i-c")],
        ),
    )

    found = source().fetch(PREVIOUS)

    assert {a["StartTime"] for a in aws.parameters("LookupEvents")} == {NOW - 4800 - 7200}
    assert found == Trail(
        PLACE,
        NOW - 89 * DAY,
        NOW - 1200,
        (
            stopped("e-1", NOW - 9 * DAY, "i-a"),
            stopped("e-2", NOW - 11000, "i-c"),
            stopped("e-3", NOW - 5000, "i-a"),
            stopped("e-4", NOW - 1000, "i-b"),
        ),
    )


def test_an_outage_longer_than_the_lookback(aws, source):
    """What nobody can tell any more is no longer claimed to be known."""
    aws.json("LookupEvents", *answers([stop("e-9", NOW - 5 * DAY, "i-a")]))
    before = Trail(PLACE, NOW - 20 * DAY, NOW - 11 * DAY, (stopped("e-1", NOW - 12 * DAY, "i-a"),))

    found = source(lookback_seconds=10 * DAY).fetch(before)

    assert found == Trail(
        PLACE, NOW - 10 * DAY, NOW - 1200, (stopped("e-9", NOW - 5 * DAY, "i-a"),)
    )


def test_a_clock_that_was_set_back(aws, source):
    """The known events stay, and the question does not begin in the future."""
    aws.json("LookupEvents", *answers())
    early = NOW - 3 * 3600

    found = source(now=early).fetch(PREVIOUS)

    asked = aws.parameters("LookupEvents")[0]
    assert (asked["StartTime"], asked["EndTime"]) == (early - 1200 - 7200, early)
    assert found.until_at == early - 1200
    assert found.events == PREVIOUS.events


def test_two_requests_a_second_at_most(aws, source, stopwatch):
    """All requests of a fetch, and those of the next, keep a distance of half a second."""
    aws.json("LookupEvents", *answers([], [], []), *answers())
    polled = source()
    polled.fetch(None)
    polled.fetch(None)

    assert len(stopwatch.asked_at) == 8 + 6
    assert stopwatch.shortest_distance_seconds() > 0.5


def test_half_of_all_requests_refused(aws, source, stopwatch):
    """Refused requests are repeated at the same pace; the result is that of a quiet hour."""
    pages = answers([stop("e-2", NOW - 60, "i-a")], [stop("e-1", NOW - 90, "i-a")])
    aws.json("LookupEvents", *pages)
    quiet = source().fetch(None)
    stopwatch.asked_at.clear()

    for page in pages:
        aws.json_error("LookupEvents", "ThrottlingException")
        aws.json("LookupEvents", page)
    refused = source().fetch(None)

    assert refused == quiet
    assert len(stopwatch.asked_at) == 2 * len(pages)
    assert stopwatch.shortest_distance_seconds() > 0.5


def test_botocore_repeats_nothing(aws, source, stopwatch):
    """A request that botocore repeats on its own would come too early."""
    for _ in range(13):
        aws.json_error("LookupEvents", "ThrottlingException")

    with pytest.raises(SourceError) as caught:
        source().fetch(None)

    assert caught.value.reason is FailureReason.THROTTLED
    assert "cloudtrail lookup_events in eu-west-1 as 111122223333" in caught.value.detail
    assert len(aws.asked) == 13
    assert stopwatch.shortest_distance_seconds() > 0.5


def test_a_short_outage(aws, source, make_reply):
    """An answer that is lost on its way is asked for again."""
    aws.reply("LookupEvents", make_reply(cut=True), make_reply(b"{}", 503))
    aws.json("LookupEvents", *answers())

    assert source().fetch(None).events == ()


def test_denied(aws, source):
    """A missing permission is named, and asked for once."""
    aws.json_error("LookupEvents", "AccessDeniedException")

    with pytest.raises(SourceError, match="allow cloudtrail:LookupEvents") as caught:
        source().fetch(None)

    assert caught.value.reason is FailureReason.DENIED
    assert len(aws.asked) == 1


@pytest.mark.parametrize(
    "answer",
    [
        {},
        {"Events": None},
        {"Events": [{"EventId": "e-1"}]},
        {"Events": [{**stop("e-1", NOW - 60, "i-a"), "CloudTrailEvent": "{"}]},
        {"Events": [{**stop("e-1", NOW - 60, "i-a"), "EventId": ""}]},
    ],
)
def test_unusable_answers(aws, source, answer):
    """An answer that cannot be read is no absence of events."""
    aws.json("LookupEvents", answer)

    with pytest.raises(SourceError) as caught:
        source().fetch(None)

    assert caught.value.reason is FailureReason.MALFORMED
