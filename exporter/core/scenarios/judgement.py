"""One instance: which smaller type fits it, and what it would cost and emit as that type."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from exporter.core.cost import price_key
from exporter.core.evidence import PriceKey
from exporter.core.fleet import Hardware, Instance
from exporter.core.scenarios.candidates import Candidate, Candidates
from exporter.core.scenarios.facts import CaseFacts
from exporter.core.scenarios.fit import FEWEST_BLOCKS
from exporter.core.scenarios.grid_factor import GridFactors
from exporter.core.scenarios.kind import Kind
from exporter.core.scenarios.load import LoadDistribution, points_per_week
from exporter.core.scenarios.month import WEEKS_PER_MONTH
from exporter.core.scenarios.outcome import ScenarioGap
from exporter.core.scenarios.watts import MeanWatts
from exporter.core.units import CPU_SLOT_SECONDS, SECONDS_PER_HOUR

FEWEST_DAYS = 14
"""An instance with points on fewer days is not judged."""

_ENVIRONMENT = "environment"


class Change(NamedTuple):
    """What an instance would cost and emit per month as another type; USD and gCO2e."""

    target_type: str
    usd: float
    grams: float


@dataclass(frozen=True, slots=True)
class Judgement:
    """What an instance costs and emits per month, USD and gCO2e, and what it could be instead.

    ``likely`` is the cheapest type that fits by the points themselves; ``is_sure`` says that it
    does so at the upper confidence bound too. ``possible`` is the cheapest of those that fit at
    the lower one. The grid is known for ``grid_known_ratio`` of its energy.
    """

    instance: Instance
    usd: float
    grams: float
    grid_known_ratio: float
    likely: Change | None
    possible: Change | None
    is_sure: bool


class Unjudged(NamedTuple):
    """Why an instance could not be judged, and what would have to be asked for to do so.

    ``may_fit`` tells that a smaller type may fit it, whose price or power is what is unknown.
    """

    reason: ScenarioGap
    wishes: frozenset[str | PriceKey] = frozenset()
    may_fit: bool = False


class _Known(NamedTuple):
    """What is known of an instance as it is."""

    hardware: Hardware
    usd_per_hour: float
    grams_per_joule: float
    grid_known_ratio: float


class Judge:
    """Judges instances one by one; holds what they share."""

    def __init__(self, facts: CaseFacts, highest_percent: float, weeks: Sequence[range]) -> None:
        self._facts = facts
        self._candidates = Candidates(facts.hardware, facts.prices, highest_percent)
        self._factors = GridFactors(
            facts.history, weeks, facts.intensities, facts.siting, facts.grid_gaps
        )
        self._watts = MeanWatts(facts.profiles)

    def judge(self, instance: Instance) -> Judgement | Unjudged:
        """Judge an on-demand instance; of several reasons not to, the first by precedence."""
        load = self._facts.loads.get(instance.instance_id)
        if load is None or not _is_watched(load):
            return Unjudged(ScenarioGap.TOO_LITTLE_HISTORY)
        known = self._known(instance)
        if isinstance(known, ScenarioGap):
            return Unjudged(known)
        candidates = self._candidates.of(instance, known.hardware, known.usd_per_hour, load)
        if isinstance(candidates, frozenset):
            reason = self._gap(candidates, ScenarioGap.NO_PRICE)
            return Unjudged(reason, candidates, may_fit=True)
        likely = min((each for each in candidates if each.fit.likely), default=None)
        possible = min(candidates, default=None)
        types = {each.instance_type for each in (likely, possible) if each}
        return self._unpowered(types) or self._judgement(instance, load, known, likely, possible)

    def _known(self, instance: Instance) -> _Known | ScenarioGap:
        factor = self._factors.of(
            Kind.of(instance).usage_key(instance.account_id, instance.instance_type)
        )
        if isinstance(factor, ScenarioGap):
            return factor
        hardware = self._facts.hardware.get(instance.instance_type)
        if hardware is None:
            return ScenarioGap.NO_HARDWARE
        if left_out := out_of_scope(hardware):
            return left_out
        if not self._watts.is_known(instance.instance_type):
            return self._gap(frozenset({instance.instance_type}), ScenarioGap.NO_PROFILE)
        key = price_key(instance)
        quote = self._facts.prices.get(key)
        if quote is None or quote.usd_per_hour is None:
            return self._gap(frozenset({key}), ScenarioGap.NO_PRICE)
        return _Known(hardware, quote.usd_per_hour, *factor)

    def _unpowered(self, types: Iterable[str]) -> Unjudged | None:
        """Why the power of a chosen type is unknown, if it is."""
        unknown = frozenset(each for each in types if not self._watts.is_known(each))
        if not unknown:
            return None
        if all(map(self._watts.is_unanswered, unknown)):
            reason = self._gap(unknown, ScenarioGap.NO_PROFILE)
            return Unjudged(reason, unknown, may_fit=True)
        return Unjudged(ScenarioGap.NO_PROFILE, may_fit=True)

    def _gap(self, unknown: frozenset[str | PriceKey], lacking: ScenarioGap) -> ScenarioGap:
        """Where one of several was asked for in vain, it is not the wait that matters."""
        return ScenarioGap.AWAITED if unknown <= self._facts.awaited else lacking

    def _judgement(
        self,
        instance: Instance,
        load: LoadDistribution,
        known: _Known,
        likely: Candidate | None,
        possible: Candidate | None,
    ) -> Judgement:
        block = sum(load.blocks)
        seconds = points_per_week(load) * CPU_SLOT_SECONDS * WEEKS_PER_MONTH
        hours, grams_per_watt = seconds / SECONDS_PER_HOUR, seconds * known.grams_per_joule

        def change(to: Candidate) -> Change:
            watts = self._watts.over(block, to.instance_type, to.load_factor)
            return Change(to.instance_type, to.usd_per_hour * hours, watts * grams_per_watt)

        likely_change = change(likely) if likely else None
        same = likely == possible
        return Judgement(
            instance,
            known.usd_per_hour * hours,
            self._watts.over(block, instance.instance_type) * grams_per_watt,
            known.grid_known_ratio,
            likely_change,
            likely_change if same or possible is None else change(possible),
            is_sure=likely is not None and likely.fit.surely,
        )


def out_of_scope(hardware: Hardware) -> ScenarioGap | None:
    """Why instances of a type are never judged: what limits them is not their CPU, or not polled.

    Burstable types run on credits, accelerated ones on what CPU points do not show.
    """
    if hardware.burstable:
        return ScenarioGap.BURSTABLE
    return ScenarioGap.ACCELERATOR_UNMODELLED if hardware.accelerators else None


def _is_watched(load: LoadDistribution) -> bool:
    return load.days >= FEWEST_DAYS and sum(map(bool, load.blocks)) >= FEWEST_BLOCKS
