import hashlib
import json
import subprocess
import sys
import tarfile

import pytest
import yaml

from tests.docs.pages import PROJECT

CHART = PROJECT / "deploy" / "helm" / "carbonfinops-exporter"
SCRIPT = PROJECT / ".github" / "chart_sbom.py"


@pytest.fixture
def archive(tmp_path):
    """The chart, packed as helm does."""
    path = tmp_path / "chart.tgz"
    with tarfile.open(path, "w:gz") as files:
        files.add(CHART, CHART.name)
    return path


@pytest.fixture
def sbom(archive):
    done = subprocess.run([sys.executable, SCRIPT, archive], capture_output=True, check=True)
    return json.loads(done.stdout)


def test_it_is_of_this_very_package(sbom, archive):
    """Name, version and checksum; it is what the document describes."""
    chart = yaml.safe_load((CHART / "Chart.yaml").read_text(encoding="utf-8"))
    (described,) = (p for p in sbom["packages"] if p["SPDXID"] == "SPDXRef-chart")
    (checksum,) = described["checksums"]

    assert (described["name"], described["versionInfo"]) == (chart["name"], chart["version"])
    assert checksum["checksumValue"] == hashlib.sha256(archive.read_bytes()).hexdigest()
    assert {
        "spdxElementId": "SPDXRef-DOCUMENT",
        "relationshipType": "DESCRIBES",
        "relatedSpdxElement": "SPDXRef-chart",
    } in sbom["relationships"]


def test_it_names_every_image_that_the_chart_pulls(sbom):
    """Ours in the version of the chart, each one as a dependency."""
    chart = yaml.safe_load((CHART / "Chart.yaml").read_text(encoding="utf-8"))
    values = yaml.safe_load((CHART / "values.yaml").read_text(encoding="utf-8"))
    ours, boaviztapi = values["image"], values["boaviztapi"]["image"]
    images = {p["SPDXID"]: p for p in sbom["packages"] if p["SPDXID"] != "SPDXRef-chart"}

    assert {(p["name"], p["versionInfo"]) for p in images.values()} == {
        (ours["repository"], chart["appVersion"]),
        (boaviztapi["repository"], boaviztapi["tag"]),
    }
    depended_on = {
        r["relatedSpdxElement"]
        for r in sbom["relationships"]
        if r["relationshipType"] == "DEPENDS_ON"
    }
    assert depended_on == set(images)
