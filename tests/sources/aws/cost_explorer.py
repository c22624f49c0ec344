"""Answers of GetCostAndUsage: the real shape with made-up values."""

from datetime import UTC, datetime
from typing import Any


def at(text: str) -> float:
    """Epoch seconds of a day or an instant, UTC."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()


def group(
    account_id: str, purchase_type: str, cost: str, hours: str, unit: str = "USD"
) -> dict[str, Any]:
    """What one account paid in one way."""
    return {
        "Keys": [account_id, purchase_type],
        "Metrics": {
            "AmortizedCost": {"Amount": cost, "Unit": unit},
            "UsageQuantity": {"Amount": hours, "Unit": "Hrs"},
        },
    }


def period(start: str, *groups: dict[str, Any], estimated: bool = False) -> dict[str, Any]:
    """One day or hour."""
    return {
        "TimePeriod": {"Start": start, "End": "not read"},
        "Total": {},
        "Groups": list(groups),
        "Estimated": estimated,
    }


def answer(*periods: dict[str, Any], token: str = "") -> dict[str, Any]:
    """One page."""
    page: dict[str, Any] = {"ResultsByTime": list(periods), "DimensionValueAttributes": []}
    return page | ({"NextPageToken": token} if token else {})
