import json
from pathlib import Path

import pytest

from tests.grafana.boards import FOLDER, NAMES
from tests.grafana.canonical import canonical

FILES = sorted(FOLDER.glob("*.json"))
SMALL = Path("small.json")


def panel(title: str, x: int, y: int, **more: object) -> dict[str, object]:
    return {"title": title, "gridPos": {"x": x, "y": y}, **more}


def written(**parts: object) -> str:
    return json.dumps({"panels": [], **parts})


def test_there_are_five_dashboards():
    """Links, alerts and documents name them."""
    assert {path.stem for path in FILES} == set(NAMES)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_a_file_is_canonical(path: Path):
    """A difference in a file is a difference in Grafana."""
    text = path.read_text(encoding="utf-8")

    assert text == canonical(path, text), f"run: python -m tests.grafana.canonical ({path.name})"


def test_what_belongs_to_a_server_goes():
    """An export has the number, the versions and the values of where it comes from."""
    exported = written(
        id=7,
        version=3,
        uid="copy",
        title="A copy",
        editable=True,
        __inputs=[],
        panels=[panel("A", 0, 0, id=12, pluginVersion="12.0.1", version="a column")],
        annotations={"list": [{"builtIn": 1, "name": "Annotations & Alerts"}]},
        templating={"list": [{"name": "region", "type": "query", "options": [{"value": "x"}]}]},
    )
    found = json.loads(canonical(SMALL, exported))

    assert (found["id"], found["uid"], found["title"]) == (
        None,
        "carbonfinops-small",
        "CarbonFinOps / Small",
    )
    assert not {"version", "__inputs"} & set(found)
    assert found["editable"] is False
    assert found["panels"] == [panel("A", 0, 0, id=1, version="a column")]
    assert found["annotations"] == {"list": []}
    assert found["templating"] == {"list": [{"name": "region", "type": "query"}]}


def test_panels_are_numbered_as_they_are_read():
    """By line, then by column; those of a closed row after it."""
    closed = panel("Row", 0, 9, panels=[panel("D", 12, 10), panel("C", 0, 10)])
    text = canonical(SMALL, written(panels=[closed, panel("B", 12, 0), panel("A", 0, 0)]))
    found = json.loads(text)["panels"]

    inner = found[2]["panels"]
    assert [(each["title"], each["id"]) for each in (*found, *inner)] == [
        ("A", 1),
        ("B", 2),
        ("Row", 3),
        ("C", 4),
        ("D", 5),
    ]
    assert canonical(SMALL, text) == text


def test_annotations_follow_the_panels_that_they_are_for():
    """A filter names panels by their numbers."""
    panels = [panel("B", 12, 0, id=4), panel("A", 0, 0, id=9)]
    filtered = {"name": "Alerts", "filter": {"exclude": False, "ids": [4, 12]}}
    text = canonical(SMALL, written(panels=panels, annotations={"list": [filtered]}))

    (annotation,) = json.loads(text)["annotations"]["list"]
    assert annotation["filter"]["ids"] == [2]
    assert canonical(SMALL, text) == text


def test_a_key_that_stands_twice_is_refused():
    """One of both would be lost without a word."""
    with pytest.raises(ValueError, match="stands twice: title"):
        canonical(SMALL, '{"panels": [{"title": "A", "title": "B"}]}')
