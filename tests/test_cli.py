"""The command line: what it prints where, and its exit codes."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest

from exporter import __version__
from exporter.cli import main

COMMANDS = ("serve", "demo", "check", "snapshot", "scenarios", "backfill", "health")
PATIENCE_SECONDS = 60.0


@pytest.fixture(autouse=True)
def _clean_environment(monkeypatch, tmp_path):
    """No settings but those of the test: neither from the environment nor from a .env file."""
    for name in os.environ:
        if name.startswith("CARBONFINOPS_"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("CARBONFINOPS_STATE_DIR", str(tmp_path / "state"))
    # The program is found from any working directory.
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[1]))
    monkeypatch.chdir(tmp_path)


def exit_code(*arguments: str) -> object:
    with pytest.raises(SystemExit) as caught:
        main(arguments)
    return caught.value.code


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the program as a process of its own: it configures logging and signals."""
    return subprocess.run(
        [sys.executable, "-m", "exporter", *arguments],
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENCE_SECONDS,
    )


def test_version(capsys):
    """Name and version on standard output."""
    assert exit_code("--version") == 0
    assert capsys.readouterr().out == f"carbonfinops {__version__}\n"


@pytest.mark.parametrize(
    "arguments",
    [
        (),
        ("severe",),
        ("serve", "now"),
        ("demo", "--faults", "some"),
        ("demo", "--instances", "many"),
        ("snapshot", "--format", "xml"),
        ("scenarios", "--format", "xml"),
        ("scenarios", "--demo", "--instances", "0"),
        ("check", "--config"),
        ("--verbose", "check"),
        ("backfill", "--days", "0"),
        ("backfill", "--days", "43"),
        ("backfill", "--days", "week"),
        ("backfill", "--step", "5m"),
        ("backfill", "--step", "0.5s"),
        ("backfill", "--step", "240"),
        ("backfill", "--until", "yesterday"),
        ("backfill", "--part", "3/2"),
        ("backfill", "--part", "0/2"),
        ("backfill", "--part", "half"),
        ("backfill", "--part", "1/x"),
        ("backfill", "--job", ""),
        ("backfill", "--instance", ""),
        ("backfill", "--until", "0001-01-01"),
        ("demo", "--seed", "1.5"),
    ],
)
def test_wrong_arguments(capsys, arguments):
    """Usage and one line of error on standard error; the exit code of a usage error."""
    assert exit_code(*arguments) == 2

    output = capsys.readouterr()
    assert output.out == ""
    assert output.err.startswith("usage: carbonfinops")
    assert "Traceback" not in output.err


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("demo", "--instances", "0"), "'0' is not a whole number from 1 to 65536"),
        (("demo", "--instances", "many"), "'many' is not a whole number from 1 to 65536"),
        (("backfill", "--days=-1"), "'-1' is not a number of days above 0, and 42 at most"),
        (("backfill", "--days", "nan"), "'nan' is not a number of days above 0, and 42 at most"),
        (("backfill", "--until", "0001-01-01"), "'0001-01-01' is before 1971"),
        (("demo", "--seed", "x"), "'x' is not a whole number"),
    ],
)
def test_what_is_wrong_with_an_argument(capsys, arguments, says):
    """The last line says what was written and what may be, without a name of the program's own."""
    assert exit_code(*arguments) == 2

    last = capsys.readouterr().err.splitlines()[-1]
    option = arguments[1].partition("=")[0]
    assert last == f"carbonfinops {arguments[0]}: error: argument {option}: {says}"


@pytest.mark.parametrize("command", ["", *COMMANDS])
def test_help(capsys, command):
    """Every command explains itself."""
    assert exit_code(*filter(None, [command]), "--help") == 0

    output = capsys.readouterr().out
    assert output.startswith("usage: carbonfinops")
    if command:
        assert "--config FILE" in output
    else:
        assert all(name in output for name in COMMANDS)


@pytest.mark.parametrize("command", COMMANDS)
def test_bad_settings(monkeypatch, capsys, command):
    """One line per problem on standard error, each naming its setting, and exit code 1."""
    monkeypatch.setenv("CARBONFINOPS_LOG__LEVEL", "loud")
    monkeypatch.setenv("CARBONFINOPS_BUDGET__EUR_PER_MONTH", "-1")
    monkeypatch.setenv("CARBONFINOPS_WEB__PORT", "80")

    assert main([command]) == 1

    output = capsys.readouterr()
    assert output.out == ""
    names = [re.match(r"carbonfinops: (CARBONFINOPS_\w+): .+", x) for x in output.err.splitlines()]
    assert sorted(name[1] if name else "" for name in names) == [
        "CARBONFINOPS_BUDGET__EUR_PER_MONTH",
        "CARBONFINOPS_LOG__LEVEL",
        "CARBONFINOPS_WEB__PORT",
    ]


