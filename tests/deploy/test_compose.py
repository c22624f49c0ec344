"""The compose file and what it is configured with."""

import re
from pathlib import Path

import pytest
import yaml

PROJECT = Path(__file__).parents[2]
FILE = PROJECT / "docker-compose.yml"
TEXT = FILE.read_text(encoding="utf-8")
SERVICES = yaml.safe_load(TEXT)["services"]
VARIABLES = sorted(set(re.findall(r"\$\{(\w+)", TEXT)))
EXAMPLE = (PROJECT / ".env.example").read_text(encoding="utf-8")
SHOWN = dict(re.findall(r"^#([A-Z_]+)=(.+)$", EXAMPLE, re.MULTILINE))
OTHER_THAN_DEFAULT = {
    "GRAFANA_WITHOUT_ADMIN",
    "GRAFANA_ANONYMOUS",
    "PROMETHEUS_CONFIG",
    "ALERTMANAGER_CONFIG",
}
ONCE = {"demo-samples", "demo-history"}
WITHOUT_DIGEST = {"ghcr.io/boavizta/boaviztapi"}


@pytest.mark.parametrize("name", VARIABLES)
def test_every_variable_is_in_the_example(name):
    """Whoever reads .env.example knows what can be set; none is taken for one of the exporter."""
    assert re.search(rf"^#?{name}=", EXAMPLE, re.MULTILINE)
    assert not name.startswith("CARBONFINOPS_")


@pytest.mark.parametrize("name", sorted(SHOWN))
def test_an_example_line_shows_the_default(name):
    """Where it does not, the comment above it says what it is for."""
    default = re.search(rf"\$\{{{name}:-([^}}]*)\}}", TEXT)

    assert default
    assert (SHOWN[name] == default[1]) == (name not in OTHER_THAN_DEFAULT)


@pytest.mark.parametrize("name", SERVICES)
def test_a_service_is_confined(name):
    """It may write only where it must, gains nothing, and belongs to a profile."""
    service = SERVICES[name]

    assert service["read_only"]
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert service["profiles"]


def test_the_one_image_that_would_run_as_root_does_not():
    """BoaviztAPI's names no user; the file does."""
    assert re.fullmatch(r"[1-9]\d+:[1-9]\d+", SERVICES["boaviztapi"]["user"])


@pytest.mark.parametrize("name", SERVICES)
def test_an_image_is_pinned(name):
    """By tag and digest; ours by its release, one by its tag as nobody here knows its digest."""
    service = SERVICES[name]
    repository, _, version = service["image"].partition(":")

    if "build" in service:
        assert version.startswith("${EXPORTER_VERSION:-")
    elif repository in WITHOUT_DIGEST:
        assert re.fullmatch(r"v?\d+\.\d+\.\d+", version)
    else:
        assert re.fullmatch(r"v?\d+\.\d+\.\d+@sha256:[0-9a-f]{64}", version)


def test_the_base_of_our_image_is_pinned():
    """By tag and digest, in the one place that names it."""
    dockerfile = (PROJECT / "Dockerfile").read_text(encoding="utf-8")
    (base,) = re.findall(r"^ARG PYTHON_IMAGE=(.+)$", dockerfile, re.MULTILINE)

    assert re.fullmatch(r"docker\.io/library/python:\S+@sha256:[0-9a-f]{64}", base)
    assert set(re.findall(r"^FROM (\S+)", dockerfile, re.MULTILINE)) == {"${PYTHON_IMAGE}"}


@pytest.mark.parametrize("name", sorted(SERVICES.keys() - ONCE))
def test_a_service_that_stays_says_how_it_is(name):
    """Health is asked for; what is published is published on loopback."""
    service = SERVICES[name]

    assert service["healthcheck"]["test"]
    assert all(port.startswith("127.0.0.1:") for port in service["ports"])


@pytest.mark.parametrize("profile", ["live", "demo"])
def test_a_profile_is_a_whole_wall(profile):
    """Exporter, Prometheus, Alertmanager and Grafana, no two of them on one port."""
    chosen = {name: each for name, each in SERVICES.items() if profile in each["profiles"]}
    ports = [port for each in chosen.values() for port in each.get("ports", ())]

    assert len(ports) == len(set(ports))
    assert {port.rpartition(":")[2] for port in ports} >= {"10105", "9090", "9093", "3000"}


def test_no_administrator_without_a_password():
    """Grafana makes none, unless one is asked for; then a password must be given."""
    environment = SERVICES["grafana"]["environment"]

    assert environment["GF_SECURITY_DISABLE_INITIAL_ADMIN_CREATION"].endswith(":-true}")
    assert ":?" in environment["GF_SECURITY_ADMIN_PASSWORD"]
    assert environment["GF_AUTH_ANONYMOUS_ORG_ROLE"] == "Viewer"
