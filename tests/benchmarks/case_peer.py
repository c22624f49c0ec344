"""The same business case the straightforward way: instance by instance, hour by hour.

It is what the formulae say, written down in plain loops: no groups of like instances, no sums that
are shared, no bands. Groups of the history must hold one instance each.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from exporter.core.cost import price_key
from exporter.core.evidence import HardwareProfile
from exporter.core.fleet import Instance, PurchaseOption
from exporter.core.power import PowerCurve
from exporter.core.scenarios.facts import CaseFacts
from exporter.core.scenarios.load import counts_of
from exporter.core.scenarios.plan import ScenarioPlan
from exporter.core.scenarios.usage import UsageSeries
from tests.validation.plain_office import END_HOUR, FIRST_HOUR, SATURDAY
from tests.validation.plain_shift import HOUR_SECONDS, Job, shifted_days

EVIDENCE_DAYS = 28
JOULES_PER_KILOWATT_HOUR = 3.6e6


@dataclass(frozen=True, slots=True)
class PlainCase:
    """Shares of emissions that are saved, the types that instances would be, the typical week."""

    office_ratio: float
    region_ratios: Mapping[str, float]
    shift_ratio: float
    target_types: Mapping[str, str]
    profile: Mapping[tuple[int, int], float]


class PlainStudy:
    """Works the case out."""

    def __init__(self, facts: CaseFacts, plan: ScenarioPlan) -> None:
        self._facts = facts
        self._plan = plan
        history = facts.history
        first = len(history.known) - EVIDENCE_DAYS * 24
        self._hours = [
            (n, history.since_at + n * HOUR_SECONDS) for n in range(first, len(history.known))
        ]
        self._pairs = list(zip(facts.instances, history.series, strict=True))

    def case(self) -> PlainCase:
        """Every scenario."""
        return PlainCase(
            self._office_ratio(),
            {region: self._region_ratio(region) for region in self._plan.target_regions},
            self.shift_ratio(),
            self._target_types(),
            self._profile(),
        )

    def shift_ratio(self) -> float:
        """Share that the time shift saves; it does not depend on the fleet."""
        load = self._plan.deferrable
        assert load is not None
        grams = self._facts.intensities[self._facts.siting.grid_zones[load.region]]
        days = shifted_days(
            grams, self._plan.time_zone, Job(load.start_hour, load.hours, load.within_hours)
        )
        until_at = self._facts.history.until_at - load.within_hours * HOUR_SECONDS
        judged = [day for at, day in days.items() if day and at <= until_at][-EVIDENCE_DAYS:]
        return sum(day.saved for day in judged) / sum(day.usual for day in judged)

    def _grams(self, location: str, joules: float, hour_at: float) -> float:
        siting = self._facts.siting
        intensity = self._facts.intensities[siting.grid_zones[location]][hour_at]
        return joules / JOULES_PER_KILOWATT_HOUR * siting.pue[location].ratio * intensity

    def _office_ratio(self) -> float:
        saved = used = 0.0
        for _, series in self._pairs:
            if series.key.environment in self._plan.office_environments:
                for n, hour_at in self._hours:
                    local = datetime.fromtimestamp(hour_at, self._plan.time_zone)
                    grams = self._grams(series.key.location, series.energy_joules[n], hour_at)
                    used += grams
                    if local.weekday() >= SATURDAY or not FIRST_HOUR <= local.hour < END_HOUR:
                        saved += grams
        return saved / used

    def _region_ratio(self, region: str) -> float:
        here = there = 0.0
        for _, series in self._pairs:
            if _on_demand(series):
                for n, hour_at in self._hours:
                    joules = series.energy_joules[n]
                    here += self._grams(series.key.location, joules, hour_at)
                    there += self._grams(region, joules, hour_at)
        return 1 - there / here

    def _target_types(self) -> dict[str, str]:
        found = {}
        for instance, series in self._pairs:
            if _on_demand(series) and (target := self._target_type(instance)):
                found[instance.instance_id] = target
        return found

    def _target_type(self, instance: Instance) -> str | None:
        """The cheapest that fits, after both powers have been worked out point by point."""
        hardware, prices = self._facts.hardware, self._facts.prices
        own = hardware[instance.instance_type]
        points = sorted(
            level
            for block in self._facts.loads[instance.instance_id].blocks
            for level, count in enumerate(counts_of(block))
            for _ in range(count)
        )
        p95 = points[len(points) - 1 - len(points) // 20]
        cheapest, least_usd = None, 0.0
        for other in hardware.values():
            family = other.instance_type.partition(".")[0]
            if family != own.instance_type.partition(".")[0] or other.vcpus >= own.vcpus:
                continue
            usd = prices[
                price_key(instance)._replace(instance_type=other.instance_type)
            ].usd_per_hour
            fits = p95 * own.vcpus / other.vcpus <= self._plan.rightsizing_percent
            if fits and usd is not None and (cheapest is None or usd < least_usd):
                cheapest, least_usd = other.instance_type, usd
        mean_watts(points, self._facts.profiles[own.instance_type], 1.0)
        if cheapest:
            factor = own.vcpus / hardware[cheapest].vcpus
            mean_watts(points, self._facts.profiles[cheapest], factor)
        return cheapest

    def _profile(self) -> dict[tuple[int, int], float]:
        sums: dict[tuple[int, int], float] = defaultdict(float)
        for _, series in self._pairs:
            for n, hour_at in self._hours:
                moment = datetime.fromtimestamp(hour_at, UTC)
                grams = self._grams(series.key.location, series.energy_joules[n], hour_at)
                sums[moment.isoweekday(), moment.hour] += grams / 4
        return dict(sums)


def mean_watts(points: Sequence[int], profile: HardwareProfile, factor: float) -> float:
    """Mean power over the points on a machine that runs at ``factor`` times the CPU."""
    curve = PowerCurve.through(profile.watts)
    return sum(curve.at(point * factor) for point in points) / len(points)


def _on_demand(series: UsageSeries) -> bool:
    return series.key.purchase_option is PurchaseOption.ON_DEMAND
