"""Run the command line program: ``carbonfinops``, or python -m exporter."""

import sys

from exporter import signals


def main() -> int:
    """Import the program, which takes a while, and run it: no signal is lost in the meantime."""
    signals.hold()
    from exporter.cli import main as run

    return run()


if __name__ == "__main__":
    sys.exit(main())
