"""The second implementation of savings, against figures computed by hand."""

import ast
import csv
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import product
from math import inf
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from tests.validation import savings
from tests.validation.band_coverage import fitted_factor, ratio_coverage
from tests.validation.cpu_hours import Recording
from tests.validation.exported_savings import (
    band_differences,
    day_differences,
    office_difference,
    shift_difference,
)
from tests.validation.load_weeks import CONSTANT, load_week
from tests.validation.months_ahead import MonthAhead, office_months, shift_months
from tests.validation.page import page
from tests.validation.plain_band import Evidence, half_width
from tests.validation.plain_office import off_ratio, saved_ratio, switched_hours
from tests.validation.plain_shift import Job, shifted_days
from tests.validation.spread import quantile
from tests.validation.zone_hours import ZoneHours, zone_hours
from tests.validation.zone_savings import zone_savings

HOUR = 3600.0
DAY = 86400.0
UTC_ZONE = ZoneInfo("UTC")
BERLIN = ZoneInfo("Europe/Berlin")
MONDAY_AT = datetime(2026, 2, 2, tzinfo=UTC).timestamp()
MIDNIGHT_JOB = Job(start_hour=0, length_hours=2, within_hours=6)


def hours_of(
    days: int, by_hour: dict[int, float], since_at: float = MONDAY_AT
) -> dict[float, float]:
    """100 g/kWh in every hour, but for some hours of the day (UTC)."""
    return {since_at + n * HOUR: by_hour.get(n % 24, 100.0) for n in range(24 * days)}


def wavy(days: int) -> dict[float, float]:
    """Hours of which none is like another."""
    return {MONDAY_AT + n * HOUR: 200.0 + (n * n) % 97 + n % 24 for n in range(24 * days)}


# The time shift


def test_a_day_by_hand():
    """The choice is by the seven days before; what it comes to is what happened then."""
    grams = hours_of(8, {3: 40.0, 4: 60.0})
    last_at = MONDAY_AT + 7 * DAY
    grams |= {last_at: 90.0, last_at + HOUR: 70.0, last_at + 3 * HOUR: 200.0}

    *early, day = shifted_days(grams, UTC_ZONE, MIDNIGHT_JOB).values()

    # Expected 200 from midnight, 100 from three o'clock; happened 160 and 260.
    assert day == (3, 160.0, 260.0, 160.0, 200.0, 100.0)
    assert day.saved == -100.0
    assert early[:4] == [None] * 4
    assert early[4] == (3, 200.0, 100.0, 100.0, 200.0, 100.0)


def test_means_of_four_days_suffice_and_of_three_do_not():
    """Without the same hour on at least four days before, a day cannot be judged."""
    grams = hours_of(8, {3: 40.0, 4: 60.0})
    last_at = MONDAY_AT + 7 * DAY
    for days in (1, 2, 3):
        del grams[last_at - days * DAY + 5 * HOUR]
    assert shifted_days(grams, UTC_ZONE, MIDNIGHT_JOB)[last_at] is not None

    del grams[last_at - 4 * DAY + 5 * HOUR]
    assert shifted_days(grams, UTC_ZONE, MIDNIGHT_JOB)[last_at] is None


def test_equal_sums_are_decided_for_the_earliest():
    """Whole numbers: the same values in another order are the same sum."""
    grams = hours_of(8, {1: 10.1, 2: 20.2, 3: 30.3, 4: 10.1, 5: 20.2})
    job = Job(start_hour=0, length_hours=2, within_hours=6)

    day = list(shifted_days(grams, UTC_ZONE, job).values())[-1]

    assert day is not None
    assert day.hours_later == 1


def test_the_future_decides_nothing():
    """Whatever the hours after a decision are, the same start is chosen."""
    grams = wavy(9)
    decided_at = MONDAY_AT + 7 * DAY + 10 * HOUR
    poisoned = {at: value if at < decided_at else 1e6 - value for at, value in grams.items()}

    day, other = (shifted_days(g, UTC_ZONE, Job(10))[decided_at] for g in (grams, poisoned))

    assert day is not None
    assert other is not None
    assert (day.hours_later, day.expected_chosen) == (other.hours_later, other.expected_chosen)


