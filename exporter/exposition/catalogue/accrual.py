"""Counters of the fleet: what its instances have used and caused since they were first seen."""

from exporter.exposition.catalogue.spec import MetricSpec

PLACE = ("account_id", "region")
"""Labels of what is accounted by place."""

ENERGY = MetricSpec(
    "carbonfinops_fleet_energy_joules_total",
    "counter",
    "joules",
    "Estimated IT energy, without PUE, since the exporter first saw the region (cached). Grows by"
    " closed hours, from their own five-minute CPU points and never across a gap; what is missing"
    " is in carbonfinops_accrual_skipped_seconds_total.",
    PLACE,
)
EMISSIONS = MetricSpec(
    "carbonfinops_fleet_emissions_grams_total",
    "counter",
    "grams",
    "Estimated operational emissions in gCO2e since the exporter first saw the region (cached)."
    " Each closed hour is added with its own carbon intensity from ElectricityMaps, some hours"
    " late; what is missing is in carbonfinops_accrual_skipped_seconds_total.",
    PLACE,
)
EMBODIED = MetricSpec(
    "carbonfinops_fleet_embodied_emissions_grams_total",
    "counter",
    "grams",
    "Estimated manufacturing emissions in gCO2e of the time run since the exporter first saw the"
    " region, from Boavizta (cached). Grows by closed hours; never part of the operational"
    " emissions. What is missing is in carbonfinops_accrual_skipped_seconds_total.",
    PLACE,
)
COST_USD = MetricSpec(
    "carbonfinops_fleet_cost_usd_total",
    "counter",
    "usd",
    "Computed compute cost since the exporter first saw the region, at AWS list or spot prices"
    " (cached); what AWS bills is in carbonfinops_billed_month_to_date_usd. Grows by closed hours;"
    " what is missing is in carbonfinops_accrual_skipped_seconds_total.",
    PLACE,
)
SKIPPED = MetricSpec(
    "carbonfinops_accrual_skipped_seconds_total",
    "counter",
    "seconds",
    "Instance-seconds that ran but are missing from the counter of this quantity, because a"
    " value for them never became known (counted, cached); 0 when nothing is missing.",
    (*PLACE, "quantity"),
)

METRICS: tuple[MetricSpec, ...] = (ENERGY, EMISSIONS, EMBODIED, COST_USD, SKIPPED)
