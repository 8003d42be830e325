"""A fee in another asset: that asset is sold for its value, and then the trade has that fee."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from portfolio.application.errors import KeyReused
from portfolio.application.ledger.records import BookTrade, FeeInKind
from portfolio.application.ledger.verification import VerifyBooks
from portfolio.domain.ledger.trade import Side
from portfolio.domain.money import Money
from portfolio.domain.symbol import Symbol
from tests.support.fakes.clock import FakeClock
from tests.support.fakes.fake_ledger import FakeLedger
from tests.unit.application.ledger.booking_examples import Book, accepted, booking, opened, refused, replayed, wish
from tests.unit.examples import NOON, bought, money, sold, units

BNB, BTC = Symbol("BNB"), Symbol("BTC")
CLOCK = FakeClock(NOON)


@pytest.fixture
async def ledger() -> FakeLedger:
    """10 BNB that cost 3,000, and are at 400."""
    ledger = await opened(CLOCK)
    book = booking(ledger, CLOCK)
    await book([wish(bought("BNB", 20, 300)), wish(sold("BNB", 10, 400))])
    return ledger


@pytest.fixture
def book(ledger: FakeLedger) -> Book:
    return booking(ledger, CLOCK)


def paid(quantity: str = "0.05", key: str | None = "k", symbol: Symbol = BNB, fees: str = "0") -> BookTrade:
    command = wish(bought("BTC", "0.5", 60_000, fees=fees), key)
    return replace(command, fee=FeeInKind(symbol=symbol, quantity=units(quantity)))


async def test_the_worked_example_comes_out_digit_by_digit(ledger: FakeLedger, book: Book) -> None:
    before = await ledger.load(1)
    [result] = await book([paid()])
    accepted(result)
    after = await ledger.load(1)
    fee, trade = list(ledger.books.trades.values())[-2:]
    assert fee is not None
    assert trade is not None
    assert (fee.trade.side, fee.trade.symbol, fee.trade.cash_delta, fee.trade.realized_pnl) == (
        Side.SELL,
        BNB,
        money(20),
        money(5),
    )
    assert (trade.trade.basis_delta, trade.trade.fees) == (money(30_020), money(20))
    assert after.cash - before.cash == money(-30_000)
    assert after.fees_paid - before.fees_paid == money(20)
    assert fee.group == trade.group == f"trade-{trade.revision}"
    assert [fee.revision, trade.revision] == [before.revision + 1, before.revision + 2]
    assert accepted(result).trade_id == max(ledger.books.trades)
    assert (await VerifyBooks(ledger)(1)).differences == []


async def test_a_copy_is_a_replay_and_another_fee_another_booking(ledger: FakeLedger, book: Book) -> None:
    [first] = await book([replace(paid(), group="both")])
    [again] = await book([replace(paid(), group="both")])
    assert replayed(again)
    assert accepted(again) == accepted(first)
    [other] = await book([replace(paid("0.06"), group="both")])
    assert isinstance(other, KeyReused)
    [without] = await book([replace(paid(), fee=None, group="both")])
    assert isinstance(without, KeyReused)
    [regrouped] = await book([replace(paid(), group="another")])
    assert isinstance(regrouped, KeyReused)
    assert [entry.group for entry in ledger.books.trades.values() if entry is not None][-2:] == ["both", "both"]


async def test_what_no_price_is_known_of_has_to_be_said_by_the_fees(ledger: FakeLedger, book: Book) -> None:
    late = paid()
    hour_ago = replace(late, execution=replace(late.execution, executed_at=NOON - timedelta(hours=1)))
    [result] = await book([hour_ago])
    assert refused(result).error == "ValueUnknown"
    [again] = await book([hour_ago])
    assert replayed(again)
    stated = paid(key="s", fees="30")
    stated = replace(stated, execution=replace(stated.execution, executed_at=NOON - timedelta(hours=1)))
    accepted((await book([stated]))[0])
    fee = list(ledger.books.trades.values())[-2]
    assert fee is not None
    assert (fee.trade.cash_delta, str(fee.trade.price)) == (money(30), "600")


async def test_more_than_is_held_refuses_the_whole_booking(ledger: FakeLedger, book: Book) -> None:
    before = await ledger.load(1)
    results = await book([paid("10.1"), paid("1", key="other", symbol=Symbol("DOGE"), fees="1")])
    assert [refused(one).error for one in results] == ["InsufficientQuantity", "InsufficientQuantity"]
    assert refused(results[0]).detail.endswith(" BNB cannot be paid as the fee: 10 is held")
    assert await ledger.load(1) == before


async def test_trades_of_a_batch_have_their_own_numbers_with_fees_between_them(book: Book) -> None:
    plain = wish(bought("BTC", 1, 10), "plain")
    results = await book([paid(key="a"), plain, paid(key="b")])
    assert [accepted(one).trade_id for one in results] == [4, 5, 7]
    assert accepted(results[1]).realized_pnl == Money.zero()
