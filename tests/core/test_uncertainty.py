from math import log, sqrt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.core.evidence import Embodied, GridHistory
from exporter.core.uncertainty import (
    COVERAGE_FACTOR,
    COVERAGE_RATIO,
    bounded,
    combined_ln,
    cpu_age_deviation_ln,
    embodied_deviation_ln,
    grid_age_deviation_ln,
    grid_estimate_deviation_ln,
    type_deviation_ln,
)
from tests.factories import NOW, history, intensity

STEP_LN = 0.0953101798  # ln 1.1


@pytest.mark.parametrize(
    ("load_ratio", "burstable", "power_deviation_ln"),
    [
        (0.0, False, 0.36),
        (0.05, False, 0.31),
        (0.10, False, 0.26),
        (0.30, False, 0.275),
        (0.50, False, 0.29),
        (0.75, False, 0.265),
        (1.0, False, 0.24),
        (0.0, True, 0.50),
        (0.05, True, 0.38),
        (0.10, True, 0.26),
        (0.50, True, 0.29),
        (1.0, True, 0.24),
    ],
)
def test_type_is_the_power_models_error_less_the_shared_bias(
    load_ratio, burstable, power_deviation_ln
):
    """Nodes of the table and points between; only the idle end differs for burstable types."""
    deviation_ln = type_deviation_ln(load_ratio, burstable=burstable)

    assert deviation_ln == pytest.approx(sqrt(power_deviation_ln**2 - 0.1**2))


@pytest.mark.parametrize(
    ("age_hours", "deviation_ln"),
    [
        (-1, 0.0),
        (0, 0.0),
        (1 / 24, 0.05),
        (1 / 12, 0.10),
        (1 / 6, 0.15),
        (0.25, 0.20),
        (0.5, 0.24),
        (0.75, 0.245),
        (1, 0.25),
        (2, 0.27),
        (3, 0.29),
        (4.5, 0.305),
        (6, 0.32),
        (12, 0.33),
        (18, 0.365),
        (24, 0.40),
        (100, 0.40),
    ],
)
def test_cpu_age(age_hours, deviation_ln):
    """Nodes of the table and points between, held beyond both ends."""
    assert cpu_age_deviation_ln(age_hours * 3600) == pytest.approx(deviation_ln)


@pytest.mark.parametrize(
    ("age_hours", "growth"), [(1, 1.0), (2.5, 2.081382), (6, 4.192963), (0.2, 1.0), (-0.5, 1.0)]
)
def test_grid_age_grows_with_the_hours_since(age_hours, growth):
    """1.25 RMS k^0.8, k at least 1: also while the hour runs and for the coming hour."""
    deviation_ln = grid_age_deviation_ln(
        history("DE", (400, 440, 400, 440)), intensity("DE", 440, age_hours), NOW
    )

    assert deviation_ln == pytest.approx(1.25 * STEP_LN * growth, rel=1e-6)


def test_grid_age_takes_the_root_mean_square_of_the_steps():
    """Three steps, of ln 1.1, 0 and 2 ln 1.1, by hand."""
    deviation_ln = grid_age_deviation_ln(
        history("DE", (400, 440, 440, 532.4)), intensity("DE", 532.4, 1), NOW
    )

    assert deviation_ln == pytest.approx(1.25 * STEP_LN * sqrt((1 + 0 + 4) / 3))


@pytest.mark.parametrize("missing", [0, None])
def test_a_gap_in_the_history_is_no_step(missing):
    """An hour that is absent, or zero, says nothing about the hours around it."""
    hours = history("DE", (400, 440, missing or 0, 999, 1098.9)).hours
    if missing is None:
        hours = hours[:2] + hours[3:]

    deviation_ln = grid_age_deviation_ln(GridHistory("DE", hours), intensity("DE", 1098.9, 1), NOW)

    assert deviation_ln == pytest.approx(1.25 * STEP_LN)


@pytest.mark.parametrize("hours", [(), (0,), (0, 2), (0, 2, 4)])
def test_no_grid_age_without_two_hours_in_a_row(hours):
    """What is unknown is absent."""
    known = history("DE", (400, 410, 420, 430, 440)).hours
    sparse = GridHistory("DE", tuple(known[i] for i in hours))

    assert grid_age_deviation_ln(sparse, intensity("DE", 440, 1), NOW) is None


@pytest.mark.parametrize(
    ("zone", "estimated", "method", "deviation_ln"),
    [
        ("DE", False, "", 0.05),
        ("DE", False, "TIME_SLICER_AVERAGE", 0.05),
        ("DE", True, "TIME_SLICER_AVERAGE", 0.35),
        ("GB", True, "TIME_SLICER_AVERAGE", 0.43),
        ("US-CAL-CISO", True, "TIME_SLICER_AVERAGE", 0.19),
        ("AU-NSW", True, "TIME_SLICER_AVERAGE", 0.12),
        ("US-MIDA-PJM", True, "TIME_SLICER_AVERAGE", 0.08),
        ("ZA", True, "TIME_SLICER_AVERAGE", 0.03),
        ("FR", True, "TIME_SLICER_AVERAGE", 0.43),
        ("DE", True, "FORECASTS_HIERARCHY", 0.11),
        ("DE", True, "some_forecast_method", 0.11),
        ("ZA", True, "RECONSTRUCT_BREAKDOWN", 0.43),
        ("ZA", True, "", 0.43),
    ],
)
def test_estimates_by_method(zone, estimated, method, deviation_ln):
    """Measured, by zone, forecast; the largest where the method or the zone is unknown."""
    given_intensity = intensity(zone, 400, 1, estimated=estimated, method=method)

    assert grid_estimate_deviation_ln(given_intensity) == deviation_ln


@pytest.mark.parametrize(
    ("embodied", "deviation_ln"),
    [(Embodied(0.46, 0.26, 0.76), 0.309644), (Embodied(0.5, 0.5, 0.5), 0.0)],
)
def test_embodied_range_is_uniform_in_the_logarithm(embodied, deviation_ln):
    """ln(max / min) / (2 sqrt 3)."""
    assert embodied_deviation_ln(embodied) == pytest.approx(deviation_ln, rel=1e-5)


def test_deviations_add_in_quadrature():
    """Independent errors."""
    assert combined_ln(0.3, 0.4) == pytest.approx(0.5)
    assert combined_ln() == 0.0


@given(st.floats(1e-6, 1e9), st.floats(0, 3))
def test_bounds_are_symmetric_in_the_logarithm(value, deviation_ln):
    """Lower and upper are K deviations away, as factors; the lower one stays above zero."""
    result = bounded(value, deviation_ln)

    assert result.lower is not None
    assert result.upper is not None
    assert 0 < result.lower <= result.value == value <= result.upper
    assert log(result.upper / value) == pytest.approx(1.85 * deviation_ln, abs=1e-12)
    assert log(value / result.lower) == pytest.approx(1.85 * deviation_ln, abs=1e-12)


def test_the_published_coverage():
    """One K everywhere, and what it is said to cover."""
    assert (COVERAGE_FACTOR, COVERAGE_RATIO) == (1.85, 0.90)
