"""The shipped region table."""

import re
from importlib import resources

import boto3
import pytest

from exporter.data.regions import AWS_GLOBAL_PUE, AWS_GLOBAL_PUE_YEAR, RegionFacts, load_regions

REGIONS = load_regions()


def test_known_rows():
    """A region with a published figure, and one without."""
    assert REGIONS["eu-central-1"] == RegionFacts(
        "eu-central-1", "Europe (Frankfurt)", "DE", 1.35, 2024
    )
    assert REGIONS["eu-west-2"] == RegionFacts("eu-west-2", "Europe (London)", "GB", None, None)


@pytest.mark.parametrize("facts", REGIONS.values(), ids=REGIONS)
def test_each_row_is_plausible(facts):
    """Names fit, zones look like zones, and a figure has its year, or neither is there."""
    assert REGIONS[facts.region] is facts
    assert re.fullmatch(r"[a-z]{2,4}(-[a-z]+)+-\d", facts.region)
    assert facts.name
    assert re.fullmatch(r"[A-Z]{2}(-[A-Z0-9]+)*", facts.grid_zone)
    assert (facts.published_pue is None) == (facts.pue_year is None)
    assert facts.published_pue is None or 1.0 < facts.published_pue < 2.0
    assert facts.pue_year is None or 2020 <= facts.pue_year <= 2026


def test_only_published_figures_are_shipped():
    """AWS publishes 22; no average stands in for the other 17."""
    published = [facts for facts in REGIONS.values() if facts.published_pue is not None]

    assert (len(REGIONS), len(published)) == (39, 22)


def test_every_commercial_region_of_the_sdk_is_known():
    """A new region shows up here when boto3 learns of it."""
    assert set(boto3.session.Session().get_available_regions("ec2", "aws")) <= set(REGIONS)


def test_regions_are_unique():
    """A second row of a region would silently win."""
    lines = resources.files("exporter.data").joinpath("regions.csv").read_text("utf-8")

    assert len(lines.splitlines()) == len(REGIONS) + 1


def test_global_average_is_for_advice():
    """The figure AWS gives for all its data centres together, and its year."""
    assert (AWS_GLOBAL_PUE, AWS_GLOBAL_PUE_YEAR) == (1.14, 2025)
