"""The instances table of the status page: sorted and filtered by the server."""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from urllib.parse import urlencode

from exporter.core.evidence import Quantity
from exporter.core.fleet import Place
from exporter.core.snapshot import Bounded, FleetSnapshot, InstanceEstimate
from exporter.core.statement import WINDOW_SECONDS
from exporter.core.units import SECONDS_PER_HOUR
from exporter.exposition.figures import MISSING, bounds, figure

MOST_ROWS = 500
_DEFAULT_SORT = "emissions"


@dataclass(frozen=True, slots=True)
class _TextColumn:
    key: str
    heading: str
    text: Callable[[InstanceEstimate], str]


@dataclass(frozen=True, slots=True)
class _NumberColumn:
    key: str
    heading: str
    unit: str
    quantity: Quantity
    number: Callable[[InstanceEstimate], Bounded | None]


_Column = _TextColumn | _NumberColumn


def _team(estimate: InstanceEstimate) -> str:
    return dict(estimate.instance.tags).get("team", "")


def _cpu_percent(estimate: InstanceEstimate) -> Bounded | None:
    ratio = estimate.cpu_utilization_ratio
    return None if ratio is None else Bounded(100 * ratio)


def _cost(estimate: InstanceEstimate) -> Bounded | None:
    eur = estimate.cost_eur_per_hour
    if eur is None:
        return None
    return Bounded(eur, estimate.cost_lower_eur_per_hour, estimate.cost_upper_eur_per_hour)


def _runtime_hours(estimate: InstanceEstimate) -> Bounded | None:
    seconds = estimate.runtime_seconds
    return None if seconds is None else Bounded(seconds / SECONDS_PER_HOUR)


# Two texts share a cell, as a value and its bounds do: fourteen columns fit no screen.
_PAIRS = (
    (
        _TextColumn("name", "Name", lambda e: e.instance.name),
        _TextColumn("instance", "Instance", lambda e: e.instance.instance_id),
    ),
    (
        _TextColumn("region", "Region", lambda e: e.instance.region),
        _TextColumn("account", "Account", lambda e: e.instance.account_id),
    ),
    (
        _TextColumn("type", "Type", lambda e: e.instance.instance_type),
        _TextColumn("purchase", "Purchase", lambda e: e.instance.purchase_option),
    ),
    (
        _TextColumn("team", "Team", _team),
        _TextColumn("state", "State", lambda e: e.instance.state),
    ),
)
_TEXTS = tuple(column for pair in _PAIRS for column in pair)
_NUMBERS = (
    _NumberColumn("cpu", "CPU", "%", Quantity.CPU, _cpu_percent),
    _NumberColumn("power", "Power", "W", Quantity.POWER, lambda e: e.power_watts),
    _NumberColumn(
        "emissions",
        "Emissions",
        "gCO2e/h",
        Quantity.EMISSIONS,
        lambda e: e.emissions_grams_per_hour,
    ),
    _NumberColumn(
        "embodied", "Embodied", "gCO2e/h", Quantity.EMBODIED, lambda e: e.embodied_grams_per_hour
    ),
    _NumberColumn("cost", "Cost", "EUR/h", Quantity.COST_EUR, _cost),
    _NumberColumn(
        "runtime",
        "Runtime",
        f"h of the last {WINDOW_SECONDS / SECONDS_PER_HOUR:.0f}",
        Quantity.RUNTIME,
        _runtime_hours,
    ),
)
_BY_KEY: Mapping[str, _Column] = {
    **{column.key: column for column in _TEXTS},
    **{column.key: column for column in _NUMBERS},
}


