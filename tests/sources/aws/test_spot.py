from dataclasses import replace
from datetime import UTC, datetime

import pytest
from moto import mock_aws

from exporter.core.evidence import SpotPrices, SpotQuote
from exporter.core.fleet import InstanceState, Place, PurchaseOption
from exporter.core.provenance import FailureReason, Scope, SourceName
from exporter.sources.aws.spot import SpotPriceHistory
from exporter.sources.source import SourceError

NOW = datetime(2026, 3, 29, 10, 0, 30, tzinfo=UTC)
PLACE = Place("111122223333", "eu-west-1")


def listed(zone, price, at="2026-03-29T09:00:00Z", kind="m5.large", platform="Linux/UNIX"):
    return {
        "availabilityZone": zone,
        "instanceType": kind,
        "productDescription": platform,
        "spotPrice": price,
        "timestamp": at,
    }


def history(*items, token=""):
    return {"spotPriceHistorySet": list(items), "nextToken": token}


def quote(zone, price, at="2026-03-29T09:00:00+00:00", kind="m5.large", platform="Linux/UNIX"):
    return SpotQuote(zone, kind, platform, price, datetime.fromisoformat(at).timestamp())


def polled(*quotes, past=()):
    """What was known an hour ago."""
    return SpotPrices(PLACE, quotes, past, datetime(2026, 3, 29, 9, tzinfo=UTC).timestamp())


@pytest.fixture
def source(clients, account):
    def source(*running):
        return SpotPriceHistory(
            clients, account, "eu-west-1", running=lambda: running, wall=NOW.timestamp
        )

    return source


@pytest.fixture
def spot(instance_of):
    def spot(zone="eu-west-1a", **changes):
        return instance_of(availability_zone=zone, purchase_option=PurchaseOption.SPOT, **changes)

    return spot


def test_it_is_a_source(source):
    """Spot prices are those of one place."""
    assert source().name is SourceName.SPOT_PRICE
    assert source().scope == Scope(*PLACE)


def test_no_spot_instance_no_call(aws, source, instance_of):
    """Without spot instances nothing is asked."""
    nothing = SpotPrices(PLACE, (), (), NOW.timestamp())
    assert source(instance_of()).fetch(None) == nothing
    assert source(instance_of()).fetch(polled(quote("eu-west-1a", 0.04))) == nothing
    assert aws.asked == []


def test_question(aws, source, spot, instance_of):
    """The types and platforms in use, for the last 50 days, running or not."""
    aws.ec2("DescribeSpotPriceHistory", history())
    source(
        spot(),
        spot(instance_type="c5.xlarge", platform="Windows"),
        spot("eu-west-1b", state=InstanceState.TERMINATED),
        instance_of(instance_type="r5.large"),
    ).fetch(None)

    (asked,) = aws.parameters("DescribeSpotPriceHistory")
    assert asked["StartTime"] == "2026-02-07T10:00:30Z"
    assert {v for k, v in asked.items() if k.startswith("InstanceType")} == {
        "c5.xlarge",
        "m5.large",
    }
    assert {v for k, v in asked.items() if k.startswith("ProductDescription")} == {
        "Linux/UNIX",
        "Windows",
    }


def test_price_per_zone(aws, source, spot):
    """Each zone has its own price; those of pools that nobody uses are left out."""
    aws.ec2(
        "DescribeSpotPriceHistory",
        history(
            listed("eu-west-1b", "0.0500"),
            listed("eu-west-1a", "0.0400"),
            listed("eu-west-1c", "0.0300"),
            listed("eu-west-1a", "0.0200", kind="m5.xlarge"),
            listed("eu-west-1a", "0.0100", platform="Windows"),
        ),
    )

    assert source(spot("eu-west-1a"), spot("eu-west-1b")).fetch(None) == SpotPrices(
        PLACE,
        quotes=(quote("eu-west-1a", 0.04), quote("eu-west-1b", 0.05)),
        asked_at=NOW.timestamp(),
    )


def test_newest_of_all_pages(aws, source, spot):
    """The newest is in force, the others were before, on whichever page they are."""
    aws.ec2(
        "DescribeSpotPriceHistory",
        history(
            listed("eu-west-1a", "0.01", "2026-03-29T08:00:00Z"),
            listed("eu-west-1a", "0.03", "2026-03-29T09:59:00Z"),
            token="more",
        ),
        history(
            listed("eu-west-1a", "0.02", "2026-03-29T09:00:00Z"),
            listed("eu-west-1b", "0.05", "2026-03-29T09:00:00Z"),
        ),
    )

    found = source(spot("eu-west-1a"), spot("eu-west-1b")).fetch(None)

    assert found.quotes == (
        quote("eu-west-1a", 0.03, "2026-03-29T09:59:00+00:00"),
        quote("eu-west-1b", 0.05),
    )
    assert found.past == (
        quote("eu-west-1a", 0.01, "2026-03-29T08:00:00+00:00"),
        quote("eu-west-1a", 0.02, "2026-03-29T09:00:00+00:00"),
    )


