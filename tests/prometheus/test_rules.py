"""The recording rules, read as files and by the real tools."""

import re
import subprocess
from pathlib import Path

import pytest
import yaml

from tests.prometheus.known import KNOWN, LEVELS, NAME, TEMPLATE
from tests.prometheus.promql import Selector, usage
from tests.prometheus.reference import recording_reference
from tests.prometheus.rulebook import (
    PROJECT,
    RULES,
    TESTS,
    Rule,
    RuleFile,
    passes,
    recording_files,
)

FILES = recording_files()
RECORDING = [rule for file in FILES for rule in file.rules]
UNIT_TESTS = sorted(set(TESTS.glob("*_test.yml")) - set(TESTS.glob("*_alerts_test.yml")))
TESTED = [
    check["expr"]
    for path in UNIT_TESTS
    for test in yaml.safe_load(path.read_text())["tests"]
    for check in test["promql_expr_test"]
    if check["exp_samples"]
]
PAGE = PROJECT / "docs" / "reference" / "recording-rules.md"


def run(*command: str | Path) -> str:
    """What a tool says; it must be content."""
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.path.name)
def test_promtool_takes_the_file(file: RuleFile, tool):
    """Every rule that is written is a rule to Prometheus."""
    said = run(tool("promtool"), "check", "rules", file.path)
    assert f"SUCCESS: {len(file.rules)} rules found" in said


@pytest.mark.parametrize("path", UNIT_TESTS, ids=lambda path: path.stem)
def test_the_unit_tests_pass(path: Path, tool):
    """What is recorded is what was computed by hand."""
    assert "SUCCESS" in run(tool("promtool"), "test", "rules", path)


def test_vmalert_takes_the_rules(tool):
    """VictoriaMetrics loads the same files."""
    run(tool("vmalert"), "-dryRun", f"-rule={RULES / '*.rules.yml'}")


@pytest.mark.parametrize("rule", RECORDING, ids=lambda rule: rule.record)
def test_a_rule_has_a_name_of_three_parts_and_says_what_it_means(rule: Rule):
    """level:metric:operations, by a known level; once; and a sentence above it."""
    match = NAME.fullmatch(rule.record)
    assert match
    assert match["level"] in LEVELS
    assert [other.record for other in RECORDING].count(rule.record) == 1
    assert re.fullmatch(r"[A-Z1].*\.", rule.comment, re.DOTALL)


@pytest.mark.parametrize("rule", RECORDING, ids=lambda rule: rule.record)
def test_a_rule_reads_the_job_and_what_exists(rule: Rule):
    """Each selector is of the exporter's job; metrics and labels are exposed or recorded."""
    used = usage(rule.expr)
    available: set[str] = set()
    for selector in used.selectors:
        assert selector.matchers.get("job") == ("=", "carbonfinops"), selector.metric
        assert not unknown_labels(selector), selector
        available |= KNOWN[selector.metric]
    assert used.grouped <= available | used.made_up


def unknown_labels(selector: Selector) -> set[str]:
    """Labels it matches that its metric does not have."""
    assert selector.metric in KNOWN, selector.metric
    return set(selector.matchers) - KNOWN[selector.metric]


@pytest.mark.parametrize("rule", RECORDING, ids=lambda rule: rule.record)
def test_a_rule_is_tested(rule: Rule):
    """Some unit test expects samples of it."""
    assert any(rule.record in expression for expression in TESTED)


def test_a_past_can_be_recorded_file_by_file():
    """No file reads what it records: Prometheus would not see it while a past is recorded.

    Each further step costs a start of Prometheus.
    """
    order = passes(FILES)
    assert sum(map(len, order)) == len(FILES)
    assert len(order) <= 4


def test_the_example_of_a_functional_unit_works(tool, tmp_path):
    """The commented rule is one, and with it a service has a score.

    20 g/h and 4 g/h for 2 requests a second that were answered well: 24 g / 7,200.
    """
    (sci,) = (file for file in FILES if file.path.name == "sci.rules.yml")
    example = tmp_path / "units.rules.yml"
    example.write_text("groups:\n" + sci.comment.partition("groups:\n")[2])
    assert yaml.safe_load(example.read_text())["groups"][0]["rules"][0]["record"] == TEMPLATE

    service = '{job="carbonfinops",tag_service="shop-frontend"}'
    score = "tag_service:carbonfinops_sci_grams_per_functional_unit:avg1h"
    inputs = {
        'http_requests_total{job="shop",code="200"}': "0+120x120",
        'http_requests_total{job="shop",code="500"}': "0+600x120",
        f"tag_service:carbonfinops_instance_emissions_grams_per_hour:sum{service}": "20x120",
        f"tag_service:carbonfinops_instance_embodied_emissions_grams_per_hour:sum{service}": (
            "4x120"
        ),
    }
    check = {
        "rule_files": [str(example), str(sci.path)],
        "evaluation_interval": "1m",
        "group_eval_order": ["functional-units", "carbonfinops-sci"],
        "tests": [
            {
                "interval": "1m",
                "input_series": [{"series": s, "values": v} for s, v in inputs.items()],
                "promql_expr_test": [
                    {
                        "expr": f"round(1e6 * {score})",
                        "eval_time": "2h",
                        "exp_samples": [{"labels": service, "value": 3333}],
                    }
                ],
            }
        ],
    }
    path = tmp_path / "units_test.yml"
    path.write_text(yaml.safe_dump(check))
    run(tool("promtool"), "test", "rules", path)


def test_the_reference_page_is_the_rule_files():
    """The published page says what is recorded."""
    assert PAGE.read_text() == recording_reference(), "regenerate: make docs"


def test_a_past_is_recorded_in_the_right_order():
    """history.sh takes its steps in the order in which the rules read one another."""
    script = (PROJECT / "prometheus" / "history.sh").read_text()
    steps = [line.split()[1:] for line in script.splitlines() if line.startswith("step ")]

    expected = [
        [file.path.name.removesuffix(".rules.yml") for file in step] for step in passes(FILES)
    ]
    assert [sorted(step) for step in steps] == [sorted(step) for step in expected]
