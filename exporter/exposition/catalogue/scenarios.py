"""Metrics of the business case: what changes would save, and what to do about which instance."""

from exporter.exposition.catalogue.instances import IDENTITY
from exporter.exposition.catalogue.spec import MetricSpec

_SCENARIO = ("scenario", "target_region")

RATIO = MetricSpec(
    "carbonfinops_scenario_saving_ratio",
    "gauge",
    "ratio",
    "Estimated share that the change saves of the cost or the operational emissions of what it is"
    " about, not of the whole fleet, by what ran and what the grid was in the last four weeks"
    " (cached). Shifts in time are chosen by what was known then, never the best hour in hindsight."
    " target_region is of region_shift only. Absent with a reason in carbonfinops_scenario_gaps.",
    (*_SCENARIO, "quantity"),
)
RATIO_LOWER = MetricSpec(
    "carbonfinops_scenario_saving_lower_ratio",
    "gauge",
    "ratio",
    "Estimated lower bound of carbonfinops_scenario_saving_ratio of the next month (cached): errors"
    " that both sides share cancel. Absent where that is.",
    (*_SCENARIO, "quantity"),
)
RATIO_UPPER = MetricSpec(
    "carbonfinops_scenario_saving_upper_ratio",
    "gauge",
    "ratio",
    "Estimated upper bound of carbonfinops_scenario_saving_ratio of the next month (cached): errors"
    " that both sides share cancel. Absent where that is.",
    (*_SCENARIO, "quantity"),
)
EUR = MetricSpec(
    "carbonfinops_scenario_saving_eur_per_month",
    "gauge",
    "eur_per_month",
    "Estimated saving in euros per month of compute only (cached): at the list or spot prices of"
    " the last four weeks, of an account once compared with Cost Explorer times what its hours on"
    " demand were billed at relative to list price, by carbonfinops_exchange_rate_usd_per_eur."
    " Negative where it costs more; absent without a rate.",
    _SCENARIO,
)
EUR_LOWER = MetricSpec(
    "carbonfinops_scenario_saving_lower_eur_per_month",
    "gauge",
    "eur_per_month",
    "Estimated lower bound of carbonfinops_scenario_saving_eur_per_month (cached): the weeks'"
    " spread, and billed over computed cost from Cost Explorer. Absent until enough days of each"
    " account that saves were compared.",
    _SCENARIO,
)
EUR_UPPER = MetricSpec(
    "carbonfinops_scenario_saving_upper_eur_per_month",
    "gauge",
    "eur_per_month",
    "Estimated upper bound of carbonfinops_scenario_saving_eur_per_month (cached): the weeks'"
    " spread, and billed over computed cost from Cost Explorer. Absent until enough days of each"
    " account that saves were compared.",
    _SCENARIO,
)
GRAMS = MetricSpec(
    "carbonfinops_scenario_saving_grams_per_month",
    "gauge",
    "grams_per_month",
    "Estimated saving of operational emissions in gCO2e per month, by power and grid of the last"
    " four weeks (cached). Negative where it emits more; manufacturing is not in it.",
    _SCENARIO,
)
GRAMS_LOWER = MetricSpec(
    "carbonfinops_scenario_saving_lower_grams_per_month",
    "gauge",
    "grams_per_month",
    "Estimated lower bound of carbonfinops_scenario_saving_grams_per_month (cached): the weeks'"
    " spread, and the error of power, PUE and grid.",
    _SCENARIO,
)
GRAMS_UPPER = MetricSpec(
    "carbonfinops_scenario_saving_upper_grams_per_month",
    "gauge",
    "grams_per_month",
    "Estimated upper bound of carbonfinops_scenario_saving_grams_per_month (cached): the weeks'"
    " spread, and the error of power, PUE and grid.",
    _SCENARIO,
)
SAMPLES = MetricSpec(
    "carbonfinops_scenario_backtest_samples",
    "gauge",
    "",
    "Days of evidence that the scenario's savings rest on (counted, cached).",
    _SCENARIO,
)
WORSE = MetricSpec(
    "carbonfinops_scenario_worse_ratio",
    "gauge",
    "ratio",
    "Share of carbonfinops_scenario_backtest_samples on which the change would have emitted more"
    " than doing nothing (estimated, cached).",
    _SCENARIO,
)
COVERED = MetricSpec(
    "carbonfinops_scenario_covered_ratio",
    "gauge",
    "ratio",
    "Share of the running time the scenario is about whose cost and emissions are both known"
    " (counted, cached): the amounts speak for no more than this.",
    _SCENARIO,
)
FEASIBLE = MetricSpec(
    "carbonfinops_scenario_feasible",
    "gauge",
    "",
    "1 when the change is advised: it saves more than 2 % of cost or emissions without raising the"
    " other by as much, and is worse than doing nothing on fewer than 20 % of days; a move also"
    " needs every type to be sold there (estimated, cached). 0 otherwise.",
    _SCENARIO,
)
GAPS = MetricSpec(
    "carbonfinops_scenario_gaps",
    "gauge",
    "",
    "What a scenario cannot tell, by reason (counted, cached): 1 for the scenario itself, the"
    " number of target regions for region_shift, the number of instances that could not be judged"
    " for rightsizing. Until the last weeks were read after a start, awaited is 1 for each.",
    ("scenario", "reason"),
)
INFO = MetricSpec(
    "carbonfinops_scenario_info",
    "gauge",
    "",
    "Always 1 for a scenario that has savings. Another assumptions_version means figures that do"
    " not compare with earlier ones.",
    ("scenario", "assumptions_version"),
)
IDLE = MetricSpec(
    "carbonfinops_instance_idle",
    "gauge",
    "",
    "1 when every measured CPU point of the idle window was at most the idle threshold, 0"
    " otherwise (cached from CloudWatch). CPU only: memory, disk and network use are unknown."
    " Absent unless it runs and was watched for most of the window.",
    IDENTITY,
)
CANDIDATE = MetricSpec(
    "carbonfinops_instance_rightsizing_candidate_info",
    "gauge",
    "",
    "1 when the cheapest type of the same family and architecture with fewer vCPUs, target_type,"
    " fits the 95th percentile of measured CPU of the last weeks (cached from CloudWatch). CPU"
    " only: memory use is unknown. Absent where none fits or the instance cannot be judged.",
    (*IDENTITY, "target_type", "basis"),
)
RESIZE_EUR = MetricSpec(
    "carbonfinops_instance_rightsizing_saving_eur_per_month",
    "gauge",
    "eur_per_month",
    "Estimated saving in euros per month with target_type of"
    " carbonfinops_instance_rightsizing_candidate_info, by time run and list prices, once its"
    " account was compared with Cost Explorer times what hours on demand were billed at relative"
    " to them (cached). CPU only: memory use is unknown. Absent without a candidate or an exchange"
    " rate.",
    IDENTITY,
)
RESIZE_GRAMS = MetricSpec(
    "carbonfinops_instance_rightsizing_saving_grams_per_month",
    "gauge",
    "grams_per_month",
    "Estimated saving of operational emissions in gCO2e per month with target_type of"
    " carbonfinops_instance_rightsizing_candidate_info, by the power profiles of both types"
    " (cached). CPU only: memory use is unknown. Negative where it draws more; absent without a"
    " candidate.",
    IDENTITY,
)
EMISSIONS_PROFILE = MetricSpec(
    "carbonfinops_profile_emissions_grams_per_hour",
    "gauge",
    "grams_per_hour",
    "Estimated operational emissions of the fleet in gCO2e per hour, as far as they are known: mean"
    " of the last four weeks (cached) by weekday (1 is Monday, 7 is Sunday) and hour (00 to 23),"
    " UTC. Absent until four weeks are known.",
    ("weekday", "hour"),
)
GRID_PROFILE = MetricSpec(
    "carbonfinops_profile_grid_carbon_intensity_grams_per_kilowatt_hour",
    "gauge",
    "grams_per_kilowatt_hour",
    "Carbon intensity of the grid zone in gCO2e per kWh, from ElectricityMaps: mean of the last"
    " four weeks (cached) by weekday (1 is Monday, 7 is Sunday) and hour (00 to 23), UTC. Absent"
    " until four weeks are known.",
    ("grid_zone", "weekday", "hour"),
)

METRICS: tuple[MetricSpec, ...] = (
    RATIO,
    RATIO_LOWER,
    RATIO_UPPER,
    EUR,
    EUR_LOWER,
    EUR_UPPER,
    GRAMS,
    GRAMS_LOWER,
    GRAMS_UPPER,
    SAMPLES,
    WORSE,
    COVERED,
    FEASIBLE,
    GAPS,
    INFO,
    IDLE,
    CANDIDATE,
    RESIZE_EUR,
    RESIZE_GRAMS,
    EMISSIONS_PROFILE,
    GRID_PROFILE,
)
