"""Where settings come from: environment, .env and TOML file, merged and checked."""

import difflib
import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from dotenv import dotenv_values
from pydantic import ValidationError
from pydantic_settings import EnvSettingsSource
from pydantic_settings import SettingsError as PydanticSettingsError

from exporter.settings import LEVELS, PREFIX, Settings

OPEN = ("ttl", "max_age", "pue")
"""Settings whose own names are given by the operator: sources and regions."""

FROM_FILE = "_FILE"
SECRETS = (
    "ELECTRICITY_MAPS__TOKEN",
    "AWS__ORGANIZATION_EXTERNAL_ID",
    "AWS__COST_EXPLORER_EXTERNAL_ID",
    "AWS__ACCOUNTS",
)
"""Settings that hold a secret: each may be given as NAME_FILE, the path of a file that holds it."""


_MAPPING = "write a mapping, in JSON {...}"
_PLAINLY = {
    "tuple_type": "write a list, in JSON [...]",
    "dict_type": _MAPPING,
    "model_type": _MAPPING,
}
"""What to say in place of the names of Python's types."""


class SettingsError(Exception):
    """Settings are wrong; each line of the message names one of them."""


def load_settings(
    environment: Mapping[str, str],
    *,
    dotenv: Path = Path(".env"),
    file: Path | None = None,
    defaults: Mapping[str, str] | None = None,
) -> Settings:
    """The settings in force; ``defaults`` are variables that everything else wins over.

    Raises SettingsError.
    """
    variables = _secrets_read(_dotenv(dotenv)) | _secrets_read(_prefixed(environment))
    below = _merged(_nested(defaults or {}), _toml(file) if file else {})
    given = _merged(below, _nested(variables))
    try:
        return Settings.model_validate(given)
    except ValidationError as error:
        raise SettingsError("\n".join(_lines(error))) from None


def _dotenv(file: Path) -> dict[str, str]:
    try:
        return _prefixed(dotenv_values(file))
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"{file}: cannot be read: {error}") from None


def _prefixed(variables: Mapping[str, str | None]) -> dict[str, str]:
    return {
        name.upper(): value
        for name, value in variables.items()
        if name.upper().startswith(PREFIX) and value is not None
    }


def _secrets_read(variables: Mapping[str, str]) -> dict[str, str]:
    """Variables with every NAME_FILE of a secret replaced by NAME and the file's content."""
    read = dict(variables)
    for secret in SECRETS:
        name = PREFIX + secret
        path = read.pop(name + FROM_FILE, None)
        if path is None:
            continue
        if name in read:
            raise SettingsError(f"{name}: given twice, here and as {name}{FROM_FILE}")
        read[name] = _secret_in(path, name + FROM_FILE)
    return read


def _secret_in(path: str, name: str) -> str:
    """Content of a file. An error does not quote the path: by mistake it may be the secret."""
    try:
        return Path(path).read_text(encoding="utf-8").strip()
    except OSError as error:
        why = error.strerror
    except ValueError:  # a path with a NUL, too
        why = "it does not hold text"
    raise SettingsError(
        f"{name}: cannot read the file it names: {why}; give the path of a file with the secret"
    )


def _toml(file: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise SettingsError(f"--config: cannot read {file}: {error.strerror}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingsError(f"--config: {file} is not TOML: {error}") from None


def _nested(variables: Mapping[str, str]) -> dict[str, Any]:
    """Variables put at their places among the nested settings, JSON parsed."""
    nested: dict[str, Any] = {}
    for name, value in sorted(variables.items()):
        path = name.removeprefix(PREFIX).lower().split(LEVELS)
        if not _is_known(path):
            raise SettingsError(f"{name}: unknown setting{_suggestion(path)}")
        source = EnvSettingsSource(Settings)
        source.env_vars = {name.lower(): value}
        try:
            given = source()
        except PydanticSettingsError:
            raise SettingsError(f"{name}: not valid JSON; {_form(path)}") from None
        if len(path) == 1:
            _check_keys(name, path[0], given.get(path[0]))
        nested = _merged(nested, given)
    return nested


def _check_keys(name: str, section: str, given: Any) -> None:
    """Refuse JSON with a key that its section has not; unquoted, as it may be a stray secret."""
    known = getattr(Settings.model_fields[section].annotation, "model_fields", given)
    if isinstance(given, Mapping) and not given.keys() <= set(known):
        raise SettingsError(f"{name}: unknown key; there are {', '.join(known)}")


def _merged(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    """Two nested mappings as one; ``above`` wins."""
    merged = dict(below)
    for key, value in above.items():
        old = merged.get(key)
        if isinstance(old, Mapping) and isinstance(value, Mapping):
            merged[key] = _merged(old, value)
        else:
            merged[key] = value
    return merged


def _lines(error: ValidationError) -> Iterable[str]:
    for problem in error.errors(include_url=False, include_context=False, include_input=False):
        path = [str(part) for part in problem["loc"]]
        name = PREFIX + LEVELS.join(path).upper() if path else "settings"
        if problem["type"] == "extra_forbidden" and tuple(path[:2]) in known_names():
            # A key in a setting's own JSON, which may hold secrets: it is not quoted.
            yield f"{PREFIX}{LEVELS.join(path[:-1]).upper()}: unknown key; {_form(path[:2])}"
        elif problem["type"] == "extra_forbidden":
            yield f"{name}: unknown setting{_suggestion(path)}"
        else:
            text = _PLAINLY.get(problem["type"], problem["msg"].removeprefix("Value error, "))
            yield f"{name.replace('-', '_')}: {text}"


def _form(path: list[str]) -> str:
    """What to write for a setting whose value is JSON, or for a section or mapping."""
    section = Settings.model_fields[path[0]]
    inner = getattr(section.annotation, "model_fields", {}).get(LEVELS.join(path[1:]))
    if inner is None or not inner.description:
        return f"its settings begin with {PREFIX}{path[0].upper()}{LEVELS}"
    return f"it is a {inner.description}"


def _is_known(path: list[str]) -> bool:
    """Whether a path leads into the settings; what a section itself forbids, it says later."""
    names = known_names()
    if len(path) == 1:
        return any(path[0] == known[0] for known in names)
    return any(path[0] == known[0] for known in names if len(known) > 1 or known[0] in OPEN)


def _suggestion(path: list[str]) -> str:
    """The nearest known name, if one is near."""
    known = [LEVELS.join(parts) for parts in known_names()]
    near = difflib.get_close_matches(LEVELS.join(path), known, 1)
    return f"; did you mean {PREFIX}{near[0].upper()}?" if near else ""


def known_names() -> list[tuple[str, ...]]:
    """The path of every setting."""
    names: list[tuple[str, ...]] = []
    for section, field in Settings.model_fields.items():
        inner = getattr(field.annotation, "model_fields", None)
        names += [(section, name) for name in inner] if inner else [(section,)]
    return names
