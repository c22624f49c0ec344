"""What the carbon-spike alert does on recorded grids and recorded CPU.

A program, run by hand: ``python -m tests.benchmarks.spikes FOLDER``. FOLDER holds
``carbon-intensity`` and ``cpu`` as docs/validation-results.md describes them. It prints the tables
of docs/explanation/alerting.md, and ends with 1 when a goal is missed.
"""

import argparse
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from tests.benchmarks.spike_choice import choice_table
from tests.benchmarks.spike_demand import BURSTY, demand_table, demands
from tests.benchmarks.spike_grid import grid_table
from tests.benchmarks.spike_limits import limits_table
from tests.benchmarks.spike_prometheus import Agreement
from tests.benchmarks.spike_study import Study
from tests.benchmarks.spike_tables import intervals_table, sizes_table, verdicts, zones_table
from tests.validation.recordings import DataError
from tests.validation.section import Table, Verdict


def tables(study: Study) -> Iterator[Table]:
    """Every table, as it is ready."""
    yield sizes_table(study)
    yield zones_table(study)
    yield grid_table(study)
    yield intervals_table(study)
    found = demands(study)
    yield choice_table(study, found[BURSTY])
    yield demand_table(found)
    yield limits_table(study)


def print_table(table: Table) -> None:
    """A table as Markdown."""
    print(f"### {table.title}\n\n{table.note}\n")
    for cells in (table.columns, ["---"] * len(table.columns), *table.rows):
        print(f"| {' | '.join(cells)} |")
    print(flush=True)


def print_verdict(verdict: Verdict) -> None:
    """A goal, and whether it is met."""
    print(f"- {verdict.claim}: {verdict.found}: {'met' if verdict.met else 'MISSED'}", flush=True)


def main() -> int:
    """Print the tables; give the exit code."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("data", type=Path, help="folder of recordings")
    study = Study(parser.parse_args().data)
    begun = time.monotonic()
    try:
        agreement = Agreement(study)
        for table in tables(study):
            print_table(table)
        goals = [*verdicts(study), agreement.verdict()]
    except DataError as error:
        print(f"spikes: {error}", file=sys.stderr)
        return 2
    for verdict in goals:
        print_verdict(verdict)
    print(f"\n{time.monotonic() - begun:.0f} s")
    return 0 if all(verdict.met for verdict in goals) else 1


if __name__ == "__main__":
    sys.exit(main())
