"""The command line: serve, demo, check, health, snapshot, scenarios, backfill."""

import argparse
import gc
import logging
import os
import signal
import sys
import time
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from exporter import signals
from exporter.arguments import Run, parser
from exporter.configuration import SettingsError, load_settings
from exporter.logs import configure_logging
from exporter.settings import Settings
from exporter.store import StateError

if TYPE_CHECKING:
    from exporter.app import Application
    from exporter.check import Finding
    from exporter.simulation.faults import FaultPlan

LOG = logging.getLogger("exporter.cli")

SIMULATED = "a simulated fleet: no number here is real"
INTERRUPTED = 128 + signal.SIGINT
"""The exit code that shells give what Ctrl+C has ended."""
NO_INVENTORY = "carbonfinops: no inventory could be read; run carbonfinops check"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; its exit code."""
    options = parser(_RUNS).parse_args(arguments)
    try:
        if options.run not in (_serve, _demo):  # which take them in their own way
            signals.release()
        return int(options.run(options))
    except (SettingsError, StateError) as error:
        for line in str(error).splitlines():
            print(f"carbonfinops: {line}", file=sys.stderr)
        return 1
    except BrokenPipeError:  # the reader of our output has seen enough
        sys.stderr.close()
        return 0
    except KeyboardInterrupt:
        return INTERRUPTED


@signals.ending_at_once()
def _serve(options: argparse.Namespace) -> int:
    from exporter.app import build, state_directory
    from exporter.location import refuse_unknown_regions
    from exporter.upstreams import live_upstreams

    settings = load_settings(os.environ, file=options.config)
    configure_logging(settings.log.level, settings.log.format)
    refuse_unknown_regions(settings)
    with state_directory(settings) as store:
        return _run(build(settings, live_upstreams, store=store), settings)


@signals.ending_at_once()
def _demo(options: argparse.Namespace) -> int:
    from exporter.demo import FAULTS, demo_defaults

    settings = load_settings(
        os.environ, file=options.config, defaults=demo_defaults(options.instances)
    )
    configure_logging(settings.log.level, settings.log.format)
    application = _simulated(options, settings, faults=FAULTS[options.faults])
    return _run(application, settings, SIMULATED)


def _simulated(
    options: argparse.Namespace, settings: Settings, *, faults: "FaultPlan | None" = None
) -> "Application":
    from exporter.app import build
    from exporter.location import refuse_unknown_regions
    from exporter.upstreams import simulated_past, simulated_upstreams

    refuse_unknown_regions(settings)
    make = simulated_upstreams(options.seed, options.instances, faults=faults)
    past = simulated_past(options.seed, options.instances)
    return build(settings, make, store=None, simulated=True, past=past)


def _live(settings: Settings) -> "Application":
    """The live fleet with what another process keeps, which is not changed."""
    from exporter.app import build, state_directory
    from exporter.location import refuse_unknown_regions
    from exporter.upstreams import live_upstreams

    refuse_unknown_regions(settings)
    store = state_directory(settings, writable=False)
    return build(settings, live_upstreams, store=store)


def _check(options: argparse.Namespace) -> int:
    from exporter.app import build
    from exporter.check import FIRST_REFRESH_SECONDS, Level, findings, refresh_once
    from exporter.location import refuse_unknown_regions
    from exporter.upstreams import live_upstreams

    settings = load_settings(os.environ, file=options.config)
    configure_logging("error", settings.log.format)
    refuse_unknown_regions(settings)
    application = build(settings, live_upstreams, store=None)
    complete = refresh_once(application, FIRST_REFRESH_SECONDS)
    found = [*_web_config(settings), *findings(application, settings, complete=complete)]
    for finding in found:
        print(finding)
    return int(any(finding.level is Level.FAIL for finding in found))


def _web_config(settings: Settings) -> Iterable["Finding"]:
    """What there is to say of the web config file, if there is one."""
    from exporter.check import Finding, Level
    from exporter.exposition.security import WebConfigError, security_of

    file = settings.web.config_path
    if file is None:
        return
    try:
        security_of(file).load()
    except WebConfigError as error:
        yield Finding(Level.FAIL, "web config file", str(error))
    else:
        yield Finding(Level.OK, f"web config file {file}", "can be used")


def _health(options: argparse.Namespace) -> int:
    from exporter.exposition.health import ask_health, schemes_of

    settings = load_settings(os.environ, file=options.config)
    try:
        health = ask_health(settings.web.listen_address, schemes_of(settings.web.config_path))
    except ValueError as error:
        raise SettingsError(f"CARBONFINOPS_WEB__LISTEN_ADDRESS: {error}") from None
    print(health.text)
    return int(not health.well)


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
    from exporter.demo import demo_defaults
    from exporter.report_scenarios import FORMATS
    from exporter.scenarios_section import scenario_plan

    defaults = demo_defaults(options.instances) if options.demo else {}
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
    from exporter.backfill import Backfill, Span
    from exporter.demo import demo_defaults
    from exporter.location import refuse_unknown_regions

    settings = load_settings(
        os.environ, file=options.config, defaults=demo_defaults(options.instances)
    )
    configure_logging(settings.log.level, settings.log.format)
    refuse_unknown_regions(settings)
    now = time.time()
    until_at = now if options.until is None else options.until
    if until_at > now:
        raise SettingsError("--until: a history does not reach into the future")
    span = Span.ending(until_at, options.days, options.step)
    number, pieces = options.part
    if pieces > span.instants:
        raise SettingsError(f"--part: {pieces} are too many: there are {span.instants} instants")
    target = (("instance", options.instance), ("job", options.job))
    piece = span.part(number, pieces)
    history = Backfill(settings, options.seed, options.instances, piece, span.until_at, target)
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
    from exporter.exposition.security import WebConfigError

    address = settings.web.listen_address
    signals.hold()  # here and in all threads to come: this one waits for them below
    try:
        application.server.start()
    except WebConfigError as error:
        raise SettingsError(f"CARBONFINOPS_WEB__CONFIG_FILE: {error}") from None
    except OSError as error:
        raise SettingsError(
            f"CARBONFINOPS_WEB__LISTEN_ADDRESS: cannot listen on {address}: {error.strerror}"
        ) from error
    host = address.rpartition(":")[0] or "0.0.0.0"  # noqa: S104 - what an empty host means
    url = f"{application.server.scheme}://{host}:{application.server.port}/"
    LOG.info("listening", extra={"url": url} | ({"remark": remark} if remark else {}))
    application.start()
    gc.freeze()  # what exists now lives as long as the process: collections need not look at it
    signals.wait()
    LOG.info("stopping")
    application.stop()
    return 0


_RUNS: Mapping[str, Run] = {
    "serve": _serve,
    "demo": _demo,
    "check": _check,
    "health": _health,
    "snapshot": _snapshot,
    "scenarios": _scenarios,
    "backfill": _backfill,
}
