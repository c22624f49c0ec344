"""The rig that plays the upstreams, as a process of its own."""

import json
import os
import shlex
import subprocess
import sys
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import requests

from waiting import ended, eventually

PROGRAM = Path(__file__).parents[2].parent / "shared/tools/cloudrig"

# Planted, so that their appearance in any output is found.
CANARY_KEY_ID = "AKIACANARY0000000000"
CANARY_SECRET = "canary-of-the-secret-access-key"
CANARY_TOKEN = "canary-of-the-grid-token"
ROLE_NAME = "rig-reader"


class CloudRig:
    """A running rig; stop it with ``stop``."""

    def __init__(self, folder: Path, *options: str) -> None:
        assert PROGRAM.is_dir(), f"the rig is missing: {PROGRAM}"
        folder.mkdir(parents=True, exist_ok=True)
        self._log_path = folder / "rig.log"
        self._announced = folder / "rig.env"
        ports = ("--port", "0", "--em-port", "0", "--boavizta-port", "0")
        secrets = ("--access-key", CANARY_KEY_ID, "--secret-key", CANARY_SECRET)
        token = ("--em-key", CANARY_TOKEN)
        with self._announced.open("w") as announced, self._log_path.open("w") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "rig", "serve", *ports, *secrets, *token, *options],
                env={
                    "PATH": os.environ["PATH"],
                    "PYTHONPATH": str(PROGRAM),
                    "PYTHONDONTWRITEBYTECODE": "1",
                },
                stdin=subprocess.DEVNULL,
                stdout=announced,
                stderr=log,
            )
        self.environment = eventually(self._environment, 30, "the rig's announcement")
        self._control = requests.Session()
        self._control.trust_env = False

    def _environment(self) -> dict[str, str] | None:
        assert self._process.poll() is None, f"the rig ended: {self._log_path.read_text()}"
        lines = self._announced.read_text().splitlines()
        pairs = (line.removeprefix("export ").partition("=") for line in lines if "export" in line)
        found = {name: "".join(shlex.split(value)) for name, _, value in pairs}
        return found if "RIG_EXTERNAL_IDS" in found else None

    @property
    def roles(self) -> list[dict[str, str]]:
        """The member accounts, as the exporter's setting wants them."""
        arns = filter(None, self.environment["RIG_ROLES"].split(","))
        external_ids = self.environment["RIG_EXTERNAL_IDS"].split(",")
        return [
            {"role_arn": arn, "external_id": external_id}
            for arn, external_id in zip(arns, external_ids, strict=False)
        ]

    def truth(self, **query: str) -> dict[str, Any]:
        """What is true now, with every instance."""
        whole = self._ask("GET", "truth", params=query)
        page = whole
        while page["next_offset"]:
            page = self._ask("GET", "truth", params=query | {"offset": str(page["next_offset"])})
            whole["instances"] += page["instances"]
            whole["types"] |= page["types"]
        return whole

    def calls(self) -> list[dict[str, Any]]:
        """What was asked, one row per upstream, operation, account and region."""
        rows: list[dict[str, Any]] = self._ask("GET", "calls")["calls"]
        return rows

    def requests_made(self) -> Counter[tuple[str, str]]:
        """Requests by upstream and operation."""
        made: Counter[tuple[str, str]] = Counter()
        for row in self.calls():
            made[row["upstream"], row["operation"]] += row["requests"]
        return made

    def forget_calls(self) -> None:
        """Count from zero again."""
        self._ask("POST", "calls/reset")

    def fail(self, **fault: object) -> None:
        """Add a fault."""
        self._ask("POST", "faults", json=fault)

    def mend(self) -> None:
        """Remove every fault."""
        self._ask("DELETE", "faults")

    def change(self, action: str, **what: object) -> dict[str, Any]:
        """Change the world."""
        return self._ask("POST", "world", json={"action": action, **what})

    def _ask(self, method: str, path: str, **options: Any) -> dict[str, Any]:
        url = f"{self.environment['AWS_ENDPOINT_URL']}/_rig/{path}"
        answer = self._control.request(method, url, timeout=30, **options)
        assert answer.ok, f"the rig refused {path}: {answer.text[:300]}"
        found: dict[str, Any] = answer.json()
        return found

    def stop(self) -> None:
        """End the process."""
        self._control.close()
        ended(self._process)


def live_settings(rig: CloudRig, regions: str) -> Mapping[str, str]:
    """Environment of an exporter that polls everything the rig plays."""
    found = rig.environment
    return {
        "AWS_ENDPOINT_URL": found["AWS_ENDPOINT_URL"],
        "AWS_ACCESS_KEY_ID": CANARY_KEY_ID,
        "AWS_SECRET_ACCESS_KEY": CANARY_SECRET,
        "AWS_DEFAULT_REGION": regions.split(",", maxsplit=1)[0],
        "CARBONFINOPS_AWS__REGIONS": regions,
        "CARBONFINOPS_AWS__ACCOUNTS": json.dumps(rig.roles),
        "CARBONFINOPS_ELECTRICITY_MAPS__BASE_URL": found["RIG_EM_URL"],
        "CARBONFINOPS_ELECTRICITY_MAPS__TOKEN": CANARY_TOKEN,
        "CARBONFINOPS_BOAVIZTA__BASE_URL": found["RIG_BOAVIZTA_URL"],
        "CARBONFINOPS_CURRENCY__ECB_URL": found["RIG_FX_URL"],
    }
