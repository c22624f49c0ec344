"""The composed fleet: lives and prices of six accounts, made of what the data folder holds."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from exporter.core.fleet import Place
from tests.validation.composition import COUNTS, Composer
from tests.validation.lives import Life
from tests.validation.recordings import DataError, rows_in

REGIONS = ("eu-central-1", "eu-west-1", "us-east-1")
PLACES = tuple(Place(f"{number:012d}", REGIONS[number % len(REGIONS)]) for number in range(1, 7))
"""Six made-up accounts, each in one region."""

TYPES = 40
"""How many instance types a place uses."""

SEED = 20260302

DEAREST_USD_PER_HOUR = 2.0
"""One dear instance would outweigh all others in the sums."""


@dataclass(frozen=True, slots=True)
class Prices:
    """Recorded US dollars an hour of one instance type: on demand, and the mean spot price."""

    on_demand_usd: float
    spot_usd: float


@dataclass(frozen=True, slots=True)
class Fleet:
    """What happened, and what an hour of each type costs in each region."""

    lives: Sequence[Life]
    prices: Mapping[str, Mapping[str, Prices]]

    def usd_per_hour(self, life: Life, instance_type: str) -> float:
        """List or spot price of an hour."""
        prices = self.prices[life.place.region][instance_type]
        return prices.spot_usd if life.spot else prices.on_demand_usd


def composed_fleet(data: Path) -> Fleet:
    """The fleet, always the same one for the same prices."""
    prices = {region: _prices(data, region) for region in REGIONS}
    types = {place: _spread_out(sorted(prices[place.region])) for place in PLACES}
    return Fleet(Composer(types, SEED).fleet(COUNTS), prices)


def _prices(data: Path, region: str) -> dict[str, Prices]:
    """Types with both prices; a price of zero is none."""
    found = {}
    for row in rows_in(data, f"prices/ec2_linux_{region}.csv"):
        on_demand, spot = (
            float(row[name] or 0) for name in ("ondemand_usd_per_h", "spot_avg_usd_per_h")
        )
        if 0 < on_demand <= DEAREST_USD_PER_HOUR and spot > 0:
            found[row["instance_type"]] = Prices(on_demand, spot)
    if not found:
        raise DataError(f"prices/ec2_linux_{region}.csv has no usable price")
    return found


def _spread_out(types: Sequence[str]) -> list[str]:
    """Every so many-th type of the alphabet."""
    step = max(1, len(types) // TYPES)
    return list(types[::step][:TYPES])
