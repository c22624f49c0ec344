"""Operational emissions: power drawn from the grid times the grid's carbon intensity.

Location-based, life-cycle intensity; PUE is the power usage effectiveness of the data centre.
An AWS customer reports the result under scope 3, category 1 of the GHG Protocol.
"""

from exporter.core.units import WATTS_PER_KILOWATT


def emissions_grams_per_hour(
    power_watts: float, pue_ratio: float, grams_per_kilowatt_hour: float
) -> float:
    """GCO2e per hour of an instance that draws ``power_watts`` of IT power."""
    return power_watts / WATTS_PER_KILOWATT * pue_ratio * grams_per_kilowatt_hour
