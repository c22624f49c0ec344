"""What has to hold of every body, whatever happens upstream."""

import math

from exposition import Exposition

LIMITS = {
    "_watts": 1e5,
    "_usd_per_hour": 1e4,
    "_eur_per_hour": 1e4,
    "_grams_per_kilowatt_hour": 5001.0,
    "_grams_per_hour": 1e7,
}
SIGNED = ("_deviation_ratio", "_saving_")
"""What may be below zero: differences."""

FLEET_TOTALS = {
    "power": ("fleet_power_watts", "instance_power_watts"),
    "emissions": ("fleet_emissions_grams_per_hour", "instance_emissions_grams_per_hour"),
    "embodied": (
        "fleet_embodied_emissions_grams_per_hour",
        "instance_embodied_emissions_grams_per_hour",
    ),
    "cost_usd": ("fleet_cost_usd_per_hour", "instance_cost_usd_per_hour"),
    "cost_eur": ("fleet_cost_eur_per_hour", "instance_cost_eur_per_hour"),
}
PER_INSTANCE = {
    "cpu": "instance_cpu_utilization_ratio",
    **{quantity: series for quantity, (_, series) in FLEET_TOTALS.items()},
}
BOUNDED = ("power", "emissions", "embodied_emissions")


def violations(body: Exposition) -> list[str]:
    """Everything that is wrong with a body by itself."""
    return [*_absurd(body), *_totals(body), *_coverage(body), *_bounds(body), *_instances(body)]


def _absurd(body: Exposition) -> list[str]:
    found = [f"{name}: no HELP or TYPE" for name in body.undocumented]
    for name, members in body.by_name.items():
        limit = next((top for end, top in LIMITS.items() if name.endswith(end)), math.inf)
        least = -math.inf if any(part in name for part in SIGNED) else 0.0
        for series in members:
            value = series.value
            if not math.isfinite(value) or value < least or value >= limit:
                found.append(f"{name}{dict(series.labels)} is {value}")
    return found


def _totals(body: Exposition) -> list[str]:
    found = []
    running = sum(body.by_instance("instance_running").values())
    for total_name, part_name in FLEET_TOTALS.values():
        parts, total = body.by_instance(part_name).values(), body.value(total_name)
        if running and not parts and total is not None:
            found.append(f"{total_name} is {total} although no instance has it")
        if parts and (total is None or not math.isclose(total, sum(parts), rel_tol=1e-9)):
            found.append(f"{total_name} is {total}, the instances' sum {sum(parts)}")
    return found


def _coverage(body: Exposition) -> list[str]:
    """Coverage, gaps and series tell the same story."""
    found = []
    gaps = body.gaps()
    for quantity, part_name in PER_INSTANCE.items():
        covered = len(body.by_instance(part_name))
        missing = sum(count for key, count in gaps.items() if key[2] == quantity)
        # An empty fleet is covered; one that nobody could look at yet is not.
        of_nothing = 1.0 if body.by_name.get("instances") else 0.0
        expected = covered / (covered + missing) if covered + missing else of_nothing
        shown = body.value("fleet_covered_ratio", quantity=quantity)
        if shown is None or not math.isclose(shown, expected, abs_tol=1e-9):
            found.append(
                f"{quantity}: covered {shown}, but {covered} have it and {missing} lack it"
            )
    return found


def _bounds(body: Exposition) -> list[str]:
    found = []
    for quantity in BOUNDED:
        unit = "watts" if quantity == "power" else "grams_per_hour"
        for scope in ("instance", "fleet"):
            values, lower, upper = (
                {
                    s.labels.get("instance_id"): s.value
                    for s in body.find(f"{scope}_{quantity}_{b}{unit}")
                }
                for b in ("", "lower_", "upper_")
            )
            if lower.keys() != upper.keys() or lower.keys() - values.keys():
                found.append(f"{scope}_{quantity}: bounds without value, or only one of them")
            found += [
                f"{scope}_{quantity} {key}: {lower[key]} {values[key]} {upper[key]}"
                for key in lower.keys() & values.keys() & upper.keys()
                if not lower[key] <= values[key] <= upper[key]
            ]
    return found


OF_STOPPED_TOO = (
    "instance_info",
    "instance_running",
    "instance_runtime_seconds",
    "instance_billed_seconds",
)


def _instances(body: Exposition) -> list[str]:
    info, state = body.by_instance("instance_info"), body.by_instance("instance_running")
    found = [f"{i}: instance_info or instance_running alone" for i in info.keys() ^ state.keys()]
    for name in (name for name in body.by_name if name.startswith("instance_")):
        if name in OF_STOPPED_TOO:
            continue
        idle = [i for i in body.by_instance(name) if state.get(i) != 1]
        found += [f"{i}: {name} although it is not running" for i in idle]
    return found
