"""Which facts are polled: found by discovery, dropped when nothing needs them, asked once."""

from collections import Counter
from dataclasses import replace

import pytest

from exporter.core.evidence import PriceKey
from exporter.core.fleet import Account, InstanceState, Place, PurchaseOption
from exporter.core.provenance import FailureReason, Scope, SourceName
from exporter.core.sightings import KEPT_SECONDS
from exporter.core.trail import TrailAction, TrailEvent
from exporter.refresh import Cadence
from exporter.roster import OUTAGE_SECONDS
from exporter.store import StateDirectory
from exporter.wishes import WISH_KEPT_SECONDS
from tests.fakes import (
    DEFAULT_CADENCES,
    START_AT,
    Call,
    FakeClock,
    FakeUpstreams,
    Polling,
    down,
    make_instance,
)

FIRST, SECOND = "111111111111", "222222222222"
FRANKFURT = Place(FIRST, "eu-central-1")
IRELAND = Place(FIRST, "eu-west-1")
VIRGINIA = Place(SECOND, "us-east-1")
OHIO = Place(SECOND, "us-east-2")
WEB = make_instance("i-web", FRANKFURT)
BATCH = make_instance(
    "i-batch", FRANKFURT, instance_type="c5.large", purchase_option=PurchaseOption.SPOT
)
SLEEPING = replace(
    make_instance("i-sleeping", IRELAND, state=InstanceState.STOPPED),
    state_transition_reason="User initiated (2027-01-14 09:00:00 GMT)",  # 23 hours ago
)
FAR = make_instance("i-far", VIRGINIA, instance_type="r5.large")
NEAR_FAR = make_instance("i-near-far", OHIO, instance_type="r5.large")

SLOW = {
    # Nothing but the inventory refreshes by itself within the hours of a test.
    source: cadence if source is SourceName.EC2_INVENTORY else Cadence(864_000.0, 8_640_000.0)
    for source, cadence in DEFAULT_CADENCES.items()
}


def polling(*instances, cadences=DEFAULT_CADENCES, store=None, further_zones=()):
    clock = FakeClock()
    upstreams = FakeUpstreams(clock, *instances)
    polling = Polling(upstreams, clock, cadences=cadences, store=store, further_zones=further_zones)
    polling.settle()
    return polling


def keys(roster):
    return Counter((str(c.key.source), tuple(c.key.scope), c.key.item) for c in roster.cells())


def test_discovery_leads_to_every_fact_the_fleet_needs():
    """Accounts to regions to instances to CPU, trails, prices, profiles, zones; no other cell."""
    found = polling(WEB, BATCH, SLEEPING, FAR)

    price = "|RunInstances|default"
    assert keys(found.roster) == Counter(
        [
            ("ec2_inventory", ("", "", ""), ""),
            ("ec2_inventory", (FIRST, "", ""), ""),
            ("ec2_inventory", (SECOND, "", ""), ""),
            ("ec2_inventory", (FIRST, "eu-central-1", ""), ""),
            ("ec2_inventory", (FIRST, "eu-west-1", ""), ""),
            ("ec2_inventory", (SECOND, "us-east-1", ""), ""),
            ("cloudwatch_cpu", (FIRST, "eu-central-1", ""), ""),
            ("cloudwatch_cpu", (SECOND, "us-east-1", ""), ""),
            ("cloudtrail_events", (FIRST, "eu-central-1", ""), ""),
            ("cloudtrail_events", (FIRST, "eu-west-1", ""), ""),
            ("cloudtrail_events", (SECOND, "us-east-1", ""), ""),
            ("cost_explorer", ("", "", ""), ""),
            ("spot_price", (FIRST, "eu-central-1", ""), ""),
            ("pricing", ("", "eu-central-1", ""), f"m5.large{price}"),
            ("pricing", ("", "eu-west-1", ""), f"m5.large{price}"),
            ("pricing", ("", "us-east-1", ""), f"r5.large{price}"),
            ("boavizta", ("", "", ""), "version"),
            ("boavizta", ("", "", ""), "m5.large"),
            ("boavizta", ("", "", ""), "c5.large"),
            ("boavizta", ("", "", ""), "r5.large"),
            ("electricity_maps", ("", "", "DE"), ""),
            ("electricity_maps", ("", "", "IE"), ""),
            ("electricity_maps", ("", "", "US-MIDA-PJM"), ""),
            ("electricity_maps_history", ("", "", "DE"), ""),
            ("electricity_maps_history", ("", "", "IE"), ""),
            ("electricity_maps_history", ("", "", "US-MIDA-PJM"), ""),
            ("exchange_rate", ("", "", ""), ""),
        ]
    )
    assert set(found.upstreams.calls.values()) == {1}
    assert all(cell.state.up for cell in found.roster.cells())


