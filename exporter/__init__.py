"""Cost and carbon of an AWS EC2 fleet, per instance, live, for Prometheus."""

__version__ = "0.1.0"
