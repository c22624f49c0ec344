"""The time and money section of the status page: coverage in words, and the bill by account."""

from collections.abc import Sequence
from html import escape

from exporter.core.billing import PUBLICATION_LAG_SECONDS
from exporter.core.evidence import ExchangeRate
from exporter.core.reconciliation import Reconciliation
from exporter.core.snapshot import FleetSnapshot
from exporter.core.statement import WINDOW_SECONDS, BilledTotals, Statement
from exporter.core.units import SECONDS_PER_HOUR
from exporter.exposition.figures import MISSING, figure, percent, signed_percent

_WINDOW_HOURS = f"{WINDOW_SECONDS / SECONDS_PER_HOUR:.0f}"
_LAG_HOURS = f"{PUBLICATION_LAG_SECONDS / SECONDS_PER_HOUR:.0f}"


def statement_section(snapshot: FleetSnapshot) -> str:
    """Render the section; what the books do not hold yet is a dash."""
    statement = snapshot.statement
    accounts = sorted(
        {*statement.billed, *statement.reconciliation, *statement.billed_alignment_ratio}
    )
    bill = (
        _accounts_table(statement, accounts, snapshot.exchange_rate)
        if accounts
        else '<p class="dim">Nothing billed is known: it needs an answer of Cost Explorer.</p>'
    )
    return f"<section><h2>Time and money</h2>{_alignment(statement)}{bill}</section>\n"


def _alignment(statement: Statement) -> str:
    ratio = statement.fleet_alignment_ratio
    if ratio is None:
        meaning = f"Nothing is known to have run in the last {_WINDOW_HOURS} complete hours."
    else:
        meaning = (
            f"of the running time in the last {_WINDOW_HOURS} complete hours has cost and carbon"
            " known for the same hour."
        )
    return (
        '<div class="card alignment"><div><h3>Time alignment coverage</h3>'
        f'<p class="total">{_percent_of(ratio)}</p></div>'
        f"<div><p>{meaning}</p>{_least_covered(statement)}</div></div>"
    )


def _least_covered(statement: Statement) -> str:
    """Where to look first; empty while everything is covered."""
    ranked = sorted((ratios.both, place) for place, ratios in statement.coverage.items())
    if not ranked or ranked[0][0] >= 1:
        return ""
    lowest, place = ranked[0]
    ratios = statement.coverage[place]
    return (
        f'<p class="coverage warn">Lowest in {escape(place.region)}, account'
        f" {escape(place.account_id)}: {percent(lowest)}"
        f" (cost {percent(ratios.cost)}, carbon {percent(ratios.carbon)})</p>"
    )


def _accounts_table(
    statement: Statement, accounts: Sequence[str], exchange_rate: ExchangeRate | None
) -> str:
    hourly = any(billed.last_hour_usd is not None for billed in statement.billed.values())
    columns = [
        ("Billed this month", "USD, EUR"),
        ("Last full day", "USD, EUR"),
        *([("Last full hour", "USD, EUR")] if hourly else []),
        ("Computed against billed", "median day, and what it comes from"),
        ("Days compared", "weighted error"),
        ("Alignment with billed cost", f"{_WINDOW_HOURS} h until {_LAG_HOURS} h ago"),
    ]
    headings = "".join(
        f'<th class="number">{heading}<small>{detail}</small></th>' for heading, detail in columns
    )
    rows = "\n".join(
        f"<tr><td>{escape(account)}</td>"
        f"{''.join(_money_cells(statement.billed.get(account), exchange_rate, hourly=hourly))}"
        f"{''.join(_comparison_cells(statement.reconciliation.get(account)))}"
        f"{_cell(_percent_of(statement.billed_alignment_ratio.get(account)))}</tr>"
        for account in accounts
    )
    return (
        f'<div class="table" tabindex="0"><table><thead><tr><th>Account</th>{headings}</tr></thead>'
        f"<tbody>{rows}</tbody></table></div>"
    )


def _money_cells(
    billed: BilledTotals | None, exchange_rate: ExchangeRate | None, *, hourly: bool
) -> list[str]:
    amounts: tuple[float | None, ...] = (None, None, None)
    if billed is not None:
        amounts = (billed.month_to_date_usd, billed.last_day_usd, billed.last_hour_usd)
    return [_money(usd, exchange_rate) for usd in amounts[: 3 if hourly else 2]]


def _money(usd: float | None, exchange_rate: ExchangeRate | None) -> str:
    if usd is None:
        return _cell(MISSING)
    eur = "" if exchange_rate is None else figure(usd / exchange_rate.usd_per_eur)
    return _cell(figure(usd), eur)


def _comparison_cells(compared: Reconciliation | None) -> tuple[str, str]:
    if compared is None:
        return _cell(MISSING), _cell(MISSING)
    error = compared.weighted_error_ratio
    spread = "" if error is None else f"{figure(round(100 * error, 4))} %"
    days = _cell(str(compared.samples), spread)
    total = compared.deviation_ratio
    if total is None:
        return _cell(MISSING), days
    parts = (
        ("time", compared.time_deviation_ratio),
        ("price", compared.price_deviation_ratio),
    )
    told = ", ".join(f"{name} {signed_percent(part)}" for name, part in parts if part is not None)
    return _cell(signed_percent(total), told), days


def _percent_of(ratio: float | None) -> str:
    return MISSING if ratio is None else percent(ratio)


def _cell(text: str, detail: str = "") -> str:
    small = f"<small>{detail}</small>" if detail else ""
    return f'<td class="number">{text}{small}</td>'
