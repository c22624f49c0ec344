import boto3
import pytest
from moto import mock_aws

from exporter.core.fleet import Account
from exporter.core.provenance import FailureReason, Scope, SourceName
from exporter.sources.aws.accounts import PolledAccounts
from exporter.sources.source import SourceError

LISTED = Account("222233334444", "arn:aws:iam::222233334444:role/reader")


def identity(account_id="111122223333", partition="aws"):
    return {"Arn": f"arn:{partition}:iam::{account_id}:user/me", "Account": account_id}


def member(account_id, **status):
    return {"Id": account_id, **(status or {"State": "ACTIVE", "Status": "ACTIVE"})}


def test_it_is_a_source(clients):
    """Accounts are part of the inventory, for no place in particular."""
    source = PolledAccounts(clients, own_account=True, listed=())

    assert source.name is SourceName.EC2_INVENTORY
    assert source.scope == Scope()


def test_own_account(aws, clients):
    """The base credentials say which account they belong to; the chosen regions hold for it."""
    aws.sts("GetCallerIdentity", identity())
    source = PolledAccounts(clients, own_account=True, listed=(), regions=("eu-west-1",))

    assert source.fetch(None) == (Account("111122223333", regions=("eu-west-1",)),)


def test_listed_accounts_need_no_call(aws, clients):
    """Listed accounts are as given; their own regions win over those chosen for all."""
    own_regions = Account("000011112222", "arn:aws:iam::000011112222:role/r", regions=("a", "b"))
    source = PolledAccounts(
        clients, own_account=False, listed=(LISTED, own_regions), regions=("eu-west-1",)
    )

    assert source.fetch(None) == (
        own_regions,
        Account(LISTED.account_id, LISTED.role_arn, regions=("eu-west-1",)),
    )
    assert aws.asked == []


def test_nothing_chosen(clients):
    """Without any account there is nothing to poll, and nobody to ask."""
    assert PolledAccounts(clients, own_account=False, listed=()).fetch(None) == ()


def test_organization(aws, clients):
    """Active members of all pages, through the role in each; the own account without a role."""
    aws.sts("GetCallerIdentity", identity())
    aws.json(
        "ListAccounts",
        {"Accounts": [member("333344445555"), member("111122223333")], "NextToken": "more"},
        {
            "Accounts": [
                member("222233334444"),
                member("444455556666", State="SUSPENDED", Status="ACTIVE"),
                member("555566667777", Status="SUSPENDED"),
                member("666677778888", Status="ACTIVE"),
                member("333344445555"),
            ]
        },
    )
    source = PolledAccounts(
        clients, own_account=True, listed=(), organization_role="reader", regions=("eu-west-1",)
    )

    assert source.fetch(None) == (
        Account("111122223333", regions=("eu-west-1",)),
        Account("222233334444", "arn:aws:iam::222233334444:role/reader", regions=("eu-west-1",)),
        Account("333344445555", "arn:aws:iam::333344445555:role/reader", regions=("eu-west-1",)),
        Account("666677778888", "arn:aws:iam::666677778888:role/reader", regions=("eu-west-1",)),
    )
    assert [asked.get("NextToken") for asked in aws.parameters("ListAccounts")] == [None, "more"]


def test_organization_in_another_partition(aws, clients):
    """Roles are in the partition of the base credentials."""
    aws.sts("GetCallerIdentity", identity(partition="aws-cn"))
    aws.json("ListAccounts", {"Accounts": [member("222233334444")]})
    source = PolledAccounts(clients, own_account=False, listed=(), organization_role="reader")

    assert [account.role_arn for account in source.fetch(None)] == [
        "arn:aws-cn:iam::222233334444:role/reader"
    ]


def test_duplicates(aws, clients):
    """What the operator lists wins over the organization and over the own account."""
    aws.sts("GetCallerIdentity", identity())
    aws.json("ListAccounts", {"Accounts": [member("222233334444"), member("111122223333")]})
    own = Account("111122223333", "arn:aws:iam::111122223333:role/self")
    source = PolledAccounts(
        clients, own_account=True, listed=(LISTED, own), organization_role="other"
    )

    assert source.fetch(None) == (own, LISTED)


@pytest.mark.parametrize(
    "answer", [{"Account": "111122223333"}, {"Arn": "arn:aws:x", "Account": "1"}, {"Arn": "a:b"}]
)
def test_unusable_identity(aws, clients, answer):
    """An identity without account or ARN is malformed."""
    aws.sts("GetCallerIdentity", answer)

    with pytest.raises(SourceError) as caught:
        PolledAccounts(clients, own_account=True, listed=()).fetch(None)

    assert caught.value.reason is FailureReason.MALFORMED


def test_no_organization(aws, clients):
    """An account outside any organization says what to set instead."""
    aws.sts("GetCallerIdentity", identity())
    aws.json_error("ListAccounts", "AWSOrganizationsNotInUseException")
    source = PolledAccounts(clients, own_account=True, listed=(), organization_role="reader")

    with pytest.raises(SourceError, match="list the accounts in the settings") as caught:
        source.fetch(None)

    assert caught.value.reason is FailureReason.DENIED


def test_emulated_organization(clients):
    """The same against an emulated organization with many members."""
    with mock_aws():
        organizations = boto3.client("organizations", "us-east-1")
        organizations.create_organization(FeatureSet="ALL")
        for number in range(25):
            organizations.create_account(Email=f"a{number}@example.com", AccountName=str(number))
        accounts = PolledAccounts(
            clients, own_account=True, listed=(), organization_role="reader"
        ).fetch(None)

    assert len(accounts) == 26
    assert [account.account_id for account in accounts if not account.role_arn] == ["123456789012"]
    assert list(accounts) == sorted(accounts, key=lambda account: account.account_id)


def test_a_refused_organization_takes_no_other_account_with_it(aws, clients):
    """The own and the listed accounts, and members known before, are polled all the same."""
    aws.sts("GetCallerIdentity", identity())
    aws.json_error("ListAccounts", "AccessDeniedException")
    member_before = Account("333344445555", "arn:aws:iam::333344445555:role/reader")
    source = PolledAccounts(clients, own_account=True, listed=(LISTED,), organization_role="reader")

    with pytest.raises(SourceError) as caught:
        source.fetch((member_before,))

    assert caught.value.reason is FailureReason.DENIED
    assert caught.value.partial == (Account("111122223333"), LISTED, member_before)


def test_without_an_identity_the_listed_accounts_remain(aws, clients):
    """STS that fails does not hide what needs no call at all."""
    aws.sts("GetCallerIdentity", {})
    source = PolledAccounts(clients, own_account=True, listed=(LISTED,))

    with pytest.raises(SourceError) as caught:
        source.fetch(None)

    assert caught.value.partial == (LISTED,)


def test_nothing_known_is_no_list(aws, clients):
    """An empty list would be a claim that there is nothing to poll."""
    aws.sts("GetCallerIdentity", {})

    with pytest.raises(SourceError) as caught:
        PolledAccounts(clients, own_account=True, listed=()).fetch(None)

    assert caught.value.partial is None
