import json
import math

import pytest

from exporter.core.evidence import PriceKey, PriceQuote
from exporter.core.provenance import FailureReason, Scope, SourceName
from exporter.sources.aws.money import is_nonsense, usd
from exporter.sources.aws.prices import ListPrice
from exporter.sources.source import SourceError

KEY = PriceKey("eu-west-1", "m5.large", "RunInstances", "default")


def term(price, unit="Hrs", currency="USD"):
    dimension = {"unit": unit, "beginRange": "0", "pricePerUnit": {currency: price}}
    return {"priceDimensions": {"S.T.R": dimension}, "offerTermCode": "T"}


def product(price="0.1070000000", terms=None, **attributes):
    """A document of the price list; values made up."""
    asked = {
        "instanceType": "m5.large",
        "regionCode": "eu-west-1",
        "operation": "RunInstances",
        "tenancy": "Shared",
        "capacitystatus": "Used",
        "marketoption": "OnDemand",
        "operatingSystem": "Linux",
    }
    known = {**asked, **attributes}
    return {
        "product": {
            "productFamily": "Compute Instance",
            "attributes": {name: value for name, value in known.items() if value is not None},
            "sku": "S",
        },
        "terms": {"OnDemand": {"S.T": term(price)}} if terms is None else terms,
    }


def page(*products, token=None):
    documents = [json.dumps(document) for document in products]
    return {"FormatVersion": "aws_v1", "PriceList": documents, "NextToken": token}


@pytest.fixture
def price(aws, clients):
    """The price that the prepared pages give."""

    def price(*pages, key=KEY):
        aws.json("GetProducts", *pages)
        quote = ListPrice(clients, key).fetch(None)
        assert quote.key == key
        return quote.usd_per_hour

    return price


def test_it_is_a_source(clients):
    """A price belongs to a location."""
    assert ListPrice(clients, KEY).name is SourceName.PRICING
    assert ListPrice(clients, KEY).scope == Scope(region="eu-west-1")


@pytest.mark.parametrize(
    ("tenancy", "listed"), [("default", "Shared"), ("dedicated", "Dedicated"), ("host", "Host")]
)
def test_question(aws, price, tenancy, listed):
    """The price of used capacity of that type, place, billing code and tenancy is asked for."""
    key = PriceKey("eu-central-1-ham-1", "c5.2xlarge", "RunInstances:0002", tenancy)
    document = product(
        "0.5",
        instanceType="c5.2xlarge",
        regionCode="eu-central-1-ham-1",
        operation="RunInstances:0002",
        tenancy=listed,
    )

    assert price(page(document), key=key) == 0.5
    (asked,) = aws.parameters("GetProducts")
    assert asked["ServiceCode"] == "AmazonEC2"
    assert {item["Field"]: item["Value"] for item in asked["Filters"]} == {
        "instanceType": "c5.2xlarge",
        "regionCode": "eu-central-1-ham-1",
        "operation": "RunInstances:0002",
        "tenancy": listed,
        "capacitystatus": "Used",
    }
    assert {item["Type"] for item in asked["Filters"]} == {"TERM_MATCH"}


@pytest.mark.parametrize(
    ("options", "region"), [({}, "us-east-1"), ({"pricing_region": "ap-south-1"}, "ap-south-1")]
)
def test_pricing_has_its_own_regions(aws, clients, options, region):
    """The price list is served in three regions only, whichever region the price is for."""
    aws.json("GetProducts", page(product()))

    assert ListPrice(clients, KEY, **options).fetch(None) == PriceQuote(KEY, 0.107)
    assert aws.asked[0].region == region


@pytest.mark.parametrize(
    "key",
    [
        KEY._replace(usage_operation=""),
        KEY._replace(tenancy=""),
        KEY._replace(tenancy="cosmic"),
    ],
)
def test_unknown_keys_cost_no_call(aws, clients, key):
    """What cannot be asked for has no price."""
    assert ListPrice(clients, key).fetch(None) == PriceQuote(key, None)
    assert aws.asked == []


