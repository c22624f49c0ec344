from collections.abc import Callable
from dataclasses import replace

import pytest
from prometheus_client.parser import text_string_to_metric_families

from exporter.core.bounded import Bounded
from exporter.core.fleet import Instance, InstanceState
from exporter.core.scenarios.case import NOT_STUDIED, BusinessCase
from exporter.core.scenarios.outcome import Scenario
from exporter.core.snapshot import FleetSnapshot, InstanceEstimate
from exporter.exposition.catalogue import MetricSpec, scenarios
from exporter.exposition.families import FleetFamilies
from exporter.exposition.family import Family
from exporter.exposition.render import text_of
from exporter.exposition.scenario_families import AdviceFamilies, scenario_families
from tests.factories import business_case, outcome

PER_INSTANCE = (
    scenarios.IDLE,
    scenarios.CANDIDATE,
    scenarios.RESIZE_EUR,
    scenarios.RESIZE_GRAMS,
)
Samples = dict[str, list[tuple[dict[str, str], float]]]


def parsed(families: tuple[Family, ...]) -> Samples:
    """Read the text back with the client library: samples by metric name without its prefix."""
    found: Samples = {}
    for metric in text_string_to_metric_families(text_of(families).decode()):
        for sample in metric.samples:
            name = sample.name.removeprefix("carbonfinops_")
            found.setdefault(name, []).append((sample.labels, sample.value))
    return found


def identity(instance_id: str) -> dict[str, str]:
    return {
        "account_id": "111122223333",
        "region": "eu-central-1",
        "instance_id": instance_id,
        "instance_type": "m5.large",
    }


@pytest.fixture
def advised(snapshot: FleetSnapshot) -> Callable[[BusinessCase], Samples]:
    """Series about single instances of the small fleet: i-0aaa and i-0bbb run, i-0ccc does not."""

    def of(case: BusinessCase) -> Samples:
        families = FleetFamilies().of(replace(snapshot, case=case))
        return parsed(tuple(family for family in families if family.spec in PER_INSTANCE))

    return of


OFFICE = {"scenario": "office_hours", "target_region": ""}
MOVED = {"scenario": "region_shift", "target_region": "eu-north-1"}
SMALLER = {"scenario": "rightsizing", "target_region": ""}


def ratios(*values: float) -> list[tuple[dict[str, str], float]]:
    """Samples of a ratio: of cost and of emissions for each scenario in turn."""
    labels = [
        {**scenario, "quantity": quantity}
        for scenario in (OFFICE, MOVED, SMALLER)
        for quantity in ("cost", "emissions")
    ]
    return list(zip(labels, values, strict=True))


def test_every_number_of_the_case_is_a_series() -> None:
    """Nothing is lost, mixed up or made up; a bound that is not known has no series."""
    assert parsed(scenario_families(business_case())) == {
        "scenario_saving_ratio": ratios(0.75, 0.6875, -0.0625, 0.9375, 0.5, 0.125),
        "scenario_saving_lower_ratio": ratios(0.625, 0.625, -0.125, 0.875, 0.25, -0.0625),
        "scenario_saving_upper_ratio": ratios(0.875, 0.75, 0.0, 1.0, 0.5, 0.25),
        "scenario_saving_eur_per_month": [(OFFICE, 100.0), (MOVED, -20.0), (SMALLER, 20.0)],
        "scenario_saving_lower_eur_per_month": [(OFFICE, 75.0), (SMALLER, 8.0)],
        "scenario_saving_upper_eur_per_month": [(OFFICE, 125.0), (SMALLER, 22.0)],
        "scenario_saving_grams_per_month": [(OFFICE, 4e4), (MOVED, 6.4e4), (SMALLER, 4e3)],
        "scenario_saving_lower_grams_per_month": [(OFFICE, 2e4), (MOVED, 3.2e4), (SMALLER, -2e3)],
        "scenario_saving_upper_grams_per_month": [(OFFICE, 6e4), (MOVED, 9.6e4), (SMALLER, 8e3)],
        "scenario_backtest_samples": [(OFFICE, 28.0), (MOVED, 28.0), (SMALLER, 28.0)],
        "scenario_worse_ratio": [(OFFICE, 0.0), (MOVED, 0.25), (SMALLER, 0.125)],
        "scenario_covered_ratio": [(OFFICE, 0.9375), (MOVED, 0.9375), (SMALLER, 1.0)],
        "scenario_feasible": [(OFFICE, 1.0), (MOVED, 0.0), (SMALLER, 1.0)],
        "scenario_gaps": [
            ({"scenario": "rightsizing", "reason": "burstable"}, 3.0),
            ({"scenario": "time_shift", "reason": "not_configured"}, 1.0),
        ],
        "scenario_info": [
            ({"scenario": name, "assumptions_version": "1"}, 1.0)
            for name in ("office_hours", "region_shift", "rightsizing")
        ],
        "profile_emissions_grams_per_hour": [
            ({"weekday": "1", "hour": "00"}, 3.5),
            ({"weekday": "7", "hour": "23"}, 2.25),
        ],
        "profile_grid_carbon_intensity_grams_per_kilowatt_hour": [
            ({"grid_zone": "DE", "weekday": "1", "hour": "00"}, 305.0),
            ({"grid_zone": "FR", "weekday": "7", "hour": "23"}, 40.0),
        ],
    }


