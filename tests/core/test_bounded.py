from exporter.core.bounded import Bounded


def test_in_another_unit():
    """Value and bounds are divided alike; a bound that is unknown stays so."""
    assert Bounded(1500.0, 1000.0, 2500.0).in_units_of(1000.0) == Bounded(1.5, 1.0, 2.5)
    assert Bounded(0.0, None, 500.0).in_units_of(1000.0) == Bounded(0.0, None, 0.5)
