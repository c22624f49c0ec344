"""One instance: from evidence to power, emissions, embodied emissions and cost, or their gaps."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeVar

from exporter.core.billing import BilledAs
from exporter.core.carbon import emissions_grams_per_hour
from exporter.core.cost import cost_eur_per_hour, cost_usd_per_hour
from exporter.core.evidence import Evidence, GapReason, HardwareProfile, Quantity, first_reason
from exporter.core.fleet import Hardware, Instance, PurchaseOption
from exporter.core.power import MeasuredLoad, PowerCurve, average_power, measured_load
from exporter.core.snapshot import Bounded, GridEstimate, InstanceEstimate, Pue
from exporter.core.statement import Statement
from exporter.core.uncertainty import (
    ALLOCATION_DEVIATION_LN,
    MODEL_DEVIATION_LN,
    PUE_DEVIATION_LN,
    bounded,
    combined_ln,
    cpu_age_deviation_ln,
    embodied_deviation_ln,
    type_deviation_ln,
)

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Siting:
    """What the operator and AWS say of locations: grid zone and PUE by region or Local Zone."""

    grid_zones: Mapping[str, str]
    pue: Mapping[str, Pue]


@dataclass(frozen=True, slots=True)
class GridView:
    """One zone's intensity with the deviations it adds; ``age_ln`` is None without a history."""

    estimate: GridEstimate
    age_ln: float | None
    estimate_ln: float


@dataclass(frozen=True, slots=True)
class PowerErrors:
    """Deviations (ln) of one instance's power.

    ``own_ln`` is utilization, CPU age and allocation together: independent between instances.
    ``type_ln`` is what it shares with its type.
    """

    utilization_ln: float
    cpu_age_ln: float
    own_ln: float
    type_ln: float


@dataclass(frozen=True, slots=True)
class InstanceResult:
    """An estimate, the deviations of its power, and the gaps it leaves."""

    estimate: InstanceEstimate
    power_errors: PowerErrors | None
    gaps: tuple[tuple[Quantity, GapReason], ...]


