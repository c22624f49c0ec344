"""The reference page of the AWS permissions, generated from the list of them."""

from collections.abc import Iterator

from exporter.core.provenance import SourceName
from exporter.core.units import SECONDS_PER_DAY
from exporter.durations import format_duration
from exporter.intervals import DEFAULT_INTERVALS_SECONDS
from exporter.sources.aws.attempts import USD_PER_COST_EXPLORER_PAGE, USD_PER_METRIC
from exporter.sources.aws.permissions import PERMISSIONS, Permission, Policy

_INTRODUCTION = """\
# AWS permissions

Generated from the program by `make docs`; do not edit.

The exporter only reads. The **hub** is the account whose credentials it has, a **member** another
account that it polls through a role, the **payer** the account that the bill is sent to. How the
policies are put to use, and trust policies for the roles: [deploy/iam](../../deploy/iam/README.md).

A permission that is missing takes down what is said here, and nothing else: the source is down
(`carbonfinops_source_up` is 0, with the `source` named here), what depends on it is counted as a
gap, and `carbonfinops check` names the action.
"""

_ATTACHED = {
    Policy.HUB: ("the hub", "always"),
    Policy.HUB_ROLES: (
        "the hub",
        "with `CARBONFINOPS_AWS__ACCOUNTS` or `CARBONFINOPS_AWS__COST_EXPLORER_ROLE_ARN`",
    ),
    Policy.HUB_ORGANIZATION: (
        "the hub, which must be the organization's management account or a delegated administrator",
        "with `CARBONFINOPS_AWS__ORGANIZATION_ROLE`",
    ),
    Policy.MEMBER: ("the role in each member", "for every account but the hub"),
    Policy.PAYER: (
        "the payer's role, or the hub where it is the payer",
        "unless `CARBONFINOPS_AWS__COST_EXPLORER=false`",
    ),
}

_COSTS = """\
In a month of {days} days, with the default intervals and the list prices of 2026:

- {cpu_usd:.2f} USD for {instances} running instances (CPU every {cpu_interval}),
- {bill_usd:.2f} USD for the bill (every {bill_interval}), or twice that where it has two pages.

A refresh begins when 80 to 90 % of its interval is over, so AWS bills up to a quarter more.
`CARBONFINOPS_TTL__CLOUDWATCH_CPU` and `CARBONFINOPS_TTL__COST_EXPLORER` change the intervals; what
the exporter's calls have cost is in `carbonfinops_upstream_cost_usd_total`.
"""
_DAYS_PER_MONTH = 30
_INSTANCES = 100


def iam_reference() -> str:
    """The page as Markdown."""
    lines = [_INTRODUCTION, "## Permissions", "", *_permission_lines(), ""]
    lines += ["## Policies", "", *_policy_lines(), "", "## What asking costs", "", _costs()]
    return "\n".join(lines)


def _permission_lines() -> Iterator[str]:
    yield "| action | allowed by | asked | resource | `source` | lost without it | price |"
    yield "| --- | --- | --- | --- | --- | --- | --- |"
    for each in PERMISSIONS:
        allowed = ", ".join(map(_link, each.policies)) or "needs no policy"
        source = f"`{each.source}`" if each.source else "all of that account"
        cells = (f"`{each.action}`", allowed, each.asked, each.resource, source)
        yield f"| {' | '.join((*cells, each.lost, _price(each)))} |"


def _policy_lines() -> Iterator[str]:
    yield "| policy | attached to | needed | allows |"
    yield "| --- | --- | --- | --- |"
    for policy, (holder, needed) in _ATTACHED.items():
        actions = sorted(each.action for each in PERMISSIONS if policy in each.policies)
        allowed = ", ".join(f"`{action}`" for action in actions)
        yield f"| {_link(policy)} | {holder} | {needed} | {allowed} |"


def _link(policy: Policy) -> str:
    return f"[{policy}](../../deploy/iam/{policy}.json)"


def _price(permission: Permission) -> str:
    match permission.source:
        case SourceName.CLOUDWATCH_CPU:
            return f"{USD_PER_METRIC * 1000:.2f} USD per 1,000 instances asked about"
        case SourceName.COST_EXPLORER:
            return f"{USD_PER_COST_EXPLORER_PAGE:.2f} USD per page"
        case _:
            return "free"


def _costs() -> str:
    cpu, bill = SourceName.CLOUDWATCH_CPU, SourceName.COST_EXPLORER
    return _COSTS.format(
        cpu_usd=_asked_per_month(cpu) * _INSTANCES * USD_PER_METRIC,
        cpu_interval=format_duration(DEFAULT_INTERVALS_SECONDS[cpu]),
        bill_usd=_asked_per_month(bill) * USD_PER_COST_EXPLORER_PAGE,
        bill_interval=format_duration(DEFAULT_INTERVALS_SECONDS[bill]),
        instances=_INSTANCES,
        days=_DAYS_PER_MONTH,
    )


def _asked_per_month(source: SourceName) -> float:
    return _DAYS_PER_MONTH * SECONDS_PER_DAY / DEFAULT_INTERVALS_SECONDS[source]


if __name__ == "__main__":
    print(iam_reference(), end="")  # noqa: T201 - prints the page
