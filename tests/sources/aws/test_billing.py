from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from exporter.core.billing import Bill, BilledAs, BilledUsage, month_start_at
from exporter.core.fleet import Account
from exporter.core.provenance import FailureReason, Scope, SourceName
from exporter.core.units import SECONDS_PER_DAY, SECONDS_PER_HOUR
from exporter.sources.aws.billing import CostExplorerBill, UnconfiguredBill, days_since_at
from exporter.sources.aws.session import AwsClients
from exporter.sources.source import SourceError
from tests.sources.aws.cost_explorer import answer, at, group, period

OWN, MEMBER = "111122223333", "222233334444"
NOW = datetime(2026, 3, 20, 12, 40, 30, tzinfo=UTC)
SINCE = "2026-02-15"
HOURS_SINCE = "2026-03-17T12:00:00"


def daily(until="2026-03-21", paid_until="2026-03-20", since=SINCE):
    """A dollar a day, as far as it is billed."""
    day, end = datetime.fromisoformat(since), datetime.fromisoformat(until)
    periods = []
    while day < end:
        text = day.date().isoformat()
        paid = [group(OWN, "On Demand Instances", "1", "24")] if text < paid_until else []
        periods.append(period(text, *paid, estimated=text >= "2026-03"))
        day += timedelta(days=1)
    return answer(*periods)


def hourly(count=72):
    first = datetime.fromisoformat(HOURS_SINCE)
    starts = [(first + timedelta(hours=n)).isoformat() + "Z" for n in range(count)]
    return answer(*(period(s, group(OWN, "Spot Instances", "0.25", "1")) for s in starts))


@pytest.fixture
def source(clients):
    def source(*account_ids, **options):
        settings = {"role": None, "hourly": False, "wall": NOW.timestamp} | options
        return CostExplorerBill(clients, accounts=lambda: account_ids or (OWN,), **settings)

    return source


def failure(source, previous=None):
    with pytest.raises(SourceError) as caught:
        source.fetch(previous)
    return caught.value


def test_it_is_a_source(source):
    """The bill is one for all accounts."""
    for each in (source(), UnconfiguredBill()):
        assert each.name is SourceName.COST_EXPLORER
        assert each.scope == Scope()


def test_days(aws, source, observer):
    """One query, from before the last closed month to today; each page is 0.01 USD."""
    aws.json("GetCostAndUsage", daily())

    bill = source(OWN, MEMBER).fetch(None)

    (asked,) = aws.parameters("GetCostAndUsage")
    assert asked["TimePeriod"] == {"Start": SINCE, "End": "2026-03-21"}
    assert asked["Filter"]["And"][-1]["Dimensions"]["Values"] == [OWN, MEMBER]
    assert replace(bill, days=()) == Bill(NOW.timestamp(), at(SINCE), ())
    assert len(bill.days) == 33
    assert bill.days[0] == BilledUsage(
        OWN, at(SINCE), BilledAs.ON_DEMAND, 1.0, 24.0, estimated=False
    )
    assert bill.days[-1] == BilledUsage(
        OWN, at("2026-03-19"), BilledAs.ON_DEMAND, 1.0, 24.0, estimated=True
    )
    assert observer.spent == [("GetCostAndUsage", 0.01)]


def test_base_credentials_or_a_role(aws, observer):
    """The payer's role is assumed with its external id; without one the base credentials ask."""
    role = Account("444455556666", "arn:aws:iam::444455556666:role/billing")
    credentials = {
        "AccessKeyId": "ASIAPAYER",
        "SecretAccessKey": "made-up",
        "SessionToken": "made-up",
        "Expiration": "2999-01-01T00:00:00Z",
    }
    aws.sts("AssumeRole", {"Credentials": credentials})
    aws.json("GetCostAndUsage", daily(), daily())
    clients = AwsClients(observer, external_id={role: "payer's"}.__getitem__)

    for each in (role, None):
        CostExplorerBill(
            clients, accounts=lambda: (OWN,), role=each, hourly=False, wall=NOW.timestamp
        ).fetch(None)

    assert aws.parameters("AssumeRole")[0]["ExternalId"] == "payer's"
    keys = [asked.access_key for asked in aws.asked if asked.operation == "GetCostAndUsage"]
    assert keys == ["ASIAPAYER", "AKIAEXAMPLEOWN"]


