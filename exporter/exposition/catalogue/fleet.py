"""Metrics of the fleet as a whole, and the budgets it is held against."""

from exporter.exposition.catalogue.spec import MetricSpec

POWER = MetricSpec(
    "carbonfinops_fleet_power_watts",
    "gauge",
    "watts",
    "Estimated IT power of all instances that have an estimate, without PUE (cached). Read it"
    " beside carbonfinops_fleet_covered_ratio.",
)
POWER_LOWER = MetricSpec(
    "carbonfinops_fleet_power_lower_watts",
    "gauge",
    "watts",
    "Estimated lower bound of carbonfinops_fleet_power_watts; correlated errors are added as"
    " such, so it is not the sum of the instances' bounds (cached).",
)
POWER_UPPER = MetricSpec(
    "carbonfinops_fleet_power_upper_watts",
    "gauge",
    "watts",
    "Estimated upper bound of carbonfinops_fleet_power_watts; correlated errors are added as"
    " such, so it is not the sum of the instances' bounds (cached).",
)
EMISSIONS = MetricSpec(
    "carbonfinops_fleet_emissions_grams_per_hour",
    "gauge",
    "grams_per_hour",
    "Estimated operational emissions in gCO2e per hour of all instances that have an estimate"
    " (cached). Read it beside carbonfinops_fleet_covered_ratio.",
)
EMISSIONS_LOWER = MetricSpec(
    "carbonfinops_fleet_emissions_lower_grams_per_hour",
    "gauge",
    "grams_per_hour",
    "Estimated lower bound of carbonfinops_fleet_emissions_grams_per_hour, with correlated"
    " errors (cached).",
)
EMISSIONS_UPPER = MetricSpec(
    "carbonfinops_fleet_emissions_upper_grams_per_hour",
    "gauge",
    "grams_per_hour",
    "Estimated upper bound of carbonfinops_fleet_emissions_grams_per_hour, with correlated"
    " errors (cached).",
)
EMBODIED = MetricSpec(
    "carbonfinops_fleet_embodied_emissions_grams_per_hour",
    "gauge",
    "grams_per_hour",
    "Estimated manufacturing emissions in gCO2e per hour of all running instances that have an"
    " estimate, from Boavizta (cached). Never part of the operational emissions.",
)
EMBODIED_LOWER = MetricSpec(
    "carbonfinops_fleet_embodied_emissions_lower_grams_per_hour",
    "gauge",
    "grams_per_hour",
    "Estimated lower bound of carbonfinops_fleet_embodied_emissions_grams_per_hour, with"
    " correlated errors (cached).",
)
EMBODIED_UPPER = MetricSpec(
    "carbonfinops_fleet_embodied_emissions_upper_grams_per_hour",
    "gauge",
    "grams_per_hour",
    "Estimated upper bound of carbonfinops_fleet_embodied_emissions_grams_per_hour, with"
    " correlated errors (cached).",
)
COST_USD = MetricSpec(
    "carbonfinops_fleet_cost_usd_per_hour",
    "gauge",
    "usd_per_hour",
    "Compute price per hour of all running instances that have a price, at AWS list or spot"
    " prices (cached).",
)
COST_EUR = MetricSpec(
    "carbonfinops_fleet_cost_eur_per_hour",
    "gauge",
    "eur_per_hour",
    "carbonfinops_fleet_cost_usd_per_hour in euros, by carbonfinops_exchange_rate_usd_per_eur"
    " (cached).",
)
COVERED = MetricSpec(
    "carbonfinops_fleet_covered_ratio",
    "gauge",
    "ratio",
    "Share of the running instances (last known) that have this quantity; 1 for an empty fleet."
    " A total is only as good as this (counted, cached).",
    ("quantity",),
)
INSTANCES = MetricSpec(
    "carbonfinops_instances",
    "gauge",
    "",
    "Number of instances by state, counted in the cached AWS inventory.",
    ("account_id", "region", "state"),
)
GAPS = MetricSpec(
    "carbonfinops_estimate_gaps",
    "gauge",
    "",
    "Running instances that lack this quantity, by reason (counted, cached); of runtime stopped"
    " ones, too, because they may have run in the alignment window. A region that cannot be"
    " reached keeps its last known count as source_down.",
    ("account_id", "region", "quantity", "reason"),
)
BUDGET_COST = MetricSpec(
    "carbonfinops_budget_cost_eur_per_month",
    "gauge",
    "eur_per_month",
    "Compute budget in euros per month, from the settings; absent when unset.",
)
BUDGET_EMISSIONS = MetricSpec(
    "carbonfinops_budget_emissions_grams_per_month",
    "gauge",
    "grams_per_month",
    "Budget of operational emissions in gCO2e per month, from the settings; absent when unset.",
)
BUDGET_UPSTREAM = MetricSpec(
    "carbonfinops_upstream_budget_usd_per_month",
    "gauge",
    "usd_per_month",
    "What the exporter's own paid AWS calls may cost per month, from the settings; absent when"
    " unset.",
)

METRICS: tuple[MetricSpec, ...] = (
    POWER,
    POWER_LOWER,
    POWER_UPPER,
    EMISSIONS,
    EMISSIONS_LOWER,
    EMISSIONS_UPPER,
    EMBODIED,
    EMBODIED_LOWER,
    EMBODIED_UPPER,
    COST_USD,
    COST_EUR,
    COVERED,
    INSTANCES,
    GAPS,
    BUDGET_COST,
    BUDGET_EMISSIONS,
    BUDGET_UPSTREAM,
)
