from dataclasses import replace

import pytest

from exporter.core.estimate import ESTIMATED, estimate_fleet
from exporter.core.evidence import GapReason, PriceQuote, Quantity
from exporter.core.fleet import PurchaseOption
from exporter.core.snapshot import Bounded, FleetTotals, InstanceEstimate
from tests.core.changes import (
    WEB,
    WORKER,
    of,
    snapshot_of,
    unknown_pue,
    unknown_type,
    unknown_zone,
    with_entry,
    with_inventory,
    with_points,
    with_profile,
    with_web,
    without,
)
from tests.core.reference import REFERENCES, Quantified, bounded, close, scene_of
from tests.factories import DUBLIN, FRANKFURT, NOW, WEB_PRICE, hardware

CPU = {Quantity.CPU, Quantity.POWER, Quantity.EMISSIONS}
POWER = {Quantity.POWER, Quantity.EMISSIONS}
PROFILE = POWER | {Quantity.EMBODIED}
EMISSIONS = {Quantity.EMISSIONS}
COST = {Quantity.COST_USD, Quantity.COST_EUR}


def quantities(estimate: InstanceEstimate | FleetTotals) -> dict[Quantity, Quantified]:
    named = {
        Quantity.CPU: "cpu_utilization_ratio",
        Quantity.POWER: "power_watts",
        Quantity.EMISSIONS: "emissions_grams_per_hour",
        Quantity.EMBODIED: "embodied_grams_per_hour",
        Quantity.COST_USD: "cost_usd_per_hour",
        Quantity.COST_EUR: "cost_eur_per_hour",
    }
    return {q: getattr(estimate, name) for q, name in named.items() if hasattr(estimate, name)}


MISSING = [
    ("profile never got", without("profiles", "m5.large"), PROFILE, "source_down"),
    ("type unknown", unknown_type(GapReason.NO_PROFILE), PROFILE, "no_profile"),
    ("substituted", unknown_type(GapReason.SUBSTITUTED_PROFILE), PROFILE, "substituted_profile"),
    (
        "GPU, by its profile",
        with_profile(watts=(), power_gap=GapReason.ACCELERATOR_UNMODELLED),
        POWER,
        "accelerator_unmodelled",
    ),
    (
        "GPU, by its hardware",
        with_inventory(hardware=(hardware("m5.large", accelerators=1),)),
        POWER,
        "accelerator_unmodelled",
    ),
    ("no CPU of the place", without("cpu", FRANKFURT), CPU, "source_down"),
    ("no CPU of the instance", with_entry("cpu", FRANKFURT, {}), CPU, "no_datapoints"),
    ("too few points", with_points(10, 25), CPU, "no_datapoints"),
    ("no points", with_points(), CPU, "no_datapoints"),
    ("too young", with_web(launched_at=NOW - 899), CPU, "too_young"),
    ("started since the poll", with_web(launched_at=NOW - 80_000), CPU, "too_young"),
    ("no PUE", unknown_pue, EMISSIONS, "no_pue"),
    ("zone unknown", unknown_zone, EMISSIONS, "zone_not_covered"),
    ("grid never asked", without("grid", "DE"), EMISSIONS, "source_down"),
    *(
        (f"grid {reason}", with_entry("grid", "DE", reason), EMISSIONS, reason)
        for reason in (
            GapReason.NOT_CONFIGURED,
            GapReason.ZONE_NOT_COVERED,
            GapReason.SOURCE_DOWN,
            GapReason.NO_GRID_INTENSITY,
            GapReason.GRID_TOO_OLD,
        )
    ),
    ("price never got", without("prices", WEB_PRICE), COST, "source_down"),
    (
        "no such price",
        with_entry("prices", WEB_PRICE, PriceQuote(WEB_PRICE, None)),
        COST,
        "no_price",
    ),
    (
        "capacity block",
        with_web(purchase_option=PurchaseOption.CAPACITY_BLOCK),
        COST,
        "no_price",
    ),
]


@pytest.mark.parametrize(
    ("change", "absent", "reason"), [pytest.param(*case[1:], id=case[0]) for case in MISSING]
)
def test_what_depends_on_a_missing_input_is_absent_and_nothing_else(change, absent, reason):
    """One input lacks alone: its quantities end, with the reason; all other values are the same."""
    before, after = snapshot_of(), snapshot_of(change)
    web, worker = of(before, WEB), of(before, WORKER)

    assert quantities(of(after, WEB)) == {
        q: None if q in absent else value for q, value in quantities(web).items()
    }
    assert of(after, WORKER) == worker
    assert after.gaps == {(FRANKFURT, quantity, reason): 1 for quantity in absent}
    covered = {q: 0.5 if q in absent else 1.0 for q in ESTIMATED}
    assert after.covered_ratio == covered | {Quantity.RUNTIME: 0.0}
    for quantity, total in quantities(after.totals).items():
        source = worker if quantity in absent else before.totals
        assert close(total, quantities(source)[quantity])


@pytest.mark.parametrize(
    "reason", [GapReason.NOT_CONFIGURED, GapReason.SOURCE_DOWN, GapReason.NO_EXCHANGE_RATE]
)
def test_without_a_rate_only_the_euros_are_absent(reason):
    """For every instance, each in its own place."""
    before, after = (
        snapshot_of(),
        snapshot_of(lambda scene: scene.with_evidence(exchange_rate=reason)),
    )

    assert after.instances == tuple(replace(e, cost_eur_per_hour=None) for e in before.instances)
    assert after.totals == replace(before.totals, cost_eur_per_hour=None)
    assert after.gaps == {(place, Quantity.COST_EUR, reason): 1 for place in (FRANKFURT, DUBLIN)}
    assert after.exchange_rate is None


def test_without_a_grid_history_only_the_bounds_of_the_emissions_are_absent():
    """The value stays, and is no gap."""
    before, after = snapshot_of(), snapshot_of(without("grid_history", "DE"))

    web = of(before, WEB)
    assert web.emissions_grams_per_hour is not None
    assert of(after, WEB) == replace(
        web, emissions_grams_per_hour=Bounded(web.emissions_grams_per_hour.value)
    )
    assert of(after, WORKER) == of(before, WORKER)
    assert after.gaps == {}


def test_a_type_without_hardware_is_an_ordinary_one():
    """DescribeInstanceTypes may not know it: no accelerator, not burstable."""
    before, after = snapshot_of(), snapshot_of(with_inventory(hardware=()))

    assert after == before


def test_without_spot_prices_a_spot_instance_has_no_cost():
    """The list price does not stand in."""
    after = snapshot_of(without("spot", DUBLIN))

    assert of(after, WORKER) == replace(
        of(snapshot_of(), WORKER), cost_usd_per_hour=None, cost_eur_per_hour=None
    )
    assert after.gaps == {(DUBLIN, quantity, GapReason.SOURCE_DOWN): 1 for quantity in COST}


@pytest.mark.parametrize(
    "reference",
    [
        pytest.param(r, id=f"{r['inputs']['instance_type']} in {r['inputs']['region']}")
        for r in REFERENCES["instances"]
    ],
)
def test_power_and_emissions_with_their_bounds(reference):
    """They agree with examples worked out independently."""
    (estimate,) = estimate_fleet(*scene_of([reference["inputs"]]), NOW).instances

    expected = reference["expected"]
    assert close(estimate.cpu_utilization_ratio, expected["mean_utilization_ratio"])
    assert close(estimate.power_watts, bounded(expected["power_watts"]))
    assert close(estimate.emissions_grams_per_hour, bounded(expected["emissions_grams_per_hour"]))
