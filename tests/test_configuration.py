"""Where settings come from: environment, .env, TOML file and files of secrets."""

import os
from pathlib import Path

import pytest
from pydantic import SecretStr

from exporter.aws_section import RoleSettings
from exporter.configuration import SECRETS, SettingsError, known_names, load_settings
from exporter.core.provenance import SourceName
from exporter.settings import Settings

LEVEL = "CARBONFINOPS_LOG__LEVEL"
TOKEN = "CARBONFINOPS_ELECTRICITY_MAPS__TOKEN"
ROLE = "arn:aws:iam::123456789012:role/carbonfinops"


@pytest.fixture(autouse=True)
def _clean_environment(monkeypatch):
    for name in os.environ:
        if name.startswith("CARBONFINOPS_"):
            monkeypatch.delenv(name)


@pytest.fixture
def load(tmp_path):
    """Load settings from what the test gives, and from nothing else."""

    def load(*, env: dict[str, str] | None = None, dotenv: str = "", toml: str = "") -> Settings:
        (tmp_path / ".env").write_text(dotenv, encoding="utf-8")
        (tmp_path / "config.toml").write_text(toml, encoding="utf-8")
        file = tmp_path / "config.toml" if toml else None
        return load_settings(env or {}, dotenv=tmp_path / ".env", file=file)

    return load


@pytest.mark.parametrize(
    ("env", "dotenv", "toml", "level"),
    [
        (None, None, None, "info"),
        (None, None, "debug", "debug"),
        (None, "warning", "debug", "warning"),
        ("error", "warning", "debug", "error"),
        ("error", None, "debug", "error"),
        ("error", "warning", None, "error"),
    ],
)
def test_precedence(load, env, dotenv, toml, level):
    """The environment wins over .env, .env over the file, the file over the default."""
    found = load(
        env={LEVEL: env} if env else {},
        dotenv=f"{LEVEL}={dotenv}\n" if dotenv else "",
        toml=f'[log]\nlevel = "{toml}"\nformat = "json"\n' if toml else "",
    )

    assert found.log.level == level
    assert found.log.format == ("json" if toml else "logfmt")


def test_only_what_is_passed_counts(load, monkeypatch):
    """The process's own environment is read by the command line alone, as an argument."""
    monkeypatch.setenv(LEVEL, "debug")
    monkeypatch.setenv("CARBONFINOPS_LOG__NONSENSE", "x")

    assert load().log.level == "info"


def test_mappings_are_merged_by_key(load):
    """One interval from each place; the same key from two places is the winner's."""
    found = load(
        env={"CARBONFINOPS_TTL__PRICING": "1d", "CARBONFINOPS_PUE__EU_WEST_2": "1.1"},
        dotenv="CARBONFINOPS_TTL__PRICING=2d\nCARBONFINOPS_TTL__BOAVIZTA=2d\n",
        toml='[ttl]\npricing = "3d"\nboavizta = "3d"\nspot_price = "3d"\n'
        '[pue]\n"eu-west-2" = 1.3\n"eu-central-1" = 1.3\n',
    )

    days = [
        found.interval_seconds(source) / 86400
        for source in (SourceName.PRICING, SourceName.BOAVIZTA, SourceName.SPOT_PRICE)
    ]
    assert days == [1, 2, 3]
    assert found.pue == {"eu-west-2": 1.1, "eu-central-1": 1.3}


def test_everything_may_be_in_the_file(load):
    """TOML's own forms: tables, lists, numbers."""
    found = load(
        toml=f"""
        state_dir = "/var/lib/x"
        [web]
        listen_address = "127.0.0.1:1"
        [aws]
        regions = ["eu-west-1", "eu-west-2"]
        own_account = false
        [[aws.accounts]]
        role_arn = "{ROLE}"
        external_id = "s3cret"
        [aws.tag_labels]
        team = "Team"
        [electricity_maps]
        token = "t"
        zones = {{ eu-west-1 = "IE" }}
        [currency]
        usd_per_eur = 1.1
        [max_age]
        pricing = 86400
        """
    )

    assert found.aws.regions == ("eu-west-1", "eu-west-2")
    assert [account.account_id for account in found.aws.accounts] == ["123456789012"]
    assert found.aws.tag_labels == {"team": "Team"}
    assert found.electricity_maps.zones == {"eu-west-1": "IE"}
    assert found.max_age_seconds(SourceName.PRICING) == 86400


