"""The pure mapping from the business case to metric families."""

from collections.abc import Callable, Sequence

from exporter.core.bounded import Bounded
from exporter.core.scenarios.advice import RESIZE_BASIS
from exporter.core.scenarios.case import BusinessCase
from exporter.core.scenarios.outcome import ASSUMPTIONS_VERSION, Outcome
from exporter.core.snapshot import InstanceEstimate
from exporter.exposition.catalogue import MetricSpec, scenarios
from exporter.exposition.family import Family, known, known_bounds, labelled
from exporter.exposition.labels import extended, label_set

_RATIO = (scenarios.RATIO, scenarios.RATIO_LOWER, scenarios.RATIO_UPPER)
_EUR = (scenarios.EUR, scenarios.EUR_LOWER, scenarios.EUR_UPPER)
_GRAMS = (scenarios.GRAMS, scenarios.GRAMS_LOWER, scenarios.GRAMS_UPPER)
_FACTS: tuple[tuple[MetricSpec, Callable[[Outcome], float]], ...] = (
    (scenarios.SAMPLES, lambda outcome: float(outcome.samples)),
    (scenarios.WORSE, lambda outcome: outcome.worse_ratio),
    (scenarios.COVERED, lambda outcome: outcome.covered_ratio),
    (scenarios.FEASIBLE, lambda outcome: float(outcome.feasible)),
)
_TARGET_LABELS = scenarios.CANDIDATE.labels[len(scenarios.IDLE.labels) :]


def scenario_families(case: BusinessCase) -> tuple[Family, ...]:
    """Build every family of the scenarios and of the typical week, in a fixed order."""
    outcomes = sorted(case.outcomes, key=_identity)
    label_sets = tuple([label_set(scenarios.EUR.labels, _identity(each)) for each in outcomes])
    named = sorted({each.scenario for each in outcomes})
    return (
        *_ratios(outcomes),
        *known_bounds(
            _EUR,
            label_sets,
            [case.eur_per_month.get((o.scenario, o.target_region)) for o in outcomes],
        ),
        *known_bounds(_GRAMS, label_sets, [each.emissions.per_month for each in outcomes]),
        *(
            Family(spec, label_sets, tuple([value_of(each) for each in outcomes]))
            for spec, value_of in _FACTS
        ),
        labelled(scenarios.GAPS, ((key, float(n)) for key, n in sorted(case.gaps.items()))),
        labelled(scenarios.INFO, (((name, ASSUMPTIONS_VERSION), 1.0) for name in named)),
        labelled(
            scenarios.EMISSIONS_PROFILE,
            ((_hour(*hour), grams) for hour, grams in sorted(case.emissions_profile.items())),
        ),
        labelled(
            scenarios.GRID_PROFILE,
            (
                ((zone, *_hour(*hour)), intensity)
                for (zone, *hour), intensity in sorted(case.grid_profile.items())
            ),
        ),
    )


def _identity(outcome: Outcome) -> tuple[str, str]:
    return outcome.scenario, outcome.target_region


def _ratios(outcomes: Sequence[Outcome]) -> tuple[Family, ...]:
    rows: list[tuple[tuple[str, ...], Bounded]] = []
    for each in outcomes:
        rows.append(((*_identity(each), "cost"), each.cost.ratio))
        rows.append(((*_identity(each), "emissions"), each.emissions.ratio))
    label_sets = tuple([label_set(scenarios.RATIO.labels, labels) for labels, _ in rows])
    return known_bounds(_RATIO, label_sets, [ratio for _, ratio in rows])


def _hour(weekday: int, hour: int) -> tuple[str, str]:
    """Write both so that they sort as text."""
    return str(weekday), f"{hour:02}"


class AdviceFamilies:
    """Maps the advice about single instances to families. Not thread-safe.

    A case is in force for an hour, and a fleet hardly changes: while neither does, the very same
    families are given again.
    """

    def __init__(self) -> None:
        self._case = BusinessCase()
        self._identities: tuple[str, ...] = ()
        self._families = _advice(self._case, (), ())

    def of(
        self, case: BusinessCase, estimates: Sequence[InstanceEstimate], identities: tuple[str, ...]
    ) -> tuple[Family, ...]:
        """Build the families of what runs, in a fixed order.

        ``identities`` are the rendered label sets of the estimates, and another object whenever an
        instance has changed.
        """
        if case is not self._case or identities is not self._identities:
            self._families = _advice(case, estimates, identities)
            self._case, self._identities = case, identities
        return self._families


def _advice(
    case: BusinessCase, estimates: Sequence[InstanceEstimate], identities: tuple[str, ...]
) -> tuple[Family, ...]:
    running = [
        (identity, estimate.instance.instance_id, estimate.instance.account_id)
        for identity, estimate in zip(identities, estimates, strict=True)
        if estimate.instance.is_running
    ]
    idle = [(identity, case.idle[name]) for identity, name, _ in running if name in case.idle]
    found = [
        (identity, case.resizes[name], case.eur_per_usd.get(account_id))
        for identity, name, account_id in running
        if name in case.resizes
    ]
    label_sets = tuple([identity for identity, _, _ in found])
    return (
        Family(
            scenarios.IDLE,
            tuple([identity for identity, _ in idle]),
            tuple([float(is_idle) for _, is_idle in idle]),
        ),
        Family(
            scenarios.CANDIDATE,
            tuple(
                [
                    extended(identity, _TARGET_LABELS, (each.target_type, RESIZE_BASIS))
                    for identity, each, _ in found
                ]
            ),
            (1.0,) * len(found),
        ),
        known(
            scenarios.RESIZE_EUR,
            label_sets,
            [factor and each.saved_usd_per_month * factor for _, each, factor in found],
        ),
        Family(
            scenarios.RESIZE_GRAMS,
            label_sets,
            tuple([each.saved_grams_per_month for _, each, _ in found]),
        ),
    )
