"""What each setting means, and what is refused."""

import json
import os
from collections.abc import Mapping
from operator import attrgetter
from pathlib import Path

import pytest

from exporter.configuration import SettingsError, load_settings
from exporter.core.provenance import SourceName
from exporter.settings import Settings

PREFIX = "CARBONFINOPS_"
ROLE = "arn:aws:iam::123456789012:role/carbonfinops"
HOUR, DAY = 3600.0, 86400.0


@pytest.fixture(autouse=True)
def _clean_environment(monkeypatch):
    for name in os.environ:
        if name.startswith(PREFIX):
            monkeypatch.delenv(name)


def load(variables: Mapping[str, str]) -> Settings:
    named = {PREFIX + name: value for name, value in variables.items()}
    return load_settings(named, dotenv=Path(os.devnull))


DOCUMENTED = {
    "WEB__LISTEN_ADDRESS": ("0.0.0.0:10105", "web.listen_address", "0.0.0.0:10105"),
    "WEB__CONFIG_FILE": ("/etc/x/web.yml", "web.config_path", Path("/etc/x/web.yml")),
    "LOG__LEVEL": ("debug", "log.level", "debug"),
    "LOG__FORMAT": ("json", "log.format", "json"),
    "STATE_DIR": ("/var/lib/x", "state_path", Path("/var/lib/x")),
    "AWS__REGIONS": (
        "eu-central-1, us-gov-west-1,",
        "aws.regions",
        ("eu-central-1", "us-gov-west-1"),
    ),
    "AWS__OWN_ACCOUNT": ("true", "aws.own_account", True),
    "AWS__TAG_LABELS": (
        '{"team": "Team", "environment": "env"}',
        "aws.tag_labels",
        {"team": "Team", "environment": "env"},
    ),
    "AWS__TAG_VALUES_LIMIT": ("50", "aws.tag_values_limit", 50),
    "AWS__PRICING_REGION": ("eu-central-1", "aws.pricing_region", "eu-central-1"),
    "AWS__ORGANIZATION_ROLE": ("Reader", "aws.organization_role", "Reader"),
    "ELECTRICITY_MAPS__BASE_URL": (
        "http://maps.test/x",
        "electricity_maps.base_url",
        "http://maps.test/x",
    ),
    "ELECTRICITY_MAPS__API_VERSION": ("v4", "electricity_maps.api_version", "v4"),
    "ELECTRICITY_MAPS__ZONES": (
        "eu-central-1=DE, us-east-1=US-MIDA-PJM",
        "electricity_maps.zones",
        {"eu-central-1": "DE", "us-east-1": "US-MIDA-PJM"},
    ),
    "BOAVIZTA__BASE_URL": ("http://boavizta.test:5000/", "boavizta.base_url", "http://boavizta.test:5000/"),
    "CURRENCY__USD_PER_EUR": ("1.0856", "currency.usd_per_eur", 1.0856),
    "CURRENCY__AS_OF": ("2026-11-02", "currency.as_of_at", 1793577600),
    "CURRENCY__ECB_URL": ("http://ecb.test/a.xml", "currency.ecb_url", "http://ecb.test/a.xml"),
    "PUE__EU_WEST_2": ("1.15", "pue", {"eu-west-2": 1.15}),
    "PUE__US_WEST_2_LAX_1": ("1.2", "pue", {"us-west-2-lax-1": 1.2}),
    "SCENARIOS__OFFICE_HOURS": (
        "Sun-Thu 07:30-17:00",
        "scenarios.office_hours",
        "Sun-Thu 07:30-17:00",
    ),
    "SCENARIOS__TIME_ZONE": ("America/New_York", "scenarios.time_zone", "America/New_York"),
    "SCENARIOS__OFFICE_ENVIRONMENTS": (
        "Dev, QA,",
        "scenarios.office_environments",
        ("dev", "qa"),
    ),
    "SCENARIOS__TARGET_REGIONS": (
        "eu-north-1, eu-west-3, eu-north-1",
        "scenarios.target_regions",
        ("eu-north-1", "eu-west-3"),
    ),
    "SCENARIOS__DEFERRABLE_REGION": ("eu-west-2", "scenarios.deferrable_region", "eu-west-2"),
    "SCENARIOS__DEFERRABLE_START_HOUR": ("0", "scenarios.deferrable_start_hour", 0),
    "SCENARIOS__DEFERRABLE_HOURS": ("24", "scenarios.deferrable_hours", 24),
    "SCENARIOS__DEFERRABLE_WITHIN_HOURS": ("48", "scenarios.deferrable_within_hours", 48),
    "SCENARIOS__IDLE_CPU_PERCENT": ("2.5", "scenarios.idle_cpu_percent", 2.5),
    "SCENARIOS__IDLE_DAYS": ("28", "scenarios.idle_days", 28),
    "SCENARIOS__RIGHTSIZING_CPU_PERCENT": ("70", "scenarios.rightsizing_cpu_percent", 70),
    "BUDGET__EUR_PER_MONTH": ("1500.50", "budget.eur_per_month", 1500.5),
    "BUDGET__GRAMS_PER_MONTH": ("250000", "budget.grams_per_month", 250_000),
    "BUDGET__UPSTREAM_USD_PER_MONTH": ("20", "budget.upstream_usd_per_month", 20),
}  # fmt: skip


