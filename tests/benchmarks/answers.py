"""What the real upstreams would answer about the made-up organization."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from fnmatch import fnmatchcase
from typing import Any, NamedTuple

from exporter.core.units import CPU_SLOT_SECONDS, SECONDS_PER_HOUR
from tests.benchmarks.organization import ROLE_KEY, TYPES, Fleet
from tests.benchmarks.trail_and_bill import IMAGE_ID, billed, looked_up


class Asked(NamedTuple):
    """One request, as far as an answer depends on it."""

    now: float
    operation: str
    place: tuple[str, str]
    fields: dict[str, Any]


def _instances(fleet: Fleet, asked: Asked) -> str:
    items = "".join(
        f"<item><instanceId>{each.instance_id}</instanceId>"
        f"<instanceType>{each.instance_type}</instanceType><imageId>{IMAGE_ID}</imageId>"
        f"<launchTime>{_iso(each.launched_at)}</launchTime>"
        f"<placement><availabilityZone>{each.zone}</availabilityZone><tenancy>default</tenancy>"
        "</placement><instanceState><code>16</code><name>running</name></instanceState>"
        f"{'<instanceLifecycle>spot</instanceLifecycle>' if each.spot else ''}"
        "<architecture>x86_64</architecture><platformDetails>Linux/UNIX</platformDetails>"
        "<usageOperation>RunInstances</usageOperation></item>"
        for each in fleet.at(asked.now, asked.place)
    )
    instances = f"<item><instancesSet>{items}</instancesSet></item>"
    return f"<R><reservationSet>{instances}</reservationSet></R>"


def _types(fleet: Fleet, asked: Asked) -> str:
    del fleet
    patterns = [text for name, text in asked.fields.items() if name.startswith("Filter.1.Value.")]
    items = "".join(
        f"<item><instanceType>{name}</instanceType><vCpuInfo><defaultVCpus>2</defaultVCpus>"
        "</vCpuInfo><memoryInfo><sizeInMiB>8192</sizeInMiB></memoryInfo></item>"
        for name in TYPES
        if any(fnmatchcase(name, pattern) for pattern in patterns)
    )
    return f"<R><instanceTypeSet>{items}</instanceTypeSet></R>"


def _spot_prices(fleet: Fleet, asked: Asked) -> str:
    pools = {(each.zone, each.instance_type) for each in fleet.at(asked.now, asked.place)}
    items = "".join(
        f"<item><availabilityZone>{zone}</availabilityZone><instanceType>{name}</instanceType>"
        "<productDescription>Linux/UNIX</productDescription><spotPrice>0.03</spotPrice>"
        f"<timestamp>{_iso(asked.now)}</timestamp></item>"
        for zone, name in sorted(pools)
    )
    return f"<R><spotPriceHistorySet>{items}</spotPriceHistorySet></R>"


def _cpu(fleet: Fleet, asked: Asked) -> object:
    del fleet
    first, last = asked.fields["StartTime"], asked.fields["EndTime"]
    starts = [
        first + number * CPU_SLOT_SECONDS
        for number in range(int((last - first) // CPU_SLOT_SECONDS))
    ]
    return {
        "MetricDataResults": [
            {"Id": query["Id"], "Timestamps": starts, "Values": [25.5] * len(starts)}
            for query in asked.fields["MetricDataQueries"]
        ]
    }


def _products(fleet: Fleet, asked: Asked) -> object:
    del fleet
    attributes = {each["Field"]: each["Value"] for each in asked.fields["Filters"]}
    dimension = {"unit": "Hrs", "pricePerUnit": {"USD": "0.115"}}
    entry = {
        "product": {"attributes": attributes},
        "terms": {"OnDemand": {"t": {"priceDimensions": {"d": dimension}}}},
    }
    return {"FormatVersion": "aws_v1", "PriceList": [json.dumps(entry)]}


def _events(fleet: Fleet, asked: Asked) -> object:
    return looked_up(fleet, asked.place, asked.fields)


def _bill(fleet: Fleet, asked: Asked) -> object:
    return billed(fleet, asked.fields)


def _identity(fleet: Fleet, asked: Asked) -> str:
    del fleet
    account_id = asked.place[0]
    return (
        f"<R><GetCallerIdentityResult><Arn>arn:aws:iam::{account_id}:user/made-up</Arn>"
        f"<UserId>AIDAEXAMPLE</UserId><Account>{account_id}</Account></GetCallerIdentityResult></R>"
    )


def _role(fleet: Fleet, asked: Asked) -> str:
    del fleet, asked
    # botocore reads the machine's clock here, not the simulated one.
    expires_at = datetime.now(UTC).timestamp() + SECONDS_PER_HOUR
    return (
        f"<R><AssumeRoleResult><Credentials><AccessKeyId>{ROLE_KEY}</AccessKeyId>"
        "<SecretAccessKey>made-up</SecretAccessKey><SessionToken>made-up</SessionToken>"
        f"<Expiration>{_iso(expires_at)}</Expiration></Credentials></AssumeRoleResult></R>"
    )


def _intensity(zone: str, at: float) -> dict[str, object]:
    hour_at = at // SECONDS_PER_HOUR * SECONDS_PER_HOUR
    known = {"zone": zone, "datetime": _iso(hour_at), "isEstimated": False}
    return known | {"carbonIntensity": 200 + hour_at / SECONDS_PER_HOUR % 7}


def _latest(fleet: Fleet, asked: Asked) -> object:
    del fleet
    return _intensity(asked.fields["zone"][0], asked.now)


def _history(fleet: Fleet, asked: Asked) -> object:
    del fleet
    zone = asked.fields["zone"][0]
    ages = range(23, -1, -1)
    hours = [_intensity(zone, asked.now - age * SECONDS_PER_HOUR) for age in ages]
    return {"zone": zone, "history": hours}


def _profile(fleet: Fleet, asked: Asked) -> object:
    del fleet
    watts = 3 + asked.fields["usage"]["time_workload"] / 10
    return {
        "impacts": {"gwp": {"embedded": {"value": 0.0005, "min": 0.0003, "max": 0.0008}}},
        "verbose": {"avg_power": {"value": watts, "unit": "W"}},
    }


def _version(fleet: Fleet, asked: Asked) -> object:
    del fleet, asked
    return json.dumps("2.5.0")


def _rates(fleet: Fleet, asked: Asked) -> str:
    del fleet
    day = _iso(asked.now)[:10]
    rate = f'<Cube><Cube time="{day}"><Cube currency="USD" rate="1.1"/></Cube></Cube>'
    return f'<E xmlns="http://www.ecb.int/vocabulary/2002-08-01/eurofxref">{rate}</E>'


def _iso(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z")


ANSWERS: dict[str, Callable[[Fleet, Asked], object]] = {
    "GetCallerIdentity": _identity,
    "AssumeRole": _role,
    "DescribeInstances": _instances,
    "DescribeInstanceTypes": _types,
    "DescribeSpotPriceHistory": _spot_prices,
    "GetMetricData": _cpu,
    "GetProducts": _products,
    "LookupEvents": _events,
    "GetCostAndUsage": _bill,
    "/v3/carbon-intensity/latest": _latest,
    "/v3/carbon-intensity/history": _history,
    "/v1/cloud/instance": _profile,
    "/v1/utils/version": _version,
    "/daily.xml": _rates,
}
