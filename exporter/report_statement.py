"""Time and money as a document: their part of the fleet report."""

from dataclasses import asdict

from exporter.core.reconciliation import Reconciliation
from exporter.core.statement import WINDOW_SECONDS, Statement


def statement_document(statement: Statement) -> dict[str, object]:
    """Coverage, billed compute and its comparison, ready for JSON; what is unknown is None."""
    return {
        "coverage": {
            "window_seconds": WINDOW_SECONDS,
            "fleet_time_alignment_ratio": statement.fleet_alignment_ratio,
            "places": [
                {
                    **place._asdict(),
                    "time_alignment_ratio": ratios.both,
                    "cost_ratio": ratios.cost,
                    "carbon_ratio": ratios.carbon,
                }
                for place, ratios in sorted(statement.coverage.items())
            ],
            "billed_time_alignment": [
                {"account_id": account_id, "ratio": ratio}
                for account_id, ratio in sorted(statement.billed_alignment_ratio.items())
            ],
        },
        "billed": [
            {"account_id": account_id, **asdict(billed)}
            for account_id, billed in sorted(statement.billed.items())
        ],
        "reconciliation": [
            {"account_id": account_id, **_compared(compared)}
            for account_id, compared in sorted(statement.reconciliation.items())
        ],
    }


def _compared(reconciliation: Reconciliation) -> dict[str, object]:
    return {
        "samples": reconciliation.samples,
        "deviation_ratio": reconciliation.deviation_ratio,
        "time_deviation_ratio": reconciliation.time_deviation_ratio,
        "price_deviation_ratio": reconciliation.price_deviation_ratio,
        "weighted_error_ratio": reconciliation.weighted_error_ratio,
        "billed_over_computed": {
            billed_as: asdict(ratio)
            for billed_as, ratio in sorted(reconciliation.cost_ratios.items())
        },
        "excluded_days": dict(sorted(reconciliation.excluded.items())),
    }
