"""What exact running time is worth, to an account and to an instance: tables."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

from tests.validation.bill import Discounts
from tests.validation.comparison import EXPORTER, INTERVALS, PHASES, Comparison
from tests.validation.composition import DAY
from tests.validation.outcomes import Outcome
from tests.validation.polling import phases, polled_seconds
from tests.validation.section import Table
from tests.validation.spread import Spread, share


def account_table(methods: Mapping[str, Comparison], discounts: Discounts) -> Table:
    """Errors in the sum of an account: those of single instances cancel."""
    rows = []
    for name, method in methods.items():
        bounds = list(method.recovered())
        rows.append(
            (
                name,
                *(Spread.of(values).percent(3) for values in method.deviations()),
                Spread.of(method.weighted_errors()).percent(3),
                _points(abs((low + high) / 2 - discounts[a]) for a, low, high in bounds),
                _points(high - low for _, low, high in bounds),
            )
        )
    columns = (
        "running time",
        "deviation",
        "of it hours",
        "of it price",
        "wMAPE",
        "discount off by",
        "width of its range",
    )
    note = (
        "Deviation, its parts (of the median day, absolute) and wMAPE against a bill at list"
        " prices, so that only the hours differ: a part of the price remains where the hours of"
        " dear and cheap types err differently. The discount against the discounted bill. n counts"
        " accounts times"
        " starting points. In the sum of an account the errors of single instances cancel, those of"
        " frequent polls almost wholly; the next table has them one by one."
    )
    return Table("What exact running time is worth to an account", columns, tuple(rows), note)


def _points(ratios: Iterable[float]) -> str:
    spread = Spread.of(100 * ratio for ratio in ratios)
    return f"median {spread.median:.3f}, p90 {spread.p90:.3f} points (n = {spread.samples})"


def instance_table(days: Sequence[Outcome]) -> Table:
    """Errors of single instances."""
    exporter = [(day, sum(day.billed.values())) for day in days]
    rows = [(EXPORTER, *_cells([exporter]))]
    for name, interval_seconds in INTERVALS.items():
        rounds = [
            [(day, _polled(day, interval_seconds, phase)) for day in days]
            for phase in phases(interval_seconds, PHASES)
        ]
        rows.append((name, *_cells(rounds)))
    columns = ("running time", "exact", "off by", "autoscaled: off by", "autoscaled: never seen")
    note = (
        "Billed seconds of each instance-day on which the instance did not run all day, against"
        f" the truth, relative to it and absolute; polls with {PHASES} starting points each. The"
        " last two columns take the whole life of each autoscaled instance (30 s to 12 h) as one"
        " value. The exporter is off where the time of a shutdown or hibernation is not told."
    )
    return Table("What it is worth to an instance", columns, tuple(rows), note)


def _polled(day: Outcome, interval_seconds: float, phase_seconds: float) -> float:
    polled = polled_seconds(day.life, day.since_at, day.until_at, interval_seconds, phase_seconds)
    return sum(polled.values())


def _cells(rounds: Sequence[Sequence[tuple[Outcome, float]]]) -> tuple[str, ...]:
    """Cells of one way to tell the time; each round has every day once."""
    moved: list[tuple[float, float]] = []
    lives: list[tuple[float, float]] = []
    for pairs in rounds:
        whole: dict[str, list[float]] = defaultdict(lambda: [0.0, 0.0])
        for day, seconds in pairs:
            truth = day.billed_truth_seconds
            if truth and truth != DAY:
                moved.append((truth, seconds))
            if day.life.kind == "autoscaled":
                sums = whole[day.life.instance_id]
                sums[0] += truth
                sums[1] += seconds
        lives += [(truth, seconds) for truth, seconds in whole.values() if truth]
    exact = sum(seconds == truth for truth, seconds in moved)
    missed = sum(not seconds for _, seconds in lives)
    return (
        share(exact, len(moved)),
        Spread.of(abs(seconds / truth - 1) for truth, seconds in moved).percent(),
        Spread.of(abs(seconds / truth - 1) for truth, seconds in lives).percent(),
        share(missed, len(lives)),
    )
