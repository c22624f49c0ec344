import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.simulation.identity import Identities

NUMBERS = st.integers(0, 2**16 - 1)
SECONDS = st.integers(0, 2**33)


@given(seed=st.integers(), number=NUMBERS, born_at=SECONDS)
def test_an_id_leads_back_to_its_post_and_birth(seed: int, number: int, born_at: int) -> None:
    """Ids look like EC2's and can be traced."""
    identities = Identities.of_seed(seed)
    instance_id = identities.instance_id(number, float(born_at))

    assert re.fullmatch("i-[0-9a-f]{17}", instance_id)
    assert identities.trace(instance_id) == (number, born_at)


def test_no_two_births_share_an_id() -> None:
    """Neighbouring posts and seconds differ in most digits."""
    identities = Identities.of_seed(7)
    births = [(number, second) for number in range(100) for second in range(100)]
    ids = [identities.instance_id(number, 1.7e9 + second) for number, second in births]

    assert len(set(ids)) == len(births)
    assert len({instance_id[3:7] for instance_id in ids}) > 5000


def test_seeds_have_different_ids() -> None:
    """The same birth has another id in another world."""
    assert Identities.of_seed(1).instance_id(3, 1e9) != Identities.of_seed(2).instance_id(3, 1e9)


@pytest.mark.parametrize(
    "foreign", ["", "i-0123", "i-1ffffffffffffffff", "j-00123456789abcdef", "i-00123456789ABCDEF"]
)
def test_text_of_another_form_is_refused(foreign: str) -> None:
    """What is not an id of this form is a LookupError."""
    with pytest.raises(LookupError):
        Identities.of_seed(7).trace(foreign)
