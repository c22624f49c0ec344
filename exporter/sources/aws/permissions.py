"""What AWS has to allow for each operation that is asked here: the one list of all of them.

The policies in deploy/iam and docs/reference/iam.md are checked against it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from exporter.core.provenance import SourceName


class Policy(StrEnum):
    """A file of deploy/iam, without its ``.json``."""

    HUB = "hub-policy"
    HUB_ROLES = "hub-roles-policy"
    HUB_ORGANIZATION = "hub-organization-policy"
    MEMBER = "member-policy"
    PAYER = "payer-policy"


@dataclass(frozen=True, slots=True)
class Permission:
    """An action that is to be allowed.

    ``policies`` allow it, none where AWS gives the answer to everybody. ``source`` is the one that
    fails without it, None where all of an account do; ``asked`` says when it is asked for, ``lost``
    what there is not without it. ``resource`` is the narrowest that AWS lets a policy name.
    """

    action: str
    policies: tuple[Policy, ...]
    source: SourceName | None
    asked: str
    lost: str
    resource: str = "`*`"

    @property
    def service(self) -> str:
        """The service's name in boto3."""
        return self.action.partition(":")[0]

    @property
    def operation(self) -> str:
        """The operation's name in AWS's API reference."""
        return self.action.partition(":")[2]


_FLEET = (Policy.HUB, Policy.MEMBER)
_IN_REGIONS = "`*`, of chosen regions by `aws:RequestedRegion`"

PERMISSIONS: tuple[Permission, ...] = (
    Permission(
        "ec2:DescribeInstances",
        _FLEET,
        SourceName.EC2_INVENTORY,
        "always",
        "everything about the instances of that account",
        _IN_REGIONS,
    ),
    Permission(
        "ec2:DescribeInstanceTypes",
        _FLEET,
        SourceName.EC2_INVENTORY,
        "always",
        "everything about the instances of that account: vCPUs and memory are part of the list",
        _IN_REGIONS,
    ),
    Permission(
        "ec2:DescribeRegions",
        _FLEET,
        SourceName.EC2_INVENTORY,
        "unless `CARBONFINOPS_AWS__REGIONS`, or the account's own `regions`, are set",
        "every region of that account",
    ),
    Permission(
        "cloudwatch:GetMetricData",
        _FLEET,
        SourceName.CLOUDWATCH_CPU,
        "always",
        "power and emissions, energy, idle instances, and what a change would save",
        _IN_REGIONS,
    ),
    Permission(
        "cloudtrail:LookupEvents",
        _FLEET,
        SourceName.CLOUDTRAIL_EVENTS,
        "always",
        "runtime and billed time, the coverage of both, the comparison with the bill",
        _IN_REGIONS,
    ),
    Permission(
        "ec2:DescribeSpotPriceHistory",
        _FLEET,
        SourceName.SPOT_PRICE,
        "where spot instances run",
        "the cost of spot instances",
        _IN_REGIONS,
    ),
    Permission(
        "pricing:GetProducts",
        (Policy.HUB,),
        SourceName.PRICING,
        "always, in `CARBONFINOPS_AWS__PRICING_REGION`",
        "the cost of all but spot instances, in all accounts",
    ),
    Permission(
        "ce:GetCostAndUsage",
        (Policy.PAYER,),
        SourceName.COST_EXPLORER,
        "unless `CARBONFINOPS_AWS__COST_EXPLORER=false`; by the hub itself, or by"
        " `CARBONFINOPS_AWS__COST_EXPLORER_ROLE_ARN`",
        "what was billed, the comparison with it, the bounds of costs",
    ),
    Permission(
        "sts:AssumeRole",
        (Policy.HUB_ROLES, Policy.HUB_ORGANIZATION),
        None,
        "for `CARBONFINOPS_AWS__ACCOUNTS`, `CARBONFINOPS_AWS__ORGANIZATION_ROLE` and"
        " `CARBONFINOPS_AWS__COST_EXPLORER_ROLE_ARN`",
        "the account of that role; the bill, where it is the payer's",
        "the ARNs of the roles, or their name within the own organization",
    ),
    Permission(
        "organizations:ListAccounts",
        (Policy.HUB_ORGANIZATION,),
        SourceName.EC2_INVENTORY,
        "with `CARBONFINOPS_AWS__ORGANIZATION_ROLE`",
        "the accounts that are not listed in `CARBONFINOPS_AWS__ACCOUNTS`",
    ),
    Permission(
        "sts:GetCallerIdentity",
        (),
        SourceName.EC2_INVENTORY,
        "unless `CARBONFINOPS_AWS__OWN_ACCOUNT=false`, and with"
        " `CARBONFINOPS_AWS__ORGANIZATION_ROLE`",
        "nothing: AWS answers whoever has valid credentials",
        "none",
    ),
)

ACTIONS: Mapping[str, str] = {each.operation: each.action for each in PERMISSIONS}
"""The action by the name of the operation in AWS's API reference."""
