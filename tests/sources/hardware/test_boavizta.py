"""BoaviztAPI's answers: the true shape with invented values, and everything wrong with it."""

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import pytest
import responses
from hypothesis import given
from hypothesis import strategies as st
from requests import PreparedRequest

from exporter.core.evidence import Embodied, GapReason, HardwareProfile
from exporter.core.provenance import FailureReason, Scope, SourceName
from exporter.sources.hardware.boavizta import InstanceProfile, ProfileVersion
from exporter.sources.http import HttpUpstream
from exporter.sources.source import SourceError

BASE = "http://model.test"
INSTANCE = f"{BASE}/v1/cloud/instance"
WATTS = {0: 3.25, 10: 6.5, 25: 9.75, 50: 13.0, 75: 15.5, 100: 17.0}
EMBODIED = {"value": 0.0005, "min": 0.0003125, "max": 0.0008}
PROFILE = HardwareProfile(
    instance_type="m5.large",
    watts=(3.25, 6.5, 9.75, 13.0, 15.5, 17.0),
    power_gap=None,
    embodied=Embodied(0.5, 0.3125, 0.8),
    embodied_gap=None,
    provider_version="9.9.9",
)
MISSING = object()

Answer = tuple[int, object]


class Deaf:
    """A RequestObserver that ignores everything."""

    def request(
        self, upstream: str, operation: str, seconds: float, failure: FailureReason | None
    ) -> None:
        """Ignore it."""

    def spend(self, operation: str, usd: float) -> None:
        """Ignore it."""


def model(load: float, **changes: object) -> dict[str, Any]:
    """The answer at one load; ``changes`` are dotted paths with __ for the dots."""
    document: dict[str, Any] = {
        "impacts": {
            "gwp": {
                "unit": "kgCO2eq",
                "description": "Total climate change",
                "embedded": EMBODIED | {"warnings": ["End of life is not included"]},
                "use": {"value": 0.004, "min": 0.0002, "max": 0.02},
            }
        },
        "verbose": {
            "vcpu": {"value": 2.0, "status": "ARCHETYPE"},
            "memory": {"value": 8.0, "status": "ARCHETYPE", "unit": "GB"},
            "avg_power": {
                "value": WATTS.get(int(load)),
                "status": "COMPLETED",
                "unit": "W",
                "min": 0.9 * WATTS[int(load)],
                "max": 1.2 * WATTS[int(load)],
            },
            "time_workload": {"value": load, "status": "INPUT", "unit": "%"},
            "duration": {"value": 1.0, "unit": "hours"},
            "CPU-1": {"units": {"value": 2.0, "status": "ARCHETYPE"}},
        },
    }
    for path, value in changes.items():
        *parents, key = path.split("__")
        place = document
        for parent in parents:
            place = place[parent]
        if value is MISSING:
            del place[key]
        else:
            place[key] = value
    return document


def fetch(
    answer: Callable[[float], Answer], instance_type: str = "m5.large"
) -> tuple[HardwareProfile, list[Mapping[str, Any]]]:
    """The profile, and the requests it took."""
    asked: list[Mapping[str, Any]] = []

    def play(request: PreparedRequest) -> tuple[int, dict[str, str], str]:
        body = json.loads(request.body or b"")
        asked.append(body)
        status, document = answer(body["usage"]["time_workload"])
        text = document if isinstance(document, str) else json.dumps(document)
        return status, {"Retry-After": "60"}, text

    query = {"verbose": "true", "duration": "1", "criteria": "gwp"}
    http = HttpUpstream("boavizta", BASE, Deaf())
    with responses.RequestsMock() as mock:
        mock.add_callback(
            responses.POST,
            INSTANCE,
            play,
            match=[responses.matchers.query_param_matcher(query)],
        )
        profile = InstanceProfile(http, instance_type, lambda: "9.9.9").fetch(None)
    return profile, asked


def failure_of(answer: Callable[[float], Answer]) -> SourceError:
    with pytest.raises(SourceError) as caught:
        fetch(answer)
    assert "\n" not in caught.value.detail
    return caught.value


def test_profile_takes_one_question_per_load():
    """Six questions; watts in the order of the loads, embodied grams from kilograms."""
    profile, asked = fetch(lambda load: (200, model(load)))

    assert profile == PROFILE
    assert sorted(question["usage"]["time_workload"] for question in asked) == list(WATTS)
    for question in asked:
        assert question == {
            "provider": "aws",
            "instance_type": "m5.large",
            "usage": question["usage"],
        }


def test_embodied_is_that_of_half_load():
    """Answers at other loads are not asked for it."""
    spoiled: dict[str, Any] = {"impacts": {}}

    profile, _ = fetch(lambda load: (200, model(load) | ({} if load == 50 else spoiled)))

    assert profile == PROFILE


