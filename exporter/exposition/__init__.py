"""From a snapshot to the bytes that Prometheus and people read."""
