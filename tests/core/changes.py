"""Ways in which the complete scene may lack something, and the snapshot that follows."""

from collections.abc import Callable
from dataclasses import replace
from functools import reduce
from typing import Any

from exporter.core.estimate import estimate_fleet
from exporter.core.evidence import GapReason
from exporter.core.snapshot import FleetSnapshot, InstanceEstimate
from tests.factories import FRANKFURT, NOW, Scene, complete_scene, cpu, instance

Change = Callable[[Scene], Scene]
WEB, WORKER = "i-0web", "i-0worker"


def without(mapping: str, key: object) -> Change:
    """The evidence loses one entry."""

    def change(scene: Scene) -> Scene:
        kept = {k: v for k, v in getattr(scene.evidence, mapping).items() if k != key}
        return scene.with_evidence(**{mapping: kept})

    return change


def with_entry(mapping: str, key: object, value: object) -> Change:
    """The evidence has another entry."""
    return lambda scene: scene.with_evidence(
        **{mapping: {**getattr(scene.evidence, mapping), key: value}}
    )


def with_profile(**changes: Any) -> Change:
    """The web server's type has another profile."""

    def change(scene: Scene) -> Scene:
        profile = replace(scene.evidence.profiles["m5.large"], **changes)
        return with_entry("profiles", "m5.large", profile)(scene)

    return change


def with_inventory(**changes: Any) -> Change:
    """The place of the web server has another inventory."""

    def change(scene: Scene) -> Scene:
        inventory = replace(scene.evidence.inventories[FRANKFURT], **changes)
        return with_entry("inventories", FRANKFURT, inventory)(scene)

    return change


def with_web(**changes: Any) -> Change:
    """The web server is another; what CloudWatch said of it stays."""
    return with_inventory(instances=(instance(**changes),))


def with_siting(**mappings: Any) -> Change:
    """Locations are known otherwise."""
    return lambda scene: scene._replace(siting=replace(scene.siting, **mappings))


def with_points(*percents: float) -> Change:
    """CloudWatch gave these points for the web server."""
    return with_entry("cpu", FRANKFURT, {WEB: cpu(instance(), *percents)})


def unknown_zone(scene: Scene) -> Scene:
    """Nobody knows which grid zone the web server is in."""
    return with_siting(grid_zones={"eu-west-1": "IE"})(scene)


def unknown_pue(scene: Scene) -> Scene:
    """The web server's region has no PUE."""
    return with_siting(pue={"eu-west-1": scene.siting.pue["eu-west-1"]})(scene)


def unknown_type(reason: GapReason) -> Change:
    """Boavizta does not know the web server's type."""
    return with_profile(watts=(), power_gap=reason, embodied=None, embodied_gap=reason)


def snapshot_of(*changes: Change) -> FleetSnapshot:
    """Estimate the complete scene after these changes."""
    return estimate_fleet(*reduce(lambda scene, c: c(scene), changes, complete_scene()), NOW)


def of(snapshot: FleetSnapshot, instance_id: str) -> InstanceEstimate:
    """Find one instance's estimate."""
    (found,) = [e for e in snapshot.instances if e.instance.instance_id == instance_id]
    return found
