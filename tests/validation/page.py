"""Sections as one Markdown page. Nothing on it depends on the machine or the day."""

import platform
from collections.abc import Iterable, Sequence

import exporter
from tests.validation.section import Section, Table, Verdict

_INTRODUCTION = """# Validation results

What the exporter's calculations are worth on recorded data, against truth that is known
or computed a second time in another way.
This page is written by

    make validate DATA=folder

from a folder of public recordings that are not part of this project: several of their licences
forbid to pass them on. The page holds derived statistics only. Each section says what in it is
recorded, what is composed (made up in a recorded shape, so that the truth is known) and what is
simulated. Spreads are given as quantiles with the number of values (n): p5, median and p90,
interpolated between two values."""


def page(sections: Sequence[Section], fingerprint: str) -> str:
    """Give the whole page; ``fingerprint`` tells one state of the data from another."""
    version = ".".join(platform.python_version_tuple()[:2])
    verdicts = [verdict for section in sections for verdict in section.verdicts]
    parts = [
        _INTRODUCTION,
        f"Version {exporter.__version__}, Python {version}, data `{fingerprint}`.",
        f"**{sum(each.met for each in verdicts)} of {len(verdicts)} claims hold.**",
        *(f"Does not hold: {each.claim}: {each.found}." for each in verdicts if not each.met),
    ]
    for number, section in enumerate(sections, start=1):
        parts += [f"## {number}. {section.title}", *section.paragraphs]
        parts += [_verdicts(section.verdicts)] if section.verdicts else []
        for table in section.tables:
            parts += [f"### {table.title}", *([table.note] if table.note else []), _grid(table)]
    return "\n\n".join(parts) + "\n"


def _verdicts(verdicts: Iterable[Verdict]) -> str:
    rows = [(each.claim, each.found, "yes" if each.met else "**NO**") for each in verdicts]
    return _lines(("claim", "found", "holds"), rows)


def _grid(table: Table) -> str:
    return _lines(table.columns, table.rows)


def _lines(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    head = [_line(columns), _line(["---"] * len(columns))]
    return "\n".join([*head, *(_line(row) for row in rows)])


def _line(cells: Iterable[str]) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"
