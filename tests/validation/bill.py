"""A composed bill: what the composed fleet would be charged, in the shape of Cost Explorer."""

import copy
import random
from collections import defaultdict
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from exporter.core.billing import Bill
from exporter.sources.aws.billing import CostExplorerBill
from tests.validation.clouds import BillClient, clients_of
from tests.validation.composition import DAY, DAYS, START_AT
from tests.validation.fleet import PLACES, SEED, Fleet
from tests.validation.recordings import DataError, json_in

FETCHED_AT = datetime(2026, 4, 8, 12, tzinfo=UTC).timestamp()
"""When the bill is asked for: the month of the fleet's days is closed by then."""

ON_DEMAND, SPOT = "On Demand Instances", "Spot Instances"
"""Purchase types in Cost Explorer's words."""

_FIRST_DAY = datetime(2026, 1, 1, tzinfo=UTC)
_SHAPE = "aws-api/cost_explorer/daily_by_service.json"
_DECIMALS = 10
"""As many as recorded amounts have at most."""


Discounts = Mapping[str, float]
"""What each account gets off the on-demand price, 0..1."""

NO_DISCOUNTS: Discounts = dict.fromkeys((place.account_id for place in PLACES), 0.0)


def hidden_discounts() -> Discounts:
    """What the exporter is not told."""
    draw = random.Random(SEED)  # noqa: S311  # repeatable, nothing to protect
    return {place.account_id: round(draw.uniform(0.03, 0.4), 4) for place in PLACES}


def composed_bill(data: Path, fleet: Fleet, discounts: Discounts) -> Bill:
    """The bill, as the exporter's own source reads it from the answers."""
    client = BillClient(_days(data, fleet, discounts))
    accounts = tuple(place.account_id for place in PLACES)
    source = CostExplorerBill(
        clients_of(client),
        accounts=lambda: accounts,
        role=None,
        hourly=False,
        wall=lambda: FETCHED_AT,
    )
    return source.fetch(None)


Charges = Mapping[tuple[str, str], tuple[float, float]]
"""US dollars and hours by account and purchase type."""


def charges(fleet: Fleet, day_at: float, discounts: Discounts) -> Charges:
    """What one day costs by the truth: billed seconds, prices and discounts."""
    found: dict[tuple[str, str], list[float]] = defaultdict(lambda: [0.0, 0.0])
    for life in fleet.lives:
        account_id = life.place.account_id
        paid = 1.0 if life.spot else 1 - discounts[account_id]
        sums = found[account_id, SPOT if life.spot else ON_DEMAND]
        for instance_type, seconds in life.billed(day_at, day_at + DAY).items():
            sums[0] += seconds / 3600 * fleet.usd_per_hour(life, instance_type) * paid
            sums[1] += seconds / 3600
    return {key: (usd, hours) for key, (usd, hours) in found.items()}


def _days(data: Path, fleet: Fleet, discounts: Discounts) -> list[dict[str, Any]]:
    """Every day from January to the answer, those outside the fleet's fortnight empty."""
    template = _template(data)
    last_at = START_AT + (DAYS - 1) * DAY
    found = []
    day = _FIRST_DAY
    while day.timestamp() <= FETCHED_AT:
        period = copy.deepcopy(template)
        following = day + timedelta(days=1)
        period["TimePeriod"] = {"Start": f"{day:%Y-%m-%d}", "End": f"{following:%Y-%m-%d}"}
        inside = START_AT <= day.timestamp() <= last_at
        billed = charges(fleet, day.timestamp(), discounts) if inside else {}
        period["Groups"] = [
            {
                "Keys": list(keys),
                "Metrics": {
                    "AmortizedCost": _amount(usd, "USD"),
                    "UsageQuantity": _amount(hours, "Hrs"),
                },
            }
            for keys, (usd, hours) in sorted(billed.items())
        ]
        # The month of the answer is not closed yet.
        period["Estimated"] = day.month == datetime.fromtimestamp(FETCHED_AT, UTC).month
        found.append(period)
        day = following
    return found


def _amount(amount: float, unit: str) -> dict[str, str]:
    return {"Amount": f"{amount:.{_DECIMALS}f}", "Unit": unit}


def _template(data: Path) -> dict[str, Any]:
    try:
        period = json_in(data, _SHAPE)["ResultsByTime"][0]
        return {name: period[name] for name in ("TimePeriod", "Groups", "Estimated", "Total")}
    except (KeyError, IndexError, TypeError):
        raise DataError(f"{_SHAPE} has no period with groups") from None
