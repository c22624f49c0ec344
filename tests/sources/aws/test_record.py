from datetime import UTC, datetime

import pytest

from exporter.core.provenance import FailureReason
from exporter.sources.aws.record import Record
from exporter.sources.source import SourceError

FIELDS = {
    "Name": "web",
    "Empty": "",
    "Count": 2,
    "On": True,
    "At": datetime(2026, 3, 29, 10, tzinfo=UTC),
    "List": [{"Id": "a"}, {"Id": "b"}],
    "Map": {"x": {"Id": "c"}},
    "Wrapped": {"value": "web"},
    "Nothing": None,
}


@pytest.fixture
def record():
    return Record(FIELDS, "list things in eu-west-1")


def test_fields_are_read_by_name(record):
    """Fields of the right type come back as they are; instants as epoch seconds."""
    assert record.text("Name") == "web"
    assert record.attribute("Name") == record.attribute("Wrapped") == "web"
    assert record.whole("Count") == 2
    assert record.optional_flag("On")
    assert record.instant("At") == 1774778400.0
    assert [part.text("Id") for part in record.parts("List")] == ["a", "b"]
    assert record.part("Map").part("x").text("Id") == "c"
    assert [part.text("Id") for part in record.named_parts("Map")] == ["c"]


def test_absent_optional_fields_are_empty(record):
    """What AWS leaves out is empty where it may be left out."""
    for name in ("Nothing", "Unheard"):
        assert not record.has(name)
        assert record.optional_text(name) == ""
        assert record.attribute(name) == record.attribute("Map") == ""
        assert not record.optional_flag(name)
        assert record.optional_parts(name) == []
        assert record.named_parts(name) == []
        assert not record.part(name).has("anything")


@pytest.mark.parametrize(
    ("read", "problem"),
    [
        (lambda r: r.text("Unheard"), "Unheard is missing"),
        (lambda r: r.text("Nothing"), "Nothing is missing"),
        (lambda r: r.text("Empty"), "Empty is empty"),
        (lambda r: r.text("Count"), "Count is not of type str"),
        (lambda r: r.optional_text("Count"), "Count is not of type str"),
        (lambda r: r.attribute("Count"), "Count is not of type str"),
        (lambda r: r.whole("Name"), "Name is not of type int"),
        (lambda r: r.optional_flag("Name"), "Name is not of type bool"),
        (lambda r: r.instant("Name"), "Name is not of type datetime"),
        (lambda r: r.values("Name"), "Name is not of type list"),
        (lambda r: r.parts("Unheard"), "Unheard is missing"),
        (lambda r: r.part("Name"), "Name is not a structure"),
        (lambda r: r.part("Map").part("x").text("Key"), "Map.x.Key is missing"),
        (lambda r: r.parts("List")[0].text("Key"), "List.Key is missing"),
    ],
)
def test_misfits_are_malformed(record, read, problem):
    """A missing or ill-typed field names itself, where it was, and what was asked."""
    with pytest.raises(SourceError) as caught:
        read(record)

    assert caught.value.reason is FailureReason.MALFORMED
    assert caught.value.detail == f"list things in eu-west-1: unusable answer: {problem}"


@pytest.mark.parametrize("fields", [None, [], "text", 7])
def test_only_structures_are_records(fields):
    """Anything but a structure is malformed at once."""
    with pytest.raises(SourceError, match="not a structure"):
        Record(fields, "list things")
