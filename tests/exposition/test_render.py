import gzip
from collections.abc import Callable
from dataclasses import replace
from math import isfinite

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client.parser import text_string_to_metric_families

from exporter.core.fleet import Instance
from exporter.core.provenance import SourceStatus
from exporter.core.snapshot import FleetSnapshot, InstanceEstimate
from exporter.exposition.catalogue import instances
from exporter.exposition.families import FleetFamilies
from exporter.exposition.family import Family, labelled, single
from exporter.exposition.render import Renderer, text_of
from exporter.exposition.source_families import source_families

OWN = "# HELP own_metric Own.\n# TYPE own_metric gauge\nown_metric 1.0\n"


@given(st.lists(st.floats(-1e100, 1e100, allow_nan=False), min_size=1, max_size=20))
def test_values_survive_a_round_trip(values: list[float]) -> None:
    """No digit is lost, and none is added."""
    family = labelled(
        instances.RUNNING, (((str(n), "r", "i", "t"), value) for n, value in enumerate(values))
    )
    (metric,) = text_string_to_metric_families(text_of([family]).decode())
    assert [sample.value for sample in metric.samples] == values


@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
def test_a_value_that_is_not_finite_is_a_bug(value: float) -> None:
    """Unknown must be absent; the message names the metric."""
    with pytest.raises(ValueError, match="carbonfinops_instance_power_watts"):
        text_of([Family(instances.POWER, ("{a}", "{b}"), (1.0, value))])


def test_a_family_without_samples_is_announced() -> None:
    """HELP and TYPE are there even when every value is unknown."""
    text = text_of([single(instances.POWER, None)]).decode()
    assert text == (
        f"# HELP carbonfinops_instance_power_watts {instances.POWER.help}\n"
        "# TYPE carbonfinops_instance_power_watts gauge\n"
    )


@pytest.mark.parametrize("large_family_samples", [1, 2, 1000])
def test_the_body_is_the_text_of_all_parts(
    snapshot: FleetSnapshot, statuses: tuple[SourceStatus, ...], large_family_samples: int
) -> None:
    """However it is cut into blocks, the body is the same text, in the same order."""
    fleet, sources = FleetFamilies().of(snapshot), source_families(statuses)
    exposition = Renderer(large_family_samples).render(fleet, sources, OWN)
    assert exposition.identity() == text_of(fleet) + text_of(sources) + OWN.encode()
    assert gzip.decompress(exposition.gzip_body()) == exposition.identity()


def test_the_response_is_ready_to_be_sent(snapshot: FleetSnapshot) -> None:
    """Header and gzip body form one HTTP/1.1 answer."""
    exposition = Renderer().render(FleetFamilies().of(snapshot), (), OWN)
    head, _, body = exposition.response.partition(b"\r\n\r\n")
    assert len(head) + 4 == exposition.head_length
    assert body == exposition.gzip_body()
    assert head.decode().splitlines() == [
        "HTTP/1.1 200 OK",
        "Content-Type: text/plain; version=0.0.4; charset=utf-8",
        "Content-Encoding: gzip",
        "Vary: Accept-Encoding",
        f"Content-Length: {len(body)}",
    ]


def test_unchanged_families_are_not_compressed_again(
    snapshot: FleetSnapshot,
    statuses: tuple[SourceStatus, ...],
    make_instance: Callable[..., Instance],
) -> None:
    """Blocks are reused as long as their samples are equal, in whichever objects."""
    families, renderer = FleetFamilies(), Renderer(large_family_samples=2)
    renderer.render(families.of(snapshot), source_families(statuses), OWN)
    before = {key: block for key, (_, block) in renderer._kept.items()}

    moved = replace(snapshot.instances[0], cpu_utilization_ratio=0.75)
    changed = replace(snapshot, instances=(moved, *snapshot.instances[1:]))
    exposition = renderer.render(families.of(changed), source_families(statuses), OWN)
    after = {key: block for key, (_, block) in renderer._kept.items()}

    rendered = [key for key in after if after[key] is not before.get(key)]
    assert rendered == [("carbonfinops_instance_cpu_utilization_ratio",)]
    fresh = Renderer().render(FleetFamilies().of(changed), source_families(statuses), OWN)
    assert exposition.identity() == fresh.identity()

    fewer = replace(snapshot, instances=(InstanceEstimate(make_instance(), "DE"),))
    shrunk = renderer.render(families.of(fewer), source_families(statuses), OWN)
    fresh = Renderer().render(FleetFamilies().of(fewer), source_families(statuses), OWN)
    assert shrunk.identity() == fresh.identity()


def test_small_families_share_a_block(
    snapshot: FleetSnapshot, statuses: tuple[SourceStatus, ...]
) -> None:
    """Below the limit the fleet is one block, and the sources another."""
    renderer = Renderer()
    renderer.render(FleetFamilies().of(snapshot), source_families(statuses), OWN)
    assert len(renderer._kept) == 2


def test_a_large_fleet_is_one_stream(
    make_instance: Callable[..., Instance],
    make_complete: Callable[..., InstanceEstimate],
    make_snapshot: Callable[..., FleetSnapshot],
    check_metrics: Callable[[bytes], str],
) -> None:
    """With a block per family, the parser finds every sample and promtool no fault."""
    count = 1200
    estimates = [make_complete(make_instance(f"i-{n:04}"), 1 + n / 7) for n in range(count)]
    families = FleetFamilies().of(make_snapshot(*estimates))
    body = Renderer().render(families, (), OWN).identity()
    parsed = {m.name: m.samples for m in text_string_to_metric_families(body.decode())}
    watts = [sample.value for sample in parsed["carbonfinops_instance_power_watts"]]
    assert watts == [8.5 * (1 + n / 7) for n in range(count)]
    assert all(isfinite(sample.value) for samples in parsed.values() for sample in samples)
    assert check_metrics(body) == ""
