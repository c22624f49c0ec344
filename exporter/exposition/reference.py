"""The reference page of all metrics, written from the catalogue.

python -m exporter.exposition.reference > docs/reference/metrics.md
"""

import re
import sys
from collections.abc import Sequence

from exporter.exposition.catalogue import (
    MetricSpec,
    accrual,
    factors,
    fleet,
    health,
    instances,
    scenarios,
    time_and_money,
)

_INTRODUCTION = """\
# Metrics

Generated from the exporter's catalogue by `python -m exporter.exposition.reference`: edit the
catalogue, not this page.

A value that cannot be had is absent and counted in `carbonfinops_estimate_gaps`; it is never 0,
never NaN and never a default. Nothing is fetched by a scrape: every value is the last good one of
its source, up to `carbonfinops_source_max_age_seconds`. Samples carry no timestamps.

Lower and upper bounds are meant to hold the true value in
`carbonfinops_uncertainty_coverage_ratio` of cases. A label that does not apply is empty.
"""

_CLIENT_LIBRARY = """\
## Process

`process_*` and `python_*` come from the Prometheus client library: CPU seconds, memory, open
files, start time, garbage collections and the Python version of the exporter's process.
"""


def metrics_reference() -> str:
    """Render the page as Markdown."""
    return "\n".join(
        (
            _INTRODUCTION,
            _section("Per instance", instances.METRICS),
            _section("Fleet and budgets", fleet.METRICS),
            _section("Accrued over time", accrual.METRICS),
            _section("Time and money", time_and_money.METRICS),
            _section("Business case", scenarios.METRICS),
            _section("Grid, region and uncertainty", factors.METRICS),
            _section("Sources and the exporter itself", health.METRICS),
            _CLIENT_LIBRARY,
        )
    )


def _section(heading: str, metrics: Sequence[MetricSpec]) -> str:
    rows = "".join(
        f"| `{spec.name}` | {spec.kind} | {_labels(spec)} | {_meaning(spec)} |\n"
        for spec in metrics
    )
    return (
        f"## {heading}\n\n| Metric | Type | Labels | Meaning |\n| --- | --- | --- | --- |\n{rows}"
    )


def _meaning(spec: MetricSpec) -> str:
    """Set identifiers as code: Markdown would read underscores and angle brackets as its own."""
    return re.sub(r"\w*_[\w<>]*", r"`\g<0>`", spec.help)


def _labels(spec: MetricSpec) -> str:
    return ", ".join(f"`{label}`" for label in spec.labels) or "none"


if __name__ == "__main__":
    sys.stdout.write(metrics_reference())
