"""One refresh of everything, and what it says about the set-up."""

import time
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from exporter.app import Application
from exporter.core.billing import Bill
from exporter.core.evidence import HardwareProfile, PriceQuote
from exporter.core.fleet import Inventory
from exporter.core.provenance import FailureReason
from exporter.data.regions import AWS_GLOBAL_PUE, AWS_GLOBAL_PUE_YEAR
from exporter.exposition.scenario_words import plural
from exporter.refresh import Cell
from exporter.settings import Settings
from exporter.store import StateDirectory, StateError

FIRST_REFRESH_SECONDS = 120.0
_POLL_SECONDS = 0.2


class Level(StrEnum):
    """How serious a finding is; only FAIL makes the command fail."""

    OK = "ok"
    NOTE = "note"
    FAIL = "FAIL"


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the check."""

    level: Level
    subject: str
    text: str

    def __str__(self) -> str:
        """The line as it is printed."""
        return f"{self.level:<4}  {self.subject}: {self.text}"


def refresh_once(application: Application, limit_seconds: float) -> bool:
    """Refresh on this thread's watch until every fact was asked for once; whether it was."""
    deadline_at = time.monotonic() + limit_seconds
    application.start_scheduler()
    settled = False
    while True:
        application.news.clear()
        application.publisher.publish(at_once=settled)
        # What was published now, or an attempt that ended meanwhile, may call for further facts.
        application.roster.reconcile()
        overdue = time.monotonic() >= deadline_at
        pending = _is_pending(application)
        quiet = not (pending or application.news.is_set())
        if overdue or (settled and quiet):
            application.scheduler.stop()
            application.publisher.publish(at_once=True)
            return not pending
        settled = quiet
        if not quiet:
            application.news.wait(_POLL_SECONDS)


def _is_pending(application: Application) -> bool:
    """Whether a fact is lacking that was not asked for yet; it is asked for now.

    So is what an earlier process had failed to get: the operator may have mended it.
    """
    lacking = [cell.key for cell in application.roster.cells() if cell.fresh() is None]
    pending = [key for key in lacking if application.scheduler.hasten(key)]
    return bool(pending)


def findings(application: Application, settings: Settings, *, complete: bool) -> list[Finding]:
    """Everything worth saying, in a fixed order."""
    found = [_state_directory(settings)]
    cells = sorted(application.roster.cells(), key=lambda cell: cell.key)
    found += [_of_cell(cell) for cell in cells]
    found += _of_locations(application, settings)
    if not complete:
        text = f"not everything answered within {FIRST_REFRESH_SECONDS:.0f} s"
        found.append(Finding(Level.FAIL, "check", text))
    return found


def _state_directory(settings: Settings) -> Finding:
    subject = f"state directory {settings.state_dir}"
    try:
        with StateDirectory(settings.state_path, probe=True):
            return Finding(Level.OK, subject, "writable")
    except StateError as error:
        level = Level.NOTE if "in use by" in str(error) else Level.FAIL
        return Finding(level, subject, str(error))


def _of_cell(cell: Cell[Any]) -> Finding:
    parts = (cell.key.source, *(part for part in cell.key.scope if part), cell.key.item)
    subject = " ".join(part for part in parts if part)
    state = cell.state
    if state.reason is FailureReason.NOT_CONFIGURED:
        return Finding(Level.NOTE, subject, state.detail)
    lacking = state.value.hours_failure if isinstance(state.value, Bill) else ""
    if not state.up or lacking:
        why = lacking or f"{state.reason or 'no answer yet'}: {state.detail}"
        return Finding(Level.FAIL, subject, why)
    match state.value:
        case Inventory() as inventory:
            listed, running = len(inventory.instances), inventory.running_count
            return Finding(Level.OK, subject, f"{plural(listed, 'instance')}, {running} running")
        case PriceQuote(usd_per_hour=None):
            return Finding(Level.NOTE, subject, "no usable list price: instances have no cost")
        case HardwareProfile(power_gap=gap) if gap is not None:
            return Finding(Level.NOTE, subject, f"no power for this type: {gap}")
        case _:
            return Finding(Level.OK, subject, "answers")


def _of_locations(application: Application, settings: Settings) -> list[Finding]:
    """What is not known of where instances are, and of where the scenarios would have them."""
    siting = application.siting
    snapshot = application.publisher.published.snapshot
    located = {e.instance.location for e in snapshot.instances} if snapshot else set()
    found = []
    for location in sorted(located.union(settings.scenarios.regions)):
        variable = location.upper().replace("-", "_")
        lost = "no emissions" if location in located else "no scenario there"
        if location not in siting.pue:
            text = (
                f"AWS publishes no PUE: {lost}. Set CARBONFINOPS_PUE__{variable} "
                f"(AWS's global average of {AWS_GLOBAL_PUE_YEAR} is {AWS_GLOBAL_PUE})"
            )
            found.append(Finding(Level.FAIL, f"pue {location}", text))
        if location not in siting.grid_zones:
            text = (
                f"no grid zone is known: {lost}. "
                f"Set CARBONFINOPS_ELECTRICITY_MAPS__ZONES={location}=ZONE"
            )
            found.append(Finding(Level.FAIL, f"zone {location}", text))
    return found
