from typing import Any

import pytest

from exporter.core.fleet import Account
from exporter.sources.aws.billing import CostExplorerBill, UnconfiguredBill
from exporter.sources.live import LiveOptions, LiveUpstreams

PAYER = "arn:aws:iam::444455556666:role/billing"
MEMBER = "arn:aws:iam::222233334444:role/reader"


class NoObserver:
    """Hears of nothing."""

    def request(self, *_: object) -> None:
        """No request is made here."""

    def spend(self, *_: object) -> None:
        """Nothing is paid."""


def upstreams(**changes):
    options: dict[str, Any] = {
        "own_account": True,
        "listed_accounts": (),
        "organization_role": "",
        "regions": (),
        "tag_labels": {},
        "pricing_region": "us-east-1",
        "cpu_interval_seconds": 900.0,
        "grid_base_url": "http://grid.test",
        "grid_token": "",
        "grid_api_version": "v3",
        "boavizta_base_url": "http://boavizta.test",
        "usd_per_eur": 1.25,
        "usd_per_eur_as_of_at": None,
        "ecb_url": "http://ecb.test/rates",
        "external_ids": {},
        "organization_external_id": "",
    }
    return LiveUpstreams(LiveOptions(**(options | changes)), NoObserver(), lambda: 0.0)


def test_the_bill_can_be_switched_off():
    """It costs money to ask for, so the operator decides."""
    assert isinstance(upstreams().bill(tuple), CostExplorerBill)
    assert isinstance(upstreams(cost_explorer=False).bill(tuple), UnconfiguredBill)


@pytest.mark.parametrize(
    ("payers", "listed", "asked_with"),
    [
        ("payer's", {}, "payer's"),
        ("payer's", {PAYER: ""}, "payer's"),
        ("", {PAYER: "listed"}, "listed"),
        ("", {}, ""),
    ],
)
def test_external_ids_go_to_their_own_role(payers, listed, asked_with):
    """The payer's role gets its own, or the one it is listed with; never the organization's."""
    clients = upstreams(
        cost_explorer_role_arn=PAYER,
        cost_explorer_external_id=payers,
        external_ids=listed | {MEMBER: "member's"},
        organization_external_id="organization's",
    )._clients

    assert clients._external_id(Account("444455556666", PAYER)) == asked_with
    assert clients._external_id(Account("222233334444", MEMBER)) == "member's"
    other = Account("333344445555", "arn:aws:iam::333344445555:role/reader")
    assert clients._external_id(other) == "organization's"


def test_secrets_are_not_shown():
    """The options hold secrets in the clear, so they are never printed."""
    shown = repr(upstreams(cost_explorer_external_id="s3cret")._options)

    assert "s3cret" not in shown
