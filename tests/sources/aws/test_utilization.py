from datetime import UTC, datetime
from typing import Any

import boto3
import pytest
from moto import mock_aws

from exporter.core.evidence import CpuPoint, InstanceCpu, MeteredRun, PlaceCpu
from exporter.core.fleet import Place
from exporter.core.provenance import FailureReason, Scope, SourceName
from exporter.sources.aws.utilization import CloudWatchCpu
from exporter.sources.source import SourceError

PLACE = Place("111122223333", "eu-west-1")
END = 1_774_778_400.0  # a whole hour, so the end of a slot
NOW = END + 130.0
HOUR = 3600.0


class CloudWatch:
    """Answers by instance: values of the slots counted back from END, newest first."""

    def __init__(self, aws):
        self.aws = aws

    def prepare(self, **slots):
        """Prepare one answer."""
        results = [
            {
                "Id": f"i{number}",
                "Timestamps": [END - 300 * (1 + back) for back in slots[name]],
                "Values": [slots[name][back] for back in slots[name]],
            }
            for number, name in enumerate(sorted(slots))
        ]
        self.aws.json("GetMetricData", {"MetricDataResults": results})

    def asked_ids(self):
        """The instances of each call."""
        return [
            [
                query["MetricStat"]["Metric"]["Dimensions"][0]["Value"]
                for query in parameters["MetricDataQueries"]
            ]
            for parameters in self.aws.parameters("GetMetricData")
        ]


@pytest.fixture
def cloudwatch(aws):
    return CloudWatch(aws)


@pytest.fixture
def source(clients, account):
    def source(*running, ended=(), interval_seconds=900.0, now=NOW):
        metered = (*map(MeteredRun, running), *(MeteredRun(*run) for run in ended))
        return CloudWatchCpu(
            clients,
            account,
            "eu-west-1",
            metered=lambda: metered,
            interval_seconds=interval_seconds,
            wall=lambda: now,
        )

    return source


def entry(instance_id="a", launched_at=0.0, polled_at=NOW - 60, points=((END - 900, 5.0),)):
    return InstanceCpu(
        instance_id, launched_at, polled_at, END - 300, 3, tuple(CpuPoint(*p) for p in points)
    )


def known(*entries):
    return PlaceCpu(PLACE, entries)


def test_it_is_a_source(source):
    """The points are those of one place."""
    assert source().name is SourceName.CLOUDWATCH_CPU
    assert source().scope == Scope(*PLACE)


def test_nothing_runs(aws, source):
    """Without running instances nothing is asked and nothing is known."""
    assert source().fetch(known(entry())) == PlaceCpu(PLACE, ())
    assert aws.asked == []


def test_first_poll(cloudwatch, source, instance_of):
    """The window is the three newest complete slots; points come oldest first."""
    cloudwatch.prepare(a={0: 3.0, 1: 2.0, 2: 1.0, 3: 9.0}, b={})

    found = source(instance_of(instance_id="b"), instance_of(instance_id="a")).fetch(None)

    points = (CpuPoint(END - 900, 1.0), CpuPoint(END - 600, 2.0), CpuPoint(END - 300, 3.0))
    assert found == PlaceCpu(
        PLACE,
        (
            InstanceCpu("a", 0.0, NOW, END, 3, points),
            InstanceCpu("b", 0.0, NOW, END, 3, ()),
        ),
    )


@pytest.mark.parametrize(
    ("interval_seconds", "slots"),
    [
        (60.0, 3),
        (900.0, 3),
        (901.0, 4),
        (1800.0, 6),
        (3 * HOUR, 36),
        (15.9 * HOUR, 191),
        (24 * HOUR, 191),
    ],
)
def test_window_covers_the_interval(aws, cloudwatch, source, instance_of, interval_seconds, slots):
    """As many slots as the interval has, three at least, and never more than one page holds."""
    cloudwatch.prepare(a={})

    (found,) = (
        source(instance_of(instance_id="a"), interval_seconds=interval_seconds)
        .fetch(None)
        .instances
    )

    (asked,) = aws.parameters("GetMetricData")
    assert (found.window_slots, found.window_end_at) == (slots, END)
    assert asked["EndTime"] == END
    assert asked["StartTime"] == END - 300 * (slots + 1)
    assert 500 * (slots + 1) <= 100_800


