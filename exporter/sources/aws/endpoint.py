"""One AWS service in one region, asked on behalf of one account."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from exporter.core.fleet import Account
from exporter.sources.aws.failures import PARSER_ERRORS, translated
from exporter.sources.aws.record import Record
from exporter.sources.aws.session import AwsClients


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where to ask; without an account the base credentials ask for themselves."""

    clients: AwsClients
    service: str
    region: str
    account: Account | None = None

    def answer(self, operation: str, **parameters: Any) -> Record:
        """Call an operation by its name in boto3. Raises SourceError."""
        client = self.clients.client(self.service, self.region, self.account)
        call = getattr(client, operation)
        doing = f"{self.service} {operation} in {self.region}"
        if self.account:
            doing += f" as {self.account.role_arn or self.account.account_id}"
        # Nothing but botocore runs inside: what its parsers trip over is AWS's answer.
        with translated(doing, also=PARSER_ERRORS):
            fields = call(**parameters)
        return Record(fields, doing)

    def pages(
        self, operation: str, *, continued_by: str = "NextToken", **parameters: Any
    ) -> Iterator[Record]:
        """Call an operation until it gives no further token. Raises SourceError."""
        token = ""
        while True:
            page = self.answer(operation, **parameters)
            yield page
            following = page.optional_text(continued_by)
            if not following:
                return
            if following == token:
                raise page.malformed("the same page token twice")
            token = following
            parameters[continued_by] = token
