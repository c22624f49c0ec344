"""Who works at a made-up web shop in Germany: posts by team, service and environment."""

from typing import NamedTuple

from exporter.core.fleet import Account, Place, PurchaseOption
from exporter.simulation import scaling
from exporter.simulation.post import Load, Rhythm

SHOP_ACCOUNT = Account("111122223333")
LAB_ACCOUNT = Account("444455556666", "arn:aws:iam::444455556666:role/carbonfinops-read")
ACCOUNTS = (SHOP_ACCOUNT, LAB_ACCOUNT)
REGIONS = ("eu-central-1", "eu-west-1", "us-east-1")

_SHOP_DE, _SHOP_IE, _SHOP_US = (Place(SHOP_ACCOUNT.account_id, region) for region in REGIONS)
_LAB_DE, _LAB_IE, _LAB_US = (Place(LAB_ACCOUNT.account_id, region) for region in REGIONS)
_OFFICE = Rhythm.OFFICE_HOURS
_SPOT = PurchaseOption.SPOT


class Group(NamedTuple):
    """Like posts of one service, and how many of them.

    ``name`` is the Name tag of each post; empty means service, environment and a number.
    """

    posts: int
    place: Place
    instance_type: str
    team: str
    service: str
    environment: str
    load: Load
    rhythm: Rhythm = Rhythm.ALWAYS
    replaced_every_days: float = 35.0
    purchase_option: PurchaseOption = PurchaseOption.ON_DEMAND
    name: str = ""
    tagged: bool = True
    windows: bool = False
    reports_cpu: bool = True


_SCALED = Group(
    *(scaling.SMALLEST, _SHOP_DE, "c6g.xlarge", "web", "web", "prod", Load.SCALED_WEB),
    replaced_every_days=14,
    name="web-prod-asg",
)
_TRIAL = Group(
    *(1, _LAB_DE, "t3.medium", "search", "trial", "dev", Load.LIGHT, Rhythm.ABANDONED, 1000)
)

# The cases that every other fleet has one of too.
PECULIAR = (
    _SCALED,
    _SCALED._replace(posts=scaling.LARGEST - scaling.SMALLEST, rhythm=Rhythm.SCALING),
    Group(2, _LAB_IE, "c5.xlarge", "ml", "retrain", "prod", Load.TRAINING, Rhythm.NIGHTLY),
    _TRIAL,
    _TRIAL._replace(team="data", instance_type="r5.large", place=_LAB_IE),
    Group(1, _LAB_IE, "t3.micro", "", "", "", Load.LIGHT, replaced_every_days=900, tagged=False),
    Group(1, _SHOP_DE, "m5.large", "platform", "erp", "prod", Load.LIGHT, windows=True),
    Group(1, _LAB_US, "g4dn.xlarge", "ml", "inference", "prod", Load.STREAM),
    Group(1, _SHOP_DE, "m8a.large", "search", "ranking", "prod", Load.SEARCH),
    Group(
        *(1, _LAB_DE, "m5.large", "web", "relaunch", "dev", Load.FORGOTTEN),
        replaced_every_days=900,
    ),
    Group(
        *(1, _SHOP_DE, "m5.4xlarge", "checkout", "orders-db", "prod", Load.OVERSIZED),
        replaced_every_days=900,
    ),
    Group(
        *(1, _SHOP_IE, "t3a.large", "web", "landing", "prod", Load.WEB),
        name='sale "50 %" \\ {now} 🎉',
    ),
    Group(1, _SHOP_IE, "t4g.medium", "platform", "vpn", "prod", Load.LIGHT, reports_cpu=False),
)

ORDINARY = (
    Group(3, _SHOP_US, "c6g.xlarge", "web", "web", "prod", Load.WEB),
    Group(2, _SHOP_DE, "t3.medium", "web", "cms", "prod", Load.WEB),
    Group(4, _SHOP_DE, "t3a.large", "web", "web", "staging", Load.WORKBENCH, _OFFICE),
    Group(4, _LAB_IE, "t4g.medium", "web", "web", "dev", Load.WORKBENCH, _OFFICE),
    Group(4, _SHOP_DE, "m6i.xlarge", "checkout", "payments", "prod", Load.CHECKOUT),
    Group(4, _SHOP_DE, "c7g.xlarge", "checkout", "cart", "prod", Load.CHECKOUT),
    Group(3, _SHOP_DE, "m5.large", "checkout", "payments", "staging", Load.WORKBENCH, _OFFICE),
    Group(2, _SHOP_DE, "r5.large", "checkout", "sessions", "prod", Load.DATABASE),
    Group(4, _SHOP_DE, "r5.large", "search", "index", "prod", Load.SEARCH),
    Group(5, _SHOP_IE, "c6g.xlarge", "search", "query", "prod", Load.SEARCH),
    Group(3, _LAB_DE, "t3a.large", "search", "query", "dev", Load.WORKBENCH, _OFFICE),
    Group(5, _LAB_IE, "m6g.large", "data", "etl", "prod", Load.BATCH),
    Group(4, _LAB_US, "m7i.large", "data", "events", "prod", Load.STREAM),
    Group(1, _LAB_US, "m5.4xlarge", "data", "warehouse", "prod", Load.BATCH),
    # Nobody switches these off at night: something for a schedule to save.
    Group(4, _LAB_IE, "m5.large", "data", "notebooks", "dev", Load.WORKBENCH),
    Group(6, _LAB_US, "c5.xlarge", "platform", "ci", "prod", Load.BUILD, Rhythm.ALWAYS, 6, _SPOT),
    Group(8, _SHOP_DE, "m6i.xlarge", "platform", "kubernetes", "prod", Load.CLUSTER),
    Group(3, _SHOP_DE, "m5.large", "platform", "monitoring", "prod", Load.STREAM),
    Group(2, _SHOP_DE, "t3.micro", "platform", "bastion", "prod", Load.LIGHT),
    Group(3, _SHOP_US, "t4g.medium", "platform", "edge", "prod", Load.WEB),
    Group(3, _SHOP_IE, "c7g.xlarge", "ml", "recommend", "prod", Load.SEARCH),
    Group(3, _LAB_IE, "c5.xlarge", "ml", "training", "dev", Load.TRAINING, Rhythm.ALWAYS, 4, _SPOT),
)
