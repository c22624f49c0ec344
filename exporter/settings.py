"""Settings: environment variables, a .env file and a TOML file, frozen and checked at the start.

Names are in the environment prefixed CARBONFINOPS_ with ``__`` between levels. The environment
wins over .env, .env over the file. An unknown name is an error that names it: a misspelt setting
must not be silently without effect.
"""

from pathlib import Path
from typing import Annotated

from pydantic import BeforeValidator, Field, field_validator, model_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from exporter.aws_section import AwsSettings
from exporter.core.provenance import SourceName
from exporter.durations import parse_duration_seconds
from exporter.intervals import DEFAULT_INTERVALS_SECONDS, DEFAULT_MAX_AGES_SECONDS
from exporter.scenarios_section import ScenarioSettings
from exporter.sections import (
    BoaviztaSettings,
    BudgetSettings,
    CurrencySettings,
    ElectricityMapsSettings,
    LogSettings,
    WebSettings,
    check_home,
)

PREFIX = "CARBONFINOPS_"
LEVELS = "__"

Duration = Annotated[float, BeforeValidator(parse_duration_seconds)]


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
        "~/.local/state/carbonfinops",
        min_length=1,
        description="where last good values survive a restart",
    )
    aws: AwsSettings = AwsSettings()
    electricity_maps: ElectricityMapsSettings = ElectricityMapsSettings()
    boavizta: BoaviztaSettings = BoaviztaSettings()
    currency: CurrencySettings = CurrencySettings()
    budget: BudgetSettings = BudgetSettings()
    scenarios: ScenarioSettings = ScenarioSettings()
    ttl: dict[SourceName, Duration] = Field({}, description="interval of a source, such as 15m")
    max_age: dict[SourceName, Duration] = Field(
        {}, description="age after which what depends on a source ends"
    )
    pue: dict[str, Annotated[float, Field(ge=1, le=3)]] = Field(
        {}, description="power usage effectiveness of a region (EU_WEST_2) or Local Zone"
    )

    _ttl_sources = field_validator("ttl", "max_age", mode="before")(_by_source)

    _resolvable = field_validator("state_dir")(check_home)

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
