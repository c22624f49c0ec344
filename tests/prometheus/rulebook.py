"""The rule files as they are written: groups, rules, and the comments above them."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import yaml

from tests.prometheus.promql import usage

PROJECT = Path(__file__).parents[2]
FOLDER = PROJECT / "prometheus"
RULES = FOLDER / "rules"
TESTS = FOLDER / "tests"

_OWNER = re.compile(r" *- (?:name|record): (\S+)$")


@dataclass(frozen=True)
class Rule:
    """A recording rule, and what the comment above it says."""

    record: str
    expr: str
    comment: str


@dataclass(frozen=True)
class Group:
    """The recording rules of one topic; the interval is empty where it is Prometheus' own."""

    name: str
    comment: str
    interval: str
    rules: tuple[Rule, ...]


@dataclass(frozen=True)
class RuleFile:
    """A file of recording rules; its comment is the first block of it."""

    path: Path
    comment: str
    groups: tuple[Group, ...]

    @property
    def rules(self) -> tuple[Rule, ...]:
        """Those of all its groups."""
        return tuple(rule for group in self.groups for rule in group.rules)

    @property
    def reads(self) -> frozenset[str]:
        """Names of all metrics in its expressions."""
        return frozenset(
            selector.metric for rule in self.rules for selector in usage(rule.expr).selectors
        )

    @property
    def records(self) -> frozenset[str]:
        """Names of the series it makes."""
        return frozenset(rule.record for rule in self.rules)


def recording_files() -> tuple[RuleFile, ...]:
    """All files of recording rules, by name."""
    return tuple(_read(path) for path in sorted(RULES.glob("*.rules.yml")))


def passes(files: Sequence[RuleFile]) -> list[list[RuleFile]]:
    """The files in the order in which a past can be recorded: each pass reads the ones before it.

    promtool tsdb create-blocks-from rules does not see what it has just recorded. ValueError where
    a file reads what it records itself, or two files read each other.
    """
    waiting, found = list(files), []
    while waiting:
        open_names = {name for file in waiting for name in file.records}
        ready = [file for file in waiting if not file.reads & open_names]
        if not ready:
            raise ValueError(f"cannot be recorded one after the other: {_names(waiting)}")
        found.append(ready)
        waiting = [file for file in waiting if file not in ready]
    return found


def _names(files: Sequence[RuleFile]) -> str:
    return ", ".join(file.path.name for file in files)


def _read(path: Path) -> RuleFile:
    text = path.read_text()
    comments = _comments(text)
    groups = tuple(
        Group(
            group["name"],
            comments[group["name"]],
            group.get("interval", ""),
            tuple(_rule(written, comments) for written in group["rules"]),
        )
        for group in yaml.safe_load(text)["groups"]
    )
    return RuleFile(path, comments[""], groups)


def _rule(written: Mapping[str, str], comments: Mapping[str, str]) -> Rule:
    return Rule(written["record"], written["expr"].rstrip("\n"), comments[written["record"]])


def _comments(text: str) -> dict[str, str]:
    """The comment block right above each group and rule, and that of the file under ``""``."""
    found: dict[str, str] = {}
    block: list[str] = []
    for line in text.splitlines():
        if line.lstrip().startswith("#"):
            block.append(line.lstrip().removeprefix("#").removeprefix(" "))
            continue
        owner = "" if line == "groups:" else (_OWNER.match(line) or [None, None])[1]
        if owner is not None:
            found[owner] = "\n".join(block)
        block = []
    return found
