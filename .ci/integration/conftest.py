"""Processes for the checks: started here, ended here, their logs shown when a check fails."""

import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path

import pytest

from cloud_rig import CloudRig
from exporter_process import ExporterProcess
from lived_demo import LivedDemo

LOG_TAIL_CHARACTERS = 1500
LOGS: list[Path] = []

StartRig = Callable[..., CloudRig]
StartExporter = Callable[..., ExporterProcess]


def pytest_sessionstart():
    """Fail at once, and never skip, when a program that the checks need is missing."""
    programs = ("prometheus", "promtool", "prometheus-alertmanager")
    missing = [name for name in programs if not shutil.which(name)]
    if missing:
        packages = "prometheus prometheus-alertmanager"
        pytest.exit(f"missing: {', '.join(missing)} (apt-get install {packages})", returncode=1)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Checks of the demo come last, so that it runs for them alone; those of its past begin."""
    items.sort(key=_position)


def _position(item: pytest.Item) -> int:
    if "demo" not in getattr(item, "fixturenames", ()):
        return 0
    return 1 if item.path.stem == "test_history" else 2


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport():
    report = yield
    if report.failed:
        for path in LOGS:
            if path.exists():
                report.sections.append((str(path), path.read_text()[-LOG_TAIL_CHARACTERS:]))
    return report


@pytest.fixture(scope="module")
def ending() -> Iterator[ExitStack]:
    """Ends what the checks of one module started, in reverse order, whatever happens."""
    with ExitStack() as stack:
        yield stack
    LOGS.clear()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """A new folder."""
    return tmp_path_factory.mktemp


@pytest.fixture(scope="module")
def start_rig(ending: ExitStack, folder: Callable[[str], Path]) -> StartRig:
    """Start a rig; it ends with the module."""

    def start(*options: str) -> CloudRig:
        rig = CloudRig(folder("rig"), *options)
        ending.callback(rig.stop)
        return rig

    return start


@pytest.fixture(scope="module")
def start_exporter(ending: ExitStack, folder: Callable[[str], Path]) -> StartExporter:
    """Start an exporter; it ends with the module unless it was stopped before."""

    def start(
        settings: Mapping[str, str], *arguments: str, home: Path | None = None
    ) -> ExporterProcess:
        place = home or folder("exporter")
        LOGS.append(place / "exporter.log")
        exporter = ExporterProcess(place, settings, *arguments)
        ending.callback(exporter.stop)
        return exporter

    return start


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LivedDemo]:
    """The demo with five weeks of history: it takes minutes to make, and is made once."""
    place = tmp_path_factory.mktemp("demo")
    LOGS.append(place / "demo.log")
    demo = LivedDemo(place)
    yield demo
    demo.stop()
