"""What a scenario comes to: savings with 90 % bands, what they rest on, or why there are none."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from exporter.core.bounded import Bounded

ASSUMPTIONS_VERSION = "1"
"""Changes whenever a figure would come out differently from the same evidence."""

DAYS_PER_MONTH = 365.25 / 12

WORTHWHILE_RATIO = 0.02
"""A smaller saving is not advised, and so much more of the other quantity tolerated: it is within
what a choice of other days would change."""

TOLERATED_WORSE_RATIO = 0.20
"""What is worse than doing nothing on more days than this is not advised."""


class Scenario(StrEnum):
    """The changes looked at; the ``scenario`` label."""

    OFFICE_HOURS = "office_hours"
    RIGHTSIZING = "rightsizing"
    REGION_SHIFT = "region_shift"
    TIME_SHIFT = "time_shift"


class ScenarioGap(StrEnum):
    """Why a scenario has no value, or an instance was left out; the ``reason`` label.

    Listed by precedence: where several apply, the first is the one reported.
    """

    NOT_CONFIGURED = "not_configured"
    NO_CANDIDATES = "no_candidates"
    TOO_LITTLE_HISTORY = "too_little_history"
    NO_PUE = "no_pue"
    ZONE_NOT_COVERED = "zone_not_covered"
    NO_GRID_INTENSITY = "no_grid_intensity"
    BURSTABLE = "burstable"
    ACCELERATOR_UNMODELLED = "accelerator_unmodelled"
    NO_HARDWARE = "no_hardware"
    NO_PROFILE = "no_profile"
    NO_DATAPOINTS = "no_datapoints"
    NO_PRICE = "no_price"
    AWAITED = "awaited"
    NO_EXCHANGE_RATE = "no_exchange_rate"


@dataclass(frozen=True, slots=True)
class Saving:
    """What is saved of one quantity: as a share of what the scenario is about, and per month.

    ``per_month`` is in USD or gCO2e. Bounds are the 5 % and 95 % quantiles; those of an amount of
    money need a bill that was compared, and are None until then.
    """

    ratio: Bounded
    per_month: Bounded


@dataclass(frozen=True, slots=True)
class Outcome:
    """One scenario with a value.

    ``samples`` are the days of evidence, ``worse_ratio`` is the share of those on which its
    emissions would have been higher than without it. ``covered_ratio`` is the share of the running
    time it is about for which cost and emissions are known: the amounts speak for no more.
    ``saved_usd_by_account`` splits the monthly cost saving. ``feasible`` says whether it is
    advised.
    """

    scenario: Scenario
    cost: Saving
    emissions: Saving
    samples: int
    worse_ratio: float
    covered_ratio: float
    feasible: bool
    saved_usd_by_account: Mapping[str, float]
    target_region: str = ""


@dataclass(frozen=True, slots=True)
class Resize:
    """A smaller type that fits an instance, judged by CPU only: its memory use is not known.

    Savings per month; they may be negative in emissions, where the smaller type draws more.
    ``p95_percent`` is the 95th percentile of its CPU.
    """

    target_type: str
    p95_percent: float
    saved_usd_per_month: float
    saved_grams_per_month: float


def is_worthwhile(cost_ratio: float, emissions_ratio: float, worse_ratio: float) -> bool:
    """Whether a change is worth advising: one falls, neither rises, and few days get worse."""
    return (
        max(cost_ratio, emissions_ratio) > WORTHWHILE_RATIO
        and min(cost_ratio, emissions_ratio) > -WORTHWHILE_RATIO
        and worse_ratio < TOLERATED_WORSE_RATIO
    )
