import pytest

from exporter.core.billing import BilledAs, BilledUsage
from exporter.core.provenance import FailureReason
from exporter.sources.aws.endpoint import Endpoint
from exporter.sources.aws.usage import DAILY, HOURLY, ComputeUsage
from exporter.sources.source import SourceError
from tests.sources.aws.cost_explorer import answer, at, group, period

OWN, MEMBER = "111122223333", "222233334444"


@pytest.fixture
def usage(clients):
    return ComputeUsage(Endpoint(clients, "ce", "us-east-1"), (OWN, MEMBER))


def days(usage, settled=None):
    return usage.lines(DAILY, at("2026-03-01"), at("2026-03-04"), at(settled or "2026-03-02"))


def line(day, usd, hours, billed_as=BilledAs.ON_DEMAND, account_id=OWN, *, estimated=False):
    return BilledUsage(account_id, at(day), billed_as, usd, hours, estimated)


def test_question_for_days(aws, usage):
    """Amortized cost and hours of instances, by account and purchase type; the end is exclusive."""
    aws.json("GetCostAndUsage", answer(period("2026-03-01")))
    days(usage)

    (asked,) = aws.asked
    assert (asked.service, asked.region) == ("ce", "us-east-1")
    assert asked.parameters == {
        "TimePeriod": {"Start": "2026-03-01", "End": "2026-03-04"},
        "Granularity": "DAILY",
        "Metrics": ["AmortizedCost", "UsageQuantity"],
        "GroupBy": [
            {"Type": "DIMENSION", "Key": "LINKED_ACCOUNT"},
            {"Type": "DIMENSION", "Key": "PURCHASE_TYPE"},
        ],
        "Filter": {
            "And": [
                {
                    "Dimensions": {
                        "Key": "SERVICE",
                        "Values": ["Amazon Elastic Compute Cloud - Compute"],
                    }
                },
                {
                    "Dimensions": {
                        "Key": "RECORD_TYPE",
                        "Values": ["Usage", "DiscountedUsage", "SavingsPlanCoveredUsage"],
                    }
                },
                {"Not": {"Dimensions": {"Key": "INSTANCE_TYPE", "Values": ["NoInstanceType"]}}},
                {"Not": {"Dimensions": {"Key": "TENANCY", "Values": ["Host"]}}},
                {"Dimensions": {"Key": "LINKED_ACCOUNT", "Values": [OWN, MEMBER]}},
            ]
        },
    }


def test_question_for_hours(aws, usage):
    """Instants are written out, in UTC."""
    hour = "2026-03-01T05:00:00Z"
    aws.json("GetCostAndUsage", answer(period(hour, group(OWN, "Spot Instances", "0.5", "2"))))

    found = usage.lines(HOURLY, at(hour), at("2026-03-01T08:00:00"), at("2026-03-01T06:00:00"))

    (asked,) = aws.parameters("GetCostAndUsage")
    assert asked["TimePeriod"] == {"Start": hour, "End": "2026-03-01T08:00:00Z"}
    assert asked["Granularity"] == "HOURLY"
    assert found == (BilledUsage(OWN, at(hour), BilledAs.SPOT, 0.5, 2.0, estimated=False),)


@pytest.mark.parametrize(
    ("purchase_type", "billed_as"),
    [
        ("Spot Instances", BilledAs.SPOT),
        ("On Demand Instances", BilledAs.ON_DEMAND),
        ("Savings Plans", BilledAs.ON_DEMAND),
        ("Standard Reserved Instances", BilledAs.ON_DEMAND),
        ("Convertible Reserved Instances", BilledAs.ON_DEMAND),
        ("Scheduled Reserved Instances", BilledAs.ON_DEMAND),
        ("Capacity Blocks", BilledAs.OTHER),
        ("something new", BilledAs.OTHER),
        ("", BilledAs.OTHER),
    ],
)
def test_purchase_types(aws, usage, purchase_type, billed_as):
    """What a list price exists for is on demand, covered or not; what is not known is other."""
    aws.json(
        "GetCostAndUsage",
        answer(period("2026-03-01", group(OWN, purchase_type, "1.2500000001", "24"))),
    )

    assert days(usage) == (line("2026-03-01", 1.2500000001, 24.0, billed_as),)


