"""What the books say of the made-up fleet: nothing is missing, and another seed changes it all."""

import random
from collections.abc import Sequence

from exporter.core.billing import BilledAs
from exporter.core.evidence import Quantity
from exporter.core.fleet import Instance
from exporter.core.reconciliation import CostRatio, Reconciliation
from exporter.core.statement import (
    WINDOW_SECONDS,
    Accrued,
    BilledTotals,
    CoverageRatios,
    RuntimeInWindow,
    Statement,
)

_SKIPPED = (Quantity.POWER, Quantity.EMISSIONS, Quantity.EMBODIED, Quantity.COST_USD)


def statement(fleet: Sequence[Instance], seed: int) -> Statement:
    """Runtime of every instance, coverage and counters of every place, the bill of each account."""
    draw = random.Random(seed)  # noqa: S311 - made-up numbers
    places = sorted({each.place for each in fleet})
    accounts = sorted({place.account_id for place in places})
    return Statement(
        runtime={each.instance_id: _runtime(draw) for each in fleet},
        coverage={place: _coverage(draw) for place in places},
        fleet_alignment_ratio=draw.uniform(0.9, 1),
        billed_alignment_ratio={account: draw.uniform(0.9, 1) for account in accounts},
        billed={account: _billed(draw) for account in accounts},
        reconciliation={account: _reconciliation(draw) for account in accounts},
        accrued={place: _accrued(draw) for place in places},
    )


def _runtime(draw: random.Random) -> RuntimeInWindow:
    seconds = draw.uniform(0, WINDOW_SECONDS)
    return RuntimeInWindow(seconds, seconds + draw.uniform(0, 60))


def _coverage(draw: random.Random) -> CoverageRatios:
    both = draw.uniform(0.9, 1)
    return CoverageRatios(cost=both, carbon=both, both=both)


def _billed(draw: random.Random) -> BilledTotals:
    """By days: hours are an opt-in."""
    return BilledTotals(draw.uniform(1e3, 1e5), draw.uniform(100, 1000))


def _reconciliation(draw: random.Random) -> Reconciliation:
    time_ratio, price_ratio = draw.uniform(-0.01, 0.01), draw.uniform(-0.1, 0.1)
    known = {BilledAs.ON_DEMAND: CostRatio(draw.uniform(0.8, 0.9), draw.uniform(0.9, 1))}
    total_ratio = time_ratio + price_ratio
    return Reconciliation(14, total_ratio, time_ratio, price_ratio, abs(price_ratio), known, {})


def _accrued(draw: random.Random) -> Accrued:
    joules, grams, embodied, usd = (draw.uniform(1e3, 1e9) for _ in range(4))
    skipped = {quantity: draw.uniform(0, 1e5) for quantity in _SKIPPED}
    return Accrued(joules, grams, embodied, usd, skipped)
