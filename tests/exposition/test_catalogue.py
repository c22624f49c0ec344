import re

import pytest

from exporter.exposition.catalogue import METRICS, MetricSpec

# What rules, dashboards and users rely on, written down independently of the catalogue.
PROMISED = {
    "instance_info",
    "instance_running",
    "instance_cpu_utilization_ratio",
    "instance_power_watts",
    "instance_power_lower_watts",
    "instance_power_upper_watts",
    "instance_emissions_grams_per_hour",
    "instance_emissions_lower_grams_per_hour",
    "instance_emissions_upper_grams_per_hour",
    "instance_embodied_emissions_grams_per_hour",
    "instance_embodied_emissions_lower_grams_per_hour",
    "instance_embodied_emissions_upper_grams_per_hour",
    "instance_cost_usd_per_hour",
    "instance_cost_eur_per_hour",
    "instance_cost_lower_eur_per_hour",
    "instance_cost_upper_eur_per_hour",
    "instance_runtime_seconds",
    "instance_billed_seconds",
    "instance_idle",
    "instance_rightsizing_candidate_info",
    "instance_rightsizing_saving_eur_per_month",
    "instance_rightsizing_saving_grams_per_month",
    "tag_values_overflowed",
    "fleet_power_watts",
    "fleet_power_lower_watts",
    "fleet_power_upper_watts",
    "fleet_emissions_grams_per_hour",
    "fleet_emissions_lower_grams_per_hour",
    "fleet_emissions_upper_grams_per_hour",
    "fleet_embodied_emissions_grams_per_hour",
    "fleet_embodied_emissions_lower_grams_per_hour",
    "fleet_embodied_emissions_upper_grams_per_hour",
    "fleet_cost_usd_per_hour",
    "fleet_cost_eur_per_hour",
    "fleet_covered_ratio",
    "fleet_energy_joules_total",
    "fleet_emissions_grams_total",
    "fleet_embodied_emissions_grams_total",
    "fleet_cost_usd_total",
    "accrual_skipped_seconds_total",
    "time_alignment_coverage_ratio",
    "cost_coverage_ratio",
    "carbon_coverage_ratio",
    "fleet_time_alignment_coverage_ratio",
    "billed_time_alignment_coverage_ratio",
    "alignment_window_seconds",
    "billed_month_to_date_usd",
    "billed_last_day_usd",
    "billed_last_hour_usd",
    "billed_month_to_date_eur",
    "billed_last_day_eur",
    "billed_last_hour_eur",
    "reconciliation_deviation_ratio",
    "reconciliation_time_deviation_ratio",
    "reconciliation_price_deviation_ratio",
    "reconciliation_samples",
    "reconciliation_weighted_error_ratio",
    "scenario_saving_ratio",
    "scenario_saving_lower_ratio",
    "scenario_saving_upper_ratio",
    "scenario_saving_eur_per_month",
    "scenario_saving_lower_eur_per_month",
    "scenario_saving_upper_eur_per_month",
    "scenario_saving_grams_per_month",
    "scenario_saving_lower_grams_per_month",
    "scenario_saving_upper_grams_per_month",
    "scenario_backtest_samples",
    "scenario_worse_ratio",
    "scenario_covered_ratio",
    "scenario_feasible",
    "scenario_gaps",
    "scenario_info",
    "profile_emissions_grams_per_hour",
    "profile_grid_carbon_intensity_grams_per_kilowatt_hour",
    "instances",
    "estimate_gaps",
    "grid_carbon_intensity_grams_per_kilowatt_hour",
    "grid_carbon_intensity_lower_grams_per_kilowatt_hour",
    "grid_carbon_intensity_upper_grams_per_kilowatt_hour",
    "grid_carbon_intensity_estimated",
    "grid_carbon_intensity_timestamp_seconds",
    "region_pue_ratio",
    "exchange_rate_usd_per_eur",
    "exchange_rate_timestamp_seconds",
    "cpu_newest_point_timestamp_seconds",
    "uncertainty_ln",
    "uncertainty_coverage_ratio",
    "uncertainty_coverage_factor",
    "budget_cost_eur_per_month",
    "budget_emissions_grams_per_month",
    "upstream_budget_usd_per_month",
    "source_up",
    "source_last_success_timestamp_seconds",
    "source_refresh_interval_seconds",
    "source_max_age_seconds",
    "source_seldom_max_age_seconds",
    "source_refresh_duration_seconds",
    "source_refreshes_total",
    "source_refresh_failures_total",
    "upstream_requests_total",
    "upstream_request_failures_total",
    "upstream_request_duration_seconds",
    "upstream_cost_usd_total",
    "simulated",
    "build_info",
}

MISTAKABLE_LABELS = {"zone", "instance", "job", "type", "env"}

every_metric = pytest.mark.parametrize("spec", METRICS, ids=lambda spec: spec.name)


def test_the_promised_metrics_are_there_once() -> None:
    """The catalogue holds exactly the names of the contract, each once."""
    names = [spec.name for spec in METRICS]
    assert len(names) == len(set(names))
    assert set(names) == {f"carbonfinops_{name}" for name in PROMISED}


@every_metric
def test_a_name_ends_in_its_unit(spec: MetricSpec) -> None:
    """A unit is the suffix of the name, before the _total that only counters have."""
    assert re.fullmatch(r"carbonfinops_[a-z]+(_[a-z]+)*", spec.name)
    assert spec.name.endswith("_total") == (spec.kind == "counter")
    assert spec.name.removesuffix("_total").endswith(spec.unit)


@every_metric
def test_help_is_one_plain_sentence_or_more(spec: MetricSpec) -> None:
    """HELP needs no escaping, and ends as a sentence does."""
    assert spec.help.endswith(".")
    assert "\n" not in spec.help
    assert "\\" not in spec.help
    assert "|" not in spec.help  # it stands in a table of the reference page


@every_metric
def test_labels_are_valid_and_not_mistakable(spec: MetricSpec) -> None:
    """Labels are distinct words that no scrape configuration sets on its own."""
    assert len(set(spec.labels)) == len(spec.labels)
    assert all(re.fullmatch(r"[a-z]+(_[a-z]+)*", label) for label in spec.labels)
    assert not MISTAKABLE_LABELS & set(spec.labels)
