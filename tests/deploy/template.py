"""A CloudFormation template as it is written."""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import yaml

PROJECT = Path(__file__).parents[2]
DEPLOY = PROJECT / "deploy"


class _Loader(yaml.SafeLoader):
    """Reads the short forms of CloudFormation's functions."""


def _function(loader: yaml.SafeLoader, suffix: str, node: yaml.Node) -> dict[str, Any]:
    """``!Ref x`` becomes what AWS reads it as: ``{"Ref": x}``."""
    name = suffix if suffix in {"Ref", "Condition"} else f"Fn::{suffix}"
    match node:
        case yaml.ScalarNode():
            value: Any = loader.construct_scalar(node)
            if suffix == "GetAtt":
                value = value.split(".", 1)
        case yaml.SequenceNode():
            value = loader.construct_sequence(node, deep=True)
        case _:
            value = loader.construct_mapping(node, deep=True)  # type: ignore[arg-type]
    return {name: value}


_Loader.add_multi_constructor("!", _function)


@dataclass(frozen=True)
class Template:
    """One file; its functions are in their long form."""

    path: Path

    @cached_property
    def content(self) -> dict[str, Any]:
        """All of it."""
        found: dict[str, Any] = yaml.load(self.path.read_text("utf-8"), _Loader)  # noqa: S506 - safe
        return found

    @property
    def parameters(self) -> dict[str, dict[str, Any]]:
        """Its parameters by name."""
        found: dict[str, dict[str, Any]] = self.content["Parameters"]
        return found

    def resources(self, kind: str) -> dict[str, dict[str, Any]]:
        """Properties of the resources of one type, by name."""
        return {
            name: resource["Properties"]
            for name, resource in self.content["Resources"].items()
            if resource["Type"] == kind
        }
