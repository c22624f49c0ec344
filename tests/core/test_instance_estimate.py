"""Every input missing alone, and which reason is given where several are missing."""

from collections.abc import Callable
from dataclasses import replace
from functools import reduce
from typing import Any

import pytest

from exporter.core.estimate import estimate_fleet
from exporter.core.evidence import (
    ExchangeRate,
    GapReason,
    PriceQuote,
    Quantity,
    first_reason,
)
from exporter.core.fleet import PurchaseOption
from exporter.core.snapshot import FleetSnapshot, FleetTotals, InstanceEstimate, Pue
from tests.core.reference import REFERENCES, Quantified, bounded, close, scene_of
from tests.factories import (
    DUBLIN,
    FRANKFURT,
    NOW,
    WEB_PRICE,
    Scene,
    complete_scene,
    cpu,
    hardware,
    instance,
)

Change = Callable[[Scene], Scene]
WEB, WORKER = "i-0web", "i-0worker"
CPU = {Quantity.CPU, Quantity.POWER, Quantity.EMISSIONS}
POWER = {Quantity.POWER, Quantity.EMISSIONS}
PROFILE = POWER | {Quantity.EMBODIED}
EMISSIONS = {Quantity.EMISSIONS}
COST = {Quantity.COST_USD, Quantity.COST_EUR}


def without(mapping: str, key: object) -> Change:
    """The evidence loses one entry."""

    def change(scene: Scene) -> Scene:
        kept = {k: v for k, v in getattr(scene.evidence, mapping).items() if k != key}
        return scene.with_evidence(**{mapping: kept})

    return change


def with_entry(mapping: str, key: object, value: object) -> Change:
    """The evidence has another entry."""
    return lambda scene: scene.with_evidence(
        **{mapping: {**getattr(scene.evidence, mapping), key: value}}
    )


def with_profile(**changes: Any) -> Change:
    """The web server's type has another profile."""

    def change(scene: Scene) -> Scene:
        profile = replace(scene.evidence.profiles["m5.large"], **changes)
        return with_entry("profiles", "m5.large", profile)(scene)

    return change


def with_inventory(**changes: Any) -> Change:
    """The place of the web server has another inventory."""

    def change(scene: Scene) -> Scene:
        inventory = replace(scene.evidence.inventories[FRANKFURT], **changes)
        return with_entry("inventories", FRANKFURT, inventory)(scene)

    return change


def with_web(**changes: Any) -> Change:
    """The web server is another; what CloudWatch said of it stays."""
    return with_inventory(instances=(instance(**changes),))


def with_siting(**mappings: Any) -> Change:
    """Locations are known otherwise."""
    return lambda scene: scene._replace(siting=replace(scene.siting, **mappings))


def with_points(*percents: float) -> Change:
    """CloudWatch gave these points for the web server."""
    return with_entry("cpu", FRANKFURT, {WEB: cpu(instance(), *percents)})


def with_rate(rate: ExchangeRate | GapReason) -> Change:
    """Another exchange rate, or none."""
    return lambda scene: scene.with_evidence(exchange_rate=rate)


def unknown_type(reason: GapReason) -> Change:
    """Boavizta does not know the web server's type."""
    return with_profile(watts=(), power_gap=reason, embodied=None, embodied_gap=reason)


def snapshot_of(*changes: Change) -> FleetSnapshot:
    return estimate_fleet(*reduce(lambda scene, c: c(scene), changes, complete_scene()), NOW)


def of(snapshot: FleetSnapshot, instance_id: str) -> InstanceEstimate:
    (found,) = [e for e in snapshot.instances if e.instance.instance_id == instance_id]
    return found


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


no_web_zone = with_siting(grid_zones={"eu-west-1": "IE"})
no_web_pue = with_siting(pue={"eu-west-1": complete_scene().siting.pue["eu-west-1"]})

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
    ("no PUE", no_web_pue, EMISSIONS, "no_pue"),
    ("zone unknown", no_web_zone, EMISSIONS, "zone_not_covered"),
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
    assert after.covered_ratio == {q: 0.5 if q in absent else 1.0 for q in Quantity}
    for quantity, total in quantities(after.totals).items():
        source = worker if quantity in absent else before.totals
        assert close(total, quantities(source)[quantity])


@pytest.mark.parametrize(
    "reason", [GapReason.NOT_CONFIGURED, GapReason.SOURCE_DOWN, GapReason.NO_EXCHANGE_RATE]
)
def test_without_a_rate_only_the_euros_are_absent(reason):
    """For every instance, each in its own place."""
    before, after = snapshot_of(), snapshot_of(with_rate(reason))

    assert after.instances == tuple(replace(e, cost_eur_per_hour=None) for e in before.instances)
    assert after.totals == replace(before.totals, cost_eur_per_hour=None)
    assert after.gaps == {(place, Quantity.COST_EUR, reason): 1 for place in (FRANKFURT, DUBLIN)}
    assert after.exchange_rate is None


def test_without_spot_prices_a_spot_instance_has_no_cost():
    """The list price does not stand in."""
    after = snapshot_of(without("spot", DUBLIN))

    assert of(after, WORKER) == replace(
        of(snapshot_of(), WORKER), cost_usd_per_hour=None, cost_eur_per_hour=None
    )
    assert after.gaps == {(DUBLIN, quantity, GapReason.SOURCE_DOWN): 1 for quantity in COST}


HAMBURG = "eu-central-1-ham-1"
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
        ((UNCOVERED_GRID, DOWN, GPU), Quantity.EMISSIONS, "zone_not_covered"),
        ((no_web_zone, YOUNG), Quantity.EMISSIONS, "zone_not_covered"),
        ((DOWN, NO_PROFILE), Quantity.POWER, "source_down"),
        ((without("profiles", "m5.large"), YOUNG), Quantity.POWER, "source_down"),
        ((without("grid", "DE"), GPU), Quantity.EMISSIONS, "source_down"),
        ((GPU, NO_PROFILE, YOUNG), Quantity.POWER, "accelerator_unmodelled"),
        ((GPU, NO_PROFILE, YOUNG), Quantity.EMBODIED, "no_profile"),
        ((NO_PROFILE, YOUNG), Quantity.POWER, "no_profile"),
        ((YOUNG, with_entry("cpu", FRANKFURT, {})), Quantity.CPU, "too_young"),
        ((YOUNG, no_web_pue), Quantity.EMISSIONS, "too_young"),
        ((with_points(10), no_web_pue), Quantity.EMISSIONS, "no_datapoints"),
        ((no_web_pue, OLD_GRID), Quantity.EMISSIONS, "no_pue"),
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
    documented = (
        "not_configured zone_not_covered source_down accelerator_unmodelled no_profile "
        "substituted_profile too_young no_datapoints no_pue no_grid_intensity grid_too_old "
        "no_price no_exchange_rate runtime_unknown"
    ).split()

    assert sorted(GapReason, key=lambda r: sum(first_reason(r, o) is o for o in GapReason)) == [
        GapReason(name) for name in documented
    ]


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
        with_web(availability_zone=f"{HAMBURG}a"),
        with_siting(grid_zones={**siting.grid_zones, **zones}, pue={**siting.pue, **pue}),
    )

    emissions = {r for (_, quantity, r) in after.gaps if quantity is Quantity.EMISSIONS}
    assert emissions == ({reason} if reason else set())
    assert of(after, WEB).grid_zone == zones.get(HAMBURG, "")


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
