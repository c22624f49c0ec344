"""Settings: environment variables, a .env file and a TOML file, frozen and checked at the start.

Names are in the environment prefixed CARBONFINOPS_ with ``__`` between levels. The environment
wins over .env, .env over the file. An unknown name is an error that names it: a misspelt setting
must not be silently without effect.
"""

import re
from pathlib import Path
from typing import Annotated, Literal

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    HttpUrl,
    SecretStr,
    field_validator,
    model_validator,
)
from pydantic_settings import (
    BaseSettings,
    NoDecode,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
)

from exporter.core.provenance import SourceName
from exporter.durations import parse_duration_seconds
from exporter.intervals import DEFAULT_INTERVALS_SECONDS, DEFAULT_MAX_AGES_SECONDS

PREFIX = "CARBONFINOPS_"
LEVELS = "__"

Duration = Annotated[float, BeforeValidator(parse_duration_seconds)]

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

    @field_validator("tag_labels")
    @classmethod
    def _labels(cls, value: dict[str, str]) -> dict[str, str]:
        for label in value:
            if not re.fullmatch(r"[a-z][a-z0-9_]*", label):
                raise ValueError(f"label {label!r}: use lower-case letters, digits and _")
        return value


class ElectricityMapsSettings(_Frozen):
    """Access to the grid's carbon intensity."""

    base_url: HttpUrl = Field(HttpUrl("https://api.electricitymaps.com"), description="API")
    token: SecretStr = Field(
        SecretStr(""), description="API key; without it there are no emissions"
    )
    api_version: Literal["v3", "v4"] = Field("v3", description="version in the path")
    zones: Annotated[dict[str, str], NoDecode, BeforeValidator(_assignments)] = Field(
        {}, description="region=zone pairs that override the built-in map"
    )


class BoaviztaSettings(_Frozen):
    """Access to the hardware profiles."""

    base_url: HttpUrl = Field(
        HttpUrl("http://127.0.0.1:5000"), description="a BoaviztAPI, self-hosted by default"
    )


class CurrencySettings(_Frozen):
    """How US dollars become euros."""

    usd_per_eur: float | None = Field(
        None, gt=0.2, lt=5, description="a fixed rate; default: the ECB's daily reference rate"
    )
    ecb_url: HttpUrl = Field(
        HttpUrl("https://www.ecb.europa.eu/stats/eurofxref/eurofxref-daily.xml"),
        description="where the reference rate is read",
    )


class BudgetSettings(_Frozen):
    """What the fleet and the exporter itself may cost; published for alerts."""

    eur_per_month: Amount | None = Field(None, description="cost of the fleet")
    grams_per_month: Amount | None = Field(None, description="emissions of the fleet")
    upstream_usd_per_month: Amount | None = Field(None, description="the exporter's own calls")


def _by_source(value: object) -> object:
    if not isinstance(value, dict):
        raise ValueError("give one duration per source: TTL__PRICING=7d")  # noqa: TRY004 - pydantic wants ValueError
    unknown = set(value) - {str(source) for source in SourceName}
    if unknown:
        raise ValueError(f"unknown source {min(unknown)!r}; known: {', '.join(SourceName)}")
    return value


class Settings(BaseSettings):
    """Everything the operator decides."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX,
        env_nested_delimiter=LEVELS,
        extra="forbid",
        frozen=True,
        hide_input_in_errors=True,
    )

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Only what is passed counts: exporter.configuration merges and checks the sources."""
        del settings_cls, env_settings, dotenv_settings, file_secret_settings
        return (init_settings,)

    web: WebSettings = WebSettings()
    log: LogSettings = LogSettings()
    state_dir: str = Field(
        "~/.local/state/carbonfinops", description="where last good values survive a restart"
    )
    aws: AwsSettings = AwsSettings()
    electricity_maps: ElectricityMapsSettings = ElectricityMapsSettings()
    boavizta: BoaviztaSettings = BoaviztaSettings()
    currency: CurrencySettings = CurrencySettings()
    budget: BudgetSettings = BudgetSettings()
    ttl: dict[SourceName, Duration] = Field({}, description="interval of a source, such as 15m")
    max_age: dict[SourceName, Duration] = Field(
        {}, description="age after which what depends on a source ends"
    )
    pue: dict[str, Annotated[float, Field(ge=1, le=3)]] = Field(
        {}, description="power usage effectiveness of a region (EU_WEST_2) or Local Zone"
    )

    _ttl_sources = field_validator("ttl", "max_age", mode="before")(_by_source)

    @field_validator("pue", mode="before")
    @classmethod
    def _pue_regions(cls, value: object) -> object:
        if not isinstance(value, dict):
            raise ValueError("give one ratio per region: PUE__EU_WEST_2=1.15")  # noqa: TRY004 - as above
        return {region.lower().replace("_", "-"): ratio for region, ratio in value.items()}

    @model_validator(mode="after")
    def _polls_something(self) -> "Settings":
        aws = self.aws
        if not (aws.own_account or aws.accounts or aws.organization_role):
            raise ValueError("nothing to poll: own_account is false and no other account is given")
        return self

    @property
    def state_path(self) -> Path:
        """The state directory, ``~`` resolved."""
        return Path(self.state_dir).expanduser()

    def interval_seconds(self, source: SourceName) -> float:
        """How often a source is asked."""
        return self.ttl.get(source, DEFAULT_INTERVALS_SECONDS[source])

    def max_age_seconds(self, source: SourceName) -> float:
        """How long its last good value may serve; at least twice the interval."""
        default = max(DEFAULT_MAX_AGES_SECONDS[source], 2 * self.interval_seconds(source))
        return self.max_age.get(source, default)
