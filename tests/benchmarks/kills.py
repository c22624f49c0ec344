"""SIGKILL at random moments, hundreds of times: it starts again, and its books are still right.

``python -m tests.benchmarks.kills --kills 200 --seed 1``, or ``make kills``; fails when anything
is not as it must be. The real wiring runs on a simulated cloud and on a clock that is 900 times
faster than the machine's: hours close every four seconds, a life ends after seconds. After each
life the state directory and what was shown are held against the simulated world.
"""

import argparse
import random
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from exporter.core.metering import hour_of
from exporter.core.units import SECONDS_PER_HOUR
from tests.benchmarks import kills_ending
from tests.benchmarks.figures import result
from tests.benchmarks.kills_audit import Audit
from tests.benchmarks.kills_blow import Blow, Moment
from tests.benchmarks.kills_child import AcceleratedClock, Scene
from tests.benchmarks.kills_state import traces
from tests.benchmarks.kills_truth import Truth
from tests.benchmarks.kills_victim import Victim

INSTANCES = 30
"""Every kind but spot: when one of those ended only CloudTrail tells, some time later."""

SPEED = 900.0
BEGIN_AT = datetime(2026, 3, 26, 15, 40, tzinfo=UTC).timestamp()
"""A Thursday; nights, a weekend and the change to summer time follow."""

SETTLING_LIMIT_SECONDS = 12 * SECONDS_PER_HOUR
"""Of the scene. Hours are closed within two, their carbon intensity is measured after five."""

PAUSE_SHARE = 0.1
LONGEST_PAUSE_SECONDS = 10.0
"""Sometimes nobody starts it again at once; at 900 times the speed these are 150 minutes.

Runs that end meanwhile are not listed any more, and CloudTrail tells of them hours later. Nobody
asks for the last points of a run that ended 90 minutes ago.
"""

REFRESH_POINTS = 3 * INSTANCES
"""So many are polled in an interval; a kill may cost as many, and no more."""

LONG_SECONDS = 3.0
"""Whoever lived for so long must have shown something."""

ALARMS = ("Traceback", "set aside", "level=error", "unexpectedly", "state ignored", "not written")
"""What must never be in the log."""

PROBLEMS_PRINTED = 20


@dataclass(slots=True)
class Campaign:
    """What came of it. ``within_writes`` counts the kills that left something half done."""

    audit: Audit
    log: Path
    starts: int = 0
    kills: Counter[Moment] = field(default_factory=Counter)
    shown: int = 0
    temporary: int = 0
    unnoted: int = 0
    most_lost: int = 0
    within_writes: int = 0
    simulated_hours: float = 0.0
    seconds: float = 0.0

    @property
    def problems(self) -> list[str]:
        """Everything that is not as it must be."""
        return self.audit.tally.problems

    def judge(self, victim: Victim, moment: Moment) -> None:
        """Take in one life."""
        tally = self.audit.tally
        shown, cut, problems = victim.samples(), tally.cut, len(tally.problems)
        lost_before = tally.lost_points
        self.starts += 1
        self.kills[moment] += 1
        self.shown += bool(shown)
        if not victim.was_killed:
            self.problems.append("it ended by itself")
        if not shown and victim.lived_seconds > LONG_SECONDS:
            self.problems.append("it never showed anything")
        temporary = traces(self.audit.folder, victim.started_ns)
        unnoted = self.audit.life(shown)
        lost = tally.lost_points - lost_before
        self.most_lost = max(self.most_lost, lost)
        if lost > REFRESH_POINTS:
            self.problems.append(f"{lost} points are lost")
        self.temporary += bool(temporary)
        self.unnoted += bool(unnoted)
        self.within_writes += bool(temporary or unnoted or tally.cut > cut)
        tally.problems[problems:] = [
            f"life {self.starts}, {moment}: {problem}" for problem in tally.problems[problems:]
        ]


