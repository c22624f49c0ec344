"""A deterministic cloud behind the same Source protocol as the real upstreams, for the demo."""
