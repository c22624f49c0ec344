"""What is called for composed lives: the calls that begin and end runs, and some that do not."""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import pairwise

from exporter.core.fleet import Place
from tests.validation.lives import EndedBy, Life, Run

_TOLD_BY = {
    EndedBy.STOP: "StopInstances",
    EndedBy.HIBERNATION: "StopInstances",
    EndedBy.TERMINATION: "TerminateInstances",
    EndedBy.EVICTION: "BidEvictedEvent",
}


@dataclass(frozen=True, slots=True)
class Call:
    """One API call or service event. ``was`` is the state that its answer tells."""

    at: float
    name: str
    place: Place
    instance_ids: tuple[str, ...]
    was: str = ""
    instance_type: str = ""
    error_code: str = ""
    spot: bool = False
    hibernates: bool = False


def calls_of(lives: Iterable[Life]) -> list[Call]:
    """Every call, oldest first; those of one group at one instant are one call."""
    members: dict[Call, list[str]] = defaultdict(list)
    for life in lives:
        for call in (*_switches(life), *(_odd(life) if life.odd else ())):
            key = Call(call.at, call.name, call.place, (life.group,), *_rest(call))
            members[key].append(life.instance_id)
    found = [Call(k.at, k.name, k.place, tuple(ids), *_rest(k)) for k, ids in members.items()]
    return sorted(found, key=lambda call: (call.at, call.name, call.instance_ids))


def _rest(call: Call) -> tuple[str, str, str, bool, bool]:
    return (call.was, call.instance_type, call.error_code, call.spot, call.hibernates)


def _switches(life: Life) -> Iterator[Call]:
    first = life.runs[0]
    yield _call(life, first.start_at, "RunInstances", instance_type=first.instance_type)
    for run in life.runs:
        if run.is_over and run.ended_by in _TOLD_BY:
            hibernates = run.ended_by is EndedBy.HIBERNATION
            name = _TOLD_BY[run.ended_by]
            yield _call(life, run.called_at, name, was="running", hibernates=hibernates)
    for before, after in pairwise(life.runs):
        yield _call(life, after.start_at, "StartInstances", was="stopped")
        if before.instance_type != after.instance_type:
            at = (before.end_at + after.start_at) // 2
            yield _call(life, at, "ModifyInstanceAttribute", instance_type=after.instance_type)
    if life.terminated_at is not None:
        yield _call(life, life.terminated_at, "TerminateInstances", was="stopped")


def _odd(life: Life) -> Iterator[Call]:
    """Calls that fail, that find the state already there, and that do not matter."""
    for run in life.runs:
        middle_at = _middle(run)
        yield _call(life, middle_at, "StopInstances", error_code="Client.UnauthorizedOperation")
        yield _call(life, middle_at + 1, "StartInstances", was="running")
        yield _call(life, middle_at + 2, "RebootInstances")
        yield _call(life, middle_at + 3, "ModifyInstanceAttribute")
        yield _call(life, middle_at + 4, "TerminateInstances", error_code="Client.DryRunOperation")
        if run.is_over:
            yield _call(life, run.end_at + 20, "StopInstances", was="stopped")


def _middle(run: Run) -> float:
    return (run.start_at + run.end_at) // 2 if run.is_over else run.start_at + 1000


def _call(
    life: Life,
    at: float,
    name: str,
    was: str = "",
    instance_type: str = "",
    error_code: str = "",
    *,
    hibernates: bool = False,
) -> Call:
    return Call(
        at,
        name,
        life.place,
        (),
        was,
        instance_type,
        error_code,
        spot=life.spot,
        hibernates=hibernates,
    )
