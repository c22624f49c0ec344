"""Names on the pages that the program has to know: settings, metrics, alerts, commands, files."""

import re
import shlex
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from exporter.arguments import parser
from exporter.configuration import FROM_FILE, SECRETS, known_names
from exporter.core.provenance import SourceName
from exporter.settings import LEVELS, PREFIX
from tests.docs.pages import PAGES, PROJECT, Page
from tests.prometheus.known import EXPOSED, NAME, RECORDED

each_page = pytest.mark.parametrize("page", PAGES, ids=[page.name for page in PAGES])

SETTINGS = {PREFIX + LEVELS.join(path).upper() for path in known_names()} | {
    f"{PREFIX}{secret}{FROM_FILE}" for secret in SECRETS
}
OF_SOURCES = tuple(f"{PREFIX}{name}{LEVELS}" for name in ("TTL", "MAX_AGE"))
OF_REGIONS = f"{PREFIX}PUE{LEVELS}"
OF_COMPOSE = set(
    re.findall(rf"{PREFIX}\w+", (PROJECT / "docker-compose.yml").read_text(encoding="utf-8"))
)
HISTOGRAM_SERIES = ("_bucket", "_sum", "_count")
ALERTS = {
    rule["alert"]
    for file in (PROJECT / "prometheus" / "rules").glob("*.alerts.yml")
    for group in yaml.safe_load(file.read_text(encoding="utf-8"))["groups"]
    for rule in group["rules"]
}


def is_setting(name: str) -> bool:
    """``<SOURCE>`` and ``<REGION>`` stand for any, ``*`` at the end for all that begin so."""
    if name.endswith("*"):
        return any(known.startswith(name[:-1]) for known in SETTINGS)
    for prefix in OF_SOURCES:
        if name.startswith(prefix):
            source = name.removeprefix(prefix)
            return source == "<SOURCE>" or source.lower() in set(SourceName)
    if name.startswith(OF_REGIONS):
        region = name.removeprefix(OF_REGIONS)
        return re.fullmatch(r"<REGION>|[A-Z]+(_[A-Z]+)+_\d+(_[A-Z]+_\d+)?", region) is not None
    return name in SETTINGS or name in OF_COMPOSE


@each_page
def test_every_setting_exists(page):
    """A misspelt one would be refused at the start: nobody may learn it here."""
    named = set(re.findall(rf"\b{PREFIX}[A-Z0-9_]+(?:<[A-Z]+>|\*)?", page.text))
    unknown = {name for name in named if not is_setting(name)}

    assert not unknown


def is_series(name: str) -> bool:
    """Exposed or recorded. A tag of the reader's own is recorded like the four that there are."""
    if match := NAME.fullmatch(name):
        level = re.sub(r"^tag_(?!set$)\w+$", "tag_team", match["level"])
        return any(f"{level}:{match['metric']}:{match['operations']}" == n for n in RECORDED) or (
            name in RECORDED
        )
    base = next((name.removesuffix(end) for end in HISTOGRAM_SERIES if name.endswith(end)), name)
    return name in EXPOSED or base in EXPOSED


@each_page
def test_every_metric_exists(page):
    """Each is in the catalogue, or recorded by a rule; ``*`` at the end stands for any ending."""
    if page.name == "docs/reference/recording-rules.md":
        return  # generated from the rules, which have tests of their own
    text = re.sub(r"(\w*)\{([\w,]+)\}(\w*)", _spread, page.text)
    text = re.sub(r"\S+/\S*|@\S+", " ", text)  # addresses and files
    named = re.findall(r"(?<![\w:.-])(?:[a-z_]+:)?carbonfinops_[a-z0-9_]+(?::\w+)?\*?", text)
    unknown = {name for name in named if not _is_known(name)}

    assert not unknown


def _spread(found: re.Match[str]) -> str:
    return " ".join(f"{found[1]}{part}{found[3]}" for part in found[2].split(","))


def _is_known(name: str) -> bool:
    if name.endswith("*"):
        return any(known.startswith(name[:-1]) for known in EXPOSED)
    return is_series(name)


@each_page
def test_every_alert_exists(page):
    """A runbook, a silence or an explanation must be about an alert that can fire."""
    named = set(re.findall(r"\bCarbonFinOps[A-Z]\w+", page.text))

    assert named <= ALERTS


_BEFORE = r"^\s*(?:\w+=\S+ +)*"
_PROGRAM = re.compile(
    _BEFORE + r"(?:docker compose exec \S+ +)?(?:carbonfinops|\S*python3? -m exporter)\s+([a-z].*)"
)
_MAKE = re.compile(_BEFORE + r"make ([a-z]+)\b")
TARGETS = set(
    re.findall(r"^([a-z]+):", (PROJECT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
)


def _code_lines(page: Page) -> Iterator[str]:
    """Lines of blocks, continued ones joined, and code in the text."""
    for block in page.blocks:
        yield from block.text.replace("\\\n", " ").splitlines()
    yield from re.findall(r"`([^`\n]+)`", page.prose)


@each_page
def test_every_command_of_the_program_can_be_parsed(page):
    """Commands and their arguments, in blocks and in the text."""
    arguments = parser(defaultdict(lambda: lambda _: 0))
    for line in _code_lines(page):
        if found := _PROGRAM.match(line):
            words = shlex.split(re.split(r"[|>&;]|\$\(", found[1])[0], comments=True)
            try:
                arguments.parse_args(words)
            except SystemExit:
                pytest.fail(f"{page.name}: {line}")


@each_page
def test_every_target_of_make_exists(page):
    """``make x`` in code means a target of the Makefile."""
    named = {found[1] for line in _code_lines(page) if (found := _MAKE.match(line))}

    assert named <= TARGETS


FOLDERS = ("deploy", "docs", "exporter", "grafana", "prometheus", "tests", ".ci", ".github")


@each_page
def test_every_file_of_the_project_exists(page):
    """Paths in code that begin with a folder of the project; ``*`` stands for any name.

    Names that begin with ``own`` are those of the reader's own files.
    """
    folders = "|".join(map(re.escape, FOLDERS))
    pattern = rf"(?<![\w./$-])(?:{folders})/(?!(?:rules/)?own)[\w./*-]*[\w*]"
    named = {path for line in _code_lines(page) for path in re.findall(pattern, line)}
    # On the pages of a folder, paths may be of that folder.
    missing = {p for p in named if not (_is_there(PROJECT, p) or _is_there(page.path.parent, p))}

    assert not missing


def _is_there(folder: Path, path: str) -> bool:
    return any(True for _ in folder.glob(path))


def test_what_does_not_exist_is_noticed():
    """The tests above can fail."""
    assert not is_setting("CARBONFINOPS_AWS__REGION")
    assert not is_setting("CARBONFINOPS_TTL__EC2")
    assert is_setting("CARBONFINOPS_TTL__EC2_INVENTORY")
    assert is_setting("CARBONFINOPS_PUE__US_EAST_1_BOS_1")
    assert not is_series("carbonfinops_instance_power_kilowatts")
    assert not is_series("fleet:carbonfinops_instance_power_watts:mean")
    assert is_series("tag_product:carbonfinops_instance_cost_eur_per_hour:sum")
    assert is_series("carbonfinops_upstream_request_duration_seconds_bucket")
    assert Page(PROJECT / "README.md").blocks
