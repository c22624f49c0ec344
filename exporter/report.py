"""The fleet as text, for people and for scripts."""

import csv
import io
import json
from collections.abc import Callable, Iterable, Mapping

from exporter.core.snapshot import Bounded, FleetSnapshot, InstanceEstimate
from exporter.core.statement import WINDOW_SECONDS
from exporter.core.units import SECONDS_PER_HOUR
from exporter.exposition.scenario_words import plural
from exporter.report_statement import statement_document

COLUMNS = (
    "account_id",
    "region",
    "instance_id",
    "name",
    "instance_type",
    "state",
    "purchase_option",
    "cpu_utilization_ratio",
    "power_watts",
    "power_lower_watts",
    "power_upper_watts",
    "emissions_grams_per_hour",
    "emissions_lower_grams_per_hour",
    "emissions_upper_grams_per_hour",
    "embodied_emissions_grams_per_hour",
    "cost_usd_per_hour",
    "cost_eur_per_hour",
    "cost_lower_eur_per_hour",
    "cost_upper_eur_per_hour",
    "runtime_seconds",
    "billed_seconds",
)


def _bounds(value: Bounded | None) -> tuple[float | None, float | None, float | None]:
    return (value.value, value.lower, value.upper) if value else (None, None, None)


def _row(estimate: InstanceEstimate) -> tuple[object, ...]:
    """One instance in the order of COLUMNS; None where a value is unknown."""
    instance = estimate.instance
    return (
        instance.account_id,
        instance.region,
        instance.instance_id,
        instance.name,
        instance.instance_type,
        str(instance.state),
        str(instance.purchase_option),
        estimate.cpu_utilization_ratio,
        *_bounds(estimate.power_watts),
        *_bounds(estimate.emissions_grams_per_hour),
        _bounds(estimate.embodied_grams_per_hour)[0],
        estimate.cost_usd_per_hour,
        estimate.cost_eur_per_hour,
        estimate.cost_lower_eur_per_hour,
        estimate.cost_upper_eur_per_hour,
        estimate.runtime_seconds,
        estimate.billed_seconds,
    )


