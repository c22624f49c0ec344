"""Power at a load: the second calculation.

Written from the definition of scipy's PchipInterpolator (interior slopes by Fritsch and Butland
1984, a weighted harmonic mean of the neighbouring secants; ends by the three-point formula of
Moler, Numerical Computing with MATLAB, section 3.6), evaluated in Newton form.
"""

LOADS = (0.0, 10.0, 25.0, 50.0, 75.0, 100.0)


def watts_at(load: float, watts: tuple[float, ...]) -> float:
    """Watts at a load in percent, from the watts at LOADS; a load above 100 counts as 100."""
    x = min(load, 100.0)
    right = next(k for k in range(1, len(LOADS)) if x <= LOADS[k])
    left = right - 1
    width = LOADS[right] - LOADS[left]
    secant = (watts[right] - watts[left]) / width
    slope_left, slope_right = _slope(left, watts), _slope(right, watts)
    bend = (3 * secant - 2 * slope_left - slope_right) / width
    twist = (slope_left - 2 * secant + slope_right) / width**2
    s = x - LOADS[left]
    return watts[left] + s * (slope_left + s * (bend + s * twist))


def _slope(k: int, watts: tuple[float, ...]) -> float:
    last = len(LOADS) - 1
    if k == 0:
        return _end(0, 1, 2, watts)
    if k == last:
        return _end(last, last - 1, last - 2, watts)
    before, after = _secant(k - 1, k, watts), _secant(k, k + 1, watts)
    if before == 0 or after == 0 or (before > 0) != (after > 0):
        return 0.0
    width_before, width_after = LOADS[k] - LOADS[k - 1], LOADS[k + 1] - LOADS[k]
    total = 3 * (width_before + width_after)
    return total / (
        (2 * width_after + width_before) / before + (width_after + 2 * width_before) / after
    )


def _end(at: int, near: int, far: int, watts: tuple[float, ...]) -> float:
    near_width, far_width = abs(LOADS[near] - LOADS[at]), abs(LOADS[far] - LOADS[near])
    first, second = _secant(at, near, watts), _secant(near, far, watts)
    slope = ((2 * near_width + far_width) * first - near_width * second) / (near_width + far_width)
    if slope * first <= 0:
        return 0.0
    if first * second <= 0 and abs(slope) > 3 * abs(first):
        return 3 * first
    return slope


def _secant(a: int, b: int, watts: tuple[float, ...]) -> float:
    return (watts[b] - watts[a]) / (LOADS[b] - LOADS[a])
