"""The validation itself, on a tiny folder in the real shapes with made-up values."""

import csv
import json
import math
import statistics
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.core.billing import BilledAs, BilledUsage
from exporter.core.fleet import InstanceState, Place
from exporter.core.trail import TrailAction
from exporter.sources.aws.record import Record
from exporter.sources.aws.trail_document import trail_events
from tests.validation import cost, coverage, runtime
from tests.validation.__main__ import TOPICS, Topic, main
from tests.validation.bill import NO_DISCOUNTS, charges, composed_bill
from tests.validation.calls import Call, calls_of
from tests.validation.clouds import Listing, TrailClient
from tests.validation.composition import COUNTS, DAY, END_AT, HOUR, START_AT, Composer
from tests.validation.cpu_hours import Machines, recorded_machines, whole_hours
from tests.validation.currency import relative_changes
from tests.validation.fleet import PLACES, REGIONS, Fleet, Prices
from tests.validation.grid_hours import recorded_grid_hours
from tests.validation.lives import EndedBy, Life, Run
from tests.validation.observation import Watch
from tests.validation.outcomes import Outcome, unknowable
from tests.validation.page import page
from tests.validation.polling import polled_seconds
from tests.validation.recorded_events import counted, launch_time_lags, parsed, recorded_documents
from tests.validation.recorded_inventory import recorded_looks, told_runs
from tests.validation.recordings import DataError, fingerprint, json_in, names_in, rows_in
from tests.validation.section import Section, Table, Verdict
from tests.validation.shapes import Shapes
from tests.validation.spread import Spread, percent, quantile, share
from tests.validation.windows import HOURS, Loss, MeasuredFleet

PLACE = PLACES[0]


def document(name: str, time: str, request: Any, answer: Any, **fields: Any) -> dict[str, Any]:
    return {
        "eventVersion": "1.08",
        "userIdentity": {"type": "IAMUser", "accountId": "111122223333"},
        "eventTime": time,
        "eventSource": "ec2.amazonaws.com",
        "eventName": name,
        "awsRegion": "eu-west-1",
        "eventID": f"event-{name}-{time}",
        "eventType": "AwsApiCall",
        "requestParameters": request,
        "responseElements": answer,
        "recipientAccountId": "111122223333",
        **fields,
    }


def launch(time: str, launched_ms: int, *ids: str) -> dict[str, Any]:
    placement = {"availabilityZone": "eu-west-1a", "tenancy": "default"}
    items = [
        {
            "instanceId": instance_id,
            "instanceType": "m5.large",
            "launchTime": launched_ms,
            "placement": dict(placement),
        }
        for instance_id in ids
    ]
    request = {"instancesSet": {"items": [{"minCount": 1}]}, "instanceType": "m5.large"}
    return document("RunInstances", time, request, {"instancesSet": {"items": items}})


def switch(name: str, time: str, was: str, *ids: str) -> dict[str, Any]:
    items = [{"instanceId": instance_id} for instance_id in ids]
    results = [{**item, "previousState": {"code": 16, "name": was}} for item in items]
    request = {"instancesSet": {"items": items}}
    return document(name, time, request, {"instancesSet": {"items": results}})


DOCUMENTS = [
    launch("2024-05-01T10:00:00Z", 1714557601000, "i-a"),
    document("RunInstances", "2024-05-01T10:00:05Z", {}, None, errorCode="Client.DryRunOperation"),
    switch("TerminateInstances", "2024-05-01T10:05:00Z", "running", "i-a"),
    switch("StartInstances", "2024-05-01 12:00:00", "stopped", "i-b", "i-c"),
    switch("StopInstances", "2024-05-01T11:00:00.000000000", "running", "i-b", "i-c"),
    document(
        "ModifyInstanceAttribute",
        "2024-05-01T10:01:00Z",
        {"instanceId": "i-a", "disableApiTermination": {"value": False}},
        {"_return": True},
    ),
]


def look(captured: str, state: str, launched: str, reason: str) -> dict[str, Any]:
    configuration = {
        "instanceId": "i-d",
        "instanceType": "t2.micro",
        "launchTime": launched,
        "placement": {"availabilityZone": "eu-west-1a", "tenancy": "default"},
        "state": {"name": state},
        "stateTransitionReason": reason,
        "architecture": "x86_64",
    }
    return notification(captured, configuration)