def test_settled_facts_are_not_asked_again():
    """Reconciling without news makes and drops nothing."""
    found = polling(WEB, BATCH)
    before = list(found.roster.cells())

    for _ in range(3):
        found.settle()

    assert list(found.roster.cells()) == before
    assert set(found.upstreams.calls.values()) == {1}


def test_regions_of_one_grid_zone_share_a_cell():
    """A zone is asked once, however many regions are in it."""
    found = polling(FAR, NEAR_FAR)

    assert set(found.roster.grid) == set(found.roster.grid_history) == {"US-MIDA-PJM"}
    assert found.upstreams.times("grid_intensity") == 1


def test_location_without_a_zone_has_no_grid_cell():
    """What nobody could answer is not asked."""
    found = polling(make_instance("i-1", Place(FIRST, "me-south-1")))

    assert found.roster.grid == {}
    assert found.upstreams.times("grid_intensity") == 0


def test_cpu_and_spot_are_asked_for_what_runs():
    """The sources get the running instances as they are at the time of the fetch."""
    idle = replace(SLEEPING, instance_id="i-idle", region=FRANKFURT.region)
    found = polling(WEB, BATCH, idle)

    cpu = found.roster.cpu[FRANKFURT].state.value
    assert cpu is not None
    assert [c.instance_id for c in cpu.instances] == ["i-web", "i-batch"]
    spot = found.roster.spot[FRANKFURT].state.value
    assert spot is not None
    assert [(q.availability_zone, q.instance_type) for q in spot.quotes] == [
        ("eu-central-1a", "c5.large")
    ]


STOPPED = [replace(i, state=InstanceState.STOPPED) for i in (WEB, BATCH)]


@pytest.mark.parametrize(
    ("fleet", "gone"),
    [
        ((WEB, SLEEPING, FAR), {f"spot_price {FIRST} eu-central-1", "boavizta c5.large"}),
        ((STOPPED[0], BATCH, SLEEPING, FAR), set()),
        ((*STOPPED, SLEEPING, FAR), {f"cloudwatch_cpu {FIRST} eu-central-1"}),
        (
            (WEB, BATCH, FAR),
            {
                f"cloudtrail_events {FIRST} eu-west-1",
                "electricity_maps IE",
                "electricity_maps_history IE",
                "pricing eu-west-1 m5.large|RunInstances|default",
            },
        ),
        (
            (WEB, BATCH, SLEEPING),
            {
                f"cloudtrail_events {SECOND} us-east-1",
                f"cloudwatch_cpu {SECOND} us-east-1",
                "boavizta r5.large",
                "electricity_maps US-MIDA-PJM",
                "electricity_maps_history US-MIDA-PJM",
                "pricing us-east-1 r5.large|RunInstances|default",
            },
        ),
    ],
    ids=["no spot", "one stopped", "all stopped", "emptied region", "emptied account"],
)
def test_what_nothing_needs_any_more_goes(fleet, gone):
    """Cells end once the last hours of what is gone are history; empty regions keep inventories."""
    found = polling(WEB, BATCH, SLEEPING, FAR)
    before = labels(found.roster)
    found.upstreams.fleet = {
        p: tuple(i for i in fleet if i.place == p) for p in found.upstreams.fleet
    }
    found.run(400)
    assert labels(found.roster) == before

    found.run(KEPT_SECONDS + 7200, 900)

    assert before - labels(found.roster) == gone
    assert len(found.scheduler._tasks) == len(before) - len(gone)


def test_points_of_what_ended_are_asked_for_a_while():
    """Twice the CPU interval and an hour: then no point can be outstanding any more."""
    found = polling(WEB)
    found.run(600)
    ended_at = found.clock.wall()
    found.upstreams.fleet[FRANKFURT] = ()
    found.run(2 * 900 + 3600)
    asked = cpu_call_times(found, 7200)

    assert FRANKFURT not in found.roster.cpu
    # An inventory, at most five minutes later, shows that it is gone.
    assert max(asked, default=ended_at) <= ended_at + 300 + 2 * 900 + 3600


