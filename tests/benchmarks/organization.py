"""The made-up organization whose upstream calls are counted."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import NamedTuple

from exporter.core.units import SECONDS_PER_DAY, SECONDS_PER_HOUR

STARTED_AT = datetime(2026, 3, 4, tzinfo=UTC).timestamp()
ACCOUNTS = ("111122223333", "444455556666")
TYPES = ("m5.large", "c6g.xlarge", "r5.large", "t3.micro", "m6i.xlarge")
OWN_KEY = "AKIAEXAMPLE000000000"
ROLE_KEY = "ASIAEXAMPLE000000000"


class Machine(NamedTuple):
    """One instance."""

    instance_id: str
    instance_type: str
    zone: str
    spot: bool
    launched_at: float


class Fleet:
    """As many instances as asked for, dealt to accounts and regions in turn."""

    def __init__(self, size: int, accounts: int, regions: Sequence[str]) -> None:
        self.size = size
        self.places = [(account, region) for account in ACCOUNTS[:accounts] for region in regions]
        self.regions = tuple(regions)

    def at(self, now: float, place: tuple[str, str]) -> Iterator[Machine]:
        """The instances of one place; the n-th instance is replaced after n hours."""
        for number in range(self.places.index(place), self.size, len(self.places)):
            replaced_at = STARTED_AT + number * SECONDS_PER_HOUR
            replaced = number > 0 and now >= replaced_at
            yield Machine(
                f"i-{number:08x}{int(replaced):09x}",
                TYPES[number % len(TYPES)],
                f"{place[1]}{'abc'[number % 3]}",
                number % 10 == 0,
                replaced_at if replaced else STARTED_AT - SECONDS_PER_DAY,
            )
