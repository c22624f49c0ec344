"""The pure mapping from the health of the sources to metric families."""

from collections.abc import Iterable, Sequence

from exporter.core.provenance import FailureReason, SourceStatus
from exporter.exposition.catalogue import health
from exporter.exposition.family import Family, labelled


def source_families(statuses: Sequence[SourceStatus]) -> tuple[Family, ...]:
    """Build every family of the sources; a source may occur once per scope.

    A source whose scopes are polled at different intervals shows the shortest: the others wait
    longer only because there is nothing in them to ask for.
    """
    scoped = sorted(
        (((status.source, *status.scope), status) for status in statuses),
        key=lambda pair: pair[0],
    )
    return (
        labelled(health.SOURCE_UP, ((scope, float(s.up)) for scope, s in scoped)),
        labelled(health.SOURCE_LAST_SUCCESS, ((scope, s.last_success_at) for scope, s in scoped)),
        labelled(
            health.SOURCE_INTERVAL, _shortest((s.source, s.interval_seconds) for _, s in scoped)
        ),
        labelled(
            health.SOURCE_MAX_AGE, _shortest((s.source, s.max_age_seconds) for _, s in scoped)
        ),
        labelled(health.SOURCE_DURATION, ((scope, s.last_duration_seconds) for scope, s in scoped)),
        labelled(health.SOURCE_REFRESHES, ((scope, s.refreshes) for scope, s in scoped)),
        labelled(
            health.SOURCE_FAILURES,
            (
                ((*scope, reason), s.failures.get(reason, 0))
                for scope, s in scoped
                for reason in FailureReason
            ),
        ),
    )


def _shortest(
    seconds: Iterable[tuple[str, float]],
) -> Iterable[tuple[tuple[str], float]]:
    shortest: dict[str, float] = {}
    for source, value in seconds:
        shortest[source] = min(value, shortest.get(source, value))
    return (((source,), value) for source, value in shortest.items())