@pytest.mark.parametrize("case", [BusinessCase(), business_case()])
def test_every_family_is_announced(case: BusinessCase) -> None:
    """HELP and TYPE are there whatever is known, in the same order."""
    of_the_fleet = [family.spec for family in scenario_families(case)]
    of_instances = [family.spec for family in AdviceFamilies().of(case, (), ())]
    assert of_the_fleet == [spec for spec in scenarios.METRICS if spec not in PER_INSTANCE]
    assert of_instances == list(PER_INSTANCE)


@pytest.mark.parametrize("spec", [scenarios.EUR, scenarios.RESIZE_EUR])
def test_euros_are_said_to_be_as_billed(spec: MetricSpec) -> None:
    """Once the bill was compared they are not at list prices any more."""
    assert "compared with Cost Explorer times what" in spec.help
    assert "without discounts" not in spec.help


def test_what_is_not_studied_yet_is_counted() -> None:
    """Each scenario is awaited, and has no other series."""
    assert parsed(scenario_families(NOT_STUDIED)) == {
        "scenario_gaps": [
            ({"scenario": name, "reason": "awaited"}, 1.0)
            for name in ("office_hours", "region_shift", "rightsizing", "time_shift")
        ]
    }


def test_nothing_known_is_no_sample(advised: Callable[[BusinessCase], Samples]) -> None:
    """Without a business case there is not one number."""
    assert parsed(scenario_families(BusinessCase())) == {}
    assert advised(BusinessCase()) == {}


def test_without_a_rate_there_are_no_euros(advised: Callable[[BusinessCase], Samples]) -> None:
    """Grams stay, of the scenarios and of single instances."""
    case = business_case(eur_per_month={}, usd_per_eur=None, eur_per_usd={})
    found = parsed(scenario_families(case)) | advised(case)
    assert [name for name in found if "_eur_" in name] == []
    assert len(found["scenario_saving_grams_per_month"]) == 3
    assert len(found["instance_rightsizing_saving_grams_per_month"]) == 1


def test_two_targets_are_one_scenario() -> None:
    """Each target has its own savings, in order; the assumptions are told once."""
    targets = [outcome(Scenario.REGION_SHIFT, target_region=name) for name in ("b", "a")]
    found = parsed(scenario_families(BusinessCase(outcomes=tuple(targets))))
    shown = [labels["target_region"] for labels, _ in found["scenario_feasible"]]
    assert shown == ["a", "b"]
    assert len(found["scenario_info"]) == 1


