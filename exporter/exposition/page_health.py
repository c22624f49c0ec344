"""The health tables of the status page: gaps by reason, and the sources."""

from collections import Counter
from collections.abc import Mapping, Sequence
from html import escape

from exporter.core.evidence import GapReason, Quantity
from exporter.core.provenance import FailureReason, SourceStatus
from exporter.core.snapshot import FleetSnapshot
from exporter.exposition.figures import MISSING, duration, instant

_MEANINGS: Mapping[GapReason, str] = {
    GapReason.NOT_CONFIGURED: "a setting that its source needs is not set",
    GapReason.ZONE_NOT_COVERED: "ElectricityMaps or its key does not cover the grid zone",
    GapReason.SOURCE_DOWN: "no answer, or none young enough: see the sources below",
    GapReason.ACCELERATOR_UNMODELLED: "the power of GPUs and other accelerators is not modelled",
    GapReason.NO_PROFILE: "Boavizta does not know the instance type",
    GapReason.SUBSTITUTED_PROFILE: "Boavizta answered for another instance type",
    GapReason.TOO_YOUNG: "started less than 15 minutes ago",
    GapReason.NO_DATAPOINTS: "CloudWatch has too few CPU points",
    GapReason.NO_PUE: "AWS publishes no PUE for the region, and none is set",
    GapReason.NO_GRID_INTENSITY: "no carbon intensity of the grid zone",
    GapReason.GRID_TOO_OLD: "the newest carbon intensity is too old",
    GapReason.NO_PRICE: "the AWS price list has no usable price",
    GapReason.NO_EXCHANGE_RATE: "no exchange rate",
    GapReason.RUNTIME_UNKNOWN: "neither CloudTrail nor the inventory tells when it ran",
}


def gaps_section(snapshot: FleetSnapshot) -> str:
    """Render how many instances lack which quantity, and why."""
    counts: Counter[tuple[GapReason, Quantity]] = Counter()
    for (_, quantity, reason), count in snapshot.gaps.items():
        counts[reason, quantity] += count
    present = [reason for reason in GapReason if any(counts[reason, q] for q in Quantity)]
    if not present:
        return '<section><h2>Gaps</h2><p class="good">None: every estimate is there.</p></section>'
    headings = "".join(f'<th class="number">{q.replace("_", " ")}</th>' for q in Quantity)
    rows = "\n".join(
        f'<tr><td class="text">{reason}<small>{_MEANINGS[reason]}</small></td>'
        + "".join(f'<td class="number">{counts[reason, q] or ""}</td>' for q in Quantity)
        + "</tr>"
        for reason in present
    )
    return (
        "<section><h2>Gaps: instances without a quantity</h2>"
        f'<div class="table" tabindex="0"><table><thead><tr><th>Reason</th>{headings}</tr></thead>'
        f"<tbody>{rows}</tbody></table></div></section>\n"
    )


def sources_section(statuses: Sequence[SourceStatus]) -> str:
    """Render the health of every source, those that are down first."""
    ordered = sorted(statuses, key=lambda s: (s.up, s.source, s.scope))
    rows = "\n".join(map(_source_row, ordered))
    headings = (
        "<th>Source<small>Scope</small></th><th>State<small>Reason</small></th>"
        "<th>Age<small>Last success</small></th><th>Interval<small>Maximum age</small></th>"
        "<th>Detail</th>"
    )
    return (
        "<section><h2>Sources</h2>"
        f'<div class="table" tabindex="0"><table><thead><tr>{headings}</tr></thead>'
        f"<tbody>{rows}</tbody></table></div></section>\n"
    )


def _source_row(status: SourceStatus) -> str:
    scope = " ".join(part for part in status.scope if part) or "all"
    age = MISSING if status.age_seconds is None else duration(status.age_seconds)
    last_success = instant(status.last_success_at) if status.last_success_at else "never"
    return (
        f"<tr><td>{status.source}<small>{escape(scope)}</small></td>"
        f"<td>{_state(status)}<small>{status.reason or ''}</small></td>"
        f"<td>{age}<small>{last_success}</small></td>"
        f"<td>{duration(status.interval_seconds)}"
        f"<small>{duration(status.max_age_seconds)}</small></td>"
        f'<td class="text">{escape(status.detail)}</td></tr>'
    )


def _state(status: SourceStatus) -> str:
    if status.up:
        return '<span class="good">up</span>'
    if status.reason is FailureReason.NOT_CONFIGURED:
        return '<span class="warn">not configured</span>'
    if status.reason is None:
        return '<span class="warn">not asked yet</span>'
    return '<span class="bad">down</span>'
