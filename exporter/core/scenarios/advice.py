"""What an engineer should look at: instances that are idle, or that a smaller type would fit."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from exporter.core.scenarios.case import BusinessCase
from exporter.core.scenarios.outcome import DAYS_PER_MONTH, Resize
from exporter.core.snapshot import FleetSnapshot, InstanceEstimate

RESIZE_BASIS = "cpu_only"
"""All that a resize is judged by: the use of memory is not known."""

_HOURS_PER_MONTH = 24 * DAYS_PER_MONTH


@dataclass(frozen=True, slots=True)
class Advice:
    """One running instance that is idle, or fits a smaller type by its CPU, or both.

    ``idle`` is None where it was not watched for long enough.
    """

    estimate: InstanceEstimate
    idle: bool | None
    resize: Resize | None

    def saved_eur_per_month(self, case: BusinessCase) -> float | None:
        """What the smaller type saves in euros, as billed; None without one, or without a rate."""
        factor = case.eur_per_usd.get(self.estimate.instance.account_id)
        if self.resize is None or factor is None:
            return None
        return self.resize.saved_usd_per_month * factor


def advice_of(snapshot: FleetSnapshot) -> list[Advice]:
    """Advice on every instance that there is some for, what saves most money first.

    An idle instance could be switched off: it ranks by its whole price.
    """
    return sorted(_advice(snapshot.case, snapshot.instances), key=_rank)


def _advice(case: BusinessCase, estimates: Iterable[InstanceEstimate]) -> Iterator[Advice]:
    for estimate in estimates:
        name = estimate.instance.instance_id
        idle, resize = case.idle.get(name), case.resizes.get(name)
        if estimate.instance.is_running and (idle or resize):
            yield Advice(estimate, idle, resize)


def _rank(advice: Advice) -> tuple[float, str]:
    saved_usd = advice.resize.saved_usd_per_month if advice.resize else 0.0
    if advice.idle:
        whole_usd = (advice.estimate.cost_usd_per_hour or 0.0) * _HOURS_PER_MONTH
        saved_usd = max(saved_usd, whole_usd)
    return -saved_usd, advice.estimate.instance.instance_id
