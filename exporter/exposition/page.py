"""The status page: what the exporter knows now, in one HTML document without scripts."""

from collections.abc import Mapping, Sequence
from html import escape

from exporter.core.evidence import Quantity
from exporter.core.fleet import InstanceState
from exporter.core.provenance import SourceStatus
from exporter.core.snapshot import Bounded, FleetSnapshot
from exporter.core.uncertainty import COVERAGE_RATIO
from exporter.core.units import WATTS_PER_KILOWATT
from exporter.exposition.figures import MISSING, bounds, figure, instant, percent
from exporter.exposition.page_health import gaps_section, sources_section
from exporter.exposition.page_instances import instances_section
from exporter.exposition.page_scenarios import scenarios_section
from exporter.exposition.page_statement import statement_section
from exporter.exposition.stylesheet import STYLESHEET

_REFRESH_SECONDS = 30


def render_page(
    snapshot: FleetSnapshot | None,
    statuses: Sequence[SourceStatus],
    *,
    version: str,
    simulated: bool,
    links: Mapping[str, str],
    query: Mapping[str, str],
) -> bytes:
    """Render the page as UTF-8.

    ``snapshot`` is None until the first inventory. ``links`` maps texts to addresses. ``query``
    may hold ``sort`` (a column of the instances table) and ``q`` (text to look for).
    """
    body = [_header(version, links)]
    if simulated:
        body.append(_banner("Simulated fleet: no number here is real."))
    if snapshot is None:
        body.append(_banner("Waiting for the first inventory."))
    else:
        body += [
            _fleet(snapshot),
            statement_section(snapshot),
            scenarios_section(snapshot),
            instances_section(snapshot, query),
            gaps_section(snapshot),
        ]
    body.append(sources_section(statuses))
    return (
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">'
        f'<meta http-equiv="refresh" content="{_REFRESH_SECONDS}">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>carbonfinops</title><style>{STYLESHEET}</style></head>\n"
        f"<body>{''.join(body)}</body></html>\n"
    ).encode("utf-8", "replace")


def _header(version: str, links: Mapping[str, str]) -> str:
    anchors = "".join(
        f'<a href="{escape(address)}">{escape(text)}</a>' for text, address in links.items()
    )
    return (
        f"<header><h1>carbonfinops</h1><small>{escape(version)}</small>"
        f"<nav>{anchors}</nav></header>\n"
    )


def _banner(text: str) -> str:
    return f'<p class="banner" role="status">{text}</p>\n'


def _fleet(snapshot: FleetSnapshot) -> str:
    totals, power = snapshot.totals, snapshot.totals.power_watts
    kilowatts = power.in_units_of(WATTS_PER_KILOWATT) if power else None
    cards = (
        _card(snapshot, "Power (IT), kW", Quantity.POWER, kilowatts),
        _card(
            snapshot,
            "Operational emissions, gCO2e/h",
            Quantity.EMISSIONS,
            totals.emissions_grams_per_hour,
        ),
        _card(
            snapshot,
            "Embodied emissions, gCO2e/h",
            Quantity.EMBODIED,
            totals.embodied_grams_per_hour,
        ),
        _card(snapshot, "Cost, EUR/h", Quantity.COST_EUR, _unbounded(totals.cost_eur_per_hour)),
        _card(snapshot, "Cost, USD/h", Quantity.COST_USD, _unbounded(totals.cost_usd_per_hour)),
    )
    return (
        f'<section class="cards" aria-label="Fleet">{"".join(cards)}</section>\n'
        f'<p class="dim">{_size(snapshot)}, as of {instant(snapshot.estimated_at)}.'
        f" Ranges are meant to hold the true value in {percent(COVERAGE_RATIO)} of cases.</p>\n"
    )


def _card(snapshot: FleetSnapshot, heading: str, quantity: Quantity, total: Bounded | None) -> str:
    covered = snapshot.covered_ratio.get(quantity)
    share = "" if covered is None else f"covers {percent(covered)} of the fleet"
    complete = covered is None or covered >= 1
    return (
        f'<div class="card"><h3>{heading}</h3>'
        f'<p class="total">{MISSING if total is None else figure(total.value)}</p>'
        f"<p>{'' if total is None else bounds(total)}</p>"
        f'<p class="coverage {"dim" if complete else "warn"}">{share}</p></div>'
    )


def _size(snapshot: FleetSnapshot) -> str:
    def number(state: InstanceState) -> int:
        return sum(count for (_, of), count in snapshot.counts.items() if of is state)

    running, stopped = number(InstanceState.RUNNING), number(InstanceState.STOPPED)
    return f"{running} running and {stopped} stopped instances"


def _unbounded(value: float | None) -> Bounded | None:
    return None if value is None else Bounded(value)
