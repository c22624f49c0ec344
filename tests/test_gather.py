"""From cells to evidence: fresh values, reasons for the others, and the health of each source."""

from dataclasses import replace

import pytest

from exporter.core.evidence import (
    ExchangeRate,
    GapReason,
    GridHistory,
    GridIntensity,
    PriceKey,
    SpotKey,
)
from exporter.core.fleet import InstanceState, Place, PurchaseOption
from exporter.core.provenance import FailureReason, Scope, SourceName
from exporter.core.sightings import KEPT_SECONDS
from exporter.gather import gather_evidence, gather_facts, gather_statuses
from exporter.refresh import Cadence
from tests.fakes import (
    DEFAULT_CADENCES,
    START_AT,
    Call,
    FakeClock,
    FakeUpstreams,
    Polling,
    Publishing,
    down,
    make_instance,
)

ACCOUNT = "111111111111"
FRANKFURT, IRELAND = Place(ACCOUNT, "eu-central-1"), Place(ACCOUNT, "eu-west-1")
WEB = make_instance("i-web", FRANKFURT)
BATCH = make_instance(
    "i-batch", FRANKFURT, instance_type="c5.large", purchase_option=PurchaseOption.SPOT
)
SLEEPING = replace(
    make_instance("i-sleeping", FRANKFURT, state=InstanceState.STOPPED),
    state_transition_reason="User initiated (2027-01-14 09:00:00 GMT)",  # 23 hours ago
)
FAR = make_instance("i-far", IRELAND, instance_type="r5.large")
WEB_PRICE = PriceKey("eu-central-1", "m5.large", "RunInstances", "default")
BATCH_POOL = SpotKey("eu-central-1a", "c5.large", "Linux/UNIX")


def polling(*instances, failing=None, cadences=DEFAULT_CADENCES):
    clock = FakeClock()
    upstreams = FakeUpstreams(clock, *instances)
    upstreams.failing |= failing or {}
    polling = Polling(upstreams, clock, cadences=cadences)
    polling.settle()
    return polling


def evidence(found):
    return gather_evidence(found.roster)


def statuses(found):
    """Health by source and by what its scope is about."""
    return {
        (str(status.source), " ".join(filter(None, status.scope))): status
        for status in gather_statuses(found.roster, found.scheduler.tallies)
    }


def test_everything_fresh_is_evidence():
    """Each fact under the key that the estimate looks it up by."""
    found = evidence(polling(WEB, BATCH, SLEEPING, FAR))

    assert set(found.inventories) == {FRANKFURT, IRELAND}
    assert found.unreachable == {}
    assert {place: set(cpu) for place, cpu in found.cpu.items()} == {
        FRANKFURT: {"i-web", "i-batch"},
        IRELAND: {"i-far"},
    }
    assert set(found.profiles) == {"m5.large", "c5.large", "r5.large"}
    assert found.prices[WEB_PRICE].usd_per_hour == 0.25
    assert found.spot[FRANKFURT][BATCH_POOL].usd_per_hour == 0.125
    assert set(found.grid) == set(found.grid_history) == {"DE", "IE"}
    assert all(isinstance(value, GridIntensity) for value in found.grid.values())
    assert found.exchange_rate == ExchangeRate(1.25, 1_800_000_000.0, "ecb")


PARTS = {
    "inventory": (SourceName.EC2_INVENTORY, lambda e: FRANKFURT in e.inventories),
    "cpu": (SourceName.CLOUDWATCH_CPU, lambda e: FRANKFURT in e.cpu),
    "profile": (SourceName.BOAVIZTA, lambda e: "m5.large" in e.profiles),
    "list_price": (SourceName.PRICING, lambda e: WEB_PRICE in e.prices),
    "spot_prices": (SourceName.SPOT_PRICE, lambda e: FRANKFURT in e.spot),
    "grid_intensity": (
        SourceName.ELECTRICITY_MAPS,
        lambda e: isinstance(e.grid["DE"], GridIntensity),
    ),
    "grid_history": (SourceName.ELECTRICITY_MAPS_HISTORY, lambda e: "DE" in e.grid_history),
    "exchange_rate": (
        SourceName.EXCHANGE_RATE,
        lambda e: isinstance(e.exchange_rate, ExchangeRate),
    ),
}


