"""Power and embodied emissions of hardware."""
