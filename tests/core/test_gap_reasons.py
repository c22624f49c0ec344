"""Which reason is given where several inputs are missing."""

from itertools import pairwise

import pytest

from exporter.core.evidence import GapReason, Quantity, first_reason
from exporter.core.snapshot import Pue
from tests.core.changes import (
    WEB,
    of,
    snapshot_of,
    unknown_pue,
    unknown_type,
    unknown_zone,
    with_entry,
    with_inventory,
    with_points,
    with_siting,
    with_web,
    without,
)
from tests.factories import FRANKFURT, NOW, complete_scene, hardware

HAMBURG = "eu-central-1-ham-1"
IN_HAMBURG = with_web(availability_zone=f"{HAMBURG}a")
DOWN, YOUNG = without("cpu", FRANKFURT), with_web(launched_at=NOW - 60)
NO_PROFILE = unknown_type(GapReason.NO_PROFILE)
GPU = with_inventory(hardware=(hardware("m5.large", accelerators=4),))
UNCONFIGURED_GRID = with_entry("grid", "DE", GapReason.NOT_CONFIGURED)
UNCOVERED_GRID = with_entry("grid", "DE", GapReason.ZONE_NOT_COVERED)
OLD_GRID = with_entry("grid", "DE", GapReason.GRID_TOO_OLD)


@pytest.mark.parametrize(
    ("changes", "quantity", "reason"),
    [
        ((UNCONFIGURED_GRID, DOWN), Quantity.EMISSIONS, "not_configured"),
        ((UNCONFIGURED_GRID, DOWN), Quantity.POWER, "source_down"),
        ((UNCONFIGURED_GRID, IN_HAMBURG), Quantity.EMISSIONS, "not_configured"),
        ((UNCOVERED_GRID, DOWN, GPU), Quantity.EMISSIONS, "zone_not_covered"),
        ((unknown_zone, YOUNG), Quantity.EMISSIONS, "zone_not_covered"),
        ((DOWN, NO_PROFILE), Quantity.POWER, "source_down"),
        ((without("profiles", "m5.large"), YOUNG), Quantity.POWER, "source_down"),
        ((without("grid", "DE"), GPU), Quantity.EMISSIONS, "source_down"),
        ((GPU, NO_PROFILE, YOUNG), Quantity.POWER, "accelerator_unmodelled"),
        ((GPU, NO_PROFILE, YOUNG), Quantity.EMBODIED, "no_profile"),
        ((NO_PROFILE, YOUNG), Quantity.POWER, "no_profile"),
        ((YOUNG, with_entry("cpu", FRANKFURT, {})), Quantity.CPU, "too_young"),
        ((YOUNG, unknown_pue), Quantity.EMISSIONS, "too_young"),
        ((with_points(10), unknown_pue), Quantity.EMISSIONS, "no_datapoints"),
        ((unknown_pue, OLD_GRID), Quantity.EMISSIONS, "no_pue"),
        ((OLD_GRID, with_points(10)), Quantity.EMISSIONS, "no_datapoints"),
    ],
)
def test_of_several_reasons_the_first_by_precedence_is_given(changes, quantity, reason):
    """Whatever the order in which they came up."""
    for order in (changes, changes[::-1]):
        reasons = {r for (place, q, r) in snapshot_of(*order).gaps if q is quantity}

        assert reasons == {reason}


def test_precedence():
    """The documented order: settings, coverage, outage, then the specific reasons."""
    assert list(GapReason) == [
        GapReason.NOT_CONFIGURED,
        GapReason.ZONE_NOT_COVERED,
        GapReason.SOURCE_DOWN,
        GapReason.ACCELERATOR_UNMODELLED,
        GapReason.NO_PROFILE,
        GapReason.SUBSTITUTED_PROFILE,
        GapReason.TOO_YOUNG,
        GapReason.NO_DATAPOINTS,
        GapReason.NO_PUE,
        GapReason.NO_GRID_INTENSITY,
        GapReason.GRID_TOO_OLD,
        GapReason.NO_PRICE,
        GapReason.NO_EXCHANGE_RATE,
        GapReason.RUNTIME_UNKNOWN,
    ]
    for earlier, later in pairwise(GapReason):
        assert first_reason(earlier, later) is first_reason(later, earlier) is earlier


@pytest.mark.parametrize(
    ("zones", "pue", "reason"),
    [
        ({}, {}, "no_pue"),
        ({HAMBURG: "DE"}, {}, "no_pue"),
        ({}, {HAMBURG: Pue(1.3, "operator")}, "zone_not_covered"),
        ({HAMBURG: "DE"}, {HAMBURG: Pue(1.3, "operator")}, None),
    ],
)
def test_a_local_zone_is_looked_up_under_its_own_name(zones, pue, reason):
    """The region's PUE and grid zone are not its own, and its PUE lacks before its grid zone."""
    siting = complete_scene().siting
    after = snapshot_of(
        IN_HAMBURG,
        with_siting(grid_zones={**siting.grid_zones, **zones}, pue={**siting.pue, **pue}),
    )

    emissions = {r for (_, quantity, r) in after.gaps if quantity is Quantity.EMISSIONS}
    assert emissions == ({reason} if reason else set())
    assert of(after, WEB).grid_zone == zones.get(HAMBURG, "")
