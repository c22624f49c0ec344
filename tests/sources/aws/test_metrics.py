import math

import pytest

from exporter.core.provenance import FailureReason
from exporter.sources.aws.endpoint import Endpoint
from exporter.sources.aws.metrics import CpuMetrics
from exporter.sources.source import SourceError

END = 1_774_778_400.0  # a whole hour
START = END - 1200


def result(number, *points, **more):
    return {
        "Id": f"i{number}",
        "Label": "CPUUtilization",
        "Timestamps": [at for at, _ in points],
        "Values": [value for _, value in points],
        "StatusCode": "Complete",
        **more,
    }


def answer(*results, **more):
    return {"MetricDataResults": list(results), "Messages": [], **more}


@pytest.fixture
def metrics(clients, account):
    return CpuMetrics(Endpoint(clients, "cloudwatch", "eu-west-1", account), threads=4)


def test_question(aws, metrics):
    """One query per instance: its average CPU by five minutes, between the two instants."""
    aws.json("GetMetricData", answer(result(0), result(1)))

    metrics.utilization_percent(["i-a", "i-b"], START, END)

    (asked,) = aws.parameters("GetMetricData")
    assert (asked["StartTime"], asked["EndTime"]) == (START, END)
    first, second = asked["MetricDataQueries"]
    assert first["MetricStat"] == {
        "Metric": {
            "Namespace": "AWS/EC2",
            "MetricName": "CPUUtilization",
            "Dimensions": [{"Name": "InstanceId", "Value": "i-a"}],
        },
        "Period": 300,
        "Stat": "Average",
    }
    assert second["MetricStat"]["Metric"]["Dimensions"][0]["Value"] == "i-b"
    assert first["Id"] != second["Id"]
    assert first["Id"][0].islower()


def test_points_belong_to_their_instances(aws, metrics):
    """Newest first or not, each value lands in the slot and the instance it is for."""
    aws.json(
        "GetMetricData",
        answer(result(1, (END - 300, 7.5), (END - 600, 2)), result(0, (END - 600, 0.0))),
    )

    assert metrics.utilization_percent(["i-a", "i-b"], START, END) == {
        "i-a": {END - 600: 0.0},
        "i-b": {END - 600: 2.0, END - 300: 7.5},
    }


def test_pages_are_joined(aws, metrics):
    """Partial data goes on on the next page, also for an instance that was begun."""
    aws.json(
        "GetMetricData",
        answer(result(0, (END - 300, 1.0), StatusCode="PartialData"), NextToken="more"),
        answer(result(0, (END - 600, 2.0)), result(1, (END - 300, 3.0))),
    )

    assert metrics.utilization_percent(["i-a", "i-b"], START, END) == {
        "i-a": {END - 300: 1.0, END - 600: 2.0},
        "i-b": {END - 300: 3.0},
    }


def test_without_data_is_empty(aws, metrics):
    """An instance without points, or without any result, is there with nothing: unknown."""
    aws.json("GetMetricData", answer(result(0)))

    assert metrics.utilization_percent(["i-a", "i-b"], START, END) == {"i-a": {}, "i-b": {}}


@pytest.mark.parametrize(
    ("instances", "sizes"),
    [
        (0, []),
        (1, [1]),
        (500, [500]),
        (501, [500, 1]),
        (1000, [500, 500]),
        (1200, [500, 500, 200]),
    ],
)
def test_five_hundred_metrics_a_call(aws, metrics, observer, instances, sizes):
    """Exactly as many calls as needed, and each metric is asked and billed once."""
    aws.json("GetMetricData", *[answer()] * len(sizes))
    ids = [f"i-{number:05}" for number in range(instances)]

    found = metrics.utilization_percent(ids, START, END)

    asked = [parameters["MetricDataQueries"] for parameters in aws.parameters("GetMetricData")]
    names = [
        query["MetricStat"]["Metric"]["Dimensions"][0]["Value"]
        for queries in asked
        for query in queries
    ]
    assert sorted(len(queries) for queries in asked) == sorted(sizes)
    assert sorted(names) == ids == sorted(found)
    assert math.fsum(usd for _, usd in observer.spent) == pytest.approx(instances * 0.00001)