@pytest.mark.parametrize(
    "warning",
    [
        "Instance 'm5.large' not found; using closest match 'm5.xlarge' (fuzzy match)",
        "Closest match used",
        "NOT FOUND",
    ],
)
def test_substituted_type_is_a_gap_after_one_question(warning):
    """Another type's numbers are worth nothing, neither for power nor for embodied emissions."""
    profile, asked = fetch(lambda load: (200, model(load, warnings=["Beta", warning])))

    gap = GapReason.SUBSTITUTED_PROFILE
    assert profile == replace(PROFILE, watts=(), power_gap=gap, embodied=None, embodied_gap=gap)
    assert len(asked) == 1


def test_substitution_at_a_single_load_is_a_gap_too():
    """Servers of two versions behind one address may disagree."""
    warnings = {"warnings": ["using closest match 'm5.xlarge'"]}

    profile, _ = fetch(lambda load: (200, model(load) | (warnings if load == 75 else {})))

    assert profile.power_gap is GapReason.SUBSTITUTED_PROFILE
    assert profile.watts == ()


@pytest.mark.parametrize("warnings", [None, [], ["End of life is not included"]])
def test_other_warnings_do_not_matter(warnings):
    """Only a substitution makes the numbers useless."""
    profile, _ = fetch(lambda load: (200, model(load, warnings=warnings)))

    assert profile == PROFILE


def test_unknown_type_is_a_gap_after_one_question():
    """The 404 that names the type is an answer, not a failure."""
    profile, asked = fetch(lambda _: (404, {"detail": "m5.large at aws not found"}))

    gap = GapReason.NO_PROFILE
    assert profile == replace(PROFILE, watts=(), power_gap=gap, embodied=None, embodied_gap=gap)
    assert len(asked) == 1


@pytest.mark.parametrize("body", ['{"detail":"Not Found"}', "<html>404</html>", ""])
def test_404_of_another_server_is_a_failure(body):
    """A wrong base URL must not look like a fleet of unknown types for a week."""
    failure = failure_of(lambda _: (404, body))

    assert failure.reason is FailureReason.UNAVAILABLE
    assert "CARBONFINOPS_BOAVIZTA__BASE_URL" in failure.detail


def test_accelerators_leave_the_embodied_emissions():
    """The model has no power of a GPU, but its making; one question tells."""
    profile, asked = fetch(
        lambda load: (200, model(load, verbose__gpu_units={"value": 8.0, "status": "ARCHETYPE"}))
    )

    expected = replace(PROFILE, watts=(), power_gap=GapReason.ACCELERATOR_UNMODELLED)
    assert profile == expected
    assert len(asked) == 1


@pytest.mark.parametrize("units", [{"value": 0}, {"value": 0.0, "status": "ARCHETYPE"}, None])
def test_no_accelerators_is_the_usual_case(units):
    """Zero units, or none mentioned."""
    profile, _ = fetch(lambda load: (200, model(load, verbose__gpu_units=units)))

    assert profile == PROFILE


@pytest.mark.parametrize(
    "changes",
    [
        {"impacts": MISSING},
        {"impacts": {}},
        {"impacts__gwp": "not implemented"},
        {"impacts__gwp__unit": "tCO2eq"},
        {"impacts__gwp__embedded": "not implemented"},
        {"impacts__gwp__embedded__min": MISSING},
        {"impacts__gwp__embedded__value": None},
        {"impacts__gwp__embedded__value": 0},
        {"impacts__gwp__embedded__value": -0.0005},
        {"impacts__gwp__embedded__value": float("nan")},
        {"impacts__gwp__embedded__value": 0.00089},
        {"impacts__gwp__embedded__value": 0.00028},
        {"impacts__gwp__embedded": {"value": 0.0005, "min": 0.0006, "max": 0.0004}},
        {"impacts__gwp__embedded": {"value": 0.0005, "min": 0.0, "max": 0.0008}},
        {"impacts__gwp__embedded": {"value": 24.0, "min": 14.0, "max": 40.0}},
        {"verbose": MISSING},
        {"verbose__gpu_units": {}},
        {"verbose__gpu_units": {"value": None}},
        {"verbose__gpu_units": {"value": -1}},
        {"verbose__gpu_units": 8},
        {"verbose__avg_power": MISSING},
        {"verbose__avg_power": "not implemented"},
        {"verbose__avg_power__unit": "kW"},
        {"verbose__avg_power__value": MISSING},
        {"verbose__avg_power__value": None},
        {"verbose__avg_power__value": "13"},
        {"verbose__avg_power__value": 0},
        {"verbose__avg_power__value": -7.0},
        {"verbose__avg_power__value": 50_001},
        {"verbose__avg_power__value": 1e12},
        {"verbose__avg_power__value": float("nan")},
        {"verbose__avg_power__value": float("inf")},
        {"warnings": "closest match"},
        {"warnings": {"a": 1}},
    ],
)
def test_nonsense_is_malformed(changes):
    """No number is guessed."""
    assert failure_of(lambda load: (200, model(load, **changes))).reason is FailureReason.MALFORMED


