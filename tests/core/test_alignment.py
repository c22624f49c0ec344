"""Time alignment coverage: shares of running time, and what missing data does to them."""

from fractions import Fraction
from typing import NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.core.alignment import CoveredSeconds, covered_hour
from exporter.core.statement import CoverageRatios

ROUNDING = 1e-12


class Part(NamedTuple):
    """One instance in one hour; ``known`` is empty, cost, carbon or both."""

    running: int
    unknown: int
    known: frozenset[str]


def ran(seconds: int, *known: str, unknown: int = 0) -> Part:
    return Part(seconds, unknown, frozenset(known))


@st.composite
def parts(draw: st.DrawFn) -> Part:
    running = draw(st.integers(0, 3600))
    unknown = draw(st.sampled_from([0, 0, 0, 3600 - running]))
    return Part(running, unknown, draw(st.frozensets(st.sampled_from(["cost", "carbon"]))))


FLEETS = st.lists(parts(), max_size=60)


def covered(each: Part) -> CoveredSeconds:
    return covered_hour(
        each.running,
        each.unknown,
        cost_known="cost" in each.known,
        carbon_known="carbon" in each.known,
    )


def total(fleet: list[Part]) -> CoveredSeconds:
    return sum(map(covered, fleet), CoveredSeconds())


def expected(fleet: list[Part]) -> CoverageRatios | None:
    """By the definition, in fractions: seconds of known hours over all seconds."""
    every = sum(p.running + p.unknown for p in fleet)
    if not every:
        return None

    def share(*wanted: str) -> float:
        counted = (p for p in fleet if not p.unknown and p.known.issuperset(wanted))
        return float(Fraction(sum(p.running for p in counted), every))

    return CoverageRatios(cost=share("cost"), carbon=share("carbon"), both=share("cost", "carbon"))


@pytest.mark.parametrize(
    ("fleet", "ratios"),
    [
        ([ran(3600, "cost", "carbon")], (1, 1, 1)),
        ([ran(3600)], (0, 0, 0)),
        # Each has one of the two, so no second has both.
        ([ran(1800, "cost"), ran(1800, "carbon")], (0.5, 0.5, 0)),
        # A second in the short hour counts like one in the long hour.
        ([ran(3600, "cost", "carbon"), ran(400)], (0.9, 0.9, 0.9)),
        # An hour of unknown runtime counts in full and as uncovered, whatever is known of it.
        ([ran(3600, "cost", "carbon"), ran(0, "cost", "carbon", unknown=3600)], (0.5, 0.5, 0.5)),
        ([ran(1800, "cost", "carbon", unknown=1800)], (0, 0, 0)),
    ],
)
def test_worked_examples(fleet, ratios):
    """Cost, carbon and both, weighted by the seconds that ran."""
    cost, carbon, both = ratios

    assert total(fleet).ratios() == CoverageRatios(cost=cost, carbon=carbon, both=both)


@pytest.mark.parametrize("fleet", [[], [ran(0, "cost", "carbon")] * 3])
def test_nothing_ran(fleet):
    """There is no ratio: 1 would claim knowledge, 0 would claim a fault."""
    assert total(fleet).ratios() is None


@given(FLEETS)
def test_ratios_are_shares_of_the_running_time(fleet):
    """As the definition says it, for any fleet."""
    assert total(fleet).ratios() == expected(fleet)


@given(FLEETS)
def test_the_share_with_both_lies_between_what_its_parts_allow(fleet):
    """It is at least the overlap that cannot be avoided, at most the smaller part."""
    ratios = total(fleet).ratios()
    if ratios is None:
        return

    assert 0 <= ratios.both <= min(ratios.cost, ratios.carbon) <= 1
    assert ratios.both >= max(0.0, ratios.cost + ratios.carbon - 1) - ROUNDING


@given(st.lists(parts(), min_size=1), st.integers(1, 3600))
def test_unknown_runtime_never_raises_a_ratio(fleet, seconds):
    """Neither as a further hour, nor in the place of an hour that was known."""
    known = total(fleet).ratios()
    if known is None:
        return
    first, *rest = fleet
    further = total([*fleet, ran(0, "cost", "carbon", unknown=seconds)]).ratios()
    lost = total([first._replace(running=0, unknown=3600), *rest]).ratios()

    for lower in (further, lost):
        assert lower is not None
        assert lower.cost <= known.cost
        assert lower.carbon <= known.carbon
        assert lower.both <= known.both


@given(FLEETS, st.randoms(use_true_random=False))
def test_the_order_does_not_matter(fleet, random):
    """Instances, places and hours may come in any order."""
    shuffled = list(fleet)
    random.shuffle(shuffled)

    assert total(shuffled) == total(fleet)


@given(FLEETS, FLEETS)
def test_places_add_up_to_the_fleet(one, other):
    """The fleet's ratio is weighted by running time: it lies between those of its places."""
    assert total(one) + total(other) == total([*one, *other])
    here, there, both = (t.ratios() for t in (total(one), total(other), total([*one, *other])))
    if here and there and both:
        assert min(here.both, there.both) - ROUNDING <= both.both
        assert both.both <= max(here.both, there.both) + ROUNDING
