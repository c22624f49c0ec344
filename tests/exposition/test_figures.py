import pytest

from exporter.core.snapshot import Bounded
from exporter.exposition.figures import bounds, duration, figure, instant, percent, signed_percent


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (0.0, "0"),
        (1.0, "1.00"),
        (12.345, "12.3"),
        (123.45, "123"),
        (0.0104, "0.0104"),
        (0.00000049, "0.000000"),
        (1234.5, "1\u202f234"),
        (9876543.0, "9\u202f876\u202f543"),
        (-3.14159, "-3.14"),
    ],
)
def test_figure(value: float, expected: str) -> None:
    """Three significant digits, all whole digits, and no comma that a German would misread."""
    assert figure(value) == expected


@pytest.mark.parametrize(
    ("ratio", "expected"),
    [(0.0, "0 %"), (0.5, "50 %"), (0.956, "95.6 %"), (0.99999, "99.9 %"), (1.0, "100 %")],
)
def test_percent(ratio: float, expected: str) -> None:
    """Nearly complete is not complete."""
    assert percent(ratio) == expected


@pytest.mark.parametrize(
    ("ratio", "expected"),
    [
        (0.0, "0 %"),
        (-0.00001, "0 %"),
        (0.0012, "+0.12 %"),
        (-0.03125, "-3.12 %"),
        (12.5, "+1\u202f250.00 %"),
    ],
)
def test_signed_percent(ratio: float, expected: str) -> None:
    """Too much and too little are told apart; next to nothing is neither."""
    assert signed_percent(ratio) == expected


@pytest.mark.parametrize(
    ("quantity", "expected"),
    [(Bounded(2.0, 1.0, 3.0), "1.00 to 3.00"), (Bounded(2.0), "")],
)
def test_bounds(quantity: Bounded, expected: str) -> None:
    """Unknown bounds are not shown."""
    assert bounds(quantity) == expected


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [
        (0.0, "0 s"),
        (90.0, "90 s"),
        (120.0, "2 min"),
        (3600.0, "60 min"),
        (9000.0, "2.5 h"),
        (604800.0, "7 d"),
    ],
)
def test_duration(seconds: float, expected: str) -> None:
    """The largest unit that fits twice."""
    assert duration(seconds) == expected


def test_instant() -> None:
    """Times are in UTC and say so."""
    assert instant(1_790_003_600.0) == "2026-09-21 15:13:20 UTC"