@pytest.mark.parametrize(
    ("day", "utc_hour"),
    [("2026-03-28", 1), ("2026-03-29", 1), ("2026-03-30", 0), ("2026-10-25", 0)],
)
def test_starts_follow_the_clock(day, utc_hour):
    """02:00 in Berlin; the first UTC hour after it where it is skipped, the first of two."""
    midnight_at = datetime.fromisoformat(day).replace(tzinfo=UTC).timestamp()
    grams = hours_of(1, {}, midnight_at)

    starts = shifted_days(grams, BERLIN, Job(2))

    assert next(iter(starts)) == midnight_at + utc_hour * HOUR


# Office hours


def test_office_hours_by_hand():
    """Friday 17:00 is on, 18:00 and Saturday are off: local time, weighted by load and carbon."""
    friday_at = MONDAY_AT + 4 * DAY
    grams = {friday_at + 16 * HOUR: 100.0, friday_at + 17 * HOUR: 300.0, friday_at + DAY: 200.0}

    hours = switched_hours(grams, BERLIN, {**CONSTANT.watts, (5, 1): 20.0})

    assert [hour.is_on for hour in hours] == [True, False, False]
    assert [hour.grams for hour in hours] == pytest.approx([1.0, 3.0, 4.0])
    assert saved_ratio(hours) == pytest.approx(7 / 8)
    assert off_ratio(hours) == pytest.approx(2 / 3)


def test_a_week_of_a_flat_grid():
    """50 of 168 hours are on: 70.2 % are saved."""
    hours = switched_hours(hours_of(7, {}), UTC_ZONE, CONSTANT.watts)

    assert saved_ratio(hours) == pytest.approx(118 / 168)


