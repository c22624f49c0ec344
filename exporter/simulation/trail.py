"""What CloudTrail tells of the simulated fleet: calls that begin and end the runs of each life."""

from collections.abc import Iterator
from hashlib import blake2b

from exporter.core.fleet import Place, PurchaseOption
from exporter.core.trail import Trail, TrailAction, TrailEvent, extended
from exporter.core.units import SECONDS_PER_DAY
from exporter.simulation import prices, schedule
from exporter.simulation.schedule import Life
from exporter.simulation.world import World

LOOKBACK_SECONDS = 89 * SECONDS_PER_DAY
_DELIVERED_AFTER_SECONDS = 300.0
_COMPLETE_AFTER_SECONDS = 1200.0
_RUNNING, _STOPPED = "running", "stopped"


def trail(world: World, place: Place, at: float, previous: Trail | None) -> Trail:
    """The events of a place, joined with those known before.

    Events show up after five minutes; they are taken for complete after twenty. The first answer
    has the newest, too: without them the past of what has only just been launched is unknown for
    minutes, and of the bill no day can be compared.
    """
    until_at = at - _COMPLETE_AFTER_SECONDS
    keep_since_at = at - LOOKBACK_SECONDS
    since_at = keep_since_at
    if previous is not None:
        since_at = min(max(keep_since_at, previous.until_at), until_at)
    told_until_at = at if previous is None else at - _DELIVERED_AFTER_SECONDS
    found = events(world, place, since_at, told_until_at)
    return extended(previous, place, found, since_at, until_at, keep_since_at)


def events(world: World, place: Place, since_at: float, until_at: float) -> Iterator[TrailEvent]:
    """The events of a place in [since_at, until_at], in no particular order."""
    # Lives and runs are half-open: that one ended at since_at shows a second earlier only.
    for life in world.lives(since_at - 1, until_at + 1, place):
        for event in _events(life, world.instance_id(life), since_at - 1, until_at + 1):
            if since_at <= event.at <= until_at:
                yield event


def _events(life: Life, instance_id: str, since_at: float, until_at: float) -> Iterator[TrailEvent]:
    """Every begin and end of the runs that touch [since_at, until_at), and the end of the life."""
    for started_at, ended_at in schedule.runs(life, since_at, until_at):
        if started_at == life.born_at:
            yield _launch(life, instance_id)
        else:
            yield _event(started_at, TrailAction.START, instance_id, _STOPPED)
        if ended_at < life.gone_at:
            yield _event(ended_at, TrailAction.STOP, instance_id, _RUNNING)
    if life.gone_at < until_at:
        yield _end(life, instance_id)


def _launch(life: Life, instance_id: str) -> TrailEvent:
    return TrailEvent(
        _event_id(TrailAction.RUN, instance_id, life.born_at),
        life.born_at,
        TrailAction.RUN,
        instance_id,
        instance_type=life.post.instance_type,
        availability_zone=life.post.availability_zone,
        tenancy=prices.SOLD_TENANCY,
        image_id=life.post.image_id,
        spot=life.post.purchase_option is PurchaseOption.SPOT,
    )


def _end(life: Life, instance_id: str) -> TrailEvent:
    at = life.gone_at
    if life.post.purchase_option is PurchaseOption.SPOT:
        event_id = _event_id(TrailAction.EVICT, instance_id, at)
        return TrailEvent(event_id, at, TrailAction.EVICT, instance_id, spot=True)
    was_running = schedule.latest_run(life, at).ended_at == at
    return _event(at, TrailAction.TERMINATE, instance_id, _RUNNING if was_running else _STOPPED)


def _event(at: float, action: TrailAction, instance_id: str, was: str) -> TrailEvent:
    return TrailEvent(_event_id(action, instance_id, at), at, action, instance_id, was)


def _event_id(action: TrailAction, instance_id: str, at: float) -> str:
    """Like CloudTrail's: a UUID, which instance, action and second decide."""
    digits = blake2b(f"{action}|{instance_id}|{at:.0f}".encode(), digest_size=16).hexdigest()
    return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"
