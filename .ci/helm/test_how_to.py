"""The values that the how-tos show."""

import re

import pytest
import yaml
from chart import ROOT, Helm
from exporter.exposition.web_config import KEYS

PAGE = "".join((ROOT / f"docs/how-to/{n}.md").read_text() for n in ("kubernetes", "behind-a-proxy"))
BLOCKS = re.findall(r"^```yaml\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
VALUES = [block for block in BLOCKS if block.startswith("# values.yaml\n")]


@pytest.mark.parametrize("block", VALUES, ids=range(len(VALUES)))
def test_values_are_taken(helm: Helm, block: str) -> None:
    """Each can be installed as it stands."""
    assert helm.objects(yaml.safe_load(block), release="carbonfinops-exporter")


def test_names_are_those_that_the_page_speaks_of(helm: Helm) -> None:
    """Installed as it says, what it tells to look at has these names."""
    made = helm.objects({}, release="carbonfinops-exporter")
    names = {(found["kind"], found["metadata"]["name"]) for found in made}
    name = "carbonfinops-exporter"
    kinds = ("Deployment", "Service", "ServiceAccount", "PersistentVolumeClaim")
    assert {(kind, name) for kind in kinds} <= names
    assert ("Deployment", f"{name}-boaviztapi") in names
    demo = helm.objects({"args": ["demo"]}, release="demo")
    assert "demo-carbonfinops-exporter" in {found["metadata"]["name"] for found in demo}


def test_the_other_blocks_are_known() -> None:
    """A web config file and a scrape configuration: no block is left out by a slip."""
    others = [yaml.safe_load(block) for block in BLOCKS if block not in VALUES]
    assert [set(other) <= {*KEYS, "scrape_configs"} for other in others] == [True, True]
    assert len(VALUES) >= 6
