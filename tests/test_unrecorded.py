import json
import subprocess
from pathlib import Path

from tests.benchmarks.unrecorded import RULES, unrecorded

SPANS = (("now", "max", ""), ("end", "max", " @ end()"), ("hour", "max_over_time", "[1h]"))
POWER = "fleet:carbonfinops_instance_power_watts:sum"


def test_rules_are_written_out_down_to_what_is_exposed(tool, tmp_path: Path):
    """Every recorded series, also over a range: Prometheus can read it, and no rule is left."""
    written = {
        f"{name}:{kind}": unrecorded(f'{call}({name}{{job="carbonfinops"}}{span})')
        for name in RULES
        for kind, call, span in SPANS
    }
    plain = {name: expr for name, expr in written.items() if expr is not None}
    assert f"{POWER}:hour" in plain
    assert not [name for name in RULES for expr in plain.values() if f"{name}{{" in expr]

    file = tmp_path / "rules.yml"
    rules = [{"record": name, "expr": expr} for name, expr in plain.items()]
    file.write_text(json.dumps({"groups": [{"name": "written-out", "rules": rules}]}))
    done = subprocess.run(
        [tool("promtool"), "check", "rules", file], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]


def test_a_choice_among_recorded_series_is_left_alone():
    """A rule's own expression cannot be narrowed by a label that it makes."""
    assert unrecorded(f'{POWER}{{job="carbonfinops",region="x"}}') is None
    assert unrecorded('carbonfinops_fleet_power_watts{job="carbonfinops"}') is None
