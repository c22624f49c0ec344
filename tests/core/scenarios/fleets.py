"""Random fleets with gaps of every kind, for properties."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from random import Random
from typing import TypeVar
from zoneinfo import ZoneInfo

from hypothesis import strategies as st

from exporter.core.scenarios.facts import CaseFacts
from exporter.core.scenarios.plan import ScenarioPlan
from exporter.core.scenarios.schedule import WeeklySchedule
from exporter.core.scenarios.usage import UsageHistory, UsageKey, UsageSeries
from exporter.core.units import SECONDS_PER_HOUR
from tests.core.scenarios.scenes import SITING, facts, key, plan

T = TypeVar("T")
NEW_YEAR = datetime(2026, 1, 1, tzinfo=UTC)
HOURS_AROUND = 48
"""Grid hours are known before the history begins and after it ends."""


class Column(list[T]):
    """A value for each hour; short in print, as a failing example would be of a thousand lines."""

    def __repr__(self) -> str:
        return f"<{len(self)} hours>"


class GridHours(dict[float, float]):
    """gCO2e/kWh by hour; short in print."""

    def __repr__(self) -> str:
        return f"<{len(self)} hours of grid>"


KEYS = st.builds(
    key,
    account_id=st.sampled_from(["111122223333", "444455556666"]),
    location=st.sampled_from(["eu-central-1", "eu-central-1", "eu-west-1", "eu-north-1"]),
    instance_type=st.sampled_from(["m5.large", "t3.micro", "c6g.xlarge"]),
    environment=st.sampled_from(["dev", "dev", "test", "prod", ""]),
)


@st.composite
def fleets(draw: st.DrawFn, keys: st.SearchStrategy[UsageKey] = KEYS) -> CaseFacts:
    """Up to six weeks of a few groups that stop at times, of which most is known."""
    random = Random(draw(st.integers(0, 2**32)))  # noqa: S311 - made-up use
    hours = 24 * draw(st.sampled_from([27, 28, 31, 35, 40, 42]))
    since = NEW_YEAR + timedelta(days=draw(st.integers(0, 330)))
    known_ratio = draw(st.sampled_from([1.0, 0.98, 0.94]))
    groups = draw(st.lists(keys, min_size=1, max_size=4, unique=True))
    told = UsageHistory(
        since.timestamp(),
        Column(random.random() < known_ratio for _ in range(hours)),
        tuple(_series(each, hours, random) for each in groups),
    )
    grid_ratio = draw(st.sampled_from([1.0, 0.97, 0.9, 0.6]))
    return facts(
        told,
        intensities={
            zone: GridHours(
                (told.since_at + n * SECONDS_PER_HOUR, random.uniform(20, 800))
                for n in range(-HOURS_AROUND, hours + HOURS_AROUND)
                if random.random() < grid_ratio
            )
            for zone in SITING.grid_zones.values()
        },
    )


@st.composite
def plans(draw: st.DrawFn) -> ScenarioPlan:
    """Office hours at quarters of an hour, in zones of every kind."""
    edges = draw(st.lists(st.integers(0, 672), max_size=6, unique=True).map(sorted))
    spans = zip(edges[::2], edges[1::2], strict=False)
    return plan(
        office_hours=WeeklySchedule(tuple((begin * 15, end * 15) for begin, end in spans)),
        office_environments=draw(st.sampled_from([frozenset({"dev"}), frozenset({"dev", "test"})])),
        time_zone=ZoneInfo(
            draw(st.sampled_from(["UTC", "Europe/Berlin", "Asia/Kathmandu", "Australia/Lord_Howe"]))
        ),
    )


def after_the_end(known: CaseFacts, grams: float) -> CaseFacts:
    """The same facts with other grid hours after the end of the history."""
    until_at = known.history.until_at
    return replace(
        known,
        intensities={
            zone: {at: each for at, each in hours.items() if at < until_at}
            | {until_at + n * SECONDS_PER_HOUR: grams for n in range(72)}
            for zone, hours in known.intensities.items()
        },
    )


def _series(of: UsageKey, hours: int, random: Random) -> UsageSeries:
    watts, price = random.uniform(2, 200), random.uniform(0.01, 2)
    running_ratio, measured_ratio, priced_ratio = (random.choice([1.0, 0.95, 0.8]) for _ in "rmp")
    count = random.randint(1, 20)
    rows = []
    for _ in range(hours):
        running = count * 3600.0 if random.random() < running_ratio else 0.0
        measured = running if random.random() < measured_ratio else running * random.random()
        priced = running if random.random() < priced_ratio else running * random.choice([0, 0.5])
        joules = measured * watts * random.uniform(0.5, 1.5)
        rows.append((running, measured, joules, priced, priced / 3600 * price))
    return UsageSeries(of, *(Column(row[n] for row in rows) for n in range(5)))
