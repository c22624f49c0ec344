"""Savings on recorded grid hours and CPU: the exporter against a second implementation.

A program, run by hand: ``python -m tests.benchmarks.scenarios FOLDER`` prints what
``make validate`` writes into docs/validation-results.md, and ends with 1 when a claim does not
hold. FOLDER holds ``carbon-intensity`` and ``cpu`` as that page describes them.
"""

import argparse
import sys
from pathlib import Path

from tests.validation.page import page
from tests.validation.recordings import DataError, fingerprint
from tests.validation.savings import PATTERNS, section


def main() -> int:
    """Print the section; give the exit code."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("data", type=Path, help="folder of recordings")
    data = parser.parse_args().data
    try:
        found, state = section(data), fingerprint(data, PATTERNS)
    except DataError as error:
        print(f"scenarios: {error}", file=sys.stderr)
        return 2
    print(page([found], state))
    return 0 if all(verdict.met for verdict in found.verdicts) else 1


if __name__ == "__main__":
    sys.exit(main())
