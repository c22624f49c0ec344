from typing import Any

import pytest

from exporter.core.fleet import Account
from exporter.core.provenance import FailureReason
from exporter.sources.aws.endpoint import Endpoint
from exporter.sources.aws.session import AwsClients
from exporter.sources.source import SourceError

REGIONS = {"regionInfo": [{"regionName": "eu-west-1"}]}
MEMBER = Account("222233334444", "arn:aws:iam::222233334444:role/reader")
NO_RESULTS: dict[str, Any] = {"MetricDataResults": []}


def ask_regions(clients):
    return Endpoint(clients, "ec2", "eu-west-1").answer("describe_regions")


def ask_metrics(clients, count):
    queries = [{"Id": f"m{number}", "Expression": "1"} for number in range(count)]
    return Endpoint(clients, "cloudwatch", "eu-west-1").answer(
        "get_metric_data", MetricDataQueries=queries, StartTime=0, EndTime=300
    )


def test_success_is_reported(aws, clients, observer):
    """One answered request is one report without a failure, with its duration."""
    aws.ec2("DescribeRegions", REGIONS)

    ask_regions(clients)

    assert observer.requests == [("ec2", "DescribeRegions", None)]
    assert 0 <= observer.seconds[0] < 5
    assert observer.spent == []


@pytest.mark.usefixtures("no_backoff")
@pytest.mark.parametrize(
    ("code", "status", "reason"),
    [
        ("InternalError", 500, FailureReason.UNAVAILABLE),
        ("Unavailable", 503, FailureReason.UNAVAILABLE),
        ("RequestLimitExceeded", 503, FailureReason.THROTTLED),
    ],
)
def test_every_retry_is_reported(aws, clients, observer, code, status, reason):
    """What botocore tries again by itself counts as requests of its own."""
    aws.ec2_error("DescribeRegions", code, status, times=2)
    aws.ec2("DescribeRegions", REGIONS)

    ask_regions(clients)

    assert [failure for _, _, failure in observer.requests] == [reason, reason, None]
    assert len(aws.asked) == 3


@pytest.mark.usefixtures("no_backoff")
def test_three_attempts_at_most(aws, clients, observer):
    """A service that stays down is asked three times in all."""
    aws.ec2_error("DescribeRegions", "InternalError", 500, times=9)

    with pytest.raises(SourceError) as caught:
        ask_regions(clients)

    assert caught.value.reason is FailureReason.UNAVAILABLE
    assert len(aws.asked) == len(observer.requests) == 3


def test_refusal_is_not_tried_again(aws, clients, observer):
    """What AWS denies it would deny again."""
    aws.ec2_error("DescribeRegions", "UnauthorizedOperation", 403)

    with pytest.raises(SourceError, match="ec2:DescribeRegions"):
        ask_regions(clients)

    assert observer.requests == [("ec2", "DescribeRegions", FailureReason.DENIED)]


@pytest.mark.usefixtures("no_backoff")
def test_closed_connections_are_reported(aws, clients, observer, make_reply):
    """A connection that ends without an answer is an attempt too."""
    aws.reply("DescribeRegions", *[make_reply(cut=True)] * 3)

    with pytest.raises(SourceError) as caught:
        ask_regions(clients)

    assert caught.value.reason is FailureReason.UNAVAILABLE
    assert observer.requests == [("ec2", "DescribeRegions", FailureReason.UNAVAILABLE)] * 3


@pytest.mark.usefixtures("no_backoff")
def test_silence_is_a_timeout(aws, observer, make_reply):
    """A server that accepts and never answers ends by the read time-out, three times."""
    aws.reply("GetMetricData", *[make_reply(silent=True)] * 3)

    with pytest.raises(SourceError) as caught:
        ask_metrics(AwsClients(observer, read_timeout_seconds=0.05), 1)

    assert caught.value.reason is FailureReason.TIMEOUT
    assert observer.requests == [("cloudwatch", "GetMetricData", FailureReason.TIMEOUT)] * 3
    assert min(observer.seconds) >= 0.05
    assert observer.spent == []


