"""On-demand list prices."""

import json
from collections.abc import Iterator

from exporter.core.evidence import PriceKey, PriceQuote
from exporter.core.provenance import Scope, SourceName
from exporter.sources.aws.endpoint import Endpoint
from exporter.sources.aws.money import is_nonsense, usd
from exporter.sources.aws.record import Record
from exporter.sources.aws.session import AwsClients

_PAGE_SIZE = 100
_TENANCIES = {"default": "Shared", "dedicated": "Dedicated", "host": "Host"}


class ListPrice:
    """GetProducts for one kind of instance; the price is None where AWS lists no single one."""

    name = SourceName.PRICING

    def __init__(
        self, clients: AwsClients, key: PriceKey, *, pricing_region: str = "us-east-1"
    ) -> None:
        self._endpoint = Endpoint(clients, "pricing", pricing_region)
        self._key = key
        self.scope = Scope(region=key.location)

    def fetch(self, previous: PriceQuote | None) -> PriceQuote:
        """Ask for the price of used capacity, and check that the answer is about it."""
        del previous  # always asked anew
        tenancy = _TENANCIES.get(self._key.tenancy)
        if tenancy is None or not self._key.usage_operation:
            return PriceQuote(self._key, None)
        asked = {
            "instanceType": self._key.instance_type,
            "regionCode": self._key.location,
            "operation": self._key.usage_operation,
            "tenancy": tenancy,
            "capacitystatus": "Used",
        }
        return PriceQuote(self._key, self._single_price(asked))

    def _single_price(self, asked: dict[str, str]) -> float | None:
        """Give the one price there is; several different ones are as unknown as none."""
        prices: list[float] = []
        for page in self._endpoint.pages(
            "get_products",
            ServiceCode="AmazonEC2",
            FormatVersion="aws_v1",
            MaxResults=_PAGE_SIZE,
            Filters=[
                {"Type": "TERM_MATCH", "Field": field, "Value": value}
                for field, value in asked.items()
            ],
        ):
            for text in page.values("PriceList"):
                prices.extend(_prices(_product(page, text), asked))
        if prices and all(is_nonsense(price) for price in prices):
            raise page.malformed("no price is an amount of money")
        # Zero is what AWS lists where another product carries the charge, such as the host.
        usable = {price for price in prices if not is_nonsense(price) and price > 0}
        return usable.pop() if len(usable) == 1 else None


def _product(page: Record, text: object) -> Record:
    try:
        fields = json.loads(text) if isinstance(text, str) else None
    except ValueError:
        raise page.malformed("an entry of PriceList is not JSON") from None
    return page.within(fields, "PriceList")


def _prices(entry: Record, asked: dict[str, str]) -> Iterator[float]:
    attributes = entry.part("product").part("attributes")
    if any(attributes.optional_text(field) != value for field, value in asked.items()):
        return
    if attributes.optional_text("marketoption") not in {"", "OnDemand"}:
        return
    for term in entry.part("terms").named_parts("OnDemand"):
        for dimension in term.named_parts("priceDimensions"):
            amount = dimension.part("pricePerUnit")
            if dimension.optional_text("unit") == "Hrs" and amount.has("USD"):
                yield usd(amount.text("USD"))