@pytest.mark.parametrize("body", ["", "<html>", "null", "[]", "{}", '"2.5.0"', '{"impacts": <<{'])
def test_another_document_is_malformed(body):
    """Cut, blank, empty or of another kind."""
    assert failure_of(lambda _: (200, body)).reason is FailureReason.MALFORMED


@pytest.mark.parametrize("load", WATTS)
def test_power_must_not_fall_with_load(load):
    """One swapped answer spoils the curve; equal watts at two loads do not."""

    def dented(asked: float) -> Answer:
        watts = 2.0 if load else 6.6
        changes = {"verbose__avg_power__value": watts} if asked == load else {}
        return 200, model(asked, **changes)

    assert failure_of(dented).reason is FailureReason.MALFORMED
    flat, _ = fetch(lambda asked: (200, model(asked, verbose__avg_power__value=5)))
    assert flat.watts == (5.0,) * 6


@pytest.mark.parametrize("value", [0.0008 * 1.09, 0.0003125 * 0.91])
def test_rounded_value_may_lie_a_little_outside_its_bounds(value):
    """It is kept as it is: the bounds are the provider's too."""
    profile, _ = fetch(lambda load: (200, model(load, impacts__gwp__embedded__value=value)))

    assert profile.embodied is not None
    assert profile.embodied.grams_per_hour == pytest.approx(1000 * value)
    assert profile.embodied.upper_grams_per_hour == pytest.approx(0.8)


@pytest.mark.parametrize(
    ("status", "reason"),
    [
        (403, FailureReason.DENIED),
        (422, FailureReason.MALFORMED),
        (429, FailureReason.THROTTLED),
        (500, FailureReason.UNAVAILABLE),
        (503, FailureReason.UNAVAILABLE),
    ],
)
@pytest.mark.parametrize("failing_load", [50, 100])
def test_failure_at_any_load_is_a_failure(status, reason, failing_load):
    """A profile is whole or it is not there; what the server asks for is passed on."""
    failure = failure_of(
        lambda load: (status, "<html>") if load == failing_load else (200, model(load))
    )

    assert failure.reason is reason
    assert failure.retry_after_seconds == 60.0


@given(
    st.sampled_from(["impacts", "verbose", "warnings", "verbose__gpu_units", "verbose__avg_power"]),
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
        lambda inner: (
            st.lists(inner, max_size=2)
            | st.dictionaries(
                st.sampled_from(["gwp", "embedded", "value", "min", "max", "avg_power"]), inner
            )
        ),
        max_leaves=6,
    ),
)
def test_any_value_in_any_field_is_read_or_refused(path, value):
    """Never another exception; what is read obeys the limits, and what lacks has a gap."""
    try:
        profile, _ = fetch(lambda load: (200, model(load, **{path: value})))
    except SourceError:
        return

    assert (profile.watts == ()) == (profile.power_gap is not None)
    assert (profile.embodied is None) == (profile.embodied_gap is not None)
    assert all(0 < watts <= 50_000 for watts in profile.watts)


@pytest.mark.parametrize(
    ("body", "version"), [('"2.5.0"', "2.5.0"), ('"2.6.0rc1+local"', "2.6.0rc1+local")]
)
def test_version_is_a_bare_text(body, version):
    """As the server writes it."""
    with responses.RequestsMock() as mock:
        mock.get(f"{BASE}/v1/utils/version", body=body)
        assert ProfileVersion(HttpUpstream("boavizta", BASE, Deaf())).fetch(None) == version


@pytest.mark.parametrize("body", ["", "2.5.0", '""', "25", "null", '{"version":"2"}', '"a\\nb"'])
def test_other_versions_are_malformed(body):
    """What cannot be a label is not a version."""
    source = ProfileVersion(HttpUpstream("boavizta", BASE, Deaf()))
    with responses.RequestsMock() as mock:
        mock.get(f"{BASE}/v1/utils/version", body=body)
        with pytest.raises(SourceError) as caught:
            source.fetch(None)

    assert caught.value.reason is FailureReason.MALFORMED


def test_names_and_scopes():
    """Profiles are the same everywhere."""
    http = HttpUpstream("boavizta", BASE, Deaf())
    sources: list[ProfileVersion | InstanceProfile] = [
        ProfileVersion(http),
        InstanceProfile(http, "m5.large", lambda: ""),
    ]

    assert [(source.name, source.scope) for source in sources] == [
        (SourceName.BOAVIZTA, Scope())
    ] * 2
