"""Who may import whom, read from the sources."""

import ast
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import pytest

import exporter

ROOT = Path(exporter.__file__).parents[1]
MODULES = {
    ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): path
    for path in sorted(Path(exporter.__file__).parent.rglob("*.py"))
}
BELOW_THE_WIRING = (
    "core",
    "sources",
    "simulation",
    "exposition",
    "books",
    "history",
    "refresh",
    "scheduler",
    "store",
    "roster",
    "gather",
    "publisher",
)
REGION_TABLE_READERS = ("location", "check", "settings", "configuration", "data")


def imported(module: str) -> Iterator[str]:
    """Every import in a module, at any depth; ``from a import b`` gives ``a.b``."""
    path = MODULES[module]
    package = module.split(".") if path.name == "__init__.py" else module.split(".")[:-1]
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = package[: len(package) + 1 - node.level] if node.level else []
            origin = ".".join([*above, *([node.module] if node.module else [])])
            yield from (f"{origin}.{alias.name}" for alias in node.names)


def inside(name: str, *packages: str) -> bool:
    return any(name == package or name.startswith(f"{package}.") for package in packages)


def ours(*names: str) -> list[str]:
    """The modules of these parts of the exporter."""
    return [m for m in MODULES if inside(m, *(f"exporter.{name}" for name in names))]


def offenders(modules: Iterable[str], allowed: Callable[[str], bool]) -> list[str]:
    return [
        f"{module} imports {name}"
        for module in modules
        for name in imported(module)
        if not allowed(name)
    ]


def test_the_modules_are_found():
    """The other tests here would pass on nothing."""
    assert {"exporter", "exporter.app", "exporter.core", "exporter.core.power"} <= MODULES.keys()
    assert "exporter.core.units.CPU_SLOT_SECONDS" in set(imported("exporter.core.power"))


def test_the_core_needs_only_itself_and_the_standard_library():
    """It is pure: nothing of ours outside core, nothing installed."""
    assert not offenders(
        ours("core"),
        lambda name: inside(name, "exporter.core", *sys.stdlib_module_names),
    )


@pytest.mark.parametrize(
    ("importer", "forbidden"),
    [
        ("sources", ["exposition", "simulation", "books", "refresh", "store"]),
        ("exposition", ["sources", "simulation", "books", "refresh", "store"]),
        *((lower, ["books"]) for lower in ("history", "refresh", "scheduler", "store", "roster")),
        *((lower, ["app", "cli", "check", "report"]) for lower in BELOW_THE_WIRING),
    ],
)
def test_imports_go_one_way(importer, forbidden):
    """From the commands through the wiring to the parts, from the parts to the core."""
    barred = [f"exporter.{name}" for name in forbidden]

    assert not offenders(ours(importer), lambda name: not inside(name, *barred))


def test_the_simulation_stands_behind_the_same_border_as_the_sources():
    """Of ours it needs the core and the source protocol only."""
    assert not offenders(
        ours("simulation"),
        lambda name: (
            inside(name, "exporter.simulation", "exporter.core", "exporter.sources.source")
            or not inside(name, "exporter")
        ),
    )


def test_the_books_need_only_the_core_and_the_disk():
    """They are handed what sources answered, and hand on what is to be shown."""
    parts = ("books", "core", "history", "store")

    assert not offenders(
        ours("books"),
        lambda name: (
            inside(name, *(f"exporter.{part}" for part in parts)) or not inside(name, "exporter")
        ),
    )


def test_only_the_wiring_reads_the_region_table():
    """The parts get zones and PUE handed in."""
    others = MODULES.keys() - ours(*REGION_TABLE_READERS)

    assert not offenders(others, lambda name: not inside(name, "exporter.data"))


def test_the_core_runs_on_a_bare_interpreter():
    """Without site-packages every module of the core can still be imported."""
    program = f"import sys; sys.path.insert(0, {str(ROOT)!r})\nimport {', '.join(ours('core'))}"

    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", program], capture_output=True, text=True, check=False
    )

    assert (done.returncode, done.stderr) == (0, "")
