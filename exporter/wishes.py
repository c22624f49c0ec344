"""Types and prices that are asked for though nothing in the fleet has them."""

from collections.abc import Iterable

from exporter.core.evidence import PriceKey
from exporter.core.units import SECONDS_PER_DAY

WISH_KEPT_SECONDS = 42 * SECONDS_PER_DAY
"""A wish that has been granted is wished for no more, and yet its answer is still needed: for as
long as evidence is kept."""


class Wishes:
    """What was wished for lately. Not thread-safe: one owner."""

    def __init__(self) -> None:
        self._made_at: dict[str | PriceKey, float] = {}

    def lately(
        self, wishes: Iterable[str | PriceKey], now: float
    ) -> tuple[set[str], set[PriceKey]]:
        """Types and prices wished for now or lately; ``now`` is in monotonic seconds."""
        self._made_at |= dict.fromkeys(wishes, now)
        self._made_at = {
            wish: at for wish, at in self._made_at.items() if now - at < WISH_KEPT_SECONDS
        }
        types = {wish for wish in self._made_at if isinstance(wish, str)}
        return types, {wish for wish in self._made_at if isinstance(wish, PriceKey)}
