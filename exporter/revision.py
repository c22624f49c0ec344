"""Which commit this is, where whoever made the image has said so."""

from pathlib import Path


def revision() -> str:
    """The commit; empty in a clone and where nobody has said."""
    path = Path(__file__).with_name("REVISION")
    return path.read_text(encoding="ascii").strip() if path.exists() else ""