def test_points_are_asked_for_while_ec2_does_not_answer():
    """Of those last known, as long as the gap that this leaves can be closed again."""
    found = polling(WEB)
    found.upstreams.failing["inventory"] = down()

    def polled():
        cpu = found.roster.cpu[FRANKFURT].state.value
        assert cpu is not None
        return {entry.instance_id: entry.polled_at for entry in cpu.instances}

    found.run(OUTAGE_SECONDS - 900, 300)
    assert polled()["i-web"] >= found.clock.wall() - 900

    found.run(2700, 300)
    assert polled() == {}


def test_prices_of_a_former_type_are_known():
    """CloudTrail tells what an instance was before it was resized: its hours have that price."""
    resized = replace(WEB, instance_type="m5.xlarge")
    clock = FakeClock()
    upstreams = FakeUpstreams(clock, resized)
    upstreams.events[FRANKFURT] = (
        TrailEvent("e-1", START_AT - 7200, TrailAction.RUN, "i-web", instance_type="m5.large"),
        TrailEvent("e-2", START_AT - 3600, TrailAction.MODIFY, "i-web", instance_type="m5.xlarge"),
    )
    found = Polling(upstreams, clock)
    found.settle()

    assert set(found.roster.profiles) == {"m5.large", "m5.xlarge"}
    assert {key.instance_type for key in found.roster.prices} == {"m5.large", "m5.xlarge"}


def test_the_bill_is_asked_for_once_whatever_the_fleet():
    """Each question costs; the sources get the accounts as they are at the time of the fetch."""
    asked: list[tuple[str, ...]] = []

    class Billing(FakeUpstreams):
        def bill(self, accounts):
            def noted():
                asked.append(accounts())
                return asked[-1]

            return super().bill(noted)

    clock = FakeClock()
    found = Polling(Billing(clock, WEB, FAR), clock)
    found.settle()
    found.run(2 * 21600, 300)

    assert asked in ([(FIRST, SECOND)] * 2, [(FIRST, SECOND)] * 3)


def labels(roster):
    return {
        " ".join([c.key.source, *filter(None, c.key.scope), c.key.item]).strip()
        for c in roster.cells()
    }


def test_a_region_that_is_disabled_goes():
    """With its inventory, and all that only its instances needed."""
    found = polling(WEB, SLEEPING)
    found.upstreams.regions_of[FIRST] = ("eu-west-1",)
    found.run(4000)

    assert set(found.roster.inventories) == set(found.roster.trails) == {IRELAND}
    assert (found.roster.cpu, set(found.roster.grid)) == ({}, {"IE"})


def test_an_account_that_left_goes():
    """With its regions and inventories."""
    found = polling(WEB, FAR)
    found.upstreams.polled_accounts = (Account(FIRST),)
    found.run(4000)

    assert set(found.roster.regions) == {FIRST}
    assert set(found.roster.inventories) == {FRANKFURT}


def test_a_new_region_and_a_new_account_are_found():
    """Within the hour that such lists are kept."""
    found = polling(WEB)
    found.upstreams.hold([WEB, SLEEPING, FAR])
    found.run(4000)

    assert set(found.roster.inventories) == {FRANKFURT, IRELAND, VIRGINIA}
    assert VIRGINIA in found.roster.cpu


def test_an_account_that_changes_is_polled_as_it_is_now():
    """Other regions chosen for it, or another role: the old ones are no longer used."""
    found = polling(WEB, SLEEPING)
    assert set(found.roster.inventories) == {FRANKFURT, IRELAND}
    found.upstreams.polled_accounts = (Account(FIRST, regions=("eu-west-1",)),)

    found.run(3 * 3600, 300)

    assert set(found.roster.inventories) == {IRELAND}


def test_a_restart_with_other_regions_polls_those(tmp_path):
    """What an earlier process was told to poll does not outlive the setting."""
    with StateDirectory(tmp_path) as store:
        before = polling(WEB, SLEEPING, store=store)
        before.upstreams.polled_accounts = (Account(FIRST, regions=("eu-central-1",)),)
        before.run(2 * 3600, 600)
        for source in SourceName:
            cells = [cell for cell in before.roster.cells() if cell.key.source is source]
            store.save(source, cells)

    with StateDirectory(tmp_path) as store:
        upstreams = FakeUpstreams(before.clock, WEB, SLEEPING)
        upstreams.polled_accounts = (Account(FIRST, regions=("eu-west-1",)),)
        after = Polling(upstreams, before.clock, store=store)
        after.settle()
        after.run(3 * 3600, 600)

    assert set(after.roster.inventories) == {IRELAND}


