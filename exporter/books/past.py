"""What the history tells of the weeks before this process."""

from exporter.books.archive import KEPT_SECONDS, Archive
from exporter.books.cpu_book import CpuBook
from exporter.books.usage_book import UsageBook
from exporter.core.units import SECONDS_PER_DAY


def restore(archive: Archive, usage: UsageBook, cpu: CpuBook, now: float) -> None:
    """Fill empty books from the last 42 days on disk; takes seconds for a large fleet.

    It only reads, and so may run beside whoever writes: hours that are closed meanwhile may be
    taken after it, whether or not it has found them on disk already.
    """
    since_at = now - KEPT_SECONDS
    for hour in archive.uses_since(since_at):
        usage.take(hour)
    # Settled first: a day whose distribution is written meanwhile is still taken by its hours.
    by_hours_at = archive.first_day_without_cpu(now // SECONDS_PER_DAY * SECONDS_PER_DAY)
    for day in archive.cpu_since(since_at):
        if day.day_at < by_hours_at:
            cpu.take_day(*day)
    for hour in archive.cpu_hours_since(by_hours_at):
        cpu.take(hour)
