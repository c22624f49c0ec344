import pytest

from exporter.core.provenance import FailureReason, Scope, SourceName
from exporter.sources.aws.regions import EnabledRegions
from exporter.sources.source import SourceError


def region(name, status="opt-in-not-required"):
    return {"regionName": name, "optInStatus": status}


def test_it_is_a_source(clients, account):
    """Regions are part of the inventory of one account."""
    source = EnabledRegions(clients, account)

    assert source.name is SourceName.EC2_INVENTORY
    assert source.scope == Scope(account_id="111122223333")


def test_enabled_regions(aws, clients, account, monkeypatch):
    """Without a choice all enabled regions are polled; the question goes to the home region."""
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-central-1")
    aws.ec2(
        "DescribeRegions",
        {
            "regionInfo": [
                region("us-east-1"),
                region("af-south-1", "not-opted-in"),
                region("ap-east-1", "opted-in"),
                {"regionName": "eu-west-1"},
            ]
        },
    )

    assert EnabledRegions(clients, account).fetch(None) == ("ap-east-1", "eu-west-1", "us-east-1")
    assert aws.asked[0].region == "eu-central-1"


@pytest.mark.parametrize(
    "answer", [{"regionInfo": []}, {}, {"regionInfo": [{"optInStatus": "opted-in"}]}]
)
def test_no_region_is_malformed(aws, clients, account, answer):
    """No account is without regions: such an answer must not empty the fleet."""
    aws.ec2("DescribeRegions", answer)

    with pytest.raises(SourceError) as caught:
        EnabledRegions(clients, account).fetch(("eu-west-1",))

    assert caught.value.reason is FailureReason.MALFORMED
