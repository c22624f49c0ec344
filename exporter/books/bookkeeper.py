"""Keeps the books: takes the answers in, closes hours, and says what follows from them."""

import logging
from collections.abc import Callable, Iterable, Mapping

from exporter.books.archive import COMPUTED_SECONDS, Archive
from exporter.books.chronicle import Chronicle
from exporter.books.correction import Round, correction_round
from exporter.books.facts import Facts, PlaceFacts
from exporter.books.hour import Hour, OnClosed, nobody
from exporter.books.ledger import Ledger
from exporter.books.settlement import ComputedDays
from exporter.books.statements import (
    Chronicles,
    Coverages,
    alignment_window,
    billed_alignment,
    settle,
    statement,
)
from exporter.books.tariff import Tariff
from exporter.core.evidence import GridIntensity
from exporter.core.fleet import Place
from exporter.core.instance_estimate import Siting
from exporter.core.reconciliation import Reconciliation
from exporter.core.scenarios.usage import Intensities
from exporter.core.statement import Statement
from exporter.core.trail import Trail, TrailEvent

LOG = logging.getLogger(__name__)

LARGEST_SHARE = 0.05
"""Share of one processor that statements may take: those of a large fleet are made less often."""


class Bookkeeper:
    """Makes a new statement when something it rests on has changed. Not thread-safe: one owner.

    ``steady`` gives monotonic seconds. ``on_closed`` is told of every closed or corrected hour
    once it is safely written; without an archive at once. ``rest_seconds`` lie between two
    statements at least.
    """

    def __init__(
        self,
        archive: Archive | None,
        siting: Siting,
        cpu_interval_seconds: float,
        now: float,
        steady: Callable[[], float],
        on_closed: OnClosed = nobody,
        *,
        rest_seconds: float = 0.0,
    ) -> None:
        self._archive = archive
        self._rest_seconds = rest_seconds
        self._siting = siting
        self._cpu_interval_seconds = cpu_interval_seconds
        self._steady = steady
        self._ledger = Ledger(archive, cpu_interval_seconds, now, steady, on_closed)
        self._coverages = Coverages()
        self._computed = ComputedDays()
        if archive:
            self._computed.restore(archive.computed_since(now - COMPUTED_SECONDS))
        self._trails: dict[Place, tuple[Trail, Mapping[str, tuple[TrailEvent, ...]]]] = {}
        self._key: object = None
        self._bill_key: object = None
        self._next_at = float("-inf")
        self._rounds: dict[Place, Round] = {}
        self._unwritten: tuple[Hour, ...] = ()
        self._reconciliation: Mapping[str, Reconciliation] = {}
        self._billed_alignment: Mapping[str, float] = {}
        self._statement = Statement()

    def keep(self, facts: Facts, *, at_once: bool = False) -> Statement:
        """Bring the books up to date; the same object as before while nothing has changed.

        ``at_once`` makes a new statement even if the last one was made only just now.
        """
        ledger = self._ledger
        ledger.take(facts)
        tariff = Tariff(facts, self._siting)
        self._take_trails(facts)
        self._close(facts, tariff)
        self._correct(facts, tariff)
        key = self._key_of(facts)
        if key != self._key and (at_once or self._steady() >= self._next_at):
            began_at = self._steady()
            self._statement = self._state(facts, tariff)
            self._key = key
            ended_at = self._steady()
            self._next_at = ended_at + max(
                self._rest_seconds, (ended_at - began_at) / LARGEST_SHARE
            )
        ledger.save(facts.now)
        return self._statement

    def recall(self, intensities: Iterable[GridIntensity]) -> None:
        """Take over what is known of the grid's last weeks, without writing it down again."""
        self._ledger.grid.recall(intensities)

    def intensities(self) -> Intensities:
        """Give what is known of the grid's last weeks."""
        return self._ledger.grid.intensities()

    def save(self, now: float) -> None:
        """Write everything that may be written late, now."""
        self._ledger.save(now, everything=True)

    def _close(self, facts: Facts, tariff: Tariff) -> None:
        chronicles = {
            place.place: self._chronicle(place, facts.now, lenient=True)
            for place in facts.places
            if self._ledger.is_due(place.place, facts.now)
        }
        self._ledger.close(facts, chronicles, tariff)

    def _take_trails(self, facts: Facts) -> None:
        """Note new answers of CloudTrail."""
        for place in facts.places:
            before = self._trails.get(place.place)
            if place.trail and not (before and before[0] is place.trail):
                self._trails[place.place] = (place.trail, place.trail.by_instance())

    def _correct(self, facts: Facts, tariff: Tariff) -> None:
        """Correct one recorded hour, for all places that have news of it: each takes a while."""
        if self._archive is None or not self._ledger.is_rewritten(self._unwritten):
            return
        self._unwritten = ()
        places = {place.place: place for place in facts.places}
        self._open_rounds(facts)
        rounds = {key: found for key, found in self._rounds.items() if key in places}
        if not rounds:
            return
        hour_at = min(found.hour_at for found in rounds.values())
        due = {key: found for key, found in rounds.items() if found.hour_at == hour_at}
        ended = {key: found.until_at for key, found in due.items() if found.is_last}
        chronicles = {key: self._chronicle(places[key], facts.now, lenient=True) for key in due}
        corrected = self._ledger.correct(chronicles, hour_at, ended, tariff)
        if corrected is None:
            return
        self._unwritten = () if self._ledger.is_rewritten(corrected) else corrected
        for key, found in due.items():
            if found.is_last:
                del self._rounds[key]
            else:
                self._rounds[key] = found.following

    def _open_rounds(self, facts: Facts) -> None:
        """Note the places of which CloudTrail has told more."""
        for place in facts.places:
            if place.trail and place.place not in self._rounds:
                found = correction_round(self._ledger.books[place.place], place.trail.until_at)
                if found:
                    self._rounds[place.place] = found

    def _chronicle(self, place: PlaceFacts, now: float, *, lenient: bool) -> Chronicle:
        held = self._trails.get(place.place)
        events = held[1] if held and held[0] is place.trail else {}
        since_at = self._ledger.books[place.place].accrual.since_at
        last_point_at = self._ledger.meter.last_point_at
        return Chronicle(place, events, since_at, last_point_at, now, lenient=lenient)

    def _key_of(self, facts: Facts) -> object:
        """What a statement rests on."""
        places = tuple(
            (
                place.place,
                place.trail and place.trail.until_at,
                place.trail_asked,
                place.trail_fresh,
                self._ledger.books[place.place].accrual,
                len(place.inventory.instances),
                place.inventory.running_count,
                place.spot and len(place.spot.quotes),
            )
            for place in facts.places
        )
        bill_at = facts.bill and facts.bill.fetched_at
        window = alignment_window(facts.now, self._cpu_interval_seconds)
        known = (len(facts.prices), len(facts.profiles), self._ledger.grid.editions())
        return (window, places, bill_at, known)

    def _state(self, facts: Facts, tariff: Tariff) -> Statement:
        held: dict[Place, Chronicle] = {}

        def chronicles(place: PlaceFacts) -> Chronicle:
            if place.place not in held:
                held[place.place] = self._chronicle(place, facts.now, lenient=False)
            return held[place.place]

        window = alignment_window(facts.now, self._cpu_interval_seconds)
        self._coverages.cover(facts, self._ledger, chronicles, tariff, window)
        self._settle(facts, chronicles, tariff)
        return statement(
            facts, self._ledger, self._coverages, self._billed_alignment, self._reconciliation
        )

    def _settle(self, facts: Facts, chronicles: Chronicles, tariff: Tariff) -> None:
        bill, ledger = facts.bill, self._ledger
        if bill is None:
            self._reconciliation, self._billed_alignment = {}, {}
            self._bill_key = None
            return
        trails = tuple(place.trail and place.trail.until_at for place in facts.places)
        spot = tuple(place.spot and len(place.spot.quotes) for place in facts.places)
        key = (bill.fetched_at, trails, len(facts.prices), spot)
        if key == self._bill_key:
            return
        self._bill_key = key
        self._reconciliation = settle(facts, ledger, self._computed, chronicles, tariff, bill)
        self._billed_alignment = billed_alignment(facts, ledger, chronicles, tariff, bill)
        self._write_computed()

    def _write_computed(self) -> None:
        if self._archive is None or not self._archive.writable:
            return
        try:
            self._archive.add_computed(self._computed.news())
        except OSError as error:
            LOG.warning("computed days not written", extra={"detail": str(error)})
            return
        self._computed.written()
