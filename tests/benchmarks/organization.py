"""The made-up organization whose upstream calls are counted."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import NamedTuple

from exporter.core.units import SECONDS_PER_HOUR

STARTED_AT = datetime(2026, 3, 4, tzinfo=UTC).timestamp()
ACCOUNTS = ("111122223333", "444455556666")
TYPES = ("m5.large", "c6g.xlarge", "r5.large", "t3.micro", "m6i.xlarge")
OWN_KEY = "AKIAEXAMPLE000000000"
ROLE_KEY = "ASIAEXAMPLE000000000"

_REPLACED_SECONDS = 1800.0
"""After the full hour."""


class Machine(NamedTuple):
    """One instance."""

    instance_id: str
    instance_type: str
    zone: str
    spot: bool
    launched_at: float


class Fleet:
    """As many instances as asked for, dealt to accounts and regions in turn.

    Every hour one of them is replaced, in turn, and always was: CloudTrail has 90 days of it.
    """

    def __init__(self, size: int, accounts: int, regions: Sequence[str]) -> None:
        self.size = size
        self.places = [(account, region) for account in ACCOUNTS[:accounts] for region in regions]
        self.regions = tuple(regions)

    def at(self, now: float, place: tuple[str, str]) -> Iterator[Machine]:
        """The instances of one place."""
        newest = int((now - _REPLACED_SECONDS) // SECONDS_PER_HOUR)
        for number in range(self.places.index(place), self.size, len(self.places)):
            yield self._machine(newest - (newest - number) % self.size)

    def replacements(
        self, since_at: float, until_at: float, place: tuple[str, str]
    ) -> Iterator[tuple[Machine, Machine]]:
        """Old and new machine of each replacement in a place, oldest first."""
        first = int((since_at - _REPLACED_SECONDS) // SECONDS_PER_HOUR) + 1
        last = int((until_at - _REPLACED_SECONDS) // SECONDS_PER_HOUR)
        for hour in range(first, last + 1):
            if self.places[hour % self.size % len(self.places)] == place:
                yield self._machine(hour - self.size), self._machine(hour)

    def _machine(self, hour: int) -> Machine:
        """The one that was launched in an hour, counted from 1970."""
        number = hour % self.size
        region = self.places[number % len(self.places)][1]
        return Machine(
            f"i-{number:08x}{hour:09x}",
            TYPES[number % len(TYPES)],
            f"{region}{'abc'[number % 3]}",
            number % 10 == 0,
            hour * SECONDS_PER_HOUR + _REPLACED_SECONDS,
        )