def test_foreign_variables_are_none_of_our_business(load):
    """A .env that Grafana and the AWS SDK read too; comments, quotes and export are fine."""
    found = load(
        env={"PATH": "/bin", "AWS_REGION": "eu-west-1", "CARBONFINOPSX": "x"},
        dotenv=(
            "# secrets\nAWS_ACCESS_KEY_ID=AKIA\nGF_SECURITY_ADMIN_PASSWORD='p w'\nEMPTY\n\n"
            f'export {LEVEL}="debug"  # for now\n'
        ),
    )

    assert found.log.level == "debug"


def test_a_missing_dotenv_is_nothing(tmp_path):
    """It is optional."""
    assert load_settings({}, dotenv=tmp_path / "none").log.level == "info"


UNKNOWN = "CARBONFINOPS_LOG__LEVLE"


@pytest.mark.parametrize(
    "where",
    [
        {"env": {UNKNOWN: "debug"}},
        {"dotenv": f"{UNKNOWN}=debug\n"},
        {"toml": '[log]\nlevle = "debug"\n'},
    ],
    ids=["environment", ".env", "file"],
)
def test_unknown_nested_name(load, where):
    """Wherever it is written, it is named, and the near one is suggested."""
    with pytest.raises(SettingsError) as caught:
        load(**where)

    assert str(caught.value) == f"{UNKNOWN}: unknown setting; did you mean {LEVEL}?"


@pytest.mark.parametrize(
    "where",
    [
        {"env": {"CARBONFINOPS_STATEDIR": "x"}},
        {"dotenv": "CARBONFINOPS_STATEDIR=x\n"},
        {"toml": 'statedir = "x"\n'},
    ],
    ids=["environment", ".env", "file"],
)
def test_unknown_top_level_name(load, where):
    """As for nested ones."""
    with pytest.raises(SettingsError) as caught:
        load(**where)

    expected = "CARBONFINOPS_STATEDIR: unknown setting; did you mean CARBONFINOPS_STATE_DIR?"
    assert str(caught.value) == expected


def test_an_unknown_name_is_shown_as_it_is_written(load):
    """A hyphen is not an underscore: else the line would advise what it complains about."""
    with pytest.raises(SettingsError) as caught:
        load(toml='state-dir = "x"\n')

    assert str(caught.value) == (
        "CARBONFINOPS_STATE-DIR: unknown setting; did you mean CARBONFINOPS_STATE_DIR?"
    )


def test_every_problem_has_its_line(load):
    """Nobody has to start three times to mend three settings."""
    with pytest.raises(SettingsError) as caught:
        load(
            env={"CARBONFINOPS_BUDGET__EUR_PER_MONTH": "-1", "CARBONFINOPS_WEB__PORT": "80"},
            toml='[log]\nlevel = "loud"\n',
        )

    names = sorted(line.partition(":")[0] for line in str(caught.value).splitlines())
    assert names == [
        "CARBONFINOPS_BUDGET__EUR_PER_MONTH",
        "CARBONFINOPS_LOG__LEVEL",
        "CARBONFINOPS_WEB__PORT",
    ]


@pytest.mark.parametrize(
    ("content", "why"),
    [(b"log = ", "not TOML"), (b"\xff\xfe", "not TOML"), (b"[log]\n[log]\n", "not TOML")],
)
def test_a_file_that_is_no_toml(tmp_path, content, why):
    """The option and the file are named."""
    file = tmp_path / "config.toml"
    file.write_bytes(content)

    with pytest.raises(SettingsError) as caught:
        load_settings({}, dotenv=tmp_path / ".env", file=file)

    assert str(caught.value).startswith(f"--config: {file} is {why}")
    assert len(str(caught.value).splitlines()) == 1


@pytest.mark.parametrize("name", ["none.toml", "."])
def test_a_file_that_cannot_be_read(tmp_path, name):
    """A file that was asked for has to be there."""
    with pytest.raises(SettingsError) as caught:
        load_settings({}, dotenv=tmp_path / ".env", file=tmp_path / name)

    assert str(caught.value).startswith(f"--config: cannot read {tmp_path / name}: ")


def test_a_dotenv_that_is_no_text(tmp_path):
    """Named like any other wrong setting."""
    dotenv = tmp_path / ".env"
    dotenv.write_bytes(b"CARBONFINOPS_LOG__LEVEL=\xff\n")

    with pytest.raises(SettingsError) as caught:
        load_settings({}, dotenv=dotenv)

    assert str(dotenv) in str(caught.value)


