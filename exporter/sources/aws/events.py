"""Starts and ends of instances, as CloudTrail's event history tells them."""

import math
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime

from exporter.core.fleet import Account, Place
from exporter.core.provenance import Scope, SourceName
from exporter.core.trail import Trail, TrailAction, TrailEvent, extended
from exporter.core.units import SECONDS_PER_DAY, SECONDS_PER_HOUR
from exporter.sources.aws.pace import Pace, PacedEndpoint
from exporter.sources.aws.session import AwsClients
from exporter.sources.aws.trail_document import trail_events

LOOKBACK_SECONDS = 89 * SECONDS_PER_DAY
"""As far back as there are events: whose launch is known has a type, and so a cost.

The event history holds 90 days (API reference of LookupEvents, 2026)."""

PUBLICATION_SECONDS = 1200.0
"""Events are there after 5 minutes on average (CloudTrail User Guide, "How CloudTrail works")."""

_LATE_SECONDS = 2 * SECONDS_PER_HOUR  # that average is no promise: so much is read again
# Two requests a second are allowed per account and region (API reference of LookupEvents, 2026).
_SPACING_SECONDS = 0.55
_PAGE_SIZE = 50


class CloudTrailEvents:
    """LookupEvents of one account in one region: everything of 89 days, then what is new.

    ``wall`` gives epoch seconds, ``timer`` never jumps, ``pause`` waits for so many seconds.
    """

    name = SourceName.CLOUDTRAIL_EVENTS

    def __init__(
        self,
        clients: AwsClients,
        account: Account,
        region: str,
        *,
        wall: Callable[[], float],
        pause: Callable[[float], None] = time.sleep,
        timer: Callable[[], float] = time.monotonic,
        lookback_seconds: float = LOOKBACK_SECONDS,
    ) -> None:
        pace = Pace(_SPACING_SECONDS, pause=pause, timer=timer)
        self._endpoint = PacedEndpoint(clients, "cloudtrail", region, account, pace=pace)
        self._place = Place(account.account_id, region)
        self._wall = wall
        self._lookback_seconds = lookback_seconds
        self.scope = Scope(account.account_id, region)

    def fetch(self, previous: Trail | None) -> Trail:
        """Add what has happened since ``previous``; events beyond the lookback go."""
        now = math.floor(self._wall())  # events are told in whole seconds
        until_at = now - PUBLICATION_SECONDS
        keep_since_at = now - self._lookback_seconds
        since_at = keep_since_at
        if previous:
            # The earlier of the two where the clock was set back.
            known_until_at = min(previous.until_at, until_at)
            since_at = max(since_at, known_until_at - _LATE_SECONDS)
        found = [event for action in TrailAction for event in self._happened(action, since_at, now)]
        return extended(previous, self._place, found, since_at, until_at, keep_since_at)

    def _happened(
        self, action: TrailAction, since_at: float, end_at: float
    ) -> Iterator[TrailEvent]:
        for page in self._endpoint.pages(
            "lookup_events",
            # One attribute is all that a request may have.
            LookupAttributes=[{"AttributeKey": "EventName", "AttributeValue": action.value}],
            StartTime=datetime.fromtimestamp(since_at, UTC),
            EndTime=datetime.fromtimestamp(end_at, UTC),
            MaxResults=_PAGE_SIZE,
        ):
            for record in page.parts("Events"):
                yield from trail_events(record, self._place)