def test_no_account_is_known_yet(aws, clients):
    """Then nothing is asked, and nothing is paid."""
    source = CostExplorerBill(clients, accounts=tuple, role=None, hourly=False, wall=NOW.timestamp)

    assert failure(source).reason is FailureReason.UNAVAILABLE
    assert aws.asked == []


def test_switched_off():
    """The setting is named."""
    error = failure(UnconfiguredBill())

    assert error.reason is FailureReason.NOT_CONFIGURED
    assert "CARBONFINOPS_AWS__COST_EXPLORER=false" in error.detail


@pytest.mark.parametrize(
    ("now", "since"),
    [
        (datetime(2026, 3, 11, 0, 0, tzinfo=UTC), "2026-02-15"),
        (datetime(2026, 3, 31, 23, 59, tzinfo=UTC), "2026-02-15"),
        (datetime(2026, 3, 10, 23, 59, tzinfo=UTC), "2026-01-18"),
        (datetime(2026, 1, 1, tzinfo=UTC), "2025-11-17"),
    ],
)
def test_first_day(now, since):
    """Fourteen days before the month that may still be open."""
    assert days_since_at(now.timestamp()) == at(since)


def test_first_day_throughout_years():
    """The month to date and fourteen closed days are in it, and never more than 55 days."""
    for hour in range(0, 3 * 366 * 24, 7):
        now = at("2024-01-01") + hour * SECONDS_PER_HOUR
        since_at = days_since_at(now)
        closed_at = month_start_at(now - 10 * SECONDS_PER_DAY)

        assert since_at == closed_at - 14 * SECONDS_PER_DAY
        assert since_at < month_start_at(now)
        assert now - since_at < 56 * SECONDS_PER_DAY
        assert since_at % SECONDS_PER_DAY == 0


def test_hours(aws, source, observer):
    """A second query for the last 72 hours, paid as well."""
    aws.json("GetCostAndUsage", daily(), hourly())

    bill = source(hourly=True).fetch(None)

    first, second = aws.parameters("GetCostAndUsage")
    assert (first["Granularity"], second["Granularity"]) == ("DAILY", "HOURLY")
    assert second["TimePeriod"] == {
        "Start": f"{HOURS_SINCE}Z",
        "End": "2026-03-20T12:00:00Z",
    }
    assert second["Filter"] == first["Filter"]
    assert second["GroupBy"] == first["GroupBy"]
    assert bill.hours_since_at == at(HOURS_SINCE)
    assert (len(bill.days), len(bill.hours)) == (33, 72)
    assert bill.hours[-1].start_at == at("2026-03-20T11:00:00")
    assert observer.spent == [("GetCostAndUsage", 0.01)] * 2


def test_hours_without_the_opt_in(aws, source):
    """The days are paid for and count; what to do about the hours is said."""
    aws.json("GetCostAndUsage", daily())
    aws.json_error("GetCostAndUsage", "AccessDeniedException")

    bill = source(hourly=True).fetch(None)

    assert (len(bill.days), bill.hours) == (33, ())
    assert bill.hours_failure.startswith("denied: ")
    assert "opt in" in bill.hours_failure
    assert "CARBONFINOPS_AWS__COST_EXPLORER_HOURLY=false" in bill.hours_failure


def test_hours_fail_otherwise(aws, source):
    """The days are kept here too; nobody is told to opt in."""
    aws.json("GetCostAndUsage", daily())
    aws.json_error("GetCostAndUsage", "InternalFailure", 500)

    bill = source(hourly=True).fetch(None)

    assert (len(bill.days), bill.hours) == (33, ())
    assert bill.hours_failure.startswith("unavailable: ")
    assert "opt in" not in bill.hours_failure


