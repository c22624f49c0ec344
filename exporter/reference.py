"""The reference page of all settings, generated from the settings themselves."""

from collections.abc import Iterator
from typing import Any

from pydantic import SecretStr
from pydantic.fields import FieldInfo

from exporter.configuration import FROM_FILE, SECRETS
from exporter.core.provenance import SourceName
from exporter.durations import format_duration
from exporter.settings import LEVELS, PREFIX, Settings

_INTRODUCTION = """\
# Settings

Generated from the program by `make docs`; do not edit.

Settings are read from the environment, from a file `.env` in the working directory, and from the
TOML file named by `--config`; the environment wins over `.env`, and `.env` over the file. In the
file, `__` is a level: `CARBONFINOPS_AWS__REGIONS` is `regions` in the table `[aws]`. An unknown
name is an error. Durations are written `90s`, `15m`, `3h` or `7d`.

AWS credentials, region and endpoint come from the usual chain of the AWS SDK (environment,
profile, container or instance role); `AWS_ENDPOINT_URL` is honoured.
"""


def settings_reference() -> str:
    """The page as Markdown."""
    lines = [_INTRODUCTION, "| variable | default | meaning |", "| --- | --- | --- |"]
    lines += [f"| `{name}` | {default} | {meaning} |" for name, default, meaning in _rows()]
    lines += ["", "## Intervals and ages", "", *_cadence_lines(), "", "## Secrets", ""]
    names = ", ".join(f"`{PREFIX}{secret}{FROM_FILE}`" for secret in SECRETS)
    lines.append(f"A secret may also be read from a file: {names} name its path.")
    return "\n".join(lines) + "\n"


def _rows() -> Iterator[tuple[str, str, str]]:
    for section, field in Settings.model_fields.items():
        inner: dict[str, FieldInfo] = getattr(field.annotation, "model_fields", {})
        for name, part in inner.items():
            yield _row(f"{section}{LEVELS}{name}", part)
        if not inner:
            suffix = {"ttl": f"{LEVELS}<SOURCE>", "max_age": f"{LEVELS}<SOURCE>"}
            suffix["pue"] = f"{LEVELS}<REGION>"
            yield _row(section + suffix.get(section, ""), field)


def _row(path: str, field: FieldInfo) -> tuple[str, str, str]:
    return PREFIX + path.upper(), _default(field.default), field.description or ""


def _default(value: Any) -> str:
    if isinstance(value, SecretStr) or value in (None, (), {}, ""):
        return "none"
    if isinstance(value, dict | tuple):
        return "`" + ", ".join(value) + "`"
    return f"`{str(value).lower() if isinstance(value, bool) else value}`"


def _cadence_lines() -> Iterator[str]:
    yield "| source | `TTL` | `MAX_AGE` |"
    yield "| --- | --- | --- |"
    settings = Settings.model_validate({})
    for source in SourceName:
        interval = format_duration(settings.interval_seconds(source))
        yield f"| `{source}` | {interval} | {format_duration(settings.max_age_seconds(source))} |"
    yield ""
    yield "A longer `TTL` raises the default `MAX_AGE` of its source to twice that interval."


if __name__ == "__main__":
    print(settings_reference(), end="")  # noqa: T201 - prints the page
