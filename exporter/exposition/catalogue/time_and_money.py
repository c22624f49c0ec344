"""Metrics of how well time, cost and carbon fit together, and of what AWS has billed."""

from exporter.exposition.catalogue.spec import MetricSpec

_PLACE = ("account_id", "region")
_ACCOUNT = ("account_id",)

ALIGNMENT = MetricSpec(
    "carbonfinops_time_alignment_coverage_ratio",
    "gauge",
    "ratio",
    "Share of the time run in the last 48 complete hours of which both cost and carbon are known"
    " for the very same hour (counted, cached); hours with unknown runtime count as not covered."
    " Absent when nothing ran.",
    _PLACE,
)
COST_COVERAGE = MetricSpec(
    "carbonfinops_cost_coverage_ratio",
    "gauge",
    "ratio",
    "Share of the time run in the last 48 complete hours whose cost is known: when it ran, and at"
    " what price (counted, cached). Absent when nothing ran.",
    _PLACE,
)
CARBON_COVERAGE = MetricSpec(
    "carbonfinops_carbon_coverage_ratio",
    "gauge",
    "ratio",
    "Share of the time run in the last 48 complete hours whose operational emissions are known:"
    " power, PUE, and the carbon intensity of that hour (counted, cached). Absent when nothing"
    " ran.",
    _PLACE,
)
FLEET_ALIGNMENT = MetricSpec(
    "carbonfinops_fleet_time_alignment_coverage_ratio",
    "gauge",
    "ratio",
    "carbonfinops_time_alignment_coverage_ratio over the whole fleet, weighted by the time run"
    " (counted, cached). Absent when nothing ran.",
)
BILLED_ALIGNMENT = MetricSpec(
    "carbonfinops_billed_time_alignment_coverage_ratio",
    "gauge",
    "ratio",
    "Share of the time run of which both billed cost, from Cost Explorer, and carbon are known"
    " (counted, cached). Its 48 hours end a day ago, because AWS bills late. Absent without a"
    " bill.",
    _ACCOUNT,
)
WINDOW = MetricSpec(
    "carbonfinops_alignment_window_seconds",
    "gauge",
    "seconds",
    "Length of the alignment window: the newest complete hours whose evidence is in, which coverage"
    " and runtime are told of (declared).",
)
MONTH_USD = MetricSpec(
    "carbonfinops_billed_month_to_date_usd",
    "gauge",
    "usd",
    "EC2 compute of the polled regions in the present month (UTC), as billed so far, amortized,"
    " from Cost Explorer (cached). AWS may still change it; absent without an answer.",
    _ACCOUNT,
)
DAY_USD = MetricSpec(
    "carbonfinops_billed_last_day_usd",
    "gauge",
    "usd",
    "EC2 compute of the newest day (UTC) that is billed in full, amortized, from Cost Explorer"
    " (cached). AWS may still change it; absent until a day is complete.",
    _ACCOUNT,
)
HOUR_USD = MetricSpec(
    "carbonfinops_billed_last_hour_usd",
    "gauge",
    "usd",
    "EC2 compute of the newest hour that is billed in full, amortized, from Cost Explorer"
    " (cached). Absent unless hourly granularity is opted in.",
    _ACCOUNT,
)
MONTH_EUR = MetricSpec(
    "carbonfinops_billed_month_to_date_eur",
    "gauge",
    "eur",
    "carbonfinops_billed_month_to_date_usd in euros, by carbonfinops_exchange_rate_usd_per_eur"
    " (cached). Absent without a rate.",
    _ACCOUNT,
)
DAY_EUR = MetricSpec(
    "carbonfinops_billed_last_day_eur",
    "gauge",
    "eur",
    "carbonfinops_billed_last_day_usd in euros, by carbonfinops_exchange_rate_usd_per_eur"
    " (cached). Absent without a rate.",
    _ACCOUNT,
)
HOUR_EUR = MetricSpec(
    "carbonfinops_billed_last_hour_eur",
    "gauge",
    "eur",
    "carbonfinops_billed_last_hour_usd in euros, by carbonfinops_exchange_rate_usd_per_eur"
    " (cached). Absent without a rate.",
    _ACCOUNT,
)
DEVIATION = MetricSpec(
    "carbonfinops_reconciliation_deviation_ratio",
    "gauge",
    "ratio",
    "Signed deviation of computed from billed cost, (computed - billed) / billed, of the median"
    " closed day, against Cost Explorer (cached). Absent until a day was compared.",
    _ACCOUNT,
)
TIME_DEVIATION = MetricSpec(
    "carbonfinops_reconciliation_time_deviation_ratio",
    "gauge",
    "ratio",
    "Part of carbonfinops_reconciliation_deviation_ratio that comes from the hours: those computed"
    " against those billed (cached). Absent until a day was compared.",
    _ACCOUNT,
)
PRICE_DEVIATION = MetricSpec(
    "carbonfinops_reconciliation_price_deviation_ratio",
    "gauge",
    "ratio",
    "Part of carbonfinops_reconciliation_deviation_ratio that comes from the price of an hour:"
    " list or spot price against what was billed, discounts included (cached). Absent until a day"
    " was compared.",
    _ACCOUNT,
)
SAMPLES = MetricSpec(
    "carbonfinops_reconciliation_samples",
    "gauge",
    "",
    "Closed days on which computed and billed cost were compared (counted, cached); the"
    " deviations are worth no more than this.",
    _ACCOUNT,
)
WEIGHTED_ERROR = MetricSpec(
    "carbonfinops_reconciliation_weighted_error_ratio",
    "gauge",
    "ratio",
    "Sum of the absolute differences between computed and billed cost over the sum billed, on the"
    " compared days, against Cost Explorer (cached). Absent until a day was compared.",
    _ACCOUNT,
)

METRICS: tuple[MetricSpec, ...] = (
    ALIGNMENT,
    COST_COVERAGE,
    CARBON_COVERAGE,
    FLEET_ALIGNMENT,
    BILLED_ALIGNMENT,
    WINDOW,
    MONTH_USD,
    DAY_USD,
    HOUR_USD,
    MONTH_EUR,
    DAY_EUR,
    HOUR_EUR,
    DEVIATION,
    TIME_DEVIATION,
    PRICE_DEVIATION,
    SAMPLES,
    WEIGHTED_ERROR,
)
