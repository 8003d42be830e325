"""A split that is booked late is of what was held at its moment, on every kind of books."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from fractions import Fraction
from itertools import count
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portfolio.application.history.restatement import compare
from portfolio.application.ledger.booking import BookTrades
from portfolio.application.ledger.cash_records import RefusedCashEntry
from portfolio.application.ledger.happenings.booking import BookEvents
from portfolio.application.ledger.happenings.records import BookEvent, EventReply, RecordedEvent
from portfolio.application.ledger.happenings.reversal import ReverseEvent
from portfolio.application.ledger.lots.journal import Journal
from portfolio.application.ledger.lots.postings import postings_of
from portfolio.application.ledger.ports import Ledger
from portfolio.application.ledger.records import BookTrade, TradeFilter
from portfolio.application.ledger.reversal import ReverseTrade
from portfolio.application.ledger.verification import VerifyBooks
from portfolio.domain.errors import InvalidAmount
from portfolio.domain.ledger.cash_transaction import CashTransactionKind as Kind
from portfolio.domain.ledger.event_rules import happen
from portfolio.domain.ledger.happening import BookedChange, LaterMove
from portfolio.domain.ledger.lots.methods import lots_of
from portfolio.domain.ledger.lots.records import LotMethod
from portfolio.domain.ledger.trade import Side
from portfolio.domain.symbol import Symbol
from tests.contract.ledger.event_wishes import CLOCK, RULES, units, wish
from tests.contract.ledger.ledger_kinds import Ports, ports
from tests.support.fakes.fake_ledger import FakeLedger
from tests.support.ledger_examples import BTC, ETH, execution, money, open_books

__all__ = ["ports"]


NUMBERS = count()


def ago(days: int) -> Any:
    return CLOCK.now() - timedelta(days=days)


async def trade(ledger: Ledger, side: Side, quantity: str, days: int, symbol: Symbol = BTC) -> None:
    wanted = execution(quantity=quantity, price="100", fees="0")
    executed = replace(wanted, side=side, symbol=symbol, executed_at=ago(days))
    asked = BookTrade(owner="ann", execution=executed, client_trade_id=f"{symbol} {next(NUMBERS)}", override=True)
    await BookTrades(ledger, CLOCK, RULES)(1, [asked])  # whatever is held


def split(days: int, ratio: str | int = 10, key: str | None = None) -> BookEvent:
    asked = wish(Kind.SPLIT, key, symbol=BTC, ratio=Decimal(ratio))
    return replace(asked, what=replace(asked.what, effective_at=ago(days)), stated_at=ago(days))


async def book(ledger: Ledger, *wishes: BookEvent, dry_run: bool = False) -> list[Any]:
    return list(await BookEvents(ledger, CLOCK, RULES)(1, wishes, dry_run=dry_run))


async def held(ledger: Ledger) -> str:
    return str((await ledger.load(1)).position(BTC).quantity)


async def assert_in_order(ledger: Ledger) -> None:
    """The books are proved, and are those of the order of effect."""
    found = await VerifyBooks(ledger)(1)
    assert (found.differences, found.unreconciled) == ([], [])
    portfolio = await ledger.newest(1)
    assert compare(await Journal(ledger).read(portfolio), portfolio).left_out == {}


async def bought(ports: Ports) -> Ledger:
    """Ten of 30 days ago, and fifty of 10 days ago; of another asset too, of which nothing is split."""
    await open_books(ports.ledger)
    await trade(ports.ledger, Side.BUY, "10", 30)
    await trade(ports.ledger, Side.BUY, "50", 10)
    await trade(ports.ledger, Side.BUY, "7", 10, ETH)
    return ports.ledger


async def test_what_was_bought_after_it_is_not_split(ports: Ports) -> None:
    ledger = await bought(ports)
    [planned] = await book(ledger, split(20, key="s"), dry_run=True)
    [booked] = await book(ledger, split(20, key="s"))
    assert [str(leg.quantity_delta) for leg in booked.event.legs] == ["90"]
    assert planned.event.legs == booked.event.legs
    # 10 x 10 and 50
    assert await held(ledger) == "150"
    said = "trade 2 took effect later, and is taken to be of the new units: the split is of what was held before"
    assert (booked.event.entry.note, planned.event.entry.note) == (said, said)
    await assert_in_order(ledger)
    [again] = await book(ledger, split(20, key="s"))
    assert again == EventReply(booked.event, replayed=True)
    assert (await ports.lookups.events(1, before=None, limit=5)).items[0] == booked.event
    await ReverseEvent(ledger, CLOCK, RULES)(1, booked.event.id, owner="ann")
    assert await held(ledger) == "60"
    await assert_in_order(ledger)


async def test_one_that_does_not_say_when_is_of_all_that_is_held(ports: Ports) -> None:
    ledger = await bought(ports)
    [booked] = await book(ledger, wish(Kind.SPLIT, symbol=BTC, ratio=Decimal(10)))
    assert (await held(ledger), booked.event.entry.note) == ("600", None)


async def test_what_was_sold_and_what_came_or_left_otherwise_is_of_the_new_units_too(ports: Ports) -> None:
    ledger = await bought(ports)
    await trade(ledger, Side.SELL, "5", 9)
    came = wish(Kind.TRANSFER_IN, symbol=BTC, quantity=units(3), value=money(30))
    left = wish(Kind.TRANSFER_OUT, symbol=BTC, quantity=units(1), value=money(10))
    swapped = wish(Kind.SWAP, symbol=BTC, quantity=units(2), to_symbol=ETH, to_quantity=units(1), value=money(20))
    await book(ledger, came, left, swapped)
    await book(ledger, split(20))
    # 10 x 10 + 50 - 5 + 3 - 1 - 2
    assert await held(ledger) == "145"
    await assert_in_order(ledger)


async def test_what_was_taken_out_counts_for_nothing_and_takes_effect_with_what_it_takes_out(ports: Ports) -> None:
    ledger = await bought(ports)
    came = wish(Kind.TRANSFER_IN, symbol=BTC, quantity=units(3), value=money(30))
    [event] = await book(ledger, came)
    await ReverseEvent(ledger, CLOCK, RULES)(1, event.event.id, owner="ann")
    await trade(ledger, Side.BUY, "4", 25)
    await ReverseTrade(ledger, CLOCK, RULES)(1, 4, owner="ann")  # booked now, and of 25 days ago
    [booked] = await book(ledger, split(20))
    assert await held(ledger) == "150"
    assert booked.event.entry.note is not None
    assert booked.event.entry.note.startswith("trade 2 took effect later")
    await ReverseTrade(ledger, CLOCK, RULES)(1, 2, owner="ann")
    await ReverseEvent(ledger, CLOCK, RULES)(1, booked.event.id, owner="ann")
    [booked] = await book(ledger, split(20))  # all of later was taken out: nothing is to be said
    assert (await held(ledger), booked.event.entry.note) == ("100", None)
    await assert_in_order(ledger)


async def test_another_split_of_later_is_in_the_way_until_it_was_taken_out(ports: Ports) -> None:
    ledger = await bought(ports)
    [later] = await book(ledger, split(5, 2))
    [refused] = await book(ledger, split(20, key="s"))
    assert isinstance(refused.event, RefusedCashEntry)
    assert refused.event.refusal.detail == (
        f"effective_at lies before a split of BTC that is booked already, event {later.event.id}: reverse that one,"
        " book this one, and then that one again"
    )
    assert [
        one.client_transaction_id for one in (await ports.lookups.cash_refusals(1, before=None, limit=5)).items
    ] == ["s"]
    await ReverseEvent(ledger, CLOCK, RULES)(1, later.event.id, owner="ann")
    [booked] = await book(ledger, replace(split(20, key="s"), override=True))
    assert isinstance(booked.event, RecordedEvent)
    await book(ledger, split(5, 2, key="once more"))
    # (10 x 10 + 50) x 2
    assert await held(ledger) == "300"
    await assert_in_order(ledger)


@pytest.mark.parametrize(
    ("ratio", "trades", "reason"),
    [
        # 40 days ago nothing was held; with a ratio of 0.1 there was 1 of the 10, of which 8 cannot have been sold
        ("10", [(Side.BUY, "10", 30)], "at effective_at 0 BTC was held, which the split made 0"),
        ("0.1", [(Side.BUY, "10", 50), (Side.SELL, "8", 10)], "trade 2, it would be -7: what was booked for later has"),
        ("0.1", [(Side.BUY, "10", 50), (Side.SELL, "1", 9), (Side.SELL, "1", 8)], "trade 2, trade 3, it would be -1"),
        ("2", [(Side.BUY, "10", 50), (Side.SELL, "15", 10)], "trade 2, it would be 5"),
        ("0.0000000000000000001", [(Side.BUY, "1", 50), (Side.BUY, "1", 9)], "ratio leaves nothing at 18 decimals"),
    ],
)
async def test_what_cannot_have_been_is_refused_and_kept_with_what_to_do(
    ports: Ports, ratio: str, trades: list[tuple[Side, str, int]], reason: str
) -> None:
    await open_books(ports.ledger)
    for side, quantity, days in trades:
        await trade(ports.ledger, side, quantity, days)
    before = await held(ports.ledger)
    [refused] = await book(ports.ledger, split(40, ratio))
    assert isinstance(refused.event, RefusedCashEntry)
    assert refused.event.refusal.error == InvalidAmount.__name__
    assert reason in refused.event.refusal.detail
    assert await held(ports.ledger) == before


async def test_of_many_that_are_later_the_first_are_named(ports: Ports) -> None:
    await open_books(ports.ledger)
    await trade(ports.ledger, Side.BUY, "10", 30)
    for days in range(7):
        await trade(ports.ledger, Side.BUY, "1", days + 1)
    [booked] = await book(ports.ledger, split(20))
    assert booked.event.entry.note.startswith("trade 2, trade 3, trade 4, trade 5, trade 6 and 2 more took effect")


async def test_a_dry_run_counts_what_stands_before_it_in_the_request(ports: Ports) -> None:
    ledger = await bought(ports)
    came = wish(Kind.TRANSFER_IN, symbol=BTC, quantity=units(3), value=money(30))
    early = replace(came, what=replace(came.what, effective_at=ago(29)), stated_at=ago(29))
    wishes = (came, early, split(20), split(25, 2))
    planned = await book(ledger, *wishes, dry_run=True)
    assert str(planned[2].event.legs[0].quantity_delta) == "117"  # nine times 10 and the 3 of 29 days ago
    assert planned[3].event.refusal.error == InvalidAmount.__name__
    done = await book(ledger, *wishes)
    assert done[2].event.legs == planned[2].event.legs
    assert isinstance(done[3].event, RefusedCashEntry)
    assert await held(ledger) == "183"


async def test_what_another_asset_did_and_what_was_before_a_newer_opening_is_not_asked_for(ports: Ports) -> None:
    ledger = await bought(ports)
    asked = await ledger.transact(1, lambda unit: unit.moved_after(BTC, ago(20)))
    assert asked == [LaterMove(name="trade 2", quantity=units(50))]
    assert await ledger.transact(1, lambda unit: unit.moved_after(BTC, ago(10))) == []  # of the same moment: before


@pytest.mark.parametrize("added", ["-60", "-61"])
async def test_what_a_file_says_of_a_split_leaves_something(added: str) -> None:
    ledger = FakeLedger()
    await open_books(ledger)
    await trade(ledger, Side.BUY, "60", 5)
    what = replace(split(20, "0.5").what, added=units(added))
    with pytest.raises(InvalidAmount, match="ratio leaves nothing"):
        happen(await ledger.load(1), what, RULES, CLOCK.now())


# --- what is booked late itself ---------------------------------------------------------------------------------------


def late(quantity: str, days: float, **how: Any) -> BookTrade:
    wanted = execution(quantity=quantity, price="100", fees="0")
    at = CLOCK.now() - timedelta(days=days)
    return BookTrade(owner="ann", execution=replace(wanted, executed_at=at), **{"stated_at": at, **how})


async def test_what_was_executed_before_a_split_and_is_booked_after_it_says_so_and_what_to_do(ports: Ports) -> None:
    ledger = await bought(ports)
    [first] = await book(ledger, split(20))
    commands = [
        late("2", 25, client_trade_id="a", notes="by wire", remarks_changed="confidence: cut"),
        late("3", 19, client_trade_id="b"),
        late("4", 25),
        replace(late("5", 25), execution=replace(late("5", 25).execution, symbol=ETH)),
    ]
    replies: list[Any] = await BookTrades(ledger, CLOCK, RULES)(1, commands)
    said = (
        f"executed_at: lies before the split of BTC that is booked already, event {first.event.id}, and is not split:"
        " reverse that event, and book it again with its effective_at"
    )
    remarks = [reply.outcome.result.remarks_changed for reply in replies]
    assert remarks == [f"confidence: cut; {said}", None, said, None]
    booked = await ports.lookups.trades(1, TradeFilter(client_trade_id="a"))
    assert [one.entry.request.notes for one in booked.items if one.entry] == [f"by wire [{said}]"]
    again: list[Any] = await BookTrades(ledger, CLOCK, RULES)(1, commands[:1])
    assert (again[0].replayed, again[0].outcome.result.remarks_changed) == (True, remarks[0])
    # what it says puts it right
    portfolio = await ledger.newest(1)
    assert compare(await Journal(ledger).read(portfolio), portfolio).left_out == {BTC: "split_of_another_quantity"}
    await ReverseEvent(ledger, CLOCK, RULES)(1, first.event.id, owner="ann")
    await book(ledger, split(20))
    # (10 + 2 + 4) x 10, and 50 and 3
    assert await held(ledger) == "213"
    await assert_in_order(ledger)


async def test_an_event_that_is_booked_late_says_so_too(ports: Ports) -> None:
    ledger = await bought(ports)
    [first] = await book(ledger, split(20))
    came = wish(Kind.TRANSFER_IN, symbol=BTC, quantity=units(3), value=money(30))
    became = wish(Kind.EXCHANGE, symbol=ETH, quantity=units(1), to_symbol=BTC, to_quantity=units(2))
    notes = []
    for what in (came, became):
        for days, stated in ((25, True), (19, True), (25, False)):
            at = ago(days)
            asked = replace(what, what=replace(what.what, effective_at=at), stated_at=at if stated else None)
            [booked] = await book(ledger, asked)
            notes.append(booked.event.entry.note)
    assert [note is None for note in notes] == [False, True, True, False, True, True]
    assert notes[0] == notes[3]
    assert notes[0].startswith(
        f"effective_at: lies before the split of BTC that is booked already, event {first.event.id}"
    )
    [interest] = await book(ledger, wish(Kind.INTEREST, amount=money(1)))
    assert interest.event.entry.note is None


async def test_splits_that_were_taken_out_are_none(ports: Ports) -> None:
    ledger = await bought(ports)
    [first] = await book(ledger, split(20))
    found = await ledger.transact(1, lambda unit: unit.changes_after(ago(21)))
    assert found == [BookedChange(event_id=first.event.id, symbol=BTC, at=ago(20), revision=6)]
    assert await ledger.transact(1, lambda unit: unit.changes_after(ago(20))) == []
    await ReverseEvent(ledger, CLOCK, RULES)(1, first.event.id, owner="ann")
    assert await ledger.transact(1, lambda unit: unit.changes_after(ago(21))) == []


# --- any order --------------------------------------------------------------------------------------------------------

Deal = tuple[int, int, bool]
"""So many days ago so many were bought, or sold where it is below zero; and whether it waits for the split."""
DEALS = st.lists(st.tuples(st.integers(1, 40), st.integers(-20, 60).filter(bool), st.booleans()), max_size=7)


def in_order(deals: list[Deal], at: int, ratio: Fraction) -> Fraction:
    """What is held when all is booked in order: a split is of what was there, of equal times after the trades."""
    before = sum(quantity for days, quantity, _ in deals if days >= at)
    return before * ratio + sum(quantity for days, quantity, _ in deals if days < at)


@given(DEALS, st.integers(2, 39), st.sampled_from(["10", "2", "0.5", "1.25"]))
def test_in_whatever_order_a_split_and_what_was_later_are_booked_what_is_held_is_that_of_the_order_of_effect(
    deals: list[Deal], at: int, ratio: str
) -> None:
    waiting = [one for one in deals if one[2] and one[0] < at]
    first = [one for one in deals if one not in waiting]
    then, now = (sum(one[1] for one in first if one[0] >= least) for least in (at, 0))
    wanted = in_order(first, at, Fraction(ratio))

    async def run() -> None:
        ledger = FakeLedger()
        await open_books(ledger, "1000000")
        for days, quantity, _ in first:
            await trade(ledger, Side.BUY if quantity > 0 else Side.SELL, str(abs(quantity)), days)
        [reply] = await book(ledger, split(at, ratio))
        if now == 0 or then * now <= 0 or wanted * now <= 0:  # nothing that the books could hold
            assert isinstance(reply.event, RefusedCashEntry)
            assert await held(ledger) == str(now)
            return
        for days, quantity, _ in waiting:
            await trade(ledger, Side.BUY if quantity > 0 else Side.SELL, str(abs(quantity)), days)
        quantity_held = Fraction(await held(ledger))
        assert quantity_held == in_order(deals, at, Fraction(ratio))
        portfolio = await ledger.newest(1)
        entries = await Journal(ledger).read(portfolio)
        assert compare(entries, portfolio).left_out == {}
        lots = lots_of(postings_of(entries.moved, portfolio), LotMethod.FIFO).lots
        assert sum((Fraction(str(lot.quantity)) for lot in lots), Fraction(0)) == quantity_held

    asyncio.run(run())
