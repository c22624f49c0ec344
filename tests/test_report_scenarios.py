"""The business case as JSON and CSV: small goldens, and what is unknown."""

import csv
import io
import json

import pytest

from exporter.core.scenarios.case import BusinessCase
from exporter.core.scenarios.outcome import Resize, Scenario, ScenarioGap
from exporter.core.snapshot import FleetSnapshot, InstanceEstimate
from exporter.report_assumptions import assumptions
from exporter.report_case import as_table
from exporter.report_scenarios import COLUMNS, FORMATS
from tests.factories import NOW, SCENARIO_PLAN, business_case, fleet_snapshot, instance

CSV = """\
scenario,target_region,quantity,ratio,ratio_lower,ratio_upper,per_month,per_month_lower,\
per_month_upper,unit,samples,worse_ratio,covered_ratio,feasible,reason,count,account_id,region,\
instance_id,instance_type,idle,target_type,p95_cpu_ratio
office_hours,,cost,0.75,0.625,0.875,100.0,75.0,125.0,EUR,28,0.0,0.9375,true,,,,,,,,,
office_hours,,emissions,0.6875,0.625,0.75,40000.0,20000.0,60000.0,gCO2e,28,0.0,0.9375,true\
,,,,,,,,,
rightsizing,,cost,0.5,0.25,0.5,20.0,8.0,22.0,EUR,28,0.125,1.0,true,,,,,,,,,
rightsizing,,emissions,0.125,-0.0625,0.25,4000.0,-2000.0,8000.0,gCO2e,28,0.125,1.0,true\
,,,,,,,,,
region_shift,eu-north-1,cost,-0.0625,-0.125,0.0,-20.0,,,EUR,28,0.25,0.9375,false,,,,,,,,,
region_shift,eu-north-1,emissions,0.9375,0.875,1.0,64000.0,32000.0,96000.0,gCO2e,28,0.25,\
0.9375,false,,,,,,,,,
rightsizing,,,,,,,,,,,,,,burstable,3,,,,,,,
time_shift,,,,,,,,,,,,,,not_configured,1,,,,,,,
,,cost,,,,20.0,,,EUR,,,,,,,111122223333,eu-central-1,i-0aaa,m5.large,true,m5.medium,0.125
,,emissions,,,,4000.0,,,gCO2e,,,,,,,111122223333,eu-central-1,i-0aaa,m5.large,true,m5.medium,0.125
,,,,,,,,,,,,,,,,111122223333,eu-central-1,i-0ddd,m5.large,true,,
"""


def snapshot(case: BusinessCase, *names: str) -> FleetSnapshot:
    """Running instances of these ids, with a business case."""
    return fleet_snapshot(case, *(InstanceEstimate(instance(name), "DE") for name in names))


SMALL = snapshot(
    business_case(idle={"i-0aaa": True, "i-0bbb": False, "i-0ddd": True, "i-gone": True}),
    "i-0aaa",
    "i-0bbb",
    "i-0ddd",
)
OFFICE_HOURS = {
    "scenario": "office_hours",
    "target_region": "",
    "cost": {
        "ratio": [0.75, 0.625, 0.875],
        "usd_per_month": [125.0, 100.0, 150.0],
        "eur_per_month": [100.0, 75.0, 125.0],
        "usd_per_month_by_account": {"111122223333": 125.0},
    },
    "emissions": {
        "ratio": [0.6875, 0.625, 0.75],
        "grams_per_month": [40_000.0, 20_000.0, 60_000.0],
    },
    "samples": 28,
    "worse_ratio": 0.0,
    "covered_ratio": 0.9375,
    "feasible": True,
}
RESIZED = {
    "account_id": "111122223333",
    "region": "eu-central-1",
    "instance_id": "i-0aaa",
    "name": "web",
    "instance_type": "m5.large",
    "idle": True,
    "resize": {
        "target_type": "m5.medium",
        "basis": "cpu_only",
        "p95_cpu_ratio": 0.125,
        "saved_usd_per_month": 25.0,
        "saved_eur_per_month": 20.0,
        "saved_grams_per_month": 4000.0,
    },
}


def test_csv():
    """A line per scenario and quantity, per gap, and per instance; unknown is an empty field."""
    assert FORMATS["csv"](SMALL, SCENARIO_PLAN) == CSV


def test_sums_over_a_scenario_are_not_counted_twice():
    """A line is about a scenario or about an instance, never both."""
    for row in csv.DictReader(io.StringIO(FORMATS["csv"](SMALL, SCENARIO_PLAN))):
        assert bool(row["scenario"]) != bool(row["instance_id"])


