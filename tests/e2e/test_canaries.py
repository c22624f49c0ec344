"""No secret shows: neither in the log, nor on a page, nor in a file, nor in what commands say."""

import time
from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path

import pytest

from exporter.configuration import load_settings
from exporter.exposition.instrumentation import Instrumentation
from exporter.sources.aws.events import CloudTrailEvents
from exporter.store import StateDirectory
from exporter.upstreams import live_upstreams
from tests.books.keeping import DAY, Keeping
from tests.e2e import planted, seen
from tests.e2e.conftest import until
from tests.e2e.echoes import STRANGER, Echo, Lasting, answering, served
from tests.e2e.planted import (
    ACCOUNT,
    HASH,
    IN_A_QUERY,
    IN_URLS,
    OF_THE_ROLE,
    ORGANIZATION,
    PAYER,
    PREFIX,
    TOKEN,
)
from tests.fakes import START_AT, FakeClock

REGION = "eu-central-1"
FLEET = Lasting(12, 2, [REGION])


@pytest.fixture
def canaries(tmp_path: Path) -> list[str]:
    """What must not show."""
    return planted.planted(tmp_path)


@pytest.fixture
def refusing(canaries: list[str]) -> Iterator[tuple[str, list[str]]]:
    """An upstream that refuses; what it was sent."""
    assert canaries
    with served(Echo) as found:
        yield found


def shown(canaries: list[str], said: Mapping[str, str]) -> dict[str, str]:
    """Which canary is where, in whatever case."""
    return {where: c for where, text in said.items() for c in canaries if c.lower() in text.lower()}


def break_web_config(variables: Mapping[str, str], log: Path) -> None:
    """Make mistakes in the file, with secrets in wrong places, while the exporter runs."""
    file = Path(variables["CARBONFINOPS_WEB__CONFIG_FILE"])
    wrong = (f"{HASH}: a\n", f"basic_auth_users: {{{HASH}: x}}\n", f"a: [{HASH}", f"!{HASH} x: -")
    for number, text in enumerate(wrong, start=1):
        file.write_text(text)
        until(
            lambda wanted=number: (  # type: ignore[misc]  # bound in the loop
                seen.run(variables, "health") != ""
                and log.read_text().count("what was in force stays so") == wanted
            ),
            "the mistake is told of",
        )


def test_no_secret_shows_where_everything_is_refused(
    tmp_path: Path, refusing: tuple[str, list[str]], canaries: list[str]
) -> None:
    """Whatever upstreams and a proxy answer, clients send and operators write."""
    address, received = refusing
    variables = planted.variables(tmp_path, address) | planted.proxied(address)
    log = tmp_path / "serve.log"
    said = {each: seen.run(variables, each) for each in ("check", "snapshot", "scenarios")}
    with seen.serving(variables, log, "serve"):
        until(lambda: log.read_text().count("source=") >= 4, "the sources are refused")
        said["health"] = seen.run(variables, "health")
        said["the pages"] = seen.served(variables["CARBONFINOPS_WEB__LISTEN_ADDRESS"], tmp_path)
        break_web_config(variables, log)
    said["the log"] = log.read_text()
    said["serve with a wrong web config file"] = seen.run(variables, "serve")
    said |= seen.written(tmp_path / "state")

    for secret in (*planted.BY_THE_SDK.values(), TOKEN, ACCOUNT, PAYER, IN_A_QUERY):
        # AWS's secret key signs, and is never sent.
        assert any(secret in each for each in received) or "secret-access-key" in secret, secret
    assert all(any(f"reader:{secret}" in each for each in received) for secret in IN_URLS)
    assert "status=400" in said["the log"]
    assert "login refused" in said["the log"]
    assert "carbonfinops_source_up" in said["the pages"]
    assert shown(canaries, said) == {}


