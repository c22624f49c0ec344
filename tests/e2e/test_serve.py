import socket

import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.e2e.conftest import until


@pytest.fixture
def black_hole():
    """The URL of a server that accepts and never answers."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(64)
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"


def everything_at(url):
    """Variables that send every upstream to one URL."""
    return {
        "AWS_ENDPOINT_URL": url,
        "AWS_ACCESS_KEY_ID": "AKIAEXAMPLE000000000",
        "AWS_SECRET_ACCESS_KEY": "made-up",
        "AWS_DEFAULT_REGION": "eu-central-1",
        "CARBONFINOPS_ELECTRICITY_MAPS__BASE_URL": url,
        "CARBONFINOPS_ELECTRICITY_MAPS__TOKEN": "made-up",
        "CARBONFINOPS_BOAVIZTA__BASE_URL": url,
        "CARBONFINOPS_CURRENCY__ECB_URL": f"{url}/daily.xml",
    }


def names(body):
    """The names of all samples of a body."""
    return {s.name for f in text_string_to_metric_families(body) for s in f.samples}


def test_metrics_answer_while_every_upstream_hangs(start_exporter, black_hole):
    """The exporter is up, shows no fleet, is not ready, and ends with code 0."""
    exporter = start_exporter("serve", **everything_at(black_hole))

    shown = names(exporter.get("/metrics"))

    assert "carbonfinops_source_up" in shown
    assert not {name for name in shown if name.startswith("carbonfinops_instance")}
    assert not exporter.answers("/-/ready")
    assert exporter.terminate() == 0


def test_missing_credentials_are_visible_and_never_lead_to_demo_data(start_exporter, black_hole):
    """Without AWS credentials the inventory is down as denied, and nothing is simulated."""
    variables = everything_at(black_hole)
    del variables["AWS_ACCESS_KEY_ID"], variables["AWS_SECRET_ACCESS_KEY"]
    exporter = start_exporter("serve", AWS_EC2_METADATA_DISABLED="true", **variables)

    failure = 'source="ec2_inventory",account_id="",region="",grid_zone="",reason="denied"} 1'
    until(lambda: failure in exporter.get("/metrics"), "the refusal is counted")

    assert "carbonfinops_simulated 0" in exporter.get("/metrics")
    assert exporter.terminate() == 0
    log = exporter.log()
    assert log.count("source=ec2_inventory") == 1
    assert "AWS_ACCESS_KEY_ID" in log
    assert "Traceback" not in log


def test_a_second_exporter_says_who_holds_the_state(start_exporter, black_hole):
    """Two writers would spoil each other's state: the second one ends with one clear line."""
    first = start_exporter("serve", **everything_at(black_hole))

    with pytest.raises(AssertionError, match=f"in use by process {first.process.pid}"):
        start_exporter("serve", **everything_at(black_hole))
