"""What the README and the tutorial have their readers do; all of it is run by .ci/docs."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.docs.commands import (
    MARKED,
    Command,
    MarkError,
    Shown,
    Stop,
    commands,
    listing,
    marked_pages,
    steps,
)
from tests.docs.pages import PAGES, PROJECT, Block, Page

COMMANDS = commands(marked_pages())
OFFLINE = [command for command in COMMANDS if command.offline]
LIMIT_SECONDS = 120


def test_every_command_says_whether_it_is_run():
    """No block without a mark, and no fence without a language; the last line counts them."""
    nameless = [
        block.place for page in marked_pages() for block in page.blocks if not block.language
    ]
    *_, counted = listing(COMMANDS)
    run = sum(not command.reason for command in COMMANDS)

    assert not nameless
    assert counted == f"{run} run, {len(COMMANDS) - run} not run"
    assert {command.block.page.name for command in COMMANDS} == set(MARKED)


def test_what_is_not_run_has_a_reason_that_holds():
    """Root, Docker, a clone, the tests themselves: nothing else is left to belief."""
    reasons = ("needs root", "needs Docker", "the page is run inside", "these are the tests")

    assert all(c.reason.startswith(reasons) for c in COMMANDS if c.reason)


def test_marks_of_other_pages_mean_something():
    """They need none; but what looks like one must not be a misspelt one."""
    marks = {
        block.place: block.mark
        for page in PAGES
        for block in page.blocks
        if page.name not in MARKED and block.mark.startswith(("run", "not run", "shows"))
    }

    assert not [p for p, mark in marks.items() if not mark.startswith(("run", "not run: "))]


@pytest.fixture
def fresh(tmp_path: Path) -> Path:
    """The project as after ``make demo``: its environment is the one of the tests."""
    for path in PROJECT.iterdir():
        if path.name not in {".venv", ".env"}:
            (tmp_path / path.name).symlink_to(path)
    python = tmp_path / ".venv" / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.write_text(f'#!/bin/sh\nexec "{sys.executable}" "$@"\n')
    python.chmod(0o755)
    return tmp_path


@pytest.mark.parametrize("command", OFFLINE, ids=[command.block.place for command in OFFLINE])
def test_an_offline_command_shows_what_the_page_says(command, fresh):
    """Here without a network; .ci/docs runs these, too."""
    done = subprocess.run(
        ["/bin/bash", "-ec", command.block.text],
        cwd=fresh,
        env={"PATH": os.environ["PATH"], "HOME": str(fresh), "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        timeout=LIMIT_SECONDS,
        check=False,
    )

    assert done.returncode == command.exit_code, done.stderr
    assert not command.shown or command.shown.missing_in(done.stdout) == ""


def _page(tmp_path: Path, text: str) -> Page:
    file = tmp_path / "page.md"
    file.write_text(text)
    return Page(file)


def _shown(text: str, *, loose: bool) -> Shown:
    return Shown(Block(PAGES[0], 1, "text", "", text), loose)


def test_what_a_command_shows_comes_in_order():
    """Others between, any indent; dots stand for anything, numbers only if told so."""
    output = "a\npower 3.5 W\nb\n"

    assert _shown("a\nb\n", loose=False).missing_in(output) == ""
    assert _shown("b\na\n", loose=False).missing_in(output) == "a"
    assert _shown("power ...\n", loose=False).missing_in(output) == ""
    assert _shown("b\n", loose=False).missing_in("a\n    b\n") == ""
    assert _shown("power 4.5 W\n", loose=False).missing_in(output) == "power 4.5 W"
    assert _shown("power 41 W\n", loose=True).missing_in(output) == ""
    assert _shown("power 41 kW\n", loose=True).missing_in(output) == "power 41 kW"


def test_steps_come_in_the_order_of_the_page(tmp_path, monkeypatch):
    """Blocks with what they show, and the ends of what runs in the background."""
    monkeypatch.setattr("tests.docs.pages.PROJECT", tmp_path)
    page = _page(
        tmp_path,
        "<!-- run in the background; needs Prometheus, the AWS CLI -->\n```sh\na\n```\n\n"
        "<!-- shows -->\n```text\nb\n```\n\n<!-- stop -->\nStop it.\n\n"
        "<!-- run; ends with 1 -->\n```sh\nc\n```\n",
    )
    first, second, third = steps(page)

    assert isinstance(first, Command)
    assert isinstance(third, Command)
    assert first.shown is not None
    assert (first.background, first.needs) == (True, ("Prometheus", "the AWS CLI"))
    assert first.shown.block.text == "b\n"
    assert isinstance(second, Stop)
    assert (third.exit_code, third.shown) == (1, None)


@pytest.mark.parametrize(
    "mark",
    ["", "<!-- Run -->", "<!-- run; needs a miracle -->", "<!-- not run -->", "<!-- shows -->"],
)
def test_a_block_without_a_proper_mark_is_refused(tmp_path, monkeypatch, mark):
    """A misspelt mark must not leave a command untested."""
    monkeypatch.setattr("tests.docs.pages.PROJECT", tmp_path)
    page = _page(tmp_path, f"{mark}\n```sh\ntrue\n```\n")

    with pytest.raises(MarkError, match=r"page\.md:2"):
        list(steps(page))