def test_order_does_not_depend_on_the_mappings() -> None:
    """The same case in another order is the same text, and need not be sent anew."""
    hours = {(day, hour): float(hour) for day in range(1, 8) for hour in range(24)}
    grid = {(zone, *hour): n for zone in ("FR", "DE") for hour, n in hours.items()}
    case = business_case(emissions_profile=hours, grid_profile=grid)
    turned = replace(
        case,
        outcomes=case.outcomes[::-1],
        gaps=dict(reversed(list(case.gaps.items()))),
        emissions_profile=dict(reversed(hours.items())),
        grid_profile=dict(reversed(grid.items())),
    )
    assert scenario_families(turned) == scenario_families(case)
    shown = parsed(scenario_families(case))["profile_emissions_grams_per_hour"]
    keys = [labels["weekday"] + labels["hour"] for labels, _ in shown]
    assert len(keys) == 168
    assert keys == sorted(keys)


def test_advice_on_instances(advised: Callable[[BusinessCase], Samples]) -> None:
    """What was watched is idle or not; what fits a smaller type says which, by CPU only."""
    assert advised(business_case()) == {
        "instance_idle": [(identity("i-0aaa"), 1.0), (identity("i-0bbb"), 0.0)],
        "instance_rightsizing_candidate_info": [
            ({**identity("i-0aaa"), "target_type": "m5.medium", "basis": "cpu_only"}, 1.0)
        ],
        "instance_rightsizing_saving_eur_per_month": [(identity("i-0aaa"), 20.0)],
        "instance_rightsizing_saving_grams_per_month": [(identity("i-0aaa"), 4000.0)],
    }


def test_advice_ends_with_its_instance(
    make_instance: Callable[..., Instance], make_snapshot: Callable[..., FleetSnapshot]
) -> None:
    """A case is older than the fleet: what stopped or ended since has no advice any more."""
    families = FleetFamilies()

    def shown(*instances: Instance) -> set[str]:
        fleet = make_snapshot(*(InstanceEstimate(each, "DE") for each in instances))
        found = parsed(families.of(replace(fleet, case=case)))
        return {labels["instance_id"] for labels, _ in found.get("instance_idle", [])}

    case = business_case(idle={"i-1": True, "i-2": True})
    one, two = make_instance("i-1"), make_instance("i-2")
    assert shown(one, two) == {"i-1", "i-2"}
    assert shown(one, replace(two, state=InstanceState.STOPPED)) == {"i-1"}
    assert shown(two) == {"i-2"}
    assert shown() == set()


def test_advice_is_mapped_once(
    make_instance: Callable[..., Instance], make_snapshot: Callable[..., FleetSnapshot]
) -> None:
    """New quantities of the same instances: the very same families, and label sets."""
    families, case = FleetFamilies(), business_case()
    subject = make_instance("i-0aaa")
    first, second = (
        families.of(
            replace(
                make_snapshot(InstanceEstimate(subject, "DE", cpu_utilization_ratio=cpu)),
                case=case,
            )
        )
        for cpu in (0.25, 0.5)
    )
    by_name = {family.spec: family for family in first}
    again = {family.spec: family for family in second}
    assert all(again[spec] is by_name[spec] for spec in PER_INSTANCE)
    assert by_name[scenarios.IDLE].label_sets[0] is first[1].label_sets[0]


def test_a_new_case_replaces_the_advice(make_instance: Callable[..., Instance]) -> None:
    """The fleet did not change, what is known of it did."""
    families = AdviceFamilies()
    old, new = BusinessCase(idle={"i-0aaa": True}), BusinessCase(idle={"i-0aaa": False})
    identities = ('{instance_id="i-0aaa"}',)
    estimates = [InstanceEstimate(make_instance("i-0aaa"), "DE")]
    values = [families.of(case, estimates, identities)[0].values for case in (old, new)]
    assert values == [(1.0,), (0.0,)]


def test_bounds_of_amounts_may_be_unknown() -> None:
    """Euros without a compared bill have a value only."""
    case = business_case(eur_per_month={(Scenario.OFFICE_HOURS, ""): Bounded(100.0)})
    found = parsed(scenario_families(case))
    assert found["scenario_saving_eur_per_month"] == [(OFFICE, 100.0)]
    assert "scenario_saving_lower_eur_per_month" not in found


def test_promtool_has_nothing_to_say(check_metrics: Callable[[bytes], str]) -> None:
    """Names, units, types and HELP are as Prometheus wants them, with samples and without."""
    for case in (BusinessCase(), business_case()):
        assert check_metrics(text_of(scenario_families(case))) == ""
