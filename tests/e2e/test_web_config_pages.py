"""What the pages about the web config file say is so."""

import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import bcrypt
import pytest

from exporter.exposition.basic_auth import HIGHEST_COST
from exporter.exposition.limits import Limits
from exporter.exposition.web_config import (
    CLIENT_AUTH_TYPES,
    KEYS,
    MIN_VERSIONS,
    TLS_KEYS,
    read_web_config,
)

DOCS = Path(__file__).parents[2] / "docs"
REFERENCE = (DOCS / "reference" / "web-config.md").read_text(encoding="utf-8")
HOW_TO = (DOCS / "how-to" / "tls-and-login.md").read_text(encoding="utf-8")


def blocks(page: str, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", page, re.MULTILINE | re.DOTALL)


def rows(page: str) -> dict[str, str]:
    """Second cells of all tables by the first."""
    cells = re.findall(r"^\| ([^|]+) \| ([^|]+) \|", page, re.MULTILINE)
    return {first.strip("`"): second for first, second in cells}


def test_every_key_is_described():
    """And what its values may be."""
    described = rows(REFERENCE)

    for key in (*KEYS, *TLS_KEYS):
        assert key in described
    for value in (*CLIENT_AUTH_TYPES, *MIN_VERSIONS):
        assert f"`{value}`" in REFERENCE
    assert f"cost is {HIGHEST_COST} at\nmost" in REFERENCE


def test_the_limits_are_those_in_force():
    """To the second and the byte."""
    limits, said = Limits(), rows(REFERENCE)

    assert said["TLS handshake"] == f"{limits.handshake_seconds:g} s"
    assert (
        said["header of a request, from its first byte to its last"] == f"{limits.head_seconds:g} s"
    )
    assert said["size of that header"] == f"{limits.head_bytes:,} bytes"
    assert said["sending of an answer"] == f"{limits.answer_seconds:g} s"
    assert said["time between two requests"] == f"{limits.idle_seconds:g} s"
    assert said["connections at a time"] == f"{limits.connections}"


@pytest.mark.parametrize("page", [REFERENCE, HOW_TO])
def test_the_examples_are_understood(page: str, tmp_path: Path):
    """Every example of a web config file."""
    found = [text for text in blocks(page, "yaml") if text.startswith("tls_server_config")]

    assert found
    for text in found:
        (tmp_path / "web.yml").write_text(text)
        assert read_web_config(tmp_path / "web.yml").tls


def test_the_example_hash_is_that_of_the_password_named():
    """Whoever tries it out can log in."""
    (found,) = set(re.findall(r"\$2y\$\S{56}", REFERENCE + HOW_TO))

    assert bcrypt.checkpw(b"fakepassword", found.encode())


def test_the_commands_work(tool: Callable[[str], str], tmp_path: Path):
    """One after the other in one folder: certificates that the strictest reader takes."""
    for program in ("openssl", "promtool"):
        tool(program)
    plain, mutual = (t for t in blocks(HOW_TO, "yaml") if t.startswith("tls_server_config"))
    (tmp_path / "web.yml").write_text(plain)
    bash = shutil.which("bash") or "sh"

    for commands in blocks(HOW_TO, "sh"):
        subprocess.run([bash, "-euc", commands], cwd=tmp_path, check=True, capture_output=True)

    (tmp_path / "mutual.yml").write_text(mutual)
    check = [tool("promtool"), "check", "web-config", "mutual.yml"]
    subprocess.run(check, cwd=tmp_path, check=True, capture_output=True)
    for leaf, purpose in (("server.crt", "sslserver"), ("client.crt", "sslclient")):
        verify = [tool("openssl"), "verify", "-x509_strict", "-purpose", purpose]
        verify += ["-CAfile", "authority.crt", leaf]
        subprocess.run(verify, cwd=tmp_path, check=True, capture_output=True)


def test_prometheus_understands_its_part(tool: Callable[[str], str], tmp_path: Path):
    """The scrape job as it is written."""
    (text,) = (t for t in blocks(HOW_TO, "yaml") if t.startswith("scrape_configs"))
    (tmp_path / "prometheus.yml").write_text(text)
    for name in ("authority.crt", "password"):
        (tmp_path / name).write_text("")

    subprocess.run(
        [tool("promtool"), "check", "config", "prometheus.yml"],
        cwd=tmp_path,
        check=True,
        capture_output=True,
    )
