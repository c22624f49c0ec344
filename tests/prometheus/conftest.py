"""The tools of Prometheus, where they are installed."""

from tests.e2e.conftest import tool  # noqa: F401 - a fixture: pytest finds it by its name