@pytest.mark.parametrize("command", COMMANDS)
def test_an_unknown_setting(monkeypatch, capsys, command):
    """Named, with the near one."""
    monkeypatch.setenv("CARBONFINOPS_STATEDIR", "x")

    assert main([command]) == 1
    assert capsys.readouterr().err == (
        "carbonfinops: CARBONFINOPS_STATEDIR: unknown setting; "
        "did you mean CARBONFINOPS_STATE_DIR?\n"
    )


@pytest.mark.parametrize("command", COMMANDS)
def test_a_configuration_file_that_is_not_there(capsys, command):
    """What was asked for by name must be there."""
    assert main([command, "--config", "none.toml"]) == 1

    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("carbonfinops: --config: cannot read none.toml: ")


def test_the_configuration_file_is_used(tmp_path, capsys):
    """Its settings count like those of the environment."""
    (tmp_path / "config.toml").write_text('[log]\nlevel = "loud"\n')

    assert main(["check", "--config", "config.toml"]) == 1
    assert "CARBONFINOPS_LOG__LEVEL" in capsys.readouterr().err


FAILURES = {
    "address": (
        ("demo",),
        {"CARBONFINOPS_WEB__LISTEN_ADDRESS": "localhost"},
        "CARBONFINOPS_WEB__LISTEN_ADDRESS",
    ),
    "port": (
        ("serve",),
        {"CARBONFINOPS_WEB__LISTEN_ADDRESS": "127.0.0.1:99999"},
        "CARBONFINOPS_WEB__LISTEN_ADDRESS",
    ),
    "host": (
        ("demo",),
        {"CARBONFINOPS_WEB__LISTEN_ADDRESS": "host.invalid:10105"},
        "CARBONFINOPS_WEB__LISTEN_ADDRESS",
    ),
    "region": (
        ("check",),
        {"CARBONFINOPS_AWS__REGIONS": "eu-central-1,eu-centrl-2"},
        "CARBONFINOPS_AWS__REGIONS: unknown region 'eu-centrl-2'; did you mean eu-central-2?",
    ),
    "region of a PUE": (
        ("serve",),
        {"CARBONFINOPS_PUE__EU_WST_2": "1.15"},
        "CARBONFINOPS_PUE: unknown region 'eu-wst-2'; did you mean eu-west-2?",
    ),
    "region of a zone": (
        ("serve",),
        {"CARBONFINOPS_ELECTRICITY_MAPS__ZONES": "eu-north-7=SE"},
        "CARBONFINOPS_ELECTRICITY_MAPS__ZONES: unknown region 'eu-north-7'; did you mean",
    ),
    "region of a scenario": (
        ("check",),
        {"CARBONFINOPS_SCENARIOS__TARGET_REGIONS": "eu-west-1,eu-nort-1"},
        "CARBONFINOPS_SCENARIOS__TARGET_REGIONS: unknown region 'eu-nort-1'; did you mean",
    ),
    "region of a load": (
        ("demo",),
        {
            "CARBONFINOPS_SCENARIOS__DEFERRABLE_WATTS": "300",
            "CARBONFINOPS_SCENARIOS__DEFERRABLE_REGION": "eu-nort-1",
        },
        "CARBONFINOPS_SCENARIOS__DEFERRABLE_REGION: unknown region 'eu-nort-1'; did you mean",
    ),
    "office hours": (
        ("serve",),
        {"CARBONFINOPS_SCENARIOS__OFFICE_HOURS": "Mon-Fri"},
        "CARBONFINOPS_SCENARIOS__OFFICE_HOURS",
    ),
    "state directory": (
        ("serve",),
        {"CARBONFINOPS_STATE_DIR": "/dev/null/x"},
        "CARBONFINOPS_STATE_DIR",
    ),
    "token file": (
        ("check",),
        {"CARBONFINOPS_ELECTRICITY_MAPS__TOKEN_FILE": "none"},
        "CARBONFINOPS_ELECTRICITY_MAPS__TOKEN_FILE",
    ),
    "pue": (("serve",), {"CARBONFINOPS_PUE": "1.15"}, "CARBONFINOPS_PUE"),
    "fleet": (("demo", "--instances", "-5"), {}, "--instances"),
    "future": (("backfill", "--until", "9998-01-01"), {}, "--until: "),
    "pieces": (("backfill", "--days", "0.01", "--part", "2/6"), {}, "--part: 6 are too many: "),
}


