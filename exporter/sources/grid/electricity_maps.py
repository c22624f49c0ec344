"""Electricity Maps: the newest carbon intensity of a grid zone, and its last 24 hours.

API reference: portal.electricitymaps.com, version 3; version 4 answers the same documents.
"""

from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from typing import NoReturn

from exporter.core.evidence import GridHistory, GridIntensity
from exporter.core.provenance import FailureReason, Scope, SourceName
from exporter.core.units import SECONDS_PER_HOUR
from exporter.sources.answer import malformed, member, number, optional, text
from exporter.sources.http import HttpUpstream, Meaning
from exporter.sources.source import SourceError

HIGHEST_GRAMS_PER_KILOWATT_HOUR = 5000.0
"""Several times what the dirtiest plants emit per kWh: more is an error, not a grid."""

FURTHEST_AHEAD_SECONDS = 2 * SECONDS_PER_HOUR
"""A value is published up to an hour before its hour begins; the rest is for wrong clocks."""

OLDEST_LATEST_SECONDS = 3 * SECONDS_PER_HOUR
OLDEST_HISTORY_SECONDS = 6 * SECONDS_PER_HOUR


class LatestIntensity:
    """The newest carbon intensity of one zone; usually an estimate that is revised later.

    ``wall`` gives the time in epoch seconds.
    """

    name = SourceName.ELECTRICITY_MAPS

    def __init__(
        self,
        http: HttpUpstream,
        grid_zone: str,
        *,
        wall: Callable[[], float],
        api_version: str = "v3",
    ) -> None:
        self.scope = Scope(grid_zone=grid_zone)
        self._http = http
        self._path = f"/{api_version}/carbon-intensity/latest"
        self._wall = wall

    def fetch(self, previous: GridIntensity | None) -> GridIntensity:  # noqa: ARG002  # protocol
        """Ask for the newest hour. Raises SourceError."""
        zone = self.scope.grid_zone
        document = self._http.get_json("latest", self._path, _query(zone), meaning=_meaning(zone))
        now = self._wall()
        newest, _ = _read_hour(document, zone, now)
        _refuse_old(newest, now, OLDEST_LATEST_SECONDS)
        return newest


class IntensityHistory:
    """The last 24 hours of one zone, as known now: estimates in it are revised later.

    ``wall`` gives the time in epoch seconds.
    """

    name = SourceName.ELECTRICITY_MAPS_HISTORY

    def __init__(
        self,
        http: HttpUpstream,
        grid_zone: str,
        *,
        wall: Callable[[], float],
        api_version: str = "v3",
    ) -> None:
        self.scope = Scope(grid_zone=grid_zone)
        self._http = http
        self._path = f"/{api_version}/carbon-intensity/history"
        self._wall = wall

    def fetch(self, previous: GridHistory | None) -> GridHistory:  # noqa: ARG002  # protocol
        """Ask for the last 24 hours. Raises SourceError."""
        zone = self.scope.grid_zone
        document = self._http.get_json("history", self._path, _query(zone), meaning=_meaning(zone))
        now = self._wall()
        _expect_zone(document, zone)
        entries = member(document, "history")
        if not isinstance(entries, list):
            raise malformed("history is not a list")
        hours = _newest_revisions(_read_hour(entry, zone, now) for entry in entries)
        if not hours:
            raise SourceError(FailureReason.NO_RECENT_DATA, f"the history of {zone} is empty")
        _refuse_old(hours[-1], now, OLDEST_HISTORY_SECONDS)
        return GridHistory(grid_zone=zone, hours=hours)


class UnconfiguredGrid:
    """Stands for either source while there is no token: everything else works without it."""

    def __init__(self, name: SourceName, grid_zone: str) -> None:
        self.name = name
        self.scope = Scope(grid_zone=grid_zone)

    def fetch(self, previous: object) -> NoReturn:  # noqa: ARG002  # protocol
        """Raise SourceError (not_configured), naming the setting."""
        raise SourceError(
            FailureReason.NOT_CONFIGURED,
            "no token: set CARBONFINOPS_ELECTRICITY_MAPS__TOKEN (a free key covers one zone)",
        )


def _query(zone: str) -> dict[str, str]:
    """Without disableCallerLookup, an unknown zone is answered for the zone of our IP address."""
    return {
        "zone": zone,
        "disableCallerLookup": "true",
        "emissionFactorType": "lifecycle",
    }


def _meaning(zone: str) -> Meaning:
    def meaning(status: int, body: str) -> tuple[FailureReason, str] | None:
        match status:
            case 401:
                # Valid keys get it too, when they ask too often (electricitymaps-contrib 8047).
                return FailureReason.DENIED, (
                    "token refused, or used too often: check CARBONFINOPS_ELECTRICITY_MAPS__TOKEN"
                )
            case 403:
                return FailureReason.NOT_COVERED, (
                    f"the token does not cover {zone} (a free key covers one zone)"
                )
            case 404 if "no recent data" in body.lower():
                return FailureReason.NO_RECENT_DATA, f"no recent data for {zone}"
            case 404:
                return FailureReason.NOT_COVERED, (
                    f"{zone} is not known: override it with CARBONFINOPS_ELECTRICITY_MAPS__ZONES"
                )
            case _:
                return None

    return meaning


def _expect_zone(document: object, zone: str) -> None:
    if member(document, "zone") != zone:
        raise malformed(f"answered for another zone than {zone}")


def _read_hour(document: object, zone: str, now: float) -> tuple[GridIntensity, float]:
    """One hour, and when it was last revised (0 where that is not told)."""
    _expect_zone(document, zone)
    estimated = member(document, "isEstimated")
    if not isinstance(estimated, bool):
        raise malformed("isEstimated is not a boolean")
    if optional(document, "emissionFactorType") not in (None, "lifecycle"):
        raise malformed("emissionFactorType is not lifecycle")
    valid_at = _instant(document, "datetime")
    if valid_at - now > FURTHEST_AHEAD_SECONDS:
        raise malformed("datetime lies in the future")
    grams = number(document, "carbonIntensity", above=0, up_to=HIGHEST_GRAMS_PER_KILOWATT_HOUR)
    explained = estimated and optional(document, "estimationMethod") is not None
    method = text(document, "estimationMethod") if explained else ""
    revised = optional(document, "updatedAt") is not None
    revised_at = _instant(document, "updatedAt") if revised else 0.0
    return GridIntensity(zone, grams, valid_at, estimated, method), revised_at


def _instant(document: object, key: str) -> float:
    """Epoch seconds of an ISO 8601 time, with or without milliseconds; UTC unless it says."""
    try:
        time = datetime.fromisoformat(text(document, key))
    except ValueError:
        raise malformed(f"{key} is not a time") from None
    return (time if time.tzinfo else time.replace(tzinfo=UTC)).timestamp()


def _newest_revisions(
    revisions: Iterable[tuple[GridIntensity, float]],
) -> tuple[GridIntensity, ...]:
    """One value per hour, the last one revised, oldest hour first."""
    by_hour = {
        intensity.valid_at: intensity
        for intensity, _ in sorted(revisions, key=lambda revision: revision[1])
    }
    return tuple(by_hour[valid_at] for valid_at in sorted(by_hour))


def _refuse_old(newest: GridIntensity, now: float, oldest_seconds: float) -> None:
    if now - newest.valid_at > oldest_seconds:
        hours = (now - newest.valid_at) / SECONDS_PER_HOUR
        raise SourceError(
            FailureReason.NO_RECENT_DATA,
            f"the newest hour of {newest.grid_zone} began {hours:.1f} hours ago",
        )