def notification(captured: str, configuration: dict[str, Any] | None) -> dict[str, Any]:
    item = {
        "configurationItemCaptureTime": captured,
        "awsAccountId": "111122223333",
        "awsRegion": "eu-west-1",
        "configuration": configuration,
    }
    return {"Message": json.dumps({"configurationItem": item})}


LOOKS = [
    look("2024-05-02T08:10:00.500Z", "running", "2024-05-02T08:00:00.000Z", ""),
    look(
        "2024-05-02T09:05:00.500Z",
        "stopped",
        "2024-05-02T08:00:00.000Z",
        "User initiated (2024-05-02 09:00:30 GMT)",
    ),
    notification("2024-05-02T10:00:00.500Z", None),
]


def write(path: Path, content: Any) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content), encoding="utf-8")


def write_rows(path: Path, rows: list[dict[str, Any]]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)


def moments(start: str, count: int, minutes: int, form: str) -> list[str]:
    first = datetime.fromisoformat(start)
    return [(first + timedelta(minutes=minutes * n)).strftime(form) for n in range(count)]


def write_prices(data: Path) -> None:
    for region in REGIONS:
        rows = [
            {
                "instance_type": f"m{n}.large",
                "region": region,
                "ondemand_usd_per_h": usd,
                "spot_avg_usd_per_h": spot,
            }
            for n, (usd, spot) in enumerate([(0.6, 0.2), (0.9, 0.25), (1.8, ""), (0, 0), (3, 1)])
        ]
        write_rows(data / f"prices/ec2_linux_{region}.csv", rows)


def write_bill(data: Path) -> None:
    compute = {
        "Keys": ["Amazon Elastic Compute Cloud - Compute"],
        "Metrics": {"UnblendedCost": {"Amount": "0.0551724144", "Unit": "USD"}},
    }
    period = {
        "TimePeriod": {"Start": "2024-02-01", "End": "2024-02-02"},
        "Groups": [compute],
        "Estimated": False,
        "Total": {},
    }
    answer = {"ResultsByTime": [period]}
    write(data / "aws-api/cost_explorer/daily_by_service.json", answer)


def write_grids(data: Path) -> None:
    folder = data / "carbon-intensity"
    hours = moments("2024-01-01", 24 * 9, 60, "%Y-%m-%dT%H:%M:%SZ")
    rows = [
        {
            "datetime_utc": hour,
            "zone": "XA",
            "ci_lifecycle_g_per_kwh": "" if n == 5 else 100.5,
            "estimated": n in {7, 8},
        }
        for n, hour in enumerate(hours)
        if n != 30
    ]
    write_rows(folder / "electricitymaps/XA_2024.csv", rows)
    unmarked = [{"datetime_utc": hour, "ci_lifecycle_g_per_kwh": 7} for hour in hours]
    write_rows(folder / "ensembleci/XB_2024.csv", unmarked)
    quarters = moments("2024-01-01", 4 * 24 * 9, 15, "%Y-%m-%dT%H:%M:%S")
    quarter_rows = [
        {"datetime_local": moment, "ci_g_per_kwh": "" if n == 41 else 200.0}
        for n, moment in enumerate(quarters)
    ]
    write_rows(folder / "eirgrid/XC_2024.csv", quarter_rows)


def write_cpu(data: Path) -> None:
    form = "%Y-%m-%d %H:%M:%S"
    series = [
        {"timestamp": moment, "value": 1.5}
        for n, moment in enumerate(moments("2014-02-14T14:27", 12 * 60, 5, form))
        if not 100 <= n < 103
    ]
    write_rows(data / "cpu/nab/ec2_cpu_1.csv", series)
    day = moments("2011-03-03", 288, 5, "%Y-%m-%dT%H:%M:%SZ")
    rows = [{"timestamp": moment, "vm_0": 5, "vm_1": 7} for moment in day]
    write_rows(data / "cpu/planetlab/20110303.csv", rows)
    samples = [
        {"vm_id": 1, "timestamp": moment, "duration_ms": 600000, "cpu_usage_mhz": 1, "cpu_pct": 3}
        for moment in moments("2013-08-13T00:05:49", 6 * 60, 10, "%Y-%m-%dT%H:%M:%SZ")
    ]
    write_rows(data / "cpu/bitbrains/trace.csv", samples)


