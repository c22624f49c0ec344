import importlib
import pkgutil
from dataclasses import is_dataclass

import pytest

import exporter.core

CLASSES: set[type] = {
    item
    for module in pkgutil.iter_modules(exporter.core.__path__, "exporter.core.")
    for item in vars(importlib.import_module(module.name)).values()
    if isinstance(item, type) and is_dataclass(item)
}


@pytest.mark.parametrize("data_class", sorted(CLASSES, key=str))
def test_facts_cannot_be_changed(data_class):
    """Threads share them without locks: frozen, and no attribute can be added."""
    assert data_class.__dataclass_params__.frozen
    assert "__slots__" in vars(data_class)
