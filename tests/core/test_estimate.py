from dataclasses import replace
from math import exp, log, sqrt

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from exporter.core.estimate import ESTIMATED, estimate_fleet
from exporter.core.evidence import GapReason, Quantity
from exporter.core.fleet import InstanceState, Inventory, Place
from exporter.core.instance_estimate import Siting
from exporter.core.snapshot import Bounded, FleetTotals, InstanceEstimate, Pue
from tests.core.reference import REFERENCES, close, scene_of
from tests.factories import (
    DUBLIN,
    FRANKFURT,
    NOW,
    RATE,
    WINDOW_END_AT,
    complete_scene,
    evidence,
    instance,
)

OHIO = Place("444455556666", "us-east-2")
STEP_LN = log(1.1)


def around(value: float, *deviations_ln: float) -> Bounded:
    factor = exp(1.85 * sqrt(sum(d * d for d in deviations_ln)))
    return Bounded(value, value / factor, value * factor)


# A second calculation of the complete scene. All loads lie on anchors, so watts are means of
# anchors. CPU is ten minutes old: 0.15. Grid hours: 1.5 hours old; coming, so k = 1.
WEB_RATIO = (10 + 25 + 50) / 300
WEB_WATTS = (5.43 + 8.21 + 11.30) / 3
WEB_GRAMS = WEB_WATTS * 1.35 * 400 / 1000
WEB_OWN = (0.15, 0.10)
WEB_TYPE = sqrt((0.26 + 0.03 * (WEB_RATIO - 0.10) / 0.40) ** 2 - 0.01)
WEB_GRID = (0.03, 1.25 * STEP_LN * 1.5**0.8, 0.05)
WORKER_WATTS = (4.42 + 7.14) / 2
WORKER_GRAMS = WORKER_WATTS * 1.11 * 300 / 1000
WORKER_UTIL = sqrt(4 * 1.36**2 / 3) / WORKER_WATTS * sqrt((1 - 4 / 5) / 4)
WORKER_OWN = (WORKER_UTIL, 0.15, 0.10)
WORKER_TYPE = sqrt((0.26 + 0.03 * 0.075 / 0.40) ** 2 - 0.01)
WORKER_GRID = (0.03, 1.25 * STEP_LN, 0.43)


def parts(web: float, web_ln: tuple[float, ...], worker: float, worker_ln: tuple[float, ...]):
    """Shares of a total's deviation that the two instances do not have in common."""
    total = web + worker
    return (*(web * d / total for d in web_ln), *(worker * d / total for d in worker_ln))


def test_every_quantity_of_every_instance():
    """A fleet that lacks nothing, calculated a second time."""
    snapshot = estimate_fleet(*complete_scene(), NOW)

    web, worker = snapshot.instances
    assert (web.grid_zone, worker.grid_zone) == ("DE", "IE")
    assert web.cpu_utilization_ratio == pytest.approx(WEB_RATIO)
    assert worker.cpu_utilization_ratio == pytest.approx(0.175)
    assert close(web.power_watts, around(WEB_WATTS, *WEB_OWN, WEB_TYPE, 0.1))
    assert close(worker.power_watts, around(WORKER_WATTS, *WORKER_OWN, WORKER_TYPE, 0.1))
    assert close(
        web.emissions_grams_per_hour, around(WEB_GRAMS, *WEB_OWN, WEB_TYPE, 0.1, *WEB_GRID)
    )
    assert close(
        worker.emissions_grams_per_hour,
        around(WORKER_GRAMS, *WORKER_OWN, WORKER_TYPE, 0.1, *WORKER_GRID),
    )
    assert close(web.embodied_grams_per_hour, around(0.46, log(0.76 / 0.26) / sqrt(12)))
    assert close(worker.embodied_grams_per_hour, around(0.11, log(0.18 / 0.07) / sqrt(12)))
    assert (web.cost_usd_per_hour, worker.cost_usd_per_hour) == (0.115, 0.0036)
    assert close(web.cost_eur_per_hour, 0.092)
    assert close(worker.cost_eur_per_hour, 0.00288)


