"""Refit of the error component ``cpu_age``: how wrong a held power gets until the next poll.

A program, run by hand: ``python tests/benchmarks/cpu_age.py --data FOLDER``. FOLDER holds recorded
CPU series: ``nab/ec2_*.csv`` (timestamp, value), ``planetlab/*.csv`` (timestamp, one column per VM)
and ``bitbrains/trace.csv`` (vm_id, timestamp, duration_ms, cpu_usage_mhz, cpu_pct).
docs/calculations.md holds the result, the method and its limits.
"""

import argparse
import csv
import math
import statistics
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Sequence
from datetime import UTC, datetime
from itertools import accumulate
from pathlib import Path

SLOT_SECONDS = 300
WINDOW_SLOTS = 3
LONGEST_RUN_SLOTS = 12  # one hour
FEWEST_PAIRS = 12
AGES_SLOTS = (1, 3, 6, 12, 24, 36, 72, 144, 288)
LOADS = (0.0, 10.0, 25.0, 50.0, 75.0, 100.0)
CURVES = {
    "m5.large": (2.69, 5.43, 8.21, 11.30, 13.47, 15.16),  # Boavizta 2.5.0
    "flatter": (6.0, 7.2, 8.4, 9.8, 10.9, 12.0),  # made up: idle is half of full load
    "t3.micro": (1.72, 4.42, 7.14, 10.12, 12.19, 13.78),  # Boavizta 2.5.0, steeper
}
TRUTHS_SLOTS = {"15-minute mean": WINDOW_SLOTS, "5-minute slot": 1}
FITTED = ("m5.large", "15-minute mean")
DECLARED = [0.10, 0.20, 0.24, 0.25, 0.27, 0.29, 0.32, 0.33, 0.40]  # by AGES_SLOTS
COVERAGE_FACTOR = 1.85
OTHER_DEVIATION_LN = 0.29  # type, model and alloc in quadrature at 20 % load

Series = list[float | None]


def rows(path: Path) -> list[dict[str, str]]:
    """The rows of a CSV file."""
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def seconds(row: dict[str, str]) -> float:
    """Epoch seconds of a row's time stamp, which is in UTC whether it says so or not."""
    return datetime.fromisoformat(row["timestamp"]).replace(tzinfo=UTC).timestamp()


def laid_out(slots: dict[int, float]) -> Series:
    """Slots in order, None where there is no sample."""
    return [slots.get(index) for index in range(max(slots) + 1)]


def read_nab(path: Path) -> list[Series]:
    """One EC2 instance of NAB; its clock starts at any minute: slots count from the first row."""
    samples = [(seconds(row), float(row["value"])) for row in rows(path)]
    first_at, _ = samples[0]
    return [laid_out({round((at - first_at) / SLOT_SECONDS): cpu for at, cpu in samples})]


def read_planetlab(path: Path) -> list[Series]:
    """One PlanetLab day: every column is a VM over 288 slots."""
    day = rows(path)
    return [[float(row[vm]) for row in day] for vm in day[0] if vm != "timestamp"]


def read_bitbrains(path: Path) -> list[Series]:
    """Bitbrains VMs: a row covers the ``duration_ms`` before its time stamp.

    The durations of a VM add up to its seven days and equal neighbours are rare, so the longer
    rows are merged runs of equal samples. They are laid out again, but for runs of more than an
    hour: such a VM may be off, and an instance that is off has no samples.
    """
    by_vm = defaultdict(list)
    for row in rows(path):
        length = round(int(row["duration_ms"]) / 1000 / SLOT_SECONDS)
        by_vm[row["vm_id"]].append((seconds(row), length, float(row["cpu_pct"])))
    fleet = []
    for runs in by_vm.values():
        begin_at = min(at - length * SLOT_SECONDS for at, length, _ in runs)
        slots: dict[int, float] = {}
        for at, length, cpu in runs:
            end = round((at - begin_at) / SLOT_SECONDS)
            if length <= LONGEST_RUN_SLOTS:
                slots |= dict.fromkeys(range(end - length, end), cpu)
        fleet.append(laid_out(slots))
    return fleet


DATA_SETS = {
    "NAB EC2": ("nab/ec2_*.csv", read_nab),
    "PlanetLab": ("planetlab/*.csv", read_planetlab),
    "Bitbrains": ("bitbrains/trace.csv", read_bitbrains),
}