def test_empty_regions_are_asked_hourly():
    """Seventeen regions without instances cost an hourly call, not one per five minutes."""
    found = polling(WEB, SLEEPING)
    found.upstreams.fleet[IRELAND] = ()
    found.run(600)
    calls = found.upstreams.calls.copy()

    found.run(6 * 3600, 60)

    asked = found.upstreams.calls - calls
    assert asked[Call("inventory", Scope(*IRELAND))] in (6, 7)
    assert asked[Call("inventory", Scope(*FRANKFURT))] in range(70, 91)


def test_an_instance_in_an_empty_region_is_found():
    """Within an hour; from then on at the usual interval."""
    found = polling(WEB, SLEEPING)
    found.upstreams.fleet[IRELAND] = ()
    found.run(600)
    found.upstreams.fleet[IRELAND] = (replace(SLEEPING, state=InstanceState.RUNNING),)

    found.run(3600)

    assert IRELAND in found.roster.cpu
    calls = found.upstreams.calls.copy()
    found.run(3000)
    assert (found.upstreams.calls - calls)[Call("inventory", Scope(*IRELAND))] in range(10, 14)


def cpu_call_times(found, seconds, tick=60.0):
    """Wall times at which CPU points were asked for."""
    times = []
    for _ in range(round(seconds / tick)):
        before = found.upstreams.times("cpu")
        found.run(tick, tick)
        times += [found.clock.wall()] * (found.upstreams.times("cpu") - before)
    return times


@pytest.mark.parametrize("age_seconds", [0.0, 299.0, 899.0, 900.0, 86400.0])
def test_newcomers_are_asked_once_at_the_inventory_that_shows_them(age_seconds):
    """Not before they are 15 minutes old, at the next inventory after that, and once."""
    found = polling(WEB, cadences=SLOW)
    newcomer = make_instance("i-new", FRANKFURT, launched_at=found.clock.wall() - age_seconds)
    found.upstreams.fleet[FRANKFURT] = (WEB, newcomer)

    times = cpu_call_times(found, 2 * 3600)

    (asked_at,) = times
    inventory = found.roster.inventories[FRANKFURT].state
    assert inventory.value is not None
    old_enough_at = max(newcomer.launched_at + 900, START_AT)
    assert old_enough_at <= asked_at <= old_enough_at + 300
    cpu = found.roster.cpu[FRANKFURT].state.value
    assert cpu is not None
    assert {c.instance_id for c in cpu.instances} == {"i-web", "i-new"}


def test_a_restarted_instance_is_a_newcomer():
    """The points of its earlier run are of no use."""
    found = polling(WEB, cadences=SLOW)
    found.run(600)
    restarted_at = found.clock.wall()
    found.upstreams.fleet[FRANKFURT] = (replace(WEB, launched_at=restarted_at),)

    (asked_at,) = cpu_call_times(found, 2 * 3600)

    assert restarted_at + 900 <= asked_at <= restarted_at + 1200


def test_newcomers_do_not_hasten_a_source_that_is_down():
    """Retries keep to their own pace: a poke would only add to the trouble."""
    found = polling(WEB)
    found.upstreams.failing["cpu"] = down(FailureReason.THROTTLED, 3600)
    found.run(1000)
    calls = found.upstreams.times("cpu")
    found.upstreams.fleet[FRANKFURT] = (WEB, make_instance("i-new", FRANKFURT))

    found.run(1800)

    assert found.upstreams.times("cpu") == calls


def test_a_new_spot_type_is_priced_at_once():
    """Once; pools that have a quote are not asked again."""
    found = polling(WEB, BATCH, cadences=SLOW)
    other = replace(BATCH, instance_id="i-other", instance_type="c6g.large")
    found.upstreams.fleet[FRANKFURT] = (WEB, BATCH, other, replace(other, instance_id="i-third"))
    found.run(300)
    assert found.upstreams.times("spot_prices") == 2

    found.run(3600)

    assert found.upstreams.times("spot_prices") == 2
    spot = found.roster.spot[FRANKFURT].state.value
    assert spot is not None
    assert {quote.instance_type for quote in spot.quotes} == {"c5.large", "c6g.large"}


def test_a_spot_type_without_a_price_is_asked_once_per_inventory():
    """AWS may not quote a pool for long: asking again and again would not change that."""
    clock = FakeClock()
    upstreams = FakeUpstreams(clock, BATCH)
    upstreams.unpriced_types = {"c5.large"}
    found = Polling(upstreams, clock, cadences=SLOW)
    found.settle()
    found.run(3600, 10)

    assert upstreams.times("spot_prices") <= upstreams.times("inventory")


