"""The regions of an account for which none were chosen."""

from exporter.core.fleet import Account
from exporter.core.provenance import Scope, SourceName
from exporter.sources.aws.endpoint import Endpoint
from exporter.sources.aws.session import AwsClients


class EnabledRegions:
    """All regions that are enabled in an account."""

    name = SourceName.EC2_INVENTORY

    def __init__(self, clients: AwsClients, account: Account) -> None:
        self._clients = clients
        self._account = account
        self.scope = Scope(account.account_id)

    def fetch(self, previous: tuple[str, ...] | None) -> tuple[str, ...]:
        """Ask EC2 for the enabled regions; sorted."""
        del previous  # always asked anew
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
