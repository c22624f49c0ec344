"""What the web server shows, read from what the publisher last published."""

from collections.abc import Mapping

from exporter.exposition.page import render_page
from exporter.exposition.render import Exposition
from exporter.publisher import Publisher

LINKS = {"Metrics": "/metrics", "Ready": "/-/ready", "Healthy": "/-/healthy"}


class StatusSite:
    """Reads attributes only: a request neither blocks nor locks."""

    def __init__(self, publisher: Publisher, *, version: str, simulated: bool) -> None:
        self._publisher = publisher
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
