"""The chart as a whole: content with itself, small enough, complete when packed."""

import base64
import gzip
import json
import tarfile
from pathlib import Path

import pytest
from chart import CHART, ROOT, Helm

from manifests import Manifests
from value_sets import VALUE_SETS

RECORD_BYTES_LIMIT = 1024 * 1024
"""Helm keeps each release, with the chart, in one Secret: Kubernetes takes no larger one."""


@pytest.fixture(scope="module")
def package(helm: Helm, tmp_path_factory: pytest.TempPathFactory) -> tarfile.TarFile:
    """What `helm package` makes."""
    place = tmp_path_factory.mktemp("package")
    done = helm.run("package", str(CHART), "--destination", str(place))
    assert done.returncode == 0, done.stderr
    (packed,) = place.glob("*.tgz")
    print(f"\n{packed.name}: {packed.stat().st_size / 1e3:.0f} kB")
    return tarfile.open(packed)


@pytest.mark.parametrize("name", VALUE_SETS)
def test_helm_has_nothing_to_say_against_it(helm: Helm, name: str) -> None:
    """`helm lint --strict` is content with every set of values."""
    done = helm.run(
        "lint", "--strict", str(CHART), "--values=-", given=json.dumps(VALUE_SETS[name])
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "[WARNING]" not in done.stdout


def test_the_package_holds_every_rule_and_dashboard(package: tarfile.TarFile) -> None:
    """Byte for byte, so that an installed chart alerts and shows as the repository does."""
    originals = [*ROOT.glob("prometheus/rules/*.yml"), *ROOT.glob("grafana/dashboards/*.json")]
    assert originals
    for original in originals:
        kind = "rules" if original.suffix == ".yml" else "dashboards"
        file = package.extractfile(f"{CHART.name}/files/{kind}/{original.name}")
        assert file
        assert file.read() == original.read_bytes(), f"{original}: run deploy/helm/copy-files"


def test_the_package_holds_nothing_by_accident(package: tarfile.TarFile) -> None:
    """No file but the chart's own."""
    top = {Path(name).parts[1] for name in package.getnames()}
    assert top == {"Chart.yaml", "README.md", "values.schema.json", "values.yaml"} | {
        "files",
        "templates",
    }


def test_the_record_of_a_release_fits(helm: Helm) -> None:
    """With all rules and dashboards on: what helm has to store is far below the limit."""
    files = [
        {"name": str(path), "data": base64.b64encode(path.read_bytes()).decode()}
        for path in CHART.rglob("*")
        if path.is_file()
    ]
    record = {"chart": files, "manifest": helm.text(VALUE_SETS["operator"])}
    stored = base64.b64encode(gzip.compress(json.dumps(record).encode()))
    print(f"\nthe record of a release: {len(stored) / 1e3:.0f} kB")
    assert len(stored) < RECORD_BYTES_LIMIT / 2


def test_names_fit_whatever_the_release_is_called(helm: Helm) -> None:
    """A Service has at most 63 characters; a release may have 53."""
    made = Manifests(helm.objects({}, release="x" * 53))
    services = [service["metadata"]["name"] for service in made.of("Service")]
    assert len(set(services)) == 2
    assert all(len(name) <= 63 for name in services)
