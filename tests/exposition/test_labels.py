import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client.parser import text_string_to_metric_families

from exporter.exposition.labels import escaped, extended, label_set


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("plain", "plain"),
        ("", ""),
        ('say "hi"', 'say \\"hi\\"'),
        ("C:\\temp", "C:\\\\temp"),
        ("two\nlines", "two\\nlines"),
        ('\\"\n', '\\\\\\"\\n'),
        ("Grüße \N{SEEDLING}", "Grüße \N{SEEDLING}"),
        ("broken \ud800 pair", "broken ? pair"),
    ],
)
def test_escaped(text: str, expected: str) -> None:
    """Backslash, quote and newline are escaped; a lone surrogate is replaced."""
    assert escaped(text) == expected


def test_label_set_keeps_the_order_given() -> None:
    """Labels come in the order of their names."""
    assert label_set(("b", "a"), ("1", "2")) == '{b="1",a="2"}'


def test_no_labels_are_no_braces() -> None:
    """A metric without labels is its bare name."""
    assert label_set((), ()) == ""


@given(st.lists(st.text(st.characters(exclude_categories=["Cs"])), min_size=1, max_size=4))
def test_any_text_survives_a_round_trip(texts: list[str]) -> None:
    """Whatever users write into tags, a parser reads it back."""
    names = [f"label_{number}" for number in range(len(texts))]
    line = f"metric{label_set(names, texts)} 1\n"
    (family,) = text_string_to_metric_families(line)
    assert family.samples[0].labels == dict(zip(names, texts, strict=True))


def test_an_extended_label_set_is_that_of_all_labels() -> None:
    """Adding labels to rendered ones gives what rendering them together gives."""
    names, values = ("a", "b", "c"), ("1", 'say "2"', "}")
    assert extended(label_set(names[:1], values[:1]), names[1:], values[1:]) == label_set(
        names, values
    )