@pytest.mark.parametrize(("arguments", "variables", "what"), FAILURES.values(), ids=FAILURES)
def test_a_start_that_fails(monkeypatch, arguments, variables, what):
    """One line that says what to change, no traceback, and not exit code 0."""
    for name, value in variables.items():
        monkeypatch.setenv(name, value)

    ended = run(*arguments)

    assert ended.returncode in (1, 2)
    assert ended.stdout == ""
    assert "Traceback" not in ended.stderr
    assert what in ended.stderr.splitlines()[-1]


def test_an_address_that_is_taken(monkeypatch):
    """The setting is named, and the program ends."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        monkeypatch.setenv("CARBONFINOPS_WEB__LISTEN_ADDRESS", address)
        ended = run("demo", "--instances", "3")

    assert ended.returncode == 1
    last = ended.stderr.splitlines()[-1]
    assert last.startswith(
        f"carbonfinops: CARBONFINOPS_WEB__LISTEN_ADDRESS: cannot listen on {address}: "
    )


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_well(monkeypatch, number):
    """It says where it listens, serves, and ends by itself with exit code 0."""
    monkeypatch.setenv("CARBONFINOPS_WEB__LISTEN_ADDRESS", "127.0.0.1:0")
    with subprocess.Popen(
        [sys.executable, "-m", "exporter", "demo", "--faults", "off", "--instances", "3"],
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            assert process.stderr is not None
            line = process.stderr.readline()
            (url,) = re.findall(r"url=\"?(http://127\.0\.0\.1:\d+/)", line)
            with urllib.request.urlopen(f"{url}-/healthy", timeout=PATIENCE_SECONDS) as answer:
                assert answer.status == 200
            process.send_signal(number)
            assert process.wait(PATIENCE_SECONDS) == 0
            assert "Traceback" not in process.stderr.read()
        finally:
            process.kill()


def test_a_local_zone_may_have_its_own_pue(monkeypatch):
    """Its name begins with a known region: that is good enough, and the start goes on."""
    monkeypatch.setenv("CARBONFINOPS_PUE__EU_CENTRAL_1_HAM_1", "1.2")
    monkeypatch.setenv("CARBONFINOPS_STATE_DIR", "/dev/null/x")

    assert "CARBONFINOPS_STATE_DIR" in run("serve").stderr


@pytest.mark.parametrize("command", ["snapshot", "scenarios"])
def test_no_inventory(monkeypatch, command):
    """Where AWS cannot be reached there is nothing to report: one line says what to do."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "made-up")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "made-up")
    monkeypatch.setenv("AWS_REGION", "eu-central-1")
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("CARBONFINOPS_BOAVIZTA__BASE_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("CARBONFINOPS_CURRENCY__USD_PER_EUR", "1.25")

    ended = run(command, "--format", "json")

    assert (ended.returncode, ended.stdout) == (1, "")
    assert ended.stderr.splitlines()[-1] == (
        "carbonfinops: no inventory could be read; run carbonfinops check"
    )


@pytest.mark.usefixtures("_interruptible")
def test_an_interrupt_ends_a_command_without_a_trace(monkeypatch):
    """Somebody has waited long enough for an upstream that does not answer."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "made-up")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "made-up")
    monkeypatch.setenv("AWS_REGION", "eu-central-1")
    with socket.create_server(("127.0.0.1", 0)) as silent:
        silent.settimeout(PATIENCE_SECONDS)
        monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{silent.getsockname()[1]}")
        with subprocess.Popen(
            [sys.executable, "-m", "exporter", "check"],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        ) as process:
            try:
                connection, _ = silent.accept()
                with connection:
                    process.send_signal(signal.SIGINT)
                    output, errors = process.communicate(timeout=PATIENCE_SECONDS)
            finally:
                process.kill()

    assert (process.returncode, output, errors) == (130, "", "")


def test_the_business_case_of_a_simulated_fleet():
    """It needs no account, writes one document, and says on standard error that nothing is real."""
    ended = run("scenarios", "--demo", "--instances", "3", "--seed", "1", "--format", "json")

    assert ended.returncode == 0
    assert "a simulated fleet: no number here is real" in ended.stderr
    assert "assumptions_version" in json.loads(ended.stdout)
