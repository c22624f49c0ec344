#!/usr/bin/env python3
"""The SBOM of a packaged chart, as SPDX in JSON: the chart, and the images that it pulls."""

import hashlib
import json
import sys
import tarfile
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote

import yaml

HOME = "https://github.com/carbonfinops/carbonfinops-exporter"


def main() -> int:
    """``chart_sbom.py CHART.tgz`` writes to standard output."""
    archive = Path(sys.argv[1])
    chart, values = (_read(archive, name) for name in ("Chart.yaml", "values.yaml"))
    digest = hashlib.sha256(archive.read_bytes()).hexdigest()
    json.dump(_document(chart, values, digest), sys.stdout, indent=2)
    return 0


def _read(archive: Path, name: str) -> dict[str, Any]:
    with tarfile.open(archive) as files:
        (member,) = (f for f in files if f.name.count("/") == 1 and f.name.endswith(f"/{name}"))
        found: dict[str, Any] = yaml.safe_load(files.extractfile(member) or b"")
    return found


def _document(chart: dict[str, Any], values: dict[str, Any], digest: str) -> dict[str, Any]:
    package = {
        **_package("SPDXRef-chart", chart["name"], chart["version"]),
        "licenseDeclared": chart["annotations"]["artifacthub.io/license"],
        "checksums": [{"algorithm": "SHA256", "checksumValue": digest}],
        "primaryPackagePurpose": "INSTALL",
    }
    images = [_image(n, image, chart["appVersion"]) for n, image in enumerate(_images(values))]
    return {
        "spdxVersion": "SPDX-2.3",
        "SPDXID": "SPDXRef-DOCUMENT",
        "dataLicense": "CC0-1.0",
        "name": f"{chart['name']}-{chart['version']}",
        "documentNamespace": f"{HOME}/sbom/chart-{chart['version']}-{digest}",
        "creationInfo": {
            "created": f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}",
            "creators": ["Tool: chart_sbom.py"],
        },
        "packages": [package, *images],
        "relationships": [
            _relation("SPDXRef-DOCUMENT", "DESCRIBES", "SPDXRef-chart"),
            *(_relation("SPDXRef-chart", "DEPENDS_ON", image["SPDXID"]) for image in images),
        ],
    }


def _images(values: dict[str, Any]) -> Iterator[dict[str, str]]:
    """Whatever has a repository, however deep."""
    if "repository" in values:
        yield values
    for value in values.values():
        if isinstance(value, dict):
            yield from _images(value)


def _image(number: int, image: dict[str, str], own_version: str) -> dict[str, Any]:
    """One of ours has no tag of its own: it is released with the chart."""
    repository, version = image["repository"], image["tag"] or own_version
    name = "@".join(filter(None, (repository.rpartition("/")[2], quote(image["digest"]))))
    locator = f"pkg:oci/{name}?repository_url={repository}&tag={version}"
    reference = {"referenceType": "purl", "referenceLocator": locator}
    return {
        **_package(f"SPDXRef-image-{number}", repository, version),
        "primaryPackagePurpose": "CONTAINER",
        "externalRefs": [{"referenceCategory": "PACKAGE-MANAGER", **reference}],
    }


def _package(key: str, name: str, version: str) -> dict[str, Any]:
    unsaid = {"downloadLocation": "NOASSERTION", "filesAnalyzed": False}
    return {"SPDXID": key, "name": name, "versionInfo": version, **unsaid}


def _relation(one: str, kind: str, other: str) -> dict[str, str]:
    return {"spdxElementId": one, "relationshipType": kind, "relatedSpdxElement": other}


if __name__ == "__main__":
    sys.exit(main())
