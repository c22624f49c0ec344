"""What the settings of the scenarios come to."""

import os
from pathlib import Path
from zoneinfo import TZPATH, ZoneInfo, reset_tzpath

import pytest

from exporter.configuration import load_settings
from exporter.core.scenarios.plan import DeferrableLoad, ScenarioPlan
from exporter.core.scenarios.schedule import WeeklySchedule
from exporter.scenarios_section import ScenarioSettings, scenario_plan

WEEKDAYS_8_TO_18 = tuple((day * 1440 + 480, day * 1440 + 1080) for day in range(5))


def load(**variables: str) -> ScenarioSettings:
    named = {f"CARBONFINOPS_SCENARIOS__{name}": value for name, value in variables.items()}
    return load_settings(named, dotenv=Path(os.devnull)).scenarios


def test_the_plan_without_any_setting():
    """Office hours of the usual environments; nowhere to move to, nothing to put off."""
    assert scenario_plan(load()) == ScenarioPlan(
        office_hours=WeeklySchedule(WEEKDAYS_8_TO_18),
        office_environments=frozenset(
            {"dev", "development", "test", "testing", "stage", "staging", "qa", "sandbox"}
        ),
        time_zone=ZoneInfo("Europe/Berlin"),
        target_regions=(),
        deferrable=None,
        idle_percent=5,
        idle_days=7,
        rightsizing_percent=80,
    )
    assert load().regions == ()


def test_a_plan_of_one_s_own():
    """Every setting arrives."""
    settings = load(
        OFFICE_HOURS="Sat 09:00-13:00",
        TIME_ZONE="Asia/Kolkata",
        OFFICE_ENVIRONMENTS="Lab",
        TARGET_REGIONS="eu-north-1,eu-west-2",
        DEFERRABLE_WATTS="250.5",
        DEFERRABLE_REGION="eu-west-1",
        DEFERRABLE_START_HOUR="22",
        DEFERRABLE_HOURS="3",
        DEFERRABLE_WITHIN_HOURS="3",
        IDLE_CPU_PERCENT="1.5",
        IDLE_DAYS="14",
        RIGHTSIZING_CPU_PERCENT="60",
    )

    assert scenario_plan(settings) == ScenarioPlan(
        office_hours=WeeklySchedule(((5 * 1440 + 540, 5 * 1440 + 780),)),
        office_environments=frozenset({"lab"}),
        time_zone=ZoneInfo("Asia/Kolkata"),
        target_regions=("eu-north-1", "eu-west-2"),
        deferrable=DeferrableLoad(250.5, "eu-west-1", start_hour=22, hours=3, within_hours=3),
        idle_percent=1.5,
        idle_days=14,
        rightsizing_percent=60,
    )
    assert settings.regions == ("eu-north-1", "eu-west-2", "eu-west-1")


def test_no_office_environment():
    """An empty list is a choice: then nothing could be switched off."""
    assert scenario_plan(load(OFFICE_ENVIRONMENTS="")).office_environments == frozenset()


def test_the_region_of_no_load_is_not_watched():
    """Without watts there is no job, wherever it would be."""
    settings = load(DEFERRABLE_REGION="eu-west-2", TARGET_REGIONS="eu-north-1")

    assert scenario_plan(settings).deferrable is None
    assert settings.regions == ("eu-north-1",)


@pytest.fixture
def _no_time_zones_on_the_machine():
    known = TZPATH
    reset_tzpath([])
    ZoneInfo.clear_cache()
    yield
    reset_tzpath(known)
    ZoneInfo.clear_cache()


@pytest.mark.usefixtures("_no_time_zones_on_the_machine")
def test_a_machine_without_time_zones():
    """A slim image has none: the program brings its own."""
    assert scenario_plan(load(TIME_ZONE="America/Los_Angeles")).time_zone.key
