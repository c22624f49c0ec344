import pytest

from exporter.core.scenarios.outcome import Scenario, ScenarioGap
from exporter.exposition.scenario_words import TITLES, gap_in_words, plural


def test_everything_has_words() -> None:
    """No scenario and no reason can come up that the page and the reports cannot tell of."""
    assert set(TITLES) == set(Scenario)
    assert all(gap_in_words(scenario, gap, 1) for scenario in Scenario for gap in ScenarioGap)


@pytest.mark.parametrize(
    ("scenario", "gap", "count", "words"),
    [
        (Scenario.TIME_SHIFT, ScenarioGap.NO_PUE, 1, "AWS publishes no PUE"),
        (Scenario.RIGHTSIZING, ScenarioGap.NO_PROFILE, 1, "1 instance: Boavizta does not"),
        (Scenario.RIGHTSIZING, ScenarioGap.NO_PROFILE, 12, "12 instances: Boavizta does not"),
        (Scenario.REGION_SHIFT, ScenarioGap.NO_PRICE, 2, "2 target regions: the AWS price list"),
        (Scenario.REGION_SHIFT, ScenarioGap.NOT_CONFIGURED, 1, "a setting that it needs"),
        (Scenario.RIGHTSIZING, ScenarioGap.NO_EXCHANGE_RATE, 1, "no exchange rate"),
        (Scenario.RIGHTSIZING, ScenarioGap.AWAITED, 1, "still being looked at"),
        (Scenario.REGION_SHIFT, ScenarioGap.AWAITED, 1, "still being looked at"),
    ],
)
def test_what_is_counted_is_said(
    scenario: Scenario, gap: ScenarioGap, count: int, words: str
) -> None:
    """Instances or target regions; a scenario that lacks something as a whole is not counted."""
    assert gap_in_words(scenario, gap, count).startswith(words)


def test_one_is_not_many() -> None:
    """None are many."""
    assert [plural(n, "day") for n in (0, 1, 2)] == ["0 days", "1 day", "2 days"]
