import re
from collections.abc import Callable
from dataclasses import replace
from html.parser import HTMLParser

import pytest

from exporter.core.evidence import GapReason, Quantity
from exporter.core.fleet import Instance
from exporter.core.provenance import FailureReason, SourceName, SourceStatus
from exporter.core.snapshot import FleetSnapshot, InstanceEstimate
from exporter.exposition.page import render_page

VOID = {"meta", "input"}
Statuses = tuple[SourceStatus, ...]


class Outline(HTMLParser):
    """Reads a page strictly: every element is closed in order."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.cells: list[list[str]] = []
        self.titles: list[str] = []
        self.feed(page)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Remember the element."""
        self.tags.append((tag, dict(attrs)))
        self.titles += [value for name, value in attrs if name == "title" and value]
        if tag not in VOID:
            self.open.append(tag)
        if tag == "tr":
            self.cells.append([])
        if tag in ("td", "th"):
            self.cells[-1].append("")

    def handle_endtag(self, tag: str) -> None:
        """Check that it closes the element opened last."""
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        """Collect the text of table cells."""
        if "td" in self.open or "th" in self.open:
            self.cells[-1][-1] += f" {data}"


def page_of(
    snapshot: FleetSnapshot | None,
    statuses: Statuses = (),
    query: dict[str, str] | None = None,
    *,
    simulated: bool = False,
) -> str:
    return render_page(
        snapshot,
        statuses,
        version="1.2.3",
        simulated=simulated,
        links={"Metrics": "metrics", "Documentation": "https://docs.example/?a=1&b=2"},
        query=query or {},
    ).decode()


def names(page: str) -> list[str]:
    """The names in the instances table, from top to bottom."""
    section = page.partition("<h2>Instances</h2>")[2].partition("</section>")[0]
    return [row[0].split()[0] for row in Outline(section).cells[1:]]


def test_it_is_one_document_without_scripts(snapshot: FleetSnapshot, statuses: Statuses) -> None:
    """Well-formed, and nothing is loaded from anywhere or run."""
    page = page_of(snapshot, statuses)
    outline = Outline(page)
    used = {tag for tag, _ in outline.tags}
    assert not used & {"script", "link", "img", "iframe", "object"}
    assert not re.search(r"\son\w+=|javascript:|url\(|@import", page)
    assert ("meta", {"http-equiv": "refresh", "content": "30"}) in outline.tags


def test_the_links_are_there(snapshot: FleetSnapshot) -> None:
    """Texts and addresses are escaped."""
    assert '<a href="https://docs.example/?a=1&amp;b=2">Documentation</a>' in page_of(snapshot)
    assert '<a href="metrics">Metrics</a>' in page_of(snapshot)


@pytest.mark.parametrize("simulated", [True, False])
def test_a_simulation_says_so(
    snapshot: FleetSnapshot,
    simulated: bool,  # noqa: FBT001 (a table)
) -> None:
    """Nobody takes a demo for their fleet."""
    page = page_of(snapshot, simulated=simulated)
    assert ("Simulated fleet: no number here is real." in page) is simulated


def test_before_the_first_inventory(statuses: Statuses) -> None:
    """The sources are shown, and why there is no fleet yet."""
    page = page_of(None, statuses)
    Outline(page)
    assert "Waiting for the first inventory." in page
    assert "<h2>Instances</h2>" not in page
    assert "electricity_maps" in page


def test_totals_with_bounds_and_coverage(snapshot: FleetSnapshot) -> None:
    """A total stands with its bounds and with the share of the fleet it covers."""
    page = page_of(snapshot)
    cards = re.findall(r'<div class="card">(.*?)</div>', page)
    texts = [re.sub(r"(<[^>]*>)+", "|", card).strip("|") for card in cards]
    assert texts == [
        "Power (IT), kW|0.0185|0.0140 to 0.0240|covers 100 % of the fleet",
        "Operational emissions, gCO2e/h|3.50|2.25 to 5.50|covers 50 % of the fleet",
        "Embodied emissions, gCO2e/h|\N{EM DASH}|covers 50 % of the fleet",
        "Cost, EUR/h|0.100|covers 50 % of the fleet",
        "Cost, USD/h|0.115|covers 50 % of the fleet",
    ]


