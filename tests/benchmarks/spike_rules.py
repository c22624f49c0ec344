"""The rule files of the project: the spike alert with all that it rests on."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from tests.benchmarks.child import ROOT

RULES = ROOT / "prometheus" / "rules"
ALERT = "CarbonFinOpsCarbonSpike"
_RECORDED = re.compile(r"\b[a-z_]+:[a-z0-9_]+:[a-z0-9_]+\b")

RuleText = dict[str, Any]


def spike_rules(folder: Path = RULES) -> list[RuleText]:
    """The alert as it is shipped, last, and every recording rule that it needs, in order."""
    shipped = [
        rule
        for path in sorted(folder.glob("*.yml"))
        for group in yaml.safe_load(path.read_text(encoding="utf-8"))["groups"]
        for rule in group["rules"]
    ]
    recorded = {rule["record"]: rule for rule in shipped if "record" in rule}
    alert = next(rule for rule in shipped if rule.get("alert") == ALERT)
    needed: dict[str, RuleText] = {}

    def collect(rule: RuleText) -> None:
        for name in _RECORDED.findall(rule["expr"]):
            if name in recorded and name not in needed:
                collect(recorded[name])
                needed[name] = recorded[name]

    collect(alert)
    return [*needed.values(), alert]


def factor_and_hold(alert: RuleText) -> Iterator[str]:
    """What the alert is compared by: every number after a ``>``, and ``for``."""
    yield from re.findall(r">\s*([0-9.]+)", alert["expr"])
    yield alert["for"]