def test_a_resized_instance_gets_its_new_price_and_profile():
    """Stopped, changed in type, started: the old type's facts go with the last of its hours."""
    found = polling(WEB, cadences=SLOW)
    resized = replace(WEB, instance_type="m5.xlarge", launched_at=START_AT + 100)
    found.upstreams.fleet[FRANKFURT] = (resized,)
    found.run(300)
    assert set(found.roster.profiles) == {"m5.large", "m5.xlarge"}

    found.run(KEPT_SECONDS + 600, 900)

    assert set(found.roster.profiles) == {"m5.xlarge"}
    assert [key.instance_type for key in found.roster.prices] == ["m5.xlarge"]
    assert found.roster.profiles["m5.xlarge"].state.up


def test_a_new_version_of_the_provider_renews_every_profile_once():
    """An upgrade of Boavizta moves watts: no profile of the old version stays for days."""
    found = polling(WEB, BATCH, cadences=SLOW)
    found.upstreams.version = "2.6.0"
    found.scheduler.poke(found.roster.profile_version.key)
    found.settle()

    versions = {c.state.value.provider_version for c in found.roster.profiles.values()}
    assert versions == {"2.6.0"}
    assert found.upstreams.times("profile") == 4
    found.run(3600)
    assert found.upstreams.times("profile") == 4


def test_a_profile_that_cannot_be_renewed_is_not_hammered():
    """The old one serves; retries keep to their pace."""
    found = polling(WEB, cadences=SLOW)
    found.upstreams.version = "2.6.0"
    found.upstreams.failing["profile"] = down()
    found.scheduler.poke(found.roster.profile_version.key)

    found.run(3600, 10)

    assert 5 <= found.upstreams.times("profile") <= 14
    profile = found.roster.profiles["m5.large"].fresh()
    assert profile is not None
    assert profile.provider_version == "2.5.0"


@pytest.mark.parametrize("kind", ["regions", "inventory", "cpu", "spot_prices", "trail"])
def test_one_failing_account_leaves_the_others_alone(kind):
    """Denied in one account from the start: the other one is complete."""
    clock = FakeClock()
    upstreams = FakeUpstreams(clock, WEB, FAR, replace(FAR, purchase_option=PurchaseOption.SPOT))
    for scope in (Scope(SECOND), Scope(*VIRGINIA)):
        upstreams.failing[Call(kind, scope)] = down(FailureReason.DENIED)
    found = Polling(upstreams, clock)
    found.settle()
    found.run(1800)

    own = [cell for cell in found.roster.cells() if cell.key.scope.account_id == FIRST]
    assert {cell.key.source for cell in own} == {
        SourceName.EC2_INVENTORY,
        SourceName.CLOUDWATCH_CPU,
        SourceName.CLOUDTRAIL_EVENTS,
    }
    assert all(cell.state.up and cell.fresh() for cell in own)
    assert found.roster.prices
    assert found.roster.profiles["m5.large"].fresh()


def test_what_was_known_stays_while_discovery_fails():
    """A failing list of accounts or regions drops nothing that is still polled well."""
    found = polling(WEB, FAR)
    found.upstreams.failing |= {"accounts": down(), "regions": down(FailureReason.DENIED)}

    found.run(6 * 3600, 300)

    assert set(found.roster.inventories) == {FRANKFURT, VIRGINIA}
    assert all(cell.fresh() for cell in found.roster.inventories.values())


def test_places_that_come_and_go_leave_nothing_behind():
    """A long life with changing accounts does not fill the memory."""
    found = polling(WEB)
    for number in range(20):
        passing = make_instance("i-1", Place(f"{number:012}", "eu-west-1"))
        found.upstreams.hold([WEB, passing])
        found.run(7200, 600)

    assert len(found.roster.regions) == len(found.roster.inventories) == 2
    assert len(found.roster._seen_inventories) <= 2
    assert len(found.scheduler._tasks) == len(list(found.roster.cells()))


def test_chosen_regions_need_no_question():
    """Where the operator names the regions, no list is asked for, and none can be up or down."""
    clock = FakeClock()
    upstreams = FakeUpstreams(clock, WEB, SLEEPING)
    upstreams.polled_accounts = (Account(FIRST, regions=("eu-west-1",)),)
    found = Polling(upstreams, clock)
    found.settle()

    assert set(found.roster.inventories) == {IRELAND}
    assert not found.roster.regions
    assert not [call for call in upstreams.calls if call.kind == "regions"]