def run(folder: Path, *, kills: int, seed: int, speed: float = SPEED) -> Campaign:
    """Live and be killed, then live until everything is settled, and be killed once more."""
    began = time.monotonic()
    scene = Scene(str(folder / "state"), seed, INSTANCES, speed, began, BEGIN_AT)
    clock = AcceleratedClock(scene)
    campaign = Campaign(Audit(Truth(seed, INSTANCES), Path(scene.folder)), folder / "exporter.log")
    draw = random.Random(seed)  # noqa: S311 - moments, not secrets
    for _ in range(kills):
        blow = Blow.drawn(draw)
        with Victim(scene, campaign.log) as victim:
            victim.strike(blow)
        campaign.judge(victim, blow.moment)
        if draw.random() < PAUSE_SHARE:
            time.sleep(draw.uniform(0.0, LONGEST_PAUSE_SECONDS))
    until_at = hour_of(clock.wall())
    with Victim(scene, campaign.log) as victim:
        limit_at = clock.wall() + SETTLING_LIMIT_SECONDS
        while clock.wall() < limit_at and not kills_ending.is_settled(campaign.audit, until_at):
            time.sleep(0.1)
    campaign.judge(victim, Moment.ANY)
    campaign.problems.extend(kills_ending.problems(campaign.audit, until_at))
    lines = campaign.log.read_text(encoding="utf-8").splitlines()
    campaign.problems.extend(line for line in lines if any(alarm in line for alarm in ALARMS))
    campaign.simulated_hours = (clock.wall() - BEGIN_AT) / SECONDS_PER_HOUR
    campaign.seconds = time.monotonic() - began
    return campaign


def show(campaign: Campaign) -> None:
    """Print what came of it."""
    tally, audit = campaign.audit.tally, campaign.audit
    counted, used = kills_ending.energy(audit)
    accounted, ran = kills_ending.seconds(audit)
    result("kills", f"{campaign.kills.total()}")
    for moment, count in sorted(campaign.kills.items()):
        result(f"  {moment}", f"{count}")
    result("starts; those that lived to show something", f"{campaign.starts}; {campaign.shown}")
    result("kills that left something half done", f"{campaign.within_writes}")
    result("  a temporary file", f"{campaign.temporary}")
    result("  hours in the history, but not in the counters", f"{campaign.unnoted}")
    result("  an append cut off", f"{tally.cut}")
    result("counter values looked at", f"{tally.samples:,}")
    result("  fell", f"{tally.falls}", "0")
    result("  jumped: more than was used, or not what the history says", f"{tally.jumps}", "0")
    result("hours closed, of one place each", f"{tally.closed}")
    result("  written twice", f"{tally.written_twice}")
    result("  corrected by CloudTrail", f"{tally.corrected}")
    result("CPU points lost, all counted as skipped", f"{tally.lost_points}")
    result("  most after one kill", f"{campaign.most_lost}", f"<= {REFRESH_POINTS}, one refresh")
    result("  instance-seconds of them", f"{tally.lost_seconds:,.0f} of {ran:,.0f}")
    result("instance-seconds that the books never heard of", f"{tally.unseen_seconds:,.0f}")
    result("  that it believed to run, by the rules", f"{tally.assumed_seconds:,.0f}")
    result("instance-seconds measured, skipped or unseen / run", f"{accounted / ran:.9f}", "1")
    result("energy counted / used", f"{counted / used:.9f}")
    result("simulated hours", f"{campaign.simulated_hours:,.1f}")
    result("time", f"{campaign.seconds:,.0f} s")
    for problem in campaign.problems[:PROBLEMS_PRINTED]:
        print(f"  PROBLEM {problem}")
    result("problems", f"{len(campaign.problems)}", "0")


def main() -> int:
    """Run one campaign; 1 when anything was not as it must be."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1, help="of the cloud, and of the moments")
    parser.add_argument("--speed", type=float, default=SPEED, help="simulated seconds per second")
    parser.add_argument("--keep", type=Path, help="folder for the state and the log; must be new")
    options = parser.parse_args()
    print(f"kills: seed {options.seed}, {INSTANCES} instances, {options.speed:g} times as fast")
    with tempfile.TemporaryDirectory() as name:
        folder = options.keep or Path(name)
        folder.mkdir(parents=True, exist_ok=folder == Path(name))
        campaign = run(folder, kills=options.kills, seed=options.seed, speed=options.speed)
        show(campaign)
    return int(bool(campaign.problems))


if __name__ == "__main__":
    sys.exit(main())
