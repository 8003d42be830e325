"""What is booked late, and of before a split or a rename, says so; and what is asked of the ledger for it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from portfolio.application.history.restatement import RestateBooks
from portfolio.application.ledger.booking import BookTrades
from portfolio.application.ledger.cash_records import RefusedCashEntry
from portfolio.application.ledger.happenings.late_splits import LateEvents, remark_of, without_remark
from portfolio.application.ledger.happenings.records import BookEvent
from portfolio.application.ledger.happenings.reversal import ReverseEvent
from portfolio.application.ledger.lots.journal import Journal
from portfolio.application.ledger.records import BookTrade, FeeInKind, TradeFilter
from portfolio.application.ledger.reversal import ReverseTrade
from portfolio.domain.errors import InsufficientQuantity
from portfolio.domain.ledger.cash_transaction import CashTransactionKind as Kind
from portfolio.domain.ledger.happening import BookedChange
from portfolio.domain.ledger.trade import Side
from portfolio.domain.money import Price
from portfolio.domain.symbol import Symbol
from tests.contract.ledger.event_wishes import CLOCK, RULES, units, wish
from tests.contract.ledger.ledger_kinds import Ports, ports
from tests.contract.ledger.test_late_splits import ago, assert_in_order, book, bought, held, late, split, trade
from tests.support.fakes.fake_ledger import FakeLedger
from tests.support.ledger_examples import BTC, ETH, money, open_books
from tests.support.services.http_service import running

__all__ = ["ports"]


def came(days: int, quantity: int = 3) -> BookEvent:
    asked = wish(Kind.TRANSFER_IN, symbol=BTC, quantity=units(quantity), value=money(30))
    return replace(asked, what=replace(asked.what, effective_at=ago(days)), stated_at=ago(days))


async def test_a_fee_in_an_asset_that_was_split_since_is_said_too(ports: Ports) -> None:
    ledger = await bought(ports)
    [first] = await book(ledger, split(20))
    of_eth = replace(late("1", 25).execution, symbol=ETH, fees=money(5))
    command = replace(late("1", 25), execution=of_eth, fee=FeeInKind(symbol=BTC, quantity=units("0.5")))
    [reply] = await BookTrades(ledger, CLOCK, RULES)(1, [command])
    assert f"before the split of BTC that is booked already, event {first.event.id}" in str(reply)


async def test_all_splits_that_it_lies_before_are_named_in_the_order_in_which_to_book_them_again(ports: Ports) -> None:
    ledger = await bought(ports)
    ids = [(await book(ledger, split(days, 2)))[0].event.id for days in (20, 5)]
    replies: list[Any] = await BookTrades(ledger, CLOCK, RULES)(1, [late("1", 25, client_trade_id="a")])
    [booked] = await book(ledger, came(25))
    said = (
        f"lies before splits that are booked already, event {ids[0]} of BTC and event {ids[1]} of BTC, and is not"
        " split: reverse all of them, and then book them again in this order, each with its effective_at"
    )
    assert replies[0].outcome.result.remarks_changed == f"executed_at: {said}"
    assert booked.event.entry.note == f"effective_at: {said}"
    for event in ids:
        await ReverseEvent(ledger, CLOCK, RULES)(1, event, owner="ann")
    await book(ledger, split(20, 2), split(5, 2))
    # ((10 + 1 + 3) x 2 + 50) x 2
    assert await held(ledger) == "156"
    kept = await ports.lookups.trades(1, TradeFilter(client_trade_id="a"))
    assert [without_remark(one.entry.request.notes) for one in kept.items if one.entry] == [None]


async def test_a_dry_run_says_so_of_splits_that_stand_before_it_in_the_request(ports: Ports) -> None:
    ledger = await bought(ports)
    wishes = (came(26), split(20), came(25), came(19))
    planned = [one.event.entry.note for one in await book(ledger, *wishes, dry_run=True)]
    done = [one.event for one in await book(ledger, *wishes)]
    assert [one.entry.note is None for one in done] == [note is None for note in planned] == [True, False, False, True]
    assert planned[2] == str(done[2].entry.note).replace(f"event {done[1].id}", "the one above")


class _Asked:
    """A unit of work of a ledger in which one split is booked; it counts how often it is asked for splits."""

    def __init__(self) -> None:
        self.times = 0

    async def changes_after(self, at: datetime) -> Sequence[BookedChange]:
        self.times += 1
        assert at == ago(30)
        return [BookedChange(event_id=7, symbol=BTC, at=ago(20), revision=9)]


async def test_however_many_events_are_late_splits_are_read_once() -> None:
    asked: Any = _Asked()
    run, books = LateEvents(asked, ago(30), CLOCK.now()), await open_books(FakeLedger())
    notes = [(await run.in_time(books, came(days)))[1] for days in (30, 21, 20, 1)]
    assert [note is None for note in notes] == [False, False, True, True]
    assert asked.times == 1


async def test_a_position_that_was_closed_in_old_units_says_what_closed_it(ports: Ports) -> None:
    await open_books(ports.ledger)
    await trade(ports.ledger, Side.BUY, "10", 30)
    await trade(ports.ledger, Side.SELL, "10", 10)
    [refused] = await book(ports.ledger, split(20))
    assert isinstance(refused.event, RefusedCashEntry)
    assert refused.event.refusal.detail.startswith(
        "at effective_at 10 BTC was held, which the split made 100, and with what was booked for later, trade 2, it"
        " would be 90: "
    )
    [nothing] = await book(ports.ledger, split(40))  # before all of it nothing was held either
    assert nothing.event.refusal.error == InsufficientQuantity.__name__


async def test_a_restatement_moves_no_quantity_and_is_not_named(ports: Ports) -> None:
    ledger = await bought(ports)
    dear = replace(late("10", 9).execution, price=Price(Decimal(200)), net_amount=money(2_000))
    await BookTrades(ledger, CLOCK, RULES)(1, [replace(late("10", 9), execution=dear)])
    await trade(ledger, Side.SELL, "5", 15)  # of the cheap ones alone, in the order of effect
    restated = await RestateBooks(ledger, Journal(ledger), CLOCK)(1, owner="ann")
    assert restated.booked
    [booked] = await book(ledger, split(20))
    assert booked.event.entry.note.startswith("trade 2, trade 4, trade 5 took effect later")


async def test_what_takes_out_what_was_split_since_says_so_and_what_to_do(ports: Ports) -> None:
    ledger = await bought(ports)
    await trade(ledger, Side.BUY, "4", 20)  # of the very moment of the split, and before it
    [gift, other] = await book(ledger, came(25), came(19))
    [first] = await book(ledger, split(20))
    await trade(ledger, Side.BUY, "6", 25)  # booked after it, so it was not split
    reverse, reverse_event = ReverseTrade(ledger, CLOCK, RULES), ReverseEvent(ledger, CLOCK, RULES)
    said = (
        f"reversal: lies before the split of BTC that is booked already, event {first.event.id}, and is not split:"
        " reverse that event, and book it again with its effective_at"
    )
    taken = [await reverse(1, number, owner="ann", notes="by mistake") for number in (4, 5, 2)]
    assert [one.entry.request.notes for one in taken] == [f"by mistake [{said}]", "by mistake", "by mistake"]
    assert [remark_of(one.entry.request.notes) for one in taken] == [said, None, None]
    events = [await reverse_event(1, one.event.id, owner="ann") for one in (gift, other, first)]
    assert [one.event.entry.note for one in events] == [said, None, None]  # type: ignore[union-attr]  # all are recorded
    await book(ledger, split(20))
    assert await held(ledger) == "100"
    await assert_in_order(ledger)


async def test_what_a_reversal_leaves_split_is_in_its_answer() -> None:
    async with running() as service:
        for days in (9, 8):
            at = (service.clock.now() - timedelta(days=days)).isoformat()
            body = {"symbol": "BTC", "side": "BUY", "quantity": "1", "price": 100, "net_amount": 100, "executed_at": at}
            assert (await service.http.post("/holdings/update", json=body)).status_code == 200
        ratio = {"kind": "split", "symbol": "BTC", "ratio": "10"}
        assert (await service.http.post("/events", json=ratio)).status_code == 200
        for _ in range(2):  # again it is the reversal that there is
            answer = (await service.http.post("/trades/2/reverse")).json()
            assert answer["message"].startswith(
                "Trade 2 reversed; reversal: lies before the split of BTC that is booked"
            )


def test_notes_are_read_without_the_remark_at_their_end() -> None:
    assert without_remark(None) is None
    said = "executed_at: lies before the split of BTC that is booked already, event 3, and is not split: reverse that"
    assert without_remark(f"by wire [{said}]") == "by wire"
    assert without_remark(f"[{said}]") is None
    assert without_remark(f"by wire [confidence: cut] [{said}]") == "by wire [confidence: cut]"
    assert without_remark("executed_at: lies before noon [as said]") == "executed_at: lies before noon [as said]"


SOL = Symbol("SOL")


def renamed(quantity: int, days: int, label: str | None = None) -> BookEvent:
    asked = wish(Kind.EXCHANGE, symbol=ETH, quantity=units(quantity), to_symbol=SOL, ratio=Decimal(2), label=label)
    return replace(asked, what=replace(asked.what, effective_at=ago(days)), stated_at=ago(days))


def of_eth(quantity: str, days: float) -> BookTrade:
    return replace(late(quantity, days), execution=replace(late(quantity, days).execution, symbol=ETH))


async def test_what_was_executed_before_a_rename_and_is_booked_after_it_says_so_and_what_to_do(ports: Ports) -> None:
    ledger = await bought(ports)  # 7 ETH, among others
    [first] = await book(ledger, renamed(7, 5))
    commands = [of_eth("2", 8), of_eth("1", 4), late("1", 8)]
    commands.append(replace(late("1", 8), execution=replace(late("1", 8).execution, symbol=SOL)))
    replies: list[Any] = await BookTrades(ledger, CLOCK, RULES)(1, commands)
    said = (
        f"lies before the rename of ETH to SOL that is booked already, event {first.event.id}, and is not renamed:"
        " reverse that event, and book it again with its effective_at and, of a rename, the quantity of then"
    )
    assert [reply.outcome.result.remarks_changed for reply in replies] == [f"executed_at: {said}", None, None, None]
    # what it says puts it right
    await ReverseEvent(ledger, CLOCK, RULES)(1, first.event.id, owner="ann")
    await book(ledger, renamed(9, 5))
    portfolio = await ledger.newest(1)
    # the one that was bought after it is left; 9 x 2, and 1
    assert [str(portfolio.position(symbol).quantity) for symbol in (ETH, SOL)] == ["1", "19"]
    await assert_in_order(ledger)


async def test_what_is_taken_out_after_it_was_renamed_says_so(ports: Ports) -> None:
    ledger = await bought(ports)
    await trade(ledger, Side.SELL, "1", 9, ETH)
    sale = (await ports.lookups.trades(1, TradeFilter(side=Side.SELL))).items[0].id
    [first] = await book(ledger, renamed(6, 5))
    taken_back = await ReverseTrade(ledger, CLOCK, RULES)(1, sale, owner="ann")
    assert f"reversal: lies before the rename of ETH to SOL that is booked already, event {first.event.id}" in str(
        taken_back.entry.request.notes
    )


@pytest.mark.parametrize("label", ["wrap", "bridge"])
async def test_what_was_wrapped_or_bridged_takes_nothing_with_it(ports: Ports, label: str) -> None:
    ledger = await bought(ports)
    await book(ledger, renamed(7, 5, label))
    replies: list[Any] = await BookTrades(ledger, CLOCK, RULES)(1, [of_eth("2", 8)])
    assert replies[0].outcome.result.remarks_changed is None


async def test_a_rename_of_a_part_before_another_part_was_renamed_is_told_nothing(ports: Ports) -> None:
    ledger = await bought(ports)
    replies = await book(ledger, renamed(3, 5), renamed(4, 8))
    assert [reply.event.entry.note for reply in replies] == [None, None]


async def test_splits_and_renames_are_named_together(ports: Ports) -> None:
    ledger = await bought(ports)
    of_split = wish(Kind.SPLIT, symbol=ETH, ratio=Decimal(2))
    of_split = replace(of_split, what=replace(of_split.what, effective_at=ago(6)), stated_at=ago(6))
    coming = replace(came(8), what=replace(came(8).what, symbol=ETH))
    planned, done = [await book(ledger, of_split, renamed(14, 5), coming, dry_run=dry_run) for dry_run in (True, False)]
    first, second = done[0].event.id, done[1].event.id
    assert done[2].event.entry.note == (
        f"effective_at: lies before splits and renames that are booked already, event {first} of ETH and event {second}"
        " of ETH, and is not changed by them: reverse all of them, and then book them again in this order, each with"
        " its effective_at and, of a rename, the quantity of then"
    )
    assert planned[2].event.entry.note == done[2].event.entry.note.replace(f"event {first}", "the one above").replace(
        f"event {second}", "the one above"
    )
    replies: list[Any] = await BookTrades(ledger, CLOCK, RULES)(1, [of_eth("2", 8)])
    booked = (await ports.lookups.trades(1, TradeFilter(limit=1))).items[0].entry
    assert booked is not None
    assert without_remark(booked.request.notes) is None
    assert replies[0].outcome.result.remarks_changed == str(done[2].event.entry.note).replace(
        "effective_at:", "executed_at:", 1
    )
