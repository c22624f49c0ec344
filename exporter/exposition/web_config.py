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

from exporter.exposition.basic_auth import HIGHEST_COST, cost
from exporter.exposition.security import WebConfigError

KEYS: Final = ("tls_server_config", "basic_auth_users")
TLS_KEYS: Final = ("cert_file", "key_file", "client_ca_file", "client_auth_type", "min_version")
CLIENT_AUTH_TYPES: Final = ("NoClientCert", "RequireAndVerifyClientCert")
MIN_VERSIONS: Final = {"TLS12": ssl.TLSVersion.TLSv1_2, "TLS13": ssl.TLSVersion.TLSv1_3}

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


def read_web_config(file: Path) -> WebConfig:
    """Read the file; paths in it are relative to its folder. Raises WebConfigError."""
    try:
        text = file.read_text(encoding="utf-8")
    except OSError as error:
        raise WebConfigError(f"{file}: cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise WebConfigError(f"{file}: is not text in UTF-8") from None
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
    given = _section(document, "", KEYS)
    tls = given.get("tls_server_config")
    users = _section(given.get("basic_auth_users"), "basic_auth_users", None)
    for user, found in users.items():
        _check_user(user, found)
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
    if not user or ":" in user:
        raise ValueError(f"{name}: a user name is not empty, and has no colon")
    try:
        work = cost(found if isinstance(found, str) else "")
    except ValueError:
        raise ValueError(
            f"{name}: not a bcrypt hash; make one with: htpasswd -nBC 10 {_shown(user)}"
        ) from None
    if work > HIGHEST_COST:
        raise ValueError(f"{name}: cost {work} takes too long; {HIGHEST_COST} is the most")


def _tls(value: object, folder: Path) -> TlsFiles:
    name = "tls_server_config"
    given = _section(value, name, TLS_KEYS)
    for key, text in given.items():
        if not isinstance(text, str) or not text:
            raise ValueError(f"{name}.{key}: a value is missing")
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
