"""Every upstream fails in every way: nothing else suffers, nothing absurd is shown, all returns."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from exposition import Series
from lane import ACCOUNT, LISTED, SPOT, Depends, Lane, Mode, plain
from lane_run import LaneRun, Outcome
from waiting import calm_moment

NORTH, EAST = "eu-central-1", "us-east-1"
EAST_ZONE = "US-MIDA-PJM"
MALFORMED = frozenset({"malformed"})
REFUSED = Mode(
    "denied", frozenset({"denied", "not_covered"}), frozenset({"source_down", "zone_not_covered"})
)
"""A refused token and a zone outside the subscription look alike at the grid's provider."""

SILENT = frozenset({"no_recent_data"})


def named(*heads: str, **labels: str) -> Depends:
    """Gauges whose name begins so and that have these labels: a counter never ends."""
    return lambda s: (
        s.name.startswith(heads)
        and not s.name.endswith("_total")
        and labels.items() <= s.labels.items()
    )


def absurd(*names: str) -> tuple[Mode, ...]:
    """Numbers that cannot be: refused as malformed."""
    return tuple(Mode(name, MALFORMED) for name in names or ("nan", "negative", "huge"))


def either(*depends: Depends) -> Depends:
    """Series that fit one of these."""
    return lambda s: any(fits(s) for fits in depends)


def _spot_cost(series: Series) -> bool:
    return series.name.startswith("instance_cost_") and SPOT in series.labels["instance_id"]


def _list_cost(series: Series) -> bool:
    return series.name.startswith("instance_cost_") and LISTED in series.labels["instance_id"]


EAST_SCOPE = {"account_id": ACCOUNT, "region": EAST}
CARBON = ("instance_power", "instance_emissions")
COVERAGE = ("time_alignment", "fleet_time_alignment", "cost_coverage", "carbon_coverage")
QUANTITIES = ("cpu", "power", "emissions", "embodied", "cost_usd", "cost_eur")

LANES = {
    "inventory": Lane(
        source="ec2_inventory",
        fault={"upstream": "ec2", "operation": "DescribeInstances", "region": EAST},
        modes=plain(),
        ends=named("instance_", region=EAST),
        may_change=either(
            named("fleet_", "instances", *COVERAGE),
            named("cpu_newest", "region_pue", region=EAST),
        ),
        quantities=QUANTITIES,
        scope=EAST_SCOPE,
    ),
    "cpu": Lane(
        source="cloudwatch_cpu",
        fault={"upstream": "cloudwatch", "region": EAST},
        modes=plain(
            *absurd(),
            Mode("empty", SILENT, frozenset({"source_down", "no_datapoints"})),
            Mode("stale", SILENT, frozenset({"source_down", "no_datapoints"})),
        ),
        ends=either(named("instance_cpu", *CARBON, region=EAST), named("cpu_newest", region=EAST)),
        may_change=named("fleet_power", "fleet_emissions", *COVERAGE),
        quantities=("cpu", "power", "emissions"),
        scope=EAST_SCOPE,
    ),
    "prices": Lane(
        source="pricing",
        fault={"upstream": "pricing"},
        modes=plain(
            *absurd(),
            Mode("empty", frozenset(), frozenset({"no_price"})),
        ),
        ends=_list_cost,
        may_change=named("fleet_cost", *COVERAGE),
        quantities=("cost_usd", "cost_eur"),
    ),
    "spot prices": Lane(
        source="spot_price",
        fault={"upstream": "ec2", "operation": "DescribeSpotPriceHistory"},
        modes=plain(
            *absurd(),
            Mode("empty", frozenset(), frozenset({"no_price"})),
        ),
        ends=_spot_cost,
        may_change=named("fleet_cost", *COVERAGE),
        quantities=("cost_usd", "cost_eur"),
    ),
    "grid": Lane(
        source="electricity_maps",
        fault={
            "upstream": "electricitymaps",
            "operation": "carbon-intensity/latest",
            "region": EAST_ZONE,
        },
        modes=plain(
            REFUSED,
            Mode("expired_token", frozenset({"denied"})),
            *absurd(),
            Mode("stale", SILENT, frozenset({"grid_too_old"})),
            Mode("empty", SILENT, frozenset({"grid_too_old", "no_grid_intensity"})),
            Mode(
                "wrong_zone",
                frozenset({"malformed", "not_covered"}),
                frozenset({"source_down", "zone_not_covered"}),
            ),
        ),
        ends=either(
            named("instance_emissions", region=EAST),
            named("grid_carbon_intensity", grid_zone=EAST_ZONE),
        ),
        may_change=named("fleet_emissions", *COVERAGE),
        quantities=("emissions",),
        scope={"grid_zone": EAST_ZONE},
    ),
    "grid history": Lane(
        source="electricity_maps_history",
        fault={
            "upstream": "electricitymaps",
            "operation": "carbon-intensity/history",
            "region": EAST_ZONE,
        },
        modes=plain(
            REFUSED, *absurd(), Mode("wrong_zone", frozenset({"malformed", "not_covered"}))
        ),
        ends=either(
            named("instance_emissions_lower", "instance_emissions_upper", region=EAST),
            named(
                "grid_carbon_intensity_lower", "grid_carbon_intensity_upper", grid_zone=EAST_ZONE
            ),
        ),
        may_change=named("fleet_emissions_lower", "fleet_emissions_upper"),
        quantities=(),
        scope={"grid_zone": EAST_ZONE},
    ),
    "hardware": Lane(
        source="boavizta",
        fault={"upstream": "boavizta"},
        modes=plain(
            *absurd(),
            Mode("empty", MALFORMED),
            Mode("wrong_zone", frozenset(), frozenset({"substituted_profile"})),
        ),
        ends=named(*CARBON, "instance_embodied", "fleet_power", "fleet_emi", "fleet_embodied"),
        quantities=("power", "emissions", "embodied"),
    ),
    "exchange rate": Lane(
        source="exchange_rate",
        fault={"upstream": "fx"},
        modes=plain(
            *absurd(),
            Mode(
                "empty",
                frozenset({"malformed", "no_recent_data"}),
                frozenset({"source_down", "no_exchange_rate"}),
            ),
            Mode("stale", SILENT, frozenset({"no_exchange_rate"})),
        ),
        ends=named("instance_cost_eur", "fleet_cost_eur", "exchange_rate"),
        quantities=("cost_eur",),
    ),
}
CASES = [(lane, mode.name) for lane, found in LANES.items() for mode in found.modes]

Campaign = dict[str, dict[str, Outcome]]


def _run(name: str, home: Path) -> dict[str, Outcome]:
    return LaneRun(LANES[name], home).outcomes()


@pytest.fixture(scope="module")
def campaign(folder: Callable[[str], Path]) -> Campaign:
    """Everything that happened, the lanes side by side."""
    calm_moment()
    homes = {name: folder("lane") for name in LANES}
    with ThreadPoolExecutor(len(LANES)) as threads:
        futures = {name: threads.submit(_run, name, homes[name]) for name in LANES}
    return {name: future.result() for name, future in futures.items()}


@pytest.mark.parametrize(("lane", "mode"), CASES)
def test_an_outage_ends_only_its_own_series_and_recovery_brings_them_back(
    campaign: Campaign, lane: str, mode: str
):
    """Last good value until the age limit, then gaps with the right reason; then all returns."""
    outcome = campaign[lane].get(mode)
    assert outcome is not None, "an earlier mode left the lane unhealthy"
    assert outcome.problems == []
