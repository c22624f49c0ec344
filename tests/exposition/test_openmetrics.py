import math

import pytest

from exporter.exposition.catalogue import accrual, fleet, health, instances
from exporter.exposition.family import Family, labelled, single
from exporter.exposition.instrumentation import Instrumentation
from exporter.exposition.openmetrics import END, FamilyLines, header, own_families, stamped

TARGET = (("instance", "127.0.0.1:10105"), ("job", 'a "job"'))
ON_TARGET = 'instance="127.0.0.1:10105",job="a \\"job\\""'


def lines(family: Family) -> list[str]:
    """One line per sample, decoded."""
    return [line.decode() for line in FamilyLines(TARGET).of(family)]


def test_a_gauge() -> None:
    """Its own labels, those of the target, the value, and after the value nothing yet."""
    family = labelled(fleet.COVERED, [(("power",), 0.5), (("cost_usd",), 1)])

    assert header(family.spec).decode() == (
        f"# HELP carbonfinops_fleet_covered_ratio {fleet.COVERED.help}\n"
        "# TYPE carbonfinops_fleet_covered_ratio gauge\n"
    )
    assert lines(family) == [
        f'carbonfinops_fleet_covered_ratio{{quantity="power",{ON_TARGET}}} 0.5',
        f'carbonfinops_fleet_covered_ratio{{quantity="cost_usd",{ON_TARGET}}} 1',
    ]


def test_without_labels_of_its_own() -> None:
    """The target's are its only labels."""
    assert lines(single(health.SIMULATED, 1.0)) == [f"carbonfinops_simulated{{{ON_TARGET}}} 1.0"]


def test_a_counter_is_named_without_its_suffix_where_it_is_declared() -> None:
    """OpenMetrics: the family has the plain name, its samples end in _total."""
    family = labelled(accrual.COST_USD, [(("1", "eu-west-1"), 0.1 + 0.2)])

    assert header(family.spec).decode() == (
        f"# HELP carbonfinops_fleet_cost_usd {accrual.COST_USD.help}\n"
        "# TYPE carbonfinops_fleet_cost_usd counter\n"
    )
    (line,) = lines(family)
    assert line.startswith('carbonfinops_fleet_cost_usd_total{account_id="1",region="eu-west-1",')
    assert line.endswith("} 0.30000000000000004")


def test_instants_in_whole_seconds() -> None:
    """Every sample of one instant ends with it."""
    assert stamped([b"a 1", b"b 2"], 1_800_000_240) == b"a 1 1800000240\nb 2 1800000240\n"
    assert END == b"# EOF\n"


def test_label_sets_follow_the_family() -> None:
    """Kept while they are the same, made anew when an instance comes or goes."""
    writer = FamilyLines(TARGET)
    rows = (("1", "r", "i-1", "t"), ("1", "r", "i-2", "t"))
    one = labelled(instances.RUNNING, [(rows[0], 1.0)])
    two = labelled(instances.RUNNING, [(rows[0], 0.0), (rows[1], 1.0)])

    for family in (one, two, one, two):
        assert writer.of(family) == FamilyLines(TARGET).of(family)


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_what_is_not_finite_is_refused(value: float) -> None:
    """Unknown must be absent."""
    with pytest.raises(ValueError, match="carbonfinops_simulated"):
        lines(single(health.SIMULATED, value))


def test_the_exporters_own_metrics() -> None:
    """Those of the catalogue that have samples: no histogram, nothing of the process."""
    own = Instrumentation(version="1.2.3", revision="abc", simulated=True)
    own.set_boavizta_version("2 {simulated} x")
    own.spend("GetMetricData", 0.25)
    own.request("boavizta", "profile", 0.1, None)

    found = {family.spec.name: family for family in own_families(own.render())}

    assert found["carbonfinops_simulated"] == single(health.SIMULATED, 1.0)
    assert found["carbonfinops_upstream_cost_usd_total"].values == (0.25,)
    (build,) = found["carbonfinops_build_info"].label_sets
    assert 'version="1.2.3"' in build
    assert 'boavizta_version="2 {simulated} x"' in build
    assert sorted(found) == [
        "carbonfinops_build_info",
        "carbonfinops_simulated",
        "carbonfinops_upstream_cost_usd_total",
        "carbonfinops_upstream_request_failures_total",
        "carbonfinops_upstream_requests_total",
    ]