def test_only_chosen_regions(aws, source):
    """What is not polled is not computed: its bill would be compared with nothing."""
    aws.json("GetCostAndUsage", daily())

    bill = source(regions=("eu-central-1", "eu-west-1")).fetch(None)

    (asked,) = aws.parameters("GetCostAndUsage")
    regions = {"Key": "REGION", "Values": ["eu-central-1", "eu-west-1"]}
    assert {"Dimensions": regions} in asked["Filter"]["And"]
    assert bill.regions == ("eu-central-1", "eu-west-1")


def test_denied(aws, source, observer):
    """The permission, the payer's role and the way to do without are named; nothing was paid."""
    aws.json_error("GetCostAndUsage", "AccessDeniedException")

    error = failure(source())

    assert error.reason is FailureReason.DENIED
    assert "GetCostAndUsage" in error.detail
    assert "CARBONFINOPS_AWS__COST_EXPLORER_ROLE_ARN" in error.detail
    assert "CARBONFINOPS_AWS__COST_EXPLORER=false" in error.detail
    assert error.partial is None
    assert observer.spent == []


@pytest.mark.parametrize(("interval_seconds", "wait_seconds"), [(21600.0, 3600.0), (60.0, 60.0)])
def test_what_would_hardly_help_is_not_paid_again_soon(aws, source, interval_seconds, wait_seconds):
    """An hour, or the interval where that is shorter."""
    aws.json("GetCostAndUsage", {})

    error = failure(source(interval_seconds=interval_seconds))

    assert error.reason is FailureReason.MALFORMED
    assert error.retry_after_seconds == wait_seconds


@pytest.mark.parametrize(
    ("code", "status", "reason"),
    [
        ("LimitExceededException", 400, FailureReason.THROTTLED),
        ("ThrottlingException", 400, FailureReason.THROTTLED),
        ("InternalFailure", 500, FailureReason.UNAVAILABLE),
    ],
)
def test_passing_failures(aws, source, observer, code, status, reason):
    """They are asked again at the usual pace; one request was made, for each may be billed."""
    aws.json_error("GetCostAndUsage", code, status)

    error = failure(source())

    assert (error.reason, error.retry_after_seconds) == (reason, None)
    assert observer.requests == [("cost_explorer", "GetCostAndUsage", reason)]


def test_settled_days_must_be_there(aws, source):
    """A cut answer is no answer."""
    aws.json("GetCostAndUsage", daily(until="2026-03-18"), daily(until="2026-03-17"))

    assert source().fetch(None).days[-1].start_at == at("2026-03-17")
    assert failure(source()).reason is FailureReason.MALFORMED


@pytest.mark.parametrize("paid_until", ["2026-03-14", SINCE])
def test_answers_older_than_before(aws, source, paid_until):
    """What was billed cannot have become nothing: the answer is an old one, or an empty one."""
    aws.json("GetCostAndUsage", daily(), daily(paid_until=paid_until), daily())
    previous = source().fetch(None)

    error = failure(source(), previous)

    assert error.reason is FailureReason.NO_RECENT_DATA
    assert source().fetch(previous) == previous


def test_a_fleet_may_stand_still(aws, source):
    """Days with nothing billed are believed as long as no earlier answer had more."""
    quiet = daily(paid_until="2026-03-05")
    aws.json("GetCostAndUsage", quiet, quiet, daily(paid_until=SINCE), daily(paid_until=SINCE))

    previous = source().fetch(None)
    assert source().fetch(previous) == previous
    assert source().fetch(None).days == ()

    long_ago = replace(previous, days=(replace(previous.days[0], start_at=at("2026-01-01")),))
    assert source().fetch(long_ago).days == ()


def test_accounts_may_leave(aws, source):
    """Lines of accounts that are no longer asked for are not missed."""
    aws.json("GetCostAndUsage", daily(), daily())
    previous = source().fetch(None)

    assert source(MEMBER).fetch(previous).days == ()
