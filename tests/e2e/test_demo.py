import json
import subprocess
import urllib.parse
import urllib.request

import pytest
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.samples import Sample

from tests.e2e.conftest import free_port, until

CHROMIUM_FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--virtual-time-budget=2000",
)


@pytest.fixture
def demo(start_exporter):
    """A demo whose whole fleet is known."""
    exporter = start_exporter("demo", "--faults", "off")
    until(lambda: exporter.answers("/-/ready"), "the demo is ready")
    until(lambda: "carbonfinops_fleet_cost_eur_per_hour 1" in exporter.get("/metrics"), "costs")
    return exporter


def samples(body):
    """Every sample of a body by name."""
    found: dict[str, list[Sample]] = {}
    for family in text_string_to_metric_families(body):
        for sample in family.samples:
            found.setdefault(sample.name, []).append(sample)
    return found


def test_the_demo_shows_a_whole_fleet_and_says_that_it_is_simulated(demo):
    """About 100 instances in three regions have power, emissions and cost; simulated is 1."""
    found = samples(demo.get("/metrics"))

    assert found["carbonfinops_simulated"][0].value == 1
    assert 85 <= len(found["carbonfinops_instance_info"]) <= 115
    assert {s.labels["region"] for s in found["carbonfinops_instance_info"]} == {
        "eu-central-1",
        "eu-west-1",
        "us-east-1",
    }
    assert "Simulated fleet" in demo.get("/")


def test_sigterm_ends_the_demo_with_exit_code_zero(demo):
    """An orchestrator's way to stop a program is not an error."""
    assert demo.terminate() == 0


def test_a_real_prometheus_scrapes_the_demo_without_complaint(demo, tool, tmp_path):
    """The target is up, and Prometheus keeps as many samples as the body has."""
    config = tmp_path / "prometheus.yml"
    config.write_text(
        "global: {scrape_interval: 1s}\n"
        "scrape_configs:\n"
        "  - job_name: carbonfinops\n"
        f"    static_configs: [{{targets: ['{demo.address}']}}]\n"
    )
    address = f"127.0.0.1:{free_port()}"
    arguments = [
        tool("prometheus"),
        f"--config.file={config}",
        f"--storage.tsdb.path={tmp_path / 'data'}",
        f"--web.listen-address={address}",
    ]

    def query(expression):
        url = f"http://{address}/api/v1/query?" + urllib.parse.urlencode({"query": expression})
        try:
            with urllib.request.urlopen(url, timeout=10) as answer:
                return json.load(answer)["data"]["result"]
        except OSError:
            return []

    with subprocess.Popen(arguments, stderr=subprocess.PIPE, text=True) as prometheus:
        try:
            until(lambda: bool(query("up == 1")), "Prometheus scrapes the demo")
            kept = query("scrape_samples_scraped")[0]["value"][1]
            teams = query(
                "sum by (tag_team) (carbonfinops_instance_power_watts"
                " * on (instance_id) group_left (tag_team) carbonfinops_instance_info)"
            )
        finally:
            prometheus.terminate()
            log = prometheus.communicate()[1]

    assert float(kept) > 1000
    assert len(teams) >= 3
    complaints = [line for line in log.splitlines() if "level=warn" in line or "level=err" in line]
    assert [line for line in complaints if "Received SIGTERM" not in line] == []


def test_promtool_finds_nothing_to_complain_about(demo, tool):
    """Names, types, units and help follow Prometheus' conventions."""
    found = subprocess.run(
        [tool("promtool"), "check", "metrics"],
        input=demo.get("/metrics"),
        capture_output=True,
        text=True,
        check=False,
    )

    assert (found.returncode, found.stdout, found.stderr) == (0, "", "")


def test_a_browser_shows_the_page_without_anything_from_elsewhere(demo, tool, tmp_path):
    """Totals, instances and sources are on the page, drawn by a real browser, with no script."""
    picture = tmp_path / "page.png"

    def browse(action):
        arguments = [*CHROMIUM_FLAGS, f"--user-data-dir={tmp_path / 'profile'}", action]
        return subprocess.run(
            [tool("chromium"), *arguments, f"http://{demo.address}/"],
            capture_output=True,
            text=True,
            check=True,
            timeout=120,
        ).stdout

    shown = browse("--dump-dom")
    browse(f"--screenshot={picture}")

    assert "Simulated fleet" in shown
    assert "eu-central-1" in shown
    assert "electricity_maps" in shown
    assert "<script" not in shown
    assert picture.stat().st_size > 10_000