@pytest.fixture
def data(tmp_path):
    """A folder with everything that is needed."""
    write(tmp_path / "cloudtrail/made_up.json", {"Records": DOCUMENTS})
    for number, each in enumerate(LOOKS):
        write(tmp_path / f"cloudtrail/awsconfig_ec2_lifecycle/ec2.{number}.json", each)
    write_prices(tmp_path)
    write_bill(tmp_path)
    write_grids(tmp_path)
    write_cpu(tmp_path)
    rates = [
        {"date": day, "usd_per_eur": 1.1 + 0.001 * n}
        for n, day in enumerate(moments("2024-01-01", 30, 24 * 60, "%Y-%m-%d"))
    ]
    write_rows(tmp_path / "fx/ecb_usd_per_eur_daily.csv", rates)
    return tmp_path


def life(*runs: Run, **fields: Any) -> Life:
    facts: dict[str, Any] = {
        "instance_id": "i-1",
        "kind": "made up",
        "place": PLACE,
        "group": "g",
        "runs": runs,
    }
    return Life(**(facts | fields))


def run(
    start: float, end: float = math.inf, by: EndedBy = EndedBy.STOP, name: str = "m0.large"
) -> Run:
    """A run in seconds since the begin of the fortnight."""
    return Run(START_AT + start, START_AT + end, name, by, START_AT + end)


# The program


def a_section(*, met: bool) -> Section:
    return Section("Made up", ("Text.",), (), (Verdict("It holds", "1 of 1", met),))


def test_the_whole_program(data, tmp_path, monkeypatch, capsys):
    """On a complete folder a page is written with every section, and the same one again.

    Of what it claims only full coverage does not hold: the folder has gaps.
    """
    for kind in COUNTS:
        monkeypatch.setitem(COUNTS, kind, 3)
    results = tmp_path / "page.md"

    code = main([str(data), "--output", str(results)])
    first = results.read_text(encoding="utf-8")

    told = capsys.readouterr().out.splitlines()
    assert (code, told[1:]) == (1, ["18 of 19 claims hold; written to page.md"])
    assert told[0].startswith("does not hold: CloudWatch recordings beside recorded grids: p5")
    assert [line for line in first.splitlines() if line.startswith("## ")] == [
        "## 1. Running time from CloudTrail",
        "## 2. Computed against billed cost",
        "## 3. Time alignment coverage",
        "## 4. Savings: time shift and office hours",
    ]
    assert first.count("**NO**") == 1
    assert str(tmp_path) not in first
    assert main([str(data), "--output", str(results)]) == 1
    assert results.read_text(encoding="utf-8") == first


def test_a_claim_that_does_not_hold(data, tmp_path, capsys):
    """The page is written all the same, says so first, and the exit code is 1."""
    topics = [
        Topic(lambda _: a_section(met=True), ("fx/*.csv",)),
        Topic(lambda _: a_section(met=False), ("fx/*.csv",)),
    ]

    code = main([str(data), "--output", str(tmp_path / "page.md")], topics)

    assert code == 1
    assert "does not hold: It holds: 1 of 1\n1 of 2 claims hold" in capsys.readouterr().out
    text = (tmp_path / "page.md").read_text(encoding="utf-8")
    assert "**1 of 2 claims hold.**\n\nDoes not hold: It holds: 1 of 1." in text
    assert "| It holds | 1 of 1 | **NO** |" in text


def test_no_folder(tmp_path, capsys):
    """It says what is missing and what to do, writes nothing, and the exit code is 2."""
    code = main([str(tmp_path / "nowhere"), "--output", str(tmp_path / "page.md")])

    told = capsys.readouterr().err
    assert code == 2
    assert f"there is no folder {tmp_path / 'nowhere'}" in told
    assert "make validate DATA=folder" in told
    assert all(pattern in told for topic in TOPICS for pattern in topic.patterns)
    assert not (tmp_path / "page.md").exists()


@pytest.mark.parametrize(
    "name",
    [
        "cloudtrail/made_up.json",
        "cpu/nab/ec2_cpu_1.csv",
        "fx/ecb_usd_per_eur_daily.csv",
        "prices/ec2_linux_eu-west-1.csv",
    ],
)
def test_a_file_is_missing(data, tmp_path, capsys, name):
    """A folder without one of the files is named the same way."""
    (data / name).unlink()

    assert main([str(data), "--output", str(tmp_path / "page.md")]) == 2
    assert name.rpartition("/")[0] in capsys.readouterr().err


