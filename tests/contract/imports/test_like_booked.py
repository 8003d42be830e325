"""What an engine booked and a file tells too is told before it is booked once more, on each kind of books."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from portfolio.adapters.database.connection import session
from portfolio.application.imports.kept.answers import answers_of
from portfolio.application.ledger.booking import BookTrades
from portfolio.application.ledger.cash import MoveCash, MoveCashInOrOut
from portfolio.application.ledger.happenings.booking import BookEvents
from portfolio.application.ledger.happenings.imported import BookedMove
from portfolio.application.ledger.happenings.records import BookEvent
from portfolio.application.ledger.happenings.reversal import ReverseEvent
from portfolio.application.ledger.records import BookTrade
from portfolio.application.ledger.reversal import ReverseTrade
from portfolio.domain.ledger.cash_transaction import CashTransactionKind as Kind
from portfolio.domain.ledger.happening import Happening
from portfolio.domain.ledger.portfolio import BookingRules
from portfolio.domain.ledger.trade import Side
from portfolio.domain.symbol import Symbol
from tests.contract.imports.test_import_booking import GLUED, KRAKEN, imported
from tests.contract.imports.test_kept_imports import book, holds, look, reverse
from tests.contract.ledger.event_wishes import units
from tests.contract.ledger.ledger_kinds import Ports, ports
from tests.support.imports import StoppedClock
from tests.support.ledger_examples import BTC, ETH, execution, money, open_books

__all__ = ["ports"]

NINE = datetime(2022, 3, 1, 9, tzinfo=UTC)
RULES = BookingRules()
FILE = GLUED + (
    "2022-03-01 09:00:00,BTCUSDT,BUY,40000,0.5BTC,20000USDT,0.0005BTC\n"
    "2022-03-01 09:00:03,BTCUSDT,BUY,40000,0.25BTC,10000USDT,0USDT\n"
    "2022-03-01 11:00:00,BTCUSDT,SELL,41000,0.1BTC,4100USDT,0USDT\n"
)


async def engine_trade(
    ports: Ports, minutes: float, quantity: str, price: str = "40000", side: Side = Side.BUY, **how: Any
) -> None:
    wanted = execution(side, quantity, price, "0", how.pop("symbol", BTC))
    at = NINE + timedelta(minutes=minutes)
    asked = BookTrade(owner="desk", engine="momentum", execution=replace(wanted, executed_at=at))
    await BookTrades(ports.ledger, StoppedClock(), RULES)(1, [replace(asked, **how)])


async def happened(ports: Ports, kind: Kind, minutes: float, **stated: Any) -> None:
    what = Happening(kind=kind, effective_at=NINE + timedelta(minutes=minutes), **stated)
    await BookEvents(ports.ledger, StoppedClock(), RULES)(1, [BookEvent(what=what, owner="desk")])


async def opened(ports: Ports) -> None:
    """Two of the file's three rows were reported by an engine, a minute late."""
    await open_books(ports.ledger)
    await engine_trade(ports, 1, "0.5")
    await engine_trade(ports, 121, "0.1", "41100", Side.SELL)


async def entry_names(ports: Ports) -> list[str]:
    """What the entries that are no trade are called, the first one first; a server may leave numbers out."""
    entries = (await ports.lookups.cash_transactions(1, before=None, limit=100)).items
    return [f"entry {entry.id}" for entry in reversed(entries)]


def likes(previews: Any) -> list[tuple[Any, list[str]]]:
    return [(like.rows, [one.name for one in like.booked]) for one in previews for like in one.like_booked]


async def test_rows_that_an_engine_booked_are_told_and_booked_all_the_same(ports: Ports) -> None:
    await opened(ports)
    made = await look(ports, {"file": FILE})
    assert likes(made.files) == [((2,), ["trade 1"]), ((4,), ["trade 2"])]
    assert len(made.files[0].events) == 3
    booked = await book(ports, made.kept.preview_id)
    assert booked.answer == answers_of(made.files)
    assert b'"like_booked":[{"row":2,"entries":["trade 1"],"by":"momentum"}' in booked.answer
    await holds(ports)
    assert (await ports.ledger.load(1)).position(BTC).quantity == units("1.0495")
    # what came by an import is told by its identity, never by a likeness
    again = await look(ports, {"file": FILE}, account="other")
    assert likes(again.files) == [((2,), ["trade 1"]), ((4,), ["trade 2"])]
    assert (await look(ports, {"file": FILE})).files[0].events == []
    await reverse(ports, booked.import_id)


async def test_they_are_left_out_where_that_is_asked_for(ports: Ports) -> None:
    await opened(ports)
    made = await look(ports, {"file": FILE}, like_booked="leave-out")
    [file] = made.files
    assert [(one.row, one.reason) for one in file.known] == [
        (2, "looks like trade 1 of momentum: it is left out"),
        (4, "looks like trade 2 of momentum: it is left out"),
    ]
    assert [one.event.rows for one in file.events] == [(3,)]
    booked = await book(ports, made.kept.preview_id)
    assert booked.answer == answers_of(made.files)
    await holds(ports)
    assert (await ports.ledger.load(1)).position(BTC).quantity == units("0.65")
    # nothing is known of what was left out: it can come later
    [later] = await imported(ports, {"file": FILE}, leaves_out=True)
    assert ([one.row for one in later.known], later.events) == ([2, 3, 4], [])
    await ReverseTrade(ports.ledger, StoppedClock(), RULES)(1, 2, owner="desk")
    [later] = await imported(ports, {"file": FILE}, leaves_out=True)
    assert ([one.row for one in later.known], [one.event.rows for one in later.events]) == ([2, 3], [(4,)])


