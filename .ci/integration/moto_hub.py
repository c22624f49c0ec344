"""The account that the exporter runs in, at a simulated AWS that may enforce policies."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3

from command import run
from moto_cloud import HOME_ACCOUNT, MotoCloud

REGION = "us-east-1"
HUB_ROLE = f"arn:aws:iam::{HOME_ACCOUNT}:role/carbonfinops"
"""The role that the README makes."""

Document = Mapping[str, Any]


@dataclass(frozen=True)
class Check:
    """What the command ``check`` printed."""

    output: str

    @property
    def denied(self) -> dict[str, str]:
        """What AWS refused, by source."""
        lines = [line for line in self.output.splitlines() if ": denied: " in line]
        return {line.split()[1].rstrip(":"): line for line in lines}


class Hub:
    """The cloud, its administrator, and an exporter in the home account."""

    def __init__(self, cloud: MotoCloud, folder: Path) -> None:
        self._cloud = cloud
        self._folder = folder

    def administer(self, text: str, acting: Mapping[str, str] | None = None) -> str:
        """Run commands; no policy is asked."""
        self._cloud.enforce(policies=False)
        return self._cloud.shell(text, {**self._cloud.settings(REGION), **(acting or {})})

    def grant(self, holder: str, policies: Mapping[str, Document], *acting: Mapping[str, str]):
        """Give a role or user (``role carbonfinops``) these policies too; empty ones go."""
        kind, name = holder.split()
        iam = self._client("iam", *acting)
        for title, content in policies.items():
            whose = {f"{kind.title()}Name": name, "PolicyName": title}
            if content["Statement"]:
                put = getattr(iam, f"put_{kind}_policy")
                put(**whose, PolicyDocument=json.dumps(content))
            else:
                getattr(iam, f"delete_{kind}_policy")(**whose)

    def act_as(self, role_arn: str) -> dict[str, str]:
        """Temporary credentials of a role, as environment."""
        tokens = self._client("sts")
        given = tokens.assume_role(RoleArn=role_arn, RoleSessionName="test")["Credentials"]
        return {
            "AWS_ACCESS_KEY_ID": given["AccessKeyId"],
            "AWS_SECRET_ACCESS_KEY": given["SecretAccessKey"],
            "AWS_SESSION_TOKEN": given["SessionToken"],
        }

    def _client(self, service: str, *acting: Mapping[str, str]) -> Any:
        """An administrator's client, no policy being asked: far faster than the AWS CLI."""
        self._cloud.enforce(policies=False)
        known = {**self._cloud.settings(REGION), **(acting[0] if acting else {})}
        return boto3.client(
            service,  # type: ignore[call-overload] # the stubs list each name
            endpoint_url=self._cloud.url,
            region_name=REGION,
            aws_access_key_id=known["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=known["AWS_SECRET_ACCESS_KEY"],
            aws_session_token=known.get("AWS_SESSION_TOKEN"),
        )

    def check(self, acting: Mapping[str, str], **settings: str) -> Check:
        """Let the exporter ask for everything once, with policies enforced."""
        self._cloud.enforce(policies=True)
        everything = {
            **self._cloud.settings(REGION),
            **acting,
            "CARBONFINOPS_AWS__REGIONS": REGION,
            "CARBONFINOPS_BOAVIZTA__BASE_URL": "http://127.0.0.1:9",
            "CARBONFINOPS_CURRENCY__USD_PER_EUR": "1.1",
            **{f"CARBONFINOPS_AWS__{name}": value for name, value in settings.items()},
        }
        return Check(run(self._folder, {k: v for k, v in everything.items() if v}, "check").output)
