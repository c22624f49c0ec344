"""Machines whose power and prices are easy to reckon with, and what their CPU was."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from exporter.core.evidence import HardwareProfile, PriceKey, PriceQuote
from exporter.core.fleet import Hardware, Instance
from exporter.core.scenarios.facts import CaseFacts
from exporter.core.scenarios.load import LoadDistribution, packed
from tests import factories
from tests.core.scenarios import scenes

POINTS_PER_WEEK = 2016
HOURS_PER_MONTH = 365.25 / 12 * 24

VCPUS = {"m5.large": 2, "m5.xlarge": 4, "m5.2xlarge": 8, "m5.4xlarge": 16}
"""In this fleet each vCPU costs 0.05 USD/h and draws 2.5 W, and 0.05 W per percent of CPU."""


def hardware(instance_type: str, **changes: Any) -> Hardware:
    """Hardware of one of VCPUS, by default; anything may be changed by name."""
    found = replace(factories.hardware(instance_type), vcpus=VCPUS.get(instance_type, 2))
    return replace(found, **changes)


def profile(instance_type: str, vcpus: int) -> HardwareProfile:
    """Power that rises in a straight line with CPU."""
    watts = tuple(vcpus * (2.5 + 0.05 * load) for load in (0, 10, 25, 50, 75, 100))
    return replace(factories.M5_LARGE, instance_type=instance_type, watts=watts)


def price(
    instance_type: str, usd_per_hour: float | None, location: str = "eu-central-1"
) -> dict[PriceKey, PriceQuote]:
    """The answer for a Linux machine of default tenancy; None where it is not sold."""
    key = PriceKey(location, instance_type, "RunInstances", "default")
    return {key: PriceQuote(key, usd_per_hour)}


def prices(*instance_types: str) -> dict[PriceKey, PriceQuote]:
    """Prices in Frankfurt of these types, or of all."""
    found: dict[PriceKey, PriceQuote] = {}
    for each in instance_types or VCPUS:
        found |= price(each, 0.05 * VCPUS[each])
    return found


def profiles(*instance_types: str) -> dict[str, HardwareProfile]:
    """Power of these types, or of all."""
    return {each: profile(each, VCPUS[each]) for each in instance_types or VCPUS}


def machine(instance_id: str = "i-0web", **changes: Any) -> Instance:
    """An m5.xlarge in Frankfurt that has run since before the history begins."""
    known: dict[str, Any] = {"instance_type": "m5.xlarge", "launched_at": scenes.MONDAY_AT}
    return factories.instance(instance_id, **(known | changes))


def steady(level: int, weeks: int = 4, points: int = POINTS_PER_WEEK) -> LoadDistribution:
    """As many points at one level in every week."""
    return LoadDistribution(weeks * 7, (packed([(level, points)]),) * weeks)


def fleet(watched: Mapping[Instance, LoadDistribution], **changes: Any) -> CaseFacts:
    """Facts that lack nothing, of these instances; anything may be changed by name."""
    known: dict[str, Any] = {
        "instances": tuple(watched),
        "loads": {instance.instance_id: load for instance, load in watched.items()},
        "hardware": {each: hardware(each) for each in VCPUS},
        "profiles": profiles(),
        "prices": prices(),
    }
    return scenes.facts(**(known | changes))
