from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.exposition.tags import OVERFLOW, fold, tag_label_names


@pytest.mark.parametrize(
    ("values", "limit", "expected", "overflowed"),
    [
        ([], 2, [], 0),
        (["a", "b"], 2, ["a", "b"], 0),
        (["a", "", "b"], 2, ["a", "", "b"], 0),
        (["a", "b", "b", "c"], 2, ["a", "b", "b", OVERFLOW], 1),
        (["c", "a", "b"], 2, [OVERFLOW, "a", "b"], 1),
        (["a", "a", "b", "b", "", ""], 1, ["a", "a", OVERFLOW, OVERFLOW, "", ""], 2),
    ],
)
def test_fold(values: list[str], limit: int, expected: list[str], overflowed: int) -> None:
    """The most frequent values stay, ties by name; the missing tag always stays."""
    assert fold(values, limit) == (expected, overflowed)


@given(st.lists(st.sampled_from(["", *"abcdefgh"])), st.integers(1, 9))
def test_fold_bounds_the_distinct_values(values: list[str], limit: int) -> None:
    """At most the limit of values remains, whatever the order, and all others are counted."""
    folded, overflowed = fold(values, limit)
    assert len(set(folded) - {"", OVERFLOW}) <= limit
    assert Counter(folded)[OVERFLOW] == overflowed
    assert all(new in (old, OVERFLOW) for old, new in zip(values, folded, strict=True))
    backwards, _ = fold(values[::-1], limit)
    assert list(backwards)[::-1] == list(folded)


def test_canonical_tags_come_first_and_once() -> None:
    """Rules rely on the canonical labels; further ones follow in the order of the setting."""
    assert tag_label_names(("stage", "team")) == (
        "team",
        "environment",
        "service",
        "cost_center",
        "stage",
    )


@pytest.mark.parametrize("label", ["", "cost-center", "a b", "ä", 'x"'])
def test_an_invalid_label_is_refused(label: str) -> None:
    """A label that Prometheus would not take is named at start."""
    with pytest.raises(ValueError, match="tag label"):
        tag_label_names((label,))
