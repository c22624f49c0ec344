"""The cheaper smaller types that may fit an instance."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from exporter.core.cost import price_key
from exporter.core.evidence import PriceKey, PriceQuote
from exporter.core.fleet import Hardware, Instance
from exporter.core.scenarios.fit import Fit, fit_below
from exporter.core.scenarios.load import LoadDistribution
from exporter.core.scenarios.smaller import SmallerTypes


class Candidate(NamedTuple):
    """A type that may fit an instance and costs less; the least of several is the best.

    Of types at one price that is the one with the most vCPUs. Its CPU is the instance's own times
    ``load_factor``.
    """

    usd_per_hour: float
    negative_vcpus: int
    instance_type: str
    load_factor: float
    fit: Fit


class Candidates:
    """Looks for candidates, at list prices."""

    def __init__(
        self,
        hardware: Mapping[str, Hardware],
        prices: Mapping[PriceKey, PriceQuote],
        highest_percent: float,
    ) -> None:
        self._prices = prices
        self._smaller = SmallerTypes(hardware, highest_percent)

    def of(
        self, instance: Instance, hardware: Hardware, usd_per_hour: float, load: LoadDistribution
    ) -> Sequence[Candidate] | frozenset[PriceKey]:
        """Every type that at least possibly fits, is sold there, and costs less than it does.

        While the price of such a type is unknown, the keys of all such prices instead: the
        cheapest cannot be told.
        """
        own_key = price_key(instance)
        found: list[Candidate] = []
        unknown: list[PriceKey] = []
        for smaller in self._smaller.of(hardware):
            fit = fit_below(load.blocks, smaller.highest_level)
            if not fit.possibly:
                continue
            key = own_key._replace(instance_type=smaller.instance_type)
            quote = self._prices.get(key)
            if quote is None:
                unknown.append(key)
            elif quote.usd_per_hour is not None and quote.usd_per_hour < usd_per_hour:
                found.append(
                    Candidate(
                        quote.usd_per_hour,
                        -smaller.vcpus,
                        smaller.instance_type,
                        smaller.load_factor,
                        fit,
                    )
                )
        return frozenset(unknown) if unknown else found