@pytest.mark.parametrize("name", DOCUMENTED)
def test_documented_form(name):
    """Each variable works as the documentation writes it."""
    text, attribute, expected = DOCUMENTED[name]
    found = attrgetter(attribute)(load({name: text}))

    assert (str(found) if "url" in attribute else found) == expected


@pytest.mark.parametrize("source", list(SourceName))
@pytest.mark.parametrize(("text", "seconds"), [("30s", 30), ("10m", 600), ("3h", 10_800)])
def test_interval_and_age_of_every_source(source, text, seconds):
    """TTL and MAX_AGE take the names of the source label, in upper case."""
    found = load({f"TTL__{source.upper()}": text, f"MAX_AGE__{source.upper()}": "7d"})

    assert found.interval_seconds(source) == seconds
    assert found.max_age_seconds(source) == 7 * DAY
    others = set(SourceName) - {source}
    assert all(found.interval_seconds(o) == Settings().interval_seconds(o) for o in others)


@pytest.mark.parametrize(
    ("source", "interval_seconds", "max_age_seconds"),
    [
        ("ec2_inventory", 300, 900),
        ("cloudwatch_cpu", 900, HOUR),
        ("pricing", 7 * DAY, 14 * DAY),
        ("spot_price", HOUR, 6 * HOUR),
        ("electricity_maps", HOUR, 3 * HOUR),
        ("electricity_maps_history", 2 * HOUR, 6 * HOUR),
        ("boavizta", 7 * DAY, 14 * DAY),
        ("exchange_rate", DAY, 7 * DAY),
    ],
)
def test_default_intervals(source, interval_seconds, max_age_seconds):
    """As in the design's table."""
    found = load({})

    assert found.interval_seconds(SourceName(source)) == interval_seconds
    assert found.max_age_seconds(SourceName(source)) == max_age_seconds


@pytest.mark.parametrize(
    ("variables", "max_age_seconds"),
    [
        ({"TTL__CLOUDWATCH_CPU": "3h"}, 6 * HOUR),
        ({"TTL__CLOUDWATCH_CPU": "30m"}, HOUR),
        ({"TTL__CLOUDWATCH_CPU": "31m"}, 62 * 60),
        ({"TTL__CLOUDWATCH_CPU": "1s"}, HOUR),
        ({"TTL__CLOUDWATCH_CPU": "3h", "MAX_AGE__CLOUDWATCH_CPU": "4h"}, 4 * HOUR),
        ({"MAX_AGE__CLOUDWATCH_CPU": "20m"}, 20 * 60),
    ],
)
def test_age_limit_follows_a_longer_interval(variables, max_age_seconds):
    """There is room for one missed refresh, unless the operator says otherwise."""
    assert load(variables).max_age_seconds(SourceName.CLOUDWATCH_CPU) == max_age_seconds


def test_defaults():
    """Without any setting: this machine only, the own account, nothing that costs a licence."""
    found = load({})

    assert found.web.listen_address == "127.0.0.1:10105"
    assert found.aws.own_account
    assert (found.aws.regions, found.aws.accounts, found.aws.organization_role) == ((), (), "")
    assert set(found.aws.tag_labels) == {"team", "environment", "service", "cost_center"}
    assert str(found.boavizta.base_url) == "http://127.0.0.1:5000/"
    assert found.electricity_maps.token.get_secret_value() == ""
    assert found.currency.usd_per_eur is None
    assert (found.pue, found.budget.eur_per_month) == ({}, None)


