import pytest

from exporter.simulation import noise, scaling

SHOP = noise.stream(7, "shop")
WEEK_AT = [1_780_272_000.0 + quarter * 900 for quarter in range(4 * 24 * 7)]


def test_group_keeps_four_to_eight_servers_and_uses_the_range() -> None:
    """Least at night, most at the evening peak."""
    sizes = [scaling.desired(SHOP, at) for at in WEEK_AT]

    assert set(sizes) == {4, 5, 6, 7, 8}


def test_group_follows_the_load() -> None:
    """Between its limits the group is never smaller than the load, nor a whole server larger."""
    for at in WEEK_AT:
        servers, demand = scaling.desired(SHOP, at), scaling.demand(SHOP, at)
        assert servers == 8 or servers >= demand
        assert servers == 4 or servers < demand + 1


def test_group_decides_every_quarter_of_an_hour() -> None:
    """Between two decisions the size stands still."""
    for at in WEEK_AT:
        assert scaling.desired(SHOP, at) == scaling.desired(SHOP, at + 899)


@pytest.mark.parametrize("rank", range(4, 8))
def test_shifts_are_the_times_the_group_needs_a_rank(rank: int) -> None:
    """A server of a rank works exactly while the group is larger than its rank."""
    for at in WEEK_AT:
        shifts = scaling.shifts(SHOP, rank, int((at - 3 * 3600) // 86400))
        on_shift = any(begins <= at < ends for begins, ends in shifts)
        assert on_shift == (scaling.desired(SHOP, at) > rank)


@pytest.mark.parametrize("seed", range(20))
def test_no_shift_crosses_the_end_of_its_day(seed: int) -> None:
    """At 03:00 UTC the group is always at its smallest, summer and winter."""
    shop = noise.stream(seed, "shop")
    for day in range(20_400, 20_800):
        edge_at = day * 86400 + 3 * 3600.0
        assert scaling.desired(shop, edge_at) == scaling.desired(shop, edge_at - 900) == 4