async def test_an_engine_that_comes_between_the_preview_and_the_booking_is_told_of(ports: Ports) -> None:
    await open_books(ports.ledger)
    made = await look(ports, {"file": FILE}, like_booked="leave-out")
    assert len(made.files[0].events) == 3
    await engine_trade(ports, 0, "0.4995")  # what it got, without the fee
    booked = await book(ports, made.kept.preview_id)
    [file] = booked.files
    assert [one.event.rows for one in file.events] == [(3,), (4,)]
    assert [one.row for one in file.known] == [2]


async def test_an_engine_may_be_called_as_imports_are(ports: Ports) -> None:
    await open_books(ports.ledger)
    await engine_trade(ports, 1, "0.5", owner="import", engine="import")  # as in a service without keys
    [found] = (await look(ports, {"file": FILE})).files
    assert likes([found]) == [((2,), ["trade 1"])]


async def test_a_file_without_events_is_held_to_nothing(ports: Ports) -> None:
    await opened(ports)
    [found] = await imported(ports, {"file": GLUED})
    assert (found.events, found.like_booked) == ([], [])
    made = await look(ports, {"file": GLUED})
    await engine_trade(ports, 0, "1")
    assert (await book(ports, made.kept.preview_id)).files[0].events == []


async def test_deposits_rewards_and_transfers_are_held_to_what_was_booked_by_hand(ports: Ports) -> None:
    await open_books(ports.ledger)
    deposit = MoveCash(kind=Kind.DEPOSIT, amount=money(5_000), owner="desk", effective_at=NINE)
    await MoveCashInOrOut(ports.ledger, StoppedClock(), RULES)(1, deposit)
    await happened(ports, Kind.INCOME, 1_000, symbol=BTC, quantity=units("0.0009"), value=money(40), label="staking")
    [found] = (await look(ports, {"file": KRAKEN})).files
    *_, deposited, earned = await entry_names(ports)
    assert likes([found]) == [((5,), [deposited]), ((6,), [earned])]


async def test_what_is_read_is_what_stands_of_a_time_and_no_import_made(
    ports: Ports, monkeypatch: pytest.MonkeyPatch
) -> None:
    await open_books(ports.ledger, "1000000")
    await engine_trade(ports, 0, "1")
    await engine_trade(ports, 0, "2", engine=None, symbol=ETH)
    await engine_trade(ports, 60, "0.25", side=Side.SELL)
    await engine_trade(ports, 61, "9")
    await engine_trade(ports, 1, "3")
    await ReverseTrade(ports.ledger, StoppedClock(), RULES)(1, 5, owner="desk")
    await happened(ports, Kind.TRANSFER_IN, 5, symbol=Symbol("SOL"), quantity=units(2), value=money(300))
    await happened(ports, Kind.SPLIT, 6, symbol=Symbol("SOL"), ratio=units(2).value)
    await happened(
        ports, Kind.EXCHANGE, 7, symbol=Symbol("SOL"), quantity=units(1), to_symbol=BTC, ratio=units(3).value
    )
    await happened(ports, Kind.CHARGE, 8, amount=money(5))
    await happened(ports, Kind.LOSS, 9, symbol=BTC, quantity=units("0.5"))
    gone = (await ports.lookups.events(1, before=None, limit=1)).items[0]
    assert gone.id is not None
    await ReverseEvent(ports.ledger, StoppedClock(), RULES)(1, gone.id, owner="desk")
    await imported(ports, {"file": FILE})
    assert (await ports.ledger.load(1)).revision > 16
    _, _, transfer, _, exchange, charge, *_ = await entry_names(ports)

    async def read(first: datetime, last: datetime) -> list[BookedMove]:
        return list(await ports.ledger.transact(1, lambda unit: unit.imports.booked_between(first, last)))

    found = await read(NINE, NINE + timedelta(minutes=60))
    assert [(one.name, one.by, one.is_trade, one.symbol, one.quantity, one.price) for one in found] == [
        ("trade 1", "momentum", True, "BTC", 1, 40_000),
        ("trade 2", "desk", True, "ETH", 2, 40_000),
        ("trade 3", "momentum", True, "BTC", -units("0.25").value, 40_000),
        (charge, "desk", False, "USD", -5, None),
        (transfer, "desk", False, "SOL", 2, None),
        (exchange, "desk", False, "SOL", -1, None),
        (exchange, "desk", False, "BTC", 3, None),
    ]
    assert [one.at for one in found[:3]] == [NINE, NINE, NINE + timedelta(minutes=60)]
    for pieces in (1, 2, 3, 4):
        monkeypatch.setattr(session, "ROWS_AT_ONCE", pieces)
        assert await read(NINE, NINE + timedelta(minutes=60)) == found
    assert await read(NINE + timedelta(seconds=1), NINE + timedelta(seconds=30)) == []
    assert [one.name for one in await read(NINE + timedelta(minutes=61), NINE + timedelta(minutes=90))] == ["trade 4"]
    standing = await ports.imports.standing(1, "", (NINE, NINE + timedelta(minutes=60)))
    assert standing.booked == found
    assert not (await ports.imports.standing(1, "")).booked