def test_home_directory_is_resolved(monkeypatch):
    """The tilde of the default is the user's home."""
    monkeypatch.setenv("HOME", "/home/someone")

    assert load({}).state_path == Path("/home/someone/.local/state/carbonfinops")


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        ("AWS__REGIONS", ' ["eu-west-2", "eu-west-1"]', ("eu-west-2", "eu-west-1")),
        ("SCENARIOS__TARGET_REGIONS", '["eu-west-1"]', ("eu-west-1",)),
        ("SCENARIOS__OFFICE_ENVIRONMENTS", '["Dev","QA"]', ("dev", "qa")),
        ("ELECTRICITY_MAPS__ZONES", '{"eu-west-1": "IE"}', {"eu-west-1": "IE"}),
    ],
)
def test_lists_and_pairs_may_be_json(name, text, expected):
    """As well as separated by commas: other settings are JSON."""
    attribute = name.lower().replace("__", ".")

    assert attrgetter(attribute)(load({name: text})) == expected


@pytest.mark.parametrize(
    ("name", "value", "advice"),
    [
        ("AWS__REGIONS", '["eu-central-1"', "not valid JSON; write values, separated by commas"),
        ("AWS__REGIONS", "[eu-central-1]", "not valid JSON; write values, separated by commas"),
        ("ELECTRICITY_MAPS__ZONES", "{DE}", "not valid JSON; write region=zone pairs, separated"),
        ("AWS__ACCOUNTS", ROLE, "not valid JSON; it is a JSON list of further accounts: role_arn"),
        ("AWS__ACCOUNTS", "{}", "write a list"),
        ("AWS__TAG_LABELS", "team=Team", "not valid JSON; it is a JSON object, from label to AWS"),
        ("AWS__TAG_LABELS", '["team"]', "write a mapping"),
        ("TTL", "15m", "not valid JSON; its settings begin with CARBONFINOPS_TTL__"),
        ("LOG", "debug", "not valid JSON; its settings begin with CARBONFINOPS_LOG__"),
        ("LOG", '"debug"', "write a mapping"),
    ],
)
def test_what_to_write_instead(name, value, advice):
    """Where a list, pairs or JSON are wanted, the line says so."""
    with pytest.raises(SettingsError) as caught:
        load({name: value})

    assert str(caught.value).startswith(f"{PREFIX}{name}: {advice}")


def test_accounts_through_roles():
    """A JSON list; the account number is the one in the role's ARN."""
    text = (
        f'[{{"role_arn": "{ROLE}", "external_id": "s3cret", "regions": ["eu-west-1"]}},'
        ' {"role_arn": "arn:aws-cn:iam::210987654321:role/path/reader"},'
        ' {"role_arn": "arn:aws:iam::111111111111:role/x", "regions": "eu-west-1,eu-west-2"}]'
    )
    first, second, third = load({"AWS__ACCOUNTS": text, "AWS__OWN_ACCOUNT": "false"}).aws.accounts

    assert (first.account_id, first.role_arn, first.regions) == (
        "123456789012",
        ROLE,
        ("eu-west-1",),
    )
    assert first.external_id.get_secret_value() == "s3cret"
    assert (second.account_id, second.regions) == ("210987654321", ())
    assert third.regions == ("eu-west-1", "eu-west-2")


def with_external_id(external_id: str) -> dict[str, str]:
    """In each place for one."""
    return {
        "AWS__ACCOUNTS": json.dumps([{"role_arn": ROLE, "external_id": external_id}]),
        "AWS__ORGANIZATION_EXTERNAL_ID": external_id,
        "AWS__COST_EXPLORER_EXTERNAL_ID": external_id,
    }


@pytest.mark.parametrize("external_id", ["x y", "x", "x" * 1225, "caf\u00e9", "\u0664\u0662"])
@pytest.mark.parametrize("name", with_external_id(""))
def test_an_external_id_that_aws_would_refuse(name, external_id):
    """It would be quoted in the refusal; so the start says which setting, and what it may be."""
    with pytest.raises(SettingsError) as caught:
        load({name: with_external_id(external_id)[name]})

    setting, _, what = str(caught.value).partition(": ")
    assert setting.startswith(PREFIX + name)
    assert setting.endswith("EXTERNAL_ID")
    assert what == "an external id is 2 to 1224 of A-Z a-z 0-9 _ + = , . @ : / and -"


@pytest.mark.parametrize("external_id", ["", "az", "AZ_09+=,.@:/-", "x" * 1224, " padded\n"])
def test_an_external_id(external_id):
    """AWS's form; blanks around it are no part of it; empty is none."""
    found = load(with_external_id(external_id)).aws

    ids = (
        found.accounts[0].external_id,
        found.organization_external_id,
        found.cost_explorer_external_id,
    )
    assert {each.get_secret_value() for each in ids} == {external_id.strip()}


