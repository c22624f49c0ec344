"""Time shift: a daily job starts when the grid was clean on the days before."""

from exporter.core.scenarios.facts import CaseFacts
from exporter.core.scenarios.outcome import Outcome, ScenarioGap
from exporter.core.scenarios.plan import ScenarioPlan


def time_shift(facts: CaseFacts, plan: ScenarioPlan) -> Outcome | ScenarioGap:
    """What choosing the start anew each day, by what was known then, would have saved."""
    raise NotImplementedError(facts, plan)
