import socket
import subprocess
import sys
import threading
from datetime import UTC, datetime, timedelta

import boto3
import pytest
from moto import mock_aws

from exporter.core.fleet import Account
from exporter.core.provenance import FailureReason
from exporter.sources.aws.endpoint import Endpoint
from exporter.sources.aws.session import AwsClients
from exporter.sources.source import SourceError

MEMBER = Account("222233334444", "arn:aws:iam::222233334444:role/reader")
REFUSED = (
    "<ErrorResponse><Error><Type>Sender</Type><Code>ValidationError</Code><Message>1 validation"
    " error detected: Value 'made up secret' at 'externalId' failed to satisfy constraint</Message>"
    "</Error></ErrorResponse>"
)
REGIONS = {"regionInfo": [{"regionName": "eu-west-1"}]}


def role_credentials(key, lasts):
    expires_at = datetime.now(UTC) + lasts
    return {
        "Credentials": {
            "AccessKeyId": key,
            "SecretAccessKey": "made-up",
            "SessionToken": "made-up-token",
            "Expiration": expires_at.strftime("%Y-%m-%dT%H:%M:%SZ"),
        },
        "AssumedRoleUser": {
            "AssumedRoleId": "AROA:x",
            "Arn": "arn:aws:sts::222233334444:assumed-role/reader/x",
        },
    }


def test_importing_the_sources_loads_no_sdk():
    """The process listens before it pays for loading boto3."""
    modules = (
        "accounts attempts cpu_poll endpoint events failures hardware inventory metrics pace"
        " parallel prices record regions session spot tags trail_document utilization"
    )
    code = "import sys, importlib\n"
    code += f"for m in {modules.split()}: importlib.import_module('exporter.sources.aws.' + m)\n"
    code += "print(sorted({'boto3', 'botocore', 'urllib3'} & set(sys.modules)))"

    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert ran.stdout.strip() == "[]"


def test_a_client_is_made_once(clients, account):
    """Threads that ask at the same time share one client per account, service and region."""
    barrier = threading.Barrier(8)
    seen = []

    def ask():
        barrier.wait()
        seen.append(clients.client("ec2", "eu-west-1", account))

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(seen) == 8
    assert len(set(map(id, seen))) == 1
    assert clients.client("ec2", "eu-west-2", account) is not seen[0]
    assert clients.client("ec2", "eu-west-1") is seen[0]


def test_all_sessions_share_one_loader(clients, loaders_made):
    """A session of its own loader would cost 25 MB per role."""
    other = Account("333344445555", "arn:aws:iam::333344445555:role/reader")
    for account in (None, MEMBER, other):
        clients.client("ec2", "eu-west-1", account)

    sessions = [clients._hub, *clients._sessions.values()]
    loaders = {id(session._session.get_component("data_loader")) for session in sessions}

    assert len(sessions) == 3
    assert loaders == {id(loader) for loader in loaders_made}
    assert len(loaders_made) == 1


def test_role_is_assumed_with_its_external_id(aws, observer):
    """Calls for an account with a role are signed with the credentials of that role."""
    aws.sts("AssumeRole", role_credentials("ASIAMEMBER", timedelta(hours=1)))
    aws.ec2("DescribeRegions", REGIONS, REGIONS)
    clients = AwsClients(observer, external_id=lambda account: f"secret of {account.account_id}")
    endpoint = Endpoint(clients, "ec2", "eu-west-1", MEMBER)

    endpoint.answer("describe_regions")
    endpoint.answer("describe_regions")

    (asked,) = aws.parameters("AssumeRole")
    assert asked["RoleArn"] == MEMBER.role_arn
    assert asked["ExternalId"] == "secret of 222233334444"
    assert asked["RoleSessionName"] == "carbonfinops-exporter"
    assert [(a.operation, a.access_key) for a in aws.asked] == [
        ("AssumeRole", "AKIAEXAMPLEOWN"),
        ("DescribeRegions", "ASIAMEMBER"),
        ("DescribeRegions", "ASIAMEMBER"),
    ]