def test_everything_else_in_the_snapshot():
    """Totals, factors in use and their times, of the same fleet."""
    snapshot = estimate_fleet(*complete_scene(), NOW)

    web_ln, worker_ln = (*WEB_OWN, WEB_TYPE), (*WORKER_OWN, WORKER_TYPE)
    power = parts(WEB_WATTS, web_ln, WORKER_WATTS, worker_ln)
    emissions = parts(WEB_GRAMS, web_ln + WEB_GRID, WORKER_GRAMS, worker_ln + WORKER_GRID)
    assert close(snapshot.totals.power_watts, around(WEB_WATTS + WORKER_WATTS, *power, 0.1))
    assert close(
        snapshot.totals.emissions_grams_per_hour,
        around(WEB_GRAMS + WORKER_GRAMS, *emissions, 0.1),
    )
    assert snapshot.estimated_at == NOW
    assert snapshot.gaps == {}
    assert snapshot.covered_ratio == dict.fromkeys(ESTIMATED, 1.0) | {Quantity.RUNTIME: 0.0}
    assert close(snapshot.grid["DE"].bounds, around(400, *WEB_GRID[1:]))
    assert close(snapshot.grid["IE"].bounds, around(300, *WORKER_GRID[1:]))
    assert snapshot.grid["IE"].intensity.estimated
    assert snapshot.pue == {
        "eu-central-1": Pue(1.35, "published"),
        "eu-west-1": Pue(1.11, "operator"),
    }
    assert snapshot.exchange_rate == RATE
    assert snapshot.cpu_newest_point_at == dict.fromkeys((FRANKFURT, DUBLIN), WINDOW_END_AT - 300)


@pytest.mark.parametrize("state", [s for s in InstanceState if s is not InstanceState.RUNNING])
def test_an_instance_that_does_not_run_carries_nothing(state):
    """It is listed and counted, but has no quantity, no gap and no part in the totals."""
    scene = complete_scene()
    idle = replace(instance("i-0idle"), state=state)
    inventory = scene.evidence.inventories[FRANKFURT]
    grown = replace(inventory, instances=(*inventory.instances, idle))
    before = estimate_fleet(*scene, NOW)

    after = estimate_fleet(
        *scene.with_evidence(inventories={**scene.evidence.inventories, FRANKFURT: grown}), NOW
    )

    web, worker = before.instances
    assert after.instances == (web, InstanceEstimate(idle, "DE"), worker)
    assert after.totals == before.totals
    assert after.gaps == {}
    assert after.covered_ratio == before.covered_ratio
    assert after.counts == {**before.counts, (FRANKFURT, state): 1}


def test_counts_start_at_zero_in_every_place():
    """A reachable place without instances is a place with none, not an unknown one."""
    snapshot = estimate_fleet(
        evidence(inventories={OHIO: Inventory(OHIO, (), ())}), Siting({}, {}), NOW
    )

    assert snapshot.counts == {
        (OHIO, InstanceState.RUNNING): 0,
        (OHIO, InstanceState.STOPPED): 0,
    }


@pytest.mark.parametrize("unreachable", [{}, {OHIO: 0}])
def test_a_fleet_without_running_instances(unreachable):
    """It has no totals and lacks nothing."""
    snapshot = estimate_fleet(evidence(unreachable=unreachable), Siting({}, {}), NOW)

    assert snapshot.totals == FleetTotals(None, None, None, None, None)
    assert snapshot.covered_ratio == dict.fromkeys(Quantity, 1.0)
    assert snapshot.gaps == {}
    assert snapshot.instances == ()


