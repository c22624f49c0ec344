from typing import Any

import pytest

from exporter.core.fleet import Account
from exporter.core.provenance import FailureReason
from exporter.sources.aws.endpoint import Endpoint
from exporter.sources.source import SourceError

GROUP: dict[str, Any] = {"groupSet": [], "instancesSet": []}


def test_pages_are_read_to_the_last(aws, clients, account):
    """Every page is asked with the token of the one before, and the other parameters again."""
    aws.ec2(
        "DescribeInstances",
        {"reservationSet": [GROUP], "nextToken": "second"},
        {"reservationSet": [GROUP, GROUP], "nextToken": "third"},
        {"reservationSet": [], "nextToken": ""},
    )

    pages = list(
        Endpoint(clients, "ec2", "eu-west-1", account).pages("describe_instances", MaxResults=1000)
    )

    assert [len(page.parts("Reservations")) for page in pages] == [1, 2, 0]
    asked = aws.parameters("DescribeInstances")
    assert [parameters.get("NextToken") for parameters in asked] == [None, "second", "third"]
    assert {parameters["MaxResults"] for parameters in asked} == {"1000"}


def test_a_repeated_token_ends_the_reading(aws, clients, account):
    """An answer that points to itself would be read for ever."""
    page = {"reservationSet": [], "nextToken": "again"}
    aws.ec2("DescribeInstances", page, page, page)

    with pytest.raises(SourceError, match="the same page token twice") as caught:
        list(Endpoint(clients, "ec2", "eu-west-1", account).pages("describe_instances"))

    assert caught.value.reason is FailureReason.MALFORMED
    assert len(aws.asked) == 2


@pytest.mark.parametrize(
    ("account", "whom"),
    [
        (None, "ec2 describe_regions in eu-west-1: "),
        (Account("111122223333"), "ec2 describe_regions in eu-west-1 as 111122223333: "),
    ],
)
def test_failures_say_who_asked_what_where(aws, clients, account, whom):
    """The detail begins with service, operation, region and account."""
    aws.ec2_error("DescribeRegions", "AuthFailure", 401)

    with pytest.raises(SourceError) as caught:
        Endpoint(clients, "ec2", "eu-west-1", account).answer("describe_regions")

    assert caught.value.detail.startswith(whom)


def test_misused_api_is_no_upstream_failure(clients):
    """An operation that does not exist is a bug of ours and must show as one."""
    with pytest.raises(AttributeError):
        Endpoint(clients, "ec2", "eu-west-1").answer("describe_everything")
