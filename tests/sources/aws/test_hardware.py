import threading

import pytest
from moto import mock_aws
from moto.ec2.models.instance_types import INSTANCE_FAMILIES, INSTANCE_TYPES

from exporter.core.fleet import Hardware
from exporter.core.provenance import FailureReason
from exporter.sources.aws.hardware import HardwareCatalogue
from exporter.sources.source import SourceError

DAY = 86400.0


def described(name, **more):
    return {
        "instanceType": name,
        "vCpuInfo": {"defaultVCpus": 2},
        "memoryInfo": {"sizeInMiB": 8192},
        **more,
    }


def answer(*records, token=""):
    return {"instanceTypeSet": list(records), "nextToken": token}


def asked_names(parameters):
    return sorted(value for name, value in parameters.items() if name.startswith("Filter.1.Value."))


def test_hardware_of_a_type(aws, clients, account):
    """Processors, memory, burstability and architecture come from the description."""
    aws.ec2(
        "DescribeInstanceTypes",
        answer(
            described(
                "t3.micro",
                burstablePerformanceSupported=True,
                processorInfo={"supportedArchitectures": ["i386", "x86_64"]},
            )
        ),
    )

    assert HardwareCatalogue(clients).look_up(account, "eu-west-1", ["t3.micro"]) == (
        Hardware("t3.micro", 2, 8192, accelerators=0, burstable=True, architecture="x86_64"),
    )


@pytest.mark.parametrize(
    ("devices", "count"),
    [
        ({}, 0),
        ({"gpuInfo": {"gpus": [{"count": 8}]}}, 8),
        ({"gpuInfo": {"gpus": [{"name": "T4g"}]}}, 1),
        ({"gpuInfo": {"gpus": [{"count": 1}, {"count": 2}]}}, 3),
        ({"inferenceAcceleratorInfo": {"accelerators": [{"count": 4}]}}, 4),
        ({"fpgaInfo": {"fpgas": [{"count": 2}]}}, 2),
        ({"mediaAcceleratorInfo": {"accelerators": [{"count": 2}]}}, 2),
        ({"neuronInfo": {"neuronDevices": [{"count": 16}]}}, 16),
        (
            {
                "gpuInfo": {"gpus": [{"count": 1}]},
                "neuronInfo": {"neuronDevices": [{"name": "x"}, {"count": 3}]},
            },
            5,
        ),
        (
            {
                "inferenceAcceleratorInfo": {"accelerators": [{"count": 4}]},
                "neuronInfo": {"neuronDevices": [{"count": 4}]},
            },
            4,
        ),
        ({"gpuInfo": {"totalGpuMemoryInMiB": 7}}, 0),
    ],
)
def test_accelerators_of_all_kinds_count(aws, clients, account, devices, count):
    """All kinds add up; chips that EC2 lists as two kinds count once."""
    aws.ec2("DescribeInstanceTypes", answer(described("x1.large", **devices)))

    (hardware,) = HardwareCatalogue(clients).look_up(account, "eu-west-1", ["x1.large"])

    assert hardware.accelerators == count


@pytest.mark.parametrize(
    ("supported", "architecture"),
    [(["arm64"], "arm64"), (["i386", "x86_64"], "x86_64"), (["i386"], "i386"), ([], "")],
)
def test_architecture(aws, clients, account, supported, architecture):
    """The 64-bit architecture where there is a choice."""
    record = described("a1.large", processorInfo={"supportedArchitectures": supported})
    aws.ec2("DescribeInstanceTypes", answer(record))

    (hardware,) = HardwareCatalogue(clients).look_up(account, "eu-west-1", ["a1.large"])

    assert hardware.architecture == architecture


def test_only_what_is_missing_is_asked(aws, clients, account):
    """A known family is not asked again for a week, in each region by itself."""
    now = [0.0]
    catalogue = HardwareCatalogue(clients, timer=lambda: now[0])
    aws.ec2("DescribeInstanceTypes", answer(described("m5.large"), described("m5.xlarge")))
    catalogue.look_up(account, "eu-west-1", ["m5.large"])
    aws.ec2("DescribeInstanceTypes", answer(described("c5.large")))
    both = catalogue.look_up(account, "eu-west-1", ["m5.xlarge", "c5.large", "m5.large"])
    aws.ec2("DescribeInstanceTypes", answer(described("m5.large")))
    catalogue.look_up(account, "eu-west-2", ["m5.large"])
    now[0] = 6.9 * DAY
    catalogue.look_up(account, "eu-west-1", ["m5.large", "c5.large"])
    now[0] = 7.1 * DAY
    aws.ec2("DescribeInstanceTypes", answer(described("m5.large")))
    catalogue.look_up(account, "eu-west-1", ["m5.large"])

    assert [hardware.instance_type for hardware in both] == ["c5.large", "m5.large", "m5.xlarge"]
    assert [(asked.region, asked_names(asked.parameters)) for asked in aws.asked] == [
        ("eu-west-1", ["m5.*"]),
        ("eu-west-1", ["c5.*"]),
        ("eu-west-2", ["m5.*"]),
        ("eu-west-1", ["m5.*"]),
    ]


def test_all_sizes_of_the_families_in_use(aws, clients, account):
    """One question for all families; other families that EC2 might mention are left out."""
    aws.ec2(
        "DescribeInstanceTypes",
        answer(*map(described, ["m5.metal", "m5.large", "m5d.large", "t3.nano", "t3.micro"])),
    )

    found = HardwareCatalogue(clients).look_up(account, "eu-west-1", ["m5.large", "t3.micro"])

    names = [hardware.instance_type for hardware in found]
    assert names == ["m5.large", "m5.metal", "t3.micro", "t3.nano"]
    (asked,) = aws.parameters("DescribeInstanceTypes")
    assert asked_names(asked) == ["m5.*", "t3.*"]
    assert (asked["Filter.1.Name"], asked["MaxResults"]) == ("instance-type", "100")