def test_page():
    """Sections are numbered; cells may hold bars; nothing but the versions is added."""
    table = Table("Numbers", ("a", "b"), (("1|2", "3"),), "A note.")

    text = page([Section("First", ("One.", "Two."), (table,), ())], "abc")

    assert "data `abc`" in text
    assert text.endswith(
        "## 1. First\n\nOne.\n\nTwo.\n\n### Numbers\n\nA note.\n\n"
        "| a | b |\n| --- | --- |\n| 1\\|2 | 3 |\n"
    )


def test_broken_files(tmp_path):
    """What cannot be read is an error that names the file."""
    (tmp_path / "a.json").write_text("{", encoding="utf-8")
    (tmp_path / "a.csv").write_text("a,b\n", encoding="utf-8")

    for read in (json_in, rows_in):
        with pytest.raises(DataError, match=r"missing\.txt cannot be read"):
            read(tmp_path, "missing.txt")
    with pytest.raises(DataError, match=r"a\.json is not JSON"):
        json_in(tmp_path, "a.json")
    with pytest.raises(DataError, match=r"a\.csv has no rows"):
        rows_in(tmp_path, "a.csv")
    with pytest.raises(DataError, match=r"there is no \*\.xml"):
        names_in(tmp_path, "*.xml")


def test_fingerprint(tmp_path):
    """It changes with any byte of the files that match, and with nothing else."""
    (tmp_path / "a.csv").write_text("1", encoding="utf-8")
    before = fingerprint(tmp_path, ["*.csv"])
    (tmp_path / "b.txt").write_text("1", encoding="utf-8")
    assert fingerprint(tmp_path, ["*.csv", "a.*"]) == before

    (tmp_path / "a.csv").write_text("2", encoding="utf-8")
    assert fingerprint(tmp_path, ["*.csv"]) != before


# Spreads


@given(st.lists(st.floats(-1e6, 1e6), min_size=2, max_size=50))
def test_quantiles(values):
    """They are those of the standard library, inclusive."""
    twentieths = statistics.quantiles(values, n=20, method="inclusive")

    assert quantile(values, 0.05) == pytest.approx(twentieths[0])
    assert quantile(values, 0.9) == pytest.approx(twentieths[17])
    assert Spread.of(values)[:3] == (len(values), quantile(values, 0.05), quantile(values, 0.5))


def test_texts():
    """Units and the number of values are always there; almost everything is not everything."""
    assert percent(0.99999) == "> 99.99 %"
    assert percent(1.0, 0) == "100 %"
    assert share(1, 3) == "1 of 3 (33.33 %)"
    assert share(0, 0) == "none"
    assert Spread.of([1, 2, 3]).seconds() == "median 2 s, p90 3 s (n = 3)"
    assert Spread.of([0.5]).low_percent() == "p5 50.00 %, median 50.00 % (n = 1)"


# Recorded runtime


def test_recorded_events_are_counted_by_hand(data):
    """Starts and ends are paired in the order of time; what failed and what does not matter is not.

    i-a ran for five minutes; i-b and i-c ran for the hour before their stop, were off for an hour,
    and nobody knows about the hour after their start.
    """
    documents = recorded_documents(data)

    assert [
        (c.instance_id, c.story, c.events, c.running_seconds, c.unknown_seconds)
        for c in counted(documents)
    ] == [
        ("i-a", "Run, Terminate", 2, 300, 0),
        ("i-b", "Stop, Start", 2, 3600, 3600),
        ("i-c", "Stop, Start", 2, 3600, 3600),
    ]
    assert launch_time_lags(documents) == [1.0]


def test_recorded_events_are_parsed_by_the_exporter(data):
    """Each document becomes its instances' parts; one that is broken is None, not an error."""
    broken = {**DOCUMENTS[0], "responseElements": {"instancesSet": {}}}

    found = parsed([*recorded_documents(data), broken])

    assert [None if parts is None else len(parts) for parts in found] == [1, 0, 1, 2, 2, 0, None]


def test_recorded_looks(data):
    """The run is read from LaunchTime and the reason of its stop."""
    (told,) = told_runs(recorded_looks(data))

    assert told[1] - told[0] == 3630


