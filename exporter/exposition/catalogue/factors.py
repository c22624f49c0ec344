"""Metrics of what the estimates rest on: grid, PUE, exchange rate, CPU age, error components."""

from exporter.exposition.catalogue.spec import MetricSpec

GRID_INTENSITY = MetricSpec(
    "carbonfinops_grid_carbon_intensity_grams_per_kilowatt_hour",
    "gauge",
    "grams_per_kilowatt_hour",
    "Newest carbon intensity in force in the grid zone, in gCO2e per kWh with lifecycle factors,"
    " from ElectricityMaps (cached).",
    ("grid_zone",),
)
GRID_INTENSITY_LOWER = MetricSpec(
    "carbonfinops_grid_carbon_intensity_lower_grams_per_kilowatt_hour",
    "gauge",
    "grams_per_kilowatt_hour",
    "Estimated lower bound of carbonfinops_grid_carbon_intensity_grams_per_kilowatt_hour for the"
    " present hour, from the zone's last 24 hours (cached).",
    ("grid_zone",),
)
GRID_INTENSITY_UPPER = MetricSpec(
    "carbonfinops_grid_carbon_intensity_upper_grams_per_kilowatt_hour",
    "gauge",
    "grams_per_kilowatt_hour",
    "Estimated upper bound of carbonfinops_grid_carbon_intensity_grams_per_kilowatt_hour for the"
    " present hour, from the zone's last 24 hours (cached).",
    ("grid_zone",),
)
GRID_ESTIMATED = MetricSpec(
    "carbonfinops_grid_carbon_intensity_estimated",
    "gauge",
    "",
    "1 when ElectricityMaps marks the value in force as estimated, 0 when measured (cached).",
    ("grid_zone",),
)
GRID_TIMESTAMP = MetricSpec(
    "carbonfinops_grid_carbon_intensity_timestamp_seconds",
    "gauge",
    "seconds",
    "Begin of the hour that the carbon intensity in force is valid for, as ElectricityMaps says"
    " (cached).",
    ("grid_zone",),
)
PUE = MetricSpec(
    "carbonfinops_region_pue_ratio",
    "gauge",
    "ratio",
    "Power usage effectiveness in use: published by AWS for the region, or set by the operator."
    " A region with neither has no series and no emissions.",
    ("region", "basis"),
)
EXCHANGE_RATE = MetricSpec(
    "carbonfinops_exchange_rate_usd_per_eur",
    "gauge",
    "usd_per_eur",
    "US dollars for one euro: set by the operator, or the ECB's reference rate (cached).",
    ("basis",),
)
EXCHANGE_RATE_TIMESTAMP = MetricSpec(
    "carbonfinops_exchange_rate_timestamp_seconds",
    "gauge",
    "seconds",
    "Begin of the day that the exchange rate in use is from, as its source says (cached); of a"
    " configured rate without a date, when the exporter started.",
    ("basis",),
)
CPU_NEWEST_POINT = MetricSpec(
    "carbonfinops_cpu_newest_point_timestamp_seconds",
    "gauge",
    "seconds",
    "Begin of the newest five-minute CPU point in use, from CloudWatch (cached).",
    ("account_id", "region"),
)
UNCERTAINTY = MetricSpec(
    "carbonfinops_uncertainty_ln",
    "gauge",
    "ln",
    "Standard deviation of the natural logarithm of one error component of the estimates"
    " (modelled); grid_zone or instance_type is empty where the component does not vary with it.",
    ("component", "grid_zone", "instance_type"),
)
COVERAGE_RATIO = MetricSpec(
    "carbonfinops_uncertainty_coverage_ratio",
    "gauge",
    "ratio",
    "Nominal coverage of all lower and upper bounds: the share of true values meant to lie"
    " between them.",
)
COVERAGE_FACTOR = MetricSpec(
    "carbonfinops_uncertainty_coverage_factor",
    "gauge",
    "",
    "K in the bounds value x exp(-+ K S), where S is the combined standard deviation of ln.",
)

METRICS: tuple[MetricSpec, ...] = (
    GRID_INTENSITY,
    GRID_INTENSITY_LOWER,
    GRID_INTENSITY_UPPER,
    GRID_ESTIMATED,
    GRID_TIMESTAMP,
    PUE,
    EXCHANGE_RATE,
    EXCHANGE_RATE_TIMESTAMP,
    CPU_NEWEST_POINT,
    UNCERTAINTY,
    COVERAGE_RATIO,
    COVERAGE_FACTOR,
)
