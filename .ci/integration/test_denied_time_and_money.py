"""CloudTrail or Cost Explorer refuse: only what rests on them ends, and check says what to do."""

from collections.abc import Callable, Mapping
from contextlib import ExitStack
from pathlib import Path

import pytest

from cloud_rig import live_settings
from command import Answer, run
from conftest import StartRig
from expectation import epoch
from exposition import Exposition
from stepped_exporter import SteppedExporter
from timed_rig import TimedRig

REGIONS = "eu-central-1,us-east-1"
START_AT = epoch("2026-03-06T14:22:30Z")
HOUR = 3600
END_AT = START_AT + 3 * HOUR
TRAIL = {"upstream": "cloudtrail", "operation": "LookupEvents", "mode": "denied"}
BILL = {"upstream": "ce", "operation": "GetCostAndUsage", "mode": "denied"}
RUNTIME = ("instance_runtime_seconds", "instance_billed_seconds")
COVERAGE = (
    "time_alignment_coverage_ratio",
    "cost_coverage_ratio",
    "fleet_time_alignment_coverage_ratio",
)
BILLED = ("billed_month_to_date_usd", "billed_last_day_usd", "billed_time_alignment_coverage_ratio")
RECONCILED = (
    "reconciliation_deviation_ratio",
    "reconciliation_time_deviation_ratio",
    "reconciliation_price_deviation_ratio",
    "reconciliation_weighted_error_ratio",
    "instance_cost_lower_eur_per_hour",
    "instance_cost_upper_eur_per_hour",
)
OWN = ("source_", "upstream_", "process_", "python_")
"""Families about the exporter itself."""

Bodies = Mapping[str, Exposition]


@pytest.fixture(scope="module")
def rig(ending: ExitStack, folder: Callable[[str], Path]) -> TimedRig:
    options = ("--fleet", "24", "--accounts", "2", "--regions", REGIONS, "--no-awkward")
    rig = TimedRig(folder("rig"), START_AT, *options, "--no-limits")
    ending.callback(rig.stop)
    return rig


@pytest.fixture(scope="module")
def bodies(rig: TimedRig, folder: Callable[[str], Path]) -> Bodies:
    """Three hours of three exporters in the same world: undisturbed, and each refusal."""
    found = {}
    for name, faults in {"calm": (), "trail": (TRAIL,), "bill": (BILL,)}.items():
        for fault in faults:
            rig.fail(**fault)
        with SteppedExporter(rig, REGIONS, folder(name), START_AT) as exporter:
            exporter.settle()
            exporter.run_until(END_AT)
            found[name] = exporter.body()
        rig.mend()
    return found


def _changes(before: Exposition, after: Exposition) -> set[str]:
    """Names of series that differ, came or went, but those about the exporter itself."""
    old, new = before.by_key(), after.by_key()
    return {
        key[0]
        for key in old.keys() | new.keys()
        if old.get(key) != new.get(key) and not key[0].startswith(OWN)
    }


def test_the_comparison_means_something(bodies: Bodies):
    """Undisturbed, everything is there: counters that have grown, runtime, coverage, the bill."""
    calm = bodies["calm"]
    for name in (*RUNTIME, *COVERAGE, *BILLED, *RECONCILED):
        assert calm.by_name.get(name), name
    assert sum(s.value for s in calm.by_name["fleet_energy_joules_total"]) > 0
    assert sum(s.value for s in calm.by_name["fleet_cost_usd_total"]) > 0
    assert min(s.value for s in calm.by_name["cost_coverage_ratio"]) == 1
    assert min(s.value for s in calm.by_name["time_alignment_coverage_ratio"]) > 0


def test_refused_events_end_runtime_and_coverage_only(bodies: Bodies):
    """Without LookupEvents: no runtime, coverage 0, no comparison; power, cost, counters stay."""
    calm, denied = bodies["calm"], bodies["trail"]
    for name in RUNTIME:
        assert name not in denied.by_name
    for name in COVERAGE:
        assert {series.value for series in denied.by_name[name]} == {0}, name
    gaps = {k[:3]: n for k, n in denied.gaps().items() if k[2] == "runtime"}
    listed = len(denied.by_name["instance_info"])
    assert sum(gaps.values()) == listed
    assert denied.value("fleet_covered_ratio", quantity="runtime") == 0
    changed = _changes(calm, denied)
    allowed = {*RUNTIME, *COVERAGE, *RECONCILED, "estimate_gaps", "fleet_covered_ratio"}
    allowed |= {"carbon_coverage_ratio", "billed_time_alignment_coverage_ratio"}
    allowed |= {"reconciliation_samples"}
    assert changed <= allowed


def test_a_refused_bill_ends_what_was_billed_only(bodies: Bodies):
    """Without GetCostAndUsage: nothing billed or compared, no cost bounds; all else is the same."""
    calm, denied = bodies["calm"], bodies["bill"]
    ended = {n for n in calm.by_name if n.startswith(("billed_", "reconciliation_"))}
    ended |= {n for n in calm.by_name if n.startswith(("instance_cost_lower", "instance_cost_up"))}
    assert len(ended) >= 12
    assert _changes(calm, denied) == ended
    assert not ended & denied.by_name.keys()


def test_old_answers_serve_for_two_days(rig: TimedRig, folder: Callable[[str], Path]):
    """Refused later on: everything goes on for 48 hours, then it ends."""
    with SteppedExporter(rig, REGIONS, folder("later"), START_AT) as exporter:
        exporter.settle()
        rig.fail(**TRAIL)
        rig.fail(**BILL)
        exporter.run_until(START_AT + 47 * HOUR, step_seconds=HOUR)
        before = exporter.body()
        exporter.run_until(START_AT + 49 * HOUR, step_seconds=HOUR)
        after = exporter.body()
        rig.mend()
    for name in (*RUNTIME, *COVERAGE, *BILLED, *RECONCILED):
        assert before.by_name.get(name), name
    assert min(s.value for s in before.by_name["cost_coverage_ratio"]) == 1
    for name in COVERAGE:
        assert {series.value for series in after.by_name[name]} == {0}, name
    for name in (*RUNTIME, *BILLED, *RECONCILED):
        assert name not in after.by_name, name


@pytest.fixture(scope="module")
def answer(start_rig: StartRig, folder: Callable[[str], Path]) -> Answer:
    rig = start_rig("--fleet", "4", "--accounts", "1", "--regions", "eu-central-1", "--no-awkward")
    rig.fail(**TRAIL)
    rig.fail(**BILL)
    return run(folder("check"), live_settings(rig, "eu-central-1"), "check")


@pytest.mark.parametrize("permission", ["cloudtrail:LookupEvents", "ce:GetCostAndUsage"])
def test_check_names_the_permission(answer: Answer, permission: str):
    """One failing line each, which says what is to be allowed; the command fails."""
    assert answer.code == 1
    failed = [line for line in answer.lines if line.startswith("FAIL")]
    assert len(failed) == 2, "\n".join(failed)
    assert sum(permission in line for line in failed) == 1
