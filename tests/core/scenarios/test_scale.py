"""How far emissions may be off as a whole."""

from math import hypot, sqrt
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.core.instance_estimate import Siting
from exporter.core.scenarios.scale import Part, scale_deviation_ln
from tests.core.scenarios.scenes import SITING
from tests.factories import hardware

HARDWARE = {
    "m5.large": hardware("m5.large"),
    "t3.micro": hardware("t3.micro", burstable=True),
}
TYPE_LN = sqrt(0.29**2 - 0.1**2)
"""A type's own error at half load: that of the power model less what all types share."""

PARTS = st.lists(
    st.builds(
        Part,
        st.sampled_from(["m5.large", "t3.micro", "c6g.xlarge"]),
        st.sampled_from(["eu-central-1", "eu-west-1", "us-east-1", "eu-north-1"]),
        st.floats(0.01, 1e6),
    ),
    min_size=1,
    max_size=12,
)


def deviation(*parts: Part, siting: Siting = SITING) -> float:
    return scale_deviation_ln(parts, HARDWARE, siting)


def test_one_part_has_all_four_errors() -> None:
    """Type 0.2722, grid 0.05, PUE 0.03 and the model's 0.1, in quadrature: 0.2958."""
    assert deviation(Part("m5.large", "eu-central-1", 5.0)) == pytest.approx(0.29580, 1e-4)
    assert deviation(Part("m5.large", "eu-central-1", 5.0)) == pytest.approx(
        hypot(TYPE_LN, 0.05, 0.03, 0.1)
    )


def test_what_is_not_shared_evens_out() -> None:
    """Two types in two places, alike: all but the model's error shrinks by sqrt(2)."""
    parts = Part("m5.large", "eu-central-1", 5.0), Part("t3.micro", "eu-west-1", 5.0)
    assert deviation(*parts) == pytest.approx(
        hypot(TYPE_LN / sqrt(2), 0.05 / sqrt(2), 0.03 / sqrt(2), 0.1)
    )


def test_locations_of_one_zone_share_its_error() -> None:
    """The grid's error does not even out between two regions on one grid; the PUEs' does."""
    siting = Siting({"eu-central-1": "DE", "eu-central-9": "DE"}, SITING.pue)
    parts = Part("m5.large", "eu-central-1", 5.0), Part("m5.large", "eu-central-9", 5.0)
    assert deviation(*parts, siting=siting) == pytest.approx(
        hypot(TYPE_LN, 0.05, 0.03 / sqrt(2), 0.1)
    )


@pytest.mark.parametrize("parts", [(), (Part("m5.large", "eu-central-1", 0.0),)])
def test_nothing_has_no_error(parts: tuple[Part, ...]) -> None:
    """Without emissions there is nothing to be wrong about."""
    assert deviation(*parts) == 0.0


@given(PARTS)
def test_agrees_with_the_sum_over_pairs(parts: list[Part]) -> None:
    """Variance of a sum: over all pairs, their amounts times what errors they share."""
    variance = 0.0
    for one in parts:
        for other in parts:
            shared = 0.1**2
            if one.instance_type == other.instance_type:
                shared += TYPE_LN**2
            if SITING.grid_zones.get(one.location) == SITING.grid_zones.get(other.location):
                shared += 0.05**2
            if one.location == other.location:
                shared += 0.03**2
            variance += one.grams * other.grams * shared
    total = sum(part.grams for part in parts)
    assert deviation(*parts) == pytest.approx(sqrt(variance) / total)


@given(PARTS, st.floats(0.001, 1000), st.randoms(use_true_random=False))
def test_neither_unit_nor_order_matters(parts: list[Part], unit: float, random: Random) -> None:
    """The same parts in another unit and order; one is never above a single part's error."""
    expected = deviation(*parts)
    others = [part._replace(grams=part.grams * unit) for part in parts]
    random.shuffle(others)
    assert deviation(*others) == pytest.approx(expected)
    assert 0.1 <= expected <= hypot(TYPE_LN, 0.05, 0.03, 0.1) + 1e-12


def test_a_loss_is_as_uncertain_as_a_gain() -> None:
    """The deviation of emissions that would be added is that of the same emissions saved."""
    gain, loss = (Part("m5.large", "eu-central-1", grams) for grams in (5.0, -5.0))
    assert deviation(loss) == pytest.approx(deviation(gain))


def test_a_gain_and_a_loss_share_their_errors() -> None:
    """10 g less and 6 g more of one type in one place: 4 g less, as uncertain as any 4 g of it.

    In two places of two types only the model's error is shared: it is that of the 4 g, the others
    are those of 10 g and of 6 g, sqrt(136) / 4 of it.
    """
    gain = Part("m5.large", "eu-central-1", 10.0)
    assert deviation(gain, gain._replace(grams=-6.0)) == pytest.approx(deviation(gain))
    apart = Part("t3.micro", "eu-west-1", -6.0)
    assert deviation(gain, apart) == pytest.approx(
        hypot(hypot(TYPE_LN, 0.05, 0.03) * sqrt(136) / 4, 0.1)
    )
