"""The web config file: what of the Prometheus exporter-toolkit's format is understood here.

Everything in it is a setting that protects; what is not understood is therefore refused.
"""

import re
import ssl
from collections.abc import Hashable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import yaml

from exporter.exposition.basic_auth import refuse_unusable
from exporter.exposition.security import WebConfigError

KEYS: Final = ("tls_server_config", "basic_auth_users")
TLS_KEYS: Final = ("cert_file", "key_file", "client_ca_file", "client_auth_type", "min_version")
CLIENT_AUTH_TYPES: Final = ("NoClientCert", "RequireAndVerifyClientCert")
MIN_VERSIONS: Final = {"TLS12": ssl.TLSVersion.TLSv1_2, "TLS13": ssl.TLSVersion.TLSv1_3}

_EMPTY: Final = (None, "", "~", "null", "Null", "NULL")
"""How YAML writes that nothing is there; here every scalar is still the text it is."""

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
"""What would break a line of the log, and what is in no name of a file."""

_NAME = re.compile(r"[\w.@+ -]{1,64}")


@dataclass(frozen=True, slots=True)
class TlsFiles:
    """Where the certificates are, and the oldest TLS that is spoken.

    With ``client_ca_file``, clients need a certificate that is signed by one in it.
    """

    cert_file: Path
    key_file: Path
    client_ca_file: Path | None
    min_version: ssl.TLSVersion

    @property
    def all(self) -> tuple[Path, ...]:
        """Every file there is."""
        authority = (self.client_ca_file,) if self.client_ca_file else ()
        return (self.cert_file, self.key_file, *authority)


@dataclass(frozen=True, slots=True)
class WebConfig:
    """What the file says: no ``tls`` is plain HTTP, no ``users`` is no login."""

    tls: TlsFiles | None = None
    users: Mapping[str, str] = field(default_factory=dict, repr=False)

    def lacks(self, before: "WebConfig") -> tuple[str, ...]:
        """The keys of what protects with ``before``, and would not, or less, with this."""
        lost = ["basic_auth_users"] if before.users and not self.users else []
        if before.tls and not self.tls:
            lost.append("tls_server_config")
        if before.tls and self.tls:
            if before.tls.client_ca_file and not self.tls.client_ca_file:
                lost.append("tls_server_config.client_ca_file")
            if self.tls.min_version < before.tls.min_version:
                lost.append("tls_server_config.min_version")
        return tuple(lost)


def read_web_config(file: Path) -> WebConfig:
    """Read the file; paths in it are relative to its folder. Raises WebConfigError."""
    try:
        text = file.read_text(encoding="utf-8")
    except OSError as error:
        raise WebConfigError(f"{file}: cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise WebConfigError(f"{file}: is not text in UTF-8") from None
    except ValueError:
        raise WebConfigError(f"{str(file)!r}: is no name of a file") from None
    try:
        return _web_config(_parsed(text), file.parent)
    except ValueError as error:
        raise WebConfigError(f"{file}: {error}") from None


class _Loader(yaml.BaseLoader):
    """Leaves every scalar the text it is, and takes no key twice."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:  # noqa: FBT001, FBT002 - the library's signature
        mapping = super().construct_mapping(node, deep)
        if len(mapping) < len(node.value):
            raise ValueError(f"line {node.start_mark.line + 1}: a key is given twice below here")
        return mapping


def _parsed(text: str) -> object:
    try:
        return yaml.load(text, _Loader)  # noqa: S506 - builds nothing but texts, lists, mappings
    except (yaml.YAMLError, RecursionError) as error:
        # The library's own message quotes the text, which may hold a hash.
        mark = error.problem_mark if isinstance(error, yaml.MarkedYAMLError) else None
        place = f" at line {mark.line + 1}, column {mark.column + 1}" if mark else ""
        raise ValueError(f"is not YAML{place}") from None


def _web_config(document: object, folder: Path) -> WebConfig:
    if document in _EMPTY:  # also what is left of a file that was cut
        raise ValueError("is empty; for neither TLS nor logins write {}, or name no file")
    given = _section(document, "", KEYS)
    tls = given.get("tls_server_config")
    found = given.get("basic_auth_users", {})
    if found in _EMPTY:
        raise ValueError("basic_auth_users: is empty; for no logins leave it out")
    users = _section(found, "basic_auth_users", None)
    for user, bcrypt_hash in users.items():
        _check_user(user, bcrypt_hash)
    return WebConfig(None if tls is None else _tls(tls, folder), users)


def _section(value: object, name: str, known: tuple[str, ...] | None) -> dict[str, Any]:
    """A mapping with no keys but the known ones; nothing at all is an empty one."""
    if value is None or value == "":
        return {}
    if not isinstance(value, dict):
        raise ValueError(f"{name or 'the file'}: must be a mapping, one KEY: VALUE per line")  # noqa: TRY004 - all that is wrong is caught as one
    for key in value:
        if known is not None and key not in known:
            path = f"{name}.{_shown(key)}" if name else _shown(key)
            raise ValueError(f"{path}: unknown key; known here: {', '.join(known)}")
    return value


def _shown(key: str) -> str:
    """A key as a message may quote it: what is in the wrong place may be a secret."""
    return key if _NAME.fullmatch(key) else "(not shown)"


def _check_user(user: str, found: object) -> None:
    name = f"basic_auth_users.{_shown(user)}"
    if not user or ":" in user or _CONTROL.search(user):
        raise ValueError(f"{name}: a user name is not empty, and has no colon or control character")
    try:
        refuse_unusable(found if isinstance(found, str) else "")
    except ValueError as error:
        again = f"make one with: htpasswd -nBC 10 {_shown(user)}"
        raise ValueError(f"{name}: {error}; {again}") from None


def _tls(value: object, folder: Path) -> TlsFiles:
    name = "tls_server_config"
    given = _section(value, name, TLS_KEYS)
    for key, text in given.items():
        if not isinstance(text, str) or not text:
            raise ValueError(f"{name}.{key}: a value is missing")
        if _CONTROL.search(text):
            raise ValueError(f"{name}.{key}: holds a control character")
    for key in ("cert_file", "key_file"):
        if key not in given:
            raise ValueError(f"{name}.{key}: missing; TLS needs a certificate and its key")
    authority = given.get("client_ca_file")
    kind = _one_of(given, "client_auth_type", CLIENT_AUTH_TYPES, "NoClientCert")
    if kind == "NoClientCert" and authority:
        raise ValueError(
            f"{name}.client_ca_file: without effect unless client_auth_type is "
            "RequireAndVerifyClientCert"
        )
    if kind != "NoClientCert" and not authority:
        raise ValueError(f"{name}.client_ca_file: missing; client_auth_type {kind} needs it")
    version = _one_of(given, "min_version", tuple(MIN_VERSIONS), "TLS12")
    return TlsFiles(
        folder / given["cert_file"],
        folder / given["key_file"],
        folder / authority if authority else None,
        MIN_VERSIONS[version],
    )


def _one_of(given: Mapping[str, str], key: str, known: tuple[str, ...], default: str) -> str:
    value = given.get(key, default)
    if value not in known:
        raise ValueError(f"tls_server_config.{key}: must be one of {', '.join(known)}")
    return value
