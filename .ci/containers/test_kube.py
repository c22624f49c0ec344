"""The chart's pod and settings, played by podman: what helm renders is what runs."""

import ssl
import time
from collections.abc import Iterator

import pytest
from tests.certificates import issue, make_authority
from waiting import eventually

from chart import Helm, find_helm
from engine import Engine
from played_pod import START_SECONDS, PlayedPod, played

STOP_SECONDS = 2.0
NOBODY = "http://127.0.0.1:1"
"""An address at which nobody answers."""

CANARY = "canary-of-electricity-maps"
WEB_CONFIG = """\
tls_server_config:
  cert_file: tls.crt
  key_file: tls.key
  client_ca_file: ca.crt
  client_auth_type: RequireAndVerifyClientCert
"""


@pytest.fixture(scope="module")
def helm() -> Helm:
    """Helm, from the path or a wheel."""
    return find_helm()


def values(image: str, port: int) -> dict[str, object]:
    """The image that was built here, on a port that is free here."""
    repository, tag = image.rsplit(":", 1)
    return {
        "image": {"repository": repository, "tag": tag, "pullPolicy": "Never"},
        "boaviztapi": {"enabled": False},
        "web": {"port": port, "host": "127.0.0.1"},
    }


@pytest.fixture(scope="module")
def demo(
    engine: Engine, image: str, helm: Helm, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[PlayedPod]:
    """A simulated fleet, with every default of the chart."""
    chosen = values(image, 34010) | {"args": ["demo", "--instances=20"]}
    place = tmp_path_factory.mktemp("demo")
    with played(engine, helm.objects(chosen, release="ci-demo"), place) as pod:
        yield pod


@pytest.fixture(scope="module")
def cut_off(
    engine: Engine, image: str, helm: Helm, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[PlayedPod]:
    """`serve`, while not one upstream can be reached; a key comes as a file."""
    variables = {
        "AWS_ACCESS_KEY_ID": "made-up",
        "AWS_SECRET_ACCESS_KEY": "made-up",
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_ENDPOINT_URL": NOBODY,
    }
    chosen = values(image, 34011) | {
        "aws": {"region": "eu-central-1"},
        "settings": {
            "AWS__REGIONS": ["eu-central-1"],
            "BOAVIZTA__BASE_URL": NOBODY,
            "CURRENCY__ECB_URL": NOBODY,
            "ELECTRICITY_MAPS__BASE_URL": NOBODY,
            "LOG__FORMAT": "json",
        },
        "secrets": {"ELECTRICITY_MAPS__TOKEN": {"existingSecret": "key", "key": "key"}},
        "extraEnv": [{"name": name, "value": value} for name, value in variables.items()],
    }
    place = tmp_path_factory.mktemp("live")
    secrets = place / "secrets"
    secrets.mkdir()
    (secrets / "ELECTRICITY_MAPS__TOKEN").write_text(CANARY)
    objects = helm.objects(chosen, release="ci-live")
    with played(engine, objects, place, secrets={"secrets": secrets}) as pod:
        yield pod


@pytest.fixture(scope="module")
def guarded(
    engine: Engine, image: str, helm: Helm, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[PlayedPod]:
    """A demo that asks for client certificates, with the Secrets' files where the chart says."""
    place = tmp_path_factory.mktemp("guarded")
    web = place / "web"
    web.mkdir()
    authority = make_authority(web, "ca")
    own, scraper = (issue(web, name, authority) for name in ("tls", "scraper"))
    own.key_file.chmod(0o644)
    (web / "web.yml").write_text(WEB_CONFIG)
    tls = ssl.create_default_context(cafile=authority.cert_file)
    tls.load_cert_chain(scraper.cert_file, scraper.key_file)
    chosen = values(image, 34012) | {"args": ["demo", "--instances=20"]}
    chosen["web"] = {
        "port": 34012,
        "host": "127.0.0.1",
        "existingSecret": "web",
        "certificateSecret": "certificate",
        "tls": True,
        "clientCertificates": True,
    }
    objects = helm.objects(chosen, release="ci-guarded")
    with played(engine, objects, place, secrets={"web": web}, tls=tls) as pod:
        yield pod


def test_the_demo_serves_metrics(demo: PlayedPod) -> None:
    """A fleet, from settings that came by the ConfigMap."""
    begin = time.monotonic()
    found = demo.metrics_with("carbonfinops_fleet_power_watts ")
    print(f"\na fleet after {time.monotonic() - begin:.1f} s")
    assert "\ncarbonfinops_simulated 1" in found


def test_what_the_probes_ask_is_answered(demo: PlayedPod) -> None:
    """Each path in the rendered probes says 200 once there is a fleet."""
    demo.metrics_with("carbonfinops_fleet_power_watts ")
    probes = [demo.container[f"{kind}Probe"] for kind in ("startup", "liveness", "readiness")]
    assert {demo.ask(probe["httpGet"]["path"])[0] for probe in probes} == {200}


def test_it_can_do_nothing_but_its_work(demo: PlayedPod) -> None:
    """Nobody in particular, without capabilities, and nothing to write to but the state."""
    demo.metrics_with("carbonfinops_build_info")
    assert demo.run("sh", "-c", "id -u; id -g").stdout.split() == ["65532", "65532"]
    lines = demo.run("cat", "/proc/1/status").stdout.splitlines()
    status = dict(line.split(":\t", 1) for line in lines)
    assert {int(status[kind], 16) for kind in ("CapEff", "CapBnd", "CapInh", "CapPrm")} == {0}
    assert status["NoNewPrivs"] == "1"
    assert status["Seccomp"] == "2"
    tried = "for place in / /opt /tmp /var/tmp /etc /var/lib/carbonfinops; do"
    written = demo.run("sh", "-c", f"{tried} touch $place/x && echo $place; done").stdout
    assert written.split() == ["/var/lib/carbonfinops"]


def test_it_stops_when_it_is_told(demo: PlayedPod) -> None:
    """SIGTERM ends it within two seconds, with exit code 0."""
    demo.metrics_with("carbonfinops_build_info")
    begin = time.monotonic()
    assert demo.stop() == 0
    took_seconds = time.monotonic() - begin
    print(f"\nstopped after {took_seconds:.1f} s")
    assert took_seconds < STOP_SECONDS


def test_without_any_upstream_it_lives_and_says_so(cut_off: PlayedPod) -> None:
    """Healthy, so that nobody restarts it; not ready; every source that was asked is down."""
    found = cut_off.metrics_with('carbonfinops_source_up{source="ec2_inventory"')
    assert "\ncarbonfinops_simulated 0" in found
    assert cut_off.ask("/-/healthy")[0] == 200
    assert cut_off.ask("/-/ready")[0] == 503
    up = [line for line in found.splitlines() if line.startswith("carbonfinops_source_up{")]
    assert all(float(line.rsplit(" ", 1)[1]) == 0 for line in up), up
    asked = "sts get_caller_identity in eu-central-1"
    eventually(lambda: asked in cut_off.log, START_SECONDS, asked)


def test_the_claim_holds_the_state(cut_off: PlayedPod) -> None:
    """The directory of the state is that of the volume, and can be written to."""
    cut_off.metrics_with("carbonfinops_build_info")
    kept = cut_off.run("ls", "-A", "/var/lib/carbonfinops").stdout.split()
    assert "lock" in kept


def test_a_secret_is_a_file_and_shown_nowhere(cut_off: PlayedPod) -> None:
    """It lies where its setting says, and not in the log, environment, metrics, page or state."""
    found = cut_off.metrics_with("carbonfinops_build_info")
    path = cut_off.run("printenv", "CARBONFINOPS_ELECTRICITY_MAPS__TOKEN_FILE").stdout.strip()
    assert cut_off.run("cat", path).stdout == CANARY
    state = cut_off.run("grep", "-r", CANARY, "/var/lib/carbonfinops").stdout
    shown = found + cut_off.ask("/")[1] + cut_off.log + cut_off.run("env").stdout + state
    assert CANARY not in shown


def test_client_certificates_are_asked_for(guarded: PlayedPod) -> None:
    """With one there are metrics; the probes, which have none, see that it lives."""
    guarded.metrics_with("carbonfinops_fleet_power_watts ")
    for kind in ("startup", "liveness", "readiness"):
        done = guarded.run(*guarded.container[f"{kind}Probe"]["exec"]["command"])
        assert done.returncode == 0, done.stdout


def test_it_stops_while_nobody_answers(cut_off: PlayedPod) -> None:
    """Attempts under way are not waited for."""
    cut_off.metrics_with("carbonfinops_build_info")
    begin = time.monotonic()
    assert cut_off.stop() == 0
    assert time.monotonic() - begin < STOP_SECONDS