def test_runtime_verdicts_see_errors(data, monkeypatch):
    """A parser that loses a document fails the claims that rest on it."""
    for kind in COUNTS:
        monkeypatch.setitem(COUNTS, kind, 1)
    monkeypatch.setattr(
        "tests.validation.runtime.parsed", lambda documents: [None, *parsed(documents)[1:]]
    )

    verdicts = runtime.section(data).verdicts

    assert [verdict.met for verdict in verdicts[:4]] == [False, False, True, True]


# Composed lives


def test_composition():
    """The same seed gives the same lives; runs follow each other, with time between them."""
    types = {place: ["m0.large", "m1.large"] for place in PLACES}
    lives = Composer(types, 1).fleet(COUNTS)

    assert lives == Composer(types, 1).fleet(COUNTS)
    assert lives != Composer(types, 2).fleet(COUNTS)
    assert {kind: sum(each.kind == kind for each in lives) for kind in COUNTS} == COUNTS
    assert len({each.instance_id for each in lives}) == len(lives)
    for each in lives:
        edges = [at for run in each.runs for at in (run.start_at, run.called_at, run.end_at)]
        assert edges == sorted(edges)
        assert all(a.end_at < b.start_at for a, b in zip(each.runs, each.runs[1:], strict=False))
        Listing(each)


def test_truth_of_a_life():
    """Seconds are clipped, by type; what a start lacks to a minute belongs to where it starts."""
    both = life(run(-100, 50), run(100, 120, name="m1.large"), run(150, 151))

    assert both.running(START_AT, START_AT + 110) == {"m0.large": 50, "m1.large": 10}
    assert both.billed(START_AT, START_AT + 110) == {"m0.large": 50, "m1.large": 50}
    assert both.billed(START_AT + 110, START_AT + 200) == {"m0.large": 60, "m1.large": 10}


def test_calls():
    """Each begin and end is called for; a change of type in between; a group is one call."""
    twin = life(run(0, 600), run(900, 1200, EndedBy.TERMINATION, "m1.large"))
    found = calls_of([twin, replace(twin, instance_id="i-2")])

    assert [(c.at - START_AT, c.name, c.was, c.instance_type) for c in found] == [
        (0, "RunInstances", "", "m0.large"),
        (600, "StopInstances", "running", ""),
        (750, "ModifyInstanceAttribute", "", "m1.large"),
        (900, "StartInstances", "stopped", ""),
        (1200, "TerminateInstances", "running", ""),
    ]
    assert {c.instance_ids for c in found} == {("i-1", "i-2")}


def test_silent_ends_are_not_called():
    """What an operating system does is in no event."""
    found = calls_of([life(run(0, 600, EndedBy.SHUTDOWN_SILENT), run(900, 1000, EndedBy.EVICTION))])

    assert [c.name for c in found] == ["RunInstances", "StartInstances", "BidEvictedEvent"]


def test_odd_calls_are_there():
    """An odd life sees failures, needless calls and others that change nothing."""
    found = calls_of([life(run(0, 600), odd=True, terminated_at=START_AT + 5000)])

    assert {(c.name, c.was, c.error_code) for c in found} >= {
        ("StopInstances", "", "Client.UnauthorizedOperation"),
        ("TerminateInstances", "", "Client.DryRunOperation"),
        ("StartInstances", "running", ""),
        ("StopInstances", "stopped", ""),
        ("RebootInstances", "", ""),
        ("TerminateInstances", "stopped", ""),
    }


def read(data: Path, call: Call) -> list[tuple[Any, ...]]:
    fields = Shapes(recorded_documents(data)).looked_up(call)
    events = trail_events(Record(fields, "made up"), call.place)
    return [
        (e.action, e.instance_id, e.at, e.was, e.instance_type, e.spot, e.hibernates)
        for e in events
    ]


def test_composed_documents(data):
    """The exporter reads back what was called, in the recorded shape of each event."""
    two = ("i-1", "i-2")
    at = START_AT + 5

    assert read(
        data, Call(at, "RunInstances", PLACE, two, instance_type="c5.xlarge", spot=True)
    ) == [(TrailAction.RUN, each, at, "", "c5.xlarge", True, False) for each in two]
    assert read(data, Call(at, "StopInstances", PLACE, two, "running", hibernates=True)) == [
        (TrailAction.STOP, each, at, "running", "", False, True) for each in two
    ]
    assert read(data, Call(at, "BidEvictedEvent", PLACE, two)) == [
        (TrailAction.EVICT, each, at, "", "", True, False) for each in two
    ]
    assert read(data, Call(at, "ModifyInstanceAttribute", PLACE, ("i-1",), "", "m1.large")) == [
        (TrailAction.MODIFY, "i-1", at, "", "m1.large", False, False)
    ]
    assert not read(data, Call(at, "ModifyInstanceAttribute", PLACE, ("i-1",)))
    assert not read(data, Call(at, "RebootInstances", PLACE, two, "running"))
    assert not read(data, Call(at, "StopInstances", PLACE, two, error_code="Client.Unauthorized"))


