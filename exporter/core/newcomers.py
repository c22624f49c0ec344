"""Whether an inventory shows instances that the latest poll of something else did not know."""

from collections.abc import Iterable

from exporter.core.cost import spot_key
from exporter.core.evidence import PlaceCpu, SpotPrices
from exporter.core.fleet import Instance, PurchaseOption
from exporter.core.power import is_newcomer


def lacks_points(running: Iterable[Instance], cpu: PlaceCpu | None, now: float) -> bool:
    """Whether an instance could have an estimate but was not polled for one."""
    if cpu is None:
        return False
    polled = {entry.instance_id: entry for entry in cpu.instances}
    return any(is_newcomer(i, polled.get(i.instance_id), now) for i in running)


def lacks_quotes(running: Iterable[Instance], spot: SpotPrices | None) -> bool:
    """Whether a spot instance runs in a pool without a quote."""
    if spot is None:
        return False
    quoted = {quote.key for quote in spot.quotes}
    spots = (i for i in running if i.purchase_option is PurchaseOption.SPOT)
    return any(spot_key(instance) not in quoted for instance in spots)
