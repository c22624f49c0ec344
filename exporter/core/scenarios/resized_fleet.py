"""What a fleet would save if every instance became the cheapest smaller type that fits it."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from math import fsum, hypot

from exporter.core.bounded import Bounded
from exporter.core.fleet import Hardware
from exporter.core.instance_estimate import Siting
from exporter.core.scenarios.judgement import Judgement
from exporter.core.scenarios.month import DRIFT_AMOUNT_RATIO, scaled
from exporter.core.scenarios.outcome import Saving
from exporter.core.scenarios.scale import Part, scale_deviation_ln
from exporter.core.uncertainty import (
    COVERAGE_FACTOR,
    TYPE_REFERENCE_LOAD_RATIO,
    type_deviation_ln,
)


def cost_saving(judged: Sequence[Judgement]) -> Saving:
    """Of the cost of all judged instances, in USD at list prices; they must cost something.

    The lower bound counts only instances that fit surely, the upper one all that possibly fit, as
    the cheapest type they do.
    """
    amount = Bounded(
        fsum(each.usd - each.likely.usd for each in judged if each.likely),
        fsum(each.usd - each.likely.usd for each in judged if each.likely and each.is_sure),
        fsum(each.usd - each.possible.usd for each in judged if each.possible),
    )
    return Saving(_share(amount, fsum(each.usd for each in judged)), amount)


def emissions_saving(
    judged: Sequence[Judgement], hardware: Mapping[str, Hardware], siting: Siting
) -> Saving:
    """Of the operational emissions of all judged instances, in gCO2e; they must emit something.

    Who fits is as uncertain as for the cost; a cheaper type may draw more, so that either of the
    three sums may be the highest. Besides, the power models of both types of a pair are off:
    relative to the emissions as they are, taken for true, by hypot(s, s') of what the new type
    emits. What all types share cancels. The amount carries, again in quadrature, the scale of the
    emissions themselves and the drift of grids with the season.
    """
    amount = Bounded(
        fsum(each.grams - each.likely.grams for each in judged if each.likely),
        fsum(each.grams - each.likely.grams for each in judged if each.likely and each.is_sure),
        fsum(each.grams - each.possible.grams for each in judged if each.possible),
    )
    with_models = _widened(amount, COVERAGE_FACTOR * _model_deviation_grams(judged))
    scale_ln = scale_deviation_ln(_emitted(judged), hardware, siting)
    with_drift = _widened(with_models, DRIFT_AMOUNT_RATIO * amount.value)
    return Saving(
        _share(with_models, fsum(each.grams for each in judged)), scaled(with_drift, scale_ln)
    )


def saved_usd_by_account(judged: Sequence[Judgement]) -> dict[str, float]:
    """The monthly cost saving of each account in which an instance fits a smaller type."""
    saved: defaultdict[str, list[float]] = defaultdict(list)
    for each in judged:
        if each.likely:
            saved[each.instance.account_id].append(each.usd - each.likely.usd)
    return {account_id: fsum(parts) for account_id, parts in sorted(saved.items())}


def _share(amount: Bounded, base: float) -> Bounded:
    assert amount.lower is not None  # noqa: S101 - for the type checker
    assert amount.upper is not None  # noqa: S101 - for the type checker
    return Bounded(amount.value / base, amount.lower / base, min(1.0, amount.upper / base))


def _widened(amount: Bounded, half_width: float) -> Bounded:
    """Ordered bounds around the value, with an independent error added in quadrature."""
    value = amount.value
    ends = [value if end is None else end for end in (value, amount.lower, amount.upper)]
    return Bounded(
        value,
        value - hypot(value - min(ends), half_width),
        value + hypot(max(ends) - value, half_width),
    )


def _model_deviation_grams(judged: Sequence[Judgement]) -> float:
    """Errors add up within a pair of types, and are independent between pairs."""
    pairs: defaultdict[tuple[str, str], list[float]] = defaultdict(list)
    for each in judged:
        if each.likely:
            pair = each.instance.instance_type, each.likely.target_type
            pairs[pair].append(each.likely.grams)
    # Neither is burstable: such types are not judged, and families do not mix.
    own_ln = target_ln = type_deviation_ln(TYPE_REFERENCE_LOAD_RATIO, burstable=False)
    return hypot(own_ln, target_ln) * hypot(*(fsum(grams) for _, grams in sorted(pairs.items())))


def _emitted(judged: Sequence[Judgement]) -> list[Part]:
    """What the instances that may fit a smaller type emit as they are.

    Their savings may cancel; what they emit never does.
    """
    parts: defaultdict[tuple[str, str], list[float]] = defaultdict(list)
    for each in judged:
        if each.possible:
            subject = each.instance.instance_type, each.instance.location
            parts[subject].append(each.grams)
    return [Part(*subject, fsum(grams)) for subject, grams in sorted(parts.items())]