def instances_section(snapshot: FleetSnapshot, query: Mapping[str, str]) -> str:
    """Render the section; ``query`` may hold ``sort`` (a column's key) and ``q`` (text)."""
    wanted = query.get("q", "").strip()
    column = _BY_KEY.get(query.get("sort", ""), _BY_KEY[_DEFAULT_SORT])
    found = [e for e in snapshot.instances if not wanted or _matches(e, wanted.lower())]
    shown = _sorted(found, column)[:MOST_ROWS]
    reasons = _reasons(snapshot)
    headings = "".join(
        [f"<th>{_link(a, column, wanted)}{_link(b, column, wanted)}</th>" for a, b in _PAIRS]
        + [
            f'<th class="number">{_link(each, column, wanted)}<small>{each.unit}</small></th>'
            for each in _NUMBERS
        ]
    )
    rows = "\n".join(_row(estimate, reasons) for estimate in shown)
    return (
        f"<section><h2>Instances</h2>{_form(wanted, column.key)}"
        f"{_note(len(shown), len(found), len(snapshot.instances))}"
        f'<div class="table fleet" tabindex="0"><table><thead><tr>{headings}</tr></thead>'
        f"<tbody>{rows}</tbody></table></div></section>\n"
    )


def _matches(estimate: InstanceEstimate, wanted: str) -> bool:
    texts = [column.text(estimate) for column in _TEXTS]
    texts += [value for _, value in estimate.instance.tags]
    return any(wanted in text.lower() for text in texts)


def _sorted(estimates: Sequence[InstanceEstimate], column: _Column) -> list[InstanceEstimate]:
    """Sort numbers from the largest down, texts from A to Z; what is missing comes last."""
    if isinstance(column, _TextColumn):
        return sorted(estimates, key=lambda e: (not column.text(e), column.text(e).lower()))

    def key(estimate: InstanceEstimate) -> float:
        number = column.number(estimate)
        return float("inf") if number is None else -number.value

    return sorted(estimates, key=key)


def _link(column: _Column, current: _Column, wanted: str) -> str:
    address = "?" + urlencode({"sort": column.key, **({"q": wanted} if wanted else {})})
    mark = ' aria-current="true"' if column is current else ""
    return f'<a href="{escape(address)}"{mark}>{column.heading}</a>'


def _form(wanted: str, sort: str) -> str:
    return (
        f'<form><input type="hidden" name="sort" value="{sort}">'
        f'<input type="search" name="q" value="{escape(wanted)}" aria-label="Find instances"'
        ' placeholder="Name, id, account, region, type, tag"><button>Find</button></form>'
    )


def _note(shown: int, found: int, known: int) -> str:
    if not found:
        return '<p class="dim">No instance matches.</p>' if known else '<p class="dim">None.</p>'
    if shown < found:
        return f'<p class="dim">{shown} of {found} shown, {found - shown} hidden: search.</p>'
    return "" if found == known else f'<p class="dim">{found} of {known} match.</p>'


def _reasons(snapshot: FleetSnapshot) -> Mapping[tuple[Place, Quantity], str]:
    """Give the reasons that gaps of this quantity have in this place."""
    reasons: dict[tuple[Place, Quantity], list[str]] = defaultdict(list)
    for place, quantity, reason in sorted(snapshot.gaps):
        reasons[place, quantity].append(reason)
    return {key: " or ".join(found) for key, found in reasons.items()}


def _row(estimate: InstanceEstimate, reasons: Mapping[tuple[Place, Quantity], str]) -> str:
    cells = [
        f"<td>{escape(upper.text(estimate)) or MISSING}"
        f"<small>{escape(lower.text(estimate)) or MISSING}</small></td>"
        for upper, lower in _PAIRS
    ]
    for column in _NUMBERS:
        number = column.number(estimate)
        if number is not None:
            limits = bounds(number)
            small = f"<small>{limits}</small>" if limits else ""
            cells.append(f'<td class="number">{figure(number.value)}{small}</td>')
            continue
        # Only the runtime is also wanted of instances that do not run.
        wanted = estimate.instance.is_running or column.quantity is Quantity.RUNTIME
        why = reasons.get((estimate.instance.place, column.quantity), "") if wanted else ""
        title = f' title="{escape(why)}"' if why else ""
        cells.append(f'<td class="number"{title}>{MISSING}</td>')
    return f"<tr>{''.join(cells)}</tr>"
