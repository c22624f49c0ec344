"""A secret of its own in every place for one."""

import base64
import json
from pathlib import Path

import bcrypt

from tests.benchmarks.organization import ACCOUNTS
from tests.certificates import issue, make_authority
from tests.e2e.conftest import free_port

USER_PASSWORD = "canary-of-the-login"
HASH = bcrypt.hashpw(USER_PASSWORD.encode(), bcrypt.gensalt(4)).decode()
ROLE = "arn:aws:iam::{account}:role/carbonfinops"
PREFIX = "CARBONFINOPS_"

BY_THE_SDK = {
    "AWS_ACCESS_KEY_ID": "AKIACANARY0000000000",
    "AWS_SECRET_ACCESS_KEY": "canary-of-the-secret-access-key",
    "AWS_SESSION_TOKEN": "canary-of-the-session-token",
}
TOKEN, ORGANIZATION, PAYER, ACCOUNT = (
    f"canary-of-the-{place}" for place in ("grid-token", "organization", "payer", "account")
)
IN_URLS = tuple(
    f"canary-of-the-{place}" for place in ("proxy", "grid-url", "hardware-url", "rates-url")
)
IN_A_QUERY = "canary-of-the-query"
OF_THE_ROLE = "canary-of-the-role"
"""Given by STS."""

ACCOUNTS_JSON = json.dumps([{"role_arn": ROLE.format(account=ACCOUNTS[1]), "external_id": ACCOUNT}])
GIVEN = {
    "ELECTRICITY_MAPS__TOKEN": TOKEN,
    "AWS__ORGANIZATION_EXTERNAL_ID": ORGANIZATION,
    "AWS__COST_EXPLORER_EXTERNAL_ID": PAYER,
    "AWS__ACCOUNTS": ACCOUNTS_JSON,
}
"""By setting."""


def logged_in(user: str, password: str) -> str:
    """As it is in a header."""
    return base64.b64encode(f"{user}:{password}".encode()).decode()


def planted(folder: Path) -> list[str]:
    """What must not show; the files that hold some of it are written."""
    pair = issue(folder, "server", make_authority(folder))
    (folder / "web.yml").write_text(
        "tls_server_config: {cert_file: server.crt, key_file: server.key}\n"
        f"basic_auth_users: {{prometheus: {HASH}}}\n"
    )
    (folder / "token").write_text(f"{TOKEN}\n")
    (folder / ".env").write_text(f"{PREFIX}AWS__ORGANIZATION_EXTERNAL_ID={ORGANIZATION}\n")
    (folder / "settings.toml").write_text(f'[aws]\ncost_explorer_external_id = "{PAYER}"\n')
    key_lines = pair.key_file.read_text().splitlines()[1:-1]
    assert key_lines
    return [
        *BY_THE_SDK.values(),
        *(TOKEN, ORGANIZATION, PAYER, ACCOUNT, OF_THE_ROLE, IN_A_QUERY),
        *IN_URLS,
        *(logged_in("reader", secret) for secret in IN_URLS),
        *(USER_PASSWORD, HASH, HASH[29:], logged_in("prometheus", USER_PASSWORD)),
        *key_lines,
    ]


def variables(folder: Path, address: str) -> dict[str, str]:
    """Settings in the environment; others are in ``.env``, in ``settings.toml`` and in a file."""
    grid, hardware, rates = (f"http://reader:{secret}@{address}" for secret in IN_URLS[1:])
    settings = {
        "AWS__ACCOUNTS": ACCOUNTS_JSON,
        "AWS__COST_EXPLORER_ROLE_ARN": ROLE.format(account="3" * 12),
        "AWS__ORGANIZATION_ROLE": "carbonfinops",
        "AWS__REGIONS": "eu-central-1",
        "BOAVIZTA__BASE_URL": hardware,
        "CURRENCY__ECB_URL": f"{rates}/daily.xml?key={IN_A_QUERY}",
        "ELECTRICITY_MAPS__BASE_URL": grid,
        "ELECTRICITY_MAPS__TOKEN_FILE": str(folder / "token"),
        "LOG__LEVEL": "debug",
        "SCENARIOS__TARGET_REGIONS": "eu-west-1",  # its zone is asked without a fleet
        "STATE_DIR": str(folder / "state"),
        "WEB__CONFIG_FILE": str(folder / "web.yml"),
        "WEB__LISTEN_ADDRESS": f"127.0.0.1:{free_port()}",
    }
    return BY_THE_SDK | {
        "PATH": "/usr/bin:/bin",
        "HOME": str(folder),
        "PYTHONPATH": str(Path(__file__).parents[2]),
        "AWS_DEFAULT_REGION": "eu-central-1",
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_ENDPOINT_URL": f"http://{address}",
        **{PREFIX + name: value for name, value in settings.items()},
    }


def proxied(address: str) -> dict[str, str]:
    """Variables that lead every request through a proxy with a password."""
    proxy = f"http://reader:{IN_URLS[0]}@{address}"
    return {"HTTP_PROXY": proxy, "HTTPS_PROXY": proxy}
