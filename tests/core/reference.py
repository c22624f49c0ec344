"""Worked examples, computed independently of the project, and the scenes they start from."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from exporter.core.fleet import Instance
from exporter.core.instance_estimate import Siting
from exporter.core.snapshot import Bounded, Pue
from exporter.core.units import SECONDS_PER_HOUR
from tests.factories import (
    M5_LARGE,
    NOW,
    Scene,
    cpu,
    evidence,
    hardware,
    history,
    instance,
    intensity,
)

REFERENCES = json.loads(Path(__file__).with_name("references.json").read_text(encoding="utf-8"))
Quantified = Bounded | float | None


def scene_of(inputs: Sequence[Mapping[str, Any]]) -> Scene:
    """One running instance for each of the inputs: i-0, i-1, ..."""
    members = [_instance(f"i-{i}", each) for i, each in enumerate(inputs)]
    facts = evidence(
        members,
        [_cpu(member, each) for member, each in zip(members, inputs, strict=True)],
        hardware={hardware(i["instance_type"], burstable=i["burstable"]) for i in inputs},
        profiles={
            i["instance_type"]: replace(
                M5_LARGE, instance_type=i["instance_type"], watts=tuple(i["watts"])
            )
            for i in inputs
        },
        grid={
            i["grid_zone"]: intensity(
                i["grid_zone"],
                i["grams_per_kilowatt_hour"],
                i["grid_age_hours"],
                estimated=i["estimated"],
                method=i["method"],
            )
            for i in inputs
        },
        grid_history={i["grid_zone"]: history(i["grid_zone"], i["history"]) for i in inputs},
    )
    siting = Siting(
        {i["region"]: i["grid_zone"] for i in inputs},
        {i["region"]: Pue(i["pue"], "published") for i in inputs},
    )
    return Scene(facts, siting)


def bounded(expected: Mapping[str, float]) -> Bounded:
    """An example's value and bounds."""
    return Bounded(expected["value"], expected["lower"], expected["upper"])


def close(one: Quantified, other: Quantified) -> bool:
    """Whether two quantities agree to rounding, and so do their bounds where they have them."""
    return _numbers(one) == pytest.approx(_numbers(other), rel=1e-9)


def _numbers(quantity: Quantified) -> tuple[float | None, ...]:
    if isinstance(quantity, Bounded):
        return (quantity.value, quantity.lower, quantity.upper)
    return (quantity,)


def _instance(instance_id: str, inputs: Mapping[str, Any]) -> Instance:
    region = inputs["region"]
    return instance(
        instance_id,
        region=region,
        availability_zone=f"{region}a",
        instance_type=inputs["instance_type"],
    )


def _cpu(subject: Instance, inputs: Mapping[str, Any]) -> Any:
    return cpu(
        subject,
        *inputs["points_percent"],
        window_slots=inputs["window_slots"],
        window_end_at=NOW - inputs["cpu_age_hours"] * SECONDS_PER_HOUR,
    )
