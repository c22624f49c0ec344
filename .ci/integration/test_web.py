"""Prometheus scrapes over TLS, with client certificates and logins; hostile clients bother nobody.

One exporter polls the rig and asks for a login over TLS, another is the demo and asks for a client
certificate. Secrets are planted wherever one can be.
"""

import os
import signal
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

import pytest

from cloud_rig import CloudRig, live_settings
from command import run
from conftest import LOGS, StartRig
from exporter_process import ROOT, ExporterProcess, assert_nothing_leaks
from prometheus_server import SCRAPE_SECONDS, PrometheusServer
from secured_exporter import (
    MUTUAL,
    NEXT_PASSWORD,
    PASSWORD,
    TLS,
    USER,
    Credentials,
    SecuredExporter,
    users,
)
from waiting import eventually

REGIONS = "eu-central-1"
PLANTED = {
    "CARBONFINOPS_AWS__ORGANIZATION_EXTERNAL_ID": "canary-of-the-organization",
    "CARBONFINOPS_AWS__COST_EXPLORER_EXTERNAL_ID": "canary-of-the-payer",
}
STALLED = 100
"""More than there are places."""

LONGEST_SCRAPE_SECONDS = 1.0
"""With room for a busy machine: ``tests.benchmarks.stalled`` measures it."""

JOB = """\
  - job_name: {name}
    scheme: {scheme}
    tls_config: {{{tls}}}
    static_configs: [{{targets: ["{target}"]}}]
"""
LOGIN = "    basic_auth: {{username: {user}, password: {password}}}\n"
"""Of a job that logs in."""

REFUSALS = {
    "unknown_authority": "certificate signed by unknown authority",
    "no_login": "401 Unauthorized",
    "wrong_login": "401 Unauthorized",
    "other_user": "401 Unauthorized",
    "plain": "400 Bad Request",
    "no_client_certificate": "certificate required",
    "foreign_client_certificate": "unknown certificate authority",
}


class Jobs(PrometheusServer):
    """A Prometheus with many jobs."""

    def up(self, job: str) -> float | None:
        """Whether the last scrape of a job went well."""
        return self.scalar(f'up{{job="{job}"}}')

    def last_error(self, job: str) -> str:
        """What Prometheus says of the last scrape of a job."""
        answer = self._http.get(f"http://{self._address}/api/v1/targets", timeout=10)
        targets = answer.json()["data"]["activeTargets"]
        (found,) = [target for target in targets if target["labels"]["job"] == job]
        return str(found["lastError"])


@pytest.fixture(scope="module")
def credentials(folder: Callable[[str], Path]) -> Credentials:
    return Credentials.made(folder("credentials"))


@pytest.fixture(scope="module")
def rig(start_rig: StartRig) -> CloudRig:
    return start_rig("--fleet", "20", "--accounts", "2", "--regions", REGIONS, "--no-awkward")


@pytest.fixture(scope="module")
def exporter(
    rig: CloudRig, credentials: Credentials, ending: ExitStack, folder: Callable[[str], Path]
) -> SecuredExporter:
    """The live fleet, with TLS and a login."""
    place = folder("exporter")
    LOGS.append(place / "exporter.log")
    file = credentials.write("login.yml", TLS + users(PASSWORD))
    settings = {**live_settings(rig, REGIONS), **PLANTED}
    found = SecuredExporter(place, settings, credentials, file)
    ending.callback(found.stop)
    found.settled(rig)
    return found


@pytest.fixture(scope="module")
def mutual(
    credentials: Credentials, ending: ExitStack, folder: Callable[[str], Path]
) -> SecuredExporter:
    """The demo, with client certificates."""
    place = folder("mutual")
    LOGS.append(place / "exporter.log")
    file = credentials.write("mutual.yml", MUTUAL + "  min_version: TLS13\n")
    found = SecuredExporter(place, {}, credentials, file, "demo")
    ending.callback(found.stop)
    return found