def test_shapes_need_recordings():
    """Nothing is written in a shape that was not recorded."""
    shapes = Shapes([each for each in DOCUMENTS if each["eventName"] != "StopInstances"])

    with pytest.raises(DataError, match="no successful StopInstances"):
        shapes.looked_up(Call(START_AT, "StopInstances", PLACE, ("i-1",), "running"))


def test_pages_of_the_trail():
    """Pages hold everything asked for, some of it twice, and not in order."""
    events = [
        {"EventId": f"{n}", "EventTime": datetime.fromtimestamp(START_AT + n, UTC)}
        for n in range(130)
    ]
    client = TrailClient({"StopInstances": events}, seed=1)
    asked: dict[str, Any] = {
        "LookupAttributes": [{"AttributeKey": "EventName", "AttributeValue": "StopInstances"}],
        "StartTime": datetime.fromtimestamp(START_AT + 10, UTC),
        "EndTime": datetime.fromtimestamp(START_AT + 119, UTC),
        "MaxResults": 50,
    }
    pages = [client.lookup_events(**asked)]
    while "NextToken" in pages[-1]:
        pages.append(client.lookup_events(**asked, NextToken=pages[-1]["NextToken"]))

    ids = [int(event["EventId"]) for answer in pages for event in answer["Events"]]
    assert set(ids) == set(range(10, 120))
    assert len(ids) == 110 + 2 * 3
    assert ids != sorted(ids)


def test_listing():
    """An instance is shown in every state of its life, and an hour beyond its end."""
    whole = Listing(life(run(0, 600), run(900, 1200, EndedBy.TERMINATION)))

    def state(seconds: float) -> str | None:
        found = whole.at(START_AT + seconds)
        return found.state if found else None

    assert [state(at) for at in (-1, 0, 20, 600, 700, 900, 1000, 1200, 1300, 4799, 4800)] == [
        None,
        InstanceState.PENDING,
        InstanceState.RUNNING,
        InstanceState.STOPPING,
        InstanceState.STOPPED,
        InstanceState.PENDING,
        InstanceState.RUNNING,
        InstanceState.SHUTTING_DOWN,
        InstanceState.TERMINATED,
        InstanceState.TERMINATED,
        None,
    ]
    stopped = whole.at(START_AT + 700)
    assert stopped is not None
    assert stopped.state_transition_reason == "User initiated (2026-03-02 00:10:00 GMT)"


def test_a_silent_shutdown_has_no_reason():
    """Nothing tells when it was."""
    shown = Listing(life(run(0, 600, EndedBy.SHUTDOWN_SILENT))).at(START_AT + 700)

    assert shown is not None
    assert (shown.state, shown.state_transition_reason) == (InstanceState.STOPPED, "")


def outcome(running: dict[str, float], unknown_seconds: float = 0.0) -> Outcome:
    """What was said of 100 seconds of m0.large, in a window of 1000."""
    return Outcome(
        life(run(200, 300)), START_AT, START_AT + 1000, running, running, unknown_seconds
    )


@pytest.mark.parametrize(
    ("said", "judged"),
    [
        (outcome({"m0.large": 100}), "is_exact"),
        (outcome({"": 100}), "lacks_type_only"),
        (outcome({"m0.large": 60, "": 40}), "lacks_type_only"),
        (outcome({"m0.large": 70}, 30), "is_unknown"),
        (outcome({}, 500), "is_unknown"),
        (outcome({"m0.large": 99}), "is_error"),
        (outcome({"m0.large": 101}), "is_error"),
        (outcome({"m1.large": 100}), "is_error"),
        (outcome({"m0.large": 70}, 29), "is_error"),
        (outcome({"m0.large": 101}, 500), "is_error"),
        (outcome({"m1.large": 60, "": 40}), "is_error"),
    ],
)
def test_outcomes(said, judged):
    """Exactly one judgement holds: nothing that is not so goes as right or as unknown."""
    names = ("is_exact", "lacks_type_only", "is_unknown", "is_error")

    assert [name for name in names if getattr(said, name)] == [judged]


