"""The alerts, their runbooks and the two configurations, read as files and by the real tools."""

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import yaml

from exporter.exposition.catalogue import METRICS

ROOT = Path(__file__).parents[2]
PROMETHEUS = ROOT / "prometheus"
RUNBOOKS = ROOT / "docs" / "runbooks"
PAGE = "https://github.com/carbonfinops/carbonfinops-exporter/blob/main/docs/runbooks/{}.md"
SEVERITIES = {"critical", "warning", "info"}
BOARDS = {f"/d/carbonfinops-{name}" for name in ("wall", "cost", "carbon", "instance", "exporter")}
OF_PROMETHEUS = {"job", "instance", "alertname", "alertstate", "severity"}
CONTINUED = ("/", "*", "unless ", "and ", "or ")

FENCE = re.compile(r"^```\n(.*?)^```$", re.MULTILINE | re.DOTALL)
NAME = re.compile(r"\b(?:[a-z_]+:)?carbonfinops_[a-z0-9_]+(?::[a-z0-9_]+)?")
SELECTOR = re.compile(rf"({NAME.pattern}|\bup|\bALERTS)(\{{[^}}]*\}})?")
MATCHED = re.compile(r"[{,]\s*([a-z_]+)\s*(?:=~|!~|!=|=)")
GROUPED = re.compile(r"\b(?:by|without|on|ignoring|group_left|group_right)\s*\(([^)]*)\)")
TEXTS = re.compile(r'"(?:[^"\\]|\\.)*"')
COMPARED = re.compile(r"[^=!<>](?:==|!=|>=|<=|>|<)(?:[^=~]|$)")
QUERY = re.compile(r'query (?:\(printf )?"((?:[^"\\]|\\.)*)"')


class Rule(NamedTuple):
    """One alerting rule."""

    alert: str
    text: dict[str, Any]

    @property
    def queries(self) -> list[str]:
        """Its expression, and what its texts ask."""
        asked = QUERY.findall(" ".join(self.text["annotations"].values()))
        plain = [query.replace(r"\"", '"').replace("%q", '"x"') for query in asked]
        return [self.text["expr"], *plain]


def load(path: Path) -> Any:
    return yaml.safe_load(path.read_text(encoding="utf-8"))


def rules(pattern: str, kind: str) -> Iterator[dict[str, Any]]:
    for path in sorted((PROMETHEUS / "rules").glob(pattern)):
        for group in load(path)["groups"]:
            yield from (rule for rule in group["rules"] if kind in rule)


RULES = [Rule(rule["alert"], rule) for rule in rules("*.alerts.yml", "alert")]
ALERTS = sorted({rule.alert for rule in RULES})
RECORDED = {rule["record"] for rule in rules("*.rules.yml", "record")}
EXPOSED = {spec.name for spec in METRICS}
LABELS = OF_PROMETHEUS | {label for spec in METRICS for label in spec.labels}
TESTS = sorted((PROMETHEUS / "tests").glob("*_alerts_test.yml"))
PAGES = sorted(path for path in RUNBOOKS.glob("*.md") if path.name != "README.md")


def runbook_queries(page: Path) -> Iterator[str]:
    """The queries of a page: each line of a block, unless it goes on with an operator."""
    for block in FENCE.findall(page.read_text(encoding="utf-8")):
        if "amtool" in block:
            continue
        query = ""
        for line in block.splitlines():
            if query and not line.startswith(CONTINUED):
                yield query
                query = ""
            query = f"{query} {line}".strip()
        yield query


def unknown(query: str) -> set[str]:
    """Metrics and labels of a query that neither the catalogue nor a recording rule has."""
    labels = set(MATCHED.findall(query))
    for group in GROUPED.findall(query):
        labels |= {label.strip() for label in group.split(",")} - {""}
    names = set(NAME.findall(TEXTS.sub('""', query)))
    return names - EXPOSED - RECORDED - {"up"} | labels - LABELS


def rule_ids(rule: Rule) -> str:
    return f"{rule.alert}-{rule.text['labels']['severity']}"


