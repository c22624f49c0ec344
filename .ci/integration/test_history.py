"""Five weeks of history make everything show at once, and live samples go on with them."""

import pytest
from tests.prometheus.rulebook import recording_files

from lived_demo import DAYS, LivedDemo

OPERATORS_OWN = {"tag_service:carbonfinops_sci_grams_per_functional_unit:avg1h"}
"""Needs a count of functional units, which nobody but the operator has."""

OURS = '{__name__=~"(.+:)?carbonfinops_.+",job="carbonfinops"}'
CALLED_FOR = {
    # Of instances that came or went, of what is only told when it happens, or only of live ones.
    "_instance_",
    "carbonfinops_estimate_gaps",  # by reason: those of an instance that was launched just now
    "carbonfinops_upstream_request",
    "carbonfinops_source_refresh_failures_total",
}
STEP_SECONDS = 240


def names(series: list[dict[str, str]]) -> set[str]:
    return {labels["__name__"] for labels in series}


def label_sets(series: list[dict[str, str]]) -> set[frozenset[tuple[str, str]]]:
    return {frozenset(labels.items()) for labels in series}


def test_every_recorded_series_has_a_past(demo: LivedDemo) -> None:
    """The month's forecast, references of four weeks: all have values before the first scrape."""
    recorded = {rule.record for file in recording_files() for rule in file.rules}

    before = names(demo.series(OURS, demo.begun_at - 2 * STEP_SECONDS))

    assert recorded - before == OPERATORS_OWN


def test_the_past_is_as_long_as_it_was_asked_for(demo: LivedDemo) -> None:
    """Power of the fleet at every step of five weeks, and none before."""
    at = demo.begun_at - 2 * STEP_SECONDS
    hours = "count_over_time((fleet:carbonfinops_instance_power_watts:sum > 0)[36d:1h])"

    assert demo.value(hours, at) == pytest.approx(DAYS * 24, abs=1)


def test_nothing_pauses_where_the_past_ends(demo: LivedDemo) -> None:
    """The month's forecast, the last to be recorded and the slowest, has a value all the time."""
    forecasts = "count(fleet:carbonfinops_cost_eur_per_month:forecast) or vector(0)"
    at = demo.settled()
    seconds = int(at - demo.begun_at)

    assert demo.value(f"min_over_time(({forecasts})[{seconds}s:15s])", at) == 1


def test_live_samples_go_on_with_the_same_series(demo: LivedDemo) -> None:
    """No series of the fleet, its sources and its rules ends where the live samples begin."""
    past = demo.series(OURS, demo.begun_at - 2 * STEP_SECONDS)
    present = demo.series(OURS, demo.settled())

    assert len(past) > 1000
    broken = names([dict(pairs) for pairs in label_sets(past) ^ label_sets(present)])
    assert not {name for name in broken if not any(part in name for part in CALLED_FOR)}
