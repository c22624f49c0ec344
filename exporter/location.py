"""Where things are: grid zone and PUE of regions and Local Zones, and which of them exist."""

import difflib

from exporter.configuration import SettingsError
from exporter.core.instance_estimate import Siting
from exporter.core.snapshot import Pue
from exporter.data.regions import load_regions
from exporter.settings import Settings
from exporter.sources.aws.sdk import sdk_regions


def siting(settings: Settings) -> Siting:
    """Grid zone and PUE of every location: AWS's facts, then what the operator says."""
    facts = load_regions()
    published = {
        region: Pue(fact.published_pue, "published")
        for region, fact in facts.items()
        if fact.published_pue is not None
    }
    operator = {region: Pue(ratio, "operator") for region, ratio in settings.pue.items()}
    zones = {region: fact.grid_zone for region, fact in facts.items()}
    return Siting(zones | settings.electricity_maps.zones, published | operator)


def studied_zones(settings: Settings, places: Siting) -> frozenset[str]:
    """Grid zones that the scenarios need, whether or not there are instances."""
    zones = (places.grid_zones.get(region, "") for region in settings.scenarios.regions)
    return frozenset(zones) - {""}


def refuse_unknown_regions(settings: Settings) -> None:
    """Raise SettingsError for a region that neither we nor the AWS SDK have heard of."""
    chosen = {*settings.aws.regions, *(r for a in settings.aws.accounts for r in a.regions)}
    named = {
        "AWS__REGIONS": chosen,
        "PUE": set(settings.pue),
        "ELECTRICITY_MAPS__ZONES": set(settings.electricity_maps.zones),
        "SCENARIOS__TARGET_REGIONS": set(settings.scenarios.target_regions),
        "SCENARIOS__DEFERRABLE_REGION": {settings.scenarios.deferrable_region} - {""},
    }
    known = set(load_regions())
    if any(_strangers(regions, known) for regions in named.values()):
        known |= sdk_regions()
    for name, regions in named.items():
        for region in sorted(_strangers(regions, known)):
            near = difflib.get_close_matches(region, sorted(known), 1)
            hint = f"; did you mean {near[0]}?" if near else ""
            raise SettingsError(f"CARBONFINOPS_{name}: unknown region {region!r}{hint}")


def _strangers(regions: set[str], known: set[str]) -> set[str]:
    """Regions that are not known; a Local Zone is known by the region that its name begins with."""
    return {r for r in regions if not any(r == k or r.startswith(f"{k}-") for k in known)}