def test_no_external_id_is_sent_where_there_is_none(aws, clients):
    """A role without an external id is assumed without one."""
    aws.sts("AssumeRole", role_credentials("ASIAMEMBER", timedelta(hours=1)))
    aws.ec2("DescribeRegions", REGIONS)

    Endpoint(clients, "ec2", "eu-west-1", MEMBER).answer("describe_regions")

    assert "ExternalId" not in aws.parameters("AssumeRole")[0]


def test_role_credentials_are_renewed_before_they_expire(aws, clients):
    """Credentials with five minutes left are not used for another call."""
    aws.sts("AssumeRole", role_credentials("ASIAFIRST", timedelta(minutes=5)))
    aws.sts("AssumeRole", role_credentials("ASIASECOND", timedelta(hours=1)))
    aws.ec2("DescribeRegions", REGIONS, REGIONS, REGIONS)
    endpoint = Endpoint(clients, "ec2", "eu-west-1", MEMBER)

    for _ in range(3):
        endpoint.answer("describe_regions")

    keys = [asked.access_key for asked in aws.asked if asked.operation == "DescribeRegions"]
    assert keys[1:] == ["ASIASECOND", "ASIASECOND"]
    assert len(aws.parameters("AssumeRole")) == 2


def test_refused_role_says_what_to_check(aws, clients):
    """A trust policy or external id that does not fit is named, with the role."""
    aws.ec2_error("AssumeRole", "AccessDenied", 403)

    with pytest.raises(SourceError) as caught:
        Endpoint(clients, "ec2", "eu-west-1", MEMBER).answer("describe_regions")

    assert caught.value.reason is FailureReason.DENIED
    assert MEMBER.role_arn in caught.value.detail
    assert "trust policy and external id" in caught.value.detail
    assert aws.parameters("DescribeRegions") == []


def test_a_refusal_that_quotes_the_external_id(aws, observer, make_reply):
    """STS does so where its form is unsuitable; nothing of it is passed on."""
    aws.reply("AssumeRole", make_reply(REFUSED.encode(), 400))
    clients = AwsClients(observer, external_id=lambda _: "made up secret")

    with pytest.raises(SourceError) as caught:
        Endpoint(clients, "ec2", "eu-west-1", MEMBER).answer("describe_regions")

    assert aws.parameters("AssumeRole")[0]["ExternalId"] == "made up secret"
    assert "made up secret" not in caught.value.detail
    assert caught.value.detail.endswith(
        "the role was refused (ValidationError): check the form of its ARN and of its external id"
    )


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("AWS_ACCESS_KEY_ID", "AKIAMADEUP\n"),
        ("AWS_SESSION_TOKEN", "made-up-token\n"),
        ("AWS_SESSION_TOKEN", "made-up\r\ntoken"),
        ("HTTP_PROXY", "http://"),
        ("HTTP_PROXY", "http://127.0.0.1:port"),
        ("HTTP_PROXY", "http://reader:made/up@127.0.0.1:9"),
        ("HTTP_PROXY", "http://127.0.0.1:9\n"),
    ],
)
@pytest.mark.usefixtures("no_backoff")
def test_a_request_that_cannot_be_sent(aws, clients, monkeypatch, name, value):
    """A Secret of Kubernetes ends with a line break soon; that is no fault of the network."""
    monkeypatch.setenv(name, value)
    monkeypatch.setenv("NO_PROXY", "")

    with pytest.raises(SourceError) as caught:
        Endpoint(clients, "ec2", "eu-west-1").answer("describe_regions")

    assert aws.asked == []
    assert caught.value.reason is FailureReason.DENIED
    assert caught.value.detail == (
        "ec2 describe_regions in eu-west-1: the request could not be made (HTTPClientError):"
        " look for line breaks in the AWS credentials, and at HTTPS_PROXY"
    )