def test_a_row_shows_the_instance(snapshot: FleetSnapshot) -> None:
    """Facts, numbers and bounds; a dash where something is unknown."""
    rows = {
        row[0].split()[-1]: [cell.split() for cell in row]
        for row in Outline(page_of(snapshot)).cells
    }
    dash = ["\N{EM DASH}"]
    assert rows["i-0aaa"] == [
        ["checkout-1", "i-0aaa"],
        ["eu-central-1", "111122223333"],
        ["m5.large", "on_demand"],
        ["payments", "running"],
        ["25.0"],
        ["8.50", "6.25", "to", "11.8"],
        ["3.50", "2.25", "to", "5.50"],
        ["0.460", "0.260", "to", "0.760"],
        ["0.100", "0.0938", "to", "0.106"],
        ["24.0"],
    ]
    assert rows["i-0bbb"][4:] == [["0"], ["10.0"], dash, dash, dash, dash]
    assert rows["i-0ccc"][4:] == [*[dash] * 5, ["0.00556"]]


def test_a_gap_tells_its_reason(snapshot: FleetSnapshot) -> None:
    """The dash of a running instance carries the reasons of its place; a stopped one has none."""
    (place,) = {place for place, _, _ in snapshot.gaps}
    more = {**snapshot.gaps, (place, Quantity.EMISSIONS, GapReason.NO_PUE): 1}
    titles = Outline(page_of(replace(snapshot, gaps=more))).titles
    assert titles == ["grid_too_old or no_pue", "runtime_unknown"]


def test_a_stopped_instance_may_lack_its_runtime(snapshot: FleetSnapshot) -> None:
    """It is the one quantity that an instance has without running; its gap tells why."""
    stopped = replace(snapshot.instances[2], runtime_seconds=None, billed_seconds=None)
    titles = Outline(page_of(replace(snapshot, instances=(stopped,)))).titles
    assert titles == ["runtime_unknown"]


HOSTILE = "<script>alert('1')</script>\"&"


def test_everything_is_escaped(
    make_instance: Callable[..., Instance],
    make_snapshot: Callable[..., FleetSnapshot],
    make_status: Callable[..., SourceStatus],
) -> None:
    """Names, tags, details and queries are text, whatever they hold."""
    facts = ("availability_zone", "instance_type", "platform", "architecture", "name", "region")
    hostile = make_instance(
        HOSTILE, tags=(("team", HOSTILE),), account_id=HOSTILE, **dict.fromkeys(facts, HOSTILE)
    )
    status = make_status(SourceName.PRICING, detail=HOSTILE)
    page = page_of(
        make_snapshot(InstanceEstimate(hostile, HOSTILE)), (status,), {"q": "<", "sort": HOSTILE}
    )
    Outline(page)
    assert "<script" not in page
    assert page.count("alert(") == 6 + 1  # six cells and the detail
    assert 'value="&lt;"' in page


def test_a_lone_surrogate_is_shown_as_something(
    make_instance: Callable[..., Instance], make_snapshot: Callable[..., FleetSnapshot]
) -> None:
    """Text that has no UTF-8 form does not break the page."""
    broken = make_instance(name="broken-\udcff")
    assert "broken-?" in page_of(make_snapshot(InstanceEstimate(broken, "DE")))


@pytest.fixture
def ranked(
    make_instance: Callable[..., Instance],
    make_complete: Callable[..., InstanceEstimate],
    make_snapshot: Callable[..., FleetSnapshot],
) -> FleetSnapshot:
    """Three instances: emissions b > a, c has none; CPU c > a > b."""
    b = make_complete(make_instance("i-b", name="b", tags=(("stage", "Blue"),)), 3.0)
    a = make_complete(make_instance("i-a", name="A", region="us-east-1"), 2.0)
    c = InstanceEstimate(make_instance("i-c", name="c"), "DE", cpu_utilization_ratio=0.9)
    return make_snapshot(replace(b, cpu_utilization_ratio=0.1), a, c)


