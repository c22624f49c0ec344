"""The pure mapping from the health of the sources to metric families."""

from collections.abc import Callable, Iterable, Sequence

from exporter.core.provenance import FailureReason, SourceStatus
from exporter.exposition.catalogue import health
from exporter.exposition.family import Family, labelled


def source_families(statuses: Sequence[SourceStatus]) -> tuple[Family, ...]:
    """Build every family of the sources; a source may occur once per scope.

    A source whose scopes are polled at different intervals shows the shortest: the others wait
    longer only because there is nothing in them to ask for. Their age limit is a family of its own.
    """
    scoped = sorted(
        (((status.source, *status.scope), status) for status in statuses),
        key=lambda pair: pair[0],
    )
    max_ages = [(status.source, status.max_age_seconds) for _, status in scoped]
    return (
        labelled(health.SOURCE_UP, ((scope, float(s.up)) for scope, s in scoped)),
        labelled(health.SOURCE_LAST_SUCCESS, ((scope, s.last_success_at) for scope, s in scoped)),
        labelled(
            health.SOURCE_INTERVAL,
            _by_source(min, ((s.source, s.interval_seconds) for _, s in scoped)),
        ),
        labelled(health.SOURCE_MAX_AGE, _by_source(min, max_ages)),
        labelled(health.SOURCE_SELDOM_MAX_AGE, _by_source(max, max_ages)),
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


def _by_source(
    choose: Callable[[float, float], float], seconds: Iterable[tuple[str, float]]
) -> Iterable[tuple[tuple[str], float]]:
    chosen: dict[str, float] = {}
    for source, value in seconds:
        chosen[source] = choose(value, chosen.get(source, value))
    return (((source,), value) for source, value in chosen.items())
