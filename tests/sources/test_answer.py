"""Fields of a JSON answer."""

import math

import pytest

from exporter.core.provenance import FailureReason
from exporter.sources.answer import member, number, optional, text
from exporter.sources.source import SourceError


@pytest.mark.parametrize("document", [{}, {"a": None}, {"a": {}}, {"a": []}, [], "a", None, 1])
def test_missing_member_names_how_far_the_path_goes(document):
    """Whatever stands in the way, the error is malformed and names a part of the path."""
    with pytest.raises(SourceError, match=r"has no a(\.b)?$") as caught:
        member(document, "a", "b")

    assert caught.value.reason is FailureReason.MALFORMED


@pytest.mark.parametrize(
    "value", [0, -1, 10.001, 10**400, -(10**400), math.nan, math.inf, True, "5", None, [5], {}]
)
def test_number_outside_its_limits_is_malformed(value):
    """Also what only looks like a number, and integers that no float can hold."""
    with pytest.raises(SourceError, match=r"^malformed: a"):
        number({"a": value}, "a", above=0, up_to=10)


@pytest.mark.parametrize("value", [1, 10, 0.001, 5.5])
def test_number_inside_its_limits_is_a_float(value):
    """The upper limit belongs to the range, the lower does not."""
    found = number({"a": {"b": value}}, "a", "b", above=0, up_to=10)

    assert found == value
    assert isinstance(found, float)


@pytest.mark.parametrize("value", ["", "a\nb", "é", "\ud800", "x" * 101, 5, None, ["a"]])
def test_text_that_cannot_be_a_label_is_malformed(value):
    """Empty, long, not printable, not ASCII or not a text."""
    with pytest.raises(SourceError, match=r"^malformed: a"):
        text({"a": value}, "a")


def test_optional_takes_missing_for_none():
    """Also where there is no object at all."""
    assert optional({"a": 1}, "a") == 1
    assert optional({}, "a") is None
    assert optional(None, "a") is None
