from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from exporter.core.evidence import Quantity
from exporter.core.fleet import Instance, InstanceState
from exporter.core.provenance import FailureReason, Scope, SourceName, SourceStatus
from exporter.core.snapshot import FleetSnapshot, InstanceEstimate
from exporter.exposition.catalogue import METRICS, health
from exporter.exposition.families import Budgets, FleetFamilies
from exporter.exposition.family import Family
from exporter.exposition.render import text_of
from exporter.exposition.source_families import source_families

GOLDEN = Path(__file__).parent / "small_fleet.prom"
IDENTITY = {"account_id": "111122223333", "region": "eu-central-1", "instance_type": "m5.large"}

Samples = dict[str, list[tuple[dict[str, str], float]]]


def parsed(families: tuple[Family, ...]) -> Samples:
    """Read the text back with the client library: samples by metric name."""
    found: Samples = {}
    for metric in text_string_to_metric_families(text_of(families).decode()):
        for sample in metric.samples:
            found.setdefault(sample.name, []).append((sample.labels, sample.value))
    return found


def of_instance(found: Samples, name: str) -> dict[str, float]:
    """Values of one metric by instance id."""
    return {labels["instance_id"]: value for labels, value in found.get(name, [])}


def test_golden(
    snapshot: FleetSnapshot,
    statuses: tuple[SourceStatus, ...],
    check_metrics: Callable[[bytes], str],
) -> None:
    """The text is what it was when it was last looked at, and promtool has nothing to say."""
    budgets = Budgets(cost_eur_per_month=500.0)
    text = text_of((*FleetFamilies(budgets=budgets).of(snapshot), *source_families(statuses)))
    assert text.decode() == GOLDEN.read_text()
    assert check_metrics(text) == ""


def test_every_quantity_of_an_instance(
    make_complete: Callable[..., InstanceEstimate],
    make_instance: Callable[..., Instance],
    make_snapshot: Callable[..., FleetSnapshot],
) -> None:
    """Each number of an estimate is one series that carries the instance's identity only."""
    found = parsed(FleetFamilies().of(make_snapshot(make_complete(make_instance("i-1")))))
    expected = {
        "running": 1.0,
        "cpu_utilization_ratio": 0.25,
        "power_watts": 8.5,
        "power_lower_watts": 6.25,
        "power_upper_watts": 11.75,
        "emissions_grams_per_hour": 3.5,
        "emissions_lower_grams_per_hour": 2.25,
        "emissions_upper_grams_per_hour": 5.5,
        "embodied_emissions_grams_per_hour": 0.46,
        "embodied_emissions_lower_grams_per_hour": 0.26,
        "embodied_emissions_upper_grams_per_hour": 0.76,
        "cost_usd_per_hour": 0.115,
        "cost_eur_per_hour": 0.1,
        "cost_lower_eur_per_hour": 0.09375,
        "cost_upper_eur_per_hour": 0.10625,
        "runtime_seconds": 86_395.0,
        "billed_seconds": 86_440.0,
    }
    for name, value in expected.items():
        series = found[f"carbonfinops_instance_{name}"]
        assert series == [(IDENTITY | {"instance_id": "i-1"}, value)], name


def test_unknown_is_absent(snapshot: FleetSnapshot) -> None:
    """A value or bound that is None has no series; a measured 0 has one."""
    found = parsed(FleetFamilies().of(snapshot))
    cpu = of_instance(found, "carbonfinops_instance_cpu_utilization_ratio")
    assert cpu == {"i-0aaa": 0.25, "i-0bbb": 0.0}
    power = of_instance(found, "carbonfinops_instance_power_watts")
    assert power == {"i-0aaa": 8.5, "i-0bbb": 10.0}
    assert of_instance(found, "carbonfinops_instance_power_lower_watts") == {"i-0aaa": 6.25}
    assert of_instance(found, "carbonfinops_instance_emissions_grams_per_hour") == {"i-0aaa": 3.5}
    assert of_instance(found, "carbonfinops_instance_cost_lower_eur_per_hour") == {
        "i-0aaa": 0.09375
    }
    assert "carbonfinops_fleet_embodied_emissions_grams_per_hour" not in found
    assert "carbonfinops_budget_cost_eur_per_month" not in found
    intensity = found["carbonfinops_grid_carbon_intensity_lower_grams_per_kilowatt_hour"]
    assert intensity == [({"grid_zone": "DE"}, 250.0)]