def test_no_secret_shows_where_a_proxy_refuses_connections(
    tmp_path: Path, refusing: tuple[str, list[str]], canaries: list[str]
) -> None:
    """It answers before TLS begins, with all that it was sent."""
    address, received = refusing
    variables = planted.variables(tmp_path, "upstream.invalid") | planted.proxied(address)
    secure = {name: v.replace("http://", "https://") for name, v in variables.items()}
    said = {"check": seen.run(secure | planted.proxied(address), "check")}

    assert any("upstream.invalid:443" in each and IN_URLS[0] in each for each in received)
    assert "FAIL" in said["check"]
    assert shown(canaries, said) == {}


def test_no_secret_shows_where_everything_is_answered(tmp_path: Path, canaries: list[str]) -> None:
    """Commands and pages have figures then, and the answers repeat the questions."""
    with served(answering(FLEET, time.time, OF_THE_ROLE)) as (address, received):
        variables, log = planted.variables(tmp_path, address), tmp_path / "serve.log"
        shows = partial(seen.served, variables[f"{PREFIX}WEB__LISTEN_ADDRESS"], tmp_path)
        with seen.serving(variables, log, "serve"):
            until(lambda: "carbonfinops_instance_power_watts{" in shows(), "there are figures")
            until(lambda: STRANGER in log.read_text(), "one account is refused")
            said = {"the pages": shows()}
        for command in ("check", "snapshot", "scenarios"):
            said[command] = seen.run(variables, command)
        said |= {"the log": log.read_text()} | seen.written(tmp_path / "state")

    for secret in (TOKEN, ORGANIZATION, OF_THE_ROLE):
        assert any(secret in each for each in received), secret
    assert "m5.large" in said["snapshot"]
    assert shown(canaries, said) == {}


def test_no_secret_is_in_the_history(
    tmp_path: Path, canaries: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Days of books, kept of answers that repeat the questions."""
    unhurried = partial(CloudTrailEvents, pause=lambda _: None)
    monkeypatch.setattr("exporter.sources.live.CloudTrailEvents", unhurried)
    clock = FakeClock(START_AT)
    with (
        served(answering(FLEET, clock.wall, OF_THE_ROLE)) as (address, _),
        StateDirectory(tmp_path / "state") as store,
    ):
        given = planted.variables(tmp_path, address)
        for name, value in given.items():
            monkeypatch.setenv(name, value)
        settings = load_settings(given, dotenv=tmp_path / ".env", file=tmp_path / "settings.toml")
        own = Instrumentation(version="0", revision="", simulated=False)
        upstreams = live_upstreams(settings, own, clock)
        life = Life(upstreams, clock, store=store)  # type: ignore[arg-type]  # fakes are counted
        life.settle()
        life.run(DAY, 900.0)
        life.save_cells()
        life.bookkeeper.save(clock.wall())

    assert len(list((tmp_path / "state" / "history").iterdir())) == 5
    assert shown(canaries, seen.written(tmp_path / "state")) == {}


class Life(Keeping):
    """Books of upstreams that nobody counts the questions of."""

    def settle(self) -> None:
        """Run what is due, and what that makes due, until nothing is."""
        self.news.set()
        while self.news.is_set():
            self.news.clear()
            self.update()
            self.scheduler.step()
        self.update()


def test_no_secret_shows_in_a_simulation(tmp_path: Path, canaries: list[str]) -> None:
    """The settings of the live fleet are in force there too."""
    variables, log = planted.variables(tmp_path, "upstream.invalid"), tmp_path / "demo.log"
    with seen.serving(variables, log, "demo"):
        said = {"the pages": seen.served(variables[f"{PREFIX}WEB__LISTEN_ADDRESS"], tmp_path)}
    said["the log"] = log.read_text()
    said["scenarios"] = seen.run(variables, "scenarios", "--demo", "--format", "json")
    said["backfill"] = seen.run(variables, "backfill", "--days", "0.02", "--instances", "5")

    assert "carbonfinops_simulated" in said["the pages"]
    assert "assumptions" in said["scenarios"]
    assert "samples of" in said["backfill"]
    assert shown(canaries, said) == {}