def as_csv(snapshot: FleetSnapshot) -> str:
    """One line per instance with a header; an unknown value is an empty field."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    writer.writerows(_row(estimate) for estimate in snapshot.instances)
    return text.getvalue()


def as_json(snapshot: FleetSnapshot) -> str:
    """Totals, coverage, gaps, time and money, and instances; an unknown value is null."""
    totals = snapshot.totals
    document = {
        "estimated_at": snapshot.estimated_at,
        "covered_ratio": dict(snapshot.covered_ratio),
        "totals": {
            "power_watts": _bounds(totals.power_watts),
            "emissions_grams_per_hour": _bounds(totals.emissions_grams_per_hour),
            "embodied_emissions_grams_per_hour": _bounds(totals.embodied_grams_per_hour),
            "cost_usd_per_hour": totals.cost_usd_per_hour,
            "cost_eur_per_hour": totals.cost_eur_per_hour,
        },
        "gaps": [
            {**place._asdict(), "quantity": quantity, "reason": reason, "instances": count}
            for (place, quantity, reason), count in sorted(snapshot.gaps.items())
        ],
        "statement": statement_document(snapshot.statement),
        "instances": [dict(zip(COLUMNS, _row(e), strict=True)) for e in snapshot.instances],
    }
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


_TABLE = (
    ("account", 12, "{:<12}"),
    ("region", 14, "{:<14}"),
    ("instance", 19, "{:<19}"),
    ("type", 12, "{:<12}"),
    ("state", 8, "{:<8}"),
    ("CPU %", 6, "{:>6.1f}"),
    ("W", 8, "{:>8.1f}"),
    ("gCO2e/h", 9, "{:>9.2f}"),
    ("EUR/h", 8, "{:>8.4f}"),
    ("name", 0, "{}"),
)


def as_table(snapshot: FleetSnapshot) -> str:
    """A table for a terminal, biggest emitters first; an unknown value is a dash."""
    lines = ["  ".join(_padded(title, width, form) for title, width, form in _TABLE).rstrip()]
    lines += [_table_line(estimate) for estimate in _by_emissions(snapshot.instances)]
    lines += ["", *_total_lines(snapshot), *_statement_lines(snapshot)]
    return "\n".join(lines) + "\n"


def _padded(text: str, width: int, form: str) -> str:
    return f"{text:>{width}}" if ">" in form else f"{text:<{width}}"


def _by_emissions(estimates: Iterable[InstanceEstimate]) -> list[InstanceEstimate]:
    def grams(estimate: InstanceEstimate) -> float:
        known = estimate.emissions_grams_per_hour
        return known.value if known else -1.0

    return sorted(estimates, key=grams, reverse=True)


def _table_line(estimate: InstanceEstimate) -> str:
    instance = estimate.instance
    cpu = estimate.cpu_utilization_ratio
    cells = (
        instance.account_id,
        instance.region,
        instance.instance_id,
        instance.instance_type,
        str(instance.state),
        None if cpu is None else cpu * 100,
        _bounds(estimate.power_watts)[0],
        _bounds(estimate.emissions_grams_per_hour)[0],
        estimate.cost_eur_per_hour,
        "".join(c if c.isprintable() else " " for c in instance.name),
    )
    shown = (
        _padded("-", width, form) if cell is None else form.format(cell)
        for cell, (_, width, form) in zip(cells, _TABLE, strict=True)
    )
    return "  ".join(shown).rstrip()


def _total_lines(snapshot: FleetSnapshot) -> list[str]:
    totals = snapshot.totals
    rows = (
        ("power", "W", "power", _bounds(totals.power_watts)),
        ("emissions", "gCO2e/h", "emissions", _bounds(totals.emissions_grams_per_hour)),
        ("embodied", "gCO2e/h", "embodied", _bounds(totals.embodied_grams_per_hour)),
        ("cost", "USD/h", "cost_usd", (totals.cost_usd_per_hour, None, None)),
        ("cost", "EUR/h", "cost_eur", (totals.cost_eur_per_hour, None, None)),
    )
    covered = {str(q): _percent(ratio) for q, ratio in snapshot.covered_ratio.items()}
    return [
        f"{name:<10} {_range(bounds)} {unit}, {covered[quantity]} of the running instances"
        for name, unit, quantity, bounds in rows
    ]


def _statement_lines(snapshot: FleetSnapshot) -> list[str]:
    ratio, billed = snapshot.statement.fleet_alignment_ratio, snapshot.statement.billed
    share = "unknown" if ratio is None else _percent(ratio)
    hours = f"{WINDOW_SECONDS / SECONDS_PER_HOUR:.0f}"
    days = [each.last_day_usd for each in billed.values() if each.last_day_usd is not None]
    spent = _figure(sum(days)) if days else "unknown"
    accounts = {place.account_id for place, _ in snapshot.counts} | billed.keys()
    known = plural(len(accounts), "account")
    return [
        f"alignment  {share} of the time run in the last {hours} h has both cost and carbon",
        f"billed     {spent} USD on the last full day, {len(days)} of {known}",
    ]


def _range(bounds: tuple[float | None, float | None, float | None]) -> str:
    value, lower, upper = bounds
    if value is None:
        return "unknown"
    if lower is None or upper is None:
        return _figure(value)
    return f"{_figure(value)} ({_figure(lower)} to {_figure(upper)})"


def _figure(value: float) -> str:
    return f"{value:.0f}" if abs(value) >= 1000 else f"{value:.4g}"  # noqa: PLR2004 - four digits


def _percent(ratio: float) -> str:
    """Only what is complete is 100 %."""
    return "100%" if ratio >= 1 else f"{min(100 * ratio, 99.9):.3g}%"


FORMATS: Mapping[str, Callable[[FleetSnapshot], str]] = {
    "table": as_table,
    "json": as_json,
    "csv": as_csv,
}
