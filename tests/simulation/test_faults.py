import pytest

from exporter.core.provenance import FailureReason, Scope, SourceName
from exporter.simulation.faults import Faults, Outage
from exporter.sources.source import SourceError

HOUR_AT = 1_780_002_000.0 // 3600 * 3600
CPU = SourceName.CLOUDWATCH_CPU
GRID = SourceName.ELECTRICITY_MAPS
THROTTLED = Scope(account_id="444455556666", region="us-east-1")
IRELAND = Scope(grid_zone="IE")


def reason(
    source: SourceName, scope: Scope, at: float, started_at: float = HOUR_AT - 30 * 86400
) -> FailureReason | None:
    try:
        Faults(started_at).strike(source, scope, at)
    except SourceError as error:
        return error.reason
    return None


@pytest.mark.parametrize("hour", [0, 1, 23])
@pytest.mark.parametrize("second", [0, 1199, 1200, 1559, 1560, 2399, 2400, 2999, 3000, 3599])
def test_windows_come_every_hour(hour: int, second: int) -> None:
    """CPU is throttled in minutes 20 to 26, Ireland's intensity unavailable in 40 to 50."""
    at = HOUR_AT + hour * 3600 + second
    throttled, unavailable = 1200 <= second < 1560, 2400 <= second < 3000

    assert reason(CPU, THROTTLED, at) == (FailureReason.THROTTLED if throttled else None)
    assert reason(GRID, IRELAND, at) == (FailureReason.UNAVAILABLE if unavailable else None)


@pytest.mark.parametrize(
    ("after_seconds", "throttled"),
    [(0, False), (59.9, False), (60, True), (179.9, True), (180, False)],
)
def test_a_window_comes_soon_after_the_start(*, after_seconds: float, throttled: bool) -> None:
    """Nobody has to wait for the twentieth minute to see a fault, nor for its end."""
    at = HOUR_AT + after_seconds

    assert (reason(CPU, THROTTLED, at, started_at=HOUR_AT) is not None) == throttled


@pytest.mark.parametrize(
    ("source", "scope"),
    [
        (CPU, Scope(account_id="111122223333", region="us-east-1")),
        (CPU, Scope(account_id="444455556666", region="eu-west-1")),
        (SourceName.EC2_INVENTORY, THROTTLED),
        (SourceName.SPOT_PRICE, THROTTLED),
        (GRID, Scope(grid_zone="DE")),
        (SourceName.ELECTRICITY_MAPS_HISTORY, IRELAND),
        (SourceName.EXCHANGE_RATE, Scope()),
    ],
)
def test_all_other_sources_are_spared(source: SourceName, scope: Scope) -> None:
    """One failing scope takes no other with it."""
    for second in range(0, 3600, 30):
        assert reason(source, scope, HOUR_AT + second, started_at=HOUR_AT) is None


@pytest.mark.parametrize(
    ("source", "scope", "expected"),
    [
        (GRID, IRELAND, FailureReason.DENIED),
        (SourceName.ELECTRICITY_MAPS_HISTORY, Scope(grid_zone="DE"), FailureReason.DENIED),
        (CPU, Scope("444455556666", "eu-west-1"), FailureReason.UNAVAILABLE),
        (SourceName.EC2_INVENTORY, Scope("111122223333", "eu-west-1"), FailureReason.UNAVAILABLE),
        (SourceName.EC2_INVENTORY, Scope("111122223333", "eu-central-1"), None),
        (SourceName.PRICING, Scope(region="eu-west-1"), None),
    ],
)
def test_an_outage_lasts(source: SourceName, scope: Scope, expected: FailureReason | None) -> None:
    """The grids' key and one region fail from two minutes after the start, and never recover."""

    def struck(after_seconds: float) -> FailureReason | None:
        try:
            Outage(HOUR_AT).strike(source, scope, HOUR_AT + after_seconds)
        except SourceError as error:
            return error.reason
        return None

    assert struck(119.9) is None
    assert {struck(120), struck(86400)} == {expected}
