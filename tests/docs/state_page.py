"""docs/reference/state-format.md as data: its tables, its examples, its sections."""

import json
import re
from typing import Any

from exporter.core.provenance import SourceName
from tests.docs.pages import DOCS, Page

PAGE = Page(DOCS / "reference" / "state-format.md")
STAMP = r"\d{4}-\d\d-\d\d(T\d\d)?"

Paths = set[tuple[str, ...]]


def section(heading: str) -> str:
    """What stands under a heading, until the next of any level."""
    found = re.search(rf"^#+ {heading}\n(.*?)(?=^#+ |\Z)", PAGE.text, re.MULTILINE | re.DOTALL)
    assert found, heading
    return found[1]


def examples(heading: str) -> list[Any]:
    """The JSON documents under a heading; ``...`` says that something is left out."""
    indented = re.sub(r"^(?! {4}|\n).*$", "", section(heading), flags=re.MULTILINE)
    text = indented.replace("{...}", "{}").replace(", ...}", "}")
    decoder, found = json.JSONDecoder(), []
    while text := text.lstrip():
        if not text.startswith("{"):
            break
        document, end = decoder.raw_decode(text)
        found.append(document)
        text = text[end:]
    return found


def names(heading: str) -> list[str]:
    """What the first column of the table under a heading names."""
    rows = [line for line in section(heading).splitlines() if line.startswith("| `")]
    return [name for row in rows for name in re.findall(r"`([^`]+)`", row.split("|")[1])]


def keys(document: Any) -> Paths:
    """The path of every key; what is in a list is all of one shape."""
    if isinstance(document, list):
        return set[tuple[str, ...]]().union(*map(keys, document))
    if not isinstance(document, dict):
        return set()
    inner = {(name, *path) for name, value in document.items() for path in keys(value)}
    return {(name,) for name in document} | inner


def kinds() -> list[str]:
    """The kinds of history that the page has a section for."""
    return re.findall(r"^### (\w+_(?:hours|days))$", PAGE.text, re.MULTILINE)


def shown(path: str) -> str:
    """A file name as the page writes it: any source, any stamp."""
    path = re.sub(STAMP, "STAMP", path)
    return re.sub(rf"^({'|'.join(SourceName)})\.json$", "<source>.json", path)
