"""The sections of the settings: web, log, AWS, grid, hardware, currency, budget."""

import re
from datetime import UTC, date, datetime, time
from typing import Annotated, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    HttpUrl,
    SecretStr,
    field_validator,
)
from pydantic_settings import NoDecode

Amount = Annotated[float, Field(gt=0, allow_inf_nan=False)]

_ROLE_ARN = re.compile(r"arn:(aws[a-z-]*):iam::(\d{12}):role/(.+)")
_REGION = re.compile(r"[a-z]{2,}(-[a-z]+)+-\d+")


def _comma_list(value: object) -> object:
    if isinstance(value, str) and not value.lstrip().startswith("["):
        return [part.strip() for part in value.split(",") if part.strip()]
    return value


def _assignments(value: object) -> object:
    """``eu-central-1=DE,eu-west-2=GB`` as a mapping."""
    if isinstance(value, str) and not value.lstrip().startswith("{"):
        pairs = [part.partition("=") for part in value.split(",") if part.strip()]
        if any(not separator for _, separator, _ in pairs):
            raise ValueError("write region=zone pairs, separated by commas")
        return {key.strip(): zone.strip() for key, _, zone in pairs}
    return value


def _check_regions(regions: tuple[str, ...]) -> tuple[str, ...]:
    for region in regions:
        if not _REGION.fullmatch(region):
            raise ValueError(f"{region!r} is not an AWS region code such as eu-central-1")
    return regions


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


class WebSettings(_Frozen):
    """Where the exporter listens."""

    listen_address: str = Field("127.0.0.1:10105", description="host:port of the HTTP server")


class LogSettings(_Frozen):
    """What is logged, and how."""

    level: Literal["debug", "info", "warning", "error"] = Field("info", description="least level")
    format: Literal["logfmt", "json"] = Field("logfmt", description="form of a log line")


class RoleSettings(_Frozen):
    """One account to poll through a role."""

    role_arn: str = Field(description="role to assume")
    external_id: SecretStr = Field(
        SecretStr(""), description="external id its trust policy asks for"
    )
    regions: tuple[str, ...] = Field((), description="its regions; default: as for all accounts")

    _known_regions = field_validator("regions")(_check_regions)

    @field_validator("role_arn")
    @classmethod
    def _arn(cls, value: str) -> str:
        if not _ROLE_ARN.fullmatch(value):
            raise ValueError("not a role ARN such as arn:aws:iam::123456789012:role/carbonfinops")
        return value

    @property
    def account_id(self) -> str:
        """The twelve digits in the ARN."""
        match = _ROLE_ARN.fullmatch(self.role_arn)
        return match[2] if match else ""


class AwsSettings(_Frozen):
    """What is polled at AWS."""

    regions: Annotated[tuple[str, ...], NoDecode, BeforeValidator(_comma_list)] = Field(
        (), description="regions to poll, separated by commas; default: all that are enabled"
    )
    own_account: bool = Field(True, description="poll the account of the base credentials")  # noqa: FBT003 - a default, not an argument
    accounts: tuple[RoleSettings, ...] = Field(
        (), description="JSON list of further accounts: role_arn, external_id, regions"
    )
    organization_role: str = Field(
        "", description="name of a role to assume in every active account of the organization"
    )
    organization_external_id: SecretStr = Field(
        SecretStr(""), description="external id for organization_role"
    )
    tag_labels: dict[str, str] = Field(
        {t: t for t in ("team", "environment", "service", "cost_center")},
        description="JSON: label to AWS tag key; the label appears as tag_<label>",
    )
    tag_values_limit: int = Field(200, ge=1, description="distinct values kept per tag label")
    pricing_region: str = Field("us-east-1", description="region of the Price List endpoint")

    _known_regions = field_validator("regions")(_check_regions)

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


def _reachable(url: HttpUrl) -> HttpUrl:
    if url.port == 0:
        raise ValueError("port 0 cannot be connected to")
    return url


Url = Annotated[HttpUrl, AfterValidator(_reachable)]


def _header_value(secret: SecretStr) -> SecretStr:
    """A token travels in a header: printable ASCII only; blanks around it are a slip."""
    text = secret.get_secret_value().strip()
    if not (text.isascii() and (text.isprintable() or not text)):
        raise ValueError("a token has printable ASCII characters only")
    return SecretStr(text)


class ElectricityMapsSettings(_Frozen):
    """Access to the grid's carbon intensity."""

    base_url: Url = Field(HttpUrl("https://api.electricitymaps.com"), description="API")
    token: Annotated[SecretStr, AfterValidator(_header_value)] = Field(
        SecretStr(""), description="API key; without it there are no emissions"
    )
    api_version: Literal["v3", "v4"] = Field("v3", description="version in the path")
    zones: Annotated[dict[str, str], NoDecode, BeforeValidator(_assignments)] = Field(
        {}, description="region=zone pairs that override the built-in map"
    )


class BoaviztaSettings(_Frozen):
    """Access to the hardware profiles."""

    base_url: Url = Field(
        HttpUrl("http://127.0.0.1:5000"), description="a BoaviztAPI, self-hosted by default"
    )


class CurrencySettings(_Frozen):
    """How US dollars become euros."""

    usd_per_eur: float | None = Field(
        None, gt=0.2, lt=5, description="a fixed rate; default: the ECB's daily reference rate"
    )
    as_of: date | None = Field(
        None, description="day the fixed rate is from (2026-11-02); default: the exporter's start"
    )
    ecb_url: Url = Field(
        HttpUrl("https://www.ecb.europa.eu/stats/eurofxref/eurofxref-daily.xml"),
        description="where the reference rate is read",
    )

    @property
    def as_of_at(self) -> float | None:
        """Midnight UTC of the day the fixed rate is from, in epoch seconds."""
        if self.as_of is None:
            return None
        return datetime.combine(self.as_of, time(), UTC).timestamp()


class BudgetSettings(_Frozen):
    """What the fleet and the exporter itself may cost; published for alerts."""

    eur_per_month: Amount | None = Field(None, description="cost of the fleet")
    grams_per_month: Amount | None = Field(None, description="emissions of the fleet")
    upstream_usd_per_month: Amount | None = Field(None, description="the exporter's own calls")
