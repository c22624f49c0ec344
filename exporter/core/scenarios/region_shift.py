"""Region shift: the on-demand fleet runs in another region, on its grid and at its prices."""

from dataclasses import dataclass

from exporter.core.evidence import PriceKey
from exporter.core.scenarios.facts import CaseFacts
from exporter.core.scenarios.outcome import Outcome, ScenarioGap


@dataclass(frozen=True, slots=True)
class RegionShift:
    """What a move to one region comes to; ``wishes`` are prices whose answers would complete it."""

    target_region: str
    outcome: Outcome | ScenarioGap
    wishes: frozenset[PriceKey]


def region_shift(facts: CaseFacts, target_region: str) -> RegionShift:
    """What running in the target region would have saved in every hour of the history."""
    raise NotImplementedError(facts, target_region)
