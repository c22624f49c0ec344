"""The commands that pages tell their readers to run, and how each of them is tested.

python -m tests.docs.commands        prints the list

A comment on the line above a block of language ``sh`` says what becomes of it:

    <!-- run -->                     run to its end, which must be a success
    <!-- run; ends with 1 -->        and must end with this exit code
    <!-- run in the background -->   started, and left running
    <!-- run; offline -->            needs neither the network nor the package index: cheap
    <!-- run; needs an AWS account, the AWS CLI -->   run where there is a stand-in for these
    <!-- not run: REASON -->

A block of language ``text`` below it, marked ``<!-- shows -->``, is what the reader is told to see:
these lines come in this order, others between them; ``...`` stands for anything in a line. After
``<!-- shows, with other numbers -->`` so does every number. ``<!-- stop -->`` ends what was started
last in the background.
"""

import re
import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace

from tests.docs.pages import PAGES, PROJECT, Block, Page

MARKED = ("README.md", "docs/tutorial/first-live-account.md")
"""Pages all of whose command blocks are run, or say why not."""

NEEDS = ("an AWS account", "the AWS CLI", "Prometheus", "the package index")

_RUN = re.compile(
    r"run(?P<background> in the background)?"
    r"(?:; ends with (?P<code>\d+))?(?P<offline>; offline)?(?:; needs (?P<needs>[^;]+))?"
)
_NOT_RUN = re.compile(r"not run: (?P<reason>.+)", re.DOTALL)
_SHOWS = re.compile(r"shows(?P<loose>, with other numbers)?")
_NUMBER = r"\d+(?:[.,]\d+)*(?:e[-+]?\d+)?"
_PARTS = re.compile(rf"(?P<anything>\.\.\.)|(?P<number>{_NUMBER})|(?P<text>(?!\.\.\.)\D)")


class MarkError(ValueError):
    """A mark that means nothing, or none where there must be one."""


@dataclass(frozen=True)
class Shown:
    """What the reader is told to see."""

    block: Block
    loose: bool

    def missing_in(self, output: str) -> str:
        """The first line that does not come, in its turn; empty when all do."""
        rest = iter(output.splitlines())
        for line in filter(str.strip, self.block.text.splitlines()):
            if line.strip() != "..." and not any(self._fits(line, each) for each in rest):
                return line
        return ""

    def _fits(self, told: str, seen: str) -> bool:
        pattern = "".join(map(self._pattern, _PARTS.finditer(told.strip())))
        return re.fullmatch(pattern, seen.strip()) is not None

    def _pattern(self, part: re.Match[str]) -> str:
        if part["anything"]:
            return ".*"
        return _NUMBER if part["number"] and self.loose else re.escape(part[0])


@dataclass(frozen=True)
class Command:
    """A block of commands. ``reason`` says why it is not run; empty where it is."""

    block: Block
    reason: str = ""
    background: bool = False
    offline: bool = False
    exit_code: int = 0
    needs: tuple[str, ...] = ()
    shown: Shown | None = None


@dataclass(frozen=True)
class Stop:
    """The end of what was started last in the background."""

    line: int = field(compare=False)


def steps(page: Page) -> Iterator[Command | Stop]:
    """What a page has its reader do, in order. Raises MarkError."""
    marks = {block.line - 1 for block in page.blocks}
    stops = [
        (line, Stop(line)) for line, text in page.comments if text == "stop" and line not in marks
    ]
    commands: list[tuple[int, Command | Stop]] = []
    last: Command | None = None
    for block in page.blocks:
        shows = _SHOWS.fullmatch(block.mark)
        if block.language == "sh":
            last = _command(block)
            commands.append((block.line, last))
        elif shows and last is not None:
            shown = Shown(block, loose=bool(shows["loose"]))
            commands[-1] = (commands[-1][0], replace(last, shown=shown))
            last = None
        elif block.mark:
            raise MarkError(f"{block.place}: {block.mark!r} above a block that is no command")
    for _, step in sorted([*commands, *stops], key=lambda each: each[0]):
        yield step


def _command(block: Block) -> Command:
    if not_run := _NOT_RUN.fullmatch(block.mark):
        return Command(block, reason=" ".join(not_run["reason"].split()))
    run = _RUN.fullmatch(block.mark)
    if not run:
        raise MarkError(f"{block.place}: no mark that says whether it is run: {block.mark!r}")
    needs = tuple(need.strip() for need in (run["needs"] or "").split(",") if need.strip())
    if unknown := set(needs) - set(NEEDS):
        raise MarkError(f"{block.place}: nobody knows {unknown}; known: {', '.join(NEEDS)}")
    return Command(
        block,
        background=bool(run["background"]),
        offline=bool(run["offline"]),
        exit_code=int(run["code"] or 0),
        needs=needs,
    )


def commands(pages: Iterable[Page]) -> tuple[Command, ...]:
    """The command blocks of some pages, in order. Raises MarkError."""
    return tuple(step for page in pages for step in steps(page) if isinstance(step, Command))


def marked_pages() -> tuple[Page, ...]:
    """The pages all of whose commands are marked."""
    return tuple(Page(PROJECT / name) for name in MARKED)


def listing(found: Iterable[Command]) -> Iterator[str]:
    """One line for each block, and how many are run."""
    counts: Counter[str] = Counter()
    for command in found:
        fate = _fate(command)
        counts["not run" if command.reason else "run"] += 1
        first = command.block.text.strip().splitlines()[0]
        yield f"{command.block.place:<44} {fate:<52} {first}"
    yield f"{counts['run']} run, {counts['not run']} not run"


def _fate(command: Command) -> str:
    if command.reason:
        return f"not run: {command.reason}"
    offline = ", offline" if command.offline else ""
    needs = f", needs {', '.join(command.needs)}" if command.needs else ""
    return f"run{offline}{needs}"


if __name__ == "__main__":
    marked = {page.name for page in marked_pages()}
    for line in listing(commands(page for page in PAGES if page.name in marked)):
        sys.stdout.write(f"{line}\n")
