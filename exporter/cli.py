"""The command line: serve, demo, check, snapshot, scenarios, backfill."""

import argparse
import gc
import logging
import os
import signal
import sys
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from exporter import __version__
from exporter.configuration import SettingsError, load_settings
from exporter.durations import parse_duration_seconds
from exporter.logs import configure_logging
from exporter.settings import Settings
from exporter.store import StateError

if TYPE_CHECKING:
    from exporter.app import Application

LOG = logging.getLogger("exporter.cli")

DEMO_DEFAULTS = {
    # A demo that moves only every quarter of an hour would look broken.
    "CARBONFINOPS_TTL__EC2_INVENTORY": "20s",
    "CARBONFINOPS_TTL__CLOUDWATCH_CPU": "60s",
    "CARBONFINOPS_TTL__ELECTRICITY_MAPS": "60s",
    "CARBONFINOPS_TTL__ELECTRICITY_MAPS_HISTORY": "5m",
    "CARBONFINOPS_TTL__SPOT_PRICE": "5m",
    "CARBONFINOPS_SCENARIOS__TARGET_REGIONS": "eu-north-1,eu-west-1",
    "CARBONFINOPS_SCENARIOS__DEFERRABLE_WATTS": "1500",
    "CARBONFINOPS_SCENARIOS__DEFERRABLE_REGION": "eu-central-1",
}


MOST_SIMULATED = 65_536
MOST_DAYS = 42
LONGEST_STEP_SECONDS = 240
"""Prometheus shows a sample for five minutes: with longer steps there would be holes."""

BACKFILL_DESCRIPTION = """\
Write the history of the demo's fleet as OpenMetrics, for promtool tsdb create-blocks-from. The
fleet is looked at every 16 minutes, and what was seen is repeated at every step in between; the
books are stated once an hour, the scenarios studied once a day. No number is real."""

