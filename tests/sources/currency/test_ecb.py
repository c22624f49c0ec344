"""The ECB's daily file: the true shape with invented rates, and everything wrong with it."""

from datetime import UTC, datetime

import pytest
import responses
from hypothesis import given
from hypothesis import strategies as st

from exporter.core.evidence import ExchangeRate
from exporter.core.provenance import FailureReason, Scope, SourceName
from exporter.sources.currency.ecb import EcbReferenceRate
from exporter.sources.http import HttpUpstream
from exporter.sources.source import SourceError

BASE = "http://bank.test"
PATH = "/stats/eurofxref/eurofxref-daily.xml"
DAY_AT = datetime(2026, 11, 20, tzinfo=UTC).timestamp()
USD = '<Cube currency="USD" rate="1.2345"/>'


class Deaf:
    """A RequestObserver that ignores everything."""

    def request(
        self, upstream: str, operation: str, seconds: float, failure: FailureReason | None
    ) -> None:
        """Ignore it."""

    def spend(self, operation: str, usd: float) -> None:
        """Ignore it."""


def rates(
    usd: str = USD, day: str = 'time="2026-11-20"', head: str = '<?xml version="1.0"?>'
) -> str:
    return f"""{head}
<gesmes:Envelope xmlns:gesmes="http://www.gesmes.org/xml/2002-08-01"
    xmlns="http://www.ecb.int/vocabulary/2002-08-01/eurofxref">
  <gesmes:subject>Reference rates</gesmes:subject>
  <gesmes:Sender><gesmes:name>European Central Bank</gesmes:name></gesmes:Sender>
  <Cube><Cube {day}>
    <Cube currency="JPY" rate="150.01"/>{usd}<Cube currency="BGN" rate="1.9"/>
  </Cube></Cube>
</gesmes:Envelope>"""


def fetch(body: str | bytes, now: float = DAY_AT + 60_000, status: int = 200) -> ExchangeRate:
    http = HttpUpstream("ecb", BASE, Deaf(), base_url_setting="CARBONFINOPS_CURRENCY__ECB_URL")
    with responses.RequestsMock() as mock:
        mock.get(BASE + PATH, body=body, status=status)
        return EcbReferenceRate(http, PATH, wall=lambda: now).fetch(None)


def reason_of(body: str | bytes, now: float = DAY_AT + 60_000, status: int = 200) -> FailureReason:
    with pytest.raises(SourceError) as caught:
        fetch(body, now, status)
    return caught.value.reason


def test_rate_of_the_day_is_read():
    """US dollars for one euro, as of midnight UTC of the file's day."""
    assert fetch(rates()) == ExchangeRate(1.2345, DAY_AT, "ecb")


def test_single_quotes_and_an_encoding_are_read():
    """XML is XML, however it is written."""
    body = rates(USD.replace('"', "'"), head="<?xml version='1.0' encoding='UTF-8'?>")

    assert fetch(body).usd_per_eur == 1.2345


@pytest.mark.parametrize(
    "body",
    [
        "",
        "<html><body>Service Unavailable</body></html>",
        "<html><br></html>",
        "{}",
        rates()[:300],
        rates() + "<<{",
        rates(usd=""),
        rates(usd='<Cube currency="USD"/>'),
        *(
            rates(usd=f'<Cube currency="USD" rate="{rate}"/>')
            for rate in ("", "N/A", "NaN", "inf", "-1.2345", "0", "0.2", "5", "1.2e9", "1,2345")
        ),
        rates(day=""),
        *(rates(day=f'time="{day}"') for day in ("", "today", "2026-02-30", "2026-11-20T00:00")),
        rates().replace("ecb.int/vocabulary", "elsewhere.test/vocabulary"),
        rates(head='<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "1.2345">]>'),
        rates(
            usd='<Cube currency="USD" rate="&a;"/>',
            head='<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "1.2345">]>',
        ),
        rates(usd='<Cube currency="USD" rate="&a;"/>'),
        rates().encode("utf-16"),
    ],
)
def test_nonsense_is_malformed(body):
    """No dollar, no date, no number, no XML, or entities: never a rate."""
    assert reason_of(body) is FailureReason.MALFORMED


@pytest.mark.parametrize(
    ("age_days", "reason"),
    [
        (-1.01, FailureReason.MALFORMED),
        (-1, None),
        (0, None),
        (6, None),
        (7, None),
        (7.01, FailureReason.NO_RECENT_DATA),
        (10, FailureReason.NO_RECENT_DATA),
    ],
)
def test_rate_may_be_a_week_old(age_days, reason):
    """Holidays are bridged; a bank that stopped publishing is not, nor is tomorrow's rate."""
    now = DAY_AT + 86_400 * age_days
    if reason:
        assert reason_of(rates(), now) is reason
    else:
        assert fetch(rates(), now).as_of_at == DAY_AT


@pytest.mark.parametrize(
    ("status", "reason"),
    [
        (302, FailureReason.UNAVAILABLE),
        (403, FailureReason.DENIED),
        (404, FailureReason.NOT_COVERED),
        (429, FailureReason.THROTTLED),
        (500, FailureReason.UNAVAILABLE),
    ],
)
def test_refusals_have_their_usual_meaning(status, reason):
    """The bank has no codes of its own."""
    assert reason_of("<html/>", status=status) is reason


def test_name_and_scope():
    """One rate for everything."""
    source = EcbReferenceRate(HttpUpstream("ecb", BASE, Deaf()), PATH, wall=lambda: 0.0)

    assert (source.name, source.scope) == (SourceName.EXCHANGE_RATE, Scope())


@given(st.text())
def test_any_rate_is_read_or_refused(text):
    """Never another exception, and never a rate outside the limits."""
    escaped = text.replace("&", "&amp;").replace("<", "&lt;").replace('"', "&quot;")
    try:
        found = fetch(
            rates(usd=f'<Cube currency="USD" rate="{escaped}"/>').encode(errors="replace")
        )
    except SourceError:
        return

    assert 0.2 < found.usd_per_eur < 5
