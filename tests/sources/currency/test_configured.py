"""The rate of the settings."""

from exporter.core.evidence import ExchangeRate
from exporter.core.provenance import Scope, SourceName
from exporter.sources.currency.configured import ConfiguredRate


def test_configured_rate_is_given_as_it_is():
    """With the time it is in force since, and a basis that tells it from the bank's."""
    source = ConfiguredRate(1.25, 1_800_000_000.0)

    assert source.fetch(None) == ExchangeRate(1.25, 1_800_000_000.0, "configured")
    assert (source.name, source.scope) == (SourceName.EXCHANGE_RATE, Scope())
