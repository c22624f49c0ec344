"""CPU time of the business case: every scenario, once, from facts that are in memory.

The peer is the same case worked out in plain loops, instance by instance and hour by hour, for a
small fleet, and as many times as much for a larger one. Where both say the same of the small
fleet, the figures mean the same.
"""

import math
from functools import partial

from exporter.core.scenarios.case import BusinessCase
from exporter.core.scenarios.outcome import Scenario
from exporter.core.scenarios.study import study
from tests.benchmarks.case_facts import PLAN, CaseFleet
from tests.benchmarks.case_peer import PlainCase, PlainStudy
from tests.benchmarks.estimate import timed
from tests.benchmarks.figures import Spread, below, ratio, result

FLEETS = {1_000: 100, 10_000: 300}
"""Instances, and in how many groups of like ones they are."""

REPEATS = 5
LIMIT_SECONDS = 2.0
SMALL = 90
"""Instances of the peer: one in each group."""

CLOSE = 1e-9


def evaluations(instances: int, groups: int) -> Spread:
    """CPU seconds of an evaluation, every number of the fleet being new each time."""
    spent = []
    for seed in range(REPEATS):
        facts = CaseFleet(instances, groups, seed).facts()
        spent.append(timed(partial(study, facts, PLAN))[1])
    return Spread.of(spent)


def main() -> None:
    """Print the times for each fleet, and the peer's."""
    for instances, groups in FLEETS.items():
        spread = evaluations(instances, groups)
        what = f"{instances:,} instances in {groups} groups, all scenarios, CPU"
        below(what, spread, LIMIT_SECONDS)
        per_thousand = 1000 * spread.median * 1000 / instances
        result("for 1,000 instances", f"{per_thousand:.3g} ms")
    facts = CaseFleet(SMALL, SMALL, seed=0).facts()
    peer = PlainStudy(facts, PLAN)
    whole, fixed = timed(peer.case)[1], timed(peer.shift_ratio)[1]
    check(study(facts, PLAN), peer.case())
    scaled = fixed + (whole - fixed) / SMALL * instances
    result(f"peer: plain loops, {SMALL} instances, CPU", f"{whole:.1f} s")
    result(f"of {instances:,} instances, calculated", f"{scaled:.0f} s")
    ratio("times less than in plain loops", scaled / spread.median)


def check(case: BusinessCase, plain: PlainCase) -> None:
    """Raise RuntimeError unless both say the same."""
    ours = {
        (outcome.scenario, outcome.target_region): outcome.emissions.ratio.value
        for outcome in case.outcomes
    }
    theirs = {
        (Scenario.OFFICE_HOURS, ""): plain.office_ratio,
        (Scenario.TIME_SHIFT, ""): plain.shift_ratio,
        **{(Scenario.REGION_SHIFT, region): share for region, share in plain.region_ratios.items()},
    }
    pairs = [(ours[key], share) for key, share in theirs.items()]
    pairs += [(case.emissions_profile[key], grams) for key, grams in plain.profile.items()]
    if not all(math.isclose(*pair, rel_tol=CLOSE) for pair in pairs):
        raise RuntimeError("the peer has other shares or another typical week")
    if {name: resize.target_type for name, resize in case.resizes.items()} != plain.target_types:
        raise RuntimeError("the peer would resize other instances")


if __name__ == "__main__":
    main()
