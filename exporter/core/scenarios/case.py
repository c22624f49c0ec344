"""The whole business case: every scenario at one instant."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from exporter.core.bounded import Bounded
from exporter.core.evidence import PriceKey
from exporter.core.scenarios.outcome import Outcome, Resize, Scenario, ScenarioGap


@dataclass(frozen=True, slots=True)
class BusinessCase:
    """The scenarios at one instant. Whatever is unknown is not in its mapping.

    ``eur_per_month`` holds the saving of each outcome in euros. ``gaps`` counts what has no value:
    the scenario itself, a target region, or (rightsizing) instances that could not be judged.
    Profiles are means of four weeks by (weekday, hour), UTC, Monday is 1; ``grid_profile`` is by
    (zone, weekday, hour). ``wishes`` are prices and types whose answers would complete the case.
    ``eur_per_usd`` turns dollars at list price into euros as billed, by account; empty without a
    rate.
    """

    outcomes: tuple[Outcome, ...] = ()
    eur_per_month: Mapping[tuple[Scenario, str], Bounded] = field(default_factory=dict)
    gaps: Mapping[tuple[Scenario, ScenarioGap], int] = field(default_factory=dict)
    idle: Mapping[str, bool] = field(default_factory=dict)
    resizes: Mapping[str, Resize] = field(default_factory=dict)
    emissions_profile: Mapping[tuple[int, int], float] = field(default_factory=dict)
    grid_profile: Mapping[tuple[str, int, int], float] = field(default_factory=dict)
    wishes: frozenset[str | PriceKey] = frozenset()
    usd_per_eur: float | None = None
    eur_per_usd: Mapping[str, float] = field(default_factory=dict)


NOT_STUDIED = BusinessCase(gaps={(scenario, ScenarioGap.AWAITED): 1 for scenario in Scenario})
"""While the evidence is still being read: nothing is known, and that is counted."""
