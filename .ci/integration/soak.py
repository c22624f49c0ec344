"""A world that changes all the time, watched through the exporter."""

import random
from collections.abc import Callable
from dataclasses import dataclass, field

from cloud_rig import CloudRig
from exporter_process import ExporterProcess
from exposition import Exposition
from invariants import violations
from promtool import criticism
from waiting import eventually

REGIONS = "eu-central-1,us-east-1"
PROMTOOL_EVERY_BODIES = 20
CONVERGENCE_SECONDS = 12.0
"""An inventory interval, the rig's answer, a publication, and some patience."""


@dataclass
class Soak:
    """What happened while the world changed."""

    problems: list[str] = field(default_factory=list)
    bodies: int = 0
    started: list[str] = field(default_factory=list)
    stopped: list[str] = field(default_factory=list)
    terminated: list[str] = field(default_factory=list)
    retagged: dict[str, str] = field(default_factory=dict)
    began_at: float = 0.0
    ended_at: float = 0.0
    last: Exposition | None = None


class Operator:
    """Changes the world, and waits each time until the exporter says so."""

    def __init__(self, rig: CloudRig, exporter: ExporterProcess, soak: Soak) -> None:
        self._rig = rig
        self._exporter = exporter
        self._soak = soak
        self._draw = random.Random(7)  # noqa: S311 - the same changes in every run
        self._steps = 0

    def step(self) -> None:
        """One change, in turn."""
        actions = (self.launch, self.retag, self.stop, self.launch, self.start, self.terminate)
        actions[self._steps % len(actions)]()
        self._steps += 1

    def launch(self) -> None:
        """An instance that has run for two hours already: old enough for every quantity."""
        tags = {"Name": f"soak {self._steps}", "team": f"t{self._steps}"}
        (iid,) = self._rig.change(
            "launch",
            region=self._draw.choice(REGIONS.split(",")),
            type=self._draw.choice(("m5.large", "t3.micro", "c6g.xlarge")),
            const=self._draw.uniform(1, 99),
            tags=tags,
            events=[{"at": "-2h", "action": "run"}],
        )["launched"]
        self._soak.started.append(iid)
        self._until(
            lambda body: iid in body.by_instance("instance_emissions_grams_per_hour"),
            f"{iid} was launched but has no emissions",
        )

    def retag(self) -> None:
        """Another value of one tag, with characters that need escapes."""
        iid, team = self._draw.choice(self._ours()), f'new "{self._steps}" \\ \n'
        self._rig.change("retag", ids=[iid], set={"team": team})
        self._soak.retagged[iid] = team
        self._until(
            lambda body: (
                [s.labels["tag_team"] for s in body.find("instance_info", instance_id=iid)]
                == [team]
            ),
            f"{iid} was retagged",
        )

    def stop(self) -> None:
        """A stopped instance stays listed, with none of its quantities."""
        iid = self._draw.choice(self._ours())
        self._rig.change("stop", ids=[iid])
        self._soak.stopped.append(iid)
        self._soak.started.remove(iid)
        self._until(
            lambda body: (
                body.value("instance_running", instance_id=iid) == 0
                and iid not in body.by_instance("instance_power_watts")
                and iid not in body.by_instance("instance_cost_usd_per_hour")
            ),
            f"{iid} was stopped",
        )

    def start(self) -> None:
        """A start makes an instance young again: it runs, and its power is a gap."""
        iid = self._soak.stopped[0]
        state = self._rig.truth(id=iid)["instances"][0]["state"]
        if state != "stopped":
            return
        self._soak.stopped.remove(iid)
        self._rig.change("start", ids=[iid])
        self._soak.started.append(iid)
        self._until(
            lambda body: (
                body.value("instance_running", instance_id=iid) == 1
                and iid not in body.by_instance("instance_power_watts")
                and iid in body.by_instance("instance_cost_usd_per_hour")
            ),
            f"{iid} was started again",
        )

    def terminate(self) -> None:
        """Every series of a terminated instance ends."""
        iid = self._draw.choice(self._ours())
        self._rig.change("terminate", ids=[iid])
        self._soak.terminated.append(iid)
        self._soak.started.remove(iid)
        self._soak.retagged.pop(iid, None)
        # It is shutting down for a quarter of a minute before it is terminated.
        self._until(lambda body: iid not in body.text, f"{iid} was terminated", 15)

    def _ours(self) -> list[str]:
        return self._soak.started

    def _until(self, fits: Callable[[Exposition], bool], what: str, more: float = 0) -> None:
        def probe() -> bool:
            return fits(self.observe())

        try:
            eventually(probe, CONVERGENCE_SECONDS + more, what, 0.5)
        except AssertionError as error:
            self._soak.problems.append(str(error))

    def observe(self) -> Exposition:
        """One body, with everything that must hold of it."""
        body = self._exporter.scrape()
        self._soak.problems += violations(body)
        if self._soak.bodies % PROMTOOL_EVERY_BODIES == 0:
            self._soak.problems += criticism(body)
        self._soak.bodies += 1
        return body
