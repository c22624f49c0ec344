"""One simulated fact behind the protocol of a real source."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

from exporter.core.provenance import Scope, SourceName
from exporter.simulation.faults import Fault

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class SimulatedSource(Generic[T]):
    """One simulated fact: ``answer`` is asked for the wall time of each fetch.

    It is given the last value too, for facts that grow from poll to poll.
    """

    name: SourceName
    scope: Scope
    wall: Callable[[], float]
    faults: Fault | None
    answer: Callable[[float, T | None], T]

    def fetch(self, previous: T | None) -> T:
        """The fact now. Raises SourceError for a simulated fault and for an unknown grid zone."""
        at = self.wall()
        if self.faults is not None:
            self.faults.strike(self.name, self.scope, at)
        return self.answer(at, previous)