@pytest.mark.parametrize("kind", PARTS)
def test_a_fact_is_evidence_until_its_own_age_limit(kind):
    """While its source is down a fact serves on, and ends by itself; all others stay."""
    source, _ = PARTS[kind]
    # As if everything but this source were settled for good.
    patient = dict.fromkeys(SourceName, Cadence(1e7, 2e7))
    found = polling(WEB, BATCH, cadences=patient | {source: Cadence(600.0, 1800.0)})
    found.upstreams.failing[kind] = down()

    def present():
        return {name for name, (_, is_in) in PARTS.items() if is_in(evidence(found))}

    found.run(1800)
    assert present() == set(PARTS)
    found.clock.advance(0.5)
    assert present() == set(PARTS) - {kind}


def test_an_unreachable_place_keeps_its_last_known_count():
    """Running instances only; a place that answers is not unreachable, nor is one never seen."""
    found = polling(WEB, BATCH, SLEEPING, FAR)
    found.upstreams.failing[Call("inventory", Scope(*FRANKFURT))] = down()
    found.upstreams.regions_of[ACCOUNT] += ("us-east-1",)
    found.upstreams.failing[Call("inventory", Scope(ACCOUNT, "us-east-1"))] = down()

    found.run(900)
    assert evidence(found).unreachable == {}
    found.run(4 * 3600, 300)

    assert evidence(found).unreachable == {FRANKFURT: 2}
    assert set(evidence(found).inventories) == {IRELAND}
    assert len(found.roster.inventories) == 3


@pytest.mark.parametrize(
    ("reason", "never_known", "too_old"),
    [
        (FailureReason.NOT_CONFIGURED, GapReason.NOT_CONFIGURED, GapReason.NOT_CONFIGURED),
        (FailureReason.NOT_COVERED, GapReason.ZONE_NOT_COVERED, GapReason.ZONE_NOT_COVERED),
        (FailureReason.NO_RECENT_DATA, GapReason.NO_GRID_INTENSITY, GapReason.GRID_TOO_OLD),
        *(
            (reason, GapReason.SOURCE_DOWN, GapReason.SOURCE_DOWN)
            for reason in FailureReason
            if reason not in ("not_configured", "not_covered", "no_recent_data")
        ),
    ],
)
def test_why_there_is_no_grid_intensity(reason, never_known, too_old):
    """What the zone's latest failure means for the estimate; a fresh value is no gap at all."""
    failing = {"grid_intensity": down(reason)}
    assert evidence(polling(WEB, failing=failing)).grid == {"DE": never_known}

    found = polling(WEB)
    found.upstreams.failing = failing
    found.run(2 * 3600, 300)
    assert not found.roster.grid["DE"].state.up
    assert isinstance(evidence(found).grid["DE"], GridIntensity)
    found.run(2 * 3600, 300)
    assert evidence(found).grid == {"DE": too_old}


@pytest.mark.parametrize("reason", list(FailureReason))
def test_why_there_is_no_exchange_rate(reason):
    """Not configured and too old have their own reasons; else the source is down."""
    expected = {
        FailureReason.NOT_CONFIGURED: GapReason.NOT_CONFIGURED,
        FailureReason.NO_RECENT_DATA: GapReason.NO_EXCHANGE_RATE,
    }.get(reason, GapReason.SOURCE_DOWN)

    found = polling(WEB, failing={"exchange_rate": down(reason)})

    assert evidence(found).exchange_rate is expected


def test_what_was_never_asked_is_source_down():
    """At the very start, before any answer."""
    clock = FakeClock()
    found = Polling(FakeUpstreams(clock, WEB), clock)
    found.roster.reconcile()

    empty = evidence(found)
    assert empty.exchange_rate is GapReason.SOURCE_DOWN
    assert (empty.inventories, empty.unreachable, empty.grid) == ({}, {}, {})


