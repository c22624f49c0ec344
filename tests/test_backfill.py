"""A few hours of a small simulated fleet, from the command to a Prometheus."""

import io
import re
from collections import defaultdict
from datetime import UTC, datetime
from itertools import chain, pairwise

import pytest
from prometheus_client.parser import text_string_to_metric_families

from exporter.app import build
from exporter.backfill import LATE, LOOK_SECONDS, Backfill, Span
from exporter.check import refresh_once
from exporter.cli import main
from exporter.configuration import load_settings
from exporter.demo import demo_defaults
from exporter.exposition.catalogue import METRICS
from exporter.upstreams import simulated_past, simulated_upstreams

UNTIL = "2026-03-04T13:45:10Z"
UNTIL_AT = datetime(2026, 3, 4, 13, 45, 10, tzinfo=UTC).timestamp()
STEP_SECONDS = 240
STEPS = 75
DAYS = STEPS * STEP_SECONDS / 86400
INSTANCES = 12
TARGET = {"job": "carbonfinops", "instance": "127.0.0.1:10105"}
PATIENCE_SECONDS = 60.0

SAMPLE = re.compile(r"(\w+)(\{.*\}) (\S+) (\d+)")
LABEL = re.compile(r'(\w+)="((?:[^"\\]|\\.)*)"')
SPECS = {spec.name: spec for spec in METRICS}
OF_ITS_OWN = re.compile(
    # A process that has lived through the hours has more evidence of them, and other ages.
    r"carbonfinops_(\w+_total|source_last_success_\w+|\w*coverage_ratio|scenario_\w+|profile_\w+"
    r"|instance_rightsizing_saving_\w+|billed_\w+|reconciliation_\w+)"
)


@pytest.fixture(scope="module")
def history(tmp_path_factory):
    """Five hours, written by the command."""
    path = tmp_path_factory.mktemp("backfill") / "history.om"
    assert main([*command(), "--output", str(path)]) == 0
    return path


def command() -> list[str]:
    options = {"days": DAYS, "until": UNTIL, "instances": INSTANCES}
    return ["backfill", *(f"--{name}={value}" for name, value in options.items())]


@pytest.fixture(scope="module")
def series(history):
    """Instants and values by name and labels."""
    found = defaultdict(list)
    for line in history.read_text().splitlines():
        if line[0] != "#":
            sample = SAMPLE.fullmatch(line)
            assert sample, line
            name, labels, value, at = sample.groups()
            pairs = ((label, unescaped(text)) for label, text in LABEL.findall(labels))
            key = name, frozenset(pairs)
            found[key].append((int(at), float(value)))
    return found


def unescaped(text):
    """A label value as it was before it was written."""
    return re.sub(r"\\(.)", lambda found: {"n": "\n"}.get(found[1], found[1]), text)


def named(series, name):
    """The samples of the only series of this name."""
    (samples,) = [samples for (found, _), samples in series.items() if found == name]
    return samples


