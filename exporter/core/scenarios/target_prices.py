"""Target prices: what groups cost in another region as a multiple of what they cost here."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from exporter.core.evidence import PriceKey, PriceQuote


@dataclass(frozen=True, slots=True)
class TargetPrices:
    """On-demand list prices there over those here, by the price key here.

    ``unsold`` is what cannot be had there. What is in neither has no price here. ``wishes`` are
    prices that are not known yet.
    """

    cost_ratios: Mapping[PriceKey, float]
    unsold: frozenset[PriceKey]
    wishes: frozenset[PriceKey]

    @classmethod
    def of(
        cls, keys: Iterable[PriceKey], target_region: str, prices: Mapping[PriceKey, PriceQuote]
    ) -> "TargetPrices":
        """Those of some price keys, as far as the prices tell."""
        cost_ratios: dict[PriceKey, float] = {}
        unsold: set[PriceKey] = set()
        wishes: set[PriceKey] = set()
        for key in keys:
            key_there = key._replace(location=target_region)
            here, there = prices.get(key), prices.get(key_there)
            if there is not None and there.usd_per_hour is None:
                unsold.add(key)
            elif here is None or there is None:
                wishes |= {key, key_there} - prices.keys()
            elif here.usd_per_hour and there.usd_per_hour is not None:
                cost_ratios[key] = there.usd_per_hour / here.usd_per_hour
        return cls(cost_ratios, frozenset(unsold), frozenset(wishes))

    def knows(self, key: PriceKey) -> bool:
        """Whether it is known what a move would do to the cost."""
        return key in self.cost_ratios or key in self.unsold
