"""The fleet as a table, JSON and CSV: small goldens, and what is unknown."""

import csv
import io
import json
from dataclasses import replace

import pytest

from exporter.core.evidence import GapReason, Quantity
from exporter.core.fleet import InstanceState, Place, PurchaseOption
from exporter.core.snapshot import Bounded, FleetSnapshot, FleetTotals, InstanceEstimate
from exporter.core.statement import BilledTotals, Statement
from exporter.report import COLUMNS, FORMATS
from exporter.report_statement import statement_document
from tests.factories import statement
from tests.fakes import START_AT, make_instance

PLACE = Place("111111111111", "eu-central-1")

WHOLE = InstanceEstimate(
    make_instance("i-0aaaaaaaaaaaaaaaa", PLACE, name="web"),
    "DE",
    cpu_utilization_ratio=0.4,
    power_watts=Bounded(24.5, 12.25, 49.0),
    emissions_grams_per_hour=Bounded(9.75, 4.5, 21.0),
    embodied_grams_per_hour=Bounded(2.0, 1.0, 4.0),
    cost_usd_per_hour=0.115,
    cost_eur_per_hour=0.092,
    cost_lower_eur_per_hour=0.09,
    cost_upper_eur_per_hour=0.095,
    runtime_seconds=172800.0,
    billed_seconds=172800.0,
)
UNBOUNDED = replace(
    WHOLE,
    instance=make_instance(
        "i-0bbbbbbbbbbbbbbbb",
        PLACE,
        instance_type="c5.large",
        purchase_option=PurchaseOption.SPOT,
        name='say "hi",\nworld',
    ),
    emissions_grams_per_hour=Bounded(12.5),
    embodied_grams_per_hour=None,
    cost_usd_per_hour=None,
    cost_eur_per_hour=None,
    cost_lower_eur_per_hour=None,
    cost_upper_eur_per_hour=None,
    runtime_seconds=None,
    billed_seconds=None,
)
STOPPED = InstanceEstimate(
    make_instance("i-0cccccccccccccccc", PLACE, state=InstanceState.STOPPED, name=""),
    "DE",
    runtime_seconds=20.0,
    billed_seconds=60.0,
)

SNAPSHOT = FleetSnapshot(
    estimated_at=START_AT,
    instances=(WHOLE, UNBOUNDED, STOPPED),
    totals=FleetTotals(
        power_watts=Bounded(49.0, 30.0, 80.0),
        emissions_grams_per_hour=Bounded(22.25),
        embodied_grams_per_hour=Bounded(2.0, 1.0, 4.0),
        cost_usd_per_hour=0.115,
        cost_eur_per_hour=None,
    ),
    covered_ratio=dict.fromkeys(Quantity, 1.0)
    | {Quantity.EMBODIED: 0.5, Quantity.COST_USD: 0.5, Quantity.COST_EUR: 0.0},
    gaps={
        (PLACE, Quantity.EMBODIED, GapReason.NO_PROFILE): 1,
        (PLACE, Quantity.COST_USD, GapReason.NO_PRICE): 1,
    },
    counts={(PLACE, InstanceState.RUNNING): 2, (PLACE, InstanceState.STOPPED): 1},
    grid={},
    pue={},
    exchange_rate=None,
    cpu_newest_point_at={},
    deviations=(),
    statement=statement(PLACE),
)
EMPTY = replace(
    SNAPSHOT,
    instances=(),
    totals=FleetTotals(None, None, None, None, None),
    covered_ratio=dict.fromkeys(Quantity, 1.0),
    gaps={},
    statement=Statement(),
)

CSV = """\
account_id,region,instance_id,name,instance_type,state,purchase_option,cpu_utilization_ratio,\
power_watts,power_lower_watts,power_upper_watts,emissions_grams_per_hour,\
emissions_lower_grams_per_hour,emissions_upper_grams_per_hour,embodied_emissions_grams_per_hour,\
cost_usd_per_hour,cost_eur_per_hour,cost_lower_eur_per_hour,cost_upper_eur_per_hour,\
runtime_seconds,billed_seconds
111111111111,eu-central-1,i-0aaaaaaaaaaaaaaaa,web,m5.large,running,on_demand,0.4,\
24.5,12.25,49.0,9.75,4.5,21.0,2.0,0.115,0.092,0.09,0.095,172800.0,172800.0
111111111111,eu-central-1,i-0bbbbbbbbbbbbbbbb,"say ""hi"",
world",c5.large,running,spot,0.4,24.5,12.25,49.0,12.5,,,,,,,,,
111111111111,eu-central-1,i-0cccccccccccccccc,,m5.large,stopped,on_demand,,,,,,,,,,,,,20.0,60.0
"""

TABLE = """\
account       region          instance             type          state      CPU %         W\
    gCO2e/h     EUR/h  name
111111111111  eu-central-1    i-0bbbbbbbbbbbbbbbb  c5.large      running     40.0      24.5\
      12.50         -  say "hi", world
111111111111  eu-central-1    i-0aaaaaaaaaaaaaaaa  m5.large      running     40.0      24.5\
       9.75    0.0920  web
111111111111  eu-central-1    i-0cccccccccccccccc  m5.large      stopped        -         -\
          -         -

power      49 (30 to 80) W, 100% of the running instances
emissions  22.25 gCO2e/h, 100% of the running instances
embodied   2 (1 to 4) gCO2e/h, 50% of the running instances
cost       0.115 USD/h, 50% of the running instances
cost       unknown EUR/h, 0% of the running instances
alignment  87.5% of the time run in the last 48 h has both cost and carbon
billed     23 USD on the last full day, 1 of 1 account
"""


