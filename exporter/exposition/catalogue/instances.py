"""Metrics of each instance."""

from exporter.exposition.catalogue.spec import MetricSpec

IDENTITY = ("account_id", "region", "instance_id", "instance_type")
"""Labels of every instance series."""

CANONICAL_TAGS = ("team", "environment", "service", "cost_center")
"""Tag labels that are always there; which AWS tag feeds each is a setting."""

INFO = MetricSpec(
    "carbonfinops_instance_info",
    "gauge",
    "",
    "Facts of an EC2 instance as AWS reports them (cached inventory); always 1, exactly one"
    " series per instance. Each further allow-listed tag adds a label tag_<label>.",
    (
        *IDENTITY,
        "availability_zone",
        "name",
        "architecture",
        "platform",
        "purchase_option",
        "grid_zone",
        "tag_team",
        "tag_environment",
        "tag_service",
        "tag_cost_center",
    ),
)
RUNNING = MetricSpec(
    "carbonfinops_instance_running",
    "gauge",
    "",
    "1 when the instance runs, 0 otherwise, as AWS reports it (cached inventory).",
    IDENTITY,
)
CPU_UTILIZATION = MetricSpec(
    "carbonfinops_instance_cpu_utilization_ratio",
    "gauge",
    "ratio",
    "Mean CPU utilization, 0 to 1, of the measured five-minute points that the power estimate"
    " used (cached from CloudWatch).",
    IDENTITY,
)
POWER = MetricSpec(
    "carbonfinops_instance_power_watts",
    "gauge",
    "watts",
    "Estimated IT power of a running instance: its share of the host's CPU, memory and local"
    " disks, without PUE. From Boavizta's power profile at the measured CPU load (cached).",
    IDENTITY,
)
POWER_LOWER = MetricSpec(
    "carbonfinops_instance_power_lower_watts",
    "gauge",
    "watts",
    "Estimated lower bound of carbonfinops_instance_power_watts (cached).",
    IDENTITY,
)
POWER_UPPER = MetricSpec(
    "carbonfinops_instance_power_upper_watts",
    "gauge",
    "watts",
    "Estimated upper bound of carbonfinops_instance_power_watts (cached).",
    IDENTITY,
)
EMISSIONS = MetricSpec(
    "carbonfinops_instance_emissions_grams_per_hour",
    "gauge",
    "grams_per_hour",
    "Estimated operational emissions in gCO2e per hour, location-based: power x PUE x grid"
    " carbon intensity from ElectricityMaps (cached).",
    IDENTITY,
)
EMISSIONS_LOWER = MetricSpec(
    "carbonfinops_instance_emissions_lower_grams_per_hour",
    "gauge",
    "grams_per_hour",
    "Estimated lower bound of carbonfinops_instance_emissions_grams_per_hour (cached).",
    IDENTITY,
)
EMISSIONS_UPPER = MetricSpec(
    "carbonfinops_instance_emissions_upper_grams_per_hour",
    "gauge",
    "grams_per_hour",
    "Estimated upper bound of carbonfinops_instance_emissions_grams_per_hour (cached).",
    IDENTITY,
)
EMBODIED = MetricSpec(
    "carbonfinops_instance_embodied_emissions_grams_per_hour",
    "gauge",
    "grams_per_hour",
    "Estimated manufacturing emissions of the hardware share, in gCO2e per running hour, from"
    " Boavizta (cached). Never part of the operational emissions.",
    IDENTITY,
)
EMBODIED_LOWER = MetricSpec(
    "carbonfinops_instance_embodied_emissions_lower_grams_per_hour",
    "gauge",
    "grams_per_hour",
    "Estimated lower bound of carbonfinops_instance_embodied_emissions_grams_per_hour (cached).",
    IDENTITY,
)
EMBODIED_UPPER = MetricSpec(
    "carbonfinops_instance_embodied_emissions_upper_grams_per_hour",
    "gauge",
    "grams_per_hour",
    "Estimated upper bound of carbonfinops_instance_embodied_emissions_grams_per_hour (cached).",
    IDENTITY,
)
COST_USD = MetricSpec(
    "carbonfinops_instance_cost_usd_per_hour",
    "gauge",
    "usd_per_hour",
    "Compute price per running hour: AWS list or spot price of the instance's own purchase"
    " option, operating system and tenancy (cached). Discounts are not in it.",
    IDENTITY,
)
COST_EUR = MetricSpec(
    "carbonfinops_instance_cost_eur_per_hour",
    "gauge",
    "eur_per_hour",
    "carbonfinops_instance_cost_usd_per_hour in euros, by carbonfinops_exchange_rate_usd_per_eur"
    " (cached).",
    IDENTITY,
)
COST_LOWER = MetricSpec(
    "carbonfinops_instance_cost_lower_eur_per_hour",
    "gauge",
    "eur_per_hour",
    "Estimated lower bound of carbonfinops_instance_cost_eur_per_hour: times the 5 % quantile of"
    " billed over computed cost on the account's compared days, from Cost Explorer (cached)."
    " Absent until enough days were compared.",
    IDENTITY,
)
COST_UPPER = MetricSpec(
    "carbonfinops_instance_cost_upper_eur_per_hour",
    "gauge",
    "eur_per_hour",
    "Estimated upper bound of carbonfinops_instance_cost_eur_per_hour: times the 95 % quantile of"
    " billed over computed cost on the account's compared days, from Cost Explorer (cached)."
    " Absent until enough days were compared.",
    IDENTITY,
)
RUNTIME = MetricSpec(
    "carbonfinops_instance_runtime_seconds",
    "gauge",
    "seconds",
    "Time that the instance ran in the last 48 complete hours, counted from CloudTrail events and"
    " the AWS inventory (cached); of stopped instances, too. Absent where it is not known when it"
    " ran.",
    IDENTITY,
)
BILLED = MetricSpec(
    "carbonfinops_instance_billed_seconds",
    "gauge",
    "seconds",
    "Time in the last 48 complete hours that AWS bills by its rules: the time run, and at least"
    " 60 s for each start, counted from CloudTrail events and the AWS inventory (cached). Absent"
    " where it is not known when the instance ran.",
    IDENTITY,
)
TAG_VALUES_OVERFLOWED = MetricSpec(
    "carbonfinops_tag_values_overflowed",
    "gauge",
    "",
    "Instances whose value of this tag label is shown as __overflow__ in"
    " carbonfinops_instance_info, because the label has too many distinct values (counted).",
    ("label",),
)

METRICS: tuple[MetricSpec, ...] = (
    INFO,
    RUNNING,
    CPU_UTILIZATION,
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
    COST_LOWER,
    COST_UPPER,
    RUNTIME,
    BILLED,
    TAG_VALUES_OVERFLOWED,
)