SIMULATED = "a simulated fleet: no number here is real"
NO_INVENTORY = "carbonfinops: no inventory could be read; run carbonfinops check"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; its exit code."""
    options = _parser().parse_args(arguments)
    try:
        return int(options.run(options))
    except (SettingsError, StateError) as error:
        for line in str(error).splitlines():
            print(f"carbonfinops: {line}", file=sys.stderr)
        return 1
    except BrokenPipeError:  # the reader of our output has seen enough
        sys.stderr.close()
        return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="carbonfinops",
        description="Cost and carbon of an AWS EC2 fleet, per instance, for Prometheus.",
    )
    parser.add_argument("--version", action="version", version=f"%(prog)s {__version__}")
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")
    config = argparse.ArgumentParser(add_help=False)
    config.add_argument("--config", type=Path, metavar="FILE", help="TOML file with settings")

    serve = commands.add_parser("serve", parents=[config], help="export the live fleet")
    serve.set_defaults(run=_serve)

    demo = commands.add_parser("demo", parents=[config], help="export a simulated fleet")
    demo.add_argument("--faults", choices=("on", "off"), default="on", help="simulated outages")
    _add_simulation(demo)
    demo.set_defaults(run=_demo)

    check = commands.add_parser("check", parents=[config], help="say what works and what does not")
    check.set_defaults(run=_check)

    snapshot = commands.add_parser("snapshot", parents=[config], help="print the fleet, once")
    snapshot.add_argument("--format", choices=("table", "json", "csv"), default="table")
    snapshot.set_defaults(run=_snapshot)

    scenarios = commands.add_parser(
        "scenarios", parents=[config], help="print what changes would save, and its assumptions"
    )
    scenarios.add_argument("--format", choices=("table", "json", "csv"), default="table")
    scenarios.add_argument("--demo", action="store_true", help="of a simulated fleet")
    _add_simulation(scenarios)
    scenarios.set_defaults(run=_scenarios)

    _add_backfill(
        commands.add_parser(
            "backfill",
            parents=[config],
            help="write the demo's history for Prometheus",
            description=BACKFILL_DESCRIPTION,
        )
    )
    return parser


def _add_backfill(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--days", type=_days, default=7.0, help="how long it reaches back (7)")
    parser.add_argument(
        "--step", type=_step_seconds, default=240, help="between two samples, 4m at most (4m)"
    )
    parser.add_argument(
        "--until", type=_instant, metavar="TIME", help="last instant, as ISO 8601 (now)"
    )
    _add_simulation(parser)
    parser.add_argument("--job", default="carbonfinops", help="label that Prometheus adds")
    parser.add_argument("--instance", default="127.0.0.1:10105", help="label that Prometheus adds")
    parser.add_argument("--output", type=Path, metavar="FILE", help="default: standard output")
    parser.set_defaults(run=_backfill)


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
    days = float(text)
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


def _instant(text: str) -> float:
    """Epoch seconds; UTC where no offset is given."""
    try:
        instant = datetime.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not like 2026-03-01T12:00Z") from None
    return (instant if instant.tzinfo else instant.replace(tzinfo=UTC)).timestamp()


def _serve(options: argparse.Namespace) -> int:
    from exporter.app import build, live_upstreams, refuse_unknown_regions, state_directory

    settings = load_settings(os.environ, file=options.config)
    configure_logging(settings.log.level, settings.log.format)
    refuse_unknown_regions(settings)
    with state_directory(settings) as store:
        return _run(build(settings, live_upstreams, store=store), settings)


def _demo(options: argparse.Namespace) -> int:
    settings = load_settings(os.environ, file=options.config, defaults=DEMO_DEFAULTS)
    configure_logging(settings.log.level, settings.log.format)
    application = _simulated(options, settings, faults=options.faults == "on")
    return _run(application, settings, SIMULATED)


def _simulated(
    options: argparse.Namespace, settings: Settings, *, faults: bool = False
) -> "Application":
    from exporter.app import (
        build,
        refuse_unknown_regions,
        simulated_past,
        simulated_upstreams,
    )

    refuse_unknown_regions(settings)
    make = simulated_upstreams(options.seed, options.instances, faults=faults)
    past = simulated_past(options.seed, options.instances)
    return build(settings, make, store=None, simulated=True, past=past)


def _live(settings: Settings) -> "Application":
    """The live fleet with what another process keeps, which is not changed."""
    from exporter.app import build, live_upstreams, refuse_unknown_regions, state_directory

    refuse_unknown_regions(settings)
    store = state_directory(settings, writable=False)
    return build(settings, live_upstreams, store=store)


def _check(options: argparse.Namespace) -> int:
    from exporter.app import build, live_upstreams, refuse_unknown_regions
    from exporter.check import FIRST_REFRESH_SECONDS, Level, findings, refresh_once

    settings = load_settings(os.environ, file=options.config)
    configure_logging("error", settings.log.format)
    refuse_unknown_regions(settings)
    application = build(settings, live_upstreams, store=None)
    complete = refresh_once(application, FIRST_REFRESH_SECONDS)
    found = findings(application, settings, complete=complete)
    for finding in found:
        print(finding)
    return int(any(finding.level is Level.FAIL for finding in found))


def _snapshot(options: argparse.Namespace) -> int:
    from exporter.check import FIRST_REFRESH_SECONDS, refresh_once
    from exporter.report import FORMATS

    settings = load_settings(os.environ, file=options.config)
    configure_logging(settings.log.level, settings.log.format)
    application = _live(settings)
    refresh_once(application, FIRST_REFRESH_SECONDS)
    snapshot = application.publisher.published.snapshot
    if snapshot is None:
        print(NO_INVENTORY, file=sys.stderr)
        return 1
    print(FORMATS[options.format](snapshot), end="")
    return 0


def _scenarios(options: argparse.Namespace) -> int:
    from exporter.check import FIRST_REFRESH_SECONDS, refresh_once
    from exporter.report_scenarios import FORMATS
    from exporter.scenarios_section import scenario_plan

    defaults = DEMO_DEFAULTS if options.demo else {}
    settings = load_settings(os.environ, file=options.config, defaults=defaults)
    configure_logging(settings.log.level, settings.log.format)
    application = _simulated(options, settings) if options.demo else _live(settings)
    application.analyst.recall()
    refresh_once(application, FIRST_REFRESH_SECONDS)
    snapshot = application.publisher.published.snapshot
    if snapshot is None:
        print(NO_INVENTORY, file=sys.stderr)
        return 1
    if options.demo:
        print(f"carbonfinops: {SIMULATED}", file=sys.stderr)
    print(FORMATS[options.format](snapshot, scenario_plan(settings.scenarios)), end="")
    return 0


def _backfill(options: argparse.Namespace) -> int:
    from exporter.app import refuse_unknown_regions
    from exporter.backfill import Backfill, Span

    settings = load_settings(os.environ, file=options.config, defaults=DEMO_DEFAULTS)
    configure_logging(settings.log.level, settings.log.format)
    refuse_unknown_regions(settings)
    until_at = time.time() if options.until is None else options.until
    span = Span.ending(until_at, options.days, options.step)
    target = (("instance", options.instance), ("job", options.job))
    history = Backfill(settings, options.seed, options.instances, span, target)
    output = options.output
    try:
        if output is None:
            samples = history.write(sys.stdout.buffer)
            sys.stdout.flush()
        else:
            with output.open("wb") as file:
                samples = history.write(file, output.parent)
    except BrokenPipeError:
        raise
    except OSError as error:
        raise SettingsError(f"cannot write {output or 'the history'}: {error.strerror}") from error
    print(f"carbonfinops: {samples:,} samples of {SIMULATED}", file=sys.stderr)
    return 0


def _run(application: "Application", settings: Settings, remark: str = "") -> int:
    """Serve until SIGTERM or SIGINT; 1 when the address cannot be listened on."""
    address = settings.web.listen_address
    # Blocked here and in all threads to come, and waited for below: a handler could interrupt
    # this thread where it holds a lock that the handler needs.
    signals = {signal.SIGTERM, signal.SIGINT}
    signal.pthread_sigmask(signal.SIG_BLOCK, signals)
    try:
        application.server.start()
    except OSError as error:
        raise SettingsError(
            f"CARBONFINOPS_WEB__LISTEN_ADDRESS: cannot listen on {address}: {error.strerror}"
        ) from error
    host = address.rpartition(":")[0] or "0.0.0.0"  # noqa: S104 - what an empty host means
    url = f"http://{host}:{application.server.port}/"
    LOG.info("listening", extra={"url": url} | ({"remark": remark} if remark else {}))
    application.start()
    gc.freeze()  # what exists now lives as long as the process: collections need not look at it
    signal.sigwait(signals)
    LOG.info("stopping")
    application.stop()
    return 0