def test_health_of_a_source_that_works():
    """Every scope has its own line, in a fixed order."""
    found = polling(WEB, FAR)
    found.run(60)
    health = statuses(found)

    assert list(health) == sorted(health)
    assert set(health) == {
        ("ec2_inventory", ""),
        ("ec2_inventory", ACCOUNT),
        ("ec2_inventory", f"{ACCOUNT} eu-central-1"),
        ("ec2_inventory", f"{ACCOUNT} eu-west-1"),
        ("cloudwatch_cpu", f"{ACCOUNT} eu-central-1"),
        ("cloudwatch_cpu", f"{ACCOUNT} eu-west-1"),
        ("cloudtrail_events", f"{ACCOUNT} eu-central-1"),
        ("cloudtrail_events", f"{ACCOUNT} eu-west-1"),
        ("cost_explorer", ""),
        ("pricing", "eu-central-1"),
        ("pricing", "eu-west-1"),
        ("electricity_maps", "DE"),
        ("electricity_maps", "IE"),
        ("electricity_maps_history", "DE"),
        ("electricity_maps_history", "IE"),
        ("boavizta", ""),
        ("exchange_rate", ""),
    }
    grid = health["electricity_maps", "DE"]
    assert (grid.up, grid.refreshes, grid.failures) == (True, 1, {})
    assert (grid.last_success_at, grid.age_seconds) == (found.clock.wall() - 60, 60)
    assert (grid.interval_seconds, grid.max_age_seconds) == (3600, 10_800)
    assert (grid.reason, grid.detail) == (None, "")
    assert health["boavizta", ""].refreshes == 3


def test_the_worst_of_a_scope_counts():
    """Of three prices in a region one has failed for long, one just now: the scope is down."""
    types = ("m5.large", "c5.large", "r5.large")
    found = polling(*(make_instance(f"i-{t}", FRANKFURT, instance_type=t) for t in types))
    good_at = found.clock.wall()
    calls = {t: Call("list_price", Scope(region="eu-central-1"), t) for t in types}
    keys = {key.instance_type: cell.key for key, cell in found.roster.prices.items()}
    found.upstreams.failing[calls["c5.large"]] = down(FailureReason.DENIED)
    found.scheduler.poke(keys["c5.large"])
    found.run(600)
    found.upstreams.failing[calls["r5.large"]] = down(FailureReason.TIMEOUT)
    for name in ("m5.large", "r5.large"):
        found.scheduler.poke(keys[name])
    found.settle()

    status = statuses(found)["pricing", "eu-central-1"]

    assert not status.up
    assert status.reason is FailureReason.DENIED
    assert status.last_success_at == good_at
    assert status.age_seconds == 600
    assert status.failures[FailureReason.TIMEOUT] == 1
    assert status.refreshes == 3 + 2 + status.failures[FailureReason.DENIED]


def test_one_that_never_worked_is_down_and_leaves_the_others_their_time():
    """The time of the last success is the oldest one; 0, never, only while there is none."""
    failing = {Call("profile", item="c5.large"): down(FailureReason.MALFORMED)}
    status = statuses(polling(WEB, BATCH, failing=failing))["boavizta", ""]

    assert (status.up, status.last_success_at, status.age_seconds) == (
        False,
        START_AT,
        0.0,
    )
    assert status.reason is FailureReason.MALFORMED


def test_a_cell_that_was_never_asked_is_silent():
    """A new type beside known ones does not make its source look down until it was tried."""
    found = polling(WEB)
    found.upstreams.fleet[FRANKFURT] = (WEB, BATCH)
    found.clock.advance(300)
    found.roster.reconcile()
    found.scheduler.step()
    found.roster.reconcile()

    assert not found.roster.profiles["c5.large"].state.attempted_wall_at
    assert statuses(found)["boavizta", ""].up
    assert statuses(found)["boavizta", ""].last_success_at > 0


def test_a_scope_of_which_nothing_was_asked_is_not_up():
    """It says so itself: not asked yet."""
    clock = FakeClock()
    found = Polling(FakeUpstreams(clock, WEB), clock)
    status = statuses(found)["exchange_rate", ""]

    assert (status.up, status.last_success_at, status.refreshes) == (False, 0.0, 0)
    assert status.detail == "not asked yet"


def test_health_goes_with_the_need():
    """A zone has no health any more once its instances are history, nor has what was about them."""
    found = polling(WEB, FAR)
    found.upstreams.fleet[IRELAND] = ()
    found.run(600)
    assert ("electricity_maps", "IE") in statuses(found)
    found.run(KEPT_SECONDS + 7200, 900)

    health = statuses(found)
    assert ("electricity_maps", "IE") not in health
    assert ("cloudwatch_cpu", f"{ACCOUNT} eu-west-1") not in health
    assert ("cloudtrail_events", f"{ACCOUNT} eu-west-1") not in health
    assert ("ec2_inventory", f"{ACCOUNT} eu-west-1") in health


