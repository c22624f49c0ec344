from exporter.core.fleet import Place
from exporter.site import SILENCE_LIMIT_SECONDS, StatusSite
from tests.fakes import FakeClock, FakeUpstreams, Publishing, make_instance


def test_a_publisher_that_fell_silent_is_unhealthy():
    """Numbers that nobody renews must not pass for live: an orchestrator restarts the process."""
    clock = FakeClock()
    found = Publishing(
        FakeUpstreams(clock, make_instance("i-web", Place("111111111111", "eu-central-1"))), clock
    )
    site = StatusSite(found.publisher, clock, version="1", simulated=False)
    assert site.unready_reason == "waiting for the first inventory"

    found.settle()
    clock.advance(SILENCE_LIMIT_SECONDS)
    assert (site.unready_reason, site.unhealthy_reason) == ("", "")

    clock.advance(1)
    assert (
        site.unhealthy_reason == f"nothing has been published for {SILENCE_LIMIT_SECONDS + 1:.0f} s"
    )
    found.publisher.publish()
    assert site.unhealthy_reason == ""