def test_csv():
    """A header and a line per instance; unknown is an empty field, never 0."""
    assert FORMATS["csv"](SNAPSHOT) == CSV


def test_csv_is_read_back():
    """Quotes, commas and newlines of a name stay in their field."""
    header, *rows = csv.reader(io.StringIO(FORMATS["csv"](SNAPSHOT)))

    assert tuple(header) == COLUMNS
    assert rows[1][COLUMNS.index("name")] == 'say "hi",\nworld'
    assert {len(row) for row in rows} == {len(COLUMNS)}


def test_json():
    """Totals with their bounds, gaps, instances under the names of the CSV; unknown is null."""
    document = json.loads(FORMATS["json"](SNAPSHOT))

    assert document["estimated_at"] == START_AT
    assert document["covered_ratio"]["cost_usd"] == 0.5
    assert document["totals"] == {
        "power_watts": [49.0, 30.0, 80.0],
        "emissions_grams_per_hour": [22.25, None, None],
        "embodied_emissions_grams_per_hour": [2.0, 1.0, 4.0],
        "cost_usd_per_hour": 0.115,
        "cost_eur_per_hour": None,
    }
    place = {"account_id": "111111111111", "region": "eu-central-1", "instances": 1}
    assert document["gaps"] == [
        place | {"quantity": "cost_usd", "reason": "no_price"},
        place | {"quantity": "embodied", "reason": "no_profile"},
    ]
    whole, unbounded, stopped = document["instances"]
    assert [tuple(row) for row in document["instances"]] == [COLUMNS] * 3
    assert (whole["power_upper_watts"], whole["cost_eur_per_hour"]) == (49.0, 0.092)
    assert unbounded["emissions_grams_per_hour"] == 12.5
    assert unbounded["emissions_lower_grams_per_hour"] is None
    assert {stopped[name] for name in COLUMNS[7:-2]} == {None}
    assert (stopped["runtime_seconds"], stopped["billed_seconds"]) == (20.0, 60.0)


def test_json_has_the_statement():
    """The books of the snapshot are part of the document."""
    document = json.loads(FORMATS["json"](SNAPSHOT))

    assert document["statement"] == json.loads(json.dumps(statement_document(SNAPSHOT.statement)))
    assert document["statement"]["coverage"]["fleet_time_alignment_ratio"] == 0.875


def test_table():
    """Biggest emitters first, unknown is a dash, a total says how much of the fleet it covers."""
    assert FORMATS["table"](SNAPSHOT) == TABLE


def test_a_name_cannot_break_the_table():
    """Newlines and terminal sequences of a tag do not reach the terminal."""
    instance = make_instance("i-0dddddddddddddddd", PLACE, name="a\x1b[2J\r\nb\u2028c")
    text = FORMATS["table"](replace(SNAPSHOT, instances=(replace(WHOLE, instance=instance),)))

    assert all(character.isprintable() for line in text.split("\n") for character in line)
    assert "a [2J  b c" in text.split("\n")[1]


def test_a_sum_of_bills_says_how_many_accounts_it_covers():
    """An account without a full day is not counted as 0 in silence."""
    billed = {"222222222222": BilledTotals(9.0), "333333333333": BilledTotals(8.0, 4.5)}
    books = replace(SNAPSHOT.statement, billed=billed)

    last_line = FORMATS["table"](replace(SNAPSHOT, statement=books)).splitlines()[-1]
    assert last_line == "billed     4.5 USD on the last full day, 1 of 3 accounts"


@pytest.mark.parametrize("name", FORMATS)
def test_an_empty_fleet(name):
    """Nothing listed, nothing made up: totals are unknown."""
    text = FORMATS[name](EMPTY)

    assert text.endswith("\n")
    if name == "json":
        assert json.loads(text)["totals"]["power_watts"] == [None, None, None]
        assert json.loads(text)["instances"] == []
    elif name == "csv":
        assert text.count("\n") == 1
    else:
        assert text.count("unknown") == 7


def test_large_totals_are_readable():
    """Twelve kilowatts and a half are written out."""
    totals = replace(SNAPSHOT.totals, power_watts=Bounded(12_543.21, 9_000.4, 17_000.5))

    (line,) = [
        line
        for line in FORMATS["table"](replace(SNAPSHOT, totals=totals)).splitlines()
        if line.startswith("power")
    ]
    assert "e+" not in line
    assert "12543" in line.replace(",", "").replace("\u202f", "")


def test_almost_everything_is_not_everything():
    """One gap in a thousand is not hidden by rounding."""
    covered = dict(SNAPSHOT.covered_ratio) | {Quantity.POWER: 0.999}

    (line,) = [
        line
        for line in FORMATS["table"](replace(SNAPSHOT, covered_ratio=covered)).splitlines()
        if line.startswith("power")
    ]
    assert "100%" not in line
