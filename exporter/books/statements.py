"""From the ledger to what is published of time and money."""

from collections import Counter
from collections.abc import Callable, Mapping

from exporter.books.chronicle import Chronicle
from exporter.books.coverage import PlaceCoverage, Window, place_coverage
from exporter.books.facts import Facts, PlaceFacts
from exporter.books.ledger import Ledger
from exporter.books.settlement import ComputedDays
from exporter.books.tariff import Tariff
from exporter.core.alignment import CoveredSeconds
from exporter.core.billed import billed_totals
from exporter.core.billing import PUBLICATION_LAG_SECONDS, Bill
from exporter.core.evidence import GapReason
from exporter.core.fleet import Place
from exporter.core.metering import hour_of
from exporter.core.reconciliation import Reconciliation, reconcile
from exporter.core.statement import WINDOW_SECONDS, Statement
from exporter.core.units import SECONDS_PER_DAY

SETTLING_SECONDS = 1800.0
"""After the CPU interval an hour needs this long at most until its evidence is in."""

Chronicles = Callable[[PlaceFacts], Chronicle]


def alignment_window(now: float, cpu_interval_seconds: float) -> Window:
    """The last complete hours whose evidence should be in by now."""
    end_at = hour_of(now - cpu_interval_seconds - SETTLING_SECONDS)
    return Window(end_at - WINDOW_SECONDS, end_at)


class Coverages:
    """Coverage of every place whose runtime is known or known to be unknown, worked out once."""

    def __init__(self) -> None:
        self.places: dict[Place, PlaceCoverage] = {}
        self._keys: dict[Place, object] = {}

    def cover(
        self, facts: Facts, ledger: Ledger, chronicle: Chronicles, tariff: Tariff, window: Window
    ) -> None:
        """Bring up to date; a place that CloudTrail was never asked about is left out."""
        before, self.places = self.places, {}
        for place in facts.places:
            if not place.trail_asked:
                continue
            known = before.get(place.place)
            key = _rests_on(facts, ledger, place, window, known)
            if known is None or key != self._keys[place.place]:
                book = ledger.books[place.place]
                known = place_coverage(chronicle(place), book, tariff, window, _has(ledger))
                key = _rests_on(facts, ledger, place, window, known)
            self.places[place.place] = known
            self._keys[place.place] = key

    def fleet(self) -> CoveredSeconds:
        """All places together."""
        return sum((place.covered for place in self.places.values()), CoveredSeconds())


def _rests_on(
    facts: Facts, ledger: Ledger, place: PlaceFacts, window: Window, known: PlaceCoverage | None
) -> object:
    """What the coverage of a place rests on, short of comparing all its facts."""
    zones = sorted(known.grid_zones) if known else []
    return (
        window,
        place.trail and place.trail.until_at,
        place.trail_fresh,
        ledger.books[place.place].accrual.closed_until_at,
        len(place.inventory.instances),
        place.inventory.running_count,
        place.spot and len(place.spot.quotes),
        len(facts.prices),
        [ledger.grid.edition(zone) for zone in zones],
    )


def billed_alignment(
    facts: Facts, ledger: Ledger, chronicle: Chronicles, tariff: Tariff, bill: Bill
) -> Mapping[str, float]:
    """Coverage by bill and carbon of each account, over the 48 hours billed last."""
    end_at = hour_of(bill.fetched_at - PUBLICATION_LAG_SECONDS)
    window = Window(end_at - WINDOW_SECONDS, end_at)
    days = {(u.account_id, u.start_at) for u in bill.days if u.usd > 0}
    hours = {(u.account_id, u.start_at) for u in bill.hours if u.usd > 0}
    total: dict[str, CoveredSeconds] = {}
    for place in facts.places:
        account_id = place.place.account_id
        if not place.trail_asked:
            continue

        def is_billed(hour_at: float, account_id: str = account_id) -> bool:
            if bill.hours and hour_at >= bill.hours_since_at:
                return (account_id, hour_at) in hours
            return (account_id, hour_at // SECONDS_PER_DAY * SECONDS_PER_DAY) in days

        book = ledger.books[place.place]
        found = place_coverage(chronicle(place), book, tariff, window, _has(ledger), is_billed)
        total[account_id] = total.get(account_id, CoveredSeconds()) + found.covered
    ratios = {account_id: covered.ratios() for account_id, covered in total.items()}
    return {account_id: known.both for account_id, known in ratios.items() if known}


def _has(ledger: Ledger) -> Callable[[str, float], bool]:
    return lambda zone, hour_at: ledger.grid.at(zone, hour_at) is not None


def settle(
    facts: Facts,
    ledger: Ledger,
    computed: ComputedDays,
    chronicle: Chronicles,
    tariff: Tariff,
    bill: Bill,
) -> Mapping[str, Reconciliation]:
    """Compute the days that can be, and compare every account with its bill.

    What is not polled is not computed: an account is compared only if all its places have
    answered, and if the bill is of the very regions that are polled in it.
    """
    days = sorted({usage.start_at for usage in bill.days})
    for place in facts.places:
        if place.trail:
            since_at = ledger.books[place.place].accrual.since_at
            known_seconds = facts.now - since_at
            computed.compute(
                place.place,
                days,
                place.trail,
                chronicle(place),
                tariff,
                known_seconds=known_seconds,
            )
    computed.forget_before(days[0] if days else facts.now)
    regions = frozenset(bill.regions)
    places = [
        place.place
        for place in facts.places
        if _is_in_use(place) and facts.chosen_regions.get(place.place.account_id) == regions
    ]
    return reconcile(bill, computed.usage(places, days), facts.now)


def _is_in_use(place: PlaceFacts) -> bool:
    return bool(place.inventory.sightings) or bool(place.trail and place.trail.events)


def statement(
    facts: Facts,
    ledger: Ledger,
    coverages: Coverages,
    billed_alignment_ratio: Mapping[str, float],
    reconciliation: Mapping[str, Reconciliation],
) -> Statement:
    """Join everything to what is published."""
    gaps: Counter[tuple[Place, GapReason]] = Counter()
    for place in facts.places:
        coverage = coverages.places.get(place.place)
        reason = GapReason.RUNTIME_UNKNOWN if place.trail_fresh else GapReason.SOURCE_DOWN
        for instance in place.inventory.instances:
            if coverage is None or instance.instance_id in coverage.unknown:
                gaps[place.place, reason] += 1
    ratios = {place: known.covered.ratios() for place, known in coverages.places.items()}
    fleet = coverages.fleet().ratios()
    return Statement(
        runtime={
            instance_id: runtime
            for coverage in coverages.places.values()
            for instance_id, runtime in coverage.runtime.items()
        },
        runtime_gaps=dict(gaps),
        coverage={place: known for place, known in ratios.items() if known},
        fleet_alignment_ratio=fleet.both if fleet else None,
        billed_alignment_ratio=billed_alignment_ratio,
        billed=billed_totals(facts.bill) if facts.bill else {},
        reconciliation=reconciliation,
        accrued={place.place: ledger.books[place.place].accrual.accrued for place in facts.places},
    )
