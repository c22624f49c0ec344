"""Boavizta (BoaviztAPI 2.x): power at six loads and embodied emissions of an instance type.

API: the server's own /docs; behaviour as of release 2.5.0. It is only ever talked to over HTTP.
"""

from collections.abc import Callable
from http import HTTPStatus

from exporter.core.evidence import LOAD_ANCHORS_PERCENT, Embodied, GapReason, HardwareProfile
from exporter.core.provenance import FailureReason, Scope, SourceName
from exporter.core.units import GRAMS_PER_KILOGRAM
from exporter.sources.answer import malformed, member, number, optional, text
from exporter.sources.http import HttpUpstream
from exporter.sources.source import SourceError

FIRST_LOAD_PERCENT = 50.0
"""Asked first: this answer also holds the embodied emissions, and all that may make the other
five needless."""

HIGHEST_WATTS = 50_000.0
"""More than a full rack draws."""

HIGHEST_EMBODIED_KILOGRAMS_PER_HOUR = 5.0
"""Fifty times the largest known type, and less than any type's whole life (from 9 kg): that is
what a server answers that does not heed ``duration``."""

ROUNDING_RATIO = 0.1
"""The value is rounded to one or two digits and its bounds to four: it may lie outside a bit."""

MOST_ACCELERATORS = 1024.0

SUBSTITUTION_SIGNS = ("closest match", "not found", "fuzzy match")


class ProfileVersion:
    """The server's version: its numbers change between minor releases."""

    name = SourceName.BOAVIZTA
    scope = Scope()

    def __init__(self, http: HttpUpstream) -> None:
        self._http = http

    def fetch(self, previous: str | None) -> str:  # noqa: ARG002  # protocol
        """Ask for the version. Raises SourceError."""
        return text(self._http.get_json("version", "/v1/utils/version", {}))


class InstanceProfile:
    """The model of one instance type. ``version`` gives the server's version at the fetch."""

    name = SourceName.BOAVIZTA
    scope = Scope()

    def __init__(self, http: HttpUpstream, instance_type: str, version: Callable[[], str]) -> None:
        self._http = http
        self._instance_type = instance_type
        self._version = version

    def fetch(self, previous: HardwareProfile | None) -> HardwareProfile:  # noqa: ARG002  # protocol
        """Ask at each load, or only once when that shows a gap. Raises SourceError."""
        try:
            return self._read()
        except SourceError as error:
            if error.reason is not FailureReason.NOT_COVERED:
                raise
            return self._without(GapReason.NO_PROFILE)

    def _read(self) -> HardwareProfile:
        first = self._ask(FIRST_LOAD_PERCENT)
        if _is_substitute(first):
            return self._without(GapReason.SUBSTITUTED_PROFILE)
        embodied = _embodied(first)
        if _has_accelerators(first):
            return HardwareProfile(
                instance_type=self._instance_type,
                watts=(),
                power_gap=GapReason.ACCELERATOR_UNMODELLED,
                embodied=embodied,
                embodied_gap=None,
                provider_version=self._version(),
            )
        others = {
            load: self._ask(load) for load in LOAD_ANCHORS_PERCENT if load != FIRST_LOAD_PERCENT
        }
        if any(_is_substitute(answer) for answer in others.values()):
            return self._without(GapReason.SUBSTITUTED_PROFILE)
        answers = {FIRST_LOAD_PERCENT: first, **others}
        watts = tuple(_watts(answers[load]) for load in LOAD_ANCHORS_PERCENT)
        if list(watts) != sorted(watts):
            raise malformed(f"the power of {self._instance_type} falls with rising load")
        return HardwareProfile(
            instance_type=self._instance_type,
            watts=watts,
            power_gap=None,
            embodied=embodied,
            embodied_gap=None,
            provider_version=self._version(),
        )

    def _without(self, gap: GapReason) -> HardwareProfile:
        return HardwareProfile(
            instance_type=self._instance_type,
            watts=(),
            power_gap=gap,
            embodied=None,
            embodied_gap=gap,
            provider_version=self._version(),
        )

    def _ask(self, load_percent: float) -> object:
        answer: object = self._http.post_json(
            "instance",
            "/v1/cloud/instance",
            {"verbose": "true", "duration": "1", "criteria": "gwp"},
            {
                "provider": "aws",
                "instance_type": self._instance_type,
                "usage": {"time_workload": load_percent},
            },
            meaning=self._meaning,
        )
        return answer

    def _meaning(self, status: int, body: str) -> tuple[FailureReason, str] | None:
        """An unknown type is named in the 404; any other 404 comes from a wrong base URL."""
        if status != HTTPStatus.NOT_FOUND:
            return None
        if self._instance_type in body:
            return FailureReason.NOT_COVERED, f"no model of {self._instance_type}"
        detail = f"no BoaviztAPI there (404): check {self._http.base_url_setting}"
        return FailureReason.UNAVAILABLE, detail


def _is_substitute(answer: object) -> bool:
    """Whether another type was answered: an unknown type comes as the one with the nearest name.

    Only this warning tells, since release 2.4.0.
    """
    warnings = optional(answer, "warnings")
    if not isinstance(warnings, list | None):
        raise malformed("warnings is not a list")
    return any(
        sign in str(warning).lower() for warning in warnings or () for sign in SUBSTITUTION_SIGNS
    )


def _has_accelerators(answer: object) -> bool:
    """GPUs and the like: their power is not in the model, which has CPU, memory and disks."""
    verbose = member(answer, "verbose")
    if optional(verbose, "gpu_units") is None:
        return False
    return number(verbose, "gpu_units", "value", above=-1, up_to=MOST_ACCELERATORS) != 0


def _watts(answer: object) -> float:
    """The estimate at the load asked for; its min and max are the uncertainty at that load."""
    _expect_unit(member(answer, "verbose", "avg_power"), "W")
    return number(answer, "verbose", "avg_power", "value", above=0, up_to=HIGHEST_WATTS)


def _embodied(answer: object) -> Embodied:
    """Per hour, because the query says duration=1.

    ``impacts.gwp.use`` is not used: it rests on one country's fixed factor.
    """
    impact = member(answer, "impacts", "gwp")
    _expect_unit(impact, "kgCO2eq")
    value, lower, upper = (
        number(impact, "embedded", key, above=0, up_to=HIGHEST_EMBODIED_KILOGRAMS_PER_HOUR)
        for key in ("value", "min", "max")
    )
    if lower > upper or not lower * (1 - ROUNDING_RATIO) <= value <= upper * (1 + ROUNDING_RATIO):
        raise malformed("embedded emissions lie outside their own bounds")
    return Embodied(
        grams_per_hour=value * GRAMS_PER_KILOGRAM,
        lower_grams_per_hour=lower * GRAMS_PER_KILOGRAM,
        upper_grams_per_hour=upper * GRAMS_PER_KILOGRAM,
    )


def _expect_unit(quantity: object, unit: str) -> None:
    if optional(quantity, "unit") not in (None, unit):
        raise malformed(f"the unit is not {unit}")