def test_json():
    """Values with their bounds, gaps, advice on instances, and the assumptions in words."""
    document = json.loads(FORMATS["json"](SMALL, SCENARIO_PLAN))

    assert list(document) == [
        "estimated_at",
        "assumptions_version",
        "assumptions",
        "usd_per_eur",
        "scenarios",
        "gaps",
        "instances",
    ]
    assert document["estimated_at"] == NOW
    assert document["assumptions_version"] == "1"
    assert document["assumptions"] == list(assumptions(SCENARIO_PLAN))
    assert document["usd_per_eur"] == 1.25
    office_hours, _, region_shift = document["scenarios"]
    assert office_hours == OFFICE_HOURS
    assert region_shift["target_region"] == "eu-north-1"
    assert region_shift["cost"]["eur_per_month"] == [-20.0, None, None]
    assert region_shift["feasible"] is False
    assert document["gaps"] == [
        {"scenario": "rightsizing", "reason": "burstable", "count": 3},
        {"scenario": "time_shift", "reason": "not_configured", "count": 1},
    ]
    resized, idle = document["instances"]
    assert resized == RESIZED
    assert (idle["instance_id"], idle["idle"], idle["resize"]) == ("i-0ddd", True, None)


def test_without_a_rate_there_are_no_euros():
    """Empty in the CSV, null in the JSON, which has the dollars."""
    poor = snapshot(business_case(eur_per_month={}, usd_per_eur=None, eur_per_usd={}), "i-0aaa")

    rows = list(csv.DictReader(io.StringIO(FORMATS["csv"](poor, SCENARIO_PLAN))))
    assert {row["per_month"] for row in rows if row["unit"] == "EUR"} == {""}
    assert all(row["per_month"] for row in rows if row["unit"] == "gCO2e")
    document = json.loads(FORMATS["json"](poor, SCENARIO_PLAN))
    cost = document["scenarios"][0]["cost"]
    assert (cost["eur_per_month"], cost["usd_per_month"][0]) == ([None, None, None], 125.0)
    assert document["instances"][0]["resize"]["saved_eur_per_month"] is None
    assert document["instances"][0]["resize"]["saved_usd_per_month"] == 25.0


def test_an_instance_that_was_not_watched_long_enough():
    """Whether it is idle is unknown: neither true nor false."""
    young = snapshot(BusinessCase(resizes={"i-1": Resize("m5.medium", 50.0, 1.0, 1.0)}), "i-1")

    cost, _ = csv.DictReader(io.StringIO(FORMATS["csv"](young, SCENARIO_PLAN)))
    assert (cost["instance_id"], cost["idle"]) == ("i-1", "")
    assert json.loads(FORMATS["json"](young, SCENARIO_PLAN))["instances"][0]["idle"] is None


def test_all_instances_are_listed():
    """However many."""
    names = [f"i-{number:04}" for number in range(500)]
    many = snapshot(BusinessCase(idle=dict.fromkeys(names, True)), *names)

    assert FORMATS["csv"](many, SCENARIO_PLAN).count("\n") == 1 + 500
    assert len(json.loads(FORMATS["json"](many, SCENARIO_PLAN))["instances"]) == 500


def test_gaps_are_in_order():
    """Whatever order the case has, two reports of the same state are the same text."""
    gaps = {
        (Scenario.TIME_SHIFT, ScenarioGap.NO_PUE): 1,
        (Scenario.OFFICE_HOURS, ScenarioGap.NO_PUE): 1,
    }
    texts = {
        FORMATS[name](snapshot(BusinessCase(gaps=of)), SCENARIO_PLAN)
        for name in ("csv", "json")
        for of in (gaps, dict(reversed(gaps.items())))
    }
    assert len(texts) == 2


@pytest.mark.parametrize("name", FORMATS)
def test_before_the_first_evaluation(name):
    """Nothing is listed and nothing made up."""
    text = FORMATS[name](snapshot(BusinessCase(), "i-1"), SCENARIO_PLAN)

    assert text.endswith("\n")
    if name == "json":
        document = json.loads(text)
        assert (document["scenarios"], document["gaps"], document["instances"]) == ([], [], [])
    elif name == "csv":
        assert text == ",".join(COLUMNS) + "\n"
    else:
        assert text.startswith("Savings per month\nNothing was evaluated yet.\n")


def test_the_table_is_a_format():
    """Its content has tests of its own."""
    assert FORMATS["table"] is as_table
