"""Scenarios and the reasons for their gaps, in the words of the status page and the reports."""

from collections.abc import Mapping

from exporter.core.scenarios.outcome import Scenario, ScenarioGap

TITLES: Mapping[Scenario, str] = {
    Scenario.OFFICE_HOURS: "Office hours",
    Scenario.RIGHTSIZING: "Rightsizing (CPU only)",
    Scenario.REGION_SHIFT: "Region shift",
    Scenario.TIME_SHIFT: "Time shift",
}

_MEANINGS: Mapping[ScenarioGap, str] = {
    ScenarioGap.NOT_CONFIGURED: "a setting that it needs is not set",
    ScenarioGap.NO_CANDIDATES: "there is nothing that it would change",
    ScenarioGap.TOO_LITTLE_HISTORY: "too few days of evidence so far",
    ScenarioGap.NO_PUE: "AWS publishes no PUE for the region, and none is set",
    ScenarioGap.ZONE_NOT_COVERED: "ElectricityMaps or its key does not cover the grid zone",
    ScenarioGap.NO_GRID_INTENSITY: "no carbon intensity of the grid zone",
    ScenarioGap.BURSTABLE: "the CPU credits of burstable types are not looked at",
    ScenarioGap.ACCELERATOR_UNMODELLED: (
        "the power of GPUs and other accelerators is not modelled"
    ),
    ScenarioGap.NO_HARDWARE: "AWS does not tell the vCPUs of a type",
    ScenarioGap.NO_PROFILE: "Boavizta does not know a type",
    ScenarioGap.NO_DATAPOINTS: "CPU points are missing",
    ScenarioGap.NO_PRICE: "the AWS price list has no usable price",
    ScenarioGap.AWAITED: "still being looked at: not all that it needs was read or asked for",
    ScenarioGap.NO_EXCHANGE_RATE: "no exchange rate: its money is not known in euros",
}

_OF_THE_SCENARIO = {
    ScenarioGap.NOT_CONFIGURED,
    ScenarioGap.NO_CANDIDATES,
    # Of as many as are counted, or of everything, before the evidence was read.
    ScenarioGap.AWAITED,
    ScenarioGap.NO_EXCHANGE_RATE,
}
_COUNTED: Mapping[Scenario, str] = {
    Scenario.RIGHTSIZING: "instance",
    Scenario.REGION_SHIFT: "target region",
}


def gap_in_words(scenario: Scenario, gap: ScenarioGap, count: int) -> str:
    """What the gap means, and for how many instances or regions where that is what it counts."""
    noun = _COUNTED.get(scenario)
    if noun is None or gap in _OF_THE_SCENARIO:
        return _MEANINGS[gap]
    return f"{plural(count, noun)}: {_MEANINGS[gap]}"


def plural(count: int, noun: str) -> str:
    """The number with its noun."""
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"
