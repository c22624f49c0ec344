"""The upstreams that the settings describe: real ones, or a simulated cloud."""

from collections.abc import Callable

from exporter.core.fleet import Account
from exporter.core.provenance import SourceName
from exporter.refresh import Clock
from exporter.settings import Settings
from exporter.simulation.faults import FaultPlan
from exporter.simulation.past import Past
from exporter.simulation.upstreams import SimulatedUpstreams
from exporter.simulation.world import World
from exporter.sources.live import LiveOptions, LiveUpstreams
from exporter.sources.source import RequestObserver, Upstreams

MakeUpstreams = Callable[[Settings, RequestObserver, Clock], Upstreams]


def live_upstreams(settings: Settings, observer: RequestObserver, clock: Clock) -> Upstreams:
    """The real upstreams, as the settings describe them."""
    aws, grid, currency = settings.aws, settings.electricity_maps, settings.currency
    return LiveUpstreams(
        LiveOptions(
            own_account=aws.own_account,
            listed_accounts=tuple(
                Account(role.account_id, role.role_arn, role.regions) for role in aws.accounts
            ),
            organization_role=aws.organization_role,
            regions=aws.regions,
            tag_labels=aws.tag_labels,
            pricing_region=aws.pricing_region,
            cpu_interval_seconds=settings.interval_seconds(SourceName.CLOUDWATCH_CPU),
            grid_base_url=str(grid.base_url),
            grid_token=grid.token.get_secret_value(),
            grid_api_version=grid.api_version,
            boavizta_base_url=str(settings.boavizta.base_url),
            usd_per_eur=currency.usd_per_eur,
            usd_per_eur_as_of_at=currency.as_of_at,
            ecb_url=str(currency.ecb_url),
            cost_explorer=aws.cost_explorer,
            cost_explorer_hourly=aws.cost_explorer_hourly,
            cost_explorer_interval_seconds=settings.interval_seconds(SourceName.COST_EXPLORER),
            cost_explorer_role_arn=aws.cost_explorer_role_arn,
            cost_explorer_external_id=aws.cost_explorer_external_id.get_secret_value(),
            external_ids={
                role.role_arn: role.external_id.get_secret_value() for role in aws.accounts
            },
            organization_external_id=aws.organization_external_id.get_secret_value(),
        ),
        observer,
        clock.wall,
    )


def simulated_past(seed: int, instances: int) -> Past:
    """The weeks before the start of a simulated cloud, the same one for the same seed."""
    return Past(World(seed=seed, instances=instances))


def simulated_upstreams(seed: int, instances: int, *, faults: FaultPlan | None) -> MakeUpstreams:
    """Make the upstreams of a simulated cloud, the same one for the same seed."""

    def make(settings: Settings, _: RequestObserver, clock: Clock) -> Upstreams:
        return SimulatedUpstreams(
            seed=seed,
            wall=clock.wall,
            faults=faults,
            instances=instances,
            cpu_interval_seconds=settings.interval_seconds(SourceName.CLOUDWATCH_CPU),
        )

    return make
