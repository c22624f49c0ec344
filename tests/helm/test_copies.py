"""What the chart has copies of, because helm reads nothing outside of it."""

from pathlib import Path

import pytest
import yaml

from exporter import __version__

PROJECT = Path(__file__).parents[2]
CHART = PROJECT / "deploy/helm/carbonfinops-exporter"
HOW_TO = "run deploy/helm/copy-files"


@pytest.mark.parametrize(
    ("originals", "copies"),
    [("prometheus/rules/*.yml", "rules"), ("grafana/dashboards/*.json", "dashboards")],
)
def test_copies_are_equal_to_the_originals(originals: str, copies: str) -> None:
    """Byte for byte, none missing, none left over."""
    wanted = {path.name: path.read_bytes() for path in PROJECT.glob(originals)}
    found = {path.name: path.read_bytes() for path in (CHART / "files" / copies).iterdir()}
    assert wanted
    assert found.keys() == wanted.keys(), HOW_TO
    changed = [name for name in wanted if found[name] != wanted[name]]
    assert not changed, HOW_TO


def test_the_chart_has_the_version_of_the_program() -> None:
    """One release, one version: it is also the tag of the image."""
    chart = yaml.safe_load((CHART / "Chart.yaml").read_text())
    assert chart["version"] == chart["appVersion"] == __version__


def test_the_images_are_those_of_the_compose_file() -> None:
    """Whoever changes from one to the other gets the same programs."""
    values = yaml.safe_load((CHART / "values.yaml").read_text())
    services = yaml.safe_load((PROJECT / "docker-compose.yml").read_text())["services"]
    boaviztapi = values["boaviztapi"]["image"]
    assert f"{boaviztapi['repository']}:{boaviztapi['tag']}" == services["boaviztapi"]["image"]
    assert services["exporter"]["image"].startswith(f"{values['image']['repository']}:")
