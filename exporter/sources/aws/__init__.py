"""Amazon Web Services: inventory, utilization, prices."""