@pytest.fixture
def run(tool):
    """Run a tool that has to succeed; what it says."""

    def call(*command: str | Path) -> str:
        program = tool(str(command[0]))
        done = subprocess.run(
            [program, *command[1:]], capture_output=True, text=True, timeout=120, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout + done.stderr

    return call


def test_every_alert_has_a_runbook_and_every_runbook_an_alert():
    """Nobody is woken up without a page to read, and no page is about nothing."""
    assert [page.stem for page in PAGES] == ALERTS
    listed = re.findall(
        r"^\| \[(\w+)\]\(\1\.md\)", (RUNBOOKS / "README.md").read_text(), re.MULTILINE
    )
    assert sorted(listed) == ALERTS


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_a_runbook_answers_the_four_questions(page: Path):
    """What it means, how to see it, what to do, and a silence for this alert and no other."""
    text = page.read_text(encoding="utf-8")
    assert text.startswith(f"# {page.stem}\n")
    assert re.findall(r"^## (.*)$", text, re.MULTILINE)[:2] == ["What it means", "See it"]
    assert re.search(r"^## What to do", text, re.MULTILINE)
    silences = re.findall(r"^amtool silence add .*alertname=(\w+)", text, re.MULTILINE)
    assert set(silences) == {page.stem}
    named = [rule.text["labels"]["severity"] for rule in RULES if rule.alert == page.stem]
    assert all(f"**{severity}**" in text for severity in named)


def test_the_queries_of_the_runbooks_parse_and_know_their_names(run, tmp_path):
    """What one pastes at three in the morning works."""
    queries = [query for page in PAGES for query in runbook_queries(page)]
    assert len(queries) > len(PAGES)
    assert {name for query in queries for name in unknown(query)} == set()
    found = [{"record": f"q{number}", "expr": query} for number, query in enumerate(queries)]
    file = tmp_path / "queries.yml"
    file.write_text(yaml.safe_dump({"groups": [{"name": "queries", "rules": found}]}))
    run("promtool", "check", "rules", file)


@pytest.mark.parametrize("rule", RULES, ids=rule_ids)
def test_an_alert_has_its_severity_texts_and_links(rule: Rule):
    """A static summary, a description, the runbook and a dashboard; no label moves with a value."""
    labels, texts = rule.text["labels"], rule.text["annotations"]
    assert rule.alert.startswith("CarbonFinOps")
    assert labels["severity"] in SEVERITIES
    assert set(labels) <= {"severity", "job"}
    assert "{{" not in "".join(labels.values())
    assert set(texts) == {"summary", "description", "runbook_url", "dashboard_url"}
    assert re.fullmatch(r"[A-Z][^{]*\.", texts["summary"])
    assert "{{" in texts["description"]
    assert texts["runbook_url"] == PAGE.format(rule.alert)
    assert texts["dashboard_url"] in BOARDS
    assert rule.text["for"]


@pytest.mark.parametrize("rule", RULES, ids=rule_ids)
def test_an_expression_compares_selects_the_job_and_uses_known_names(rule: Rule):
    """Each alert has a comparison; each selector is of the exporter's job; nothing is misspelt."""
    assert COMPARED.search(TEXTS.sub('""', rule.text["expr"]))
    assert "topk" not in rule.text["expr"]
    for query in rule.queries:
        for name, matchers in SELECTOR.findall(query):
            assert 'job="carbonfinops"' in matchers, name
        assert unknown(query) == set()


@pytest.mark.parametrize("alert", ALERTS)
def test_every_alert_is_tested_silent_and_firing(alert: str):
    """Each severity of an alert is seen with its whole text, and each alert is seen silent."""
    seen: list[list[dict[str, Any]]] = [
        check.get("exp_alerts", [])
        for path in TESTS
        for test in load(path)["tests"]
        for check in test["alert_rule_test"]
        if check["alertname"] == alert
    ]
    assert [] in seen
    fired = [found for expected in seen for found in expected]
    severities = {rule.text["labels"]["severity"] for rule in RULES if rule.alert == alert}
    assert {found["exp_labels"]["severity"] for found in fired} == severities
    assert all(len(found["exp_annotations"]) == 4 for found in fired)


@pytest.mark.parametrize("path", TESTS, ids=lambda path: path.stem)
def test_the_unit_tests_of_the_alerts_pass(run, path: Path):
    """Each alert is silent and fires when it should, word for word."""
    assert "SUCCESS" in run("promtool", "test", "rules", path)


def test_prometheus_takes_the_configuration_and_every_rule(run):
    """The scrape has a limit, and all rules of the folder are loaded."""
    said = run("promtool", "check", "config", PROMETHEUS / "prometheus.yml")
    files = list((PROMETHEUS / "rules").glob("*.yml"))
    assert f"{len(files)} rule files found" in said
    job = load(PROMETHEUS / "prometheus.yml")["scrape_configs"][0]
    assert job["job_name"] == "carbonfinops"
    assert job["sample_limit"] > 0


def test_alertmanager_takes_the_configuration(run):
    """It is valid, and what it silences exists."""
    run("amtool", "check-config", PROMETHEUS / "alertmanager.yml")
    text = (PROMETHEUS / "alertmanager.yml").read_text()
    named = set(re.findall(r'alertname!?="(\w+)"', text))
    assert named
    assert named <= set(ALERTS)


def test_alertmanager_takes_the_receivers_of_the_documentation(run, tmp_path):
    """They are shown as what takes the place of the two in the file, under the same names."""
    page = (ROOT / "docs/how-to/be-told-of-alerts.md").read_text(encoding="utf-8")
    found = re.search(r"^```yaml\n(receivers:.*?)^```$", page, re.MULTILINE | re.DOTALL)
    assert found
    shown = yaml.safe_load(found[1])
    configuration = load(PROMETHEUS / "alertmanager.yml")
    names = [receiver["name"] for receiver in configuration["receivers"]]
    assert [receiver["name"] for receiver in shown["receivers"]] == names
    file = tmp_path / "alertmanager.yml"
    file.write_text(yaml.safe_dump(configuration | shown))

    run("amtool", "check-config", file)


def test_vmalert_takes_the_alerts(run):
    """VictoriaMetrics loads the same files."""
    run("vmalert", "-dryRun", f"-rule={PROMETHEUS / 'rules' / '*.alerts.yml'}")
