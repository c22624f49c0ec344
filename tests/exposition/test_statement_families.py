from collections.abc import Callable
from dataclasses import replace

import pytest
from prometheus_client.parser import text_string_to_metric_families

from exporter.core.billing import BilledAs
from exporter.core.evidence import ExchangeRate, Quantity
from exporter.core.fleet import Place
from exporter.core.reconciliation import CostRatio, Reconciliation
from exporter.core.statement import Accrued, BilledTotals, CoverageRatios, Statement
from exporter.exposition.catalogue import accrual, time_and_money
from exporter.exposition.family import Family
from exporter.exposition.render import Renderer, text_of
from exporter.exposition.statement_families import statement_families
from tests.factories import FRANKFURT, RATE, statement

ACCOUNT = {"account_id": FRANKFURT.account_id}
PLACE = {**ACCOUNT, "region": FRANKFURT.region}

Samples = dict[str, list[tuple[dict[str, str], float]]]


def parsed(families: tuple[Family, ...]) -> Samples:
    """Read the text back with the client library: samples by metric name without its prefix."""
    found: Samples = {}
    for metric in text_string_to_metric_families(text_of(families).decode()):
        for sample in metric.samples:
            name = sample.name.removeprefix("carbonfinops_")
            found.setdefault(name, []).append((sample.labels, sample.value))
    return found


def test_every_number_of_the_books_is_a_series() -> None:
    """Nothing is lost, mixed up or made up; euros are dollars over the rate (1.25)."""
    skipped = {"cost_usd": 0.0, "embodied": 0.0, "emissions": 300.0, "power": 0.0}
    assert parsed(statement_families(statement(), RATE)) == {
        "fleet_energy_joules_total": [(PLACE, 7_200_000.0)],
        "fleet_emissions_grams_total": [(PLACE, 1_080.0)],
        "fleet_embodied_emissions_grams_total": [(PLACE, 46.0)],
        "fleet_cost_usd_total": [(PLACE, 5.75)],
        "accrual_skipped_seconds_total": [
            ({**PLACE, "quantity": quantity}, seconds) for quantity, seconds in skipped.items()
        ],
        "time_alignment_coverage_ratio": [(PLACE, 0.875)],
        "cost_coverage_ratio": [(PLACE, 1.0)],
        "carbon_coverage_ratio": [(PLACE, 0.875)],
        "fleet_time_alignment_coverage_ratio": [({}, 0.875)],
        "billed_time_alignment_coverage_ratio": [(ACCOUNT, 0.75)],
        "billed_month_to_date_usd": [(ACCOUNT, 46.0)],
        "billed_last_day_usd": [(ACCOUNT, 23.0)],
        "billed_last_hour_usd": [(ACCOUNT, 1.0)],
        "billed_month_to_date_eur": [(ACCOUNT, 36.8)],
        "billed_last_day_eur": [(ACCOUNT, 18.4)],
        "billed_last_hour_eur": [(ACCOUNT, 0.8)],
        "reconciliation_deviation_ratio": [(ACCOUNT, -0.03125)],
        "reconciliation_time_deviation_ratio": [(ACCOUNT, 0.015625)],
        "reconciliation_price_deviation_ratio": [(ACCOUNT, -0.046875)],
        "reconciliation_samples": [(ACCOUNT, 12.0)],
        "reconciliation_weighted_error_ratio": [(ACCOUNT, 0.0625)],
    }


@pytest.mark.parametrize("books", [Statement(), statement()])
@pytest.mark.parametrize("rate", [None, RATE])
def test_every_family_is_announced(books: Statement, rate: ExchangeRate | None) -> None:
    """HELP and TYPE are there whatever is known, in the same order; the window is declared."""
    announced = [family.spec for family in statement_families(books, rate)]
    promised = [*accrual.METRICS, *time_and_money.METRICS]
    promised.remove(time_and_money.WINDOW)
    assert announced == promised


def test_nothing_known_is_no_sample() -> None:
    """Before the first closed hour and the first bill there is not one number."""
    assert parsed(statement_families(Statement(), RATE)) == {}


def test_without_a_rate_there_are_no_euros() -> None:
    """Dollars stay."""
    found = parsed(statement_families(statement(), None))
    assert [name for name in found if name.endswith("_eur")] == []
    assert found["billed_last_day_usd"] == [(ACCOUNT, 23.0)]