def test_the_same_price_again_is_no_change(aws, source, spot):
    """AWS repeats prices; each is known since it came into force."""
    aws.ec2(
        "DescribeSpotPriceHistory",
        history(
            listed("eu-west-1a", "0.02", "2026-03-29T09:00:00Z"),
            listed("eu-west-1a", "0.02", "2026-03-29T06:00:00Z"),
            listed("eu-west-1a", "0.01", "2026-03-29T07:00:00Z"),
            listed("eu-west-1a", "0.01", "2026-03-29T07:00:00Z"),
            listed("eu-west-1a", "0.02", "2026-03-29T08:00:00Z"),
        ),
    )

    found = source(spot()).fetch(None)

    assert found.quotes == (quote("eu-west-1a", 0.02, "2026-03-29T08:00:00+00:00"),)
    assert found.past == (
        quote("eu-west-1a", 0.02, "2026-03-29T06:00:00+00:00"),
        quote("eu-west-1a", 0.01, "2026-03-29T07:00:00+00:00"),
    )


def test_changes_since_the_last_time(aws, source, spot):
    """Known pools are asked for what came since: a change between two polls is not lost."""
    aws.ec2(
        "DescribeSpotPriceHistory",
        history(
            listed("eu-west-1a", "0.06", "2026-03-29T09:50:00Z"),
            listed("eu-west-1a", "0.05", "2026-03-29T09:20:00Z"),
            listed("eu-west-1a", "0.04", "2026-03-29T08:00:00Z"),
        ),
    )
    previous = polled(
        quote("eu-west-1a", 0.04, "2026-03-29T08:00:00+00:00"),
        past=(quote("eu-west-1a", 0.03, "2026-03-29T07:00:00+00:00"),),
    )

    found = source(spot()).fetch(previous)

    (asked,) = aws.parameters("DescribeSpotPriceHistory")
    assert asked["StartTime"] == "2026-03-29T09:00:00Z"
    assert found == SpotPrices(
        PLACE,
        quotes=(quote("eu-west-1a", 0.06, "2026-03-29T09:50:00+00:00"),),
        past=(
            quote("eu-west-1a", 0.03, "2026-03-29T07:00:00+00:00"),
            quote("eu-west-1a", 0.04, "2026-03-29T08:00:00+00:00"),
            quote("eu-west-1a", 0.05, "2026-03-29T09:20:00+00:00"),
        ),
        asked_at=NOW.timestamp(),
    )


def test_new_pools_beside_known_ones(aws, source, spot):
    """A new one is asked about its whole past, in a call of its own; one out of use is dropped."""
    aws.ec2(
        "DescribeSpotPriceHistory",
        history(
            listed("eu-west-1a", "0.20", "2026-02-20T00:00:00Z", kind="m5.xlarge"),
            listed("eu-west-1a", "0.30", "2026-03-20T00:00:00Z", kind="m5.xlarge"),
        ),
        history(listed("eu-west-1a", "0.04", "2026-03-29T08:00:00Z")),
    )
    previous = polled(
        quote("eu-west-1a", 0.04, "2026-03-29T08:00:00+00:00"),
        quote("eu-west-1b", 0.05, "2026-03-29T08:00:00+00:00"),
        past=(quote("eu-west-1b", 0.07, "2026-03-29T07:00:00+00:00"),),
    )

    found = source(spot(), spot(instance_type="m5.xlarge")).fetch(previous)

    first, second = aws.parameters("DescribeSpotPriceHistory")
    assert (first["InstanceType.1"], first["StartTime"]) == ("m5.xlarge", "2026-02-07T10:00:30Z")
    assert (second["InstanceType.1"], second["StartTime"]) == ("m5.large", "2026-03-29T09:00:00Z")
    assert [(q.instance_type, q.usd_per_hour) for q in found.quotes] == [
        ("m5.large", 0.04),
        ("m5.xlarge", 0.3),
    ]
    assert [q.usd_per_hour for q in found.past] == [0.2]