def live():
    """The real wiring, with its threads, on a clock that stands still at the end of the history."""

    class Clock:
        def wall(self) -> float:
            return UNTIL_AT

        def monotonic(self) -> float:
            return UNTIL_AT

    application = build(
        load_settings({}, defaults=demo_defaults(INSTANCES)),
        simulated_upstreams(7, INSTANCES, faults=None),
        store=None,
        simulated=True,
        past=simulated_past(7, INSTANCES),
        clock=Clock(),
    )
    application.analyst.recall()
    refresh_once(application, PATIENCE_SECONDS)
    text = application.publisher.published.exposition.identity().decode()
    return {
        (sample.name, frozenset((sample.labels | TARGET).items())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
        if sample.name in SPECS
    }


def test_each_family_is_declared_once_and_in_one_piece(history):
    """What OpenMetrics asks for, to its last line."""
    lines = history.read_text().splitlines()
    declared = [line.split()[2] for line in lines if line.startswith("# TYPE")]
    assert len(declared) == len(set(declared)) > 60
    assert lines[-1] == "# EOF"
    current = ""
    for line in lines[:-1]:
        if line.startswith("# TYPE"):
            _, _, name, kind = line.split()
            current = name + "_total" * (kind == "counter")
        elif line[0] != "#":
            assert line.partition("{")[0] == current


def test_names_and_labels_are_those_of_a_scrape(series):
    """Every metric is in the catalogue, with its labels and those of the target."""
    for name, labels in series:
        own = {label for label, _ in labels} - TARGET.keys()
        tags = {label for label in own if label.startswith("tag_")}
        assert own - tags == {x for x in SPECS[name].labels if not x.startswith("tag_")}
        assert TARGET.items() <= dict(labels).items()


def test_every_step_from_the_first_instant_to_the_last(series):
    """No series has two samples at once, or goes back; what always exists has no holes."""
    expected = [int(UNTIL_AT) - (STEPS - n) * STEP_SECONDS for n in range(STEPS + 1)]
    for name in ("carbonfinops_simulated", "carbonfinops_fleet_power_watts"):
        assert [at for at, _ in named(series, name)] == expected
    for samples in series.values():
        instants = [at for at, _ in samples]
        assert all(earlier < later for earlier, later in pairwise(instants))
        assert set(instants) <= set(expected)


def test_counters_never_fall(series):
    """And those of the fleet rise while it runs."""
    counters = {k: v for k, v in series.items() if SPECS[k[0]].kind == "counter"}
    assert {name for name, _ in counters} >= {
        "carbonfinops_fleet_cost_usd_total",
        "carbonfinops_source_refreshes_total",
    }
    for samples in counters.values():
        assert all(before <= after for (_, before), (_, after) in pairwise(samples))
    spent = [v for (name, _), v in counters.items() if name == "carbonfinops_fleet_cost_usd_total"]
    assert sum(samples[-1][1] for samples in spent) > sum(samples[0][1] for samples in spent)


def test_everything_is_known_from_the_first_instant(series):
    """Scenarios, profiles, coverage, the bill: what the past must be known for."""
    begin_at = min(samples[0][0] for samples in series.values())
    first = {name for (name, _), samples in series.items() if samples[0][0] == begin_at}

    assert {name for name, _ in series} - first == {spec.name for spec in LATE}
    assert first >= {
        "carbonfinops_scenario_saving_ratio",
        "carbonfinops_profile_emissions_grams_per_hour",
        "carbonfinops_fleet_time_alignment_coverage_ratio",
        "carbonfinops_reconciliation_deviation_ratio",
        "carbonfinops_instance_idle",
        "carbonfinops_build_info",
    }
    covered = named(series, "carbonfinops_fleet_time_alignment_coverage_ratio")
    assert covered[0][1] > 0.5


def test_it_joins_what_a_live_exporter_shows(series):
    """At the last instant: the same series, and the same values but for what grows with time."""
    ends_at = int(UNTIL_AT)
    last = {key: samples[-1][1] for key, samples in series.items() if samples[-1][0] == ends_at}

    shown = live()

    assert last.keys() == shown.keys()
    same = [key for key in shown if not OF_ITS_OWN.fullmatch(key[0])]
    assert len({name for name, _ in same}) > 40
    assert {key: last[key] for key in same} == pytest.approx({key: shown[key] for key in same})


def test_the_same_history_every_time(history):
    """It hangs on nothing but the options."""
    settings = load_settings({}, defaults=demo_defaults(INSTANCES))
    span = Span.ending(UNTIL_AT, DAYS, STEP_SECONDS)
    out = io.BytesIO()

    target = (("instance", TARGET["instance"]), ("job", TARGET["job"]))
    Backfill(settings, 7, INSTANCES, span, span.until_at, target).write(out)

    assert out.getvalue() == history.read_bytes()


@pytest.mark.parametrize(
    ("days", "step_seconds", "instants"),
    [(1.0, 240, 361), (1.0, 7, 12344), (0.0001, 240, 2), (42.0, 240, 15121)],
)
def test_looks_cover_the_span(days, step_seconds, instants):
    """Every instant once, in order; looks as far apart as they may be, and one at the end."""
    span = Span.ending(1_800_000_000.9, days, step_seconds)
    looks = list(span.looks())

    found = [at for look in looks for at in look]
    assert found == [1_800_000_000 - n * step_seconds for n in reversed(range(instants))]
    assert looks[-1] == (1_800_000_000,)
    assert all(look[-1] - look[0] < LOOK_SECONDS for look in looks)
    apart = [later[0] - earlier[0] for earlier, later in pairwise(looks)]
    assert set(apart[1:]) <= {LOOK_SECONDS // step_seconds * step_seconds}


@pytest.mark.parametrize("of", [1, 2, 3, 7, 361])
def test_parts_share_no_instant_and_leave_none_out(of):
    """Pieces that several processes make are together what one makes."""
    span = Span.ending(1_800_000_000, 1.0, 240)

    found = [
        [at for look in span.part(number, of).looks() for at in look] for number in range(1, of + 1)
    ]

    assert list(chain(*found)) == list(range(span.from_at, span.until_at + 1, 240))
    assert max(map(len, found)) - min(map(len, found)) <= 1 + (of > 1)


def test_the_future_has_no_history(capsys):
    """One line and exit code 1."""
    assert main(["backfill", "--until", "2100-01-01"]) == 1
    assert capsys.readouterr().err == (
        "carbonfinops: --until: a history does not reach into the future\n"
    )


def test_what_cannot_be_written_is_said(capsys, tmp_path):
    """One line and exit code 1."""
    assert main([*command(), "--output", str(tmp_path / "none" / "x")]) == 1
    assert capsys.readouterr().err == (
        f"carbonfinops: cannot write {tmp_path}/none/x: No such file or directory\n"
    )
