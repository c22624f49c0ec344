"""Rightsizing a second time, slowly: point by point and hour by hour, sharing no code with it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import ceil, floor, sqrt
from typing import Any

from exporter.core.evidence import PriceKey
from exporter.core.fleet import Instance
from exporter.core.power import PowerCurve
from exporter.core.scenarios.facts import CaseFacts
from tests.core.scenarios.band_reference import with_scale

Weeks = Sequence[Sequence[int]]
"""Levels of the points of one instance, week by week."""

T95 = {2: 6.314, 3: 2.920, 4: 2.353, 5: 2.132, 6: 2.015}
K = 1.85
TYPE_VARIANCE = 0.29**2 - 0.1**2
"""Of the logarithm of power at half load, without what all types share."""


@dataclass
class Naive:
    """What comes of it; sums are per month."""

    resizes: dict[str, tuple[str, float, float, float]] = field(default_factory=dict)
    unjudged: dict[str, int] = field(default_factory=dict)
    wishes: set[str | PriceKey] = field(default_factory=set)
    usd: list[float] = field(default_factory=lambda: [0.0, 0.0, 0.0])
    grams: list[float] = field(default_factory=lambda: [0.0, 0.0, 0.0])
    base_usd: float = 0.0
    base_grams: float = 0.0
    pairs: dict[tuple[str, str], float] = field(default_factory=dict)
    emitted: dict[tuple[str, str], float] = field(default_factory=dict)
    by_account: dict[str, float] = field(default_factory=dict)

    @property
    def gram_bounds(self) -> tuple[float, float]:
        """Of the saving with the emissions as they are taken for true."""
        low, value, high = min(self.grams), self.grams[1], max(self.grams)
        models = K * sqrt(sum(2 * TYPE_VARIANCE * new * new for new in self.pairs.values()))
        return (
            value - sqrt((value - low) ** 2 + models**2),
            value + sqrt((high - value) ** 2 + models**2),
        )

    def scaled_gram_bounds(self, zones: Mapping[str, str]) -> tuple[float, float]:
        """The same, with the scale of the emissions, and 8 % for another season's grid."""
        groups: dict[tuple[str, str], float] = {}
        for (instance_type, location), grams in self.emitted.items():
            for name, deviation in (
                (f"type {instance_type}", sqrt(TYPE_VARIANCE)),
                (f"zone {zones[location]}", 0.05),
                (f"pue {location}", 0.03),
                ("model", 0.1),
            ):
                groups[name, ""] = groups.get((name, ""), 0.0) + grams * deviation
        total = sum(self.emitted.values())
        scale = sqrt(sum(part * part for part in groups.values())) / total if total else 0.0
        value, (low, high) = self.grams[1], self.gram_bounds
        down = sqrt((value - low) ** 2 + (0.08 * value) ** 2)
        up = sqrt((high - value) ** 2 + (0.08 * value) ** 2)
        return with_scale(value, value - down, value + up, scale)


def naive_rightsizing(facts: CaseFacts, points: Mapping[str, Weeks], percent: float) -> Naive:
    """Judge each instance; facts of its own type are all known."""
    result = Naive()
    for instance in facts.instances:
        weeks = points[instance.instance_id]
        answer = _chosen(facts, instance, weeks, percent)
        if isinstance(answer, set):
            lacking = "no_profile" if all(isinstance(wish, str) for wish in answer) else "no_price"
            reason = "awaited" if all(wish in facts.awaited for wish in answer) else lacking
            result.unjudged[reason] = result.unjudged.get(reason, 0) + 1
            result.wishes |= answer
        else:
            _add(result, facts, instance, weeks, *answer)
    return result


def _chosen(facts: CaseFacts, instance: Instance, weeks: Weeks, percent: float) -> Any:
    """The likely and the possible type and whether it is sure of the likely one, or wishes."""
    everything = sorted(point for week in weeks for point in week)
    p95 = everything[ceil(len(everything) * 95 / 100) - 1]
    own = facts.hardware[instance.instance_type]
    own_usd = _usd(facts, instance, instance.instance_type)
    wishes: set[str | PriceKey] = set()
    likely, possible, sure = [], [], set()
    for other in facts.hardware.values():
        family = other.instance_type.split(".")[0] == own.instance_type.split(".")[0]
        if not family or other.architecture != own.architecture or other.vcpus >= own.vcpus:
            continue
        lower, upper = _bounds(weeks, percent * other.vcpus / own.vcpus)
        if lower > 1e-9:
            continue
        usd = _usd(facts, instance, other.instance_type)
        if usd == "unknown":
            wishes.add(_key(instance, other.instance_type))
        elif usd is not None and usd < own_usd:
            possible.append((usd, -other.vcpus, other.instance_type))
            if p95 * own.vcpus / other.vcpus <= percent:
                likely.append((usd, -other.vcpus, other.instance_type))
            if upper <= 1e-9:
                sure.add(other.instance_type)
    if wishes:
        return wishes
    best, boldest = (min(each)[2] if each else None for each in (likely, possible))
    wishes = {each for each in (best, boldest) if each and each not in facts.profiles}
    return wishes or (best, boldest, best in sure)