@pytest.mark.parametrize(
    ("sort", "expected"),
    [
        ("", ["b", "A", "c"]),
        ("emissions", ["b", "A", "c"]),
        ("cpu", ["c", "A", "b"]),
        ("runtime", ["b", "A", "c"]),
        ("name", ["A", "b", "c"]),
        ("region", ["b", "c", "A"]),
        ("nonsense", ["b", "A", "c"]),
    ],
)
def test_sorting(ranked: FleetSnapshot, sort: str, expected: list[str]) -> None:
    """Numbers from the largest down, texts from A to Z, unknown last; emissions by default."""
    assert names(page_of(ranked, query={"sort": sort})) == expected


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        ("", ["b", "A", "c"]),
        ("  ", ["b", "A", "c"]),
        ("US-EAST", ["A"]),
        ("i-b", ["b"]),
        ("blue", ["b"]),
        ("nowhere", []),
    ],
)
def test_finding(ranked: FleetSnapshot, wanted: str, expected: list[str]) -> None:
    """Any text of a row or of a tag, in any case."""
    page = page_of(ranked, query={"q": wanted})
    assert names(page) == expected
    assert ("No instance matches." in page) is (not expected)


def test_a_link_keeps_what_is_sought(ranked: FleetSnapshot) -> None:
    """Sorting again does not forget the search, nor the search the order."""
    page = page_of(ranked, query={"q": "a&b", "sort": "cpu"})
    assert 'href="?sort=power&amp;q=a%26b"' in page
    assert '<input type="hidden" name="sort" value="cpu">' in page


def test_a_large_fleet_is_cut(
    make_instance: Callable[..., Instance], make_snapshot: Callable[..., FleetSnapshot]
) -> None:
    """At most 500 rows, and the page says how many are hidden."""
    estimates = [InstanceEstimate(make_instance(f"i-{n}"), "DE") for n in range(512)]
    page = page_of(make_snapshot(*estimates))
    assert len(names(page)) == 500
    assert "500 of 512 shown, 12 hidden" in page


def test_gaps_by_reason(snapshot: FleetSnapshot) -> None:
    """Counts of all places, under the quantity, with what the reason means."""
    ((place, quantity, reason), _), *_ = snapshot.gaps.items()
    elsewhere = place._replace(region="eu-west-1")
    gaps = {(place, quantity, reason): 1, (elsewhere, quantity, reason): 4}
    page = page_of(replace(snapshot, gaps=gaps))
    table = Outline(page.partition("<h2>Gaps")[2].partition("</h2>")[2].partition("</section>")[0])
    heading, row = table.cells
    assert row[heading.index(" emissions")].strip() == "5"
    assert row[0].split()[0] == "grid_too_old"
    assert "too old" in row[0]


def test_no_gaps(snapshot: FleetSnapshot) -> None:
    """A complete fleet is told, too."""
    assert "every estimate is there" in page_of(replace(snapshot, gaps={}))


@pytest.mark.parametrize("reason", GapReason)
def test_every_reason_has_a_meaning(snapshot: FleetSnapshot, reason: GapReason) -> None:
    """No gap is left unexplained."""
    ((place, quantity, _), _), *_ = snapshot.gaps.items()
    page = page_of(replace(snapshot, gaps={(place, quantity, reason): 1}))
    assert re.search(rf">{reason}<small>\w+", page)


def test_sources_that_are_down_come_first(statuses: Statuses) -> None:
    """State in words, with reason, age and what to do."""
    _, down, up = ([cell.split() for cell in row] for row in Outline(page_of(None, statuses)).cells)
    assert down[:4] == [
        ["electricity_maps", "DE"],
        ["down", "denied"],
        ["\N{EM DASH}", "never"],
        ["60", "min", "3", "h"],
    ]
    assert down[4][-1] == "<CARBONFINOPS_ELECTRICITY_MAPS__TOKEN>"
    assert up[:2] == [["ec2_inventory", "111122223333", "eu-central-1"], ["up"]]
    assert up[2] == ["10", "s", "2026-09-21", "15:13:10", "UTC"]


@pytest.mark.parametrize(
    ("reason", "word"),
    [(None, "not asked yet"), (FailureReason.NOT_CONFIGURED, "not configured")],
)
def test_what_is_not_an_outage(
    make_status: Callable[..., SourceStatus], reason: FailureReason | None, word: str
) -> None:
    """A source that is not set up, or not asked yet, is not called down."""
    page = page_of(None, (make_status(SourceName.BOAVIZTA, up=False, reason=reason),))
    assert f">{word}<" in page
    assert ">down<" not in page