@pytest.mark.parametrize(
    ("slots", "shifted", "kept"),
    [
        ({0: 1, 1: 2, 2: 3, 3: 4}, False, {0, 1, 2}),
        ({1: 2, 2: 3, 3: 4}, True, {1, 2, 3}),
        ({1: 2, 3: 4}, True, {1, 3}),
        ({1: 2}, True, {1}),
        ({2: 3, 3: 4}, False, {2}),
        ({0: 1, 2: 3, 3: 4}, False, {0, 2}),
        ({0: 1}, False, {0}),
        ({3: 4}, False, set()),
        ({4: 5, 5: 6}, False, set()),
        ({}, False, set()),
    ],
)
def test_late_publication_is_no_gap(cloudwatch, source, instance_of, slots, shifted, kept):
    """Where the newest slot is missing but not the one before, the window ends one earlier."""
    cloudwatch.prepare(a=slots)

    (found,) = source(instance_of(instance_id="a")).fetch(None).instances

    assert found.window_end_at == (END - 300 if shifted else END)
    assert {point.start_at for point in found.points} == {END - 300 * (1 + n) for n in kept}


def test_each_instance_has_its_own_window(cloudwatch, source, instance_of):
    """One late instance does not move the window of the others."""
    cloudwatch.prepare(a={0: 1.0, 1: 1.0}, b={1: 1.0, 2: 1.0})

    found = source(instance_of(instance_id="a"), instance_of(instance_id="b")).fetch(None)

    assert [entry.window_end_at for entry in found.instances] == [END, END - 300]


@pytest.mark.parametrize(
    ("launched_at", "kept"),
    [
        (END - 2 * HOUR, 3),
        (END - 600, 2),
        (END - 599, 2),
        (END - 500, 2),
        (END - 301, 2),
        (END - 300, 1),
        (END - 10, 1),
        (END + 1, 0),
    ],
)
def test_points_of_an_earlier_run_do_not_count(cloudwatch, source, instance_of, launched_at, kept):
    """A slot that was over before the launch is left out; the one of the launch stays."""
    cloudwatch.prepare(a={0: 1.0, 1: 2.0, 2: 3.0})

    (found,) = source(instance_of(instance_id="a", launched_at=launched_at)).fetch(None).instances

    assert len(found.points) == kept
    assert found.launched_at == launched_at


@pytest.mark.parametrize(
    ("previous", "launched_at", "due"),
    [
        (entry(polled_at=NOW + 600, launched_at=0.0), 0.0, True),
        (None, 0.0, True),
        (entry(polled_at=NOW - 60), 0.0, False),
        (entry(polled_at=NOW - 674), 0.0, False),
        (entry(polled_at=NOW - 675), 0.0, False),
        (entry(polled_at=NOW - 676), 0.0, True),
        (entry(polled_at=NOW - 60, launched_at=NOW - 9000), NOW - 30, True),
        (entry(polled_at=NOW - 300, launched_at=NOW - 1000), NOW - 1000, True),
        (entry(polled_at=NOW - 300, launched_at=NOW - 900), NOW - 900, True),
        (entry(polled_at=NOW - 300, launched_at=NOW - 899), NOW - 899, False),
        (entry(polled_at=NOW - 300, launched_at=NOW - 1200), NOW - 1200, False),
        (entry(polled_at=NOW - 300, launched_at=NOW - 1199), NOW - 1199, True),
    ],
    ids=[
        "clock set back",
        "new",
        "polled just now",
        "within three quarters",
        "at three quarters",
        "after three quarters",
        "started again",
        "was young",
        "just old enough",
        "still young",
        "was old enough",
        "was a second too young",
    ],
)
def test_what_is_due(cloudwatch, source, instance_of, previous, launched_at, due):
    """Each metric costs money: only what the last poll does not cover is asked for."""
    if due:
        cloudwatch.prepare(a={0: 1.0})
    fetched = source(instance_of(instance_id="a", launched_at=launched_at)).fetch(
        known(previous) if previous else None
    )

    assert cloudwatch.asked_ids() == ([["a"]] if due else [])
    (found,) = fetched.instances
    if not due:
        assert found == previous
    else:
        assert (found.polled_at, found.launched_at) == (NOW, launched_at)


def test_only_due_ones_are_asked(cloudwatch, source, instance_of):
    """The others keep their entries, those that no longer run are dropped."""
    cloudwatch.prepare(b={0: 1.0})
    instances = [instance_of(instance_id=name) for name in "cba"]
    kept = [entry("a"), entry("c")]

    found = source(*instances).fetch(known(*kept, entry("stopped")))

    assert cloudwatch.asked_ids() == [["b"]]
    assert [found.instances[0], found.instances[2]] == kept
    assert found.instances[1].instance_id == "b"