def test_an_account_without_a_complete_day() -> None:
    """What is not billed in full is absent for this account only, in either currency."""
    billed = {"2": BilledTotals(8.0, 4.0), "1": BilledTotals(2.0)}
    found = parsed(statement_families(statement(billed=billed), RATE))
    accounts = {
        name: {labels["account_id"]: value for labels, value in samples}
        for name, samples in found.items()
        if name.startswith("billed_") and "coverage" not in name
    }
    assert accounts == {
        "billed_month_to_date_usd": {"1": 2.0, "2": 8.0},
        "billed_last_day_usd": {"2": 4.0},
        "billed_month_to_date_eur": {"1": 1.6, "2": 6.4},
        "billed_last_day_eur": {"2": 3.2},
    }


def test_no_day_compared_is_counted_as_such() -> None:
    """0 days is a number; a deviation of no day is not. No deviation at all is a number again."""
    nothing = Reconciliation(0, None, None, None, None, {}, {})
    exact = Reconciliation(7, 0.0, 0.0, 0.0, 0.0, {BilledAs.SPOT: CostRatio(1.0, 1.0)}, excluded={})
    compared = {"222222222222": exact, "111111111111": nothing}
    found = parsed(statement_families(statement(reconciliation=compared), RATE))
    samples = {labels["account_id"]: value for labels, value in found["reconciliation_samples"]}
    assert samples == {"111111111111": 0.0, "222222222222": 7.0}
    for name in ("deviation", "time_deviation", "price_deviation", "weighted_error"):
        assert found[f"reconciliation_{name}_ratio"] == [({"account_id": "222222222222"}, 0.0)]


def test_counters_start_at_zero() -> None:
    """A new place has every counter, so that its first increase is one."""
    found = parsed(statement_families(Statement(accrued={FRANKFURT: Accrued()}), None))
    assert {name: [value for _, value in samples] for name, samples in found.items()} == {
        "fleet_energy_joules_total": [0.0],
        "fleet_emissions_grams_total": [0.0],
        "fleet_embodied_emissions_grams_total": [0.0],
        "fleet_cost_usd_total": [0.0],
        "accrual_skipped_seconds_total": [0.0] * 4,
    }


def test_counters_are_typed_as_such() -> None:
    """In the text format a counter's TYPE carries the whole name, with its _total."""
    text = text_of(statement_families(statement(), RATE)).decode()
    for spec in accrual.METRICS:
        assert f"\n# TYPE {spec.name} counter\n{spec.name}{{" in text
    kinds = {metric.name: metric.type for metric in text_string_to_metric_families(text)}
    assert kinds["carbonfinops_fleet_energy_joules"] == "counter"
    assert kinds["carbonfinops_reconciliation_samples"] == "gauge"


def test_places_and_accounts_are_in_order() -> None:
    """The same books in another order are the same text, and need not be sent anew."""
    places = [Place("2", "a"), Place("1", "b"), Place("1", "a")]
    ratios = {place: CoverageRatios(1.0, 0.5, 0.5) for place in places}
    books = {place: Accrued(energy_joules=float(n)) for n, place in enumerate(places)}
    turned = statement(
        coverage=dict(reversed(ratios.items())), accrued=dict(reversed(books.items()))
    )
    straight = statement_families(statement(coverage=ratios, accrued=books), RATE)
    assert statement_families(turned, RATE) == straight
    shown = parsed(straight)["fleet_energy_joules_total"]
    assert [(labels["account_id"], labels["region"], n) for labels, n in shown] == [
        ("1", "a", 2.0),
        ("1", "b", 1.0),
        ("2", "a", 0.0),
    ]


def test_equal_books_are_recognised_as_unchanged() -> None:
    """Only the family whose samples moved is rendered again."""
    renderer = Renderer(large_family_samples=1)
    renderer.render(statement_families(statement(), RATE), (), "")
    before = {key: block for key, (_, block) in renderer._kept.items()}
    moved = replace(statement(), fleet_alignment_ratio=0.5)
    renderer.render(statement_families(moved, RATE), (), "")
    rendered = [key for key, (_, block) in renderer._kept.items() if block is not before[key]]
    assert rendered == [("carbonfinops_fleet_time_alignment_coverage_ratio",)]


def test_promtool_has_nothing_to_say(check_metrics: Callable[[bytes], str]) -> None:
    """Names, units, types and HELP are as Prometheus wants them, with samples and without."""
    for books in (Statement(), statement()):
        assert check_metrics(text_of(statement_families(books, RATE))) == ""


def test_skipped_seconds_of_what_is_not_accrued_are_not_shown() -> None:
    """The label has four values, whatever the books hold."""
    books = Accrued(skipped_seconds={Quantity.CPU: 5.0, Quantity.POWER: 7.0})
    found = parsed(statement_families(Statement(accrued={FRANKFURT: books}), None))
    shown = {labels["quantity"]: n for labels, n in found["accrual_skipped_seconds_total"]}
    assert shown == {"power": 7.0, "emissions": 0.0, "embodied": 0.0, "cost_usd": 0.0}
