"""An exchange rate that the operator sets."""

from exporter.core.evidence import ExchangeRate
from exporter.core.provenance import Scope, SourceName


class ConfiguredRate:
    """US dollars for one euro from the settings, in force since ``as_of_at`` (epoch seconds)."""

    name = SourceName.EXCHANGE_RATE
    scope = Scope()

    def __init__(self, usd_per_eur: float, as_of_at: float) -> None:
        self._rate = ExchangeRate(usd_per_eur=usd_per_eur, as_of_at=as_of_at, basis="configured")

    def fetch(self, previous: ExchangeRate | None) -> ExchangeRate:  # noqa: ARG002  # protocol
        """Give the configured rate; never fails."""
        return self._rate
