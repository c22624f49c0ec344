"""The commands that a page tells its readers to run."""

import re
from pathlib import Path

_HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)
_BLOCK = re.compile(r"^```sh\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def commands(page: Path) -> dict[str, list[str]]:
    """Blocks marked ``sh``, word for word, by the heading that they stand under."""
    parts = _HEADING.split(page.read_text(encoding="utf-8"))
    sections = zip(parts[1::2], parts[2::2], strict=True)
    return {heading: _BLOCK.findall(section) for heading, section in sections}