def test_further_zones_are_asked_about_from_the_start():
    """Before any account is known, and for good: their history has to grow."""
    clock = FakeClock()
    upstreams = FakeUpstreams(clock, WEB)
    upstreams.failing["accounts"] = down()
    found = Polling(upstreams, clock, further_zones={"FR", "DE"})
    found.settle()
    assert set(found.roster.grid) == set(found.roster.grid_history) == {"FR", "DE"}

    upstreams.failing.clear()
    found.run(3600)

    assert set(found.roster.inventories) == {FRANKFURT}
    assert set(found.roster.grid) == set(found.roster.grid_history) == {"FR", "DE"}
    upstreams.fleet[FRANKFURT] = ()
    found.run(KEPT_SECONDS + 7200, 900)
    assert all(found.roster.grid[zone].fresh() for zone in ("FR", "DE"))
    assert all(found.roster.grid_history[zone].fresh() for zone in ("FR", "DE"))


def test_further_zones_call_for_nothing_else():
    """No inventory, price or profile: there are no instances there."""
    before, found = polling(WEB), polling(WEB, further_zones={"FR"})

    assert labels(found.roster) - labels(before.roster) == {
        "electricity_maps FR",
        "electricity_maps_history FR",
    }
    assert labels(before.roster) < labels(found.roster)


WISHED_PRICE = PriceKey("eu-north-1", "m5.large", "RunInstances", "default")


def test_wishes_are_asked_for_like_what_the_fleet_needs():
    """Once each, and beside the fleet's own."""
    found = polling(WEB, cadences=SLOW)
    before = labels(found.roster)
    own_price = next(iter(found.roster.prices))
    found.roster.wishes = frozenset({"m5.small", "m5.large", WISHED_PRICE, own_price})

    found.run(3600)

    assert labels(found.roster) - before == {
        "boavizta m5.small",
        "pricing eu-north-1 m5.large|RunInstances|default",
    }
    assert found.roster.profiles["m5.small"].fresh()
    assert found.roster.prices[WISHED_PRICE].fresh()
    wanted = [Call("profile", item="m5.small"), Call("profile", item="m5.large")]
    wanted.append(Call("list_price", Scope(region="eu-north-1"), "m5.large"))
    assert [found.upstreams.calls[call] for call in wanted] == [1, 1, 1]


def test_the_answer_to_a_wish_is_kept():
    """What is known is not wished for again: it must not go, and come back, and go."""
    found = polling(WEB, cadences=SLOW)
    wishes = frozenset({"m5.small", WISHED_PRICE})
    found.roster.wishes = wishes
    found.run(60)
    made = [found.roster.profiles["m5.small"], found.roster.prices[WISHED_PRICE]]

    for _ in range(3):
        found.roster.wishes = frozenset()
        found.run(6 * 86400.0, 6 * 3600.0)

    assert [found.roster.profiles["m5.small"], found.roster.prices[WISHED_PRICE]] == made
    assert all(cell.fresh() for cell in made)


def test_a_wish_of_long_ago_goes():
    """With its cell, six weeks after it was made last; what the fleet needs as well stays."""
    found = polling(WEB, cadences=SLOW)
    before = labels(found.roster)
    found.roster.wishes = frozenset({"m5.small", "m5.large", WISHED_PRICE})
    found.run(60)
    found.roster.wishes = frozenset({"m5.small"})
    found.run(WISH_KEPT_SECONDS, 43200.0)
    assert labels(found.roster) - before == {"boavizta m5.small"}

    found.roster.wishes = frozenset()
    found.run(WISH_KEPT_SECONDS, 43200.0)

    assert labels(found.roster) == before
    assert len(found.scheduler._tasks) == len(before)
    assert not found.roster._wishes._made_at


def test_wishes_nobody_can_grant_leave_the_rest_alone():
    """They fail like any other source, in their own scope."""
    found = polling(WEB, cadences=SLOW)
    call = Call("list_price", Scope(region="eu-north-1"), "m5.large")
    found.upstreams.failing[call] = down(FailureReason.DENIED)
    found.roster.wishes = frozenset({WISHED_PRICE})

    found.run(600)

    down_cells = [cell for cell in found.roster.cells() if not cell.state.up]
    assert down_cells == [found.roster.prices[WISHED_PRICE]]
