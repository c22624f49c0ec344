"""Carbon intensity of electricity grids."""
