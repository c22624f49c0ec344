"""Which instances are worth a look, and in which order."""

import pytest

from exporter.core.fleet import InstanceState
from exporter.core.scenarios.advice import Advice, advice_of
from exporter.core.scenarios.case import BusinessCase
from exporter.core.scenarios.outcome import Resize
from exporter.core.snapshot import InstanceEstimate
from tests.factories import fleet_snapshot, instance


def of(name: str, usd_per_hour: float | None = None, **changes: object) -> InstanceEstimate:
    return InstanceEstimate(instance(name, **changes), "DE", cost_usd_per_hour=usd_per_hour)


def smaller(saved_usd: float) -> Resize:
    return Resize("m5.medium", 12.5, saved_usd, 100.0)


def test_only_what_there_is_advice_on():
    """Neither busy instances, nor those that stand still or are gone."""
    case = BusinessCase(
        idle={"i-idle": True, "i-busy": False, "i-stopped": True, "i-gone": True},
        resizes={"i-large": smaller(1.0), "i-busy": smaller(2.0), "i-stopped": smaller(3.0)},
    )
    idle, busy, large = of("i-idle"), of("i-busy"), of("i-large")
    stopped = of("i-stopped", state=InstanceState.STOPPED)
    found = advice_of(fleet_snapshot(case, idle, busy, large, of("i-fine"), stopped))
    assert found == [
        Advice(busy, idle=False, resize=smaller(2.0)),
        Advice(large, idle=None, resize=smaller(1.0)),
        Advice(idle, idle=True, resize=None),
    ]


def test_what_saves_most_is_first():
    """An idle instance may be switched off: a month (730.5 h) of it is worth its whole price."""
    case = BusinessCase(
        idle={"i-cheap": True, "i-dear": True, "i-both": True},
        resizes={"i-73": smaller(73.0), "i-74": smaller(74.0), "i-both": smaller(90.0)},
    )
    estimates = (of("i-cheap", 0.1), of("i-73"), of("i-74"), of("i-dear", 1.0), of("i-both", 0.1))
    ordered = [
        each.estimate.instance.instance_id for each in advice_of(fleet_snapshot(case, *estimates))
    ]
    assert ordered == ["i-dear", "i-both", "i-74", "i-cheap", "i-73"]


def test_alike_is_by_name():
    """The same fleet in another order is the same list; a price that is not known counts for 0."""
    case = BusinessCase(idle={"i-b": True, "i-a": True})
    found = advice_of(fleet_snapshot(case, of("i-b"), of("i-a", None)))
    assert [each.estimate.instance.instance_id for each in found] == ["i-a", "i-b"]


@pytest.mark.parametrize(
    ("eur_per_usd", "resize", "eur"),
    [(0.8, smaller(25.0), 20.0), (None, smaller(25.0), None), (0.8, None, None)],
)
def test_euros_need_a_rate_and_a_type(eur_per_usd, resize, eur):
    """Dollars by what its account pays in euros for each; nothing without either."""
    found = Advice(of("i-1"), idle=True, resize=resize)
    account_id = found.estimate.instance.account_id
    case = BusinessCase(eur_per_usd={account_id: eur_per_usd} if eur_per_usd else {})
    assert found.saved_eur_per_month(case) == eur
