"""Running time of the composed fleet: tables and verdicts."""

from collections.abc import Iterator, Sequence

from exporter.sources.aws.events import LOOKBACK_SECONDS
from tests.validation.composition import COUNTS, DAY, DAYS, INEXACT
from tests.validation.observation import Observation
from tests.validation.outcomes import POLL_SECONDS, Outcome, unknowable
from tests.validation.section import Table, Verdict
from tests.validation.spread import Spread, percent, share


def watched_table(seen: Observation) -> Table:
    """An exporter that ran all the time, day by day."""
    groups = {kind: [day for day in seen.days if day.life.kind == kind] for kind in COUNTS}
    groups["all but hibernated"] = [day for day in seen.days if day.life.kind != INEXACT]
    rows = tuple((kind, *_watched_cells(days)) for kind, days in groups.items())
    short = Spread.of(
        day.error_seconds for day in seen.days if day.life.kind == INEXACT and day.error_seconds
    )
    unknown = sum(day.unknown_seconds for day in seen.days)
    running = sum(sum(day.truth.values()) for day in seen.days)
    note = (
        f"{len(seen.fleet.lives)} instances, {seen.documents:,} events, {DAYS} days."
        f" {unknown:,.0f} s of {running / 3600:,.0f} running hours are unknown"
        f" ({percent(unknown / running, 4)}). Hibernated instances are billed until their memory is"
        " written, which no event tells: their time ends with the last inventory that showed them"
        f" stopping, and days with such an end are too short by {short.seconds()}."
    )
    columns = (
        "kind of life",
        "instances",
        "exact on every day",
        "instance-days exact",
        "unknown",
        "errors",
    )
    return Table("Composed lives, watched all the time", columns, rows, note)


def _watched_cells(days: Sequence[Outcome]) -> tuple[str, ...]:
    instances = {day.life.instance_id for day in days}
    not_exact = {day.life.instance_id for day in days if not day.is_exact}
    return (
        f"{len(instances)}",
        f"{len(instances - not_exact)}",
        share(sum(day.is_exact for day in days), len(days)),
        f"{sum(day.is_unknown for day in days)}",
        f"{sum(day.is_error for day in days)}",
    )


def late_table(seen: Observation) -> Table:
    """An exporter that was started afterwards, the fortnight as one span."""
    rows = []
    for kind in COUNTS:
        of_kind = [each for each in seen.late if each.life.kind == kind]
        rows.append(
            (
                kind,
                share(sum(each.is_exact for each in of_kind), len(of_kind)),
                f"{sum(each.lacks_type_only for each in of_kind)}",
                f"{sum(each.is_unknown for each in of_kind)}",
                f"{sum(each.is_error for each in of_kind)}",
            )
        )
    note = (
        "The same fortnight as one span, told to an exporter that is started after it: it has"
        f" {LOOKBACK_SECONDS / DAY:.0f} days of events and a single inventory. What operating"
        " systems shut down is mostly lost, and reported so. The type of a run is unknown where"
        " the launch is older than the events and nothing since tells it. **A limit**: of an"
        " instance older than the events whose first event is a start, the exporter takes it that"
        " it had not run since the events begin; where it had, and its operating system shut it"
        " down, this is an error."
    )
    columns = ("kind of life", "exact", "only a type unknown", "unknown", "errors")
    return Table("Composed lives, seen only afterwards", columns, tuple(rows), note)


def composed_verdicts(seen: Observation) -> Iterator[Verdict]:
    """What must hold of the composed fleet."""
    spans = unknowable(seen.fleet.lives)
    tellable = [day for day in seen.days if day.life.kind != INEXACT]
    dark = [(day, day.dark_seconds(spans[day.life.instance_id])) for day in tellable]
    plain = [day for day, seconds in dark if not seconds]
    dark = [(day, seconds) for day, seconds in dark if seconds]
    exact = sum(day.is_exact for day in plain)
    told = sum(day.is_unknown and day.unknown_seconds <= seconds for day, seconds in dark)
    errors = sum(day.is_error for day in tellable)
    instances = {day.life.instance_id for day in tellable}
    yield Verdict(
        "Composed instance-days that can be known: all exact to the second",
        share(exact, len(plain)),
        exact == len(plain),
    )
    yield Verdict(
        "Composed instance-days that nobody can know: all reported as unknown, from the last"
        " inventory that showed it running to the first that did not at most",
        share(told, len(dark)),
        told == len(dark),
    )
    yield Verdict(
        "Composed instances, hibernated ones aside: no error on any day",
        f"{errors} errors (n = {len(instances)} instances, {len(tellable):,} instance-days)",
        errors == 0,
    )
    yield from _hibernation_verdict(seen.days)
    yield _late_verdict(seen)


def _hibernation_verdict(days: Sequence[Outcome]) -> Iterator[Verdict]:
    errors = [(day.error_seconds, day.hibernations) for day in days if day.life.kind == INEXACT]
    off = Spread.of(seconds / max(1, count) for seconds, count in errors)
    yield Verdict(
        "Hibernated instances: off by at most one inventory interval per hibernation",
        f"greatest {off.greatest:,.0f} s, {off.seconds()}",
        all(seconds <= POLL_SECONDS * count for seconds, count in errors),
    )


def _late_verdict(seen: Observation) -> Verdict:
    errors = [each for each in seen.late if each.is_error and each.life.kind != INEXACT]
    named = sum(each.started_after_dark(seen.late_since_at) for each in errors)
    wholly = [
        each
        for each in seen.late
        if each.life.kind != INEXACT and "OS shutdown" not in each.life.kind
    ]
    right = sum(each.is_exact or each.lacks_type_only for each in wholly)
    return Verdict(
        "Seen only afterwards: all seconds exact where CloudTrail tells all ends, and no error"
        " but of the limit named below",
        f"{share(right, len(wholly))}; errors: {len(errors)}, of that limit: {named}",
        right == len(wholly) and named == len(errors),
    )