def _bounds(weeks: Weeks, percent: float) -> tuple[float, float]:
    """Of the sum over weeks of (points above - 5 % of the points), at 5 % and 95 %."""
    weeks = [week for week in weeks if week]
    above = [sum(1 for point in week if point > percent) for week in weeks]
    share = sum(above) / sum(len(week) for week in weeks)
    total = sum(n - 0.05 * len(week) for n, week in zip(above, weeks, strict=True))
    rests = [n - share * len(week) for n, week in zip(above, weeks, strict=True)]
    sizes = [len(week) for week in weeks]
    alike = max(2, floor(sum(sizes) ** 2 / sum(size * size for size in sizes)))
    variance = sum(rest * rest for rest in rests) / (alike - 1)
    margin = T95[alike] * sqrt(alike * variance)
    return total - margin, total + margin


def _add(
    result: Naive,
    facts: CaseFacts,
    instance: Instance,
    weeks: Weeks,
    best: str | None,
    boldest: str | None,
    sure: bool,  # noqa: FBT001 - as _chosen tells it
) -> None:
    # It always runs alike: weeks with fewer points were not watched to the end.
    hours = max(len(week) for week in weeks) * 300 / 3600 / 7 * 365.25 / 12
    own = instance.instance_type

    def month(instance_type: str) -> tuple[float, float]:
        factor = facts.hardware[own].vcpus / facts.hardware[instance_type].vcpus
        curve = PowerCurve.through(facts.profiles[instance_type].watts)
        loads = [min(max(point - 0.5, 0) * factor, 100.0) for week in weeks for point in week]
        watts = sum(curve.at(load) for load in loads) / len(loads)
        kilowatt_hours = watts * hours / 1000
        return (
            _usd(facts, instance, instance_type) * hours,
            kilowatt_hours * _grams_per_kilowatt_hour(facts, instance),
        )

    usd, grams = month(own)
    result.base_usd += usd
    result.base_grams += grams
    if best:
        new_usd, new_grams = month(best)
        saved_usd, saved_grams = usd - new_usd, grams - new_grams
        levels = sorted(point for week in weeks for point in week)
        p95 = levels[ceil(len(levels) * 95 / 100) - 1]
        result.resizes[instance.instance_id] = (best, p95, saved_usd, saved_grams)
        result.usd[1] += saved_usd
        result.grams[1] += saved_grams
        if sure:
            result.usd[0] += saved_usd
            result.grams[0] += saved_grams
        result.pairs[own, best] = result.pairs.get((own, best), 0.0) + new_grams
        account = instance.account_id
        result.by_account[account] = result.by_account.get(account, 0.0) + saved_usd
    if boldest:
        new_usd, new_grams = month(boldest)
        result.usd[2] += usd - new_usd
        result.grams[2] += grams - new_grams
        where = own, instance.location
        result.emitted[where] = result.emitted.get(where, 0.0) + grams


def _key(instance: Instance, instance_type: str) -> PriceKey:
    return PriceKey(instance.location, instance_type, instance.usage_operation, instance.tenancy)


def _usd(facts: CaseFacts, instance: Instance, instance_type: str) -> Any:
    quote = facts.prices.get(_key(instance, instance_type))
    return "unknown" if quote is None else quote.usd_per_hour


def _grams_per_kilowatt_hour(facts: CaseFacts, instance: Instance) -> float:
    """PUE included, weighted by the energy of its own group in the newest four usable weeks."""
    history, location = facts.history, instance.location
    starts = range(len(history.known) - 168, -1, -168)
    usable = [at for at in starts if sum(history.known[at : at + 168]) >= 152][:4]
    hours = facts.intensities[facts.siting.grid_zones[location]]
    pue = facts.siting.pue[location].ratio
    weighted = energy = plain = 0.0
    known = 0
    for start in usable:
        for n in range(start, start + 168):
            grams = hours.get(history.since_at + n * 3600)
            if grams is None:
                continue
            plain, known = plain + grams * pue, known + 1
            for series in history.series:
                key = series.key
                mine = (instance.account_id, location, instance.instance_type)
                if (key.account_id, key.location, key.instance_type) == mine and (
                    key.environment == dict(instance.tags).get("environment", "")
                ):
                    weighted += series.energy_joules[n] * grams * pue
                    energy += series.energy_joules[n]
    return weighted / energy if energy else plain / known
