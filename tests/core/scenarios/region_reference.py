"""A second implementation of the region shift: instance-hours one by one, plain sums."""

from collections import defaultdict
from datetime import UTC, datetime
from math import sqrt
from typing import NamedTuple

from exporter.core.scenarios.facts import CaseFacts
from exporter.core.scenarios.usage import UsageSeries
from tests.core.scenarios import band_reference
from tests.core.scenarios.band_reference import MONTH, Triple

SITES = 1.85 * sqrt(2 * 0.05**2 + 2 * 0.03**2)
TYPE = sqrt(0.29**2 - 0.1**2)


class Shift(NamedTuple):
    """Figures of a move."""

    cost_ratio: Triple
    usd: Triple
    emissions_ratio: Triple
    grams: Triple
    worse_ratio: float
    covered_ratio: float
    usd_by_account: dict[str, float]


class Hour(NamedTuple):
    """What one group used in one hour, as far as it is covered, and what it would have there."""

    group: UsageSeries
    week: int
    day: str
    running: float
    covered: float
    usd: float
    usd_there: float
    grams: float
    grams_there: float
    moves: bool


def weeks_of(facts: CaseFacts) -> list[range]:
    """The newest four weeks of which 152 hours or more are known, newest first."""
    end = len(facts.history.known)
    found: list[range] = []
    while end >= 168 and len(found) < 4:
        if sum(facts.history.known[end - 168 : end]) > 151:
            found.append(range(end - 168, end))
        end -= 168
    return found


def hours_of(facts: CaseFacts, target: str, weeks: list[range]) -> list[Hour]:
    """Every known hour of every group in scope."""
    found = []
    grid_there = facts.intensities[facts.siting.grid_zones[target]]
    for group in facts.history.series:
        place = group.key.location
        if group.key.purchase_option != "on_demand" or place == target:
            continue
        quote = facts.prices.get(group.key.price_key)
        quote_there = facts.prices.get(group.key.price_key._replace(location=target))
        price = quote.usd_per_hour if quote else None
        price_there = quote_there.usd_per_hour if quote_there else None
        stays = quote_there is not None and price_there is None
        moves = price is not None and price_there is not None
        pue = facts.siting.pue.get(place)
        grid = facts.intensities.get(facts.siting.grid_zones.get(place, ""), {})
        for number, week in enumerate(weeks):
            for n in week:
                if not facts.history.known[n]:
                    continue
                at = facts.history.since_at + 3600 * n
                day = datetime.fromtimestamp(at, UTC).date().isoformat()
                running = group.running_seconds[n]
                covered = min(group.measured_seconds[n], group.priced_seconds[n])
                known = pue and at in grid and at in grid_there
                if not (known and (stays or moves) and covered):
                    found.append(Hour(group, number, day, running, 0, 0, 0, 0, 0, moves=False))
                    continue
                usd = group.cost_usd[n] * covered / group.priced_seconds[n]
                kwh = group.energy_joules[n] * covered / group.measured_seconds[n] / 3.6e6
                assert pue is not None
                grams = usd_there = kwh * pue.ratio * grid[at]
                grams_there, usd_there = grams, usd
                if price_there is not None:
                    assert price is not None
                    grams_there = kwh * facts.siting.pue[target].ratio * grid_there[at]
                    usd_there = usd * price_there / price
                found.append(
                    Hour(
                        group,
                        number,
                        day,
                        running,
                        covered,
                        usd,
                        usd_there,
                        grams,
                        grams_there,
                        moves=price_there is not None,
                    )
                )
    return found


def shift(facts: CaseFacts, target: str) -> Shift | None:
    """Figures of the fleet; None where fewer than half of the running time is covered."""
    weeks = weeks_of(facts)
    hours = hours_of(facts, target, weeks)
    running = sum(hour.running for hour in hours)
    covered = sum(hour.covered for hour in hours)
    if covered < running / 2:
        return None
    scale = [168 / sum(facts.history.known[n] for n in week) for week in weeks]
    saved_usd, usd, saved, grams = ([0.0] * 4 for _ in range(4))
    days: defaultdict[str, float] = defaultdict(float)
    accounts: defaultdict[str, float] = defaultdict(float)
    arrived = 0.0
    for hour in hours:
        factor = scale[hour.week]
        saved_usd[hour.week] += (hour.usd - hour.usd_there) * factor
        usd[hour.week] += hour.usd * factor
        saved[hour.week] += (hour.grams - hour.grams_there) * factor
        grams[hour.week] += hour.grams * factor
        arrived += hour.grams_there * factor if hour.moves else 0.0
        days[hour.day] += hour.grams - hour.grams_there
        accounts[hour.group.key.account_id] += (hour.usd - hour.usd_there) * factor / 4 * MONTH
    return Shift(
        band_reference.share(saved_usd, usd, drift=0.0),
        band_reference.amount(saved_usd),
        band_reference.share(saved, grams, drift=0.01, sites=SITES * arrived / sum(grams)),
        band_reference.amount(
            saved, _scale(hours, scale), sites=SITES * arrived / 4 * MONTH, drift=0.08
        ),
        sum(each < 0 for each in days.values()) / 28,
        covered / running,
        dict(accounts),
    )


def _scale(hours: list[Hour], scale: list[float]) -> float:
    """Deviation of the emissions here of what moves: by type, place (one zone each), and model."""
    shares: defaultdict[tuple[str, str], float] = defaultdict(float)
    for hour in hours:
        if hour.moves:
            grams = hour.grams * scale[hour.week]
            shares["type", hour.group.key.instance_type] += grams * TYPE
            shares["grid", hour.group.key.location] += grams * 0.05
            shares["pue", hour.group.key.location] += grams * 0.03
            shares["model", ""] += grams * 0.1
    total = shares["model", ""] / 0.1
    return sqrt(sum(each**2 for each in shares.values())) / total if total else 0.0
