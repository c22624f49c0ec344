import statistics

from hypothesis import given
from hypothesis import strategies as st

from exporter.simulation import noise

STREAMS = st.integers(0, 2**64 - 1)


@given(stream=STREAMS, tick=st.integers(-(10**9), 10**12))
def test_uniform_stays_in_its_range_and_repeats(stream: int, tick: int) -> None:
    """The same stream and tick always give the same number of [0, 1)."""
    first = noise.uniform(stream, tick)

    assert 0 <= first < 1
    assert noise.uniform(stream, tick) == first


def test_uniform_is_evenly_spread() -> None:
    """Every tenth of the range holds about a tenth of the numbers, and neighbours do not follow."""
    stream = noise.stream(1, "spread")
    numbers = [noise.uniform(stream, tick) for tick in range(20_000)]
    counts = [sum(1 for n in numbers if int(n * 10) == tenth) for tenth in range(10)]

    assert all(1800 < count < 2200 for count in counts)
    assert abs(statistics.correlation(numbers[:-1], numbers[1:])) < 0.03


def test_streams_of_different_names_differ() -> None:
    """A name is not its parts run together."""
    assert noise.stream(1, "ab") != noise.stream(1, "a", "b")
    assert noise.stream(1, "a") != noise.stream(2, "a")
    assert noise.stream(1, "a") == noise.stream(1, "a")


@given(stream=STREAMS, at=st.floats(0, 4e9), period=st.floats(60, 1e6))
def test_wander_stays_in_its_range_and_moves_smoothly(
    stream: int, at: float, period: float
) -> None:
    """A hundredth of a period moves it by at most a sixtieth (half pi over a hundred)."""
    before = noise.wander(stream, at, period)
    after = noise.wander(stream, at + period / 100, period)

    assert 0 <= before < 1
    assert abs(after - before) < 1 / 60
