"""Checks on recorded data, written to docs/validation-results.md: ``make validate``.

``python -m tests.validation FOLDER`` does the same. It ends with 0 when every claim holds, with 1
when one does not, and with 2 when there is no data to check.
"""

import argparse
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.validation import cost, coverage, runtime, savings
from tests.validation.page import page
from tests.validation.recordings import DataError, fingerprint
from tests.validation.section import Section

RESULTS = Path(__file__).parents[2] / "docs" / "validation-results.md"


@dataclass(frozen=True, slots=True)
class Topic:
    """One section: what makes it from the data folder, and which files it needs."""

    section: Callable[[Path], Section]
    patterns: tuple[str, ...]


TOPICS = (
    Topic(runtime.section, runtime.PATTERNS),
    Topic(cost.section, cost.PATTERNS),
    Topic(coverage.section, coverage.PATTERNS),
    Topic(savings.section, savings.PATTERNS),
)

_ADVICE = """
The recordings are not part of this project: several of their licences forbid to pass them on.
Collect them in a folder (docs/validation-results.md names who published them) and name it:

    make validate DATA=folder

It must hold:
"""


def main(arguments: Sequence[str] | None = None, topics: Sequence[Topic] = TOPICS) -> int:
    """Run all sections and write the page; give the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.validation", description=__doc__)
    parser.add_argument("data", type=Path, help="folder of recordings")
    parser.add_argument("--output", type=Path, default=RESULTS, help="page to write")
    options = parser.parse_args(arguments)
    patterns = sorted({pattern for topic in topics for pattern in topic.patterns})
    try:
        state = fingerprint(options.data, patterns)
        sections = [topic.section(options.data) for topic in topics]
    except DataError as error:
        needed = "".join(f"    {pattern}\n" for pattern in patterns)
        sys.stderr.write(f"validate: {error}\n{_ADVICE}\n{needed}")
        return 2
    options.output.write_text(page(sections, state), encoding="utf-8")
    verdicts = [verdict for section in sections for verdict in section.verdicts]
    failed = [verdict for verdict in verdicts if not verdict.met]
    for verdict in failed:
        sys.stdout.write(f"does not hold: {verdict.claim}: {verdict.found}\n")
    held = len(verdicts) - len(failed)
    sys.stdout.write(f"{held} of {len(verdicts)} claims hold; written to {options.output.name}\n")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