def test_cost_explorer():
    """It is asked by default, by days, with the base credentials; a role may ask instead."""
    default = load({}).aws
    chosen = load(
        {
            "AWS__COST_EXPLORER": "false",
            "AWS__COST_EXPLORER_HOURLY": "true",
            "AWS__COST_EXPLORER_ROLE_ARN": ROLE,
            "AWS__COST_EXPLORER_EXTERNAL_ID": "s3cret",
        }
    ).aws

    assert default.cost_explorer
    assert not default.cost_explorer_hourly
    assert default.cost_explorer_role_arn == ""
    assert not chosen.cost_explorer
    assert chosen.cost_explorer_hourly
    assert chosen.cost_explorer_role_arn == ROLE
    assert chosen.cost_explorer_external_id.get_secret_value() == "s3cret"


def test_secrets_are_never_shown():
    """Neither repr nor str nor a dump of the settings holds a secret."""
    found = load(
        {
            "ELECTRICITY_MAPS__TOKEN": "tok-s3cret",
            "AWS__ORGANIZATION_EXTERNAL_ID": "org-s3cret",
            "AWS__COST_EXPLORER_EXTERNAL_ID": "payer-s3cret",
            "AWS__ACCOUNTS": f'[{{"role_arn": "{ROLE}", "external_id": "role-s3cret"}}]',
        }
    )

    assert found.electricity_maps.token.get_secret_value() == "tok-s3cret"
    for shown in (repr(found), str(found), repr(found.aws.accounts), found.model_dump_json()):
        assert "s3cret" not in shown


def test_settings_do_not_change():
    """What was checked at the start stays as it is."""
    found = load({})

    with pytest.raises(ValueError, match="frozen"):
        found.state_dir = "/elsewhere"  # type: ignore[misc]  # the point
    with pytest.raises(ValueError, match="frozen"):
        found.web.listen_address = ":1"  # type: ignore[misc]  # the point


REFUSED = {
    "LOG__LEVEL": "loud",
    "LOG__FORMAT": "xml",
    "LOG": "debug",
    "WEB": "5",
    "AWS__REGIONS": "Frankfurt",
    "AWS__OWN_ACCOUNT": "perhaps",
    "AWS__ACCOUNTS": "123456789012",
    "AWS__COST_EXPLORER": "sometimes",
    "AWS__COST_EXPLORER_HOURLY": "3",
    "AWS__COST_EXPLORER_ROLE_ARN": "123456789012",
    "AWS__TAG_LABELS": '{"Cost-Center": "x"}',
    "AWS__TAG_VALUES_LIMIT": "0",
    "ELECTRICITY_MAPS__BASE_URL": "maps",
    "ELECTRICITY_MAPS__ZONES": "eu-central-1",
    "ELECTRICITY_MAPS__API_VERSION": "v9",
    "BOAVIZTA__BASE_URL": "ftp://boavizta.test",
    "CURRENCY__USD_PER_EUR": "1,08",
    "CURRENCY__ECB_URL": "",
    "BUDGET__EUR_PER_MONTH": "-1",
    "BUDGET__GRAMS_PER_MONTH": "inf",
    "BUDGET__UPSTREAM_USD_PER_MONTH": "nan",
    "SCENARIOS__OFFICE_HOURS": "Mon-Fri 8-18",
    "SCENARIOS__TIME_ZONE": "Europe",
    "SCENARIOS__TARGET_REGIONS": "Stockholm",
    "SCENARIOS__DEFERRABLE_WATTS": "0",
    "SCENARIOS__DEFERRABLE_REGION": "London",
    "SCENARIOS__DEFERRABLE_START_HOUR": "24",
    "SCENARIOS__DEFERRABLE_HOURS": "0",
    "SCENARIOS__DEFERRABLE_WITHIN_HOURS": "49",
    "SCENARIOS__IDLE_CPU_PERCENT": "nan",
    "SCENARIOS__IDLE_DAYS": "29",
    "SCENARIOS__RIGHTSIZING_CPU_PERCENT": "101",
    "TTL__PRICING": "weekly",
    "TTL__CLOUDWATCH_CPU": "0s",
    "MAX_AGE__PRICING": "-1d",
    "TTL": "15m",
    "MAX_AGE": "5",
    "PUE": "1.15",
    "PUE__EU_WEST_2": "0.9",
    "PUE__US_EAST_1": "nan",
    "PUE__EU_CENTRAL_1": "good",
}


