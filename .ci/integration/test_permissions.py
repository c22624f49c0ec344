"""The policies of deploy/iam, enforced by a simulated AWS: enough for the exporter, and no more.

The commands are those of the README there. moto checks signatures, actions and resources, and the
external id within one account; it evaluates no other condition.
"""

import json
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from exporter.core.provenance import SourceName
from exporter.sources.aws.permissions import PERMISSIONS, Permission, Policy

from cloud_tools import cloud_tools
from exporter_process import ROOT
from moto_cloud import HOME_ACCOUNT, MotoCloud
from moto_hub import HUB_ROLE, REGION, Document, Hub
from readme_commands import commands

FOLDER = ROOT / "deploy" / "iam"
README = commands(FOLDER / "README.md")
FLEET = "".join(commands(ROOT / "deploy" / "cloudformation" / "README.md")["Create"])
MEMBER_ACCOUNT = "444455556666"
"""The one that the README names."""

# moto plays no price list, and no spot instances whose prices would be asked for.
UNPLAYED = (SourceName.PRICING, SourceName.SPOT_PRICE)
ASKED_HERE = [
    each
    for each in PERMISSIONS
    if each.source not in UNPLAYED and {Policy.HUB, Policy.PAYER}.intersection(each.policies)
]


def document(policy: Policy, *, without: str = "") -> Document:
    """A policy, with one action left out, in the words of moto.

    moto names an action by how its request is signed, those of CloudWatch by ``monitoring``.
    """
    found: dict[str, Any] = json.loads((FOLDER / f"{policy}.json").read_text())
    for statement in found["Statement"]:
        actions = statement["Action"]
        listed = [actions] if isinstance(actions, str) else actions
        kept = [action for action in listed if action != without]
        statement["Action"] = [each.replace("cloudwatch:", "monitoring:") for each in kept]
    found["Statement"] = [each for each in found["Statement"] if each["Action"]]
    return found


@pytest.fixture(scope="module")
def hub(ending: ExitStack, folder: Callable[[str], Path]) -> Hub:
    """A hub as the README makes it, with the test fleet in its account."""
    cloud = MotoCloud(folder("moto"), cloud_tools())
    ending.callback(cloud.stop)
    hub = Hub(cloud, folder("hub"))
    hub.administer(FLEET + "".join(README["Hub"]) + "".join(README["Payer"]))
    hub.grant("role carbonfinops", {"moto": document(Policy.HUB)})
    return hub


def test_nothing_is_refused_in_the_own_account(hub: Hub):
    """The policies for the hub, as the README attaches them, allow whatever is asked there."""
    answer = hub.check(hub.act_as(HUB_ROLE), COST_EXPLORER="true")
    assert answer.denied == {}
    assert f"ec2_inventory {HOME_ACCOUNT} {REGION}: 4 instances" in answer.output
    assert {each.source for each in ASKED_HERE} <= set(answer.output.replace(":", "").split())


@pytest.mark.parametrize("permission", ASKED_HERE, ids=lambda permission: permission.action)
def test_without_one_action_its_source_is_refused(hub: Hub, permission: Permission):
    """Each action is needed: without it the source that the table names is down, no other."""
    lacking = {
        "hub": document(Policy.HUB, without=permission.action),
        "moto": document(Policy.HUB, without=permission.action),
        "payer": document(Policy.PAYER, without=permission.action),
    }
    complete = {"hub": Policy.HUB, "moto": Policy.HUB, "payer": Policy.PAYER}
    hub.grant("role carbonfinops", lacking)
    chosen = "" if permission.operation == "DescribeRegions" else REGION
    answer = hub.check(hub.act_as(HUB_ROLE), REGIONS=chosen)
    hub.grant("role carbonfinops", {name: document(each) for name, each in complete.items()})
    assert set(answer.denied) == {permission.source}


@pytest.fixture(scope="module")
def external_id(hub: Hub) -> str:
    """The one that the README makes, for the role that it makes in the member."""
    variables, make_role, allow, _ = README["Members"]
    external_id = hub.administer(f'{variables}\nprintf %s "$EXTERNAL_ID"')
    member = hub.act_as(f"arn:aws:iam::{MEMBER_ACCOUNT}:role/administrator")
    known = {**member, "EXTERNAL_ID": external_id, "HUB_ROLE_ARN": HUB_ROLE}
    hub.administer(make_role, known)
    hub.administer(FLEET, member)
    hub.grant("role carbonfinops-reader", {"moto": document(Policy.MEMBER)}, member)
    hub.administer(f"cd; ln -s {ROOT}/deploy .\n{allow}")
    return external_id


