"""What AWS has billed for EC2 compute, as Cost Explorer reports it."""

from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum


class BilledAs(StrEnum):
    """How compute was paid for, as far as it can be compared with computed costs.

    ON_DEMAND holds everything that has an on-demand list price: also what Savings Plans or
    reservations cover. OTHER (capacity blocks and the like) is billed but never compared.
    """

    ON_DEMAND = "on_demand"
    SPOT = "spot"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class BilledUsage:
    """Compute of one account billed in the day or hour that begins at ``start_at``.

    ``usd`` is the amortized cost; it equals the unblended one where nothing is committed.
    ``hours`` are instance-hours. ``estimated`` means that AWS may still change it.
    """

    account_id: str
    start_at: float
    billed_as: BilledAs
    usd: float
    hours: float
    estimated: bool


@dataclass(frozen=True, slots=True)
class Bill:
    """Compute of all polled accounts, as billed when it was asked for at ``fetched_at``.

    ``days`` reach from ``days_since_at`` (midnight UTC) to the day of the answer. ``hours`` are
    empty unless hourly granularity is opted in; they reach from ``hours_since_at``. It is the
    compute of ``regions`` only; empty means all. ``hours_failure`` says why hours that were asked
    for are missing.
    """

    fetched_at: float
    days_since_at: float
    days: tuple[BilledUsage, ...]
    hours_since_at: float = 0.0
    hours: tuple[BilledUsage, ...] = ()
    regions: tuple[str, ...] = ()
    hours_failure: str = ""


PUBLICATION_LAG_SECONDS = 86400.0
"""Cost Explorer is refreshed at least once in 24 h: what is older has been billed in full.

https://docs.aws.amazon.com/cost-management/latest/userguide/ce-what-is.html (2026).
"""


def month_start_at(at: float) -> float:
    """Midnight UTC of the first day of the month that an instant is in."""
    moment = datetime.fromtimestamp(at, UTC)
    return datetime(moment.year, moment.month, 1, tzinfo=UTC).timestamp()