@pytest.mark.parametrize(
    ("name", "content", "secret"),
    [
        (TOKEN, "s3cret", lambda s: s.electricity_maps.token),
        (
            "CARBONFINOPS_AWS__ORGANIZATION_EXTERNAL_ID",
            "s3cret",
            lambda s: s.aws.organization_external_id,
        ),
        (
            "CARBONFINOPS_AWS__COST_EXPLORER_EXTERNAL_ID",
            "s3cret",
            lambda s: s.aws.cost_explorer_external_id,
        ),
        (
            "CARBONFINOPS_AWS__ACCOUNTS",
            f'[{{"role_arn": "{ROLE}", "external_id": "s3cret"}}]',
            lambda s: s.aws.accounts[0].external_id,
        ),
    ],
    ids=["token", "external id", "payer's external id", "accounts"],
)
@pytest.mark.parametrize("place", ["env", "dotenv"])
def test_secret_from_a_file(load, tmp_path, name, content, secret, place):
    """NAME_FILE is the path of a file; a final newline is not part of the secret."""
    file = tmp_path / "secret"
    file.write_text(f"{content}\n")
    variables = {f"{name}_FILE": str(file)}
    text = "".join(f"{key}={value}\n" for key, value in variables.items())
    found = load(env=variables) if place == "env" else load(dotenv=text)

    assert secret(found).get_secret_value() == "s3cret"


def test_secret_from_a_file_in_the_process_environment(tmp_path, monkeypatch):
    """As the command line does it: the environment passed is the process's own."""
    file = tmp_path / "secret"
    file.write_text("s3cret")
    monkeypatch.setenv(f"{TOKEN}_FILE", str(file))

    found = load_settings(os.environ, dotenv=tmp_path / ".env")

    assert found.electricity_maps.token.get_secret_value() == "s3cret"


@pytest.mark.parametrize(
    ("env", "dotenv", "token"),
    [
        ("", "_FILE", "from the environment"),
        ("_FILE", "", "from a file"),
    ],
)
def test_secret_given_twice(load, tmp_path, env, dotenv, token):
    """The environment wins over .env whichever of the two is the file."""
    file = tmp_path / "secret"
    file.write_text("from a file")
    values = {"": "from the environment", "_FILE": str(file)}

    found = load(env={TOKEN + env: values[env]}, dotenv=f"{TOKEN}{dotenv}={values[dotenv]}\n")

    assert found.electricity_maps.token.get_secret_value() == token


@pytest.mark.parametrize(
    ("content", "why"),
    [(None, "No such file or directory"), (b"\xff\xfe", "it does not hold text")],
    ids=["missing", "not text"],
)
def test_a_secret_file_that_cannot_be_read(load, tmp_path, content, why):
    """The variable is named; its value is not, which may be the secret by mistake."""
    file = tmp_path / "secret"
    if content is not None:
        file.write_bytes(content)

    with pytest.raises(SettingsError) as caught:
        load(env={f"{TOKEN}_FILE": str(file)})

    expected = f"{TOKEN}_FILE: cannot read the file it names: {why}; give the path of a file"
    assert str(caught.value).startswith(expected)
    assert str(file) not in str(caught.value)


def test_only_secrets_come_from_files(load):
    """Any other NAME_FILE is an unknown setting."""
    with pytest.raises(SettingsError, match="CARBONFINOPS_LOG__LEVEL_FILE: unknown setting"):
        load(env={"CARBONFINOPS_LOG__LEVEL_FILE": "/dev/null"})