@pytest.mark.parametrize(("name", "value"), REFUSED.items(), ids=REFUSED)
def test_a_bad_value_names_its_variable(name, value):
    """One line that begins with the very variable that is to be mended."""
    with pytest.raises(SettingsError) as caught:
        load({name: value})

    (line,) = str(caught.value).splitlines()
    assert line.startswith(f"{PREFIX}{name}: ")


@pytest.mark.parametrize(
    ("variables", "begin"),
    [
        ({"DEFERRABLE_WATTS": "300"}, "DEFERRABLE_REGION: required with deferrable_watts"),
        (
            {"DEFERRABLE_WATTS": "300", "DEFERRABLE_REGION": ""},
            "DEFERRABLE_REGION: required with deferrable_watts",
        ),
        (
            {"DEFERRABLE_HOURS": "6", "DEFERRABLE_WITHIN_HOURS": "5"},
            "DEFERRABLE_WITHIN_HOURS: 5 h are too short for a job of 6 h",
        ),
        (
            {"TIME_ZONE": "Europe/Berln"},
            "TIME_ZONE: 'Europe/Berln' is not an IANA time zone; did you mean Europe/Berlin?",
        ),
        ({"TIME_ZONE": "../etc/passwd"}, "TIME_ZONE: '../etc/passwd' is not an IANA time zone"),
        ({"TIME_ZONE": ""}, "TIME_ZONE: '' is not an IANA time zone"),
    ],
)
def test_what_does_not_fit_in_the_scenarios(variables, begin):
    """The one variable to mend is named, the one that is missing too."""
    with pytest.raises(SettingsError) as caught:
        load({f"SCENARIOS__{name}": value for name, value in variables.items()})

    (line,) = str(caught.value).splitlines()
    assert line.startswith(f"{PREFIX}SCENARIOS__{begin}")


@pytest.mark.parametrize(
    ("accounts", "what"),
    [
        ('[{"role_arn": "123456789012"}]', "ROLE_ARN"),
        (f'[{{"role_arn": "{ROLE}", "regions": ["Frankfurt"]}}]', "REGIONS"),
        ('[{"external_id": "x"}]', "ROLE_ARN"),
        (f'[{{"role_arn": "{ROLE}", "role": 1}}]', "unknown key"),
        ('["x"]', "0"),
    ],
)
def test_a_bad_account_says_which_and_what(accounts, what):
    """The place within the list is part of the name."""
    with pytest.raises(SettingsError) as caught:
        load({"AWS__ACCOUNTS": accounts})

    assert str(caught.value).startswith(f"{PREFIX}AWS__ACCOUNTS__0")
    assert what in str(caught.value)


def test_nothing_to_poll_is_an_error():
    """Without the own account there has to be another."""
    with pytest.raises(SettingsError, match="own_account"):
        load({"AWS__OWN_ACCOUNT": "false"})
    assert not load({"AWS__OWN_ACCOUNT": "false", "AWS__ORGANIZATION_ROLE": "r"}).aws.own_account


@pytest.mark.parametrize(
    ("name", "near"), [("TTL__CPU", "cloudwatch_cpu"), ("MAX_AGE__EC2", "ec2_inventory")]
)
def test_unknown_source_names_the_known_ones(name, near):
    """A source is called as in the source label."""
    with pytest.raises(SettingsError) as caught:
        load({name: "15m"})

    setting, _, source = name.partition("__")
    assert str(caught.value).startswith(PREFIX + setting)
    assert source.lower() in str(caught.value)
    assert near in str(caught.value)


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("STATEDIR", "STATE_DIR"),
        ("ELECTRICITY_MAPS_TOKEN", "ELECTRICITY_MAPS__TOKEN"),
        ("ELECTRICITYMAPS__TOKEN", "ELECTRICITY_MAPS__TOKEN"),
        ("ELECTRICITY_MAPS__TOKN", "ELECTRICITY_MAPS__TOKEN"),
        ("AWS__REGION", "AWS__REGIONS"),
        ("STATE_DIR__PATH", "STATE_DIR"),
        ("TTLS__PRICING", None),
        ("NONSENSE", None),
        ("", None),
    ],
)
def test_unknown_name_is_an_error_that_suggests_the_near_one(name, meant):
    """A misspelt setting is not silently without effect, at whatever level."""
    with pytest.raises(SettingsError) as caught:
        load({name: "x"})

    message = str(caught.value)
    assert message.startswith(f"{PREFIX}{name}: unknown setting")
    if meant:
        assert message.endswith(f"; did you mean {PREFIX}{meant}?")
