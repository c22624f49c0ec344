"""The AWS accounts to poll."""

from collections.abc import Mapping
from dataclasses import replace

from exporter.core.fleet import Account
from exporter.core.provenance import Scope, SourceName
from exporter.sources.aws.endpoint import Endpoint
from exporter.sources.aws.session import AwsClients
from exporter.sources.source import SourceError


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
        """Ask who we are and who is in the organization, as far as the settings need it.

        Where that fails, the error carries the accounts that are known all the same: a list that
        is refused must not take the others with it.
        """
        found: dict[str, Account] = {}
        try:
            self._ask(found)
        except SourceError as error:
            known = {account.account_id: account for account in previous or ()}
            partial = self._with_listed(known | found)
            raise SourceError(
                error.reason, error.detail, error.retry_after_seconds, partial or None
            ) from error
        return self._with_listed(found)

    def _ask(self, found: dict[str, Account]) -> None:
        """Add the own account, and then those of the organization."""
        if not (self._own_account or self._organization_role):
            return
        own_id, partition = self._identity()
        if self._own_account:
            found[own_id] = Account(own_id, regions=self._regions)
        if self._organization_role:
            for account in self._organization(own_id, partition):
                found[account.account_id] = account

    def _with_listed(self, found: Mapping[str, Account]) -> tuple[Account, ...]:
        """A listed account is polled as it is listed, whatever else names it."""
        listed = {
            account.account_id: replace(account, regions=account.regions or self._regions)
            for account in self._listed
        }
        accounts = {**found, **listed}
        return tuple(accounts[account_id] for account_id in sorted(accounts))

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