@pytest.mark.parametrize(
    "env",
    [
        {"CARBONFINOPS_AWS__ACCOUNTS": "s3cret"},
        {"CARBONFINOPS_AWS__ACCOUNTS": '"s3cret"'},
        {"CARBONFINOPS_AWS__ACCOUNTS": '[{"role_arn": "x", "external_id": "s3cret"}]'},
        {"CARBONFINOPS_AWS__ACCOUNTS": f'[{{"role_arn": "{ROLE}", "external_id": ["s3cret"]}}]'},
        {"CARBONFINOPS_AWS__ACCOUNTS": '[{"role_arn": "s3cret"}]'},
        {"CARBONFINOPS_AWS__ACCOUNTS": f'[{{"role_arn": "{ROLE}", "external_id": "s3cret x"}}]'},
        {"CARBONFINOPS_AWS__ACCOUNTS": f'[{{"role_arn": "{ROLE}", "regions": "s3cret"}}]'},
        {"CARBONFINOPS_AWS__ORGANIZATION_EXTERNAL_ID": "s3cret x"},
        {"CARBONFINOPS_AWS__COST_EXPLORER_EXTERNAL_ID": "s3cret x"},
        {TOKEN: "s3cret", "CARBONFINOPS_LOG": "5"},
        {f"{TOKEN}S": "s3cret"},
        {"CARBONFINOPS_TOKEN": "s3cret"},
        {"CARBONFINOPS_ELECTRICITY_MAPS": '"s3cret"'},
        {"CARBONFINOPS_ELECTRICITY_MAPS": '{"token": ["s3cret"]}'},
        {"CARBONFINOPS_ELECTRICITY_MAPS": '{"s3cret": 1}'},
        {"CARBONFINOPS_AWS": f'{{"accounts": [{{"role_arn": "{ROLE}", "s3cret": 1}}]}}'},
        {f"{TOKEN}_FILE": "s3cret"},
        {f"{TOKEN}_FILE": "/s3cret"},
        {f"{TOKEN}_FILE": "s3cret\0"},
        {f"{TOKEN}_FILE": "s3cret" * 1000},
        {"CARBONFINOPS_AWS__ACCOUNTS": f'[{{"role_arn": "{ROLE}", "s3cret": "x"}}]'},
        {"CARBONFINOPS_BOAVIZTA__BASE_URL": "http://user:s3cret@host:0"},
    ],
)
def test_an_error_holds_no_secret(load, env):
    """Neither the message nor anything it was raised from shows what was given."""
    with pytest.raises(SettingsError) as caught:
        load(env=env)

    assert "s3cret" not in str(caught.value).lower()
    assert caught.value.__suppress_context__ or caught.value.__context__ is None


def test_an_unknown_key_of_an_account_is_not_shown(load):
    """But where it is, and which there are."""
    with pytest.raises(SettingsError) as caught:
        load(toml=f'[[aws.accounts]]\nrole_arn = "{ROLE}"\nexternal = "x"\n')

    assert str(caught.value) == (
        "CARBONFINOPS_AWS__ACCOUNTS__0: unknown key; "
        "it is a JSON list of further accounts: role_arn, external_id, regions"
    )


def test_an_unknown_key_in_the_json_of_a_section_is_not_shown(load):
    """But which there are; a variable of that name would be shown, as the operator made it up."""
    with pytest.raises(SettingsError) as caught:
        load(
            env={"CARBONFINOPS_ELECTRICITY_MAPS": '{"tokne": "x", "base_url": "http://maps.test"}'}
        )
    assert str(caught.value) == (
        "CARBONFINOPS_ELECTRICITY_MAPS: unknown key; there are base_url, token, api_version, zones"
    )

    with pytest.raises(SettingsError, match="MAPS__TOKNE: unknown setting"):
        load(env={"CARBONFINOPS_ELECTRICITY_MAPS__TOKNE": "x"})


def test_a_section_in_json(load):
    """Keys in any case, beside a variable of its own for another of them."""
    found = load(
        env={"CARBONFINOPS_ELECTRICITY_MAPS": '{"Token": "t"}', f"{TOKEN[:-5]}API_VERSION": "v4"}
    )

    assert found.electricity_maps.token.get_secret_value() == "t"
    assert found.electricity_maps.api_version == "v4"


def test_every_secret_may_come_from_a_file():
    """Whatever setting holds a SecretStr, be it within a list."""
    holding = {
        f"{section}__{name}".upper()
        for section, field in Settings.model_fields.items()
        for name, inner in getattr(field.annotation, "model_fields", {}).items()
        if inner.annotation in (SecretStr, tuple[RoleSettings, ...])
    }

    assert holding == set(SECRETS)
    assert RoleSettings.model_fields["external_id"].annotation is SecretStr


def test_names_in_any_case(load):
    """Environment variables are upper case by custom, not by need."""
    assert load(env={"carbonfinops_log__level": "debug"}).log.level == "debug"


def test_known_names_are_those_of_the_settings():
    """The path of every setting, which the reference page is made from."""
    names = known_names()

    assert len(set(names)) == len(names)
    assert ("electricity_maps", "token") in names
    assert ("state_dir",) in names
    assert {("ttl",), ("max_age",), ("pue",)} < set(names)


def test_the_file_is_found_relative_to_the_working_directory(tmp_path, monkeypatch):
    """Without an argument .env is the one in the working directory."""
    (tmp_path / ".env").write_text(f"{LEVEL}=debug\n")
    monkeypatch.chdir(tmp_path)

    assert load_settings({}).log.level == "debug"
    assert load_settings({}, dotenv=Path("other")).log.level == "info"
