"""The section of the settings about AWS."""

import re
from typing import Annotated

from pydantic import AfterValidator, Field, SecretStr, field_validator

from exporter.sections import CommaList, Frozen, check_regions

_ROLE_ARN = re.compile(r"arn:(aws[a-z-]*):iam::(\d{12}):role/(.+)")

# https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html (2026)
_EXTERNAL_ID = re.compile(r"[\w+=,.@:/-]{2,1224}", re.ASCII)


def _check_role_arn(arn: str) -> str:
    if not _ROLE_ARN.fullmatch(arn):
        raise ValueError("not a role ARN such as arn:aws:iam::123456789012:role/carbonfinops")
    return arn


def _check_external_id(secret: SecretStr) -> SecretStr:
    """Blanks around it are a slip; what else AWS would refuse, it would quote."""
    text = secret.get_secret_value().strip()
    if text and not _EXTERNAL_ID.fullmatch(text):
        raise ValueError("an external id is 2 to 1224 of A-Z a-z 0-9 _ + = , . @ : / and -")
    return SecretStr(text)


ExternalId = Annotated[SecretStr, AfterValidator(_check_external_id)]


class RoleSettings(Frozen):
    """One account to poll through a role; a part of a secret, so errors quote nothing of it."""

    role_arn: str = Field(description="role to assume")
    external_id: ExternalId = Field(
        SecretStr(""), description="external id its trust policy asks for"
    )
    regions: CommaList = Field((), description="its regions; default: as for all accounts")

    _known_role = field_validator("role_arn")(_check_role_arn)

    @field_validator("regions")
    @classmethod
    def _known_regions(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        try:
            return check_regions(value)
        except ValueError:
            raise ValueError("not all of them are region codes such as eu-central-1") from None

    @property
    def account_id(self) -> str:
        """The twelve digits in the ARN."""
        match = _ROLE_ARN.fullmatch(self.role_arn)
        return match[2] if match else ""


class AwsSettings(Frozen):
    """What is polled at AWS."""

    regions: CommaList = Field(
        (), description="regions to poll, separated by commas; default: all that are enabled"
    )
    own_account: bool = Field(True, description="poll the account of the base credentials")  # noqa: FBT003 - a default, not an argument
    accounts: tuple[RoleSettings, ...] = Field(
        (), description="JSON list of further accounts: role_arn, external_id, regions"
    )
    organization_role: str = Field(
        "", description="name of a role to assume in every active account of the organization"
    )
    organization_external_id: ExternalId = Field(
        SecretStr(""), description="external id for organization_role"
    )
    tag_labels: dict[str, str] = Field(
        {t: t for t in ("team", "environment", "service", "cost_center")},
        description="JSON object, from label to AWS tag key; the label appears as tag_<label>",
    )
    tag_values_limit: int = Field(200, ge=1, description="distinct values kept per tag label")
    pricing_region: str = Field("us-east-1", description="region of the Price List endpoint")
    cost_explorer: bool = Field(
        True,  # noqa: FBT003 - a default, not an argument
        description="ask Cost Explorer what was billed: 0.01 USD per page, a page or two each time",
    )
    cost_explorer_hourly: bool = Field(
        False,  # noqa: FBT003 - as above
        description="ask for billed hours too: a second paid query, and an opt-in of the payer",
    )
    cost_explorer_role_arn: str = Field(
        "", description="role of the payer to assume for Cost Explorer; default: no role"
    )
    cost_explorer_external_id: ExternalId = Field(
        SecretStr(""), description="external id for cost_explorer_role_arn"
    )

    _known_regions = field_validator("regions")(check_regions)

    @field_validator("cost_explorer_role_arn")
    @classmethod
    def _payer_role(cls, value: str) -> str:
        return value and _check_role_arn(value)

    @field_validator("accounts")
    @classmethod
    def _one_role_each(cls, value: tuple[RoleSettings, ...]) -> tuple[RoleSettings, ...]:
        seen: set[str] = set()
        for role in value:
            if role.account_id in seen:
                raise ValueError(f"account {role.account_id} is listed twice: one role each")
            seen.add(role.account_id)
        return value

    @field_validator("tag_labels")
    @classmethod
    def _labels(cls, value: dict[str, str]) -> dict[str, str]:
        for label in value:
            if not re.fullmatch(r"[a-z][a-z0-9_]*", label):
                raise ValueError(f"label {label!r}: use lower-case letters, digits and _")
        return value
