"""CPU time of the books: what the bookkeeper does with made-up answers, and no network.

The peer is the same bookkeeper without its memory: everything worked out anew at every look.
"""

import tempfile
import tracemalloc
from collections.abc import Callable
from pathlib import Path

from exporter.books.bookkeeper import Bookkeeper
from exporter.books.facts import Facts
from exporter.core.units import SECONDS_PER_DAY, SECONDS_PER_HOUR
from tests.benchmarks.booked_facts import SITING, BookedFacts
from tests.benchmarks.booked_fleet import BASE_AT
from tests.benchmarks.desk import INTERVAL_SECONDS, Desk, Patience, Spent
from tests.benchmarks.estimate import timed
from tests.benchmarks.figures import Spread, ratio, result

FLEETS = {1_000: 4, 10_000: 40}
"""Instances, and in how many places they are."""

BEGINS_AT = BASE_AT + 10 * SECONDS_PER_HOUR + 1500
"""25 minutes past: the points of the hour before are in, and the window does not move soon."""

KNOWN_SECONDS = 5 * SECONDS_PER_DAY
"""For so long the exporter has run: what has no price yet does not get one any more."""

HOURS = 24
LATE_HOURS = 2
"""Events may come so late: so many hours more are looked at again."""

REPEATS = 3
POLL_SLOTS = 3
HOUR_SLOTS = 17
"""Those of an hour, and of the minutes after it."""


def show(what: str, times: list[Spent]) -> float:
    """Print CPU and wall time; the median CPU time."""
    wall, cpu = (Spread.of(samples) for samples in zip(*times, strict=True))
    result(what, f"CPU {cpu.milliseconds()}, wall {wall.milliseconds()}")
    return cpu.median


def repeated(job: Callable[[], Spent], times: int = REPEATS) -> list[Spent]:
    """Do it several times."""
    return [job() for _ in range(times)]


def anew(facts: Facts) -> Spent:
    """A look of a bookkeeper that remembers nothing."""
    books = Bookkeeper(None, SITING, INTERVAL_SECONDS, facts.now, Patience())
    return timed(lambda: books.keep(facts))


def later(facts: BookedFacts, seconds: float) -> BookedFacts:
    """The same facts after a while in which nothing was answered."""
    facts.wait(seconds)
    return facts


def compare_looks(desk: Desk, facts: BookedFacts) -> None:
    """The first looks, and those that bring nothing or CPU points."""
    show("first look of a process: statement", [desk.state(facts.poll(POLL_SLOTS))])
    first_bill = facts.ask_bill()
    days = len({usage.start_at for usage in first_bill.bill.days}) if first_bill.bill else 0
    show(f"first bill: {days} days computed and compared", [desk.state(first_bill)])
    nothing = show("nothing new", repeated(lambda: desk.look(later(facts, 1.0).now), 20))
    polls = repeated(lambda: desk.look(later(facts, 60.0).poll(POLL_SLOTS)), 5)
    show("a CPU poll of every place", polls)
    fresh = show("peer: everything anew", repeated(lambda: anew(facts.now), 2))
    ratio("nothing new: times less than anew", fresh / nothing)


def compare_hours(desk: Desk, facts: BookedFacts) -> None:
    """A day of closed hours."""
    closings, statements = [], []
    for hour in range(HOURS):
        later(facts, SECONDS_PER_HOUR).look()
        closings.append(desk.write(facts.poll(HOUR_SLOTS)))
        if hour >= HOURS - REPEATS:
            statements.append(desk.state(facts.now))
    closing = show("an hour closed and written, every place", closings)
    hourly = show("statement after the window moved, every place", statements)
    changes = repeated(lambda: desk.state(facts.lose_one()))
    one = show("statement after a change in one place", changes)
    fresh = show("peer: everything anew", repeated(lambda: anew(facts.now), 2))
    ratio("window moved: times less than anew", fresh / hourly)
    ratio("change in one place: times less than anew", fresh / one)
    whole = closing + hourly + one * len(facts.places)
    share_percent = 100 * whole / SECONDS_PER_HOUR
    what = "an hour: closed, window moved, a statement for each place"
    result(what, f"CPU {whole:.2f} s, {share_percent:.2f} % of a processor")


def compare_answers(desk: Desk, facts: BookedFacts) -> None:
    """What follows from CloudTrail and Cost Explorer."""
    answered = later(facts, 60.0).ask_trail()
    corrections = desk.correct(answered, HOURS + LATE_HOURS)
    show("CloudTrail of every place: one hour corrected, at each look", corrections)
    whole = sum(cpu for _, cpu in corrections)
    result("all of them", f"CPU {whole:.1f} s, {len(corrections)} looks")
    show("statement after it", [desk.state(answered)])
    single = repeated(lambda: desk.state(later(facts, 60.0).ask_trail(places=1)))
    show("CloudTrail of one place: statement", single)
    show("bill: statement", repeated(lambda: desk.state(later(facts, 60.0).ask_bill())))


def measure_memory(folder: Path, facts: BookedFacts) -> None:
    """What the books keep, and need while they make a statement."""
    tracemalloc.start()
    desk = Desk(folder, facts.now, KNOWN_SECONDS)
    desk.state(facts.poll(POLL_SLOTS))
    kept, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    desk.close()
    result("memory of the books, CPU points of a poll too", f"{kept / 1e6:,.0f} MB")
    result("while a statement of every place is made", f"{most / 1e6:,.0f} MB")


def measure(folder: Path, instances: int, places: int) -> None:
    """Print what each of the books' duties takes."""
    facts = BookedFacts(instances, places, BEGINS_AT)
    events = sum(len(place.trail.events) for place in facts.now.places if place.trail)
    print(f"  {instances:,} instances in {places} places, {events:,} events of CloudTrail")
    desk = Desk(folder / "known", facts.now, KNOWN_SECONDS)
    compare_looks(desk, facts)
    compare_hours(desk, facts)
    compare_answers(desk, facts)
    desk.close()
    print("  the same in the first days, while days without a price are computed again")
    young = Desk(folder / "young", facts.now, 0.0)
    young.state(facts.now)
    show("CloudTrail of one place: statement",
         repeated(lambda: young.state(later(facts, 60.0).ask_trail(places=1))))  # fmt: skip
    young.close()
    measure_memory(folder / "memory", facts)


def main() -> None:
    """Print the times for each fleet."""
    for instances, places in FLEETS.items():
        with tempfile.TemporaryDirectory() as name:
            measure(Path(name), instances, places)


if __name__ == "__main__":
    main()
