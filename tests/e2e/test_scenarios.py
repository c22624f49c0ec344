"""The business case as a newcomer sees it: of the demo, and on the command line."""

import csv
import io
import json
import re
import subprocess
import sys

import pytest

from tests.e2e.conftest import until
from tests.e2e.test_demo import samples

SCENARIOS = {
    ("office_hours", ""),
    ("rightsizing", ""),
    ("region_shift", "eu-north-1"),
    ("region_shift", "eu-west-1"),
    ("time_shift", ""),
}


@pytest.fixture
def body(start_exporter):
    """What a demo says once every scenario has its bounds."""
    exporter = start_exporter("demo", "--faults", "off")

    last = "carbonfinops_scenario_saving_lower_eur_per_month"  # it waits for the bill as well
    wanted = [f'{last}{{scenario="{name}",target_region="{to}"}}' for name, to in SCENARIOS]
    wanted.append("carbonfinops_instance_rightsizing_candidate_info{")

    def studied():
        told = exporter.get("/metrics") if exporter.answers("/-/ready") else ""
        return all(each in told for each in wanted)

    until(studied, "every scenario has a value")
    return samples(exporter.get("/metrics"))


def of_scenario(found, name):
    """Values of a family by scenario and target."""
    return {(s.labels["scenario"], s.labels["target_region"]): s.value for s in found[name]}


def test_every_scenario_of_the_demo_has_a_value_with_its_band(body):
    """In euros, grams and shares; the rest of the story beside them."""
    for unit in ("eur_per_month", "grams_per_month"):
        lower, value, upper = (
            of_scenario(body, f"carbonfinops_scenario_saving_{part}{unit}")
            for part in ("lower_", "", "upper_")
        )
        assert lower.keys() == value.keys() == upper.keys() == SCENARIOS
        assert all(lower[each] <= value[each] <= upper[each] for each in SCENARIOS)
    assert set(of_scenario(body, "carbonfinops_scenario_backtest_samples").values()) == {28.0}
    assert of_scenario(body, "carbonfinops_scenario_feasible")["region_shift", "eu-north-1"] == 1
    assert len(body["carbonfinops_scenario_info"]) == 4


def test_the_demo_shows_what_an_engineer_acts_on(body):
    """Something idle, something too large, and the typical week of the fleet and its grids."""
    assert {s.value for s in body["carbonfinops_instance_idle"]} == {0.0, 1.0}
    [resize] = body["carbonfinops_instance_rightsizing_candidate_info"]
    assert resize.labels["basis"] == "cpu_only"
    assert resize.labels["instance_type"] == "m5.4xlarge"
    [saved] = body["carbonfinops_instance_rightsizing_saving_eur_per_month"]
    total = of_scenario(body, "carbonfinops_scenario_saving_eur_per_month")["rightsizing", ""]
    assert saved.value == pytest.approx(total)
    assert len(body["carbonfinops_profile_emissions_grams_per_hour"]) == 168
    zones = {
        s.labels["grid_zone"]
        for s in body["carbonfinops_profile_grid_carbon_intensity_grams_per_kilowatt_hour"]
    }
    assert zones == {"DE", "IE", "SE-SE3", "US-MIDA-PJM"}


def scenarios(form):
    """What the command prints of the simulated fleet."""
    command = [sys.executable, "-m", "exporter", "scenarios", "--demo", "--format", form]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)
    assert "no number here is real" in done.stderr
    return done.stdout


def test_the_table_says_savings_and_assumptions():
    """A manager reads the one, a controller the other."""
    text = scenarios("table")
    assert re.search(r"^Office hours +\d+ \(\d+ to \d+\)", text, re.MULTILINE)
    assert re.search(r"^Region shift +eu-north-1 +", text, re.MULTILINE)
    assert "memory use is unknown" in text
    assert "never the best hour in" in text


def test_json_and_csv_say_the_same():
    """Scripts get every figure, whichever form they take."""
    document = json.loads(scenarios("json"))
    rows = list(csv.DictReader(io.StringIO(scenarios("csv"))))
    told = {(each["scenario"], each["target_region"]) for each in document["scenarios"]}
    assert told == SCENARIOS
    grams = {
        (row["scenario"], row["target_region"]): float(row["per_month"])
        for row in rows
        if row["quantity"] == "emissions" and row["scenario"]
    }
    for each in document["scenarios"]:
        value = each["emissions"]["grams_per_month"][0]
        key = each["scenario"], each["target_region"]
        assert grams[key] == pytest.approx(value, rel=0.02)  # an hour may have passed between
