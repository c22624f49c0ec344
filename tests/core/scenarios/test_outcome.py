"""When a change is advised."""

import pytest

from exporter.core.scenarios.outcome import is_worthwhile


@pytest.mark.parametrize(
    ("cost_ratio", "emissions_ratio", "worse_ratio", "worthwhile"),
    [
        (0.70, 0.70, 0.0, True),
        (0.0, 0.021, 0.0, True),
        (0.021, 0.0, 0.0, True),
        # Saving 2 % is not above 2 %.
        (0.02, 0.02, 0.0, False),
        (0.0, 0.0, 0.0, False),
        (-0.1, -0.1, 0.0, False),
        # Neither may pay for the other, but for as little as is not worth mentioning.
        (-0.5, 0.9, 0.0, False),
        (0.3, -0.1, 0.19, False),
        (0.3, -0.019, 0.19, True),
        # Worse on a fifth of the days is too often, whatever it saves.
        (0.5, 0.5, 0.20, False),
        (0.5, 0.5, 0.19, True),
        (0.5, 0.5, 1.0, False),
    ],
)
def test_a_change_is_advised_that_saves_and_seldom_harms(
    cost_ratio: float, emissions_ratio: float, worse_ratio: float, *, worthwhile: bool
) -> None:
    """More than 2 % of either, no more than 2 % lost of the other, worse on under 20 % of days."""
    assert is_worthwhile(cost_ratio, emissions_ratio, worse_ratio) is worthwhile
