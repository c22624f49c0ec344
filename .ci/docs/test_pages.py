"""Every command of the README and of the tutorial, as a newcomer runs them, with what they show."""

import os
import re
import sys
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from pathlib import Path

import pytest
from cloud_rig import CANARY_KEY_ID, CANARY_SECRET, CANARY_TOKEN, CloudRig
from cloud_tools import cloud_tools
from exporter_process import ROOT, free_address
from moto_cloud import MotoCloud
from tests.docs.commands import steps
from tests.docs.pages import Page

from clone import clone
from page_run import Outcome, PageError, Terminal, report

REGIONS = "eu-central-1,eu-west-1"
PROFILE = "stand-in"


@pytest.fixture(scope="module")
def rig(ending: ExitStack, tmp_path_factory: pytest.TempPathFactory) -> CloudRig:
    """It stands in for an AWS account, ElectricityMaps and the ECB."""
    options = ("--fleet", "12", "--accounts", "1", "--regions", REGIONS, "--no-awkward")
    rig = CloudRig(tmp_path_factory.mktemp("rig"), *options)
    ending.callback(rig.stop)
    return rig


@pytest.fixture(scope="module")
def aws(ending: ExitStack, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the AWS CLI of an administrator of a simulated account (moto)."""
    folder = tmp_path_factory.mktemp("aws")
    cloud = MotoCloud(tmp_path_factory.mktemp("moto"), cloud_tools())
    ending.callback(cloud.stop)
    settings = cloud.settings("eu-central-1")
    exports = "\n".join(f"export {name}='{value}'" for name, value in settings.items())
    program = folder / "aws"
    program.write_text(
        f'#!/bin/sh\n{exports}\nexport AWS_PAGER=\nexec "{cloud_tools() / "aws"}" "$@"\n'
    )
    program.chmod(0o755)
    return folder


def _environment(
    home: Path, rig: CloudRig, aws: Path, addresses: Mapping[str, str]
) -> dict[str, str]:
    """A bare user's, with stand-ins for what is far away, on ports that are free."""
    found = rig.environment
    return {
        "PATH": f"{aws}{os.pathsep}{os.environ['PATH']}",
        "HOME": str(home),
        "LANG": "C.UTF-8",
        "PYTHON": sys.executable,
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_ENDPOINT_URL": found["AWS_ENDPOINT_URL"],
        "CARBONFINOPS_ELECTRICITY_MAPS__BASE_URL": found["RIG_EM_URL"],
        "CARBONFINOPS_CURRENCY__ECB_URL": found["RIG_FX_URL"],
        "CARBONFINOPS_WEB__LISTEN_ADDRESS": addresses["127.0.0.1:10105"],
        "CARBONFINOPS_BOAVIZTA__BASE_URL": f"http://{addresses['127.0.0.1:5000']}",
        "PROMETHEUS_ADDRESS": addresses["127.0.0.1:19090"],
        "HISTORY_ADDRESS": free_address(),
    } | {
        name: os.environ[name]
        for name in os.environ
        if re.match(r"PIP_|SSL_CERT|.*CA_BUNDLE", name)
    }


@pytest.fixture
def follow(rig: CloudRig, aws: Path, tmp_path: Path) -> Callable[..., tuple[Outcome, ...]]:
    """Do what a page of a new clone says; what became of each block."""

    def follow(name: str, **more: str) -> tuple[Outcome, ...]:
        folder = clone(tmp_path / "carbonfinops-exporter")
        home = tmp_path / "home"
        (home / ".aws").mkdir(parents=True)
        (home / ".aws" / "credentials").write_text(
            f"[{PROFILE}]\naws_access_key_id = {CANARY_KEY_ID}\n"
            f"aws_secret_access_key = {CANARY_SECRET}\n"
        )
        ports = ("127.0.0.1:10105", "127.0.0.1:19090", "127.0.0.1:5000")
        addresses = {address: free_address() for address in ports}
        port = addresses["127.0.0.1:5000"].rpartition(":")[2]
        terminal = Terminal(
            folder,
            _environment(home, rig, aws, addresses) | more,
            values={
                "AWS_PROFILE": PROFILE,
                "AWS_ACCESS_KEY_ID": CANARY_KEY_ID,
                "AWS_SECRET_ACCESS_KEY": CANARY_SECRET,
                "CARBONFINOPS_ELECTRICITY_MAPS__TOKEN": CANARY_TOKEN,
            },
            instead={**addresses, "--port 5000": f"--port {port}"},
            say=lambda line: print(line, flush=True),
        )
        outcomes = tuple(terminal.run(steps(Page(ROOT / name))))
        print(*report(outcomes), sep="\n", flush=True)
        return outcomes

    return follow


def _all_run(outcomes: tuple[Outcome, ...]) -> None:
    """Nothing is left out but what the page itself says is."""
    left_out = [o.command.block.place for o in outcomes if o.skipped and not o.command.reason]
    assert not left_out


def test_the_tutorial_keeps_its_promises(follow: Callable[..., tuple[Outcome, ...]]):
    """Each step, word for word and in order, shows what the page says."""
    _all_run(follow("docs/tutorial/first-live-account.md"))


def test_the_readme_keeps_its_promises(follow: Callable[..., tuple[Outcome, ...]], rig: CloudRig):
    """Its commands work in the order in which they are read."""
    _all_run(
        follow("README.md", CARBONFINOPS_BOAVIZTA__BASE_URL=rig.environment["RIG_BOAVIZTA_URL"])
    )


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("<!-- run -->\n```sh\nfalse\ntrue\n```\n", "exit code 1"),
        ("<!-- run; ends with 1 -->\n```sh\ntrue\n```\n", "exit code 0"),
        (
            "<!-- run in the background -->\n```sh\necho a\n```\n<!-- shows -->\n```text\nb\n```\n",
            "no line 'b'",
        ),
        ("<!-- run in the background -->\n```sh\ntrue\n```\n", "it has ended"),
        ("<!-- run; needs an AWS account -->\n```sh\nexport KEY=...\n```\n", "no value for KEY"),
    ],
)
def test_a_promise_that_is_not_kept_is_noticed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, complaint: str
):
    """The checks above can fail."""
    monkeypatch.setattr("tests.docs.pages.PROJECT", tmp_path)
    page = tmp_path / "page.md"
    page.write_text(text)
    terminal = Terminal(tmp_path, {"PATH": os.environ["PATH"]}, values={"OTHER": "value"})

    with pytest.raises(PageError, match=complaint):
        list(terminal.run(steps(Page(page))))


def test_what_one_block_exports_the_next_one_has(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """As in one terminal; dots are replaced by a value."""
    monkeypatch.setattr("tests.docs.pages.PROJECT", tmp_path)
    page = tmp_path / "page.md"
    page.write_text(
        "<!-- run -->\n```sh\nexport KEY=...\n```\n\n"
        "<!-- run -->\n```sh\necho $KEY >found\n```\n\n"
        "<!-- not run: a reason -->\n```sh\nfalse\n```\n"
    )
    terminal = Terminal(tmp_path, {"PATH": os.environ["PATH"]}, values={"KEY": "a b"})

    outcomes = list(terminal.run(steps(Page(page))))

    assert (tmp_path / "found").read_text() == "a b\n"
    assert [outcome.skipped for outcome in outcomes] == ["", "", "a reason"]
