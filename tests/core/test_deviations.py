from math import log, sqrt

import pytest

from exporter.core.estimate import estimate_fleet
from exporter.core.instance_estimate import Siting
from exporter.core.snapshot import Deviation
from tests.factories import NOW, T3_MICRO, complete_scene, cpu, evidence, hardware, instance

CONSTANTS = {("model", ""): 0.1, ("alloc", ""): 0.1, ("pue", ""): 0.03}


def published(scene, siting=None) -> dict[tuple[str, str], float]:
    deviations = estimate_fleet(scene, siting or Siting({}, {}), NOW).deviations
    found = {(d.component, d.grid_zone or d.instance_type): d.deviation_ln for d in deviations}
    assert len(found) == len(deviations)
    return found


def test_every_component_is_published():
    """By type and zone where they vary, type at half load; calculated a second time."""
    worker_util = sqrt(4 * 1.36**2 / 3) / 5.78 * sqrt((1 - 4 / 5) / 4)

    assert published(*complete_scene()) == pytest.approx(
        CONSTANTS
        | {
            ("util", ""): worker_util / sqrt(2),
            ("cpu_age", ""): 0.15,
            ("type", "m5.large"): sqrt(0.29**2 - 0.01),
            ("type", "t3.micro"): sqrt(0.29**2 - 0.01),
            ("est", "DE"): 0.05,
            ("grid", "DE"): 1.25 * log(1.1) * 1.5**0.8,
            ("est", "IE"): 0.43,
            ("grid", "IE"): 1.25 * log(1.1),
        }
    )


def test_labels_stand_only_where_a_component_varies():
    """A zone or a type, never both."""
    deviations = estimate_fleet(*complete_scene(), NOW).deviations

    assert Deviation("model", 0.1) in deviations
    assert {d.component for d in deviations if d.grid_zone} == {"grid", "est"}
    assert {d.component for d in deviations if d.instance_type} == {"type"}


def test_what_varies_by_instance_is_published_as_root_mean_square():
    """Windows that ended 5, 15 and 60 minutes ago."""
    members = [instance(f"i-{i}", instance_type="t3.micro") for i in range(3)]
    ends = (NOW - 300, NOW - 900, NOW - 3600)
    facts = evidence(
        members,
        [cpu(m, 10, 10, 10, window_end_at=at) for m, at in zip(members, ends, strict=True)],
        hardware=[hardware("t3.micro", burstable=True)],
        profiles={"t3.micro": T3_MICRO},
    )

    found = published(facts)

    assert found["cpu_age", ""] == pytest.approx(sqrt((0.10**2 + 0.20**2 + 0.25**2) / 3))
    assert found["util", ""] == 0.0


def test_without_power_only_the_constants_are_known():
    """No instance, no zone: nothing to take a deviation of."""
    assert published(evidence([instance()])) == CONSTANTS


def test_a_zone_without_history_has_only_its_estimate():
    """What the grid moves per hour is then unknown."""
    scene = complete_scene()

    found = published(scene.with_evidence(grid_history={}).evidence, scene.siting)

    assert {key for key in found if key[0] in {"grid", "est"}} == {("est", "DE"), ("est", "IE")}
