import pytest

from tests.prometheus.nesting import Call, Read, reads


def call(name: str, mode: str = "", *labels: str) -> Call:
    return Call(name, mode, frozenset(labels))


def test_calls_and_ranges_are_found_from_the_inside_out():
    """Groupings before the brackets, subqueries around them, joins beside them."""
    found = reads("""
        sum by (job) (
            max without (instance) (rate(carbonfinops_a_total{job="x"}[4m]))
          * on (job) group_left (name) carbonfinops_b{job="x"}
        )
        and (max_over_time((level:c:sum{job="x"} > 0)[7d:1h]) unless (up{job="x"} == 0))
    """)

    assert found == [
        Read(
            "carbonfinops_a_total",
            (call("rate"), call("max", "without", "instance"), call("sum", "by", "job")),
            ("4m",),
        ),
        Read("carbonfinops_b", (call("sum", "by", "job"),), ()),
        Read("level:c:sum", (call("max_over_time"),), ("7d:1h",), filters=True),
        Read("up", (), (), filters=True),
    ]
    assert [each.name for each in found[0].aggregations] == ["max", "sum"]


@pytest.mark.parametrize(
    ("expression", "once"),
    [
        ('max without (instance) (a{job="x"})', True),
        ('max by (region) (a{job="x"})', True),
        ('max by (instance) (a{job="x"})', False),
        ('max without (region) (a{job="x"})', False),
        ('sum without (instance) (a{job="x"})', False),
        ('max(a{job="x"})', True),
    ],
)
def test_replicas_count_once_after_a_largest_that_drops_their_label(expression: str, *, once: bool):
    """A sum counts both, and so does a largest of each."""
    (read,) = reads(expression)

    assert read.calls[0].drops_replicas is once


@pytest.mark.parametrize(
    ("expression", "filters"),
    [
        ('a{job="x"} and on (region) b{job="x"}', [False, True]),
        ('a{job="x"} unless (last_over_time(b{job="x"}[1d]) > 0)', [False, True]),
        ('a{job="x"} and (sum(b{job="x"}) > 0 or c{job="x"})', [False, True, True]),
        ('a{job="x"} and on () topk(1, b{job="x"}) or c{job="x"}', [False, False, False]),
    ],
)
def test_what_is_only_looked_for_is_told_apart(expression: str, filters: list[bool]):
    """Unless the largest are picked first: both may be of one instance, seen by two replicas."""
    assert [each.filters for each in reads(expression)] == filters


def test_a_grouping_after_the_brackets_is_refused():
    """It would be taken for one that is not there."""
    with pytest.raises(ValueError, match=r"write by \(...\) before what it groups"):
        reads('sum(a{job="x"}) by (region)')
