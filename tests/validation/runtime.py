"""Running time from CloudTrail: on recorded events, and on composed histories of a fortnight."""

from collections.abc import Iterable, Sequence
from pathlib import Path

from exporter.core.runtime import Coverage, Runtime, runtime_of
from exporter.core.trail import TrailEvent
from tests.validation.composed_runtime import composed_verdicts, late_table, watched_table
from tests.validation.observation import observed
from tests.validation.recorded_events import (
    MARGIN_SECONDS,
    Count,
    Document,
    counted,
    launch_time_lags,
    parsed,
    recorded_documents,
)
from tests.validation.recorded_inventory import recorded_looks, sightings_of, told_runs
from tests.validation.section import Section, Table, Verdict
from tests.validation.spread import Spread, share

PATTERNS = ("cloudtrail/*.json", "cloudtrail/awsconfig_ec2_lifecycle/*.json", "prices/*.csv")
"""The files it rests on."""

FARTHEST_SECONDS = 2.0

_TEXT = (
    """**Recorded**: events that CloudTrail wrote in real accounts, published by Invictus Incident
Response (`aws_dataset`, MIT), Panther Labs (`panther-analysis`, Apache-2.0, ids anonymised) and
in a public training script, two examples of AWS's CloudTrail User Guide (CC BY-SA 4.0), and five
AWS Config notifications of one instance's whole life (asecurityteam, `awsconfig-transformerd`,
Apache-2.0). They go through the exporter's parser and state machine; the count beside them is
made from the raw JSON without these. Each instance is looked at from an hour before its first
event to an hour after its last one. No inventory belongs to these events: after a start whose end
is not recorded, unknown is the right answer.""",
    """**Composed**: random lives of instances over fourteen days, written as documents in the
recorded shape of each event (no public recording of a spot interruption or a reboot was found:
their content follows the documentation). The exporter's CloudTrail source asks for them day by
day, from a client that returns pages in disorder and repeats the end of each page on the next.
**Simulated**: an inventory every five minutes that shows states, LaunchTime (up to 2 s off),
StateTransitionReason, and terminated instances for an hour, as EC2 does. Each day is looked at
three hours after its end. The truth is known because the lives were made up: whole seconds from
call to call. That AWS bills from some seconds after the call on, when the instance is running, is
not in it.""",
    """An instance-day is *exact* when running and billed seconds of each instance type equal the
truth to the second and nothing is unknown; *unknown* when the exporter says that some seconds are
unknown, and the truth lies within what it left open; anything else is an *error*. It must be
unknown where an operating system shut down without any trace of when: the time between the last
inventory that showed it running and the first that did not.""",
)


def section(data: Path) -> Section:
    """Check the running time."""
    documents = recorded_documents(data)
    events = parsed(documents)
    counts = counted(documents)
    runtimes = [_recorded_runtime(count, events) for count in counts]
    parsing_table, parsing_verdict = _parsing(documents, events, counts)
    cycle_table, cycle_verdict = _config_cycle(data)
    seen = observed(data)
    return Section(
        "Running time from CloudTrail",
        _TEXT,
        (
            parsing_table,
            _recorded_table(counts, runtimes),
            cycle_table,
            watched_table(seen),
            late_table(seen),
        ),
        (
            parsing_verdict,
            _recorded_verdict(counts, runtimes),
            cycle_verdict,
            _launch_verdict(documents),
            *composed_verdicts(seen),
        ),
    )


_Events = Sequence[Sequence[TrailEvent] | None]


def _recorded_runtime(count: Count, events: _Events) -> Runtime:
    own = [e for parts in events for e in parts or () if e.instance_id == count.instance_id]
    coverage = Coverage(count.since_at, count.until_at, count.until_at, count.until_at)
    return runtime_of(None, own, coverage)


