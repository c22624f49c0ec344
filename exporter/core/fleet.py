"""What the fleet is made of: places, instances and the hardware of their types."""

from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple


class Place(NamedTuple):
    """One account in one region: the scope in which AWS answers for instances."""

    account_id: str
    region: str


class InstanceState(StrEnum):
    """EC2 instance states, in AWS's words."""

    PENDING = "pending"
    RUNNING = "running"
    SHUTTING_DOWN = "shutting-down"
    TERMINATED = "terminated"
    STOPPING = "stopping"
    STOPPED = "stopped"


class PurchaseOption(StrEnum):
    """How the compute time is paid for, as far as the instance itself tells."""

    ON_DEMAND = "on_demand"
    SPOT = "spot"
    CAPACITY_BLOCK = "capacity_block"


@dataclass(frozen=True, slots=True)
class Instance:
    """One EC2 instance as DescribeInstances reports it.

    ``launched_at`` is the LAST launch (it moves on every start), in epoch seconds.
    ``tags`` holds the allow-listed tags only, as (label, value), sorted by label; the label is
    without its ``tag_`` prefix.
    """

    instance_id: str
    account_id: str
    region: str
    availability_zone: str
    instance_type: str
    state: InstanceState
    launched_at: float
    purchase_option: PurchaseOption
    usage_operation: str
    platform: str
    tenancy: str
    architecture: str
    name: str
    tags: tuple[tuple[str, str], ...] = ()
    state_reason: str = ""
    state_transition_reason: str = ""
    image_id: str = ""

    @property
    def place(self) -> Place:
        """The account and region it lives in."""
        return Place(self.account_id, self.region)

    @property
    def location(self) -> str:
        """The region, or the zone group of a Local or Wavelength Zone.

        It is what grid, PUE and prices are looked up by. A zone of a region is the region plus a
        letter (eu-central-1a); other zones carry the name of their own group, plus a letter
        unless it is a Wavelength Zone (eu-central-1-ham-1a, us-east-1-wl1-bos-wlz-1).
        """
        zone = self.availability_zone
        if not zone.startswith(f"{self.region}-"):
            return self.region
        return zone[:-1] if zone[-1].isalpha() else zone

    @property
    def is_running(self) -> bool:
        """Whether it runs now, by its own state."""
        return self.state is InstanceState.RUNNING


@dataclass(frozen=True, slots=True)
class Hardware:
    """What DescribeInstanceTypes says of one instance type.

    ``accelerators`` counts GPUs, inference and media accelerators, FPGAs and Neuron devices.
    """

    instance_type: str
    vcpus: int
    memory_mebibytes: int
    accelerators: int
    burstable: bool
    architecture: str


def family_of(instance_type: str) -> str:
    """``m5`` of ``m5.large``: the types that differ in size only."""
    return instance_type.partition(".")[0]


@dataclass(frozen=True, slots=True)
class SightedRun:
    """One run: from one LaunchTime to the end, in epoch seconds.

    ``seen_at`` is the newest instant at which an inventory showed it running (never before
    ``launched_at``); where only its end was ever seen, ``seen_at`` is ``launched_at``.
    ``ended_at`` is the exact end where StateTransitionReason tells it. ``gone_at`` is when an
    inventory first did not show it running any more; None while it runs. ``stopping_at`` is the
    newest instant at which an inventory showed it stopping, None if none did.
    """

    launched_at: float
    instance_type: str
    seen_at: float
    ended_at: float | None = None
    gone_at: float | None = None
    stopping_at: float | None = None


@dataclass(frozen=True, slots=True)
class Sighting:
    """An instance as last seen, and its runs of the last days, oldest first.

    ``listed`` is False once the inventory shows it no more, or as terminated.
    """

    instance: Instance
    runs: tuple[SightedRun, ...]
    first_at: float
    listed: bool = True


@dataclass(frozen=True, slots=True)
class Inventory:
    """All instances of one place (terminated ones left out).

    ``hardware`` is of all sizes of the families in use, where EC2 describes them there.
    ``sightings`` are what this and earlier inventories have shown of each instance's runs.
    """

    place: Place
    instances: tuple[Instance, ...]
    hardware: tuple[Hardware, ...]
    sightings: tuple[Sighting, ...] = ()

    @property
    def running_count(self) -> int:
        """Number of running instances."""
        return sum(1 for instance in self.instances if instance.is_running)


@dataclass(frozen=True, slots=True)
class Account:
    """One AWS account to poll; ``role_arn`` is empty for the base credentials' own account.

    ``regions`` are the regions chosen for it; empty means all that are enabled.
    """

    account_id: str
    role_arn: str = ""
    regions: tuple[str, ...] = ()