def watts_at(curve: Sequence[float], load: float | None) -> float | None:
    """Piecewise linear power, on purpose not the exporter's own curve; at most 100 % load."""
    if load is None:
        return None
    upper = min(max(1, bisect_left(LOADS, load)), len(LOADS) - 1)
    share = (min(load, LOADS[-1]) - LOADS[upper - 1]) / (LOADS[upper] - LOADS[upper - 1])
    return curve[upper - 1] + share * (curve[upper] - curve[upper - 1])


def log_window_means(watts: Series, slots: int) -> Series:
    """Log of the mean over the ``slots`` slots that end with each slot."""
    windows = (watts[max(0, end - slots) : end] for end in range(1, len(watts) + 1))
    known = ([power for power in window if power is not None] for window in windows)
    return [math.log(sum(powers) / slots) if len(powers) == slots else None for powers in known]


def errors_by_vm(fleet: list[Series], truth_slots: int, age: int) -> list[list[float]]:
    """ln(true/held) of each VM, a held mean for every window of three complete slots."""
    result = []
    for watts in fleet:
        held = log_window_means(watts, WINDOW_SLOTS)
        true = log_window_means(watts, truth_slots)[age:]
        pairs = zip(held, true, strict=False)
        errors = [now - then for then, now in pairs if then is not None and now is not None]
        if len(errors) >= FEWEST_PAIRS:
            result.append(errors)
    return result


def root_mean_square(numbers: Sequence[float]) -> float:
    """Square root of the mean square."""
    return math.sqrt(statistics.fmean(number * number for number in numbers))


def share_inside(errors: Sequence[float], deviation: float) -> float:
    """Share of truths inside the bounds, the other errors being normal and independent."""
    bound = COVERAGE_FACTOR * math.hypot(OTHER_DEVIATION_LN, deviation)
    scale = OTHER_DEVIATION_LN * math.sqrt(2)
    return statistics.fmean(
        (math.erf((bound - error) / scale) + math.erf((bound + error) / scale)) / 2
        for error in errors
    )


def print_row(label: str, numbers: Sequence[float]) -> None:
    """One line of a table."""
    print(f"{label:40}", *(f"{number:6.3f}" for number in numbers))


def print_fit(fleets: dict[str, list[Series]], truth_slots: int, table: list[float]) -> list[float]:
    """Print the deviations by data set and pooled, and the coverage of a table; the pooled ones.

    Pooled is the RMS over VMs, then over the data sets that reach the age: none dominates.
    """
    squares: dict[int, list[float]] = defaultdict(list)
    shares: dict[int, list[float]] = defaultdict(list)
    for name, fleet in fleets.items():
        means, medians = [], []
        for age, declared in zip(AGES_SLOTS, table, strict=True):
            by_vm = errors_by_vm(fleet, truth_slots, age)
            if by_vm:
                deviations = [statistics.pstdev(errors) for errors in by_vm]
                means.append(root_mean_square(deviations))
                medians.append(statistics.median(deviations))
                squares[age].append(means[-1])
                shares[age].append(statistics.fmean(share_inside(e, declared) for e in by_vm))
        print_row(f"  {name}, RMS of VMs", means)
        print_row(f"  {name}, median VM", medians)
    pooled = [root_mean_square(squares[age]) for age in AGES_SLOTS]
    print_row("  pooled", pooled)
    print_row("  share inside", [statistics.fmean(shares[age]) for age in AGES_SLOTS])
    return pooled


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--data", type=Path, required=True, help="folder of the recorded series")
    folder = parser.parse_args().data
    loads = {
        name: [series for path in sorted(folder.glob(pattern)) for series in read(path)]
        for name, (pattern, read) in DATA_SETS.items()
    }
    print_row("age, hours", [age * SLOT_SECONDS / 3600 for age in AGES_SLOTS])
    for curve, anchors in CURVES.items():
        watts = {
            name: [[watts_at(anchors, load) for load in series] for series in fleet]
            for name, fleet in loads.items()
        }
        for truth, slots in TRUTHS_SLOTS.items():
            print(f"SD of ln(true/held): {curve}, truth is the {truth}")
            pooled = print_fit(watts, slots, DECLARED)
            if (curve, truth) == FITTED:
                rounded_up = [math.ceil(deviation * 100) / 100 for deviation in pooled]
                print_row("  declared", list(accumulate(rounded_up, max)))


if __name__ == "__main__":
    main()