def test_recorded_load():
    """The mean power of an hour of the week; hours of other days where it was not recorded."""
    monday = int(MONDAY_AT // 300)
    tuesday = monday + 288
    slots = dict.fromkeys(range(monday, monday + 288), 0.0) | {tuesday: 100.0}

    watts = load_week(Recording("made up", [slots, {monday: 100.0}])).watts

    assert watts[0, 0] == pytest.approx((12 * 2.69 + 15.16) / 13)
    assert watts[1, 0] == pytest.approx(15.16)
    assert watts[2, 0] == pytest.approx((12 * 2.69 + 2 * 15.16) / 14)
    assert watts[1, 5] == pytest.approx(2.69)


# Bands and months


def test_a_band_by_hand():
    """2.353 x 12.91 x sqrt(1/4 + 7/30.44) of 100."""
    evidence = Evidence([10.0, 20.0, 30.0, 40.0], [100.0] * 4)

    assert evidence.ratio == 0.25
    assert evidence.ratio_spread == pytest.approx(0.210454, abs=1e-6)
    assert evidence.amount == pytest.approx(25 * 4.348214)
    assert evidence.amount_spread == pytest.approx(21.0454 * 4.348214, abs=1e-2)
    assert half_width(0.3, 1.0, 0.4) == pytest.approx(0.5)
    assert band_differences(evidence) < 1e-12


def test_bootstrap():
    """All 256 draws of four weeks, each as likely as any other."""
    evidence = Evidence([10.0, 25.0, 30.0, 70.0], [100.0, 110.0, 90.0, 150.0])
    weeks = list(zip(evidence.saved, evidence.used, strict=True))
    ratios = [
        sum(saved for saved, _ in drawn) / sum(used for _, used in drawn)
        for drawn in product(weeks, repeat=4)
    ]

    assert evidence.bootstrapped() == pytest.approx(
        (quantile(ratios, 0.05), quantile(ratios, 0.95))
    )


def test_months_of_office_hours():
    """The first midnight after four weeks; the last with thirty days to come."""
    hours = switched_hours(hours_of(60, {}), UTC_ZONE, CONSTANT.watts)

    months = office_months(hours)

    assert [(m.begin_at - MONDAY_AT) / DAY for m in months] == [28, 29, 30]
    assert months[0].evidence.ratio == pytest.approx(118 / 168)
    assert months[0].evidence.used == pytest.approx([168.0] * 4)
    assert months[0].ratio == pytest.approx(1 - 220 / 720)
    assert months[0].amount == pytest.approx((720 - 220) * 365.25 / 12 / 30)


def test_unknown_hours_are_like_the_known_ones():
    """A week of which a tenth is unknown stands for a whole one; with less it is left out."""
    known = hours_of(65, {})
    some = {
        at: grams for at, grams in known.items() if not 0 <= at - MONDAY_AT - 7 * DAY < 16 * HOUR
    }
    most = {
        at: grams for at, grams in known.items() if not 0 <= at - MONDAY_AT - 7 * DAY < 18 * HOUR
    }

    first = [
        office_months(switched_hours(each, UTC_ZONE, CONSTANT.watts))[0] for each in (some, most)
    ]

    assert [(month.begin_at - MONDAY_AT) / DAY for month in first] == [28, 35]
    assert first[0].evidence.used == pytest.approx([168.0] * 4)


def test_months_of_the_time_shift():
    """Days count once their window lies behind; the first four of a recording have no mean."""
    grams = hours_of(70, {3: 40.0, 4: 60.0})

    months = shift_months(shifted_days(grams, UTC_ZONE, MIDNIGHT_JOB), MIDNIGHT_JOB)

    # At least six days of each of four weeks: at the 31st midnight all but the first three.
    assert [(m.begin_at - MONDAY_AT) / DAY for m in (months[0], months[-1])] == [31, 40]
    assert months[0].evidence.saved == pytest.approx([700.0] * 4)
    assert months[0].saved == pytest.approx(30 * 100.0)
    assert months[0].ratio == pytest.approx(0.5)


def test_fitted_factor():
    """The least one that holds 90 % of the months, zones and starts alike."""
    evidence = Evidence([10.0, 20.0, 30.0, 40.0], [100.0] * 4)
    errors = [0.1, 0.2, 0.3, 0.35]
    months = [MonthAhead(0.0, evidence, 0.25 + error, 1.0) for error in errors]
    zone = replace(
        zone_savings(ZoneHours("DE", UTC_ZONE, wavy(8)), []),
        shift={Job(2): months},
        office={CONSTANT.name: months},
    )

    assert ratio_coverage(months, 1.0) == 0.5
    assert fitted_factor([zone]) == pytest.approx(1.70)


# Beside the exporter


def test_no_difference_goes_unnoticed():
    """A day, a month or a share that is not the same is far off; the same ones are not."""
    zone = ZoneHours("DE", BERLIN, wavy(80))
    job = Job(10)
    days = dict(shifted_days(zone.grams, BERLIN, job))
    month = shift_months(days, job)[0]
    hours = switched_hours(zone.grams, BERLIN, CONSTANT.watts)
    office = office_months(hours)[0]
    flat = office_months(switched_hours(dict.fromkeys(zone.grams, 1.0), BERLIN, CONSTANT.watts))[0]
    by_hour = {hour.hour_at: hour for hour in hours}

    assert max(day_differences(zone, job, days)) < 1e-12
    assert shift_difference(zone, job, month) < 1e-9
    assert office_difference(zone, by_hour, office, flat) < 1e-9

    judged = next(at for at, day in days.items() if day)
    day = days[judged]
    assert day is not None
    for wrong, least in (
        (None, inf),
        (day._replace(hours_later=day.hours_later + 1), inf),
        (day._replace(chosen=day.chosen * 1.001), 1e-4),
    ):
        assert max(day_differences(zone, job, days | {judged: wrong})) >= least
    off = month._replace(evidence=month.evidence._replace(saved=[1.0, 2.0, 3.0, 4.0]))
    assert shift_difference(zone, job, off) > 1e-3
    assert office_difference(zone, by_hour, office, office) > 1e-6
    assert shift_difference(zone, job, month._replace(begin_at=MONDAY_AT)) == inf


@pytest.mark.parametrize("name", ["plain_shift", "plain_office", "plain_band", "months_ahead"])
def test_the_second_implementation_is_independent(name):
    """It imports nothing of the exporter."""
    path = Path(__file__).parent / "validation" / f"{name}.py"
    imported = {
        node.module or ""
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.ImportFrom)
    }

    assert not [module for module in imported if module.startswith("exporter")]


