import pytest

from exporter.exposition.catalogue import instances
from exporter.exposition.family import Family, known

LABEL_SETS = ('{n="1"}', '{n="2"}', '{n="3"}')


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ((1.0, None, 3.0), Family(instances.POWER, ('{n="1"}', '{n="3"}'), (1.0, 3.0))),
        ((None, 0.0, None), Family(instances.POWER, ('{n="2"}',), (0.0,))),
        ((None, None, None), Family(instances.POWER, (), ())),
        ((1.0, 2.0, 3.0), Family(instances.POWER, LABEL_SETS, (1.0, 2.0, 3.0))),
    ],
)
def test_what_is_unknown_is_left_out(values: tuple[float | None, ...], expected: Family) -> None:
    """Each value keeps its own label set; 0 is known."""
    assert known(instances.POWER, LABEL_SETS, values) == expected


def test_complete_families_share_their_label_sets() -> None:
    """Ten thousand texts are neither copied nor compared one by one."""
    assert known(instances.POWER, LABEL_SETS, (1.0, 2.0, 3.0)).label_sets is LABEL_SETS
