"""Every series that a dashboard may read, and what kind of thing it is."""

from exporter.exposition.catalogue import METRICS
from tests.prometheus.known import KNOWN, PROMETHEUS_ADDS

OF_PROCESS = {
    "process_cpu_seconds_total",
    "process_max_fds",
    "process_open_fds",
    "process_resident_memory_bytes",
    "process_start_time_seconds",
    "process_virtual_memory_bytes",
    "scrape_duration_seconds",
    "scrape_samples_post_metric_relabeling",
    "scrape_samples_scraped",
    "scrape_series_added",
}
"""Of the client library's process collector, and of each scrape by Prometheus."""

OF_LIBRARY = {
    "python_gc_collections_total": {"generation"},
    "python_gc_objects_collected_total": {"generation"},
    "python_gc_objects_uncollectable_total": {"generation"},
    "python_info": {"implementation", "major", "minor", "patchlevel", "version"},
}
_HISTOGRAMS = {spec.name: KNOWN[spec.name] for spec in METRICS if spec.kind == "histogram"}
_PARTS = {
    f"{name}_{part}": labels | ({"le"} if part == "bucket" else set())
    for name, labels in _HISTOGRAMS.items()
    for part in ("bucket", "sum", "count")
}
_ALL_LABELS = {label for labels in KNOWN.values() for label in labels}

SERIES = (
    {name: labels for name, labels in KNOWN.items() if name not in _HISTOGRAMS}
    | _PARTS
    | dict.fromkeys(OF_PROCESS, PROMETHEUS_ADDS)
    | {name: labels | PROMETHEUS_ADDS for name, labels in OF_LIBRARY.items()}
    | {"ALERTS": {"alertname", "alertstate", "severity"} | _ALL_LABELS}
)
COUNTERS = {name for name in SERIES if name.endswith("_total")} | set(_PARTS)
PER_INSTANCE = {spec.name for spec in METRICS if "instance_id" in spec.labels}
RAW = {spec.name for spec in METRICS} | set(_PARTS)

EACH_REPLICA = {
    name
    for name in RAW
    if name.startswith(("carbonfinops_build_info", "carbonfinops_source_refresh"))
    or (name.startswith("carbonfinops_upstream_") and name in COUNTERS)
}
"""What every replica of the exporter does, and pays for, itself."""
