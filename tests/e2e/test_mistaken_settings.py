"""No secret shows where settings are wrong: whatever the mistake, and wherever it is made."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from exporter.cli import main
from exporter.configuration import FROM_FILE, SECRETS
from tests.e2e.planted import ACCOUNT, GIVEN, IN_URLS, ORGANIZATION, PAYER, PREFIX, ROLE, TOKEN


def _account(**changes: object) -> str:
    return json.dumps([{"role_arn": ROLE.format(account="2" * 12), **changes}])


MISTAKES = {
    "a misspelt setting beside the secrets": {"STATEDIR": "x"},
    "a misspelt name for a secret": {"ELECTRICITY_MAPS__TOKENS": TOKEN},
    "a secret that is no list": {"AWS__ACCOUNTS": ACCOUNT},
    "an account that is none": {"AWS__ACCOUNTS": json.dumps([ACCOUNT])},
    "an account's secret that is no text": {"AWS__ACCOUNTS": _account(external_id=[ACCOUNT])},
    "an account's secret in the place of a key": {"AWS__ACCOUNTS": _account(**{ACCOUNT: "x"})},
    "an account's secret that AWS would quote": {
        "AWS__ACCOUNTS": _account(external_id=f"{ACCOUNT} x")
    },
    "an account's secret in the place of a region": {"AWS__ACCOUNTS": _account(regions=[ACCOUNT])},
    "an account's secret in the place of its role": {"AWS__ACCOUNTS": _account(role_arn=ACCOUNT)},
    "the organization's secret, unsuitable": {"AWS__ORGANIZATION_EXTERNAL_ID": f"{ORGANIZATION} x"},
    "the payer's secret, unsuitable": {"AWS__COST_EXPLORER_EXTERNAL_ID": f"{PAYER}\u00e9"},
    "a secret that no header can hold": {"ELECTRICITY_MAPS__TOKEN": f"{TOKEN} \u00e9"},
    "a secret in the place of a section": {"CURRENCY": json.dumps(TOKEN)},
    "a secret in the place of a section's key": {"ELECTRICITY_MAPS": json.dumps({TOKEN: "x"})},
    "a password in a wrong address": {"BOAVIZTA__BASE_URL": f"http://reader:{IN_URLS[1]}@x:0"},
}
CANARIES = (*GIVEN.values(), ACCOUNT, *IN_URLS)

Given = Mapping[str, str]


def in_the_environment(given: Given, folder: Path) -> dict[str, str]:
    """As variables."""
    del folder
    return {PREFIX + name: value for name, value in given.items()}


def in_dotenv(given: Given, folder: Path) -> dict[str, str]:
    """In the file ``.env``."""
    lines = [f"{PREFIX}{name}='{value}'\n" for name, value in given.items()]
    (folder / ".env").write_text("".join(lines), encoding="utf-8")
    return {}


def in_toml(given: Given, folder: Path) -> dict[str, str]:
    """In the file of ``--config``."""
    lines = [f"{name.lower().replace('__', '.')} = {_toml(given[name])}\n" for name in given]
    (folder / "settings.toml").write_text("".join(lines), encoding="utf-8")
    return {}


def _toml(value: str) -> str:
    """A list of accounts as such; JSON's texts are TOML's."""
    if not value.startswith("["):
        return json.dumps(value, ensure_ascii=False)
    return json.dumps(json.loads(value)).replace('": ', '" = ')


def in_files(given: Given, folder: Path) -> dict[str, str]:
    """Secrets in a file each, the rest as variables."""
    named = {}
    for name, value in given.items():
        if name in SECRETS:
            (folder / name).write_text(value, encoding="utf-8")
            named[PREFIX + name + FROM_FILE] = str(folder / name)
        else:
            named[PREFIX + name] = value
    return named


@pytest.fixture
def check(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> Callable[[Given], str]:
    """What the command says with nothing but these variables, and the files in the folder."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "settings.toml").touch()

    def check(variables: Given) -> str:
        for name, value in variables.items():
            monkeypatch.setenv(name, value)
        assert main(["check", "--config", "settings.toml"]) == 1
        return "".join(capfd.readouterr())

    return check


def assert_hidden(said: str) -> None:
    """There is a line, and no secret in it, in whatever case."""
    assert said.startswith("carbonfinops: ")
    assert [canary for canary in CANARIES if canary.lower() in said.lower()] == []


@pytest.mark.parametrize("place", [in_the_environment, in_dotenv, in_toml, in_files])
@pytest.mark.parametrize("mistake", MISTAKES.values(), ids=MISTAKES)
def test_no_mistake_shows_a_secret(place, mistake, check, tmp_path):
    """All secrets are given in one place, and the mistake is made there too."""
    assert set(GIVEN) == set(SECRETS)
    assert_hidden(check(place(GIVEN | mistake, tmp_path)))


@pytest.mark.parametrize("name", SECRETS)
@pytest.mark.parametrize("place", [in_the_environment, in_dotenv])
def test_a_secret_in_the_place_of_its_path(name, place, check, tmp_path):
    """The easiest mistake with NAME_FILE."""
    said = check(place({name + FROM_FILE: GIVEN[name]}, tmp_path))

    assert_hidden(said)
    assert f"{name}{FROM_FILE}: cannot read the file it names" in said


@pytest.mark.parametrize("name", SECRETS)
def test_a_secret_given_twice(name, check, tmp_path):
    """As such, and as a file."""
    both = in_files({name: GIVEN[name]}, tmp_path) | in_the_environment(GIVEN, tmp_path)

    assert_hidden(check(both))


@pytest.mark.parametrize(
    ("file", "content"),
    [
        ("settings.toml", f"[electricity_maps]\ntoken = {TOKEN}\n".encode()),
        ("settings.toml", f'[electricity_maps]\ntoken = "{TOKEN}\n'.encode()),
        ("settings.toml", f'[electricity_maps]\n"{TOKEN}"\n'.encode()),
        ("settings.toml", f"{TOKEN}\xff".encode("latin-1")),
        (".env", f"{PREFIX}ELECTRICITY_MAPS__TOKEN={TOKEN}\xff\n".encode("latin-1")),
    ],
)
def test_a_file_that_cannot_be_understood(file, content, check, tmp_path):
    """It is named, not quoted."""
    (tmp_path / file).write_bytes(content)
    said = check({})

    assert_hidden(said)
    assert file in said
