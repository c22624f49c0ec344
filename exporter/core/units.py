"""Units and the few constants that convert between them.

Quantities are plain floats whose names end in their unit; instants are seconds since the Unix
epoch (UTC), named ``..._at``; durations end in ``_seconds``.
"""

SECONDS_PER_HOUR = 3600.0
SECONDS_PER_DAY = 86400.0
GRAMS_PER_KILOGRAM = 1000.0
WATTS_PER_KILOWATT = 1000.0

CPU_SLOT_SECONDS = 300.0
"""Period of CloudWatch basic monitoring: one CPU point per five minutes."""
