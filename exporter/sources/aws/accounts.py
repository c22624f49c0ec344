"""The AWS accounts to poll."""

from dataclasses import replace

from exporter.core.fleet import Account
from exporter.core.provenance import Scope, SourceName
from exporter.sources.aws.endpoint import Endpoint
from exporter.sources.aws.session import AwsClients


class PolledAccounts:
    """The own account, the listed ones, and those of the organization.

    Where an account comes up twice, the operator's list wins over the own account, and both over
    the organization.
    """

    name = SourceName.EC2_INVENTORY
    scope = Scope()

    def __init__(
        self,
        clients: AwsClients,
        *,
        own_account: bool,
        listed: tuple[Account, ...],
        organization_role: str = "",
        regions: tuple[str, ...] = (),
    ) -> None:
        self._clients = clients
        self._own_account = own_account
        self._listed = listed
        self._organization_role = organization_role
        self._regions = regions

    def fetch(self, previous: tuple[Account, ...] | None) -> tuple[Account, ...]:
        """Ask who we are and who is in the organization, as far as the settings need it."""
        del previous  # always asked anew
        found: dict[str, Account] = {}
        if self._own_account or self._organization_role:
            own_id, partition = self._identity()
            if self._organization_role:
                for account in self._organization(own_id, partition):
                    found[account.account_id] = account
            if self._own_account:
                found[own_id] = Account(own_id, regions=self._regions)
        for account in self._listed:
            found[account.account_id] = replace(account, regions=account.regions or self._regions)
        return tuple(found[account_id] for account_id in sorted(found))

    def _identity(self) -> tuple[str, str]:
        tokens = Endpoint(self._clients, "sts", self._clients.home_region())
        identity = tokens.answer("get_caller_identity")
        arn = identity.text("Arn").split(":")
        if len(arn) < 6 or arn[0] != "arn":  # noqa: PLR2004 - arn:partition:service:region:id:name
            raise identity.malformed("Arn is not an ARN")
        return identity.text("Account"), arn[1]

    def _organization(self, own_id: str, partition: str) -> list[Account]:
        organization = Endpoint(self._clients, "organizations", self._clients.home_region())
        members = [
            member.text("Id")
            for page in organization.pages("list_accounts")
            for member in page.parts("Accounts")
            # State replaces Status, which AWS announced to retire on 2026-09-09 (API reference
            # of Organizations, data type Account).
            if (member.optional_text("State") or member.text("Status")) == "ACTIVE"
        ]
        return [
            Account(
                member_id,
                role_arn=f"arn:{partition}:iam::{member_id}:role/{self._organization_role}",
                regions=self._regions,
            )
            for member_id in members
            if member_id != own_id
        ]
