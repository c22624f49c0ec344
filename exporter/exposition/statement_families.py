"""The pure mapping from the statement of time and money to metric families."""

from collections.abc import Callable, Iterable, Mapping
from typing import TypeVar

from exporter.core.evidence import ExchangeRate, Quantity
from exporter.core.fleet import Place
from exporter.core.reconciliation import Reconciliation
from exporter.core.statement import Accrued, BilledTotals, CoverageRatios, Statement
from exporter.exposition.catalogue import MetricSpec, accrual, time_and_money
from exporter.exposition.family import Family, known, labelled, single
from exporter.exposition.labels import label_set

T = TypeVar("T")

_Column = tuple[MetricSpec, Callable[[T], float | None]]

ACCRUED_QUANTITIES = (Quantity.COST_USD, Quantity.EMBODIED, Quantity.EMISSIONS, Quantity.POWER)
"""What is accrued, or counted as skipped."""


def statement_families(
    statement: Statement, exchange_rate: ExchangeRate | None
) -> tuple[Family, ...]:
    """Build every family of the books, in a fixed order; euros need an exchange rate."""
    billed_usd = _families(_BILLED, _accounts(statement.billed))
    return (
        *_families(_ACCRUED, statement.accrued.items()),
        _skipped(statement.accrued),
        *_families(_COVERAGE, statement.coverage.items()),
        single(time_and_money.FLEET_ALIGNMENT, statement.fleet_alignment_ratio),
        *_families(_BILLED_ALIGNMENT, _accounts(statement.billed_alignment_ratio)),
        *billed_usd,
        *_in_euros(billed_usd, exchange_rate),
        *_families(_RECONCILED, _accounts(statement.reconciliation)),
    )


_ACCRUED: tuple[_Column[Accrued], ...] = (
    (accrual.ENERGY, lambda accrued: accrued.energy_joules),
    (accrual.EMISSIONS, lambda accrued: accrued.emissions_grams),
    (accrual.EMBODIED, lambda accrued: accrued.embodied_grams),
    (accrual.COST_USD, lambda accrued: accrued.cost_usd),
)
_COVERAGE: tuple[_Column[CoverageRatios], ...] = (
    (time_and_money.ALIGNMENT, lambda ratios: ratios.both),
    (time_and_money.COST_COVERAGE, lambda ratios: ratios.cost),
    (time_and_money.CARBON_COVERAGE, lambda ratios: ratios.carbon),
)
_BILLED_ALIGNMENT: tuple[_Column[float], ...] = (
    (time_and_money.BILLED_ALIGNMENT, lambda ratio: ratio),
)
_BILLED: tuple[_Column[BilledTotals], ...] = (
    (time_and_money.MONTH_USD, lambda billed: billed.month_to_date_usd),
    (time_and_money.DAY_USD, lambda billed: billed.last_day_usd),
    (time_and_money.HOUR_USD, lambda billed: billed.last_hour_usd),
)
_IN_EUROS = (time_and_money.MONTH_EUR, time_and_money.DAY_EUR, time_and_money.HOUR_EUR)
_RECONCILED: tuple[_Column[Reconciliation], ...] = (
    (time_and_money.DEVIATION, lambda compared: compared.deviation_ratio),
    (time_and_money.TIME_DEVIATION, lambda compared: compared.time_deviation_ratio),
    (time_and_money.PRICE_DEVIATION, lambda compared: compared.price_deviation_ratio),
    (time_and_money.SAMPLES, lambda compared: float(compared.samples)),
    (time_and_money.WEIGHTED_ERROR, lambda compared: compared.weighted_error_ratio),
)


def _accounts(facts: Mapping[str, T]) -> Iterable[tuple[tuple[str], T]]:
    return (((account_id,), fact) for account_id, fact in facts.items())


def _families(
    columns: tuple[_Column[T], ...], facts: Iterable[tuple[tuple[str, ...], T]]
) -> tuple[Family, ...]:
    """Build a family of each column from the same scopes, whose label sets are rendered once."""
    ordered = sorted(facts, key=lambda pair: pair[0])
    names = columns[0][0].labels
    label_sets = tuple([label_set(names, scope) for scope, _ in ordered])
    return tuple(
        known(spec, label_sets, [value_of(fact) for _, fact in ordered])
        for spec, value_of in columns
    )


def _skipped(accrued: Mapping[Place, Accrued]) -> Family:
    """Every quantity starts at 0, so that the first second skipped is an increase."""
    return labelled(
        accrual.SKIPPED,
        (
            ((*place, quantity), books.skipped_seconds.get(quantity, 0.0))
            for place, books in sorted(accrued.items())
            for quantity in ACCRUED_QUANTITIES
        ),
    )


def _in_euros(usd: Iterable[Family], exchange_rate: ExchangeRate | None) -> tuple[Family, ...]:
    pairs = zip(_IN_EUROS, usd, strict=True)
    if exchange_rate is None:
        return tuple(Family(spec, (), ()) for spec, _ in pairs)
    rate = exchange_rate.usd_per_eur
    return tuple(
        Family(spec, billed.label_sets, tuple([value / rate for value in billed.values]))
        for spec, billed in pairs
    )