class InstanceEstimator:
    """Estimates running instances from one body of evidence; holds what instances share."""

    def __init__(
        self,
        evidence: Evidence,
        siting: Siting,
        grid: Mapping[str, GridView | GapReason],
        hardware: Mapping[str, Hardware],
        now: float,
        statement: Statement,
    ) -> None:
        self._statement = statement
        self._evidence = evidence
        self._siting = siting
        self._grid = grid
        self._hardware = hardware
        self._now = now
        self._grid_unconfigured = GapReason.NOT_CONFIGURED in grid.values()
        self._curves = {
            name: PowerCurve.through(profile.watts)
            for name, profile in evidence.profiles.items()
            if profile.power_gap is None
        }

    def estimate(self, instance: Instance) -> InstanceResult:
        """Everything that can be said of one running instance."""
        load = self._load(instance)
        power, errors = self._power(instance, load)
        emissions = self._emissions(instance, power, errors)
        embodied = self._embodied(instance)
        usd = cost_usd_per_hour(instance, self._evidence)
        eur = cost_eur_per_hour(usd, self._evidence.exchange_rate)
        lower_eur, upper_eur = self._eur_bounds(instance, eur)
        runtime = self._statement.runtime.get(instance.instance_id)
        outcomes: tuple[tuple[Quantity, object], ...] = (
            (Quantity.CPU, load),
            (Quantity.POWER, power),
            (Quantity.EMISSIONS, emissions),
            (Quantity.EMBODIED, embodied),
            (Quantity.COST_USD, usd),
            (Quantity.COST_EUR, eur),
        )
        return InstanceResult(
            InstanceEstimate(
                instance,
                grid_zone=self._siting.grid_zones.get(instance.location, ""),
                cpu_utilization_ratio=_known(
                    load.mean_ratio if isinstance(load, MeasuredLoad) else load
                ),
                power_watts=_known(power),
                emissions_grams_per_hour=_known(emissions),
                embodied_grams_per_hour=_known(embodied),
                cost_usd_per_hour=_known(usd),
                cost_eur_per_hour=_known(eur),
                cost_lower_eur_per_hour=lower_eur,
                cost_upper_eur_per_hour=upper_eur,
                runtime_seconds=runtime.running_seconds if runtime else None,
                billed_seconds=runtime.billed_seconds if runtime else None,
            ),
            errors,
            tuple((q, value) for q, value in outcomes if isinstance(value, GapReason)),
        )

    def idle(self, instance: Instance) -> InstanceEstimate:
        """What can be said of one that does not run."""
        runtime = self._statement.runtime.get(instance.instance_id)
        return InstanceEstimate(
            instance,
            self._siting.grid_zones.get(instance.location, ""),
            runtime_seconds=runtime.running_seconds if runtime else None,
            billed_seconds=runtime.billed_seconds if runtime else None,
        )

    def _eur_bounds(
        self, instance: Instance, eur: float | GapReason
    ) -> tuple[float | None, float | None]:
        """What the bill has shown such an instance to cost; unknown until it has been compared."""
        spot = instance.purchase_option is PurchaseOption.SPOT
        billed_as = BilledAs.SPOT if spot else BilledAs.ON_DEMAND
        ratio = self._statement.cost_ratio(instance.account_id, billed_as)
        if ratio is None or isinstance(eur, GapReason):
            return None, None
        return eur * ratio.lower, eur * ratio.upper

    def _load(self, instance: Instance) -> MeasuredLoad | GapReason:
        place = self._evidence.cpu.get(instance.place)
        if place is None:
            return GapReason.SOURCE_DOWN
        return measured_load(instance, place.get(instance.instance_id), self._now)

    def _profile(self, instance: Instance) -> HardwareProfile | GapReason:
        return self._evidence.profiles.get(instance.instance_type, GapReason.SOURCE_DOWN)

    def _power(
        self, instance: Instance, load: MeasuredLoad | GapReason
    ) -> tuple[Bounded | GapReason, PowerErrors | None]:
        profile = self._profile(instance)
        hardware = self._hardware.get(instance.instance_type)
        gaps = [load] if isinstance(load, GapReason) else []
        if isinstance(profile, GapReason):
            gaps.append(profile)
        elif profile.power_gap is not None:
            gaps.append(profile.power_gap)
        if hardware is not None and hardware.accelerators:
            gaps.append(GapReason.ACCELERATOR_UNMODELLED)
        if gaps or isinstance(load, GapReason):
            return first_reason(*gaps), None
        average = average_power(self._curves[instance.instance_type], load)
        cpu = self._evidence.cpu[instance.place][instance.instance_id]
        utilization_ln = average.utilization_deviation_ln
        cpu_age_ln = cpu_age_deviation_ln(self._now - cpu.window_end_at)
        burstable = hardware is not None and hardware.burstable
        errors = PowerErrors(
            utilization_ln,
            cpu_age_ln,
            combined_ln(utilization_ln, cpu_age_ln, ALLOCATION_DEVIATION_LN),
            type_deviation_ln(load.mean_ratio, burstable=burstable),
        )
        total_ln = combined_ln(errors.own_ln, errors.type_ln, MODEL_DEVIATION_LN)
        return bounded(average.watts, total_ln), errors

    def _emissions(
        self, instance: Instance, power: Bounded | GapReason, errors: PowerErrors | None
    ) -> Bounded | GapReason:
        pue = self._siting.pue.get(instance.location, GapReason.NO_PUE)
        grid = self._grid_view(instance, pue_known=not isinstance(pue, GapReason))
        gaps = [part for part in (power, pue, grid) if isinstance(part, GapReason)]
        if (
            isinstance(power, GapReason)
            or isinstance(pue, GapReason)
            or isinstance(grid, GapReason)
            or errors is None
        ):
            return first_reason(*gaps)
        intensity = grid.estimate.intensity.grams_per_kilowatt_hour
        grams = emissions_grams_per_hour(power.value, pue.ratio, intensity)
        if grid.age_ln is None:
            return Bounded(grams)
        return bounded(
            grams,
            combined_ln(
                errors.own_ln,
                errors.type_ln,
                MODEL_DEVIATION_LN,
                PUE_DEVIATION_LN,
                grid.age_ln,
                grid.estimate_ln,
            ),
        )

    def _grid_view(self, instance: Instance, *, pue_known: bool) -> GridView | GapReason:
        """The zone's intensity; a Local Zone lacks a PUE before it lacks a grid zone."""
        zone = self._siting.grid_zones.get(instance.location)
        if zone is not None:
            return self._grid.get(zone, GapReason.SOURCE_DOWN)
        if self._grid_unconfigured:
            return GapReason.NOT_CONFIGURED
        is_local = instance.location != instance.region
        return GapReason.NO_PUE if is_local and not pue_known else GapReason.ZONE_NOT_COVERED

    def _embodied(self, instance: Instance) -> Bounded | GapReason:
        profile = self._profile(instance)
        if isinstance(profile, GapReason):
            return profile
        if profile.embodied is None:
            return profile.embodied_gap or GapReason.NO_PROFILE
        deviation_ln = embodied_deviation_ln(profile.embodied)
        return bounded(profile.embodied.grams_per_hour, deviation_ln)


def _known(value: T | GapReason) -> T | None:
    return None if isinstance(value, GapReason) else value
