"""Office hours: instances that nobody needs at night are switched off by a weekly schedule."""

from exporter.core.scenarios.facts import CaseFacts
from exporter.core.scenarios.outcome import Outcome, ScenarioGap
from exporter.core.scenarios.plan import ScenarioPlan


def office_hours(facts: CaseFacts, plan: ScenarioPlan) -> Outcome | ScenarioGap:
    """What switching the office environments off outside the schedule would have saved."""
    raise NotImplementedError(facts, plan)