def test_unknowable_spans():
    """From the last inventory that showed it to the answer of the first that did not."""
    lives = [
        life(run(0, 400, EndedBy.SHUTDOWN_SILENT), run(1000, 1500, EndedBy.SHUTDOWN_SILENT)),
        life(run(0, 400), instance_id="i-2"),
    ]

    found = unknowable(lives)

    assert [(a - START_AT, b - START_AT) for a, b in found["i-1"]] == [(300, 602), (1200, 1502)]
    assert found["i-2"] == []
    assert outcome({}).dark_seconds(found["i-1"]) == 302


def test_a_watched_place():
    """The exporter's own parts tell a stop to the second, and a silent end as unknown."""
    known = life(run(-DAY, 10 * HOUR), run(30 * HOUR, 30 * HOUR + 20))
    silent = life(run(-DAY, 10 * HOUR + 100, EndedBy.SHUTDOWN_SILENT), instance_id="i-2", group="h")
    prices = {region: {"m0.large": Prices(0.5, 0.1)} for region in REGIONS}
    watch = Watch(PLACE, Fleet([known, silent], prices), Shapes(DOCUMENTS))

    days = {
        (day.life.instance_id, round((day.since_at - START_AT) / DAY)): day for day in watch.days()
    }

    assert len(days) == 2 * round((END_AT - START_AT) / DAY)
    assert all(day.is_exact for (instance_id, _), day in days.items() if instance_id == "i-1")
    assert days["i-1", 1].billed == {"m0.large": 60}
    assert (days["i-2", 0].running, days["i-2", 0].unknown_seconds) == ({"m0.large": 36000}, 302)
    usage = {(each.day_at - START_AT) / DAY: each for each in watch.usage()}
    assert usage[0].hours == 20
    assert usage[1].usd == pytest.approx(0.5 * 60 / 3600)


# Cost


def test_charges_and_bill(data):
    """The bill that the exporter reads has the true seconds at the discounted price."""
    steady = life(run(-DAY))
    spot = life(run(0, 1800, EndedBy.EVICTION), instance_id="i-2", spot=True)
    prices = {region: {"m0.large": Prices(0.5, 0.1)} for region in REGIONS}
    fleet = Fleet([steady, spot], prices)
    account = PLACE.account_id
    discounts = {**NO_DISCOUNTS, account: 0.25}

    assert charges(fleet, START_AT, discounts) == {
        (account, "On Demand Instances"): (9.0, 24.0),
        (account, "Spot Instances"): (0.05, 0.5),
    }
    bill = composed_bill(data, fleet, discounts)
    assert bill.days[:2] == (
        BilledUsage(account, START_AT, BilledAs.ON_DEMAND, 9.0, 24.0, estimated=False),
        BilledUsage(account, START_AT, BilledAs.SPOT, 0.05, 0.5, estimated=False),
    )
    assert sum(line.usd for line in bill.days) == pytest.approx(14 * 9.0 + 0.05)


@given(
    edges=st.lists(st.integers(0, 20_000), min_size=2, max_size=8, unique=True).map(sorted),
    interval=st.integers(1, 3000),
    phase=st.integers(0, 3000),
    window=st.tuples(st.integers(0, 20_000), st.integers(0, 20_000)).map(sorted),
)
def test_polling(edges, interval, phase, window):
    """Each poll inside the window that finds it running counts one interval."""
    runs = [run(a, b) for a, b in zip(edges[::2], edges[1::2], strict=False)]
    since, until = window
    polls = [t for t in range(phase % interval, 20_000, interval) if since <= t < until]
    hits = sum(any(r.start_at <= START_AT + t < r.end_at for r in runs) for t in polls)

    found = polled_seconds(life(*runs), START_AT + since, START_AT + until, interval, phase)

    assert sum(found.values()) == hits * interval


def test_no_real_bill_is_counted(data, monkeypatch):
    """The text says how many recorded amounts come with hours."""
    for kind in COUNTS:
        monkeypatch.setitem(COUNTS, kind, 2)

    text = " ".join(cost.section(data).paragraphs[0].split())

    assert "of 1 amounts in the public Cost Explorer answers, 1 are of EC2 compute" in text
    assert "and 0 of these come with a number of hours" in text


