import pytest

from tests.prometheus.promql import Selector, usage


def test_metrics_labels_and_new_labels_are_found():
    """Also inside of functions, joins, subqueries and comments."""
    used = usage("""
        sum without (region) (  # not: count by (nothing)
            max_over_time(carbonfinops_a{job="x",zone!~"a|b{2}"}[1h] offset 23h30m)
          * on (job) group_left (tag_team) label_replace(level:b:sum{job='x'}, "day", "1", "", "")
        )[7d:1h] > bool 1.5e3 and on () count_values("month", month(vector(time() - 3600)))
    """)

    assert used.selectors == (
        Selector("carbonfinops_a", {"job": ("=", "x"), "zone": ("!~", "a|b{2}")}),
        Selector("level:b:sum", {"job": ("=", "x")}),
    )
    assert used.grouped == {"region", "job", "tag_team"}
    assert used.made_up == {"day", "month"}


def test_a_metric_without_matchers_is_refused():
    """It would read every job, and a misspelt function would pass for one."""
    with pytest.raises(ValueError, match="carbonfinops_a is selected without matchers"):
        usage("sum(carbonfinops_a) / 2")