def test_a_stopped_instance_stays_listed(snapshot: FleetSnapshot) -> None:
    """It has its info series, running 0, the time it ran in the window, and nothing else."""
    found = parsed(FleetFamilies().of(snapshot))
    names = {name for name in found if "i-0ccc" in of_instance_ids(found, name)}
    assert names == {
        "carbonfinops_instance_info",
        "carbonfinops_instance_running",
        "carbonfinops_instance_runtime_seconds",
        "carbonfinops_instance_billed_seconds",
    }
    assert of_instance(found, "carbonfinops_instance_running")["i-0ccc"] == 0
    assert of_instance(found, "carbonfinops_instance_runtime_seconds")["i-0ccc"] == 20
    assert of_instance(found, "carbonfinops_instance_billed_seconds")["i-0ccc"] == 60


def of_instance_ids(found: Samples, name: str) -> set[str]:
    return {labels.get("instance_id", "") for labels, _ in found[name]}


def test_info_labels(make_instance: Callable[..., Instance], snapshot: FleetSnapshot) -> None:
    """Facts and allow-listed tags; what is missing is the empty string."""
    tagged = make_instance("i-1", tags=(("stage", 'p"1'), ("team", "search"), ("unlisted", "x")))
    fleet_of_one = replace(snapshot, instances=(InstanceEstimate(tagged, "DE"),))
    ((labels, value),) = parsed(FleetFamilies(("stage",)).of(fleet_of_one))[
        "carbonfinops_instance_info"
    ]
    assert value == 1
    assert labels == IDENTITY | {
        "instance_id": "i-1",
        "availability_zone": "eu-central-1a",
        "name": "checkout-1",
        "architecture": "x86_64",
        "platform": "Linux/UNIX",
        "purchase_option": "on_demand",
        "grid_zone": "DE",
        "tag_team": "search",
        "tag_environment": "",
        "tag_service": "",
        "tag_cost_center": "",
        "tag_stage": 'p"1',
    }


def test_a_changed_fact_replaces_the_info_series(
    make_instance: Callable[..., Instance], make_snapshot: Callable[..., FleetSnapshot]
) -> None:
    """A join on the instance breaks when it has two info series: there is only ever one."""
    families = FleetFamilies()
    for name in ("before", "after", "before"):
        estimate = InstanceEstimate(make_instance("i-1", name=name), "DE")
        ((labels, _),) = parsed(families.of(make_snapshot(estimate)))["carbonfinops_instance_info"]
        assert labels["name"] == name


def test_a_terminated_instance_ends(
    make_instance: Callable[..., Instance], make_snapshot: Callable[..., FleetSnapshot]
) -> None:
    """Nothing remembered of an earlier snapshot is shown again."""
    families = FleetFamilies()
    one, two = (InstanceEstimate(make_instance(name), "DE") for name in ("i-1", "i-2"))
    families.of(make_snapshot(one, two))
    found = parsed(families.of(make_snapshot(two)))
    assert of_instance_ids(found, "carbonfinops_instance_info") == {"i-2"}
    assert of_instance_ids(found, "carbonfinops_instance_running") == {"i-2"}


def test_label_sets_are_rendered_once(
    make_instance: Callable[..., Instance], make_snapshot: Callable[..., FleetSnapshot]
) -> None:
    """Equal facts, even in new objects, share the very same text."""
    families = FleetFamilies()
    first, second = (
        families.of(make_snapshot(*(InstanceEstimate(make_instance(i), "DE") for i in ids)))
        for ids in (("i-1", "i-2"), ("i-2", "i-3"))
    )
    assert first[0].label_sets[1] is second[0].label_sets[0]
    assert first[1].label_sets[1] is second[1].label_sets[0]


def test_too_many_tag_values_are_folded_and_counted(
    make_instance: Callable[..., Instance], make_snapshot: Callable[..., FleetSnapshot]
) -> None:
    """Beyond the cap a value reads __overflow__, and each tag label says how many do."""
    estimates = [
        InstanceEstimate(make_instance(f"i-{number}", tags=(("team", team),)), "DE")
        for number, team in enumerate(["a", "b", "b", "c", "d"])
    ]
    found = parsed(FleetFamilies(max_tag_values=2).of(make_snapshot(*estimates)))
    teams = [labels["tag_team"] for labels, _ in found["carbonfinops_instance_info"]]
    assert teams == ["a", "b", "b", "__overflow__", "__overflow__"]
    counts = {labels["label"]: n for labels, n in found["carbonfinops_tag_values_overflowed"]}
    assert counts == {
        "tag_team": 2,
        "tag_environment": 0,
        "tag_service": 0,
        "tag_cost_center": 0,
    }


def test_instances_are_counted_from_zero(snapshot: FleetSnapshot) -> None:
    """A known place always says how many run and how many are stopped."""
    counted = parsed(FleetFamilies().of(snapshot))["carbonfinops_instances"]
    assert {labels["state"]: count for labels, count in counted} == {
        "running": 2,
        "stopped": 0,
        "shutting-down": 1,
    }


