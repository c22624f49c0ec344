"""Electricity Maps' answers: the true shape with invented values, and everything wrong with it."""

import json
from collections.abc import Callable
from datetime import UTC, datetime

import pytest
import responses
from hypothesis import given
from hypothesis import strategies as st

from exporter.core.evidence import GridHistory, GridIntensity
from exporter.core.provenance import FailureReason, Scope, SourceName
from exporter.sources.grid.electricity_maps import (
    IntensityHistory,
    LatestIntensity,
    UnconfiguredGrid,
)
from exporter.sources.http import HttpUpstream
from exporter.sources.source import SourceError

BASE = "http://grid.test"
LATEST = f"{BASE}/v3/carbon-intensity/latest"
HISTORY = f"{BASE}/v3/carbon-intensity/history"
HOUR_AT = datetime(2026, 11, 22, 20, tzinfo=UTC).timestamp()
MISSING = object()


class Deaf:
    """A RequestObserver that ignores everything."""

    def request(
        self, upstream: str, operation: str, seconds: float, failure: FailureReason | None
    ) -> None:
        """Ignore it."""

    def spend(self, operation: str, usd: float) -> None:
        """Ignore it."""


def iso(instant: float) -> str:
    return datetime.fromtimestamp(instant, UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z")


def entry(hour_at: float = HOUR_AT, **changes: object) -> dict[str, object]:
    """One hour as the API writes it."""
    document = {
        "zone": "DE",
        "carbonIntensity": 111.5,
        "datetime": iso(hour_at),
        "updatedAt": iso(hour_at - 780),
        "createdAt": iso(hour_at - 250_000),
        "emissionFactorType": "lifecycle",
        "isEstimated": True,
        "estimationMethod": "TIME_SLICER_AVERAGE",
        "temporalGranularity": "hourly",
    } | changes
    return {key: value for key, value in document.items() if value is not MISSING}


def http() -> HttpUpstream:
    return HttpUpstream("electricity_maps", BASE, Deaf(), headers={"auth-token": "tok"})


def latest(answer: object, now: float = HOUR_AT) -> GridIntensity:
    with responses.RequestsMock() as mock:
        mock.get(LATEST, body=json.dumps(answer))
        return LatestIntensity(http(), "DE", wall=lambda: now).fetch(None)


def history(answer: object, now: float = HOUR_AT) -> GridHistory:
    with responses.RequestsMock() as mock:
        mock.get(HISTORY, body=json.dumps(answer))
        return IntensityHistory(http(), "DE", wall=lambda: now).fetch(None)


def day(*entries: object) -> dict[str, object]:
    return {"zone": "DE", "history": list(entries), "temporalGranularity": "hourly"}


def reason_of(call: Callable[[], object]) -> FailureReason:
    with pytest.raises(SourceError) as caught:
        call()
    assert "\n" not in caught.value.detail
    return caught.value.reason


@responses.activate
def test_request_is_for_one_zone_and_nothing_else():
    """Zone, no look-up by our address, lifecycle factors, and the token as a header."""
    query = {"zone": "DE", "disableCallerLookup": "true", "emissionFactorType": "lifecycle"}
    match = [
        responses.matchers.query_param_matcher(query),
        responses.matchers.header_matcher({"auth-token": "tok"}),
    ]
    responses.get(f"{BASE}/v4/carbon-intensity/latest", json=entry(), match=match)
    responses.get(f"{BASE}/v4/carbon-intensity/history", json=day(entry()), match=match)

    for kind in (LatestIntensity, IntensityHistory):
        kind(http(), "DE", wall=lambda: HOUR_AT, api_version="v4").fetch(None)

    assert len(responses.calls) == 2


def test_latest_is_read():
    """An estimate carries its method; its age may be negative, so may its revision's."""
    expected = GridIntensity("DE", 111.5, HOUR_AT, estimated=True, method="TIME_SLICER_AVERAGE")

    assert latest(entry(), now=HOUR_AT - 420) == expected


@pytest.mark.parametrize(
    ("changes", "estimated", "method"),
    [
        ({"isEstimated": False, "estimationMethod": None}, False, ""),
        ({"isEstimated": False, "estimationMethod": "LEFT_OVER"}, False, ""),
        ({"isEstimated": False, "estimationMethod": MISSING}, False, ""),
        ({"estimationMethod": None}, True, ""),
        ({"estimationMethod": MISSING}, True, ""),
        ({"estimationMethod": "SOME_NEW_ONE"}, True, "SOME_NEW_ONE"),
    ],
)
def test_method_belongs_to_estimates_only(changes, estimated, method):
    """A measured value has no method; an unknown method of an estimate is kept as it is."""
    found = latest(entry(**changes))

    assert (found.estimated, found.method) == (estimated, method)


@pytest.mark.parametrize(
    "changes",
    [
        {"createdAt": MISSING},
        {"updatedAt": MISSING},
        {"updatedAt": None},
        {"temporalGranularity": MISSING},
        {"emissionFactorType": MISSING},
        {"_disclaimer": "not for publication"},
        {"datetime": "2026-11-22T20:00:00Z"},
        {"datetime": "2026-11-22T20:00:00+00:00"},
        {"datetime": "2026-11-22T21:00:00.000+01:00"},
        {"datetime": "2026-11-22T20:00"},
    ],
)
def test_harmless_variations_are_read(changes):
    """What may be missing may be missing, and a time is a time in any usual notation."""
    assert latest(entry(**changes)).valid_at == HOUR_AT


NONSENSE = [
    {"zone": "FR"},
    {"zone": MISSING},
    {"zone": None},
    {"carbonIntensity": MISSING},
    {"carbonIntensity": None},
    {"carbonIntensity": "111"},
    {"carbonIntensity": True},
    {"carbonIntensity": 0},
    {"carbonIntensity": -111.5},
    {"carbonIntensity": 5000.1},
    {"carbonIntensity": 1.1e11},
    {"carbonIntensity": 10**400},
    {"carbonIntensity": float("nan")},
    {"carbonIntensity": float("inf")},
    {"datetime": MISSING},
    {"datetime": None},
    {"datetime": 1795381200},
    {"datetime": "yesterday"},
    {"datetime": "2026-13-22T20:00:00Z"},
    {"datetime": iso(HOUR_AT + 7201)},
    {"updatedAt": "yesterday"},
    {"isEstimated": MISSING},
    {"isEstimated": None},
    {"isEstimated": "true"},
    {"emissionFactorType": "direct"},
    {"estimationMethod": 7},
    {"estimationMethod": "two\nlines"},
    {"estimationMethod": "\ud800"},
]


@pytest.mark.parametrize("changes", NONSENSE)
def test_nonsense_is_malformed(changes):
    """No field is guessed, and one bad hour spoils a history as a whole."""
    good = entry(HOUR_AT - 3600)

    assert reason_of(lambda: latest(entry(**changes))) is FailureReason.MALFORMED
    assert reason_of(lambda: history(day(good, entry(**changes)))) is FailureReason.MALFORMED


@pytest.mark.parametrize("answer", [None, [], "DE", 7, {}, {"status": "no-data", "data": {}}])
def test_another_document_is_malformed(answer):
    """JSON of any other shape is not an answer."""
    assert reason_of(lambda: latest(answer)) is FailureReason.MALFORMED
    assert reason_of(lambda: history(answer)) is FailureReason.MALFORMED


@pytest.mark.parametrize("entries", [None, {}, "x", [None], [[]], [entry(), 7]])
def test_history_must_be_a_list_of_hours(entries):
    """Anything else inside it is malformed."""
    answer = day() | {"history": entries}

    assert reason_of(lambda: history(answer)) is FailureReason.MALFORMED


def test_history_of_another_zone_is_malformed():
    """Even when every hour in it claims to be ours."""
    answer = day(entry()) | {"zone": "FR"}

    assert reason_of(lambda: history(answer)) is FailureReason.MALFORMED


@pytest.mark.parametrize(
    ("age_seconds", "refused"), [(-7200, False), (0, False), (10_800, False), (10_801, True)]
)
def test_latest_hour_may_be_three_hours_old(age_seconds, refused):
    """A provider that keeps answering with an old hour has no recent data."""
    if refused:
        reason = reason_of(lambda: latest(entry(), now=HOUR_AT + age_seconds))
        assert reason is FailureReason.NO_RECENT_DATA
    else:
        assert latest(entry(), now=HOUR_AT + age_seconds).valid_at == HOUR_AT


@pytest.mark.parametrize(("age_seconds", "refused"), [(21_600, False), (21_601, True)])
def test_newest_hour_of_the_history_may_be_six_hours_old(age_seconds, refused):
    """Older hours before it do not matter."""
    answer = day(entry(HOUR_AT - 3600), entry())
    if refused:
        reason = reason_of(lambda: history(answer, now=HOUR_AT + age_seconds))
        assert reason is FailureReason.NO_RECENT_DATA
    else:
        assert history(answer, now=HOUR_AT + age_seconds).hours[-1].valid_at == HOUR_AT


def test_empty_history_is_no_recent_data():
    """An answer without hours is understood, but useless."""
    assert reason_of(lambda: history(day())) is FailureReason.NO_RECENT_DATA


@given(st.permutations(range(24)))
def test_history_is_sorted_by_hour(order):
    """In whatever order the hours come, the oldest is first."""
    answer = day(*(entry(HOUR_AT - 3600 * k, carbonIntensity=100 + k) for k in order))

    found = history(answer)

    assert found.grid_zone == "DE"
    assert [hour.valid_at for hour in found.hours] == [
        HOUR_AT - 3600 * k for k in range(23, -1, -1)
    ]
    assert [hour.grams_per_kilowatt_hour for hour in found.hours] == list(range(123, 99, -1))


@pytest.mark.parametrize(
    ("revisions", "grams"),
    [
        ([(10, 100), (20, 200)], 200),
        ([(20, 200), (10, 100)], 200),
        ([(10, 100), (10, 200)], 200),
        ([(20, 200), (None, 100)], 200),
        ([(None, 100), (20, 200), (15, 300)], 200),
    ],
)
def test_the_last_revision_of_an_hour_wins(revisions, grams):
    """By the time of the revision, not by its place in the list."""
    entries = [
        entry(
            carbonIntensity=value,
            updatedAt=MISSING if minute is None else iso(HOUR_AT + 60 * minute),
        )
        for minute, value in revisions
    ]

    assert [hour.grams_per_kilowatt_hour for hour in history(day(*entries)).hours] == [grams]


@pytest.mark.parametrize(
    ("status", "body", "reason", "advice"),
    [
        (401, '{"error":"Invalid auth-token"}', FailureReason.DENIED, "__TOKEN"),
        (403, "Access denied", FailureReason.NOT_COVERED, "one zone"),
        (404, '{"error":"No recent data for zone \\"DE\\""}', FailureReason.NO_RECENT_DATA, "DE"),
        (404, '{"status":"error","message":"No Recent Data"}', FailureReason.NO_RECENT_DATA, "DE"),
        (404, '{"status":"error","message":"No zone"}', FailureReason.NOT_COVERED, "__ZONES"),
        (404, "", FailureReason.NOT_COVERED, "__ZONES"),
        (429, '{"status":"error"}', FailureReason.THROTTLED, "429"),
        (400, '{"status":"error"}', FailureReason.MALFORMED, "400"),
        (500, "<html><body>Internal Server Error</body></html>", FailureReason.UNAVAILABLE, "500"),
        (503, "<html>", FailureReason.UNAVAILABLE, "503"),
    ],
)
@pytest.mark.parametrize("source", [LatestIntensity, IntensityHistory])
@responses.activate
def test_refusals_have_the_meaning_the_provider_gives_them(source, status, body, reason, advice):
    """A 403 is about the zone, a 404 about data or zone; Retry-After is always passed on."""
    for url in (LATEST, HISTORY):
        responses.get(url, status=status, body=body, headers={"Retry-After": "60"})

    with pytest.raises(SourceError) as caught:
        source(http(), "DE", wall=lambda: HOUR_AT).fetch(None)

    assert caught.value.reason is reason
    assert advice in caught.value.detail
    assert "tok" not in caught.value.detail.replace("token", "")
    assert caught.value.retry_after_seconds == 60.0


def test_names_and_scopes():
    """Both sources answer for their zone."""
    sources: list[LatestIntensity | IntensityHistory] = [
        LatestIntensity(http(), "DE", wall=lambda: 0.0),
        IntensityHistory(http(), "DE", wall=lambda: 0.0),
    ]

    assert [source.name for source in sources] == ["electricity_maps", "electricity_maps_history"]
    assert {source.scope for source in sources} == {Scope(grid_zone="DE")}


def test_without_a_token_the_setting_is_named():
    """The stand-in has the name and scope of the source, and says what to set."""
    source = UnconfiguredGrid(SourceName.ELECTRICITY_MAPS, "DE")

    with pytest.raises(SourceError, match="CARBONFINOPS_ELECTRICITY_MAPS__TOKEN") as caught:
        source.fetch(None)

    assert caught.value.reason is FailureReason.NOT_CONFIGURED
    assert (source.name, source.scope) == (SourceName.ELECTRICITY_MAPS, Scope(grid_zone="DE"))


@given(
    st.sampled_from(sorted(entry())),
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
        lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(), inner, max_size=2),
        max_leaves=4,
    ),
)
def test_any_value_in_any_field_is_read_or_refused(key, value):
    """Never another exception, and never a value outside the limits."""
    try:
        found = latest(entry(**{key: value}))
    except SourceError:
        return

    assert 0 < found.grams_per_kilowatt_hour <= 5000
    assert HOUR_AT - 10_800 <= found.valid_at <= HOUR_AT + 7200
