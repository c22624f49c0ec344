"""The sections of the settings: web, log, grid, hardware, currency, budget.

AWS and the scenarios have their own modules.
"""

import re
from datetime import UTC, date, datetime, time
from pathlib import Path
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
from pydantic_core import from_json
from pydantic_settings import NoDecode

Amount = Annotated[float, Field(gt=0, allow_inf_nan=False)]


def _assignments(value: object) -> object:
    """``eu-central-1=DE,eu-west-2=GB`` as a mapping; the same in JSON will do."""
    if not isinstance(value, str):
        return value
    if value.lstrip().startswith("{"):
        return _decoded(value, "region=zone pairs")
    pairs = [part.partition("=") for part in value.split(",") if part.strip()]
    if any(not separator for _, separator, _ in pairs):
        raise ValueError("write region=zone pairs, separated by commas")
    return {key.strip(): zone.strip() for key, _, zone in pairs}


def _comma_list(value: object) -> object:
    """``eu-central-1,eu-west-2`` as a list; the same in JSON will do."""
    if not isinstance(value, str):
        return value
    if value.lstrip().startswith("["):
        return _decoded(value, "values")
    return [part.strip() for part in value.split(",") if part.strip()]


def _decoded(text: str, what: str) -> object:
    try:
        return from_json(text, allow_inf_nan=False)
    except ValueError:
        raise ValueError(f"not valid JSON; write {what}, separated by commas") from None


CommaList = Annotated[tuple[str, ...], NoDecode, BeforeValidator(_comma_list)]

_REGION = re.compile(r"[a-z]{2,}(-[a-z]+)+-\d+")


def check_regions(regions: tuple[str, ...]) -> tuple[str, ...]:
    """Give the regions back. Raises ValueError for what cannot be the code of one."""
    for region in regions:
        if not _REGION.fullmatch(region):
            raise ValueError(f"{region!r} is not an AWS region code such as eu-central-1")
    return regions


def check_home(path: str) -> str:
    """Give the path back. Raises ValueError for the home directory of somebody unknown."""
    try:
        Path(path).expanduser()
    except RuntimeError as error:
        raise ValueError(f"{path}: {error}") from None
    return path


class Frozen(BaseModel):
    """What every section has in common: checked once, never changed, and no secret in an error."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


class WebSettings(Frozen):
    """Where the exporter listens, and who may ask."""

    listen_address: str = Field("127.0.0.1:10105", description="host:port of the HTTP server")
    config_file: str = Field(
        "", description="[web config file](web-config.md): TLS, client certificates, logins"
    )

    _resolvable = field_validator("config_file")(check_home)

    @property
    def config_path(self) -> Path | None:
        """The web config file, ``~`` resolved, if there is one."""
        return Path(self.config_file).expanduser() if self.config_file else None


class LogSettings(Frozen):
    """What is logged, and how."""

    level: Literal["debug", "info", "warning", "error"] = Field("info", description="least level")
    format: Literal["logfmt", "json"] = Field("logfmt", description="form of a log line")


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


class ElectricityMapsSettings(Frozen):
    """Access to the grid's carbon intensity."""

    base_url: Url = Field(HttpUrl("https://api.electricitymaps.com"), description="API")
    token: Annotated[SecretStr, AfterValidator(_header_value)] = Field(
        SecretStr(""), description="API key; without it there are no emissions"
    )
    api_version: Literal["v3", "v4"] = Field("v3", description="version in the path")
    zones: Annotated[dict[str, str], NoDecode, BeforeValidator(_assignments)] = Field(
        {}, description="region=zone pairs that override the built-in map"
    )


class BoaviztaSettings(Frozen):
    """Access to the hardware profiles."""

    base_url: Url = Field(
        HttpUrl("http://127.0.0.1:5000"), description="a BoaviztAPI, self-hosted by default"
    )


class CurrencySettings(Frozen):
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


class BudgetSettings(Frozen):
    """What the fleet and the exporter itself may cost; published for alerts."""

    eur_per_month: Amount | None = Field(None, description="cost of the fleet")
    grams_per_month: Amount | None = Field(None, description="emissions of the fleet")
    upstream_usd_per_month: Amount | None = Field(None, description="the exporter's own calls")
