"""Made-up upstreams on the loopback: every request that reaches them is counted.

They answer what the real AWS, Electricity Maps, Boavizta and ECB would answer about a fleet in
which one instance is replaced every hour, at the time of a simulated clock.
"""

import json
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple
from urllib.parse import parse_qs, urlsplit

from exporter.core.units import CPU_SLOT_SECONDS, SECONDS_PER_DAY, SECONDS_PER_HOUR

STARTED_AT = datetime(2026, 3, 4, tzinfo=UTC).timestamp()
ACCOUNTS = ("111122223333", "444455556666")
TYPES = ("m5.large", "c6g.xlarge", "r5.large", "t3.micro", "m6i.xlarge")
OWN_KEY = "AKIAEXAMPLE000000000"
ROLE_KEY = "ASIAEXAMPLE000000000"


class Machine(NamedTuple):
    """One instance."""

    instance_id: str
    instance_type: str
    zone: str
    spot: bool
    launched_at: float


class Fleet:
    """As many instances as asked for, dealt to accounts and regions in turn."""

    def __init__(self, size: int, accounts: int, regions: Sequence[str]) -> None:
        self.size = size
        self.places = [(account, region) for account in ACCOUNTS[:accounts] for region in regions]
        self.regions = tuple(regions)

    def at(self, now: float, place: tuple[str, str]) -> Iterator[Machine]:
        """The instances of one place; the n-th instance is replaced after n hours."""
        for number in range(self.places.index(place), self.size, len(self.places)):
            replaced_at = STARTED_AT + number * SECONDS_PER_HOUR
            replaced = number > 0 and now >= replaced_at
            yield Machine(
                f"i-{number:08x}{int(replaced):09x}",
                TYPES[number % len(TYPES)],
                f"{place[1]}{'abc'[number % 3]}",
                number % 10 == 0,
                replaced_at if replaced else STARTED_AT - SECONDS_PER_DAY,
            )


class Asked(NamedTuple):
    """One request, as far as an answer depends on it."""

    now: float
    operation: str
    place: tuple[str, str]
    fields: dict[str, Any]


class LoopbackCloud:
    """All upstreams behind one port; ``wall`` gives the simulated epoch seconds."""

    def __init__(self, fleet: Fleet, wall: Callable[[], float]) -> None:
        self.fleet = fleet
        self.calls: Counter[str] = Counter()
        self.metrics_asked = 0
        self._wall = wall
        self._lock = threading.Lock()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    @property
    def url(self) -> str:
        """Where all of it answers."""
        return f"http://127.0.0.1:{self._server.server_port}"

    def close(self) -> None:
        """Answer no more."""
        self._server.shutdown()
        self._server.server_close()

    def answer(self, operation: str, place: tuple[str, str], fields: dict[str, Any]) -> bytes:
        """Count one request and answer it."""
        with self._lock:
            self.calls[operation] += 1
            self.metrics_asked += len(fields.get("MetricDataQueries", ()))
        document = ANSWERS[operation](self.fleet, Asked(self._wall(), operation, place, fields))
        return (document if isinstance(document, str) else json.dumps(document)).encode()


def _handler(cloud: LoopbackCloud) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def do_GET(self) -> None:
            url = urlsplit(self.path)
            self._send(cloud.answer(url.path, ("", ""), dict(parse_qs(url.query))))

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            if "Authorization" not in self.headers:
                self._send(cloud.answer(urlsplit(self.path).path, ("", ""), json.loads(body)))
                return
            key, _, region, *_ = self.headers["Authorization"].split("Credential=")[1].split("/")
            place = (ACCOUNTS[int(key == ROLE_KEY)], region)
            target = self.headers.get("X-Amz-Target")
            if target:
                self._send(cloud.answer(target.split(".")[-1], place, json.loads(body)))
            else:
                fields = {name: values[0] for name, values in parse_qs(body).items()}
                self._send(cloud.answer(fields["Action"], place, fields))

        def _send(self, body: bytes) -> None:
            head = f"HTTP/1.1 200 OK\r\nContent-Length: {len(body)}\r\n\r\n"
            self.wfile.write(head.encode() + body)

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class's name
            """Keep no log."""

    return Handler


def _instances(fleet: Fleet, asked: Asked) -> str:
    items = "".join(
        f"<item><instanceId>{each.instance_id}</instanceId>"
        f"<instanceType>{each.instance_type}</instanceType>"
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
    items = "".join(
        f"<item><instanceType>{name}</instanceType><vCpuInfo><defaultVCpus>2</defaultVCpus>"
        "</vCpuInfo><memoryInfo><sizeInMiB>8192</sizeInMiB></memoryInfo></item>"
        for field, name in asked.fields.items()
        if field.startswith("Filter.1.Value.")
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
    "/v3/carbon-intensity/latest": _latest,
    "/v3/carbon-intensity/history": _history,
    "/v1/cloud/instance": _profile,
    "/v1/utils/version": _version,
    "/daily.xml": _rates,
}
