from dataclasses import replace
from math import exp, log, sqrt

import pytest

from exporter.core.estimate import estimate_fleet
from exporter.core.snapshot import Bounded
from tests.core.reference import REFERENCES, bounded, close, scene_of
from tests.factories import NOW, complete_scene, instance

FLEETS = [pytest.param(fleet, id=fleet["name"]) for fleet in REFERENCES["fleets"]]


def inputs_of(fleet):
    return [member["inputs"] for member in fleet["instances"]]


@pytest.mark.parametrize("fleet", FLEETS)
def test_totals_and_bounds_of_a_fleet(fleet):
    """They agree with examples worked out independently."""
    totals = estimate_fleet(*scene_of(inputs_of(fleet)), NOW).totals

    expected = fleet["expected"]
    assert close(totals.power_watts, bounded(expected["power_watts"]))
    assert close(totals.emissions_grams_per_hour, bounded(expected["emissions_grams_per_hour"]))


@pytest.mark.parametrize("fleet", FLEETS)
def test_bounds_agree_with_a_simulation(fleet):
    """200,000 draws from the declared errors spread as far as the bounds say, within 2 %."""
    totals = estimate_fleet(*scene_of(inputs_of(fleet)), NOW).totals

    for quantity, drawn in fleet["monte_carlo"].items():
        total = getattr(totals, quantity)
        deviation_ln = log(total.upper / total.value) / 1.85
        assert deviation_ln == pytest.approx(drawn["sd_ln"], rel=0.02)


@pytest.mark.parametrize("fleet", FLEETS)
def test_a_fleet_of_one_has_the_bounds_of_its_instance(fleet):
    """For every member on its own."""
    for inputs in inputs_of(fleet):
        snapshot = estimate_fleet(*scene_of([inputs]), NOW)

        (alone,) = snapshot.instances
        assert close(snapshot.totals.power_watts, alone.power_watts)
        assert close(snapshot.totals.emissions_grams_per_hour, alone.emissions_grams_per_hour)


def test_embodied_errors_are_shared_within_a_type():
    """Two of one type and one of another, with ranges of ln 2.923 and ln 2.571."""
    scene = complete_scene()
    place = instance().place
    inventory = scene.evidence.inventories[place]
    twice = replace(inventory, instances=(instance("i-0web"), instance("i-0twin")))

    totals = estimate_fleet(
        *scene.with_evidence(inventories={**scene.evidence.inventories, place: twice}), NOW
    ).totals

    total = 0.46 + 0.46 + 0.11
    one_type = 0.92 * log(0.76 / 0.26) / sqrt(12)
    other_type = 0.11 * log(0.18 / 0.07) / sqrt(12)
    factor = exp(1.85 * sqrt(one_type**2 + other_type**2) / total)
    assert close(totals.embodied_grams_per_hour, Bounded(total, total / factor, total * factor))


def test_costs_add_up():
    """Prices have no bounds."""
    totals = estimate_fleet(*complete_scene(), NOW).totals

    assert totals.cost_usd_per_hour == pytest.approx(0.115 + 0.0036)
    assert totals.cost_eur_per_hour == pytest.approx((0.115 + 0.0036) / 1.25)


def test_a_zone_without_history_leaves_only_the_emissions_unbounded():
    """The value stays; no bounds are made up."""
    scene = complete_scene()
    known = estimate_fleet(*scene, NOW).totals
    history = {"IE": scene.evidence.grid_history["IE"]}

    totals = estimate_fleet(*scene.with_evidence(grid_history=history), NOW).totals

    assert known.emissions_grams_per_hour is not None
    assert totals == replace(
        known, emissions_grams_per_hour=Bounded(known.emissions_grams_per_hour.value)
    )
