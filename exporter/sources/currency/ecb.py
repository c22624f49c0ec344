"""The European Central Bank's euro reference rates, published about 16:00 CET on working days.

File: www.ecb.europa.eu, eurofxref-daily.xml: nested Cube elements, the dated one holding the
currencies.
"""

import xml.etree.ElementTree as ET
from collections.abc import Callable
from datetime import UTC, date, datetime

from exporter.core.evidence import ExchangeRate
from exporter.core.provenance import FailureReason, Scope, SourceName
from exporter.core.units import SECONDS_PER_DAY
from exporter.sources.answer import malformed
from exporter.sources.http import HttpUpstream
from exporter.sources.source import SourceError

CUBE = "{http://www.ecb.int/vocabulary/2002-08-01/eurofxref}Cube"

OLDEST_SECONDS = 7 * SECONDS_PER_DAY
"""The longest pause, around Easter or Christmas, is under six days."""

LOWEST_USD_PER_EUR = 0.2
HIGHEST_USD_PER_EUR = 5.0
"""Far outside the 0.82 to 1.60 of the euro's life: beyond lies an error, not a rate."""


class EcbReferenceRate:
    """US dollars for one euro as of the newest working day. ``wall`` gives epoch seconds."""

    name = SourceName.EXCHANGE_RATE
    scope = Scope()

    def __init__(self, http: HttpUpstream, path: str, *, wall: Callable[[], float]) -> None:
        self._http = http
        self._path = path
        self._wall = wall

    def fetch(self, previous: ExchangeRate | None) -> ExchangeRate:  # noqa: ARG002  # protocol
        """Ask for the daily file. Raises SourceError."""
        dated = _dated_cube(self._http.get_text("daily_rates", self._path))
        as_of_at = _midnight(dated.get("time", ""))
        age_seconds = self._wall() - as_of_at
        if age_seconds < -SECONDS_PER_DAY:
            raise malformed("the rate's date lies in the future")
        if age_seconds > OLDEST_SECONDS:
            days = age_seconds / SECONDS_PER_DAY
            detail = f"the newest rate is {days:.0f} days old"
            raise SourceError(FailureReason.NO_RECENT_DATA, detail)
        return ExchangeRate(usd_per_eur=_usd_per_eur(dated), as_of_at=as_of_at, basis="ecb")


def _dated_cube(document: str) -> ET.Element:
    if "<!DOCTYPE" in document:
        raise malformed("the rates come with a document type, which could define entities")
    try:
        root = ET.fromstring(document)  # noqa: S314  # no entities without a DOCTYPE
    except ET.ParseError:
        raise malformed("the rates are not XML") from None
    dated = root.find(f".//{CUBE}[@time]")
    if dated is None:
        raise malformed("the rates have no date")
    return dated


def _midnight(day: str) -> float:
    try:
        midnight = datetime.combine(date.fromisoformat(day), datetime.min.time(), UTC)
    except ValueError:
        raise malformed("the rate's date is not a date") from None
    return midnight.timestamp()


def _usd_per_eur(dated: ET.Element) -> float:
    quoted = dated.find(f"{CUBE}[@currency='USD']")
    if quoted is None:
        raise malformed("no rate of the US dollar")
    try:
        usd_per_eur = float(quoted.get("rate", ""))
    except ValueError:
        raise malformed("the rate of the US dollar is not a number") from None
    if not LOWEST_USD_PER_EUR < usd_per_eur < HIGHEST_USD_PER_EUR:  # NaN lies nowhere
        raise malformed("the rate of the US dollar is impossible")
    return usd_per_eur
