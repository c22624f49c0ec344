from string import ascii_uppercase

from tests.grafana.boards import Panel
from tests.grafana.cases import each_data_panel, each_panel


@each_data_panel
def test_queries_are_lettered(panel: Panel):
    """Overrides and transformations name them."""
    letters = [target.ref_id for target in panel.targets]
    assert letters, panel.place
    assert set(letters) <= set(ascii_uppercase), panel.place
    assert len(set(letters)) == len(letters), panel.place


@each_panel
def test_a_query_says_all_that_it_means(panel: Panel):
    """At an instant or over the range, never both; a legend; the text, not the builder."""
    for target in panel.targets:
        written, place = target.written, f"{panel.place} {target.ref_id}"
        assert target.expr.strip(), place
        assert {written.get("instant"), written.get("range")} == {True, False}, place
        assert written.get("editorMode") == "code", place
        assert written.get("legendFormat"), place
        assert written["legendFormat"] != "__auto", place
        assert not written.get("exemplar"), place


@each_data_panel
def test_a_table_is_of_an_instant(panel: Panel):
    """A row per series, not one per point."""
    if panel.kind == "table":
        for target in panel.targets:
            place = f"{panel.place} {target.ref_id}"
            assert target.written.get("format") == "table", place
            assert target.instant, place


@each_data_panel
def test_a_table_is_sorted_and_its_columns_are_named(panel: Panel):
    """Labels and Value #A are Prometheus' words, and its order is none; a matrix has its own."""
    if panel.kind == "table":
        done = {each["id"] for each in panel.written.get("transformations", ())}
        assert done, panel.place
        assert panel.options.get("sortBy") or done & {"sortBy", "groupingToMatrix"}, panel.place