def _parsing(
    documents: Sequence[Document], events: _Events, counts: Iterable[Count]
) -> tuple[Table, Verdict]:
    refused = sum(parts is None for parts in events)
    failed = [p for d, p in zip(documents, events, strict=True) if d.get("errorCode")]
    from_failed = sum(len(parts or ()) for parts in failed)
    expected = sum(count.events for count in counts)
    found = sum(len(parts or ()) for parts in events)
    rows = (
        ("documents", f"{len(documents)}"),
        ("of them refused by the exporter's parser", f"{refused}"),
        ("of them failed calls and dry runs", f"{len(failed)}"),
        ("starts and ends read from failed calls", f"{from_failed}"),
        ("starts and ends of single instances, by hand", f"{expected}"),
        ("the same, by the exporter", f"{found}"),
    )
    verdict = Verdict(
        "Every recorded document and every start and end in it is read, but none from failed calls",
        f"{len(documents) - refused} of {len(documents)}, {found} of {expected}, {from_failed}",
        found == expected and not from_failed and not refused,
    )
    return Table("Recorded documents", ("what", "number"), rows), verdict


def _recorded_table(counts: Sequence[Count], runtimes: Sequence[Runtime]) -> Table:
    rows = []
    for story in sorted({count.story for count in counts}):
        both = [pair for pair in zip(counts, runtimes, strict=True) if pair[0].story == story]
        rows.append(
            (
                story,
                f"{len(both)}",
                _all(c.running_seconds for c, _ in both),
                _all(r.running_seconds(c.since_at, c.until_at) for c, r in both),
                _all(c.unknown_seconds for c, _ in both),
                _all(r.unknown_seconds(c.since_at, c.until_at) for c, r in both),
            )
        )
    columns = (
        "events",
        "instances",
        "running, by hand",
        "running, exporter",
        "unknown, by hand",
        "unknown, exporter",
    )
    note = "Seconds of every instance, sorted."
    return Table("Recorded instances", columns, tuple(rows), note)


def _all(seconds: Iterable[float]) -> str:
    return "; ".join(f"{each:,.0f}" for each in sorted(seconds))


def _recorded_verdict(counts: Sequence[Count], runtimes: Sequence[Runtime]) -> Verdict:
    equal = sum(
        r.running_seconds(c.since_at, c.until_at) == c.running_seconds
        and r.unknown_seconds(c.since_at, c.until_at) == c.unknown_seconds
        for c, r in zip(counts, runtimes, strict=True)
    )
    return Verdict(
        "All recorded instances: running and unknown seconds equal those counted by hand",
        share(equal, len(counts)),
        equal == len(counts),
    )


def _config_cycle(data: Path) -> tuple[Table, Verdict]:
    """The one recorded life, told by inventories alone: CloudTrail has nothing of it."""
    looks = recorded_looks(data)
    runs = told_runs(looks)
    since_at, until_at = runs[0][0] - MARGIN_SECONDS, looks[-1].at
    coverage = Coverage(since_at, since_at, until_at, until_at)
    (sighting,) = sightings_of(looks)
    runtime = runtime_of(sighting, [], coverage)
    rows = []
    for number, (start_at, end_at) in enumerate(runs, start=1):
        found = runtime.running_seconds(start_at, end_at)
        rows.append((f"run {number}", f"{end_at - start_at:,.0f}", f"{found:,.0f}"))
    truth = sum(end_at - start_at for start_at, end_at in runs)
    total = runtime.running_seconds(since_at, until_at)
    rows.append(("an hour before it to the last look", f"{truth:,.0f}", f"{total:,.0f}"))
    note = (
        f"Launched, stopped, started with a new LaunchTime, stopped, deleted: {len(looks)} looks,"
        " minutes late. Seconds; the exporter knows of it from these looks alone."
    )
    columns = ("what", "by hand", "exporter")
    verdict = Verdict(
        "The recorded life in AWS Config is exact from LaunchTime and StateTransitionReason",
        f"{total:,.0f} of {truth:,.0f} s (n = 1 instance, {len(runs)} runs)",
        total == truth,
    )
    return Table("A recorded life in AWS Config", columns, tuple(rows), note), verdict


def _launch_verdict(documents: Sequence[Document]) -> Verdict:
    lags = Spread.of(map(abs, launch_time_lags(documents)))
    return Verdict(
        f"Recorded launches: LaunchTime is within {FARTHEST_SECONDS:.0f} s of the event",
        f"greatest {lags.greatest:.0f} s, {lags.seconds()}",
        lags.greatest <= FARTHEST_SECONDS,
    )