@pytest.mark.usefixtures("no_backoff")
def test_a_proxy_that_does_not_answer(aws, clients, monkeypatch):
    """It is the proxy that is named, without its password."""
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    monkeypatch.setenv("HTTP_PROXY", f"http://reader:made-up@127.0.0.1:{port}")
    monkeypatch.setenv("NO_PROXY", "")

    with pytest.raises(SourceError) as caught:
        Endpoint(clients, "ec2", "eu-west-1").answer("describe_regions")

    assert aws.asked == []
    assert caught.value.reason is FailureReason.UNAVAILABLE
    assert caught.value.detail == (
        "ec2 describe_regions in eu-west-1: no connection to the proxy (ProxyConnectionError):"
        " check the network and HTTPS_PROXY"
    )


def test_missing_credentials_are_found_once_they_are_there(aws, clients, monkeypatch):
    """A start without credentials is denied with advice, and needs no restart afterwards."""
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    endpoint = Endpoint(clients, "ec2", "eu-west-1")
    for account in (None, MEMBER):
        with pytest.raises(SourceError) as caught:
            clients.client("ec2", "eu-west-1", account)
        assert caught.value.reason is FailureReason.DENIED
        assert "set AWS_ACCESS_KEY_ID" in caught.value.detail

    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIALATER")
    aws.ec2("DescribeRegions", REGIONS)
    endpoint.answer("describe_regions")

    assert aws.asked[0].access_key == "AKIALATER"


@pytest.mark.parametrize(
    ("region", "url"), [("no region", "http://127.0.0.1:9"), ("eu-west-1", "no-url")]
)
def test_unusable_configuration_is_no_bug(clients, monkeypatch, region, url):
    """A region or endpoint that cannot be is reported like any other failure."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", url)

    with pytest.raises(SourceError) as caught:
        clients.client("ec2", region)

    assert caught.value.reason is FailureReason.MALFORMED
    assert region in caught.value.detail


def test_unknown_profile_is_denied(clients, monkeypatch):
    """A profile that is not in the configuration is reported, not raised as a bug."""
    monkeypatch.setenv("AWS_PROFILE", "nowhere")

    for ask in (clients.home_region, lambda: clients.client("ec2", "eu-west-1")):
        with pytest.raises(SourceError) as caught:
            ask()
        assert caught.value.reason is FailureReason.DENIED


def test_home_region_is_the_configured_one(clients, monkeypatch):
    """Calls that are about no region go where the AWS configuration points."""
    monkeypatch.setenv("AWS_DEFAULT_REGION", "cn-north-1")

    assert clients.home_region() == "cn-north-1"


def test_home_region_without_configuration(clients):
    """Without any configuration they go to us-east-1."""
    assert clients.home_region() == "us-east-1"


@pytest.mark.parametrize(
    ("service", "operation", "parameters", "attempts"),
    [
        ("cloudwatch", "list_metrics", {}, 3),
        ("cloudtrail", "lookup_events", {}, 1),
        (
            "ce",
            "get_cost_and_usage",
            {
                "TimePeriod": {"Start": "2026-03-01", "End": "2026-03-02"},
                "Granularity": "DAILY",
                "Metrics": ["UnblendedCost"],
            },
            1,
        ),
    ],
)
@pytest.mark.usefixtures("no_backoff")
def test_attempts(aws, clients, service, operation, parameters, attempts):
    """Botocore repeats what failed, but not where AWS counts or bills each attempt."""
    name = operation.title().replace("_", "")
    for _ in range(4):
        aws.json_error(name, "ThrottlingException")

    with pytest.raises(SourceError):
        Endpoint(clients, service, "us-east-1").answer(operation, **parameters)

    assert len(aws.parameters(name)) == attempts


def test_accounts_see_only_themselves(clients):
    """With a role the calls are answered by the role's account."""
    with mock_aws():
        boto3.client("ec2", "eu-west-1").run_instances(ImageId="ami-1", MinCount=2, MaxCount=2)
        own = Endpoint(clients, "ec2", "eu-west-1").answer("describe_instances")
        member = Endpoint(clients, "ec2", "eu-west-1", MEMBER).answer("describe_instances")

    assert len(own.parts("Reservations")) == 1
    assert member.parts("Reservations") == []
