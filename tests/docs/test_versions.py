"""The version of a release stands in several places, and is one."""

import re
import tomllib
from pathlib import Path

import yaml

from exporter import __version__
from tests.docs.pages import PROJECT


def text(path: str) -> str:
    return Path(PROJECT / path).read_text(encoding="utf-8")


def test_one_version_everywhere():
    """Program, chart, image and compose file; docs/release.md lists the places."""
    chart = yaml.safe_load(text("deploy/helm/carbonfinops-exporter/Chart.yaml"))
    (image,) = re.findall(r'^ARG VERSION="?([^"\n]+)"?$', text("Dockerfile"), re.MULTILINE)
    (compose,) = re.findall(r"\$\{EXPORTER_VERSION:-([^}]+)\}", text("docker-compose.yml"))
    found = {"chart": chart["version"], "app": chart["appVersion"], "image": image} | {
        "compose": compose
    }

    assert set(found.values()) == {__version__}, found


def test_the_changelog_knows_the_version_or_is_ahead():
    """The newest entry is what is being made, or this version."""
    newest = re.findall(r"^## (\S+)", text("CHANGELOG.md"), re.MULTILINE)[0]

    assert newest in ("Unreleased", __version__)


def test_the_package_takes_its_version_from_the_program():
    """It is written nowhere else."""
    project = tomllib.loads(text("pyproject.toml"))

    assert project["project"]["dynamic"] == ["version"]
    assert project["tool"]["hatch"]["version"]["path"] == "exporter/__init__.py"