def test_nothing_is_refused_through_a_listed_role(hub: Hub, external_id: str):
    """The member's template and the hub's list of roles are enough to read the member's fleet."""
    tell = README["Members"][3]
    accounts = hub.administer(
        f'{tell}\nprintf %s "$CARBONFINOPS_AWS__ACCOUNTS"', {"EXTERNAL_ID": external_id}
    )
    answer = hub.check(hub.act_as(HUB_ROLE), ACCOUNTS=accounts, OWN_ACCOUNT="false")
    assert answer.denied == {}
    assert f"ec2_inventory {MEMBER_ACCOUNT} {REGION}: 4 instances" in answer.output
    assert f"cloudwatch_cpu {MEMBER_ACCOUNT} {REGION}: answers" in answer.output
    assert external_id not in answer.output


def test_a_role_that_is_not_listed_is_out_of_reach(hub: Hub, external_id: str):
    """The hub may assume the roles that its policy names, and no others."""
    del external_id
    other = json.dumps([{"role_arn": "arn:aws:iam::777788889999:role/carbonfinops-reader"}])
    answer = hub.check(hub.act_as(HUB_ROLE), ACCOUNTS=other, OWN_ACCOUNT="false")
    assert "sts:AssumeRole" in answer.denied["ec2_inventory"]


def test_a_wrong_external_id_opens_nothing(hub: Hub):
    """The payer's role, made by the same template, is given to who presents its external id."""
    user_arn = f"arn:aws:iam::{HOME_ACCOUNT}:user/exporter"
    right, wrong = "canary-external-id-right", "canary-external-id-wrong"
    made = hub.administer(
        f"""
        aws iam create-user --user-name exporter > /dev/null
        aws cloudformation deploy --stack-name payer --template-file deploy/iam/member-role.yaml \
          --capabilities CAPABILITY_NAMED_IAM --parameter-overrides ReadFleet=no ReadBill=yes \
            HubPrincipalArn={user_arn} ExternalId={right} > /dev/null
        aws iam create-access-key --user-name exporter --output text \
          --query 'AccessKey.[AccessKeyId, SecretAccessKey]'
        """
    )
    roles = json.loads(
        (FOLDER / f"{Policy.HUB_ROLES}.json").read_text().replace("PAYER_ACCOUNT_ID", HOME_ACCOUNT)
    )
    hub.grant("user exporter", {"hub-user": document(Policy.HUB), "roles": roles})
    user = dict(zip(("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"), made.split(), strict=True))
    payer = {"COST_EXPLORER_ROLE_ARN": f"arn:aws:iam::{HOME_ACCOUNT}:role/carbonfinops-reader"}
    accepted = hub.check(user, **payer, COST_EXPLORER_EXTERNAL_ID=right)
    refused = hub.check(user, **payer, COST_EXPLORER_EXTERNAL_ID=wrong)
    assert accepted.denied == {}
    assert "external id" in refused.denied["cost_explorer"]
    assert "canary-external-id" not in accepted.output + refused.output


def test_an_organization_is_found_and_read(hub: Hub):
    """With the policy for it, and not without, its accounts are found and their roles assumed."""
    account = hub.administer(
        """
        aws organizations create-organization --feature-set ALL > /dev/null
        aws organizations create-account --email member@example.com --account-name member \
          --query CreateAccountStatus.AccountId --output text
        """
    ).strip()
    known = {"EXTERNAL_ID": "canary-external-id-of-all", "HUB_ROLE_ARN": HUB_ROLE}
    attach, make_roles = README["Organization"]
    hub.administer(make_roles, known)
    member = hub.act_as(f"arn:aws:iam::{account}:role/administrator")
    hub.administer(README["Members"][1], {**member, **known})
    hub.grant("role carbonfinops-reader", {"moto": document(Policy.MEMBER)}, member)
    hub.administer(FLEET, member)
    settings = {
        "ORGANIZATION_ROLE": "carbonfinops-reader",
        "ORGANIZATION_EXTERNAL_ID": known["EXTERNAL_ID"],
    }
    before = hub.check(hub.act_as(HUB_ROLE), **settings)
    hub.administer(attach)
    after = hub.check(hub.act_as(HUB_ROLE), **settings)
    assert "organizations list_accounts" in before.denied["ec2_inventory"]
    assert after.denied == {}
    assert f"ec2_inventory {account} {REGION}: 4 instances" in after.output