def test_unreachable_places_count_as_gaps():
    """With their last known number, in every quantity; nothing of the others changes."""
    scene = complete_scene()
    before = estimate_fleet(*scene, NOW)

    after = estimate_fleet(*scene.with_evidence(unreachable={OHIO: 6}), NOW)

    assert after.gaps == {(OHIO, quantity, GapReason.SOURCE_DOWN): 6 for quantity in Quantity}
    assert after.covered_ratio == dict.fromkeys(ESTIMATED, 0.25) | {Quantity.RUNTIME: 0.0}
    assert after == replace(before, gaps=after.gaps, covered_ratio=after.covered_ratio)


def test_nothing_is_covered_when_no_place_can_be_reached():
    """Absent, not zero."""
    snapshot = estimate_fleet(evidence(unreachable={OHIO: 6, DUBLIN: 1}), Siting({}, {}), NOW)

    assert snapshot.totals == FleetTotals(None, None, None, None, None)
    assert snapshot.covered_ratio == dict.fromkeys(Quantity, 0.0)
    assert snapshot.counts == {}


def test_gaps_are_counted_by_place():
    """Instances that are known and nothing else: each place has its own."""
    members = [instance(f"i-{i}") for i in range(3)]
    members.append(instance("i-3", region="eu-west-1", availability_zone="eu-west-1b"))

    snapshot = estimate_fleet(evidence(members), Siting({}, {}), NOW)

    expected = {
        Quantity.CPU: GapReason.NO_DATAPOINTS,
        Quantity.POWER: GapReason.SOURCE_DOWN,
        Quantity.EMISSIONS: GapReason.ZONE_NOT_COVERED,
        Quantity.EMBODIED: GapReason.SOURCE_DOWN,
        Quantity.COST_USD: GapReason.SOURCE_DOWN,
        Quantity.COST_EUR: GapReason.SOURCE_DOWN,
    }
    assert snapshot.gaps == {
        (place, quantity, reason): count
        for place, count in ((FRANKFURT, 3), (DUBLIN, 1))
        for quantity, reason in expected.items()
    }


def test_factors_are_those_in_use():
    """A PUE of a location without instances, or points of a place that is gone, are not."""
    scene = complete_scene()
    kept = {DUBLIN: scene.evidence.inventories[DUBLIN]}

    snapshot = estimate_fleet(*scene.with_evidence(inventories=kept), NOW)

    assert list(snapshot.pue) == ["eu-west-1"]
    assert list(snapshot.cpu_newest_point_at) == [DUBLIN]


def test_a_zone_without_intensity_is_not_listed():
    """And one without history has its value alone."""
    scene = complete_scene()
    grid = {**scene.evidence.grid, "FR": GapReason.NOT_CONFIGURED}
    history = {"DE": scene.evidence.grid_history["DE"]}

    snapshot = estimate_fleet(*scene.with_evidence(grid=grid, grid_history=history), NOW)

    assert set(snapshot.grid) == {"DE", "IE"}
    assert snapshot.grid["IE"].bounds == Bounded(300)


FLEET = scene_of([member["inputs"] for member in REFERENCES["fleets"][0]["instances"]])


@settings(deadline=None, max_examples=25)
@given(st.permutations([m for i in FLEET.evidence.inventories.values() for m in i.instances]))
def test_the_order_of_instances_and_places_does_not_matter(members):
    """AWS lists in any order."""
    shuffled = {m.place: FLEET.evidence.inventories[m.place] for m in members}
    for place, inventory in shuffled.items():
        shuffled[place] = replace(
            inventory, instances=tuple(m for m in members if m.place == place)
        )
    before = estimate_fleet(*FLEET, NOW)

    after = estimate_fleet(*FLEET.with_evidence(inventories=shuffled), NOW)

    assert {id_of(e): e for e in after.instances} == {id_of(e): e for e in before.instances}
    assert close(after.totals.power_watts, before.totals.power_watts)
    assert close(after.totals.emissions_grams_per_hour, before.totals.emissions_grams_per_hour)
    assert (after.gaps, after.counts, after.grid) == (before.gaps, before.counts, before.grid)


def id_of(estimate: InstanceEstimate) -> str:
    return estimate.instance.instance_id
