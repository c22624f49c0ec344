"""Killed with SIGKILL again and again, in the short version; ``make kills`` is the long one."""

from collections.abc import Callable
from pathlib import Path

import pytest
from tests.benchmarks.kills import Campaign, run

from conftest import LOGS

KILLS = 15
SPEED = 1500.0


@pytest.fixture(scope="module")
def campaign(folder: Callable[[str], Path]) -> Campaign:
    home = folder("kills")
    LOGS.append(home / "exporter.log")
    return run(home, kills=KILLS, seed=11, speed=SPEED)


def test_it_always_starts_again_with_its_books_in_order(campaign: Campaign):
    """Every start succeeds, no file is set aside, and what is written is the simulated truth."""
    assert campaign.problems == []
    assert campaign.starts == KILLS + 1


def test_counters_never_fall_or_jump(campaign: Campaign):
    """No counter was lower than shown before, or higher than what was used by then."""
    tally = campaign.audit.tally
    assert (tally.falls, tally.jumps) == (0, 0)
    assert tally.samples > 0


def test_it_was_worth_it(campaign: Campaign):
    """Hours were closed all the while, and some kills came in the middle of a write."""
    assert campaign.audit.tally.closed >= 6 * 5
    assert campaign.within_writes > 0