def test_nothing_to_ask(aws, clients, account):
    """An empty region costs no call."""
    assert HardwareCatalogue(clients).look_up(account, "eu-west-1", []) == ()
    assert aws.asked == []


def test_hundred_families_a_call_and_all_pages(aws, clients, account):
    """More than a hundred families are asked in several calls, each read to its last page."""
    names = [f"x{number:03}.large" for number in range(150)]
    aws.ec2(
        "DescribeInstanceTypes",
        answer(*map(described, names[:60]), token="more"),
        answer(*map(described, names[60:100])),
        answer(*map(described, names[100:])),
    )

    found = HardwareCatalogue(clients).look_up(account, "eu-west-1", reversed(names))

    assert [hardware.instance_type for hardware in found] == names
    asked = [asked_names(parameters) for parameters in aws.parameters("DescribeInstanceTypes")]
    patterns = [name.replace("large", "*") for name in names]
    assert asked == [patterns[:100], patterns[:100], patterns[100:]]


def test_unknown_type_is_absent(aws, clients, account):
    """A type that EC2 does not describe is left out, and its family asked again the next time."""
    catalogue = HardwareCatalogue(clients)
    other = described("zz9.small")
    aws.ec2("DescribeInstanceTypes", answer(other), answer(other, described("zz9.large")))
    names = [
        [hardware.instance_type for hardware in catalogue.look_up(account, "eu-west-1", asked)]
        for asked in (["zz9.large"], ["zz9.small"], ["zz9.large"], ["zz9.large"])
    ]

    assert names == [["zz9.small"], ["zz9.small"], *[["zz9.large", "zz9.small"]] * 2]
    assert len(aws.asked) == 2


def test_an_unknown_family_takes_no_other_with_it(aws, clients, account):
    """EC2 may not know it, or a name may have no size at all."""
    aws.ec2("DescribeInstanceTypes", answer(described("m5.large")))

    found = HardwareCatalogue(clients).look_up(account, "eu-west-1", ["m5.large", "odd", "zz9.x"])

    assert [hardware.instance_type for hardware in found] == ["m5.large"]


@pytest.mark.parametrize(
    "record",
    [
        {"instanceType": "m5.large"},
        {"vCpuInfo": {"defaultVCpus": 2}, "memoryInfo": {"sizeInMiB": 1}},
        described("m5.large", memoryInfo={"sizeInMiB": "much"}),
        described("m5.large", memoryInfo={}),
    ],
)
def test_incomplete_description_is_malformed(aws, clients, account, record):
    """Hardware without processors or memory is no hardware."""
    aws.ec2("DescribeInstanceTypes", answer(record))

    with pytest.raises(SourceError) as caught:
        HardwareCatalogue(clients).look_up(account, "eu-west-1", ["m5.large"])

    assert caught.value.reason is FailureReason.MALFORMED


def test_many_threads_share_it(aws, clients, account):
    """Threads of several regions may ask at the same time."""
    catalogue = HardwareCatalogue(clients)
    regions = [f"eu-west-{number}" for number in range(1, 7)]
    aws.ec2("DescribeInstanceTypes", *[answer(described("m5.large"))] * len(regions))
    found = []
    threads = [
        threading.Thread(
            target=lambda region=region: found.append(
                catalogue.look_up(account, region, ["m5.large"])
            )
        )
        for region in regions
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert [len(hardware) for hardware in found] == [1] * len(regions)


def test_real_descriptions(clients, account):
    """The recorded descriptions that moto carries are understood, sizes of the families too."""
    asked = {"t3.micro", "p4d.24xlarge", "inf1.6xlarge", "m6g.large"}
    with mock_aws():
        found = HardwareCatalogue(clients).look_up(account, "us-east-1", asked)

    by_name = {hardware.instance_type: hardware for hardware in found}
    assert {
        name: (by_name[name].vcpus, by_name[name].memory_mebibytes, by_name[name].accelerators)
        for name in asked
    } == {
        "t3.micro": (2, 1024, 0),
        "p4d.24xlarge": (96, 1152 * 1024, 8),
        "inf1.6xlarge": (24, 48 * 1024, 4),
        "m6g.large": (2, 8192, 0),
    }
    assert {name.partition(".")[0] for name in by_name} == {"t3", "p4d", "inf1", "m6g"}
    assert {name for name in by_name if name.startswith("t3.")} == {
        f"t3.{size}" for size in ("nano", "micro", "small", "medium", "large", "xlarge", "2xlarge")
    }
    assert (by_name["m6g.metal"].vcpus, by_name["m6g.metal"].architecture) == (64, "arm64")
    assert {name.partition(".")[0] for name, h in by_name.items() if h.burstable} == {"t3"}
    assert {h.architecture for h in found} == {"x86_64", "arm64"}


def test_every_recorded_description_is_understood(clients, account):
    """No size of a family in use, however odd, makes the region's inventory fail."""
    families = [f"{family}.large" for family in INSTANCE_FAMILIES]
    with mock_aws():
        found = HardwareCatalogue(clients).look_up(account, "us-east-1", families)

    assert {hardware.instance_type for hardware in found} == set(INSTANCE_TYPES)
    assert all(h.vcpus > 0 and h.memory_mebibytes > 0 and h.architecture for h in found)