def test_an_empty_fleet(make_snapshot: Callable[..., FleetSnapshot]) -> None:
    """No instance is a fleet too: no instance series, but coverage is there."""
    found = parsed(FleetFamilies().of(make_snapshot()))
    assert not any(name.startswith("carbonfinops_instance_") for name in found)
    assert "carbonfinops_fleet_covered_ratio" in found


def test_every_family_is_announced_before_the_first_snapshot() -> None:
    """HELP and TYPE of all fleet metrics are there from the start; values only if declared.

    Of a fleet that nobody could look at, nothing is covered.
    """
    families = FleetFamilies(budgets=Budgets(1.0, 2.0, 3.0)).of(None)
    announced = [family.spec for family in families]
    assert sorted(spec.name for spec in announced) == sorted(
        spec.name for spec in METRICS if spec not in health.METRICS
    )
    assert parsed(families) == {
        "carbonfinops_fleet_covered_ratio": [({"quantity": q}, 0.0) for q in sorted(Quantity)],
        "carbonfinops_budget_cost_eur_per_month": [({}, 1.0)],
        "carbonfinops_budget_emissions_grams_per_month": [({}, 2.0)],
        "carbonfinops_upstream_budget_usd_per_month": [({}, 3.0)],
        "carbonfinops_alignment_window_seconds": [({}, 172_800.0)],
        "carbonfinops_uncertainty_coverage_ratio": [({}, 0.9)],
        "carbonfinops_uncertainty_coverage_factor": [({}, 1.85)],
    }


def test_the_families_do_not_depend_on_the_snapshot(snapshot: FleetSnapshot) -> None:
    """The same families come, each once, with and without a fleet; together, the catalogue."""
    families = FleetFamilies()
    before, after = families.of(None), families.of(snapshot)
    assert sorted(f.spec.name for f in before) == sorted(f.spec.name for f in after)
    covered = {f.spec for f in (*after, *source_families(()))}
    # The rest is instrumentation, which the client library renders.
    assert {spec for spec in METRICS if spec not in covered} == {
        health.UPSTREAM_REQUESTS,
        health.UPSTREAM_FAILURES,
        health.UPSTREAM_DURATION,
        health.UPSTREAM_COST,
        health.SIMULATED,
        health.BUILD_INFO,
    }


def test_source_failures_start_at_zero(statuses: tuple[SourceStatus, ...]) -> None:
    """Every reason has a series for every scope, so that the first failure is an increase."""
    failures = parsed(source_families(statuses))["carbonfinops_source_refresh_failures_total"]
    assert len(failures) == len(statuses) * len(FailureReason)
    assert [(labels["source"], labels["reason"], n) for labels, n in failures if n] == [
        ("electricity_maps", "denied", 3.0)
    ]


def test_the_interval_is_told_once_per_source(make_status: Callable[..., SourceStatus]) -> None:
    """Regions without instances are polled more rarely; the source's interval is the usual one."""
    found = parsed(
        source_families(
            [
                make_status(
                    SourceName.EC2_INVENTORY,
                    Scope("1", region),
                    interval_seconds=seconds,
                    max_age_seconds=3 * seconds,
                )
                for region, seconds in (("eu-west-1", 3600.0), ("eu-central-1", 300.0))
            ]
        )
    )
    source = {"source": "ec2_inventory"}
    assert found["carbonfinops_source_refresh_interval_seconds"] == [(source, 300.0)]
    assert found["carbonfinops_source_max_age_seconds"] == [(source, 900.0)]
    assert found["carbonfinops_source_seldom_max_age_seconds"] == [(source, 10800.0)]
    assert len(found["carbonfinops_source_up"]) == 2


def test_counts_are_by_state_of_all_places(snapshot: FleetSnapshot) -> None:
    """Two places are two times the states."""
    (place,) = {place for place, _ in snapshot.counts}
    elsewhere = place._replace(region="eu-west-1")
    both = replace(snapshot, counts={**snapshot.counts, (elsewhere, InstanceState.STOPPED): 4})
    counted = parsed(FleetFamilies().of(both))["carbonfinops_instances"]
    there = {labels["state"]: n for labels, n in counted if labels["region"] == "eu-west-1"}
    assert there == {"running": 0, "stopped": 4}


@pytest.mark.parametrize("label", ["a-b", ""])
def test_an_invalid_tag_label_is_refused_at_start(label: str) -> None:
    """Not at the first scrape."""
    with pytest.raises(ValueError, match="tag label"):
        FleetFamilies((label,))
