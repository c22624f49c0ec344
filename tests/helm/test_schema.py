"""The schema of the chart's values against the program's settings."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from exporter.configuration import OPEN, SECRETS, known_names
from exporter.core.provenance import SourceName

CHART = Path(__file__).parents[2] / "deploy/helm/carbonfinops-exporter"
SCHEMA: dict[str, Any] = json.loads((CHART / "values.schema.json").read_text())
SETTINGS = SCHEMA["properties"]["settings"]
DECIDED_BY_THE_CHART = {"WEB__LISTEN_ADDRESS", "WEB__CONFIG_FILE", "STATE_DIR"}


def objects(schema: Any) -> Iterator[dict[str, Any]]:
    """Every part of a schema that names properties."""
    if isinstance(schema, dict):
        if "properties" in schema and schema.get("type") == "object":
            yield schema
        for inner in schema.values():
            yield from objects(inner)


def test_every_setting_can_be_given() -> None:
    """All but secrets, which have a place of their own, and what the chart decides."""
    known = {"__".join(path).upper() for path in known_names() if path[0] not in OPEN}
    assert SETTINGS["properties"].keys() == known - set(SECRETS) - DECIDED_BY_THE_CHART
    assert SCHEMA["properties"]["secrets"]["properties"].keys() == set(SECRETS)


def test_every_source_has_its_interval_and_age() -> None:
    """And no other has."""
    patterns = list(SETTINGS["patternProperties"])
    for kind in ("TTL", "MAX_AGE"):
        for source in SourceName:
            name = f"{kind}__{source.upper()}"
            assert any(re.search(pattern, name) for pattern in patterns), name
        assert not any(re.search(pattern, f"{kind}__PRICES") for pattern in patterns)
    assert any(re.search(pattern, "PUE__US_WEST_2_LAX_1") for pattern in patterns)


def test_every_part_is_closed() -> None:
    """A misspelt name is refused wherever it stands."""
    found = list(objects(SCHEMA))
    assert len(found) > 15
    assert all(part["additionalProperties"] is False for part in found)