def test_a_pool_without_a_price_is_dropped(aws, source, spot):
    """Nobody knows what is in force there: not the old price. The next time it is new again."""
    aws.ec2("DescribeSpotPriceHistory", history(), history(listed("eu-west-1a", "0.04")))
    previous = polled(quote("eu-west-1a", 0.04, "2026-03-29T08:00:00+00:00"))

    nothing = source(spot()).fetch(previous)
    found = source(spot()).fetch(nothing)

    assert (nothing.quotes, nothing.past) == ((), ())
    assert found.quotes == (quote("eu-west-1a", 0.04),)
    starts = [asked["StartTime"] for asked in aws.parameters("DescribeSpotPriceHistory")]
    assert starts == ["2026-03-29T09:00:00Z", "2026-02-07T10:00:30Z"]


@pytest.mark.parametrize("asked_at", [0.0, NOW.timestamp() - 50 * 86400])
def test_too_long_ago_is_as_never(aws, source, spot, asked_at):
    """Then there is a gap to be filled."""
    aws.ec2("DescribeSpotPriceHistory", history(listed("eu-west-1a", "0.04")))
    previous = replace(
        polled(quote("eu-west-1a", 0.09, "2026-01-01T00:00:00+00:00")), asked_at=asked_at
    )

    found = source(spot()).fetch(previous)

    assert aws.parameters("DescribeSpotPriceHistory")[0]["StartTime"] == "2026-02-07T10:00:30Z"
    assert (found.quotes, found.past) == ((quote("eu-west-1a", 0.04),), ())


def test_a_clock_that_was_ahead(aws, source, spot):
    """The future cannot be asked for: what is in force now can."""
    aws.ec2("DescribeSpotPriceHistory", history(listed("eu-west-1a", "0.04")))
    previous = replace(polled(quote("eu-west-1a", 0.04)), asked_at=NOW.timestamp() + 5000)

    source(spot()).fetch(previous)

    assert aws.parameters("DescribeSpotPriceHistory")[0]["StartTime"] == "2026-03-29T10:00:30Z"


def test_old_prices_are_forgotten(aws, source, spot):
    """After 50 days, but for the one that was in force then."""
    aws.ec2("DescribeSpotPriceHistory", history(listed("eu-west-1a", "0.04")))
    previous = polled(
        quote("eu-west-1a", 0.05),
        past=(
            quote("eu-west-1a", 0.01, "2026-02-01T00:00:00+00:00"),
            quote("eu-west-1a", 0.02, "2026-02-07T10:00:30+00:00"),
            quote("eu-west-1a", 0.03, "2026-02-08T00:00:00+00:00"),
        ),
    )

    found = source(spot()).fetch(previous)

    assert [q.usd_per_hour for q in found.past][:2] == [0.02, 0.03]


def test_old_product_descriptions(aws, source, spot):
    """Some accounts see the same platform with a remark about its network."""
    aws.ec2(
        "DescribeSpotPriceHistory",
        history(listed("eu-west-1a", "0.04", platform="Linux/UNIX (Amazon VPC)")),
    )

    assert source(spot()).fetch(None).quotes == (quote("eu-west-1a", 0.04),)


@pytest.mark.parametrize("price", ["NaN", "-1", "0", "0.000000", "10001", "cheap"])
def test_nonsense(aws, source, spot, price):
    """A price that cannot be one is refused; when there is no other, so is the answer."""
    bad = listed("eu-west-1a", price, "2026-03-29T09:30:00Z")
    aws.ec2("DescribeSpotPriceHistory", history(bad, listed("eu-west-1b", "0.05")), history(bad))
    both = source(spot("eu-west-1a"), spot("eu-west-1b"))

    assert both.fetch(None).quotes == (quote("eu-west-1b", 0.05),)
    with pytest.raises(SourceError) as caught:
        both.fetch(None)
    assert caught.value.reason is FailureReason.MALFORMED


def test_nonsense_of_others_does_not_matter(aws, source, spot):
    """Only pools in use are judged; without a price for them there is simply none."""
    aws.ec2("DescribeSpotPriceHistory", history(listed("eu-west-1c", "NaN")))

    assert source(spot()).fetch(None).quotes == ()


@pytest.mark.parametrize(
    "missing",
    ["availabilityZone", "instanceType", "productDescription", "spotPrice", "timestamp"],
)
def test_incomplete_entries_are_malformed(aws, source, spot, missing):
    """An entry without one of its fields makes the answer unusable."""
    entry = {k: v for k, v in listed("eu-west-1a", "0.04").items() if k != missing}
    aws.ec2("DescribeSpotPriceHistory", history(entry))

    with pytest.raises(SourceError) as caught:
        source(spot()).fetch(None)

    assert caught.value.reason is FailureReason.MALFORMED


def test_emulated_history(source, spot):
    """The emulated price, though old and tiny, is read."""
    with mock_aws():
        found = source(spot()).fetch(None)

    assert [quote.availability_zone for quote in found.quotes] == ["eu-west-1a"]
    assert found.quotes[0].usd_per_hour == 0.00001
