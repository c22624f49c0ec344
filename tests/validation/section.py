"""What a section of the results page is made of."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Table:
    """Rows of text under a title; ``note`` says how to read them."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    note: str = ""


@dataclass(frozen=True, slots=True)
class Verdict:
    """A claim with the bar it must reach, what was found, and whether that is enough."""

    claim: str
    found: str
    met: bool


@dataclass(frozen=True, slots=True)
class Section:
    """One topic: paragraphs, then tables, then verdicts."""

    title: str
    paragraphs: tuple[str, ...]
    tables: tuple[Table, ...]
    verdicts: tuple[Verdict, ...]
