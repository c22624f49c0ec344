"""Relocation: what groups cost and emitted where they are, and what they would have elsewhere."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import compress
from operator import add, mul, sub
from typing import NamedTuple

from exporter.core.evidence import PriceKey
from exporter.core.scenarios.amounts import Amounts, covered_only
from exporter.core.scenarios.month import Week
from exporter.core.scenarios.scale import Part
from exporter.core.scenarios.usage import UsageKey
from exporter.core.scenarios.weeks import HOURS_PER_WEEK

HOURS_PER_DAY = 24

Column = Sequence[float]
"""A number for each hour of a history."""


@dataclass(frozen=True, slots=True)
class UsableWeeks:
    """The weeks of evidence of a history, and which of its hours are known."""

    weeks: Sequence[range]
    known: Sequence[bool]

    @property
    def hours(self) -> Sequence[int]:
        """The known hours, by index."""
        return [hour for week in self.weeks for hour in week if self.known[hour]]

    def sums(self, column: Column) -> list[float]:
        """By week, as if the hours that are not known had been like the known ones."""
        found = []
        for week in self.weeks:
            known = self.known[week.start : week.stop]
            total = sum(compress(column[week.start : week.stop], known))
            found.append(total * HOURS_PER_WEEK / sum(known))
        return found

    def negative_days(self, column: Column) -> int:
        """Days whose known hours add up to less than nothing."""
        begins = (begin for week in self.weeks for begin in week[::HOURS_PER_DAY])
        days = (slice(begin, begin + HOURS_PER_DAY) for begin in begins)
        return sum(sum(compress(column[day], self.known[day])) < 0 for day in days)


class CoveredUse(NamedTuple):
    """One group's USD and joules by hour, of running time of which cost and emissions are known.

    ``grams_per_joule`` is its grid's (and PUE's), by hour.
    """

    key: UsageKey
    usd: Column
    joules: Column
    grams_per_joule: Column

    @classmethod
    def of(cls, amounts: Amounts) -> "CoveredUse":
        """The part of a group's use that is covered."""
        # Joules in the place of grams: the part covered is the same share of both.
        covered = covered_only(replace(amounts, grams=amounts.series.energy_joules))
        factors = amounts.factors.grams_per_joule
        return cls(amounts.series.key, covered.usd, covered.grams, factors)


@dataclass(frozen=True, slots=True)
class MovedCost:
    """USD by week, and what was saved by account in all weeks together."""

    weeks: Sequence[Week]
    saved_by_account: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class MovedEmissions:
    """Grams by week; those of groups that stay are the same here and there.

    ``worse_days`` counts the days with more emissions there. ``arrived`` is what the groups that
    move would have emitted there, by week; ``parts`` is what those have emitted here.
    """

    weeks: Sequence[Week]
    worse_days: int
    arrived: Sequence[float]
    parts: Sequence[Part]


def moved_cost(
    uses: Iterable[CoveredUse], cost_ratios: Mapping[PriceKey, float], weeks: UsableWeeks
) -> MovedCost:
    """Move groups to ``cost_ratios`` of what they cost here; those without a ratio stay."""
    base = saved = [0.0] * len(weeks.weeks)
    by_account: defaultdict[str, float] = defaultdict(float)
    for key, usd, *_ in uses:
        used = weeks.sums(usd)
        saved_ratio = 1.0 - cost_ratios.get(key.price_key, 1.0)
        base = list(map(add, base, used))
        saved = [total + saved_ratio * each for total, each in zip(saved, used, strict=True)]
        by_account[key.account_id] += saved_ratio * sum(used)
    return MovedCost(list(map(Week, saved, base)), dict(by_account))


def moved_emissions(
    uses: Sequence[CoveredUse], movable: Collection[PriceKey], there: Column, weeks: UsableWeeks
) -> MovedEmissions:
    """Move groups to a grid (and PUE) of ``there`` gCO2e per joule; those not movable stay."""
    here = {each.key.location: each.grams_per_joule for each in uses}
    base: Column = [0.0] * len(there)
    saved = arrived = base
    parts: list[Part] = []
    for alike, joules in _energy(uses, movable).items():
        grams = list(map(mul, joules, here[alike.location]))
        base = list(map(add, base, grams))
        if alike.moves:
            moved = list(map(mul, joules, there))
            saved = list(map(add, saved, map(sub, grams, moved)))
            arrived = list(map(add, arrived, moved))
            parts.append(Part(alike.instance_type, alike.location, sum(weeks.sums(grams))))
    return MovedEmissions(
        list(map(Week, weeks.sums(saved), weeks.sums(base))),
        weeks.negative_days(saved),
        weeks.sums(arrived),
        parts,
    )


class _Alike(NamedTuple):
    """Groups whose emissions a move changes alike."""

    instance_type: str
    location: str
    moves: bool


def _energy(uses: Iterable[CoveredUse], movable: Collection[PriceKey]) -> dict[_Alike, Column]:
    """Joules by hour."""
    energy: dict[_Alike, Column] = {}
    for key, _, joules, _ in uses:
        alike = _Alike(key.instance_type, key.location, key.price_key in movable)
        energy[alike] = list(map(add, energy[alike], joules)) if alike in energy else joules
    return energy
