"""What the web server shows, read from what the publisher last published."""

from collections.abc import Mapping

from exporter.exposition.page import render_page
from exporter.exposition.render import Exposition
from exporter.publisher import HEARTBEAT_SECONDS, Publisher
from exporter.refresh import Clock

LINKS = {"Metrics": "/metrics", "Ready": "/-/ready", "Healthy": "/-/healthy"}


SILENCE_LIMIT_SECONDS = 12 * HEARTBEAT_SECONDS


class StatusSite:
    """Reads attributes only: a request neither blocks nor locks."""

    def __init__(
        self, publisher: Publisher, clock: Clock, *, version: str, simulated: bool
    ) -> None:
        self._publisher = publisher
        self._clock = clock
        self._version = version
        self._simulated = simulated

    @property
    def exposition(self) -> Exposition:
        """The answer to a scrape."""
        return self._publisher.published.exposition

    @property
    def unready_reason(self) -> str:
        """Why there is no fleet to show yet; empty once there is."""
        if self._publisher.published.snapshot is None:
            return "waiting for the first inventory"
        return ""

    @property
    def unhealthy_reason(self) -> str:
        """Why the process should be started again: nothing was published for far too long."""
        silent_seconds = self._clock.monotonic() - self._publisher.published.at
        if silent_seconds > SILENCE_LIMIT_SECONDS:
            return f"nothing has been published for {silent_seconds:.0f} s"
        return ""

    def page(self, query: Mapping[str, str]) -> bytes:
        """The status page."""
        published = self._publisher.published
        return render_page(
            published.snapshot,
            published.statuses,
            version=self._version,
            simulated=self._simulated,
            links=LINKS,
            query=query,
        )
