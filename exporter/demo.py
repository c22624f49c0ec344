"""What makes a simulated fleet worth looking at: its settings, and what fails in it."""

from collections.abc import Mapping

from exporter.simulation.faults import FaultPlan, Faults, Outage

_DEFAULTS = {
    # A demo that moves only every quarter of an hour would look broken.
    "CARBONFINOPS_TTL__EC2_INVENTORY": "20s",
    "CARBONFINOPS_MAX_AGE__EC2_INVENTORY": "20m",
    "CARBONFINOPS_TTL__CLOUDWATCH_CPU": "60s",
    "CARBONFINOPS_TTL__ELECTRICITY_MAPS": "60s",
    "CARBONFINOPS_TTL__ELECTRICITY_MAPS_HISTORY": "5m",
    "CARBONFINOPS_TTL__SPOT_PRICE": "5m",
    "CARBONFINOPS_SCENARIOS__TARGET_REGIONS": "eu-north-1,eu-west-1",
    "CARBONFINOPS_SCENARIOS__DEFERRABLE_WATTS": "1500",
    "CARBONFINOPS_SCENARIOS__DEFERRABLE_REGION": "eu-central-1",
}

BUDGETED_EUR_PER_INSTANCE = 100
BUDGETED_GRAMS_PER_INSTANCE = 5000
"""A month of the demo's fleet costs and emits a little less."""

FAULTS: Mapping[str, FaultPlan | None] = {"on": Faults, "off": None, "outage": Outage}
"""The plans of ``carbonfinops demo --faults``."""


def demo_defaults(instances: int) -> Mapping[str, str]:
    """Settings of a demo of so many instances, which everything else wins over."""
    return _DEFAULTS | {
        "CARBONFINOPS_BUDGET__EUR_PER_MONTH": f"{BUDGETED_EUR_PER_INSTANCE * instances}",
        "CARBONFINOPS_BUDGET__GRAMS_PER_MONTH": f"{BUDGETED_GRAMS_PER_INSTANCE * instances}",
    }