@pytest.mark.usefixtures("no_backoff")
def test_nobody_listens(clients, observer, monkeypatch):
    """A refused connection is unavailable, and names the host."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")

    with pytest.raises(SourceError, match=r"no connection to 127\.0\.0\.1") as caught:
        ask_regions(clients)

    assert caught.value.reason is FailureReason.UNAVAILABLE
    assert observer.requests == [("ec2", "DescribeRegions", FailureReason.UNAVAILABLE)] * 3


@pytest.mark.parametrize(
    "body", [b"<DescribeRegionsResponse><regionInfo>", b"", b"\xff\xfe", b"42"]
)
def test_unreadable_xml(aws, clients, observer, make_reply, body):
    """A body that is no XML is reported once as malformed: botocore does not try again."""
    aws.reply("DescribeRegions", make_reply(body))

    with pytest.raises(SourceError) as caught:
        ask_regions(clients)

    assert caught.value.reason is FailureReason.MALFORMED
    assert observer.requests == [("ec2", "DescribeRegions", FailureReason.MALFORMED)]


@pytest.mark.parametrize("body", [b'{"MetricDataRes', b"", b"{}", b"[1]", b"\xff", b"<html/>"])
def test_unreadable_json(aws, clients, observer, make_reply, body):
    """A cut JSON body, which botocore takes for an empty answer, is malformed."""
    aws.reply("GetMetricData", make_reply(body))

    with pytest.raises(SourceError) as caught:
        ask_metrics(clients, 3).parts("MetricDataResults")

    assert caught.value.reason is FailureReason.MALFORMED
    assert observer.requests == [("cloudwatch", "GetMetricData", FailureReason.MALFORMED)]


@pytest.mark.parametrize("body", [b'{"MetricDataRes', b"[1]"])
def test_answered_means_billed(aws, clients, observer, make_reply, body):
    """AWS bills what it answered, whether or not the answer could be read."""
    aws.reply("GetMetricData", make_reply(body))

    with pytest.raises(SourceError):
        ask_metrics(clients, 3).parts("MetricDataResults")

    assert observer.spent == [("GetMetricData", pytest.approx(0.00003))]


@pytest.mark.usefixtures("no_backoff")
def test_each_metric_is_billed_once_it_was_answered(aws, clients, observer, make_reply):
    """0.01 USD per 1,000 metrics; a failed attempt costs nothing, a second page costs again."""
    aws.reply("GetMetricData", make_reply(b"{}", 500))
    aws.json("GetMetricData", NO_RESULTS, NO_RESULTS)

    ask_metrics(clients, 250)
    ask_metrics(clients, 4)

    assert [failure for _, _, failure in observer.requests] == [
        FailureReason.UNAVAILABLE,
        None,
        None,
    ]
    assert observer.spent == [
        ("GetMetricData", pytest.approx(0.0025)),
        ("GetMetricData", pytest.approx(0.00004)),
    ]


def ask_costs(clients):
    return list(
        Endpoint(clients, "ce", "us-east-1").pages(
            "get_cost_and_usage",
            continued_by="NextPageToken",
            TimePeriod={"Start": "2026-03-01", "End": "2026-03-02"},
            Granularity="DAILY",
            Metrics=["AmortizedCost"],
        )
    )


def test_each_page_of_cost_explorer_is_billed(aws, clients, observer, make_reply):
    """0.01 USD per page that was answered; refused ones are made once, and not counted."""
    aws.json("GetCostAndUsage", {"ResultsByTime": [], "NextPageToken": "2"}, {"ResultsByTime": []})
    aws.json_error("GetCostAndUsage", "LimitExceededException")
    aws.reply("GetCostAndUsage", make_reply(b"{}", 500))

    ask_costs(clients)
    for _ in range(2):
        with pytest.raises(SourceError):
            ask_costs(clients)

    assert observer.spent == [("GetCostAndUsage", 0.01)] * 2
    assert observer.requests == [
        ("cost_explorer", "GetCostAndUsage", failure)
        for failure in (None, None, FailureReason.THROTTLED, FailureReason.UNAVAILABLE)
    ]


def test_assumed_roles_are_reported_as_sts(aws, clients, observer):
    """The call that fetches credentials is a request of its own, not part of the other's."""
    aws.sts(
        "AssumeRole",
        {
            "Credentials": {
                "AccessKeyId": "ASIAMEMBER",
                "SecretAccessKey": "made-up",
                "SessionToken": "made-up",
                "Expiration": "2999-01-01T00:00:00Z",
            }
        },
    )
    aws.ec2("DescribeRegions", REGIONS)

    Endpoint(clients, "ec2", "eu-west-1", MEMBER).answer("describe_regions")

    assert observer.requests == [("sts", "AssumeRole", None), ("ec2", "DescribeRegions", None)]


def test_call_without_credentials_is_no_request(aws, clients, observer):
    """When no credentials can be had, the call that needed them was never made."""
    aws.ec2_error("AssumeRole", "ExpiredToken", 403)

    with pytest.raises(SourceError, match="expired"):
        Endpoint(clients, "ec2", "eu-west-1", MEMBER).answer("describe_regions")

    assert observer.requests == [("sts", "AssumeRole", FailureReason.DENIED)]
