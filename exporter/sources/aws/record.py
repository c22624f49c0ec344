"""One structure out of an AWS answer, whose fields are checked as they are read."""

from datetime import datetime
from typing import Any, TypeVar

from exporter.core.provenance import FailureReason
from exporter.sources.source import SourceError

T = TypeVar("T")


class Record:
    """Reads fields by AWS's names; a missing or ill-typed one raises SourceError (malformed).

    botocore leaves out what AWS left out, and its JSON parsers pass on values of any type.
    """

    __slots__ = ("_doing", "_fields", "_path")

    def __init__(self, fields: object, doing: str, path: str = "") -> None:
        self._doing = doing
        self._path = path
        if not isinstance(fields, dict):
            raise self.malformed(f"{path.rstrip('.') or 'it'} is not a structure")
        self._fields: dict[str, Any] = fields

    def malformed(self, problem: str) -> SourceError:
        """Make the error that says what is wrong with this answer."""
        return self.failure(FailureReason.MALFORMED, f"unusable answer: {problem}")

    def failure(self, reason: FailureReason, problem: str) -> SourceError:
        """Make the error of a failure that the answer itself reports."""
        return SourceError(reason, f"{self._doing}: {problem}")

    def has(self, name: str) -> bool:
        """Whether AWS gave the field."""
        return self._fields.get(name) is not None

    def text(self, name: str) -> str:
        """Give a text that must be there and not be empty."""
        value = self._typed(name, str)
        if not value:
            raise self.malformed(f"{self._path}{name} is empty")
        return value

    def optional_text(self, name: str) -> str:
        """Give a text, empty where AWS gave none."""
        return self._typed(name, str) if self.has(name) else ""

    def attribute(self, name: str) -> str:
        """Give a text, also one wrapped as {"value": text}; empty where AWS gave none."""
        if isinstance(self._fields.get(name), dict):
            return self.part(name).optional_text("value")
        return self.optional_text(name)

    def whole(self, name: str) -> int:
        """Give a whole number."""
        return self._typed(name, int)

    def optional_flag(self, name: str) -> bool:
        """Give a truth value, false where AWS gave none."""
        return self._typed(name, bool) if self.has(name) else False

    def instant(self, name: str) -> float:
        """Give an instant in epoch seconds."""
        return self._typed(name, datetime).timestamp()

    def values(self, name: str) -> list[Any]:
        """Give a list of values, each still to be checked."""
        return self._typed(name, list)

    def part(self, name: str) -> "Record":
        """Give a structure inside this one, empty where AWS gave none."""
        fields = self._fields[name] if self.has(name) else {}
        return Record(fields, self._doing, f"{self._path}{name}.")

    def parts(self, name: str) -> list["Record"]:
        """Give a list of structures that must be there, though it may be empty."""
        path = f"{self._path}{name}."
        return [Record(fields, self._doing, path) for fields in self.values(name)]

    def optional_parts(self, name: str) -> list["Record"]:
        """Give a list of structures, empty where AWS gave none."""
        return self.parts(name) if self.has(name) else []

    def within(self, fields: object, name: str) -> "Record":
        """Give a structure that was found inside a text of this answer."""
        return Record(fields, self._doing, f"{self._path}{name}.")

    def named_parts(self, name: str) -> list["Record"]:
        """Give the structures of a map whose keys are data; empty where AWS gave none."""
        path = f"{self._path}{name}."
        fields = self._typed(name, dict) if self.has(name) else {}
        return [Record(value, self._doing, path) for value in fields.values()]

    def _typed(self, name: str, kind: type[T]) -> T:
        value = self._fields.get(name)
        if not isinstance(value, kind):
            problem = "is missing" if value is None else f"is not of type {kind.__name__}"
            raise self.malformed(f"{self._path}{name} {problem}")
        return value
