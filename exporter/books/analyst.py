"""Keeps the evidence of the scenarios, and looks at them once an hour.

Six weeks of evidence take a while to be read: a thread of its own does it, and the hours that are
closed meanwhile wait.
"""

import logging
import threading
from collections.abc import Callable, Container, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import TypeVar

from exporter.books.cpu_book import CpuBook
from exporter.books.facts import Facts
from exporter.books.usage_book import UsageBook
from exporter.core.billing import BilledAs
from exporter.core.evidence import GapReason, PriceKey
from exporter.core.fleet import Instance
from exporter.core.instance_estimate import Siting
from exporter.core.metering import hour_of
from exporter.core.scenarios.case import NOT_STUDIED, BusinessCase
from exporter.core.scenarios.facts import BilledRatios, CaseFacts
from exporter.core.scenarios.plan import ScenarioPlan
from exporter.core.scenarios.study import study
from exporter.core.scenarios.usage import HourOfUse, Intensities
from exporter.core.statement import Statement
from exporter.core.units import SECONDS_PER_DAY, SECONDS_PER_HOUR

LOG = logging.getLogger(__name__)

CLOSING_SECONDS = 3 * SECONDS_PER_HOUR
"""So long after midnight the books of the day before are taken for closed."""

LARGEST_SHARE = 0.2
"""Share of one processor that studies may take when answers to wishes come in one by one."""

LATELY_DAYS = 7
"""An instance without a CPU point for longer belongs to the fleet only while it runs."""

_BILLED_AS = BilledAs.ON_DEMAND

_Told = TypeVar("_Told")

Recall = Callable[[UsageBook, CpuBook], None]
"""Fills empty books with what is known of the last weeks."""


