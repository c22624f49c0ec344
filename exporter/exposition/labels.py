"""Label sets in the Prometheus text format."""

from collections.abc import Sequence


def escaped(text: str) -> str:
    """Make a label value fit between double quotes: backslash, quote and newline escaped.

    A lone surrogate has no UTF-8 form and would make the whole exposition unreadable: it becomes
    a question mark.
    """
    if not text.isascii():
        text = text.encode("utf-8", "replace").decode("utf-8")
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


def label_set(names: Sequence[str], values: Sequence[str]) -> str:
    """Render ``{name="value",...}`` in the order given; empty without labels."""
    if not names:
        return ""
    pairs = zip(names, values, strict=True)
    return "{" + ",".join([f'{name}="{escaped(value)}"' for name, value in pairs]) + "}"


def extended(rendered: str, names: Sequence[str], values: Sequence[str]) -> str:
    """Add labels to a label set that is rendered already and not empty."""
    return f"{rendered[:-1]},{label_set(names, values)[1:]}"
