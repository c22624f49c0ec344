import pytest

from exporter.core.evidence import PriceKey
from exporter.core.scenarios.candidates import Candidate, Candidates
from exporter.core.scenarios.fit import Fit
from exporter.core.scenarios.load import LoadDistribution
from tests.core.scenarios.machines import VCPUS, hardware, machine, price, prices, steady

TYPES = {each: hardware(each) for each in VCPUS}
SURELY = Fit(surely=True, likely=True, possibly=True)
BIG = machine(instance_type="m5.4xlarge")
BIG_USD = 0.8


def found(load: LoadDistribution, known=None, big=BIG):
    candidates = Candidates(TYPES, prices() if known is None else known, 80.0)
    return candidates.of(big, TYPES["m5.4xlarge"], BIG_USD, load)


def names(of) -> list[str]:
    return [each.instance_type for each in of]


@pytest.mark.parametrize(
    ("level", "expected"),
    [
        (10, ["m5.large", "m5.xlarge", "m5.2xlarge"]),  # 80 % of 2 of 16 vCPUs
        (11, ["m5.xlarge", "m5.2xlarge"]),
        (20, ["m5.xlarge", "m5.2xlarge"]),
        (21, ["m5.2xlarge"]),
        (40, ["m5.2xlarge"]),
        (41, []),
    ],
)
def test_types_are_candidates_up_to_four_fifths_of_their_vcpus(level, expected):
    """The 95th percentile, scaled to their vCPUs, is at most 80 %."""
    assert names(found(steady(level))) == expected


def test_a_candidate_by_hand():
    """Two vCPUs at 0.10 USD/h instead of sixteen run at eight times the CPU."""
    best = min(found(steady(10)))

    assert best == Candidate(0.1, -2, "m5.large", 8.0, SURELY)


def test_the_cheapest_is_the_best_whatever_its_size():
    """A bigger type on sale is better than a smaller one."""
    sale = prices() | price("m5.2xlarge", 0.05)

    assert min(found(steady(10), sale)).instance_type == "m5.2xlarge"


def test_of_types_at_one_price_the_biggest_is_the_best():
    """More room for the same money."""
    flat = prices() | price("m5.xlarge", 0.1) | price("m5.2xlarge", 0.1)

    assert min(found(steady(10), flat)).instance_type == "m5.2xlarge"


def test_what_is_not_sold_or_not_cheaper_is_no_candidate():
    """None is an answer: not sold there. At the same price nothing is saved."""
    known = prices() | price("m5.large", None) | price("m5.xlarge", BIG_USD)

    assert names(found(steady(10), known)) == ["m5.2xlarge"]


def test_unknown_prices_of_types_that_fit_are_told():
    """All of those, for the instance's own location, system and tenancy; of no other type."""
    big = machine(
        instance_type="m5.4xlarge",
        availability_zone="eu-central-1-ham-1a",
        usage_operation="RunInstances:0002",
        tenancy="dedicated",
    )

    assert found(steady(20), big=big) == {
        PriceKey("eu-central-1-ham-1", each, "RunInstances:0002", "dedicated")
        for each in ("m5.xlarge", "m5.2xlarge")
    }
    assert found(steady(10), prices("m5.large", "m5.2xlarge")) == {
        PriceKey("eu-central-1", "m5.xlarge", "RunInstances", "default")
    }
