"""Rightsizing: a smaller type of the same family, where the CPU alone says that it fits."""

from collections.abc import Mapping
from dataclasses import dataclass

from exporter.core.evidence import PriceKey
from exporter.core.scenarios.facts import CaseFacts
from exporter.core.scenarios.outcome import Outcome, Resize, ScenarioGap
from exporter.core.scenarios.plan import ScenarioPlan


@dataclass(frozen=True, slots=True)
class Rightsizing:
    """The total, each instance that fits a smaller type, and what kept others from being judged.

    ``outcome`` is a gap where nothing could be judged. ``unjudged`` counts instances. ``wishes``
    are prices and types whose answers would allow more to be judged.
    """

    outcome: Outcome | ScenarioGap
    resizes: Mapping[str, Resize]
    unjudged: Mapping[ScenarioGap, int]
    wishes: frozenset[str | PriceKey]


def rightsizing(facts: CaseFacts, plan: ScenarioPlan) -> Rightsizing:
    """Judge every running instance."""
    raise NotImplementedError(facts, plan)