@pytest.mark.parametrize(
    ("documents", "usd_per_hour"),
    [
        ([product()], 0.107),
        ([], None),
        ([product(marketoption=None)], 0.107),
        ([product(), product("9.9", marketoption="CapacityBlock")], 0.107),
        ([product(), product("9.9", capacitystatus="AllocatedCapacityReservation")], 0.107),
        ([product(), product("0.0", capacitystatus="UnusedCapacityReservation")], 0.107),
        ([product(), product("9.9", instanceType="m5.xlarge")], 0.107),
        ([product(), product("9.9", regionCode="eu-west-2")], 0.107),
        ([product(), product("9.9", regionCode=None)], 0.107),
        ([product(), product("9.9", operation="RunInstances:0002")], 0.107),
        ([product(), product("9.9", tenancy="Dedicated")], 0.107),
        ([product(), product("0.1070000000")], 0.107),
        ([product(), product("0.1080000000")], None),
        ([product("0.0000000000")], None),
        ([product("0.0000000000"), product()], 0.107),
        ([product("NaN"), product()], 0.107),
        ([product("10001"), product()], 0.107),
        ([product("10000")], 10000.0),
        ([product(terms={})], None),
        ([product(terms={"Reserved": {"S.T": term("0.05")}})], None),
        ([product(terms={"OnDemand": {"S.T": term("0.05", unit="Quantity")}})], None),
        ([product(terms={"OnDemand": {"S.T": term("0.7", currency="CNY")}})], None),
        ([product(terms={"OnDemand": {"S.T": term("0.2")}, "Reserved": {"R": term("0.1")}})], 0.2),
        ([product(terms={"OnDemand": {"S.A": term("0.2"), "S.B": term("0.2")}})], 0.2),
        ([product(terms={"OnDemand": {"S.A": term("0.2"), "S.B": term("0.3")}})], None),
    ],
    ids=range(25),
)
def test_exactly_one_price(price, documents, usd_per_hour):
    """Only the one on-demand price per hour of exactly what was asked is a price."""
    assert price(page(*documents)) == usd_per_hour


@pytest.mark.parametrize("text", ["NaN", "-0.1", "Infinity", "10000.01", "1e300", "free", ""])
def test_only_nonsense_is_malformed(price, text):
    """When no listed price can be one, the answer is broken."""
    with pytest.raises(SourceError) as caught:
        price(page(product(text)))

    assert caught.value.reason is FailureReason.MALFORMED


def test_all_pages(aws, price):
    """A price on the last page counts like any other, also against one on the first."""
    other = product("9.9", tenancy="Host")

    assert price(page(*[other] * 100, token="more"), page(product())) == 0.107
    assert price(page(product("0.2"), token="more"), page(product("0.3"))) is None
    assert aws.parameters("GetProducts")[1]["NextToken"] == "more"


@pytest.mark.parametrize(
    "answer",
    [
        {},
        {"PriceList": "text"},
        {"PriceList": [7]},
        {"PriceList": [product()]},
        {"PriceList": ["{"]},
        {"PriceList": ["[]"]},
        {"PriceList": ['{"product": 7}']},
        {"PriceList": ['{"product": {"attributes": {"instanceType": 7}}}']},
        page(product(terms="none")),
        page(product(terms={"OnDemand": {"S": "none"}})),
        page(product(terms={"OnDemand": {"S": term(0.107)}})),
    ],
    ids=range(11),
)
def test_broken_answers_are_malformed(price, answer):
    """Entries are JSON texts of a certain shape; anything else is not guessed at."""
    with pytest.raises(SourceError) as caught:
        price(answer)

    assert caught.value.reason is FailureReason.MALFORMED


def test_document_of_another_family_has_no_price(price):
    """A document without the attributes of an instance is none that was asked for."""
    assert price({"PriceList": ['{"product": {}}', "{}"]}) is None


@pytest.mark.parametrize(
    ("text", "amount", "nonsense"),
    [
        ("0.1070000000", 0.107, False),
        ("0", 0.0, False),
        ("10000", 10000.0, False),
        ("10000.1", 10000.1, True),
        ("-0.0001", -0.0001, True),
        ("inf", math.inf, True),
    ],
)
def test_amounts(text, amount, nonsense):
    """An instance costs something between nothing and ten thousand dollars an hour."""
    assert usd(text) == amount
    assert is_nonsense(usd(text)) is nonsense


@pytest.mark.parametrize("text", ["NaN", "", "0,10", "0.1 USD"])
def test_no_amount(text):
    """A text that is no number is no amount."""
    assert math.isnan(usd(text))
    assert is_nonsense(usd(text))
