"""Which series there are, and their labels: what the catalogue exposes and the rules record."""

import re

from exporter.exposition.catalogue import METRICS
from exporter.exposition.catalogue.instances import CANONICAL_TAGS
from tests.prometheus.rulebook import recording_files

LEVELS = {
    "fleet": set(),
    "account": {"account_id"},
    "region": {"region"},
    "instance_type": {"instance_type"},
    "account_region_instance_type": {"account_id", "region", "instance_type"},
    "source": {"source"},
    "tag_set": {f"tag_{tag}" for tag in CANONICAL_TAGS},
} | {f"tag_{tag}": {f"tag_{tag}"} for tag in CANONICAL_TAGS}
FURTHER = {
    "carbonfinops_fleet_covered_ratio": {"quantity"},
    "carbonfinops_estimate_gaps": {"quantity", "reason"},
    "carbonfinops_estimate_gaps_per_instances": {"quantity", "reason"},
}
NAME = re.compile(r"(?P<level>[a-z_]+):(?P<metric>carbonfinops_[a-z_]+):(?P<operations>[a-z0-9_]+)")
TEMPLATE = "tag_service:carbonfinops_functional_units_per_hour:rate1h"
"""What only the user can record."""

PROMETHEUS_ADDS = {"job", "instance"}
EXPOSED = {spec.name: {*spec.labels, *PROMETHEUS_ADDS} for spec in METRICS} | {
    "up": PROMETHEUS_ADDS
}


def labels_of(record: str) -> set[str]:
    """The labels that the name of a recorded series promises."""
    match = NAME.fullmatch(record)
    assert match, record
    return {"job"} | LEVELS[match["level"]] | FURTHER.get(match["metric"], set())


RECORDED = {
    name: labels_of(name)
    for name in [TEMPLATE, *(rule.record for file in recording_files() for rule in file.rules)]
}
KNOWN = EXPOSED | RECORDED
