"""The Markdown pages of the project as they are written: headings, links, blocks and words."""

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from textwrap import dedent

PROJECT = Path(__file__).resolve().parents[2]
DOCS = PROJECT / "docs"
INDEX = DOCS / "README.md"

_FENCE = re.compile(
    r"^ *(?P<fence>```+)(?P<language>[^\n`]*)\n(?P<body>.*?)^ *(?P=fence)$\n?",
    re.MULTILINE | re.DOTALL,
)
_COMMENT = re.compile(r"<!--(.*?)-->", re.DOTALL)
_CODE = re.compile(r"(?P<ticks>`+)(?!`).+?(?<!`)(?P=ticks)(?!`)", re.DOTALL)
_INDENTED = re.compile(r"^(?: {4}|\t).*$", re.MULTILINE)
_HEADING = re.compile(r"^#{1,6} +(.+?) *#* *$", re.MULTILINE)
_LINK = re.compile(r"\[(?:[^\[\]]|\[[^\[\]]*\])*\]\(<?([^()\s<>]+)>?[^()]*\)")
_ANCHOR = re.compile(r"<a (?:id|name)=\"([^\"]+)\"")


@dataclass(frozen=True)
class Block:
    """A fenced block; ``mark`` is the comment on the line above it, empty where there is none."""

    page: "Page"
    line: int
    language: str
    mark: str
    text: str

    @property
    def place(self) -> str:
        """Where it stands, for people."""
        return f"{self.page.name}:{self.line}"


@dataclass(frozen=True)
class Page:
    """One Markdown file."""

    path: Path

    @property
    def name(self) -> str:
        """Its path in the project."""
        return self.path.relative_to(PROJECT).as_posix()

    @cached_property
    def text(self) -> str:
        """All of it."""
        return self.path.read_text(encoding="utf-8")

    @cached_property
    def prose(self) -> str:
        """Without fenced blocks, and comments."""
        return _COMMENT.sub("", _FENCE.sub("", self.text))

    @cached_property
    def blocks(self) -> tuple[Block, ...]:
        """All fenced blocks, in order."""
        return tuple(self._blocks())

    def _blocks(self) -> Iterator[Block]:
        for found in _FENCE.finditer(self.text):
            before = self.text[: found.start()]
            above = before.removesuffix("\n").rpartition("\n")[2]
            mark = _COMMENT.fullmatch(above.strip())
            yield Block(
                self,
                before.count("\n") + 1,
                found["language"].strip(),
                mark[1].strip() if mark else "",
                dedent(found["body"]),
            )

    @cached_property
    def comments(self) -> tuple[tuple[int, str], ...]:
        """Comments with the line that each stands on."""
        return tuple(
            (self.text.count("\n", 0, found.start()) + 1, found[1].strip())
            for found in _COMMENT.finditer(self.text)
        )

    @cached_property
    def anchors(self) -> frozenset[str]:
        """What a link into the page may name, as the forge makes it of headings."""
        seen: Counter[str] = Counter()
        found = set(_ANCHOR.findall(self.prose))
        for heading in _HEADING.findall(self.prose):
            slug = _slug(heading)
            found.add(f"{slug}-{seen[slug]}" if seen[slug] else slug)
            seen[slug] += 1
        return frozenset(found)

    @cached_property
    def links(self) -> tuple[str, ...]:
        """Targets of all links and pictures."""
        return tuple(_LINK.findall(_INDENTED.sub("", _CODE.sub("`", self.prose))))


def _slug(heading: str) -> str:
    """Lower case, without punctuation, blanks as hyphens."""
    text = re.sub(r"!?\[([^\]]*)\]\([^)]*\)", r"\1", heading)
    kept = re.sub(r"[^\w\- ]", "", text.replace("`", "").lower())
    return kept.replace(" ", "-")


def pages() -> tuple[Page, ...]:
    """Every page of the project, hidden and generated folders aside."""
    found = (
        path
        for path in PROJECT.rglob("*.md")
        if not any(
            part.startswith(".") or part in ("build", "node_modules")
            for part in path.relative_to(PROJECT).parts
        )
    )
    return tuple(Page(path) for path in sorted(found))


PAGES = pages()
