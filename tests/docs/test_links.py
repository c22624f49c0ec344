"""Where links lead: into the project, to headings that are there; and every page is found."""

import pytest

from tests.docs.pages import DOCS, INDEX, PAGES, PROJECT, Page

WELL_KNOWN = ("http://", "https://", "mailto:")


@pytest.mark.parametrize("page", PAGES, ids=[page.name for page in PAGES])
def test_every_link_into_the_project_resolves(page):
    """File and heading exist; outside links are not asked for."""
    broken = [target for target in page.links if not _resolves(page, target)]

    assert not broken


def _resolves(page: Page, target: str) -> bool:
    if target.startswith(WELL_KNOWN):
        return True
    path, _, anchor = target.partition("#")
    file = (page.path.parent / path).resolve() if path else page.path
    if not file.exists() or PROJECT not in (file, *file.parents):
        return False
    return not anchor or (file.suffix == ".md" and anchor in Page(file).anchors)


def test_links_are_found():
    """The tests above would pass on nothing."""
    found = Page(PROJECT / "README.md").links

    assert "docs/tutorial/first-live-account.md" in found
    assert len(found) > 20


def test_the_index_leads_to_every_page():
    """Whoever opens docs/ finds all of it."""
    linked = {(DOCS / target.partition("#")[0]).resolve() for target in Page(INDEX).links}
    missing = [page.name for page in PAGES if DOCS in page.path.parents and page.path not in linked]

    assert missing == ["docs/README.md"]


def test_a_heading_is_an_anchor_as_the_forge_makes_it(tmp_path):
    """Punctuation and code marks go, blanks become hyphens, repeated headings are numbered."""
    file = tmp_path / "page.md"
    file.write_text("# What's `new_in` 1.0: a, b?\n\n## Why\n\n```\n# no heading\n```\n\n## Why\n")

    assert Page(file).anchors == {"whats-new_in-10-a-b", "why", "why-1"}


def test_code_has_no_links(tmp_path):
    """What looks like a link in a code block, a code span or a comment is none."""
    file = tmp_path / "page.md"
    file.write_text("```\n[a](b.md)\n```\n`[c](d.md)` <!-- [e](f.md) --> [g](h.md#i)\n")

    assert Page(file).links == ("h.md#i",)