@pytest.mark.parametrize("nonsense", ["NaN", "Infinity", -0.1, -1e9, 200.1, 1e300])
def test_nonsense_is_dropped(aws, metrics, nonsense):
    """A value that is no percentage of a processor is no data; a little above 100 is."""
    aws.json("GetMetricData", answer(result(0, (END - 300, nonsense), (END - 600, 104.5))))

    assert metrics.utilization_percent(["i-a"], START, END) == {"i-a": {END - 600: 104.5}}


@pytest.mark.parametrize("nonsense", ["NaN", -1.0, 1e9])
def test_nothing_but_nonsense_is_malformed(aws, metrics, nonsense):
    """When not one value can be used, the answer is broken rather than the fleet idle."""
    aws.json(
        "GetMetricData", answer(result(0, (END - 300, nonsense)), result(1, (END - 300, nonsense)))
    )

    with pytest.raises(SourceError, match="no value is a percentage") as caught:
        metrics.utilization_percent(["i-a", "i-b"], START, END)

    assert caught.value.reason is FailureReason.MALFORMED


def test_the_running_slot_is_ignored(aws, metrics):
    """A point of a slot that is not over yet still changes."""
    aws.json("GetMetricData", answer(result(0, (END, 50.0), (END + 300, 50.0))))

    assert metrics.utilization_percent(["i-a"], START, END) == {"i-a": {}}


def test_instants_are_those_of_their_slots(aws, metrics):
    """Whatever second of a slot a point carries, it is that slot's."""
    aws.json("GetMetricData", answer(result(0, (END - 1, 1.0), (END - 301.5, 2.0))))

    assert metrics.utilization_percent(["i-a"], START, END) == {
        "i-a": {END - 300: 1.0, END - 600: 2.0}
    }


@pytest.mark.parametrize(
    "broken",
    [
        {},
        {"MetricDataResults": "x"},
        answer(result(7, (END - 300, 1.0))),
        answer({"Id": "other", "Timestamps": [], "Values": []}),
        answer({"Timestamps": [], "Values": []}),
        answer(result(0, Values=[1.0])),
        answer(result(0, (END - 300, None))),
        answer(result(0, (END - 300, "much"))),
        answer(result(0, (END - 300, {"a": 1}))),
        answer(result(0, ("yesterday", 1.0))),
        answer({"Id": "i0"}),
    ],
    ids=range(11),
)
def test_broken_answers_are_malformed(aws, metrics, broken):
    """Fields that are missing, of another type, or not asked for make the answer unusable."""
    aws.json("GetMetricData", broken)

    with pytest.raises(SourceError) as caught:
        metrics.utilization_percent(["i-a"], START, END)

    assert caught.value.reason is FailureReason.MALFORMED
    assert "cloudwatch get_metric_data in eu-west-1 as 111122223333" in caught.value.detail


@pytest.mark.parametrize(
    ("status", "reason"),
    [("InternalError", FailureReason.UNAVAILABLE), ("Forbidden", FailureReason.DENIED)],
)
def test_failed_metrics_fail(aws, metrics, status, reason):
    """A metric that CloudWatch could not or would not read is not one without data."""
    aws.json("GetMetricData", answer(result(0, StatusCode=status)))

    with pytest.raises(SourceError) as caught:
        metrics.utilization_percent(["i-a"], START, END)

    assert caught.value.reason is reason


def test_one_failing_batch_fails_all(aws, metrics):
    """A fleet half of which was polled must not look complete."""
    aws.json("GetMetricData", answer())
    aws.json_error("GetMetricData", "AccessDenied", 403)
    aws.json("GetMetricData", answer())

    with pytest.raises(SourceError, match="allow cloudwatch:GetMetricData"):
        metrics.utilization_percent([f"i-{number}" for number in range(1001)], START, END)
