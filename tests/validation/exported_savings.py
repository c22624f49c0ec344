"""The exporter's own savings on recorded hours, and how far a second computation is from them."""

from collections.abc import Mapping, Sequence
from math import inf

from exporter.core.bounded import Bounded
from exporter.core.evidence import GapReason
from exporter.core.fleet import PurchaseOption
from exporter.core.instance_estimate import Siting
from exporter.core.scenarios.backtest import BacktestDay, backtest
from exporter.core.scenarios.facts import CaseFacts
from exporter.core.scenarios.month import (
    DRIFT_AMOUNT_RATIO,
    DRIFT_FACTOR,
    DRIFT_RATIO,
    Week,
    amount_of_month,
    ratio_of_month,
)
from exporter.core.scenarios.office_hours import office_hours
from exporter.core.scenarios.outcome import Outcome
from exporter.core.scenarios.plan import DeferrableLoad, ScenarioPlan
from exporter.core.scenarios.scale import Part, scale_deviation_ln
from exporter.core.scenarios.schedule import WeeklySchedule
from exporter.core.scenarios.time_shift import SCALE_DEVIATION_LN, time_shift
from exporter.core.scenarios.usage import UsageHistory, UsageKey, UsageSeries
from exporter.core.snapshot import Pue
from tests.validation.months_ahead import DAY_SECONDS, MOST_WEEKS, WEEK_HOURS, MonthAhead
from tests.validation.plain_band import Evidence, amount_half_width, half_width
from tests.validation.plain_office import SwitchedHour
from tests.validation.plain_shift import HOUR_SECONDS, Job, ShiftedDay, ShiftedDays
from tests.validation.zone_hours import ZoneHours

JOULES_PER_KILOWATT_HOUR = 3.6e6

_REGION = "recorded"
_KEY = UsageKey(
    "111122223333",
    _REGION,
    "m5.large",
    "RunInstances",
    "default",
    PurchaseOption.ON_DEMAND,
    "dev",
)
_SITING = Siting({}, {_REGION: Pue(1.0, "operator")})
_USD_PER_HOUR = 0.1
_WATTS = 1000.0


def day_differences(zone: ZoneHours, job: Job, days: ShiftedDays) -> list[float]:
    """Of each day of the back-test, relative; infinite where another start was chosen."""
    ours: dict[float, BacktestDay] = {
        day.decided_at: day
        for day in backtest(zone.grams, _load(job), zone.time_zone, min(zone.grams), zone.until_at)
    }
    whole = (at for at in days if at + job.within_hours * HOUR_SECONDS <= zone.until_at)
    return [_day_difference(at, ours.get(at), days[at]) for at in whole]


def band_differences(evidence: Evidence) -> float:
    """The bands of a month by the exporter's formula and by the second one, relative."""
    weeks = [Week(*each) for each in zip(evidence.saved, evidence.used, strict=True)]
    ratio = ratio_of_month(weeks, DRIFT_RATIO)
    amount = amount_of_month(weeks, drift_ratio=DRIFT_AMOUNT_RATIO)
    amount_half = amount_half_width(evidence, DRIFT_FACTOR, DRIFT_AMOUNT_RATIO)
    return max(
        _bounded_difference(ratio, evidence.ratio, ratio_half_width(evidence), most=1.0),
        _bounded_difference(amount, evidence.amount, amount_half),
    )


def ratio_half_width(evidence: Evidence) -> float:
    """Half of the published band of a share, by the second implementation."""
    return half_width(evidence.ratio_spread, DRIFT_FACTOR, DRIFT_RATIO)


def shift_amount_held(month: MonthAhead) -> bool:
    """Whether the published band of the time shift's grams per month holds what was realised."""
    return _amount_held(month, SCALE_DEVIATION_LN)


def office_amount_held(month: MonthAhead) -> bool:
    """The same of office hours, of one type at one place."""
    part = Part(_KEY.instance_type, _KEY.location, 1.0)
    return _amount_held(month, scale_deviation_ln([part], {}, _SITING))


