"""Instance ids that can be traced back to their post and birth, so no register is needed."""

from dataclasses import dataclass

from exporter.simulation import noise

# The largest prime below 2^64: multiplying by a non-zero number modulo a prime can be undone, so
# no two births share an id, yet neighbouring ids look unrelated.
_MODULUS = 2**64 - 59
_POST_BITS = 16
_DIGITS = 16

POSTS_LIMIT = 2**_POST_BITS


@dataclass(frozen=True, slots=True)
class Identities:
    """The ids of one simulated cloud."""

    factor: int
    shift: int

    @classmethod
    def of_seed(cls, seed: int) -> "Identities":
        """Ids that differ from those of other seeds."""
        factor = noise.stream(seed, "identity factor") % (_MODULUS - 1) + 1
        return cls(factor, noise.stream(seed, "identity shift") % _MODULUS)

    def instance_id(self, post_number: int, born_at: float) -> str:
        """The id of the instance that took up a post at a whole second."""
        birth = (int(born_at) << _POST_BITS) | post_number
        return f"i-0{(birth * self.factor + self.shift) % _MODULUS:0{_DIGITS}x}"

    def trace(self, instance_id: str) -> tuple[int, float]:
        """Post number and birth behind an id of this form; for any other id they fit nothing.

        Raises LookupError when the text has not the form of these ids.
        """
        prefix, digits = instance_id[:3], instance_id[3:]
        if prefix != "i-0" or len(digits) != _DIGITS or set(digits) - set("0123456789abcdef"):
            raise LookupError(instance_id)
        mixed = int(digits, 16) - self.shift
        birth = mixed * pow(self.factor, -1, _MODULUS) % _MODULUS
        return birth % POSTS_LIMIT, float(birth >> _POST_BITS)
