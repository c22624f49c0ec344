"""What the exporter makes of the variables that the chart gives it."""

from pathlib import Path

import pytest
from exporter.configuration import load_settings
from exporter.settings import Settings

from manifests import Manifests

SECRETS = {
    "CARBONFINOPS_ELECTRICITY_MAPS__TOKEN_FILE": "canary",
    "CARBONFINOPS_AWS__ACCOUNTS_FILE": '[{"role_arn": "arn:aws:iam::444455556666:role/read"}]',
}


def understood(manifests: Manifests, place: Path) -> Settings:
    """The settings, with files in the place of secrets."""
    variables = manifests.settings
    for name in variables.keys() & SECRETS:
        file = place / name
        file.write_text(SECRETS[name])
        variables[name] = str(file)
    return load_settings(variables, dotenv=place / "none")


def mounted(manifests: Manifests, volume: str) -> set[str]:
    """The paths of the files of a volume of Secrets."""
    (mount,) = (m for m in manifests.container["volumeMounts"] if m["name"] == volume)
    (made,) = (v for v in manifests.pod["volumes"] if v["name"] == volume)
    assert made["projected"]["defaultMode"] == 0o440
    return {
        f"{mount['mountPath']}/{item['path']}"
        for source in made["projected"]["sources"]
        for item in source["secret"].get("items", ())
    }


def test_every_set_of_values_is_understood(manifests: Manifests, tmp_path: Path) -> None:
    """The exporter would start with these variables, in the order of things that the chart has."""
    settings = understood(manifests, tmp_path)
    assert str(settings.state_path) == "/var/lib/carbonfinops"


def test_values_arrive_as_they_were_written(
    all_manifests: dict[str, Manifests], tmp_path: Path
) -> None:
    """Lists, mappings, numbers great and small, truth and text."""
    settings = understood(all_manifests["eks"], tmp_path)
    assert settings.aws.regions == ("eu-central-1", "eu-west-1")
    assert settings.aws.tag_labels == {"team": "Team & Co", "environment": "env"}
    assert settings.aws.cost_explorer is False
    assert settings.budget.grams_per_month == 250_000_000
    assert settings.budget.eur_per_month == 0.5
    assert settings.pue == {"eu-west-2": 1.15}
    assert settings.aws.accounts[0].account_id == "444455556666"


@pytest.mark.parametrize("name", ["eks", "tls", "client certificates"])
def test_secrets_are_files_where_the_settings_say(
    all_manifests: dict[str, Manifests], name: str
) -> None:
    """Each path that a setting names is mounted."""
    made = all_manifests[name]
    named = {v for k, v in made.settings.items() if k.endswith("_FILE")}
    volumes = {volume["name"] for volume in made.pod["volumes"]} - {"state"}
    assert named == set().union(*(mounted(made, volume) for volume in volumes))


def test_certificates_lie_beside_the_web_config_file(
    all_manifests: dict[str, Manifests],
) -> None:
    """One folder of two Secrets: paths in the file are relative to it."""
    (web,) = (v for v in all_manifests["tls"].pod["volumes"] if v["name"] == "web")
    names = [source["secret"]["name"] for source in web["projected"]["sources"]]
    assert names == ["web", "certificate"]


def test_ipv6_is_listened_on(all_manifests: dict[str, Manifests], tmp_path: Path) -> None:
    """In brackets, as the exporter reads it."""
    settings = understood(all_manifests["client certificates"], tmp_path)
    assert settings.web.listen_address == "[::]:34001"


def test_keys_of_aws_come_from_a_secret(all_manifests: dict[str, Manifests]) -> None:
    """By reference; the token may be missing."""
    variables = {v["name"]: v for v in all_manifests["elsewhere"].container["env"]}
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"):
        reference = variables[name]["valueFrom"]["secretKeyRef"]
        assert (reference["name"], reference["key"]) == ("aws", name)
        assert reference.get("optional", False) is (name == "AWS_SESSION_TOKEN")
    assert variables["AWS_DEFAULT_REGION"]["value"] == "eu-central-1"
    assert variables["HTTPS_PROXY"]["value"] == "http://proxy:3128"
