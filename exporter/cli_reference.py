"""The reference page of all commands, generated from the parser of their arguments."""

import argparse
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from exporter.arguments import parser

_INTRODUCTION = """\
# Commands

Generated from the program by `make docs`; do not edit.

The program is `carbonfinops` in the image and where it is installed as a package, and
`.venv/bin/python -m exporter` in a clone after `make demo` or `make run`. What it does is decided
by its [settings](settings.md); arguments only say what cannot be a setting.
"""

_ENDINGS = """\
## How they end

| exit code | of | means |
| --- | --- | --- |
| 0 | all | done; of `serve` and `demo`: ended by SIGTERM or SIGINT |
| 1 | all | a setting is wrong, or the state directory, the address or a file cannot be used |
| 1 | `check` | at least one line begins with `FAIL` |
| 1 | `health` | the exporter does not answer, or answers that it is not well |
| 1 | `snapshot`, `scenarios` | no inventory could be read |
| 2 | all | the arguments are wrong |
| 130 | all others than `serve` and `demo` | ended by SIGINT (<kbd>Ctrl</kbd>+<kbd>C</kbd>) |

Results go to standard output, the log and remarks to standard error. `serve` and `demo` run until
they are ended; the others end by themselves, `check`, `snapshot` and `scenarios` after about two
minutes at the latest.

`check` asks every source anew; `snapshot` and `scenarios` ask for what the state directory does not
hold, what is due again, and what had failed and is lacking. AWS bills for some of it:
[what asking costs](iam.md#what-asking-costs).
None of the three writes to the state directory, so all may run beside `serve`.
"""

_NO_RUNS: Mapping[str, Any] = defaultdict(lambda: None)
"""The page needs no command to do anything."""


def cli_reference() -> str:
    """The page as Markdown."""
    (commands,) = (action for action in _actions(parser(_NO_RUNS)) if action.choices)
    purposes = {each.dest: each.help or "" for each in _pseudo_actions(commands)}
    lines = [_INTRODUCTION, "| command | purpose |", "| --- | --- |"]
    lines += [f"| [`{name}`](#{name}) | {purpose} |" for name, purpose in purposes.items()]
    lines.append("")
    for name, command in _subparsers(commands).items():
        lines += [f"## {name}", "", *_purpose(command, purposes[name]), *_table(command), ""]
    return "\n".join([*lines, _ENDINGS])


def _purpose(command: argparse.ArgumentParser, purpose: str) -> Iterator[str]:
    yield _sentence(command.description or purpose)
    yield ""


def _sentence(text: str) -> str:
    words = " ".join(text.split())
    return f"{words[0].upper()}{words[1:].removesuffix('.')}."


def _table(command: argparse.ArgumentParser) -> Iterator[str]:
    yield "| argument | default | meaning |"
    yield "| --- | --- | --- |"
    for action in _actions(command):
        if not isinstance(action, argparse._HelpAction):  # noqa: SLF001 - it has no public name
            default, meaning = _default_and_meaning(action)
            yield f"| `{_written(action)}` | {default} | {meaning} |"


def _written(action: argparse.Action) -> str:
    if action.choices:
        choices = ", ".join(map(str, action.choices))
        return f"{action.option_strings[0]} ({choices})"
    value = "" if action.nargs == 0 else f" {action.metavar or action.dest.upper()}"
    return f"{action.option_strings[0]}{value}"


def _default_and_meaning(action: argparse.Action) -> tuple[str, str]:
    """Help that ends with a default in brackets says it better than the parsed value."""
    meaning, bracket, default = (action.help or "").removesuffix(")").rpartition(" (")
    if bracket and " " not in default:
        return f"`{default}`", meaning
    return _default(action), action.help or ""


def _default(action: argparse.Action) -> str:
    if action.default is None or action.nargs == 0:
        return "none"
    if isinstance(action.default, tuple):
        return f"`{'/'.join(map(str, action.default))}`"
    return f"`{action.default}`"


# argparse tells of itself by attributes that are private by name only: its help, and every tool
# that documents programs, is made from them.


def _actions(command: argparse.ArgumentParser) -> Iterable[argparse.Action]:
    return command._actions  # noqa: SLF001 - as above


def _pseudo_actions(commands: argparse.Action) -> Iterable[argparse.Action]:
    return commands._get_subactions()  # type: ignore[attr-defined, no-any-return]  # noqa: SLF001 - as above


def _subparsers(commands: argparse.Action) -> Mapping[str, argparse.ArgumentParser]:
    assert isinstance(commands.choices, Mapping)  # noqa: S101 - for the type checker
    return commands.choices


if __name__ == "__main__":
    print(cli_reference(), end="")  # noqa: T201 - prints the page
