import pytest

from exporter.simulation.world import World


@pytest.fixture(scope="session")
def world() -> World:
    """The default fleet; it keeps no state, so all tests can share it."""
    return World(seed=7, instances=100)
