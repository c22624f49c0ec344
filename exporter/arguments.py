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
EARLIEST_YEAR = 1971
"""What is simulated reaches back for weeks, and all of it has positive epoch seconds."""
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
        epilog="What they do is decided by settings: environment variables CARBONFINOPS_..., a file"
        " .env, or --config FILE. The first to try: demo, then check.",
    )
    root.add_argument("--version", action="version", version=f"%(prog)s {__version__}")
    commands = root.add_subparsers(title="commands", required=True, metavar="COMMAND")
    config = argparse.ArgumentParser(add_help=False)
    config.add_argument("--config", type=Path, metavar="FILE", help="TOML file with settings")

    def command(name: str, purpose: str, description: str = "") -> argparse.ArgumentParser:
        description = description or f"{purpose[0].upper()}{purpose[1:]}."
        return commands.add_parser(name, parents=[config], help=purpose, description=description)

    command("serve", "export the live fleet")

    demo = command("demo", "export a simulated fleet")
    demo.add_argument(
        "--faults",
        choices=("on", "off", "outage"),
        default="on",
        help="what fails: two sources now and then (on), nothing, or the key for the grids and a"
        " region from two minutes after the start",
    )
    _add_simulation(demo)

    command("check", "say what works and what does not")
    command("health", "ask the exporter that runs with these settings whether it is well")

    _add_format(command("snapshot", "print the fleet, once"))

    scenarios = command("scenarios", "print what changes would save, and its assumptions")
    _add_format(scenarios)
    scenarios.add_argument(
        "--demo", action="store_true", help="of a simulated fleet, by --seed and --instances"
    )
    _add_simulation(scenarios)

    _add_backfill(
        command("backfill", "write the demo's history for Prometheus", BACKFILL_DESCRIPTION)
    )
    for name, each in commands.choices.items():
        each.set_defaults(run=runs[name])
    return root


def _add_format(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--format",
        choices=("table", "json", "csv"),
        default="table",
        help="form of the output (table)",
    )


def _add_backfill(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--days", type=_days, default=7.0, help=f"how long it reaches back, {MOST_DAYS} at most (7)"
    )
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
        "--job",
        type=_label_value,
        default="carbonfinops",
        help="label that Prometheus adds (carbonfinops)",
    )
    parser.add_argument(
        "--instance",
        type=_label_value,
        default="127.0.0.1:10105",
        help="label that Prometheus adds (127.0.0.1:10105)",
    )
    parser.add_argument(
        "--output", type=Path, metavar="FILE", help="where to write it; default: standard output"
    )


def _add_simulation(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--seed", type=_seed, default=7, help="which simulated fleet (7)")
    parser.add_argument(
        "--instances", type=_instances, default=100, help="size of the simulated fleet (100)"
    )


def _seed(text: str) -> int:
    try:
        return int(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number") from None


def _instances(text: str) -> int:
    try:
        number = int(text)
    except ValueError:
        number = 0
    if not 1 <= number <= MOST_SIMULATED:
        raise argparse.ArgumentTypeError(
            f"{text!r} is not a whole number from 1 to {MOST_SIMULATED}"
        )
    return number


def _days(text: str) -> float:
    try:
        days = float(text)
    except ValueError:
        days = 0.0
    if not 0 < days <= MOST_DAYS:
        raise argparse.ArgumentTypeError(
            f"{text!r} is not a number of days above 0, and {MOST_DAYS} at most"
        )
    return days


def _step_seconds(text: str) -> int:
    try:
        seconds = parse_duration_seconds(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None
    if seconds != int(seconds) or seconds > LONGEST_STEP_SECONDS:
        raise argparse.ArgumentTypeError(f"{text!r} is not whole seconds, 4m at most")
    return int(seconds)


def _part(text: str) -> tuple[int, int]:
    number, _, of = text.partition("/")
    if not (number.isdecimal() and of.isdecimal() and 1 <= int(number) <= int(of)):
        raise argparse.ArgumentTypeError(f"{text!r} is not like 1/2 or 2/2")
    return int(number), int(of)


def _label_value(text: str) -> str:
    if not text:
        raise argparse.ArgumentTypeError("must not be empty")
    return text


def _instant(text: str) -> float:
    """Epoch seconds; UTC where no offset is given."""
    try:
        instant = datetime.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not like 2026-03-01T12:00Z") from None
    if instant.year < EARLIEST_YEAR:
        raise argparse.ArgumentTypeError(f"{text!r} is before {EARLIEST_YEAR}")
    return (instant if instant.tzinfo else instant.replace(tzinfo=UTC)).timestamp()
