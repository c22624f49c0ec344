from dataclasses import replace

import pytest

from exporter.core.evidence import GapReason
from exporter.core.scenarios.load import packed
from exporter.core.scenarios.watts import MeanWatts
from tests.core.scenarios.machines import profile

WATTS = MeanWatts(
    {
        "m5.large": profile("m5.large", 2),
        "p5.large": replace(profile("p5.large", 2), watts=(), power_gap=GapReason.NO_PROFILE),
    }
)


def test_a_type_is_known_unpowered_or_unanswered():
    """That a type has no power is an answer too."""
    types = ("m5.large", "p5.large", "m6i.large")

    assert [WATTS.is_known(each) for each in types] == [True, False, False]
    assert [WATTS.is_unanswered(each) for each in types] == [False, False, True]


def test_mean_watts_by_hand():
    """5 W and 0.1 W per percent: three points at 9.5 %, one idle; then at twice the CPU."""
    block = packed([(10, 3), (0, 1)])

    assert WATTS.over(block, "m5.large") == pytest.approx((3 * 5.95 + 5) / 4)
    assert WATTS.over(block, "m5.large", 2.0) == pytest.approx((3 * 6.9 + 5) / 4)
