"""The regions of an account to poll."""

from exporter.core.fleet import Account
from exporter.core.provenance import Scope, SourceName
from exporter.sources.aws.endpoint import Endpoint
from exporter.sources.aws.session import AwsClients


class EnabledRegions:
    """The regions chosen for an account, or all that are enabled in it."""

    name = SourceName.EC2_INVENTORY

    def __init__(self, clients: AwsClients, account: Account) -> None:
        self._clients = clients
        self._account = account
        self.scope = Scope(account.account_id)

    def fetch(self, previous: tuple[str, ...] | None) -> tuple[str, ...]:
        """Ask EC2 for the enabled regions unless the account has chosen ones; sorted."""
        del previous  # always asked anew
        if self._account.regions:
            return tuple(sorted(set(self._account.regions)))
        endpoint = Endpoint(self._clients, "ec2", self._clients.home_region(), self._account)
        answer = endpoint.answer("describe_regions")
        # Without AllRegions only enabled ones should come back (API reference, DescribeRegions).
        enabled = {
            region.text("RegionName")
            for region in answer.parts("Regions")
            if region.optional_text("OptInStatus") != "not-opted-in"
        }
        if not enabled:
            raise answer.malformed("no region at all")
        return tuple(sorted(enabled))
