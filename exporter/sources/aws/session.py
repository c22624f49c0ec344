"""AWS clients: one session for the base credentials, one for each role that is assumed."""

import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from exporter.core.fleet import Account
from exporter.core.provenance import FailureReason
from exporter.sources.aws.attempts import AttemptReports
from exporter.sources.aws.failures import translated
from exporter.sources.source import RequestObserver, SourceError

if TYPE_CHECKING:
    import boto3.session
    from botocore.credentials import DeferredRefreshableCredentials
    from botocore.loaders import Loader


_ROLE_SESSION_NAME = "carbonfinops-exporter"
_TOTAL_ATTEMPTS = 3
# CloudTrail refuses more than two requests a second, so its source spaces the repeated ones too;
# Cost Explorer may bill each of them.
_TOTAL_ATTEMPTS_OF = {"ce": 1, "cloudtrail": 1}
_DEFAULT_REGION = "us-east-1"


class _RoleCredentials:
    """The ``credential_provider`` component of a session that acts as one role."""

    def __init__(self, credentials: "DeferredRefreshableCredentials") -> None:
        self._credentials = credentials

    def load_credentials(self) -> "DeferredRefreshableCredentials":
        return self._credentials


class AwsClients:
    """Makes clients and keeps them; safe to share between threads.

    The base credentials come from botocore's usual chain; roles are assumed with them and
    renewed by botocore before they expire. ``external_id`` gives the one that an account's role
    asks for, empty for none; it is a secret, so no account carries it. Every HTTP attempt is told
    to ``observer``. Failed requests are repeated by botocore, but those of CloudTrail and Cost
    Explorer are not.
    """

    def __init__(
        self,
        observer: RequestObserver,
        *,
        external_id: Callable[[Account], str] = lambda _: "",
        connect_timeout_seconds: float = 5.0,
        read_timeout_seconds: float = 20.0,
    ) -> None:
        self._reports = AttemptReports(observer)
        self._external_id = external_id
        self._connect_timeout_seconds = connect_timeout_seconds
        self._read_timeout_seconds = read_timeout_seconds
        # Clients may be shared between threads, sessions may not: one lock for all creation.
        self._lock = threading.RLock()
        self._loader: Loader | None = None
        self._hub: boto3.session.Session | None = None
        self._sessions: dict[str, boto3.session.Session] = {}
        self._clients: dict[tuple[str, str, str], Any] = {}

    def client(self, service: str, region: str, account: Account | None = None) -> Any:
        """Give the client of a service; without an account it uses the base credentials.

        Raises SourceError when there are no credentials or the configuration is unusable.
        """
        role_arn = account.role_arn if account else ""
        account_id = account.account_id if account else ""
        key = (role_arn, service, region)
        with self._lock, translated(f"{service} client in {region}", account_id):
            if key not in self._clients:
                self._clients[key] = self._new_client(self._session(account), service, region)
            return self._clients[key]

    def home_region(self) -> str:
        """Region of the calls that are about no region: configured for AWS, or us-east-1."""
        with self._lock, translated("AWS configuration"):
            return self._hub_session().region_name or _DEFAULT_REGION

    def _session(self, account: Account | None) -> "boto3.session.Session":
        from botocore.exceptions import NoCredentialsError

        # A client made without credentials would never get any: better none is kept.
        if self._hub_session().get_credentials() is None:
            raise NoCredentialsError
        if account is None or not account.role_arn:
            return self._hub_session()
        if account.role_arn not in self._sessions:
            self._sessions[account.role_arn] = self._new_session(
                credential_provider=self._role_credentials(account)
            )
        return self._sessions[account.role_arn]

    def _hub_session(self) -> "boto3.session.Session":
        if self._hub is None:
            self._hub = self._new_session()
        return self._hub

    def _new_session(self, **components: object) -> "boto3.session.Session":
        # Imported late, as all of it here: the process listens before it loads boto3 (0.2 s).
        import boto3.session
        import botocore.loaders
        import botocore.session

        # Each loader keeps its own copy of the service models, 25 MB for EC2 alone: share one.
        self._loader = self._loader or botocore.loaders.create_loader()
        session = botocore.session.get_session()
        for name, component in {"data_loader": self._loader, **components}.items():
            session.register_component(name, component)
        self._reports.attach(session.register)
        return boto3.session.Session(botocore_session=session)

    def _role_credentials(self, account: Account) -> "_RoleCredentials":
        from botocore.credentials import (
            AssumeRoleCredentialFetcher,
            DeferredRefreshableCredentials,
        )

        external_id = self._external_id(account)
        conditions = {"ExternalId": external_id} if external_id else {}
        fetcher = AssumeRoleCredentialFetcher(
            client_creator=self._token_client,
            source_credentials=self._hub_session().get_credentials(),
            role_arn=account.role_arn,
            extra_args={"RoleSessionName": _ROLE_SESSION_NAME, **conditions},
        )
        return _RoleCredentials(
            DeferredRefreshableCredentials(fetcher.fetch_credentials, "assume-role")
        )

    def _token_client(self, service: str, **credentials: str) -> Any:
        with self._lock:
            return self._new_client(self._hub_session(), service, self.home_region(), **credentials)

    def _new_client(
        self, session: "boto3.session.Session", service: str, region: str, **credentials: str
    ) -> Any:
        from botocore.config import Config

        config = Config(
            connect_timeout=self._connect_timeout_seconds,
            read_timeout=self._read_timeout_seconds,
            retries={
                "mode": "standard",
                "total_max_attempts": _TOTAL_ATTEMPTS_OF.get(service, _TOTAL_ATTEMPTS),
            },
        )
        try:
            return session.client(
                service_name=service,  # type: ignore[call-overload] # the stubs list each name
                region_name=region,
                config=config,
                **credentials,
            )
        except ValueError as error:
            detail = f"{service} client in {region}: region or AWS_ENDPOINT_URL is not a valid one"
            raise SourceError(FailureReason.MALFORMED, detail) from error
