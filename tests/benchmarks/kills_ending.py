"""What must hold once the last life has had the time to close and settle everything."""

from collections import Counter, defaultdict
from collections.abc import Iterator

from exporter.core.fleet import Place
from exporter.core.metering import hour_of
from exporter.core.units import SECONDS_PER_DAY, SECONDS_PER_HOUR
from tests.benchmarks.kills_audit import Audit
from tests.benchmarks.kills_seen import SAME_SECONDS, agree, points_of, rows_of
from tests.benchmarks.kills_state import Book, History, read_books
from tests.benchmarks.kills_truth import EVER, hours

TOLD_SECONDS = 3 * SECONDS_PER_HOUR
"""So late CloudTrail has told everything of an hour, and the history is corrected."""


def is_settled(audit: Audit, until_at: float) -> bool:
    """Whether every hour before is closed, and no emissions of it wait."""
    books = read_books(audit.folder)
    return bool(books) and all(_is_settled(book, until_at) for book in books.values())


def _is_settled(book: Book, until_at: float) -> bool:
    return book.closed_until_at >= until_at and all(hour >= until_at for hour in book.pending)


def problems(audit: Audit, until_at: float) -> Iterator[str]:
    """Everything that is not as it must be, up to the hour that begins at ``until_at``."""
    for place, book in audit.books.items():
        if not _is_settled(book, until_at):
            yield f"{'/'.join(place)}: not settled until {until_at:.0f}"
        yield from _runtimes(audit, place, book, until_at - TOLD_SECONDS)
    yield from _intensities(audit, until_at)
    yield from _cpu_days(audit)


def energy(audit: Audit) -> tuple[float, float]:
    """What the counters have, and what all instances used in the closed hours, in joules."""
    books = audit.books.items()
    counted = sum(book.counters["energy_joules"] for _, book in books)
    return counted, sum(
        audit.truth.most(place, book.since_at, book.closed_until_at)["energy_joules"]
        for place, book in books
    )


def seconds(audit: Audit) -> tuple[float, float]:
    """Instance-seconds measured, skipped or unseen in the counters' hours, and those that ran.

    Those that were only assumed are left out.
    """
    books = audit.books.items()
    skipped = sum(book.counters["skipped power"] for _, book in books)
    tally = audit.tally
    accounted = tally.measured_seconds + skipped + tally.unseen_seconds - tally.assumed_seconds
    return accounted, sum(
        audit.truth.most(place, book.since_at, book.closed_until_at)["skipped power"]
        for place, book in books
    )


def _runtimes(audit: Audit, place: Place, book: Book, until_at: float) -> Iterator[str]:
    """The history's last word on each hour, CloudTrail included, is the truth."""
    for hour_at in hours(hour_of(book.since_at), until_at):
        rows = rows_of(audit.last.get((place, hour_at), {}))
        for instance_id, true in audit.truth.hour(place, hour_at, EVER).items():
            row = rows.get(instance_id, {"running_seconds": 0.0})
            if abs(row["running_seconds"] - true.running_seconds) > SAME_SECONDS:
                ran = f"{row['running_seconds']:.0f} s, not {true.running_seconds:.0f}"
                yield f"{'/'.join(place)}: {instance_id} ran {ran} in {hour_at:.0f}"


def _intensities(audit: Audit, until_at: float) -> Iterator[str]:
    """The grid's history has every hour of every zone as it was measured."""
    records, _ = History(audit.folder, "grid_days").news()
    last = {(record["grid_zone"], record["hour"]): record for record in records}
    for place, book in audit.books.items():
        zone = audit.truth.grid_zone(place)
        for hour_at in hours(hour_of(book.since_at), until_at):
            known = last.get((zone, hour_at), {})
            true = audit.truth.intensity(zone, hour_at)
            if known.get("estimated", True) or not agree(known["grams_per_kilowatt_hour"], true):
                yield f"{zone}: {hour_at:.0f} has {known}, not {true}"


def _cpu_days(audit: Audit) -> Iterator[str]:
    """Every day that is closed has its CPU levels, those of its hours."""
    records, _ = History(audit.folder, "cpu_days").news()
    written = {(Place(r["account_id"], r["region"]), r["day"]): r["columns"] for r in records}
    since_at = max(book.since_at for book in audit.books.values())
    day_at = (since_at // SECONDS_PER_DAY + 1) * SECONDS_PER_DAY
    closed_at = min(book.closed_until_at for book in audit.books.values())
    while day_at + SECONDS_PER_DAY <= closed_at:
        for place in audit.books:
            columns = written.get((place, day_at), {"instance_id": [], "levels": []})
            rows = zip(columns["instance_id"], columns["levels"], strict=True)
            found = {i: dict(zip(levels[::2], levels[1::2], strict=True)) for i, levels in rows}
            if found != _levels(audit, place, day_at):
                yield f"{'/'.join(place)}: CPU levels of the day {day_at:.0f}"
        day_at += SECONDS_PER_DAY


def _levels(audit: Audit, place: Place, day_at: float) -> dict[str, dict[int, int]]:
    levels: dict[str, Counter[int]] = defaultdict(Counter)
    for hour_at in hours(day_at, day_at + SECONDS_PER_DAY):
        for instance_id, row in rows_of(audit.last.get((place, hour_at), {})).items():
            levels[instance_id].update(int(text, 16) for text in points_of(row).values())
    return {instance_id: dict(counted) for instance_id, counted in levels.items() if counted}
