"""The arguments of every command."""

import argparse
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path

from exporter import __version__
from exporter.durations import parse_duration_seconds

Run = Callable[[argparse.Namespace], int]
"""Does a command; its exit code."""

MOST_SIMULATED = 65_536
MOST_DAYS = 42
LONGEST_STEP_SECONDS = 240
"""Prometheus shows a sample for five minutes: with longer steps there would be holes."""

BACKFILL_DESCRIPTION = """\
Write the history of the demo's fleet as OpenMetrics, for promtool tsdb create-blocks-from. The
fleet is looked at every 12 minutes, and what was seen is repeated at every step in between; the
books are stated once an hour, the scenarios studied once a day. No number is real."""


def parser(runs: Mapping[str, Run]) -> argparse.ArgumentParser:
    """What may be written after ``carbonfinops``; ``run`` is what does the command."""
    root = argparse.ArgumentParser(
        prog="carbonfinops",
        description="Cost and carbon of an AWS EC2 fleet, per instance, for Prometheus.",
    )
    root.add_argument("--version", action="version", version=f"%(prog)s {__version__}")
    commands = root.add_subparsers(title="commands", required=True, metavar="COMMAND")
    config = argparse.ArgumentParser(add_help=False)
    config.add_argument("--config", type=Path, metavar="FILE", help="TOML file with settings")

    commands.add_parser("serve", parents=[config], help="export the live fleet")

    demo = commands.add_parser("demo", parents=[config], help="export a simulated fleet")
    demo.add_argument(
        "--faults",
        choices=("on", "off", "outage"),
        default="on",
        help="what fails: two sources now and then (on), nothing, or the key for the grids and a"
        " region from two minutes after the start",
    )
    _add_simulation(demo)

    commands.add_parser("check", parents=[config], help="say what works and what does not")
    commands.add_parser(
        "health",
        parents=[config],
        help="ask the exporter that runs with these settings whether it is well",
    )

    snapshot = commands.add_parser("snapshot", parents=[config], help="print the fleet, once")
    snapshot.add_argument("--format", choices=("table", "json", "csv"), default="table")

    scenarios = commands.add_parser(
        "scenarios", parents=[config], help="print what changes would save, and its assumptions"
    )
    scenarios.add_argument("--format", choices=("table", "json", "csv"), default="table")
    scenarios.add_argument("--demo", action="store_true", help="of a simulated fleet")
    _add_simulation(scenarios)

    _add_backfill(
        commands.add_parser(
            "backfill",
            parents=[config],
            help="write the demo's history for Prometheus",
            description=BACKFILL_DESCRIPTION,
        )
    )
    for name, command in commands.choices.items():
        command.set_defaults(run=runs[name])
    return root


def _add_backfill(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--days", type=_days, default=7.0, help="how long it reaches back (7)")
    parser.add_argument(
        "--step", type=_step_seconds, default=240, help="between two samples, 4m at most (4m)"
    )
    parser.add_argument(
        "--until", type=_instant, metavar="TIME", help="last instant, as ISO 8601 (now)"
    )
    parser.add_argument(
        "--part",
        type=_part,
        metavar="N/M",
        default=(1, 1),
        help="one of M equal pieces of it, so that several processes can make them at once",
    )
    _add_simulation(parser)
    parser.add_argument(
        "--job", type=_label_value, default="carbonfinops", help="label that Prometheus adds"
    )
    parser.add_argument(
        "--instance",
        type=_label_value,
        default="127.0.0.1:10105",
        help="label that Prometheus adds",
    )
    parser.add_argument("--output", type=Path, metavar="FILE", help="default: standard output")


def _add_simulation(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--seed", type=int, default=7, help="which simulated fleet")
    parser.add_argument(
        "--instances", type=_positive, default=100, help="size of the simulated fleet"
    )


def _positive(text: str) -> int:
    number = int(text)
    if not 1 <= number <= MOST_SIMULATED:
        raise argparse.ArgumentTypeError(f"{number} is not between 1 and {MOST_SIMULATED}")
    return number


def _days(text: str) -> float:
    try:
        days = float(text)
    except ValueError:
        days = 0.0
    if not 0 < days <= MOST_DAYS:
        raise argparse.ArgumentTypeError(f"{text} is not between 0 and {MOST_DAYS}")
    return days


def _step_seconds(text: str) -> int:
    try:
        seconds = parse_duration_seconds(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None
    if seconds != int(seconds) or seconds > LONGEST_STEP_SECONDS:
        raise argparse.ArgumentTypeError(f"{text} is not whole seconds, 4m at most")
    return int(seconds)


def _part(text: str) -> tuple[int, int]:
    number, _, of = text.partition("/")
    if not (number.isdecimal() and of.isdecimal() and 1 <= int(number) <= int(of)):
        raise argparse.ArgumentTypeError(f"{text} is not like 1/2 or 2/2")
    return int(number), int(of)


def _label_value(text: str) -> str:
    if not text:
        raise argparse.ArgumentTypeError("an empty label is no label")
    return text


def _instant(text: str) -> float:
    """Epoch seconds; UTC where no offset is given."""
    try:
        instant = datetime.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not like 2026-03-01T12:00Z") from None
    return (instant if instant.tzinfo else instant.replace(tzinfo=UTC)).timestamp()
