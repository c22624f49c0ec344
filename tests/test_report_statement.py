"""Time and money as a document."""

from typing import Any

from exporter.core.fleet import Place
from exporter.core.statement import BilledTotals, CoverageRatios, Statement
from exporter.report_statement import statement_document
from tests.factories import statement

PLACE = Place("111111111111", "eu-central-1")


def test_everything_known():
    """Every number of the books stands under its own name; nothing is left out."""
    assert statement_document(statement(PLACE)) == {
        "coverage": {
            "window_seconds": 172_800.0,
            "fleet_time_alignment_ratio": 0.875,
            "places": [
                {
                    "account_id": "111111111111",
                    "region": "eu-central-1",
                    "time_alignment_ratio": 0.875,
                    "cost_ratio": 1.0,
                    "carbon_ratio": 0.875,
                }
            ],
            "billed_time_alignment": [{"account_id": "111111111111", "ratio": 0.75}],
        },
        "billed": [
            {
                "account_id": "111111111111",
                "month_to_date_usd": 46.0,
                "last_day_usd": 23.0,
                "last_hour_usd": 1.0,
            }
        ],
        "reconciliation": [
            {
                "account_id": "111111111111",
                "samples": 12,
                "deviation_ratio": -0.03125,
                "time_deviation_ratio": 0.015625,
                "price_deviation_ratio": -0.046875,
                "weighted_error_ratio": 0.0625,
                "billed_over_computed": {"on_demand": {"lower": 0.9375, "upper": 1.0625}},
                "excluded_days": {"estimated": 3, "too_recent": 2},
            }
        ],
    }


def test_nothing_known():
    """Before the first closed hour and the first bill nothing is made up."""
    document: Any = statement_document(Statement())

    assert document["coverage"]["fleet_time_alignment_ratio"] is None
    assert document["coverage"]["places"] == []
    assert (document["billed"], document["reconciliation"]) == ([], [])


def test_the_order_is_that_of_the_names():
    """Whatever order the books have, two reports of the same state are the same text."""
    ratios = CoverageRatios(1.0, 1.0, 1.0)
    document: Any = statement_document(
        Statement(
            coverage={Place("2", "b"): ratios, Place("2", "a"): ratios, Place("1", "c"): ratios},
            billed={"2": BilledTotals(2.0), "1": BilledTotals(1.0)},
        )
    )

    places = [(row["account_id"], row["region"]) for row in document["coverage"]["places"]]
    assert places == [("1", "c"), ("2", "a"), ("2", "b")]
    assert [row["account_id"] for row in document["billed"]] == ["1", "2"]