@pytest.fixture(scope="module")
def prometheus(
    exporter: SecuredExporter,
    mutual: SecuredExporter,
    credentials: Credentials,
    ending: ExitStack,
    folder: Callable[[str], Path],
) -> Jobs:
    """One job for each way to ask, right or wrong."""
    trusting = f"ca_file: {credentials.authority}"
    mine, foreign = (
        "{}, cert_file: {}, key_file: {}".format(trusting, *credentials.client(where))
        for where in (".", "elsewhere")
    )

    def job(name: str, target: ExporterProcess, tls: str, scheme: str = "https") -> str:
        return JOB.format(name=name, target=target.address, tls=tls, scheme=scheme)

    def login(user: str, password: str) -> str:
        return LOGIN.format(user=user, password=password)

    jobs = (
        job("carbonfinops", exporter, trusting) + login(USER, PASSWORD),
        job("next_login", exporter, trusting) + login(USER, NEXT_PASSWORD),
        job("unknown_authority", exporter, "") + login(USER, PASSWORD),
        job("no_login", exporter, trusting),
        job("wrong_login", exporter, trusting) + login(USER, "wrong"),
        job("other_user", exporter, trusting) + login("other", PASSWORD),
        job("plain", exporter, "", "http") + login(USER, PASSWORD),
        job("client_certificate", mutual, mine),
        job("no_client_certificate", mutual, trusting),
        job("foreign_client_certificate", mutual, foreign),
    )
    interval = (
        f"global: {{scrape_interval: {SCRAPE_SECONDS}s, scrape_timeout: {SCRAPE_SECONDS}s}}\n"
    )
    server = Jobs(folder("prometheus"), "", interval + "scrape_configs:\n" + "".join(jobs))
    ending.callback(server.stop)
    LOGS.append(server.log_path)
    return server


@pytest.mark.parametrize("job", ["carbonfinops", "client_certificate"])
def test_who_may_scrape_does(prometheus: Jobs, job: str):
    """With what the web config file asks for, Prometheus has the whole fleet."""
    eventually(lambda: prometheus.up(job) == 1, 20, f"{job} is up")
    assert prometheus.scalar(f'count(carbonfinops_instance_info{{job="{job}"}})')


@pytest.mark.parametrize("job", REFUSALS)
def test_who_may_not_scrape_does_not(prometheus: Jobs, job: str):
    """The target is down, and Prometheus says why in words that help."""
    eventually(lambda: prometheus.up(job) == 0, 20, f"{job} is down")
    assert REFUSALS[job] in prometheus.last_error(job)
    assert prometheus.query(f'carbonfinops_build_info{{job="{job}"}}') == []


def test_the_health_command(exporter: SecuredExporter, mutual: SecuredExporter, tmp_path: Path):
    """It needs neither login nor certificate, and says what it saw."""
    for process, saw in ((exporter, "200 healthy"), (mutual, "client certificate")):
        listen = {"CARBONFINOPS_WEB__LISTEN_ADDRESS": process.address}
        answer = run(tmp_path, {**process.settings, **listen}, "health")
        assert (answer.code, len(answer.lines)) == (0, 1), answer.output
        assert saw in answer.output


def test_a_stopped_process_is_not_well(mutual: SecuredExporter, tmp_path: Path):
    """Also where the refusal of a handshake is all that the command sees of a living one."""
    listen = {"CARBONFINOPS_WEB__LISTEN_ADDRESS": mutual.address}
    os.kill(mutual.pid, signal.SIGSTOP)
    try:
        answer = run(tmp_path, {**mutual.settings, **listen}, "health")
    finally:
        os.kill(mutual.pid, signal.SIGCONT)
    assert answer.code == 1
    assert "timed out" in answer.output


def test_check_reads_the_web_config_file(
    exporter: SecuredExporter, credentials: Credentials, tmp_path: Path
):
    """One line says that it can be used, or what is wrong with it."""
    for text, level, said in (
        (TLS, "ok", "can be used"),
        (TLS + "  ciphers: x\n", "FAIL", "tls_server_config.ciphers: unknown key"),
    ):
        file = credentials.write("checked.yml", text)
        settings = {**exporter.settings, "CARBONFINOPS_WEB__CONFIG_FILE": str(file)}
        answer = run(tmp_path, settings, "check", limit=150)
        (line,) = [line for line in answer.lines if "web config file" in line]
        assert line.startswith(level)
        assert said in line
        assert answer.code == int(level == "FAIL"), answer.output