def test_ages_of_a_rate():
    """Each published day against the newest rate at least so old; days without one are left out."""
    rates = [(1, 1.0), (2, 1.1), (5, 1.21)]

    assert relative_changes(rates, 1) == pytest.approx([0.1, 0.1])
    assert relative_changes(rates, 4) == pytest.approx([0.21])
    assert relative_changes(rates, 5) == []


# Coverage


def test_grid_hours(data):
    """Hours without a row, an empty value or a missing quarter are unknown."""
    marked, unmarked, quarters = recorded_grid_hours(data)

    assert [grid.name for grid in (marked, unmarked, quarters)] == [
        "XA (electricitymaps)",
        "XB (ensembleci)",
        "XC (eirgrid)",
    ]
    assert [n for n, known in enumerate(marked.known) if not known] == [5, 30]
    assert [n for n, known in enumerate(marked.measured) if not known] == [5, 7, 8, 30]
    assert (len(unmarked.known), all(unmarked.measured), unmarked.estimated) == (216, True, ())
    assert [n for n, known in enumerate(quarters.known) if not known] == [10]


def test_cpu_hours(data):
    """Whole hours only; a long sample is one point, or spread over its span."""
    ec2, planetlab, sparse, spread = recorded_machines(data)

    assert [len(kind.hours) for kind in (ec2, planetlab, sparse, spread)] == [1, 2, 1, 1]
    points = [sum(p is not None for p in hour) for hour in ec2.hours[0]]
    # 14:27 is in the slot of 14:25, the broken first hour is left out: it holds seven points.
    assert (len(points), points[7], points[8], sum(points)) == (59, 9, 12, 59 * 12 - 3)
    assert {sum(p is not None for p in hour) for hour in sparse.hours[0]} == {6}
    assert {sum(p is not None for p in hour) for hour in spread.hours[0]} == {12}


def test_whole_hours():
    """Slots count from the epoch; the broken hours at both ends are left out."""
    assert whole_hours(dict.fromkeys(range(11, 25), 1.0)) == [[1.0] * 12]
    assert whole_hours({0: 1.0, 23: 2.0}) == [[1.0, *[None] * 11], [*[None] * 11, 2.0]]


FULL, ENOUGH, SHORT = ([1.0] * points + [None] * (12 - points) for points in (12, 10, 9))


def test_windows():
    """TAC is the share of machine hours with points and grid; the count says the same."""
    fleet = MeasuredFleet(
        Machines("made up", [[FULL] * HOURS, [ENOUGH] * 40 + [SHORT] * (HOURS - 40)])
    )
    grid = [False] * 4 + [True] * (HOURS - 4)

    (window,) = fleet.windows(grid)

    assert (fleet.agreeing, fleet.judged, fleet.shares) == (96, 96, [1.0, 40 / 48])
    assert window.ratios.both == pytest.approx((44 + 36) / 96)
    assert window.counted == pytest.approx((44 + 36) / 96)
    assert window.is_bounded


@pytest.mark.parametrize(
    ("lost", "cost_ratio", "carbon_ratio"),
    [("grid", 1, 0.5), ("cpu", 1, 0.5), ("price", 0.5, 1), ("runtime", 0.5, 0.5)],
)
def test_losses(lost, cost_ratio, carbon_ratio):
    """Half a window without one input leaves half of what rests on it, and half of TAC."""
    fleet = MeasuredFleet(Machines("made up", [[FULL] * HOURS]))

    (window,) = fleet.windows([True] * HOURS, Loss(lost, HOURS // 2))

    ratios = window.ratios
    assert (ratios.cost, ratios.carbon, ratios.both) == (cost_ratio, carbon_ratio, 0.5)
    assert window.counted == 0.5


def test_coverage_needs_two_days(data):
    """Series shorter than a window are an error that says so."""
    rows = rows_in(data, "cpu/nab/ec2_cpu_1.csv")[:100]
    write_rows(data / "cpu/nab/ec2_cpu_1.csv", list[dict[str, Any]](rows))

    with pytest.raises(DataError, match="less than 48 whole hours"):
        coverage.section(data)


def test_places():
    """The made-up accounts are distinct, each in a region with prices."""
    assert len({place.account_id for place in PLACES}) == len(PLACES) == 6
    assert {place.region for place in PLACES} == set(REGIONS)
    assert isinstance(PLACE, Place)
