"""Refused events and cash transactions are kept, listed and counted, and an override books them, on every store."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from portfolio.application.errors import KeyReused, OwnerAmbiguous
from portfolio.application.ledger.booking import BookTrades
from portfolio.application.ledger.cash import MoveCash, MoveCashInOrOut
from portfolio.application.ledger.cash_records import RecordedCashEntry, RefusedCashEntry
from portfolio.application.ledger.happenings.records import EventReply, EventResult, RecordedEvent
from portfolio.application.ledger.happenings.reversal import ReverseEvent
from portfolio.application.ledger.records import BookTrade
from portfolio.application.ledger.verification import VerifyBooks
from portfolio.domain.errors import InsufficientQuantity
from portfolio.domain.ledger.cash_transaction import CashTransactionKind as Kind
from portfolio.domain.ledger.portfolio import Portfolio
from tests.contract.ledger.event_wishes import CLOCK, POL, RULES, SOL, book, units, wish
from tests.contract.ledger.ledger_kinds import Ports, ports
from tests.support.ledger_examples import BTC, ETH, execution, money, open_books

__all__ = ["ports"]


def paid_out(amount: int, key: str | None = None, *, owner: str = "ann") -> MoveCash:
    return MoveCash(
        kind=Kind.WITHDRAWAL, amount=money(amount), owner=owner, client_transaction_id=key, note="to the bank"
    )


# Of 1 BTC, which cost 45,022.5, and 54,977.5 dollars.
TOO_MUCH = {
    "out": wish(Kind.TRANSFER_OUT, "out", symbol=BTC, quantity=units(3), value=money(135_000)),
    "swap": wish(
        Kind.SWAP, "swap", symbol=BTC, quantity=units(3), to_symbol=ETH, to_quantity=units(40), value=money(120_000)
    ),
    "exchange": wish(Kind.EXCHANGE, "exchange", symbol=BTC, quantity=units(3), to_symbol=POL, to_quantity=units(30)),
    "loss": wish(Kind.LOSS, "loss", symbol=BTC, quantity=units(3)),
    "charge": wish(Kind.CHARGE, "charge", amount=money(60_000)),
}


async def opened(ports: Ports) -> Portfolio:
    """Books with 100,000 dollars, of which 45,022.5 bought a bitcoin."""
    await open_books(ports.ledger)
    bought = replace(execution(quantity="1"), executed_at=CLOCK.now())
    await BookTrades(ports.ledger, CLOCK, RULES)(1, [BookTrade(owner="ann", execution=bought)])
    return await ports.ledger.load(1)


def refused(results: Sequence[EventResult]) -> list[RefusedCashEntry]:
    found = [one.event for one in results if isinstance(one, EventReply)]
    kept = [one for one in found if isinstance(one, RefusedCashEntry)]
    assert len(kept) == len(results)
    return kept


def booked(result: EventResult) -> RecordedEvent:
    assert isinstance(result, EventReply)
    assert isinstance(result.event, RecordedEvent)
    return result.event


async def listed(ports: Ports) -> list[RefusedCashEntry]:
    return [*(await ports.lookups.cash_refusals(1, before=None, limit=100)).items]


async def assert_proved(ports: Ports) -> None:
    found = await VerifyBooks(ports.ledger, page_size=4)(1)
    assert (found.differences, found.unreconciled) == ([], [])
    books = await ports.ledger.load(1)
    assert books.total_value == books.net_deposits + books.realized_pnl + books.unrealized_pnl


async def test_what_was_refused_is_listed_newest_first_with_what_was_asked_for_and_counted(ports: Ports) -> None:
    await opened(ports)
    events = refused(await book(ports, *TOO_MUCH.values()))
    moved = await MoveCashInOrOut(ports.ledger, CLOCK, RULES)(1, paid_out(60_000, "w"))
    assert isinstance(moved.transaction, RefusedCashEntry)
    kept = [*events, moved.transaction]
    assert await listed(ports) == kept[::-1]
    assert await ports.probe.count_refusals(1) == len(kept) == 6
    assert moved.transaction.stated == {"kind": "withdrawal", "amount": "60000", "note": "to the bank"}
    assert events[1].stated == {
        "kind": "swap", "symbol": "BTC", "quantity": "3", "to_symbol": "ETH", "to_quantity": "40", "value": "120000",
        "effective_at": CLOCK.now().isoformat(),
    }  # fmt: skip
    first = await ports.lookups.cash_refusals(1, before=None, limit=4)
    rest = await ports.lookups.cash_refusals(1, before=first.next_before, limit=4)
    assert ([*first.items, *rest.items], rest.next_before) == (kept[::-1], None)
    await assert_proved(ports)


@pytest.mark.unmeasured
@pytest.mark.parametrize("kind", TOO_MUCH)
async def test_an_override_books_what_was_refused_in_its_place_and_it_can_be_taken_out(ports: Ports, kind: str) -> None:
    before, asked = await opened(ports), TOO_MUCH[kind]
    await book(ports, asked)
    assert await ports.ledger.load(1) == before
    [overridden] = await book(ports, replace(asked, owner="boss", override=True))
    event = booked(overridden)
    assert (event.entry.owner, event.entry.client_transaction_id) == ("ann", kind)
    assert (await listed(ports), await ports.probe.count_refusals(1)) == ([], 0)
    after = await ports.ledger.load(1)
    if kind == "charge":
        assert after.cash == before.cash - money(60_000)
        assert after.cash.value < 0
    else:
        assert (after.position(BTC).quantity, after.cash) == (units(-2), before.cash)
    await assert_proved(ports)
    again = await book(ports, asked, replace(asked, owner="boss", override=True))
    assert again == [EventReply(event, replayed=True)] * 2
    assert await ports.lookups.event_under(1, "ann", kind) == event
    assert event.id is not None
    await ReverseEvent(ports.ledger, CLOCK, RULES)(1, event.id, owner="boss")
    taken = await ports.ledger.load(1)
    assert (taken.cash, taken.net_deposits, taken.realized_pnl, taken.cost_basis, taken.position(BTC).quantity) == (
        before.cash, before.net_deposits, before.realized_pnl, before.cost_basis, units(1),
    )  # fmt: skip
    await assert_proved(ports)


async def test_an_override_withdraws_more_than_there_is(ports: Ports) -> None:
    before = await opened(ports)
    move, asked = MoveCashInOrOut(ports.ledger, CLOCK, RULES), paid_out(60_000, "w")
    await move(1, asked)
    reply = await move(1, replace(asked, owner="boss", override=True))
    assert isinstance(reply.transaction, RecordedCashEntry)
    assert (reply.replayed, reply.transaction.entry.owner) == (False, "ann")
    assert (await ports.ledger.load(1)).cash == before.cash - money(60_000)
    assert (await listed(ports), await ports.probe.count_refusals(1)) == ([], 0)
    for again in (asked, replace(asked, owner="boss", override=True)):
        assert await move(1, again) == replace(reply, replayed=True)
    with pytest.raises(KeyReused):
        await move(1, replace(asked, amount=money(1), override=True))
    await assert_proved(ports)


async def test_what_had_no_key_is_kept_under_one_that_the_service_made(ports: Ports) -> None:
    await opened(ports)
    charge = wish(Kind.CHARGE, amount=money(60_000))
    kept = refused(await book(ports, charge, charge))
    moved = await MoveCashInOrOut(ports.ledger, CLOCK, RULES)(1, paid_out(60_000))
    assert isinstance(moved.transaction, RefusedCashEntry)
    assert await listed(ports) == [moved.transaction, *kept[::-1]]
    key = kept[0].client_transaction_id
    assert key != kept[1].client_transaction_id
    booked((await book(ports, replace(charge, client_event_id=key, override=True)))[0])
    assert await listed(ports) == [moved.transaction, kept[1]]


async def test_an_override_may_state_what_was_not_stated(ports: Ports) -> None:
    await opened(ports)
    unknown = wish(Kind.INCOME, "i", symbol=SOL, quantity=units(2), label="staking")
    [kept] = refused(await book(ports, unknown))
    assert (kept.refusal.error, kept.refusal.field) == ("ValueUnknown", "value")
    then = CLOCK.now() - timedelta(days=2)
    valued = replace(
        unknown, what=replace(unknown.what, value=money(300), effective_at=then), stated_at=then, override=True
    )
    [other] = await book(ports, replace(valued, what=replace(valued.what, quantity=units(3))))
    assert isinstance(other, KeyReused)
    [not_overridden] = await book(ports, replace(valued, override=False))
    assert isinstance(not_overridden, KeyReused)
    event = booked((await book(ports, valued))[0])
    assert (event.realized_delta, event.terms.effective_at) == (money(300), then)
    assert await book(ports, unknown, valued) == [EventReply(event, replayed=True)] * 2


async def test_an_override_that_cannot_be_booked_leaves_the_refusal(ports: Ports) -> None:
    before, split = await opened(ports), wish(Kind.SPLIT, "s", symbol=SOL, ratio=Decimal(2))
    kept = refused(await book(ports, split))
    for over in (replace(split, override=True), replace(split, override=True, owner="boss")):
        [neither] = await book(ports, over)
        assert isinstance(neither, InsufficientQuantity)
    assert (await listed(ports), await ports.ledger.load(1)) == (kept, before)
    [not_booked] = await book(ports, wish(Kind.CHARGE, amount=money(60_000)), dry_run=True)
    assert isinstance(not_booked, EventReply)
    assert isinstance(not_booked.event, RefusedCashEntry)
    assert await listed(ports) == kept


async def test_what_no_books_can_hold_is_listed_and_not_counted(ports: Ports) -> None:
    await opened(ports)
    nothing = wish(Kind.INTEREST, "z", amount=money(0))
    kept = refused(await book(ports, nothing))
    assert (await listed(ports), await ports.probe.count_refusals(1)) == (kept, 0)


async def test_an_override_in_the_same_transaction_is_one_too(ports: Ports) -> None:
    await opened(ports)
    asked = TOO_MUCH["charge"]
    no, yes, again, other = await book(
        ports, asked, replace(asked, override=True), asked, replace(asked, what=replace(asked.what, amount=money(1)))
    )
    refused([no])
    assert again == EventReply(booked(yes), replayed=True)
    assert isinstance(other, KeyReused)
    assert await listed(ports) == []


async def test_an_override_that_nobody_was_refused_before_is_the_admins_own(ports: Ports) -> None:
    await opened(ports)
    unkeyed, keyed = (
        replace(TOO_MUCH["charge"], owner="boss", client_event_id=key, override=True) for key in (None, "k")
    )
    owners = [booked(one).entry.owner for one in await book(ports, unkeyed, keyed)]
    moved = await MoveCashInOrOut(ports.ledger, CLOCK, RULES)(1, replace(paid_out(1, "w"), owner="boss", override=True))
    assert isinstance(moved.transaction, RecordedCashEntry)
    assert [*owners, moved.transaction.entry.owner] == ["boss"] * 3


async def test_of_several_owners_one_has_to_be_named(ports: Ports) -> None:
    await opened(ports)
    asked, move = TOO_MUCH["charge"], MoveCashInOrOut(ports.ledger, CLOCK, RULES)
    await book(ports, asked, replace(asked, owner="bob"))
    for owner in ("ann", "bob"):
        await move(1, paid_out(60_000, "w", owner=owner))
    over = replace(asked, override=True, owner="boss")
    unnamed, named, wrong = await book(
        ports, over, replace(over, owner="bob", owner_given=True), replace(over, owner="eve", owner_given=True)
    )
    assert isinstance(unnamed, OwnerAmbiguous)
    assert isinstance(wrong, OwnerAmbiguous)
    assert (str(unnamed).split(" under ")[0], booked(named).entry.owner) == ("2 owners have a booking", "bob")
    with pytest.raises(OwnerAmbiguous):
        await move(1, replace(paid_out(60_000, "w"), override=True, owner="boss"))
    assert [(one.owner, one.client_transaction_id) for one in await listed(ports)] == [
        ("bob", "w"), ("ann", "w"), ("ann", "charge"),
    ]  # fmt: skip


async def test_what_an_adopted_key_was_refused_is_booked_in_its_place(ports: Ports) -> None:
    await opened(ports)
    asked = replace(TOO_MUCH["charge"], owner="")
    await book(ports, asked)
    [overridden] = await book(ports, replace(asked, owner="boss", override=True, adopts_open=True))
    assert (booked(overridden).entry.owner, await listed(ports)) == ("", [])


async def test_a_transfer_in_covers_what_an_override_left_short(ports: Ports) -> None:
    """Of 3 BTC that left, 2 were not held: 90,000 of the value. 5 come at 200,000: 2 of them, 80,000, cover these."""
    await opened(ports)
    await book(ports, *(one for over in (False, True) for one in [replace(TOO_MUCH["out"], override=over)]))
    late = wish(Kind.TRANSFER_IN, "late", symbol=BTC, quantity=units(5), value=money(225_000), basis=money(200_000))
    refused(await book(ports, late))
    event = booked((await book(ports, replace(late, override=True)))[0])
    # 90,000 - 80,000 is realized; what is left of the five cost 120,000.
    assert (event.realized_delta, event.net_deposits_delta) == (money(10_000), money(200_000))
    position = (await ports.ledger.load(1)).position(BTC)
    assert (position.quantity, position.cost_basis) == (units(3), money(120_000))
    await assert_proved(ports)