# The section


def write_rows(path: Path, rows: list[dict[str, Any]]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)


@pytest.fixture
def data(tmp_path):
    """Ten weeks of one zone, a few hours of others, and CPU of three kinds of machines."""
    grids = tmp_path / "carbon-intensity"
    for name, hours in (
        ("electricitymaps/DE_2026", wavy(70)),
        ("electricitymaps/XX_2026", wavy(1)),
        ("ensembleci/PL_2026", wavy(3)),
    ):
        rows = [
            {
                "datetime_utc": datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
                "ci_lifecycle_g_per_kwh": grams,
            }
            for at, grams in hours.items()
        ]
        write_rows(grids / f"{name}.csv", rows)
    midnight = datetime(2026, 3, 29, tzinfo=UTC).replace(tzinfo=None)
    for name, start, column in (
        ("nab/ec2_1", midnight, "value"),
        ("planetlab/1", midnight, "vm_0"),
        ("bitbrains/trace", midnight, "cpu_pct"),
    ):
        rows = [
            {
                "timestamp": (start + n * timedelta(minutes=5)).isoformat(),
                column: 5 + n % 60,
                "vm_id": 1,
                "duration_ms": 300_000,
            }
            for n in range(288)
        ]
        if column == "vm_0":
            rows = [{key: row[key] for key in ("timestamp", column)} for row in rows]
        write_rows(tmp_path / f"cpu/{name}.csv", rows)
    quarters = [
        {
            "datetime_local": (midnight + n * timedelta(minutes=15)).isoformat(),
            "ci_g_per_kwh": "" if n == 41 else 100.0 + n % 4,
        }
        for n in range(96)
    ]
    write_rows(grids / "eirgrid/IE_2026.csv", quarters)
    return tmp_path


def test_zones_of_a_folder(data):
    """Files of zones whose clock is known; quarters of local hours as hours of UTC."""
    zones, left_out = zone_hours(data)

    assert [(zone.name, zone.is_fitted) for zone in zones] == [
        ("DE", True),
        ("PL", False),
        ("IE", False),
    ]
    assert left_out[0] == "XX (its clock is not known)"
    assert "GB (no file)" in left_out
    # Ireland skips 01:00 on that day: 02:00 there is 01:00 UTC. 10:00 there lacks a quarter.
    since_at = datetime(2026, 3, 29, tzinfo=UTC).timestamp()
    hours = [int((at - since_at) // HOUR) for at in zones[2].grams]
    assert hours == [0, *range(1, 9), *range(10, 23)]
    assert zones[2].grams[since_at] == 101.5


def test_the_section(data):
    """Where there are months the figures agree; what is left out is named; no path is told."""
    section = savings.section(data)

    text = page([section], "abc")
    assert [verdict.met for verdict in section.verdicts[:3]] == [True] * 3
    assert "IE (less than two months)" in text
    assert "SG (no file)" in text
    assert str(data) not in text
    assert [table.rows[0][0] for table in section.tables] == ["DE"] * 5


def test_a_section_without_zones(data):
    """Without two months of any zone there is nothing to judge, and it says why."""
    (data / "carbon-intensity/electricitymaps/DE_2026.csv").unlink()

    section = savings.section(data)

    assert (section.tables, section.verdicts) == ((), ())
    assert "DE (no file)" in section.paragraphs[-1]