class Analyst:
    """Makes a new business case every hour, and when a wish is answered. Not thread-safe.

    ``recall`` runs on another thread, while nothing else touches the books; ``news`` is called when
    it has ended. ``steady`` gives monotonic seconds. ``rest_seconds`` lie between two cases at
    least.
    """

    def __init__(
        self,
        plan: ScenarioPlan,
        siting: Siting,
        recall: Recall,
        steady: Callable[[], float],
        news: Callable[[], None],
        *,
        rest_seconds: float = 0.0,
    ) -> None:
        self._rest_seconds = rest_seconds
        self._plan = plan
        self._siting = siting
        self._recall = recall
        self._steady = steady
        self._news = news
        self._usage = UsageBook()
        self._cpu = CpuBook()
        self._recalled = threading.Event()
        self._waiting: list[HourOfUse] = []
        self._key: object = None
        self._wished: frozenset[str | PriceKey] = frozenset()
        self._retained_at: float | None = None
        self._next_at = float("-inf")
        self._case = NOT_STUDIED

    def start(self) -> None:
        """Recall the last weeks in the background."""
        threading.Thread(target=self.recall, name="analyst", daemon=True).start()

    def recall(self) -> None:
        """Recall the last weeks now. What cannot be recalled is missing from then on."""
        try:
            self._recall(self._usage, self._cpu)
        except Exception:  # the one guard of a thread whose end would go unnoticed
            LOG.exception("the last weeks cannot be recalled: scenarios begin afresh")
            self._usage, self._cpu = UsageBook(), CpuBook()
        self._recalled.set()
        self._news()

    def take(self, hours: Sequence[HourOfUse]) -> None:
        """Write closed or corrected hours down."""
        self._waiting += hours

    def case(
        self,
        facts: Facts,
        statement: Statement,
        intensities: Callable[[], Intensities],
        *,
        at_once: bool = False,
    ) -> BusinessCase:
        """Give the business case; the same object as before while nothing has changed.

        ``intensities`` gives what is known of the grid. ``at_once`` looks again in any case.
        """
        if not self._recalled.is_set():
            return self._case
        for hour in self._waiting:
            self._usage.take(hour)
            self._cpu.take(hour)
        self._waiting.clear()
        key = _key_of(facts, statement)
        if at_once or (key != self._key and self._steady() >= self._next_at):
            began_at = self._steady()
            wished = self._wished
            self._case = self._study(self._case_facts(facts, statement, intensities()))
            ended_at = self._steady()
            # The next facts tell of a new wish whether its answer is still to come.
            self._key = key if self._wished <= wished else None
            self._next_at = ended_at + max(
                self._rest_seconds, (ended_at - began_at) / LARGEST_SHARE
            )
        return self._case

    def _study(self, facts: CaseFacts) -> BusinessCase:
        """Study; a wish of which nobody has heard yet is awaited, not refused."""
        found = study(facts, self._plan)
        new = found.wishes - self._wished
        self._wished = found.wishes
        return study(replace(facts, awaited=facts.awaited | new), self._plan) if new else found

    def _case_facts(
        self, facts: Facts, statement: Statement, intensities: Intensities
    ) -> CaseFacts:
        settled_at = facts.now - CLOSING_SECONDS
        until_at = settled_at // SECONDS_PER_DAY * SECONDS_PER_DAY
        self._forget_departed(facts, until_at)
        plan = self._plan
        instances = self._running_lately(facts, until_at)
        resized = self._resized(instances)
        return CaseFacts(
            history=self._usage.history(until_at),
            intensities=intensities,
            instances=instances,
            loads=_without(resized, self._cpu.loads()),
            idle=_without(resized, self._cpu.idle(until_at, plan.idle_percent, plan.idle_days)),
            hardware=facts.hardware,
            profiles=facts.profiles,
            prices=facts.prices,
            siting=self._siting,
            exchange_rate=facts.exchange_rate or GapReason.NO_EXCHANGE_RATE,
            billed_ratios=_billed_ratios(statement),
            awaited=facts.awaited,
            grid_gaps=facts.grid_gaps,
        )

    def _running_lately(self, facts: Facts, until_at: float) -> tuple[Instance, ...]:
        """Listed instances that run, or did so in the last days: they mostly stop by night."""
        seen = self._cpu.seen(until_at, LATELY_DAYS)
        return tuple(
            instance
            for place in facts.places
            for instance in place.inventory.instances
            if instance.is_running or instance.instance_id in seen
        )

    def _resized(self, instances: Iterable[Instance]) -> frozenset[str]:
        """Instances of another type than their points are of.

        They are listed as what they are now, hours before the first of those hours is closed.
        """
        return frozenset(
            instance.instance_id
            for instance in instances
            if not self._cpu.is_of(instance.instance_id, instance.instance_type)
        )

    def _forget_departed(self, facts: Facts, until_at: float) -> None:
        """Forget instances that no inventory lists, once a day: after a start some are awaited."""
        if self._retained_at not in (None, until_at):
            listed = (i.instance_id for p in facts.places for i in p.inventory.instances)
            self._cpu.retain(frozenset(listed))
        self._retained_at = until_at


def _without(names: Container[str], told: Mapping[str, _Told]) -> Mapping[str, _Told]:
    return {name: each for name, each in told.items() if name not in names}


def _key_of(facts: Facts, statement: Statement) -> object:
    """When to look again: at a new hour, and when answers come for the first time, or no more.

    Those that were awaited in vain count as well.
    """
    return (
        hour_of(facts.now),
        frozenset(place.place for place in facts.places),
        len(facts.prices),
        len(facts.profiles),
        sum(told is not None for answers in facts.grid.values() for told in answers),
        frozenset(_billed_ratios(statement)),
        facts.exchange_rate is None,
        bool(facts.awaited),
        frozenset(facts.grid_gaps.items()),
    )


def _billed_ratios(statement: Statement) -> BilledRatios:
    known = ((name, each.cost_ratios) for name, each in statement.reconciliation.items())
    return {name: ratios[_BILLED_AS] for name, ratios in known if _BILLED_AS in ratios}