def shift_difference(zone: ZoneHours, job: Job, month: MonthAhead) -> float:
    """The published share of the time shift at a midnight, with its bounds."""
    plan = _plan(zone, _load(job))
    return _outcome_difference(time_shift(_facts(zone, month.begin_at, {}), plan), month)


def office_difference(
    zone: ZoneHours, hours: Mapping[float, SwitchedHour], month: MonthAhead, off: MonthAhead
) -> float:
    """The published shares of office hours at a midnight: of emissions, and ``off`` of costs."""
    found = office_hours(_facts(zone, month.begin_at, hours), _plan(zone, None))
    if not isinstance(found, Outcome):
        return inf
    of_cost = _relative(found.cost.ratio.value, off.evidence.ratio)
    return max(of_cost, _outcome_difference(found, month))


def _amount_held(month: MonthAhead, scale_ln: float) -> bool:
    evidence = month.evidence
    weeks = [Week(*each) for each in zip(evidence.saved, evidence.used, strict=True)]
    amount = amount_of_month(weeks, scale_ln, DRIFT_AMOUNT_RATIO)
    return (amount.lower or 0.0) <= month.amount <= (amount.upper or 0.0)


def _day_difference(at: float, ours: BacktestDay | None, plain: ShiftedDay | None) -> float:
    if ours is None or plain is None:
        return 0.0 if ours is None and plain is None else inf
    if ours.start_at != at + plain.hours_later * HOUR_SECONDS:
        return inf
    return max(_relative(ours.usual, plain.usual), _relative(ours.chosen, plain.chosen))


def _outcome_difference(found: object, month: MonthAhead) -> float:
    if not isinstance(found, Outcome):
        return inf
    evidence = month.evidence
    return max(
        _bounded_difference(
            found.emissions.ratio, evidence.ratio, ratio_half_width(evidence), most=1.0
        ),
        _relative(found.emissions.per_month.value, evidence.amount),
    )


def _bounded_difference(ours: Bounded, value: float, half: float, *, most: float = inf) -> float:
    if ours.lower is None or ours.upper is None:
        return inf
    return max(
        _relative(ours.value, value),
        _relative(ours.lower, value - half),
        _relative(ours.upper, min(most, value + half)),
    )


def _relative(ours: float, theirs: float) -> float:
    greater = max(abs(ours), abs(theirs))
    return abs(ours - theirs) / greater if greater else 0.0


def _load(job: Job) -> DeferrableLoad:
    return DeferrableLoad(_WATTS, _REGION, job.start_hour, job.length_hours, job.within_hours)


def _plan(zone: ZoneHours, load: DeferrableLoad | None) -> ScenarioPlan:
    schedule = WeeklySchedule.parse("Mon-Fri 08:00-18:00")
    return ScenarioPlan(schedule, frozenset({"dev"}), zone.time_zone, deferrable=load)


def _facts(zone: ZoneHours, until_at: float, hours: Mapping[float, SwitchedHour]) -> CaseFacts:
    """Six weeks of one instance; the grid of all recorded hours, later ones too.

    Hours without an intensity count as not booked. PUE is 1.
    """
    since_at = until_at - MOST_WEEKS * 7 * DAY_SECONDS
    starts = [since_at + number * HOUR_SECONDS for number in range(MOST_WEEKS * WEEK_HOURS)]
    joules = [
        hours[at].grams / zone.grams[at] * JOULES_PER_KILOWATT_HOUR if at in hours else 0.0
        for at in starts
    ]
    ran: Sequence[float] = [HOUR_SECONDS] * len(starts)
    series = UsageSeries(_KEY, ran, ran, joules, ran, [_USD_PER_HOUR] * len(starts))
    return CaseFacts(
        history=UsageHistory(since_at, [at in zone.grams for at in starts], (series,)),
        intensities={zone.name: zone.grams},
        instances=(),
        loads={},
        idle={},
        hardware={},
        profiles={},
        prices={},
        siting=Siting({_REGION: zone.name}, _SITING.pue),
        exchange_rate=GapReason.NOT_CONFIGURED,
        billed_ratios={},
    )