def test_an_empty_region_has_the_limits_of_an_hourly_one():
    """What is polled hourly may be older before it is too old."""
    found = polling(WEB, FAR)
    found.upstreams.fleet[IRELAND] = ()
    found.run(600)

    health = statuses(found)
    limits = {
        region: (status.interval_seconds, status.max_age_seconds)
        for region, status in (
            (region, health["ec2_inventory", f"{ACCOUNT} {region}"])
            for region in ("eu-central-1", "eu-west-1")
        )
    }
    assert limits == {"eu-central-1": (300, 900), "eu-west-1": (3600, 10_800)}


def facts(found):
    return gather_facts(found.roster, found.clock.wall())


def test_facts_of_a_fleet():
    """Every place with what is known of it, and when; the rest under the keys of the look-ups."""
    found = facts(polling(WEB, BATCH, SLEEPING, FAR))

    assert found.now == START_AT
    frankfurt, ireland = found.places
    assert (frankfurt.place, ireland.place) == (FRANKFURT, IRELAND)
    assert (frankfurt.seen_until_at, frankfurt.cpu_age_seconds) == (START_AT, 0.0)
    assert (frankfurt.trail_asked, frankfurt.trail_fresh) == (True, True)
    assert frankfurt.trail is not None
    assert frankfurt.trail.until_at == START_AT - 1200
    assert {s.instance.instance_id for s in frankfurt.inventory.sightings} == {
        "i-web",
        "i-batch",
        "i-sleeping",
    }
    assert frankfurt.cpu is not None
    assert {entry.instance_id for entry in frankfurt.cpu.instances} == {"i-web", "i-batch"}
    assert frankfurt.spot is not None
    assert ireland.spot is None
    assert set(found.hardware) == set(found.profiles) == {"m5.large", "c5.large", "r5.large"}
    assert found.prices[WEB_PRICE].usd_per_hour == 0.25
    assert {zone: (type(a), type(b)) for zone, (a, b) in found.grid.items()} == {
        "DE": (GridIntensity, GridHistory),
        "IE": (GridIntensity, GridHistory),
    }
    assert found.bill is not None
    assert found.bill.fetched_at == START_AT


def test_facts_that_are_awaited():
    """Types and prices whose first answer is still to come: not those that are answered or fail."""
    found = polling(WEB)
    assert facts(found).awaited == frozenset()
    found.upstreams.fleet[FRANKFURT] = (
        WEB,
        replace(WEB, instance_id="i-other", instance_type="m5.xlarge"),
    )
    found.clock.advance(300)
    found.roster.reconcile()
    found.scheduler.step()
    found.roster.reconcile()

    key = WEB_PRICE._replace(instance_type="m5.xlarge")
    assert facts(found).awaited == {"m5.xlarge", key}
    found.upstreams.failing["list_price"] = down(FailureReason.DENIED)
    found.settle()
    assert facts(found).awaited == frozenset()


OLD = 50 * 3600.0
"""Older than anything that lasts two days or less."""


def test_facts_however_old():
    """Answers stay facts with their times; prices, profiles and the bill only while they serve."""
    found = polling(WEB, BATCH)
    patient = {"list_price", "profile", "profile_version"}
    found.upstreams.failing |= {
        kind: down()
        for kind in ("inventory", "cpu", "trail", "spot_prices", "grid_intensity", "bill", *patient)
    }
    found.run(OLD, 3600)

    late = facts(found)
    (frankfurt,) = late.places
    assert frankfurt.seen_until_at == START_AT
    assert frankfurt.trail is not None
    assert (frankfurt.trail_asked, frankfurt.trail_fresh) == (True, False)
    assert frankfurt.spot is not None
    assert late.grid["DE"][0] is not None
    assert late.bill is None
    assert late.prices
    found.clock.advance(14 * 86400)
    assert (facts(found).prices, facts(found).profiles) == ({}, {})


def test_facts_of_a_place_without_answers():
    """Before CloudTrail and CloudWatch were asked, and while they are denied, there is a place."""
    clock = FakeClock()
    upstreams = FakeUpstreams(clock, WEB)
    for kind in ("cpu", "trail"):
        upstreams.failing[kind] = down(FailureReason.DENIED)
    found = Polling(upstreams, clock)
    roster = found.roster
    roster.accounts.attempt()
    roster.reconcile()
    roster.regions[ACCOUNT].attempt()
    roster.reconcile()
    assert facts(found).places == ()
    roster.inventories[FRANKFURT].attempt()
    roster.reconcile()

    (before,) = facts(found).places
    assert (before.trail, before.trail_asked, before.trail_fresh) == (None, False, False)
    assert (before.cpu, before.cpu_age_seconds) == (None, None)
    found.settle()
    (after,) = facts(found).places
    assert (after.trail, after.trail_asked, after.trail_fresh) == (None, True, False)
    assert (after.cpu, after.cpu_age_seconds) == (None, None)


