"""Do what pages tell their readers to do, word for word, in the root of this clone.

    python3 .ci/docs/run_page.py PAGE ...  [--values FILE]

FILE has lines NAME=VALUE for what the pages leave open (``export NAME=...``): keys of an AWS
account, or of what stands in for one. Without it, blocks that need an account are not run.
Needs Python 3.11 and nothing else; what pages start is ended.
"""

import argparse
import os
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT)]

from tests.docs.commands import steps  # noqa: E402 - as above
from tests.docs.pages import Page  # noqa: E402 - as above

from page_run import Outcome, PageError, Terminal, report  # noqa: E402 - the path comes first


def main() -> int:
    """Run the pages; 1 when one of them does not do what it says."""
    parser = argparse.ArgumentParser()
    parser.add_argument("pages", nargs="+", type=Path)
    parser.add_argument("--values", type=Path)
    options = parser.parse_args()
    values = {}
    if options.values:
        pairs = (line.partition("=") for line in options.values.read_text().splitlines() if line)
        values = {name.removeprefix("export "): value for name, _, value in pairs}
    outcomes: list[Outcome] = []
    for path in options.pages:
        terminal = Terminal(ROOT, os.environ, values, say=lambda line: print(line, flush=True))
        try:
            outcomes.extend(terminal.run(steps(Page(path.resolve()))))
        except PageError as error:
            print(f"FAILED {error}", file=sys.stderr)
            return 1
    print(*report(outcomes), sep="\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
