"""What a client accepts and where the server listens: two texts that are parsed."""

import re

_QUALITY = re.compile(r"q=(0(?:\.\d{0,3})?|1(?:\.0{0,3})?)", re.IGNORECASE)
_ADDRESS = re.compile(r"(?:\[(?P<six>[0-9a-fA-F:.%\w]+)\]|(?P<name>[^:\[\]\s]*)):(?P<port>\d{1,5})")
_LARGEST_PORT = 65535


def prefers_gzip(accept_encoding: str) -> bool:
    """Tell whether an Accept-Encoding header (empty when absent) asks for gzip.

    As RFC 9110, section 12.5.3: q=0 forbids, ``*`` stands for what is not named, and ``identity``
    wins only where it is weighted higher. Without the header nothing is compressed.
    """
    weights: dict[str, float] = {}
    for item in accept_encoding.split(","):
        coding, _, parameter = item.partition(";")
        weights[coding.strip().lower()] = _weight(parameter.strip())
    gzip = weights.get("gzip", weights.get("x-gzip", weights.get("*", 0.0)))
    return gzip > 0 and gzip >= weights.get("identity", 0.0)


def _weight(parameter: str) -> float:
    if not parameter:
        return 1.0
    quality = _QUALITY.fullmatch(parameter.replace(" ", ""))
    return float(quality[1]) if quality else 0.0


def listen_address(text: str) -> tuple[str, int]:
    """Split ``127.0.0.1:10105``, ``[::1]:10105`` or ``:10105`` (every interface).

    Raises ValueError for anything else.
    """
    match = _ADDRESS.fullmatch(text)
    if match is None or int(match["port"]) > _LARGEST_PORT:
        raise ValueError(
            f"listen address {text!r} is not HOST:PORT, like 127.0.0.1:10105, [::1]:10105 or :10105"
        )
    return match["six"] or match["name"], int(match["port"])