def test_what_was_never_asked_for_is_awaited():
    """The profile and the price of a new type, until they were asked for, be it in vain."""
    found = polling(WEB, failing={"profile": down()})
    assert facts(found).awaited == frozenset()

    larger = replace(WEB, instance_id="i-larger", instance_type="r5.large")
    found.upstreams.hold([WEB, larger])
    found.clock.advance(300)
    found.scheduler.step()
    found.update()
    assert facts(found).awaited == {"r5.large", WEB_PRICE._replace(instance_type="r5.large")}

    found.settle()
    assert facts(found).awaited == frozenset()


def test_what_was_wished_for_is_a_fact():
    """Prices and types that are not in use, zones without instances; awaited until asked for."""
    found = polling(WEB)
    wished = PriceKey("eu-north-1", "m5.xlarge", "RunInstances", "default")
    found.roster.wishes = frozenset({"m5.xlarge", wished})
    found.roster.reconcile()
    facts = gather_facts(found.roster, START_AT)
    assert facts.awaited == {"m5.xlarge", wished}
    assert (set(facts.profiles), set(facts.prices)) == ({"m5.large"}, {WEB_PRICE})

    found.settle()

    facts = gather_facts(found.roster, START_AT)
    assert facts.awaited == frozenset()
    assert (set(facts.profiles), set(facts.prices)) == (
        {"m5.large", "m5.xlarge"},
        {WEB_PRICE, wished},
    )


def test_the_grid_of_further_zones_is_a_fact():
    """The books keep it as they keep the grid of where instances are."""
    clock = FakeClock()
    found = Polling(FakeUpstreams(clock, WEB), clock, further_zones={"FR"})
    found.settle()

    facts = gather_facts(found.roster, START_AT)
    latest, history = facts.grid["FR"]
    assert set(facts.grid) == {"DE", "FR"}
    assert latest is not None
    assert history is not None
    assert set(evidence(found).grid) == {"DE", "FR"}


@pytest.mark.parametrize(
    ("reason", "gap"),
    [
        (FailureReason.NOT_CONFIGURED, GapReason.NOT_CONFIGURED),
        (FailureReason.NOT_COVERED, GapReason.ZONE_NOT_COVERED),
        (FailureReason.DENIED, GapReason.SOURCE_DOWN),
    ],
)
def test_why_a_zone_has_no_grid_is_a_fact(reason, gap):
    """Further zones included; of those that answer there is nothing to tell."""
    clock = FakeClock()
    upstreams = FakeUpstreams(clock, WEB)
    upstreams.failing[Call("grid_intensity", Scope(grid_zone="FR"))] = down(reason)
    found = Polling(upstreams, clock, further_zones={"FR", "SE"})
    found.settle()

    assert gather_facts(found.roster, START_AT).grid_gaps == {"FR": gap}


@pytest.mark.parametrize(
    "reason", [None, FailureReason.NOT_COVERED, FailureReason.UNAVAILABLE, FailureReason.DENIED]
)
def test_further_zones_do_not_disturb_the_fleet(reason):
    """Whether they answer or not: only their own health and grid series come with them."""

    def series(further_zones):
        clock = FakeClock()
        upstreams = FakeUpstreams(clock, WEB, BATCH, FAR)
        for kind in ("grid_intensity", "grid_history"):
            if reason:
                upstreams.failing[Call(kind, Scope(grid_zone="FR"))] = down(reason)
        found = Publishing(upstreams, clock, further_zones=further_zones)
        found.settle()
        lines = [line for line in found.text.splitlines() if not line.startswith("#")]
        own = ("carbonfinops_upstream_", "process_", "python_")
        return {line for line in lines if not line.startswith(own)}

    plain, more = series(()), series(("FR",))

    assert plain <= more
    assert all('grid_zone="FR"' in line for line in more - plain)
    health = [line for line in more if line.startswith("carbonfinops_source_up") and '"FR"' in line]
    assert [line.rpartition(" ")[2] for line in health] == ["0.0" if reason else "1.0"] * 2
    assert any(line.startswith("carbonfinops_grid_carbon") for line in more - plain) == (not reason)
