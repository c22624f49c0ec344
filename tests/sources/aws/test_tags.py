import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.sources.aws.tags import TagLabels


@pytest.mark.parametrize(
    ("asked", "tags", "found"),
    [
        ("team", {"team": "a"}, "a"),
        ("team", {"Team": "a"}, "a"),
        ("Team", {"TEAM": "a"}, "a"),
        ("cost_center", {"Cost-Center": "a"}, "a"),
        ("cost-center", {"COST_CENTER": "a"}, "a"),
        ("team", {"Team": "loose", "team": "exact"}, "exact"),
        ("Team", {"Team": "exact", "team": "loose"}, "exact"),
        ("team", {"Team": "second", "TEAM": "first"}, "first"),
        ("team", {"team": ""}, ""),
        ("team", {"Team": "loose", "team": ""}, ""),
        ("team", {"teams": "a"}, None),
        ("team", {"team ": "a"}, None),
        ("cost center", {"cost-center": "a"}, None),
        ("team", {}, None),
        ("stra\u00dfe", {"STRASSE": "a"}, "a"),
    ],
)
def test_keys_match_loosely_but_exactly_first(asked, tags, found):
    """Case, minus and underscore do not matter, unless the very key is there."""
    expected = () if found is None else (("label", found),)

    assert TagLabels({"label": asked}).of(tags) == expected


def test_labels_are_sorted_and_several_may_share_a_tag():
    """The order of the settings does not matter."""
    labels = TagLabels({"team": "Owner", "environment": "env", "owner": "Owner"})

    assert labels.of({"owner": "red", "Env": "prod", "other": "x"}) == (
        ("environment", "prod"),
        ("owner", "red"),
        ("team", "red"),
    )


@given(tags=st.dictionaries(st.text(min_size=1, max_size=128), st.text(max_size=256), max_size=50))
def test_values_are_never_changed(tags):
    """Every value found is one of the instance's own, whatever characters it is made of."""
    labels = {f"l{number}": key for number, key in enumerate(tags)}

    assert dict(TagLabels(labels).of(tags)) == {label: tags[key] for label, key in labels.items()}
