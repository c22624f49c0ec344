"""A number with the bounds that its error gives it."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Bounded:
    """A value with its lower and upper bound; both None while the bounds are unknown."""

    value: float
    lower: float | None = None
    upper: float | None = None

    def in_units_of(self, size: float) -> "Bounded":
        """The same quantity in a unit that is ``size`` times as large."""
        return Bounded(
            self.value / size,
            None if self.lower is None else self.lower / size,
            None if self.upper is None else self.upper / size,
        )