def test_nothing_is_due(aws, source, instance_of):
    """A refresh between two polls costs nothing."""
    assert source(instance_of(instance_id="a")).fetch(known(entry("a"))) == known(entry("a"))
    assert aws.asked == []


OLD_POLL = NOW - 2000


@pytest.mark.parametrize(
    ("previous", "launches", "refused"),
    [
        ({"a": True}, {"a": 0.0}, True),
        ({"a": True, "b": True}, {"a": 0.0, "b": 0.0}, True),
        ({"a": True, "b": False}, {"a": 0.0, "b": 0.0}, True),
        ({"a": False}, {"a": 0.0}, False),
        ({}, {"a": 0.0}, False),
        ({"b": True}, {"a": 0.0}, False),
        ({"a": True}, {"a": NOW - 600}, False),
        ({"a": True, "b": False}, {"a": NOW - 600, "b": 0.0}, False),
    ],
    ids=[
        "lost",
        "all lost",
        "one had points",
        "never had any",
        "nothing known",
        "another had them",
        "too young again",
        "only the young one had them",
    ],
)
def test_silence(cloudwatch, source, instance_of, previous, launches, refused):
    """Points that vanish everywhere at once mean old data, not idle instances."""
    cloudwatch.prepare(**{name: {} for name in launches})
    entries = [
        entry(name, polled_at=OLD_POLL, points=((END - 900, 1.0),) if had else ())
        for name, had in previous.items()
    ]
    instances = [instance_of(instance_id=n, launched_at=at) for n, at in launches.items()]

    if refused:
        with pytest.raises(SourceError) as caught:
            source(*instances).fetch(known(*entries))
        assert caught.value.reason is FailureReason.NO_RECENT_DATA
        assert "eu-west-1" in caught.value.detail
    else:
        found = source(*instances).fetch(known(*entries))
        assert all(not entry.points for entry in found.instances)


def test_one_point_anywhere_ends_the_silence(cloudwatch, source, instance_of):
    """An instance without points among others with points is just that: unknown."""
    cloudwatch.prepare(a={}, b={0: 1.0})
    previous = known(entry("a", polled_at=OLD_POLL), entry("b", polled_at=OLD_POLL))

    found = source(instance_of(instance_id="a"), instance_of(instance_id="b")).fetch(previous)

    assert [len(entry.points) for entry in found.instances] == [0, 1]


def test_points_outside_the_window_are_silence(cloudwatch, source, instance_of):
    """An upstream that repeats old points has none that are recent."""
    cloudwatch.prepare(a={20: 1.0, 21: 1.0})

    with pytest.raises(SourceError) as caught:
        source(instance_of(instance_id="a")).fetch(known(entry("a", polled_at=OLD_POLL)))

    assert caught.value.reason is FailureReason.NO_RECENT_DATA


def test_emulated_metrics(clients, account, instance_of):
    """Against an emulated CloudWatch: averages of what was put, by slot and instance."""
    end = datetime.now(UTC).timestamp() // 300 * 300
    with mock_aws():
        cloudwatch: Any = boto3.client("cloudwatch", "eu-west-1")
        for name, slot, values in (("i-a", 1, (10, 30)), ("i-a", 2, (4, 4)), ("i-b", 1, (0, 0))):
            cloudwatch.put_metric_data(
                Namespace="AWS/EC2",
                MetricData=[
                    {
                        "MetricName": "CPUUtilization",
                        "Dimensions": [{"Name": "InstanceId", "Value": name}],
                        "Timestamp": datetime.fromtimestamp(end - 300 * slot + at, UTC),
                        "Value": value,
                    }
                    for at, value in zip((10, 200), values, strict=True)
                ],
            )
        source = CloudWatchCpu(
            clients,
            account,
            "eu-west-1",
            metered=lambda: tuple(
                MeteredRun(instance_of(instance_id=name)) for name in ("i-a", "i-b", "i-c")
            ),
            interval_seconds=900.0,
            wall=lambda: end + 1,
        )
        found = source.fetch(None)

    assert {entry.instance_id: entry.points for entry in found.instances} == {
        "i-a": (CpuPoint(end - 600, 4.0), CpuPoint(end - 300, 20.0)),
        "i-b": (CpuPoint(end - 300, 0.0),),
        "i-c": (),
    }


