"""A post: one place in the fleet that one instance after the other takes up."""

from dataclasses import dataclass
from enum import Enum, auto
from hashlib import blake2b

from exporter.core.fleet import Place, PurchaseOption


class Rhythm(Enum):
    """When the instances of a post run."""

    ALWAYS = auto()
    OFFICE_HOURS = auto()
    """Stopped outside Monday to Friday, 07:00 to 19:00 in Berlin."""
    NIGHTLY = auto()
    """A new instance every night, terminated when its job is done."""
    SCALING = auto()
    """Added by the auto scaling group while the load asks for it, then terminated."""
    ABANDONED = auto()
    """Tried out for two hours, stopped since."""


class Load(Enum):
    """What keeps the CPU of a post busy."""

    SCALED_WEB = auto()
    WEB = auto()
    CHECKOUT = auto()
    SEARCH = auto()
    DATABASE = auto()
    CLUSTER = auto()
    STREAM = auto()
    BATCH = auto()
    TRAINING = auto()
    BUILD = auto()
    WORKBENCH = auto()
    LIGHT = auto()
    FORGOTTEN = auto()
    OVERSIZED = auto()


@dataclass(frozen=True, slots=True)
class Post:
    """What all instances of a post have in common.

    ``stream`` names the post's own noise, ``shop_stream`` the noise that all posts share: the
    shop's busy and quiet days. ``level`` is how busy the post is among its like, around 1.
    ``rank`` is the place in the auto scaling group, from 0.
    """

    number: int
    stream: int
    shop_stream: int
    place: Place
    availability_zone: str
    instance_type: str
    name: str
    tags: tuple[tuple[str, str], ...]
    rhythm: Rhythm
    load: Load
    level: float
    replaced_every_days: float
    purchase_option: PurchaseOption = PurchaseOption.ON_DEMAND
    platform: str = "Linux/UNIX"
    usage_operation: str = "RunInstances"
    rank: int = 0
    reports_cpu: bool = True

    @property
    def image_id(self) -> str:
        """The company keeps one machine image for each region and operating system."""
        kind = f"{self.place.region}|{self.platform}"
        return f"ami-0{blake2b(kind.encode(), digest_size=8).hexdigest()}"