def connected(exporter: SecuredExporter) -> ssl.SSLSocket:
    """A connection over TLS."""
    context = ssl.create_default_context(cafile=exporter.credentials.authority)
    host, _, port = exporter.address.partition(":")
    raw = socket.create_connection((host, int(port)), timeout=10)
    return context.wrap_socket(raw, server_hostname="localhost")


def test_oversized_and_malformed_requests(exporter: SecuredExporter):
    """Each gets a 4xx; the log tells of the first ones of a kind, in one line each."""
    for sent, status in (
        (b"GET /" + b"a" * 100_000, 414),
        (b"GET / HTTP/1.1\r\nX: " + b"a" * 100_000, 431),
        (b"GET / HTTP/1.1\r\nbad\r\n\r\n", 400),
        (b"\x00" * 100 + b"\r\n\r\n", 400),
        (b"G /\r\n\r\n", 400),
        *[(b"no\r\n\r\n", 400)] * 6,
    ):
        with connected(exporter) as connection:
            connection.sendall(sent)
            assert connection.recv(1000).startswith(f"HTTP/1.1 {status} ".encode())
    assert exporter.log.count('msg="request refused"') == 3 + 5


def test_stalled_clients_do_not_hold_up_prometheus(prometheus: Jobs, exporter: SecuredExporter):
    """More of them than there are places, and a slow loris: every scrape is answered at once."""
    port = exporter.address.rpartition(":")[2]
    began_at = time.time()
    with subprocess.Popen(
        [sys.executable, "-m", "tests.benchmarks.stalling", "stall", port, str(STALLED)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
    ) as stalling:
        try:
            assert stalling.stdout
            assert stalling.stdout.readline()
            time.sleep(6 * SCRAPE_SECONDS)
        finally:
            stalling.kill()
    ended_at = time.time()
    for job in ("carbonfinops", "no_login"):
        longest = prometheus.highest(f'scrape_duration_seconds{{job="{job}"}}', began_at, ended_at)
        assert longest is not None
        assert longest < LONGEST_SCRAPE_SECONDS
    assert prometheus.highest('1 - up{job="carbonfinops"}', began_at, ended_at) == 0
    assert "waiting connection ended for a new one" in exporter.log


def serial(exporter: SecuredExporter) -> str:
    """Of the certificate that the exporter shows."""
    with connected(exporter) as connection:
        return str((connection.getpeercert() or {})["serialNumber"])


def test_certificates_and_passwords_change_without_a_restart(
    prometheus: Jobs, exporter: SecuredExporter, credentials: Credentials
):
    """A new certificate costs no scrape; a new password shuts the old one out at once."""
    began_at, before = time.time(), serial(exporter)
    credentials.renew("server")
    eventually(lambda: serial(exporter) != before, 10, "the new certificate is shown")
    credentials.write("login.yml", TLS + "a: [\n")
    time.sleep(2 * SCRAPE_SECONDS)
    assert prometheus.highest('1 - up{job="carbonfinops"}', began_at, time.time()) == 0
    assert exporter.log.count("what was in force stays so") == 1

    assert prometheus.up("next_login") == 0
    credentials.write("login.yml", TLS + users(NEXT_PASSWORD))
    eventually(lambda: prometheus.up("next_login") == 1, 20, "the new password is good")
    eventually(lambda: prometheus.up("carbonfinops") == 0, 20, "the old one no longer is")
    exporter.password = NEXT_PASSWORD
    assert exporter.get("/metrics").status_code == 200


def test_no_planted_secret_shows(
    exporter: SecuredExporter,
    mutual: SecuredExporter,
    credentials: Credentials,
    prometheus: Jobs,
):
    """Pages, log and state of both, after all of the above; the fixtures look once more."""
    del prometheus
    for process in (exporter, mutual):
        seen = [process.log]
        seen += [process.get(path).text for path in ("/", "/?q=m5", "/metrics", "/nowhere")]
        seen += [f.read_bytes().decode(errors="replace") for f in files(process.state)]
        for text in seen:
            assert_nothing_leaks(text, "what was seen")
            assert [secret for secret in credentials.secrets() if secret in text] == []


def files(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]
