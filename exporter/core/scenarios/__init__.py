"""The business case: what a change of the fleet would have saved, with bands. Pure."""
