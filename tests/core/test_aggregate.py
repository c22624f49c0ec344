from collections.abc import Hashable, Mapping
from math import log, sqrt
from typing import NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.core.aggregate import BoundedSum
from exporter.core.snapshot import Bounded

DEVIATIONS = st.floats(0, 0.6)


class Member(NamedTuple):
    """One value of a sum."""

    value: float
    own_ln: float
    shared_ln: Mapping[Hashable, float]

    @property
    def deviation_ln(self) -> float:
        """All of its deviations together."""
        return sqrt(self.own_ln**2 + sum(d**2 for d in self.shared_ln.values()))


MEMBERS = st.lists(
    st.builds(
        Member,
        st.floats(0.01, 1000),
        DEVIATIONS,
        st.dictionaries(st.sampled_from(["model", "type a", "type b", "zone"]), DEVIATIONS),
    ),
    min_size=1,
    max_size=12,
)


def total(*members: Member) -> Bounded:
    accumulated = BoundedSum()
    for member in members:
        accumulated.add(*member)
    result = accumulated.result()
    assert result is not None
    return result


def deviation_ln(result: Bounded) -> float:
    assert result.upper is not None
    return log(result.upper / result.value) / 1.85


def test_nothing_added_has_no_total():
    """Nothing is not zero."""
    assert BoundedSum().result() is None


@given(MEMBERS)
def test_a_sum_of_one_has_the_bounds_of_its_member(members):
    """Grouping makes no difference to one alone."""
    alone = total(members[0])

    assert alone.value == members[0].value
    assert deviation_ln(alone) == pytest.approx(members[0].deviation_ln, abs=1e-12)


@given(MEMBERS)
def test_the_width_lies_between_independence_and_the_sum_of_the_bounds(members):
    """Errors partly shared are worse than independent ones and better than equal ones."""
    result = total(*members)

    parts = [member.value * member.deviation_ln for member in members]
    independent = sqrt(sum(part**2 for part in parts)) / result.value
    added_up = sum(parts) / result.value
    assert independent - 1e-12 <= deviation_ln(result) <= added_up + 1e-12


def test_own_errors_average_out_and_shared_ones_do_not():
    """Four equal members: half the deviation if independent, all of it if shared."""
    own = total(*[Member(10.0, 0.2, {})] * 4)
    shared = total(*[Member(10.0, 0.0, {"model": 0.2})] * 4)
    two_groups = total(*[Member(10.0, 0.0, {"a": 0.2})] * 2, *[Member(10.0, 0.0, {"b": 0.2})] * 2)

    assert deviation_ln(own) == pytest.approx(0.1)
    assert deviation_ln(shared) == pytest.approx(0.2)
    assert deviation_ln(two_groups) == pytest.approx(0.2 / sqrt(2))


def test_a_member_without_bounds_leaves_the_total_without():
    """Its value counts, but what it may be off by is unknown."""
    accumulated = BoundedSum()
    accumulated.add(10.0, 0.1, {"model": 0.1})
    accumulated.add_unbounded(5.0)

    assert accumulated.result() == Bounded(15.0)


def test_a_total_of_zero_has_no_bounds():
    """A factor around zero says nothing."""
    assert total(Member(0.0, 0.1, {})) == Bounded(0.0)
