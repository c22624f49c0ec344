"""Hardware of instance types."""

import threading
import time
from collections.abc import Callable, Iterable, Sequence

from cachetools import TTLCache

from exporter.core.fleet import Account, Hardware
from exporter.core.units import SECONDS_PER_DAY
from exporter.sources.aws.endpoint import Endpoint
from exporter.sources.aws.record import Record
from exporter.sources.aws.session import AwsClients

_KEPT_SECONDS = 7 * SECONDS_PER_DAY
_KEPT_ENTRIES = 100_000  # AWS: about 1,500 types in about 40 regions
_TYPES_PER_CALL = 100


class HardwareCatalogue:
    """DescribeInstanceTypes, asked once a week per region and type; safe to share by threads."""

    def __init__(self, clients: AwsClients, *, timer: Callable[[], float] = time.monotonic) -> None:
        self._clients = clients
        self._known: TTLCache[tuple[str, str], Hardware] = TTLCache(
            _KEPT_ENTRIES, _KEPT_SECONDS, timer
        )
        self._lock = threading.Lock()

    def look_up(
        self, account: Account, region: str, instance_types: Iterable[str]
    ) -> tuple[Hardware, ...]:
        """Give the hardware of those types that EC2 describes in the region, by name.

        Raises SourceError when EC2 has to be asked and does not answer usably.
        """
        endpoint = Endpoint(self._clients, "ec2", region, account)
        wanted = sorted(set(instance_types))
        found: dict[str, Hardware] = {}
        with self._lock:
            for name in wanted:
                hardware = self._known.get((region, name))
                if hardware is not None:
                    found[name] = hardware
        missing = [name for name in wanted if name not in found]
        for start in range(0, len(missing), _TYPES_PER_CALL):
            for hardware in _described(endpoint, missing[start : start + _TYPES_PER_CALL]):
                found[hardware.instance_type] = hardware
                with self._lock:
                    self._known[region, hardware.instance_type] = hardware
        return tuple(found[name] for name in wanted if name in found)


def _described(endpoint: Endpoint, names: Sequence[str]) -> list[Hardware]:
    # By filter, because InstanceTypes fails as a whole when it holds one unknown name.
    pages = endpoint.pages(
        "describe_instance_types",
        Filters=[{"Name": "instance-type", "Values": list(names)}],
        MaxResults=_TYPES_PER_CALL,
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
