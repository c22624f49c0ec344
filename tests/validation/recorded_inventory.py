"""Recorded AWS Config notifications: what a look at one instance showed, five times."""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from exporter.core.fleet import Instance, InstanceState, PurchaseOption, Sighting
from exporter.core.sightings import sighted
from tests.validation.recorded_events import instant
from tests.validation.recordings import DataError, json_in, names_in


@dataclass(frozen=True, slots=True)
class Look:
    """What was seen at an instant; no configuration when the instance was gone."""

    at: float
    account_id: str
    region: str
    configuration: dict[str, Any] | None


def recorded_looks(data: Path) -> list[Look]:
    """All looks, oldest first."""
    found = []
    for name in names_in(data, "cloudtrail/awsconfig_ec2_lifecycle/*.json"):
        try:
            item = json.loads(json_in(data, name)["Message"])["configurationItem"]
            at = datetime.fromisoformat(item["configurationItemCaptureTime"]).timestamp()
            found.append(Look(at, item["awsAccountId"], item["awsRegion"], item["configuration"]))
        except (KeyError, TypeError, ValueError):
            raise DataError(f"{name} is not a notification of AWS Config") from None
    if len({look.configuration["instanceId"] for look in found if look.configuration}) != 1:
        raise DataError("the notifications of AWS Config are not of one instance")
    return sorted(found, key=lambda look: look.at)


def sightings_of(looks: Sequence[Look]) -> tuple[Sighting, ...]:
    """What the exporter would remember, had each look been one of its inventories."""
    sightings: tuple[Sighting, ...] = ()
    for look in looks:
        found = [] if look.configuration is None else [_instance(look, look.configuration)]
        sightings = sighted(sightings, found, look.at, look.at)
    return sightings


def told_runs(looks: Sequence[Look]) -> list[tuple[float, float]]:
    """Start and end of each run, read by hand: LaunchTime, and the time in the stop's reason."""
    runs = {}
    for look in looks:
        reason = (look.configuration or {}).get("stateTransitionReason") or ""
        told = re.search(r"\((.*) GMT\)", reason)
        if look.configuration and told:
            runs[instant(look.configuration["launchTime"])] = instant(told[1])
    if not runs:
        raise DataError("the notifications of AWS Config tell of no run's end")
    return sorted(runs.items())


def _instance(look: Look, configuration: dict[str, Any]) -> Instance:
    placement = configuration["placement"]
    return Instance(
        instance_id=configuration["instanceId"],
        account_id=look.account_id,
        region=look.region,
        availability_zone=placement["availabilityZone"],
        instance_type=configuration["instanceType"],
        state=InstanceState(configuration["state"]["name"]),
        launched_at=instant(configuration["launchTime"]),
        purchase_option=PurchaseOption.ON_DEMAND,
        usage_operation="RunInstances",
        platform="Linux/UNIX",
        tenancy=placement["tenancy"],
        architecture=configuration["architecture"],
        name="",
        state_transition_reason=configuration["stateTransitionReason"],
    )
