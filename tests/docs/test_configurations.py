"""Settings and configuration that pages show: the program takes them as they are written."""

import re
import shlex
import tomllib
from pathlib import Path

import pytest
import yaml

from exporter.configuration import FROM_FILE, load_settings
from exporter.location import refuse_unknown_regions
from exporter.settings import PREFIX
from tests.docs.pages import DOCS, PAGES, PROJECT, Block, Page

_ASSIGNMENT = re.compile(rf"({PREFIX}\w+)=(.*)")
MADE_UP = "made-up"


def _assignments(text: str) -> dict[str, str]:
    """Variables of a block that has nothing else; empty where it has."""
    lines = [line for line in text.splitlines() if line.strip()]
    found = [_ASSIGNMENT.fullmatch(_exported(line)) for line in lines]
    return {each[1]: each[2] for each in found if each} if all(found) else {}


def _exported(line: str) -> str:
    """What a shell makes of ``export NAME="... $VALUE"``; other lines are as a file has them."""
    if not re.match(r"export \w+=\S", line):
        return line
    return re.sub(r"\$\w+", MADE_UP, shlex.split(line)[1])


def _sections(block: Block) -> bool:
    """Whether a block of TOML is settings."""
    return block.language == "toml"


ENVIRONMENTS = [b for page in PAGES for b in page.blocks if _assignments(b.text)]
FILES = [b for page in PAGES for b in page.blocks if _sections(b)]


def _load(variables: dict[str, str], folder: Path, file: Path | None = None) -> None:
    """Load them, with a file where one is named and something where dots are. SettingsError."""
    secret = folder / "secret"
    secret.write_text(MADE_UP)
    environment = {
        name: str(secret) if name.endswith(FROM_FILE) else value.replace("...", MADE_UP)
        for name, value in variables.items()
    }
    settings = load_settings(environment, dotenv=folder / "none", file=file)
    refuse_unknown_regions(settings)


@pytest.mark.parametrize("block", ENVIRONMENTS, ids=[block.place for block in ENVIRONMENTS])
def test_variables_on_a_page_are_accepted(block, tmp_path):
    """Whoever copies them starts the exporter, and no error."""
    _load(_assignments(block.text), tmp_path)


@pytest.mark.parametrize("block", FILES, ids=[block.place for block in FILES])
def test_settings_files_on_a_page_are_accepted(block, tmp_path):
    """As --config FILE."""
    file = tmp_path / "settings.toml"
    file.write_text(block.text)

    assert tomllib.loads(block.text)
    _load({}, tmp_path, file)


EXAMPLE = {
    found[1]: found[2]
    for line in (PROJECT / "exporter.env.example").read_text(encoding="utf-8").splitlines()
    if (found := _ASSIGNMENT.fullmatch(line.removeprefix("#")))
}


@pytest.mark.parametrize("name", EXAMPLE)
def test_the_example_of_the_compose_file_is_accepted(name, tmp_path):
    """Each line that can be taken into use, with the value that it shows."""
    _load({name: EXAMPLE[name] or MADE_UP}, tmp_path)


def test_blocks_are_found():
    """The tests above would pass on nothing."""
    assert len(ENVIRONMENTS) > 5
    assert len(FILES) > 2
    assert len(EXAMPLE) > 5


def test_the_page_on_remote_write_shows_what_the_configuration_holds():
    """It tells to take comment signs away: there must be just this behind them."""
    page = Page(DOCS / "how-to" / "remote-write.md")
    shown = next(block for block in page.blocks if block.language == "yaml")
    configuration = (PROJECT / "prometheus" / "prometheus.yml").read_text(encoding="utf-8")
    _, _, behind = configuration.partition("# remote_write:\n")
    lines = ["remote_write:", *(line.removeprefix("# ") for line in behind.splitlines())]

    assert yaml.safe_load("\n".join(lines)) == yaml.safe_load(shown.text)
