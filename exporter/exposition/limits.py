"""What a client of the web server may use."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limits:
    """How much of everything a client may use."""

    connections: int = 64
    handshake_seconds: float = 10.0
    head_seconds: float = 10.0
    head_bytes: int = 32 * 1024
    answer_seconds: float = 60.0
    # Longer than any sensible scrape interval: Prometheus keeps its connection, and its TLS.
    idle_seconds: float = 180.0
