"""One helm, and what each set of values becomes with it."""

import venv
from pathlib import Path
from subprocess import run

import pytest
from chart import CACHE, Helm, find_helm

from manifests import Manifests
from value_sets import VALUE_SETS

REQUIREMENTS = Path(__file__).with_name("requirements.txt")


@pytest.fixture(scope="session")
def helm() -> Helm:
    """The program. Kept in CHART_TOOLS between runs."""
    return find_helm()


@pytest.fixture(scope="session")
def all_manifests(helm: Helm) -> dict[str, Manifests]:
    """What each set of values becomes."""
    return {name: Manifests(helm.objects(values)) for name, values in VALUE_SETS.items()}


@pytest.fixture(params=VALUE_SETS)
def manifests(request: pytest.FixtureRequest, all_manifests: dict[str, Manifests]) -> Manifests:
    """What one set of values becomes: a test that asks for it is run with each."""
    return all_manifests[request.param]


@pytest.fixture(scope="session")
def validator() -> Path:
    """A program that knows the schemas of Kubernetes. Kept like helm."""
    place = CACHE / "kubernetes-validate"
    program = place / "bin/kubernetes-validate"
    if not program.exists():
        venv.create(place, clear=True, with_pip=True)
        install = ["install", "-q", "--disable-pip-version-check", "-r", str(REQUIREMENTS)]
        run([place / "bin/python", "-m", "pip", *install], check=True)
    return program