def test_lines_of_one_kind_are_joined(aws, usage):
    """Over purchase types and over pages; a day may go on on the next page."""
    aws.json(
        "GetCostAndUsage",
        answer(
            period("2026-03-01", group(OWN, "On Demand Instances", "1", "10")),
            period(
                "2026-03-02",
                group(OWN, "On Demand Instances", "2", "20"),
                group(OWN, "Spot Instances", "0.5", "30"),
            ),
            token="more",
        ),
        answer(
            period(
                "2026-03-02",
                group(OWN, "Savings Plans", "4", "40"),
                group(MEMBER, "Savings Plans", "8", "50"),
                estimated=True,
            ),
            period("2026-03-03"),
        ),
    )

    assert days(usage) == (
        line("2026-03-01", 1.0, 10.0),
        line("2026-03-02", 6.0, 60.0, estimated=True),
        line("2026-03-02", 0.5, 30.0, BilledAs.SPOT),
        line("2026-03-02", 8.0, 50.0, account_id=MEMBER, estimated=True),
    )
    assert [asked.get("NextPageToken") for asked in aws.parameters("GetCostAndUsage")] == [
        None,
        "more",
    ]


def test_days_with_nothing_billed(aws, usage):
    """They have no group, and no line."""
    aws.json("GetCostAndUsage", answer(*(period(f"2026-03-0{day}") for day in (1, 2, 3))))

    assert days(usage, "2026-03-04") == ()


def test_days_that_are_not_settled_may_be_missing(aws, usage):
    """A settled one may not: to leave it out would be to call it free of charge."""
    aws.json("GetCostAndUsage", *[answer(period("2026-03-01"), period("2026-03-02"))] * 2)

    assert days(usage, "2026-03-03") == ()
    with pytest.raises(SourceError, match="left out") as caught:
        days(usage, "2026-03-04")
    assert caught.value.reason is FailureReason.MALFORMED


def test_accounts_that_are_not_polled_are_left_out(aws, usage):
    """Should AWS tell of them all the same."""
    aws.json(
        "GetCostAndUsage",
        answer(period("2026-03-01", group("999999999999", "On Demand Instances", "1", "1"))),
    )

    assert days(usage) == ()


@pytest.mark.parametrize(
    ("amount", "usd"),
    [("0", 0.0), ("0.0000000001", 1e-10), ("-0.0000000001", 0.0), ("-0.01", 0.0), ("1E-7", 1e-7)],
)
def test_small_amounts(aws, usage, amount, usd):
    """Amounts are texts with up to ten decimals; roundings below zero are nothing."""
    aws.json(
        "GetCostAndUsage",
        answer(period("2026-03-01", group(OWN, "On Demand Instances", amount, "1"))),
    )

    assert days(usage) == (line("2026-03-01", usd, 1.0),)


@pytest.mark.parametrize("amount", ["NaN", "-0.011", "-55.2", "1e15", "Infinity", "-inf", "much"])
@pytest.mark.parametrize("place", ["cost", "hours"])
def test_nonsense(aws, usage, amount, place):
    """One impossible amount makes the whole answer unusable: without it the sums are wrong."""
    bad = {"cost": (amount, "1"), "hours": ("1", amount)}[place]
    aws.json(
        "GetCostAndUsage",
        answer(
            period(
                "2026-03-01",
                group(OWN, "On Demand Instances", "1", "1"),
                group(OWN, "Spot Instances", *bad),
            )
        ),
    )

    with pytest.raises(SourceError, match="no possible amount") as caught:
        days(usage)

    assert caught.value.reason is FailureReason.MALFORMED


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"ResultsByTime": [{"Groups": []}]},
        answer({"TimePeriod": {"Start": "1 March 2026"}, "Groups": []}),
        answer(period("2026-03-01T00:00:00Z")),
        answer(period("2026-02-28")),
        answer(period("2026-03-04")),
        answer({"TimePeriod": {"Start": "2026-03-01"}, "Total": {}}),
        answer(period("2026-03-01", {"Keys": [OWN], "Metrics": {}})),
        answer(period("2026-03-01", {"Keys": [OWN, 5], "Metrics": {}})),
        answer(period("2026-03-01", {"Keys": [OWN, "Spot Instances"]})),
        answer(period("2026-03-01", group(OWN, "Spot Instances", "1", "1", unit="CNY"))),
        answer(period("2026-03-01", group(OWN, "Spot Instances", "", "1"))),
    ],
)
def test_answers_of_another_shape(aws, usage, body):
    """A missing field, another period or another currency is malformed."""
    aws.json("GetCostAndUsage", body)

    with pytest.raises(SourceError) as caught:
        days(usage)

    assert caught.value.reason is FailureReason.MALFORMED
