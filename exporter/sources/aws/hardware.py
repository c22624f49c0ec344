"""Hardware of instance types."""

import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence

from cachetools import TTLCache

from exporter.core.fleet import Account, Hardware, family_of
from exporter.core.units import SECONDS_PER_DAY
from exporter.sources.aws.endpoint import Endpoint
from exporter.sources.aws.record import Record
from exporter.sources.aws.session import AwsClients

_KEPT_SECONDS = 7 * SECONDS_PER_DAY
_KEPT_ENTRIES = 10_000  # AWS: about 200 families in about 40 regions
_FAMILIES_PER_CALL = 100  # EC2 takes 200 values of a filter
_PAGE_SIZE = 100

Sizes = Mapping[str, Hardware]


class HardwareCatalogue:
    """DescribeInstanceTypes, asked once a week per region and family; safe to share by threads.

    Whole families are asked for: an instance may be advised another size of its own.
    """

    def __init__(self, clients: AwsClients, *, timer: Callable[[], float] = time.monotonic) -> None:
        self._clients = clients
        self._known: TTLCache[tuple[str, str], Sizes] = TTLCache(
            _KEPT_ENTRIES, _KEPT_SECONDS, timer
        )
        self._lock = threading.Lock()

    def look_up(
        self, account: Account, region: str, instance_types: Iterable[str]
    ) -> tuple[Hardware, ...]:
        """Give every size of the families of those types that EC2 describes in the region, by name.

        Raises SourceError when EC2 has to be asked and does not answer usably.
        """
        wanted = set(instance_types)
        with self._lock:
            known = {f: self._known.get((region, f), {}) for f in map(family_of, wanted)}
        missing = sorted({family_of(name) for name in wanted if name not in known[family_of(name)]})
        endpoint = Endpoint(self._clients, "ec2", region, account)
        for start in range(0, len(missing), _FAMILIES_PER_CALL):
            known |= self._asked(endpoint, region, missing[start : start + _FAMILIES_PER_CALL])
        found = (hardware for sizes in known.values() for hardware in sizes.values())
        return tuple(sorted(found, key=lambda hardware: hardware.instance_type))

    def _asked(self, endpoint: Endpoint, region: str, families: Sequence[str]) -> dict[str, Sizes]:
        sizes: dict[str, dict[str, Hardware]] = {family: {} for family in families}
        for hardware in _described(endpoint, families):
            family = family_of(hardware.instance_type)
            if family in sizes:
                sizes[family][hardware.instance_type] = hardware
        with self._lock:
            self._known.update({(region, family): found for family, found in sizes.items()})
        return dict(sizes)


def _described(endpoint: Endpoint, families: Sequence[str]) -> list[Hardware]:
    # By filter: it takes wildcards, and InstanceTypes fails as a whole for one unknown name.
    pages = endpoint.pages(
        "describe_instance_types",
        Filters=[{"Name": "instance-type", "Values": [f"{family}.*" for family in families]}],
        MaxResults=_PAGE_SIZE,
    )
    return [_hardware(record) for page in pages for record in page.parts("InstanceTypes")]


def _hardware(record: Record) -> Hardware:
    return Hardware(
        instance_type=record.text("InstanceType"),
        vcpus=record.part("VCpuInfo").whole("DefaultVCpus"),
        memory_mebibytes=record.part("MemoryInfo").whole("SizeInMiB"),
        accelerators=_accelerators(record),
        burstable=record.optional_flag("BurstablePerformanceSupported"),
        architecture=_architecture(record),
    )


def _accelerators(record: Record) -> int:
    # EC2 describes Inferentia chips twice, as inference accelerators and as Neuron devices.
    inference = _count(record.part("InferenceAcceleratorInfo"), "Accelerators")
    neuron = _count(record.part("NeuronInfo"), "NeuronDevices")
    return (
        _count(record.part("GpuInfo"), "Gpus")
        + max(inference, neuron)
        + _count(record.part("FpgaInfo"), "Fpgas")
        + _count(record.part("MediaAcceleratorInfo"), "Accelerators")
    )


def _count(group: Record, name: str) -> int:
    """Count devices; one that is listed without a number is one."""
    return sum(
        device.whole("Count") if device.has("Count") else 1 for device in group.optional_parts(name)
    )


def _architecture(record: Record) -> str:
    """Give the architecture; where a type also runs 32-bit systems, the 64-bit one."""
    processor = record.part("ProcessorInfo")
    if not processor.has("SupportedArchitectures"):
        return ""
    supported = [str(name) for name in processor.values("SupportedArchitectures")]
    return next((name for name in supported if name != "i386"), "i386" if supported else "")
