"""The shipped rules in Prometheus' own engine: a fleet's power, written as a test of promtool."""

import json
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from itertools import groupby
from math import log
from pathlib import Path
from typing import Any, NamedTuple

from exporter.core.uncertainty import COVERAGE_FACTOR
from tests.benchmarks.spike_rule import Run
from tests.benchmarks.spike_rules import ALERT, spike_rules

TOLERANCE_MINUTES = 2
"""Ranges of Prometheus before 3.0 hold one sample more: a minute at either end."""

_JOB = 'job="carbonfinops",instance="exporter:10105"'
_PLACE = f'{_JOB},account_id="123456789012",region="eu-central-1"'
_INSTANCE = f'{_PLACE},instance_id="i-0",instance_type="m5.large"'
_AGE = f'{_JOB},component="cpu_age",grid_zone="",instance_type=""'
_FIRING = f'ALERTS{{alertname="{ALERT}",alertstate="firing"}}'


class Case(NamedTuple):
    """Power by minute, the deviation of its noise, and when plain Python has the alert fire."""

    name: str
    power: Sequence[float]
    noise: Sequence[float] | None
    fired: Sequence[Run]


def failed_checks(promtool: str, case: Case) -> list[str]:
    """What promtool has otherwise, as it tells it."""
    with tempfile.TemporaryDirectory() as folder:
        rules, test = Path(folder, "rules.yml"), Path(folder, "test.yml")
        group = {"name": "spike", "rules": spike_rules()}
        rules.write_text(json.dumps({"groups": [group]}), encoding="utf-8")
        test.write_text(json.dumps(rule_test(case)), encoding="utf-8")
        done = subprocess.run(
            [promtool, "test", "rules", test], capture_output=True, text=True, check=False
        )
    told = done.stdout + done.stderr
    if done.returncode and "expr:" not in told:
        return [told.strip()]
    return [line.strip() for line in told.splitlines() if "expr:" in line]


def rule_test(case: Case) -> dict[str, Any]:
    """A test of rules: one instance that draws what the fleet draws."""
    minutes = len(case.power)
    series = {
        f"carbonfinops_instance_power_watts{{{_INSTANCE}}}": compressed(case.power),
        f"carbonfinops_instance_running{{{_INSTANCE}}}": f"1x{minutes - 1}",
        f"up{{{_JOB}}}": f"1x{minutes - 1}",
        f"carbonfinops_uncertainty_coverage_factor{{{_JOB}}}": f"{COVERAGE_FACTOR}x{minutes - 1}",
        f"carbonfinops_uncertainty_ln{{{_AGE}}}": compressed(_deviations(case)),
        **{
            f'carbonfinops_fleet_covered_ratio{{{_JOB},quantity="{quantity}"}}': f"1x{minutes - 1}"
            for quantity in ("power", "emissions")
        },
    }
    return {
        "rule_files": ["rules.yml"],
        "evaluation_interval": "1m",
        "tests": [
            {
                "interval": "1m",
                "input_series": [{"series": k, "values": v} for k, v in series.items()],
                "promql_expr_test": list(_checks(case)),
            }
        ],
    }


def compressed(values: Sequence[float]) -> str:
    """Values as promtool reads them: equal neighbours as one."""
    runs = ((value, sum(1 for _ in same)) for value, same in groupby(values))
    return " ".join(f"{value!r}x{count - 1}" for value, count in runs)


def _deviations(case: Case) -> Sequence[float]:
    """What makes a single instance as noisy as the fleet."""
    if case.noise is None:
        return [0.0] * len(case.power)
    return [log(multiple) / (1.5 * COVERAGE_FACTOR) for multiple in case.noise]


def _checks(case: Case) -> Iterator[dict[str, Any]]:
    """The alert fires inside of each alarm, is silent around it, and fires for as long in all."""
    last = len(case.power) - 1
    for run in case.fired:
        yield _check(run.begin - TOLERANCE_MINUTES, firing=False)
        if run.end - run.begin > 2 * TOLERANCE_MINUTES:
            yield _check(run.begin + TOLERANCE_MINUTES, firing=True)
            yield _check(run.end - 1 - TOLERANCE_MINUTES, firing=True)
        if run.end + TOLERANCE_MINUTES <= last:
            yield _check(run.end + TOLERANCE_MINUTES, firing=False)
    minutes = sum(run.end - run.begin for run in case.fired)
    total = f"(sum(count_over_time({_FIRING}[{last + 1}m])) or vector(0))"
    slack = 2 * TOLERANCE_MINUTES * len(case.fired)
    yield {
        "expr": f"abs({total} - {minutes}) <= bool {slack}",
        "eval_time": f"{last}m",
        "exp_samples": [{"labels": "{}", "value": 1}],
    }


def _check(minute: int, *, firing: bool) -> dict[str, Any]:
    return {
        "expr": f"count({_FIRING}) or vector(0)",
        "eval_time": f"{minute}m",
        "exp_samples": [{"labels": "{}", "value": int(firing)}],
    }
