from exporter.cli import _RUNS
from exporter.cli_reference import cli_reference
from tests.docs.pages import DOCS

PAGE = DOCS / "reference" / "cli.md"


def test_the_page_is_what_the_program_says():
    """The reference cannot drift from the arguments; `make docs` writes it again."""
    assert PAGE.read_text(encoding="utf-8") == cli_reference()


def test_every_command_is_on_it():
    """With a heading of its own, and in the list."""
    page = cli_reference()

    assert all(f"\n## {name}\n" in page and f"[`{name}`](#{name})" in page for name in _RUNS)


def test_every_argument_has_a_meaning():
    """The help of the program says it too."""
    assert "|  |" not in cli_reference()


def test_defaults_are_said_once():
    """In their column, not again in the meaning."""
    (row,) = (line for line in cli_reference().splitlines() if line.startswith("| `--step"))

    assert row == "| `--step STEP` | `4m` | between two samples, 4m at most |"
