from pathlib import Path

from exporter.reference import settings_reference

PAGE = Path(__file__).parents[1] / "docs" / "reference" / "settings.md"


def test_the_settings_page_is_what_the_program_says():
    """The reference cannot drift from the settings; `make docs` writes it again."""
    assert PAGE.read_text(encoding="utf-8") == settings_reference()
