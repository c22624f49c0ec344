"""Metrics of the sources and of the exporter itself."""

from exporter.exposition.catalogue.spec import MetricSpec

SCOPE = ("source", "account_id", "region", "grid_zone")
"""Labels of one source in one scope; those that do not apply are empty."""

SOURCE_UP = MetricSpec(
    "carbonfinops_source_up",
    "gauge",
    "",
    "1 when the source's latest attempt to refresh succeeded, 0 when it failed (kept over a"
    " restart).",
    SCOPE,
)
SOURCE_LAST_SUCCESS = MetricSpec(
    "carbonfinops_source_last_success_timestamp_seconds",
    "gauge",
    "seconds",
    "When the source last refreshed successfully; 0 means never. Where several facts share a"
    " scope (types, prices), the oldest of their last successes.",
    SCOPE,
)
SOURCE_INTERVAL = MetricSpec(
    "carbonfinops_source_refresh_interval_seconds",
    "gauge",
    "seconds",
    "How long an answer of the source is kept before it is asked again (its TTL), from the"
    " settings. Accounts, regions and regions without instances are asked hourly.",
    ("source",),
)
SOURCE_MAX_AGE = MetricSpec(
    "carbonfinops_source_max_age_seconds",
    "gauge",
    "seconds",
    "Age of the last success after which the series that depend on the source end, from the"
    " settings. Accounts, regions and regions without instances are in"
    " carbonfinops_source_seldom_max_age_seconds.",
    ("source",),
)
SOURCE_SELDOM_MAX_AGE = MetricSpec(
    "carbonfinops_source_seldom_max_age_seconds",
    "gauge",
    "seconds",
    "Age limit of those scopes of the source that are asked least often: of the inventory accounts,"
    " regions and regions without instances.",
    ("source",),
)
SOURCE_DURATION = MetricSpec(
    "carbonfinops_source_refresh_duration_seconds",
    "gauge",
    "seconds",
    "How long the source's latest attempt to refresh took (measured).",
    SCOPE,
)
SOURCE_REFRESHES = MetricSpec(
    "carbonfinops_source_refreshes_total",
    "counter",
    "",
    "Attempts to refresh the source since the start of the exporter.",
    SCOPE,
)
SOURCE_FAILURES = MetricSpec(
    "carbonfinops_source_refresh_failures_total",
    "counter",
    "",
    "Failed attempts to refresh the source since the start of the exporter, by reason.",
    (*SCOPE, "reason"),
)
UPSTREAM_REQUESTS = MetricSpec(
    "carbonfinops_upstream_requests_total",
    "counter",
    "",
    "HTTP requests made to an upstream, retries included.",
    ("upstream", "operation"),
)
UPSTREAM_FAILURES = MetricSpec(
    "carbonfinops_upstream_request_failures_total",
    "counter",
    "",
    "HTTP requests to an upstream that failed, by reason.",
    ("upstream", "operation", "reason"),
)
UPSTREAM_DURATION = MetricSpec(
    "carbonfinops_upstream_request_duration_seconds",
    "histogram",
    "seconds",
    "How long HTTP requests to an upstream took (measured).",
    ("upstream", "operation"),
)
UPSTREAM_COST = MetricSpec(
    "carbonfinops_upstream_cost_usd_total",
    "counter",
    "usd",
    "What AWS bills for the exporter's own calls, counted at AWS's list price per metric or"
    " request.",
    ("operation",),
)
SIMULATED = MetricSpec(
    "carbonfinops_simulated",
    "gauge",
    "",
    "1 when the fleet is simulated and no number is real, 0 on real upstreams.",
)
BUILD_INFO = MetricSpec(
    "carbonfinops_build_info",
    "gauge",
    "",
    "Versions of the exporter, of Python and of the Boavizta server (empty until known), and the"
    " mode: live or demo; always 1.",
    ("version", "revision", "python_version", "boavizta_version", "mode"),
)

METRICS: tuple[MetricSpec, ...] = (
    SOURCE_UP,
    SOURCE_LAST_SUCCESS,
    SOURCE_INTERVAL,
    SOURCE_MAX_AGE,
    SOURCE_SELDOM_MAX_AGE,
    SOURCE_DURATION,
    SOURCE_REFRESHES,
    SOURCE_FAILURES,
    UPSTREAM_REQUESTS,
    UPSTREAM_FAILURES,
    UPSTREAM_DURATION,
    UPSTREAM_COST,
    SIMULATED,
    BUILD_INFO,
)
