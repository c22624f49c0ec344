"""An exporter with a web config file, and all that its clients need."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import bcrypt
import requests
from tests.certificates import Pair, issue, make_authority

from exporter_process import ExporterProcess

USER, PASSWORD, NEXT_PASSWORD = "prometheus", "canary-of-the-login", "canary-of-the-next-login"

TLS = "tls_server_config:\n  cert_file: server.crt\n  key_file: server.key\n"
MUTUAL = TLS + "  client_ca_file: authority.crt\n  client_auth_type: RequireAndVerifyClientCert\n"


def users(password: str) -> str:
    """The part of a web config file with one user."""
    found = bcrypt.hashpw(password.encode(), bcrypt.gensalt(10)).decode()
    return f"basic_auth_users:\n  {USER}: {found}\n"


@dataclass(frozen=True)
class Credentials:
    """A folder with an authority, certificates of it, and one that it does not know."""

    folder: Path
    signer: Pair

    @classmethod
    def made(cls, folder: Path) -> "Credentials":
        """Make them."""
        found = cls(folder, make_authority(folder))
        for name in ("server", "client"):
            found.renew(name)
        (folder / "elsewhere").mkdir()
        issue(folder / "elsewhere", "client", make_authority(folder / "elsewhere", "other"))
        return found

    def renew(self, name: str) -> None:
        """Put a new certificate in the place of one."""
        issue(self.folder, name, self.signer)

    @property
    def authority(self) -> str:
        """The certificate to trust."""
        return str(self.folder / "authority.crt")

    def client(self, where: str = ".") -> tuple[str, str]:
        """A client's certificate and its key."""
        place = self.folder / where
        return str(place / "client.crt"), str(place / "client.key")

    def write(self, name: str, text: str) -> Path:
        """Write a web config file beside them."""
        file = self.folder / name
        file.write_text(text)
        return file

    def secrets(self) -> list[str]:
        """What no output may hold: hashes and lines of private keys."""
        found = []
        for file in self.folder.rglob("*"):
            if file.suffix == ".key":
                found += file.read_text().splitlines()[1:-1]
            if file.suffix == ".yml":
                found += [part for part in file.read_text().split() if part.startswith("$2")]
        return found


class SecuredExporter(ExporterProcess):
    """Asked over TLS, with everything that it may want of a client."""

    def __init__(
        self,
        folder: Path,
        settings: Mapping[str, str],
        credentials: Credentials,
        web_config: Path,
        *arguments: str,
    ) -> None:
        self.credentials = credentials
        self.password = PASSWORD
        self.settings = {**settings, "CARBONFINOPS_WEB__CONFIG_FILE": str(web_config)}
        super().__init__(folder, self.settings, *arguments)

    def get(self, path: str, limit_seconds: float = 10) -> requests.Response:
        """One answer, on a connection of its own: certificates may have changed."""
        with requests.Session() as session:
            session.trust_env = False
            return session.get(
                f"https://{self.address}{path}",
                timeout=limit_seconds,
                verify=self.credentials.authority,
                cert=self.credentials.client(),
                auth=(USER, self.password),
            )