def test_an_outage_loses_no_points(aws, cloudwatch, source, instance_of):
    """After two hours of silence everything since the last poll is asked for and kept."""
    points = (CpuPoint(END - 2 * HOUR - 300, 7.0),)
    before = InstanceCpu("a", 0.0, NOW - 2 * HOUR, END - 2 * HOUR, 3, points)
    cloudwatch.prepare(a=dict.fromkeys(range(30), 7.0))

    (found,) = source(instance_of(instance_id="a")).fetch(known(before)).instances

    (asked,) = aws.parameters("GetMetricData")
    assert asked["StartTime"] == END - 2 * HOUR
    assert len(found.points) == 24
    assert [point.start_at for point in found.window_points] == [END - 900, END - 600, END - 300]


def test_a_long_outage_still_fits_one_page(aws, cloudwatch, source, instance_of):
    """What is older than 16 hours is given up: a second page would be billed again."""
    before = InstanceCpu("a", 0.0, NOW - 90 * HOUR, END - 90 * HOUR, 3, ())
    cloudwatch.prepare(a={0: 7.0, 1: 7.0, 2: 7.0})

    source(instance_of(instance_id="a")).fetch(known(before))

    (asked,) = aws.parameters("GetMetricData")
    assert asked["StartTime"] == END - 16 * HOUR


def test_one_question_for_two_runs(cloudwatch, source, instance_of):
    """An instance that was stopped and started again is one metric, and has an entry per run."""
    before = entry(polled_at=NOW - 1200, points=((END - 1500, 1.0),))
    again = instance_of(instance_id="a", launched_at=END - 700)
    stopped = (instance_of(instance_id="a"), END - 1100)
    cloudwatch.prepare(a={1: 4.0, 2: 3.0, 3: 2.0, 4: 1.0})

    found = source(again, ended=[stopped]).fetch(known(before))

    assert cloudwatch.asked_ids() == [["a"]]
    assert found.instances == (
        InstanceCpu(
            "a", 0.0, NOW, END - 900, 3, (CpuPoint(END - 1500, 1.0), CpuPoint(END - 1200, 2.0))
        ),
        InstanceCpu(
            "a", END - 700, NOW, END - 300, 3, (CpuPoint(END - 900, 3.0), CpuPoint(END - 600, 4.0))
        ),
    )


def test_a_run_that_is_over_is_asked_about_once_more(cloudwatch, source, instance_of):
    """Its last points are read once; then its entry stays for as long as it is metered."""
    gone = instance_of(instance_id="a")
    before = known(entry("a", polled_at=NOW - 1000, points=((END - 1200, 1.0),)))
    cloudwatch.prepare(a={2: 8.0, 3: 9.0})

    last = source(ended=[(gone, END - 700)]).fetch(before)
    later = source(ended=[(gone, END - 700)], now=NOW + 9000).fetch(last)

    assert cloudwatch.asked_ids() == [["a"]]
    points = (CpuPoint(END - 1200, 9.0), CpuPoint(END - 900, 8.0))
    assert last == later == known(InstanceCpu("a", 0.0, NOW, END - 600, 3, points))
    assert source(now=NOW + 9900).fetch(later) == known()


def test_silence_of_runs_that_are_over(cloudwatch, source, instance_of):
    """What was not running need not have points: no number of such runs is suspicious."""
    names = "abcd"
    cloudwatch.prepare(**{name: {} for name in names})
    ended = [(instance_of(instance_id=name), END - 700) for name in names]
    before = [entry(name, polled_at=OLD_POLL) for name in names]
    changed = [InstanceCpu(e.instance_id, 0.0, OLD_POLL, END - 1800, 3, e.points) for e in before]

    found = source(ended=ended).fetch(known(*changed))

    assert [(e.instance_id, e.points) for e in found.instances] == [(name, ()) for name in names]


def test_runs_that_are_over_do_not_break_the_silence(cloudwatch, source, instance_of):
    """The last points of a stopped instance do not show that CloudWatch is up to date."""
    cloudwatch.prepare(a={}, b={3: 1.0})
    before = known(entry("a", polled_at=OLD_POLL))

    with pytest.raises(SourceError) as caught:
        source(
            instance_of(instance_id="a"), ended=[(instance_of(instance_id="b"), END - 800)]
        ).fetch(before)

    assert caught.value.reason is FailureReason.NO_RECENT_DATA


def test_a_run_nobody_can_tell_of_has_no_entry(aws, source, instance_of):
    """A run that has just ended, or ended too long ago, and was never polled is not made up."""
    ended = [(instance_of(instance_id="a"), NOW - 60), (instance_of(instance_id="b"), NOW - 90000)]

    assert source(ended=ended).fetch(None) == known()
    assert aws.asked == []
