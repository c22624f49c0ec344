"""The worked example of docs/explanation/business-case.md, figure by figure."""

from dataclasses import replace
from math import exp, hypot
from pathlib import Path

import pytest

from exporter.core.bounded import Bounded
from exporter.core.instance_estimate import Siting
from exporter.core.reconciliation import CostRatio
from exporter.core.scenarios.month import (
    DRIFT_AMOUNT_RATIO,
    DRIFT_FACTOR,
    DRIFT_RATIO,
    STUDENT_T,
    WEEKS,
    WEEKS_PER_MONTH,
)
from exporter.core.scenarios.office_hours import office_hours
from exporter.core.scenarios.outcome import DAYS_PER_MONTH, Outcome
from exporter.core.scenarios.scale import Part, scale_deviation_ln
from exporter.core.scenarios.study import saved_eur_per_month
from exporter.core.snapshot import Pue
from exporter.core.uncertainty import COVERAGE_FACTOR
from tests.core.scenarios.scenes import (
    FOUR_WEEKS,
    HOURS_PER_WEEK,
    SITING,
    facts,
    history,
    intensity,
    key,
    plan,
    series,
)

PAGE = Path(__file__).parents[3] / "docs" / "explanation" / "business-case.md"
USD_PER_EUR = 1.12

OFFICE = [n % HOURS_PER_WEEK < 5 * 24 and 8 <= n % 24 < 18 for n in range(FOUR_WEEKS)]
MACHINE = history(series())
"""One instance at 10 W and 0.10 USD/h that is never off."""

PLACE = key().location
KNOWN = facts(
    MACHINE,
    intensities={"DE": intensity(MACHINE, [200.0 if office else 350.0 for office in OFFICE])},
    siting=Siting(SITING.grid_zones, {PLACE: Pue(1.2, "operator")}),
)
SCALE_LN = scale_deviation_ln([Part(key().instance_type, PLACE, 1.0)], KNOWN.hardware, KNOWN.siting)


def office_outcome() -> Outcome:
    found = office_hours(KNOWN, plan())
    assert isinstance(found, Outcome)
    return found


SAVED = office_outcome()


def ends(band: Bounded) -> tuple[float, float]:
    assert band.lower is not None
    assert band.upper is not None
    return band.lower, band.upper


def told() -> str:
    """The section of the page, in one line."""
    text = PAGE.read_text(encoding="utf-8")
    _, _, after = text.partition("\n## A worked example\n")
    section, found, _ = after.partition("\n## ")
    assert found
    return " ".join(section.split())


def the_week() -> list[str]:
    """What a week costs and emits, and what the schedule saves of it."""
    usd = SAVED.cost.per_month.value / WEEKS_PER_MONTH
    grams = SAVED.emissions.per_month.value / WEEKS_PER_MONTH
    all_usd, all_grams = usd / SAVED.cost.ratio.value, grams / SAVED.emissions.ratio.value
    off = OFFICE[:HOURS_PER_WEEK].count(False)
    on = HOURS_PER_WEEK - off
    return [
        f"{HOURS_PER_WEEK} h x 0.10 USD = {all_usd:.2f} USD. 10 W x 1.2 = {10 * 1.2:g} W",
        f"office hours {on} h x 0.012 kW x 200 g/kWh = {all_grams - grams:.1f} g",
        f"other hours {off} h x 0.012 kW x 350 g/kWh = {grams:.1f} g week {all_grams:.1f} g",
        f"Off for {off} h: {usd:.2f} USD, which is {100 * SAVED.cost.ratio.value:.1f} %;",
        f"{grams:.1f} g, which is {100 * SAVED.emissions.ratio.value:.1f} %.",
    ]


def the_month() -> list[str]:
    """What a month saves."""
    usd, grams = SAVED.cost.per_month.value, SAVED.emissions.per_month.value
    eur = saved_eur_per_month(SAVED, USD_PER_EUR, {}).value
    return [
        f"365.25 / 12 = {DAYS_PER_MONTH:g} days, {WEEKS_PER_MONTH:.4f} weeks: {usd:.2f} USD,",
        f"{usd:.2f} USD, at {USD_PER_EUR} USD per EUR {eur:.2f} EUR; {grams:,.0f} g.",
    ]


def the_bands() -> list[str]:
    """How sure it is, one kind of error after the other."""
    grams = SAVED.emissions.per_month.value
    factor = exp(COVERAGE_FACTOR * SCALE_LN)
    below, above, drift = grams - grams / factor, grams * factor - grams, DRIFT_AMOUNT_RATIO * grams
    shares = "{:.1f} % to {:.1f} %".format(*(100 * end for end in ends(SAVED.emissions.ratio)))
    lower, upper = ends(SAVED.emissions.per_month)
    interval = f"{DRIFT_FACTOR:g} x {STUDENT_T:g} x the weeks' standard deviation"
    return [
        f"{interval} x sqrt(1/{WEEKS} + 1/{WEEKS_PER_MONTH:.4f})",
        f"{100 * DRIFT_RATIO:g} point to the share, {shares},",
        f"{shares}, and {100 * DRIFT_AMOUNT_RATIO:g} % to the grams, here {drift:.0f} g.",
        f"The cost has no season: {100 * SAVED.cost.ratio.value:.1f} % exactly.",
        f"exp({COVERAGE_FACTOR} x {SCALE_LN:.4f}) = {factor:.4f} either way",
        f"in the grams: {grams / factor:,.0f} g to {grams * factor:,.0f} g per month.",
        f"sqrt({below:.0f}^2 + {drift:.0f}^2) = {grams - lower:,.0f} g below",
        f"sqrt({above:.0f}^2 + {drift:.0f}^2) = {upper - grams:,.0f} g above, {lower:,.0f} g",
        f"{lower:,.0f} g to {upper:,.0f} g per month.",
    ]


@pytest.mark.parametrize("figures", [*the_week(), *the_month(), *the_bands()])
def test_the_page_tells_what_the_exporter_computes(figures: str) -> None:
    """Each figure stands on the page as the exporter's own functions give it."""
    assert figures in told()


def test_the_errors_are_all_there_are() -> None:
    """Scale and drift in quadrature are the whole band of the grams; the cost has none."""
    grams = SAVED.emissions.per_month.value
    factor = exp(COVERAGE_FACTOR * SCALE_LN)
    assert ends(SAVED.emissions.per_month) == pytest.approx(
        (
            grams - hypot(grams - grams / factor, 0.08 * grams),
            grams + hypot(grams * factor - grams, 0.08 * grams),
        )
    )
    assert ends(SAVED.cost.ratio) == pytest.approx((118 / 168, 118 / 168))


def test_what_one_account_saves_another_spends() -> None:
    """Half of the list price of 100 USD, less all of it: 50 USD more, not 0."""
    both = replace(SAVED, saved_usd_by_account={"half": 100.0, "all": -100.0})
    billed = {"half": CostRatio(0.5, 0.5), "all": CostRatio(1.0, 1.0)}
    usd = saved_eur_per_month(both, 1.0, billed).value
    assert "saves 100 USD, and one that pays all of it spends 100 USD more, list prices" in told()
    assert f"say 0, and the bill will say {-usd:.0f} USD more." in told()


def test_ten_points_more() -> None:
    """The page says by how much the hours alone would have been wrong."""
    more = 100 * (SAVED.emissions.ratio.value - SAVED.cost.ratio.value)
    assert round(more) == 10
    assert "Ten points more than the hours alone would say." in told()
