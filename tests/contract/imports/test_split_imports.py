"""What a file says of before a split that is booked already is not split, and that is told; on each kind of books."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal

from portfolio.application.ledger.records import TradeFilter
from portfolio.domain.ledger.cash_transaction import CashTransactionKind as Kind
from portfolio.domain.symbol import Symbol
from tests.contract.imports.test_import_booking import GLUED, KRAKEN, imported
from tests.contract.imports.test_kept_imports import book, look, newest, reverse
from tests.contract.imports.test_like_booked import engine_trade, happened
from tests.contract.ledger.event_wishes import units
from tests.contract.ledger.ledger_kinds import Ports, ports
from tests.support.ledger_examples import BTC, ETH, open_books
from tests.unit.examples import money

__all__ = ["ports"]

FILE = GLUED + (
    "2022-03-01 08:00:00,BTCUSDT,BUY,40000,0.5BTC,20000USDT,0USDT\n"
    "2022-03-01 08:30:00,ETHUSDT,BUY,4000,0.5ETH,2000USDT,0USDT\n"
    "2022-03-01 11:00:00,BTCUSDT,BUY,4000,0.5BTC,2000USDT,0USDT\n"
    "2022-03-01 08:15:00,BTCUSDT,BUY,40000,0.1BTC,4000USDT,0USDT\n"
)
EVER = datetime(2020, 1, 1, tzinfo=UTC)
REMEDY = "and is not split: reverse that event, and book it again with its effective_at"


async def opened(ports: Ports) -> int:
    """Books with a split of bitcoin at nine, and the id of its event."""
    await open_books(ports.ledger)
    await engine_trade(ports, -300, "1")
    await happened(ports, Kind.SPLIT, 0, symbol=BTC, ratio=Decimal(10))
    [split] = await ports.ledger.transact(1, lambda unit: unit.changes_after(EVER))
    assert split.event_id is not None
    return split.event_id


async def test_rows_of_before_a_booked_split_are_told_when_looked_at_and_when_booked(ports: Ports) -> None:
    event = await opened(ports)
    told = [f"what rows 2, 5 say: lies before the split of BTC that is booked already, event {event}, {REMEDY}"]
    made = await look(ports, {"file.csv": FILE})
    assert [one.remarks for one in made.files] == [told]
    assert [one.remarks for one in (await book(ports, made.kept.preview_id)).files] == [told]
    [again] = await imported(ports, {"file.csv": FILE})
    assert again.remarks == []  # what is known is not booked


async def test_a_file_of_which_nothing_is_booked_has_no_remarks(ports: Ports) -> None:
    await opened(ports)
    [preview] = await imported(ports, {"file.csv": FILE + "2022-03-01 11:00:00,BTCUSDT,SWAP,1,1BTC,1USDT,0BTC\n"})
    assert (preview.is_given_up, preview.remarks) == (True, ())


async def test_taking_an_import_back_says_what_was_split_since(ports: Ports) -> None:
    await open_books(ports.ledger)
    await imported(ports, {"file.csv": FILE})
    await happened(ports, Kind.SPLIT, 0, symbol=BTC, ratio=Decimal(10))
    await happened(ports, Kind.SPLIT, -120, symbol=ETH, ratio=Decimal(10))  # of before there was any
    split, _ = await ports.ledger.transact(1, lambda unit: unit.changes_after(EVER))
    number = (await newest(ports)).id
    looked, done, again = [await reverse(ports, number, dry_run=dry_run) for dry_run in (True, False, False)]
    told = f"reversal: lies before the split of BTC that is booked already, event {split.event_id}, {REMEDY}"
    assert [looked.note, done.note, again.note] == [told] * 3
    assert again == replace(done, replayed=True)
    page = await ports.lookups.trades(1, TradeFilter(limit=4))
    notes = [one.entry.request.notes for one in page.items if one.entry is not None]
    assert notes == [*[f"import {number} is taken back"] * 3, f"import {number} is taken back [{told}]"]


async def test_what_was_said_is_said_again_where_no_trade_is_the_first(ports: Ports) -> None:
    await open_books(ports.ledger)
    await imported(ports, {"file.csv": KRAKEN})  # the last of it is a charge
    await happened(ports, Kind.SPLIT, 10_000, symbol=BTC, ratio=Decimal(10))
    number = (await newest(ports)).id
    done = await reverse(ports, number)
    assert done.note is not None
    assert await reverse(ports, number) == replace(done, replayed=True)


async def test_rows_of_before_a_booked_rename_are_told_too(ports: Ports) -> None:
    await open_books(ports.ledger)
    await engine_trade(ports, -300, "1")
    await happened(ports, Kind.EXCHANGE, 0, symbol=BTC, quantity=units(1), to_symbol=Symbol("NEW"), ratio=Decimal(10))
    [rename] = await ports.ledger.transact(1, lambda unit: unit.changes_after(EVER))
    told = f"what rows 2, 5 say: lies before the rename of BTC to NEW that is booked already, event {rename.event_id}, "
    [preview] = await imported(ports, {"file.csv": FILE})
    assert [one[: len(told)] for one in preview.remarks] == [told]


async def test_rows_that_the_file_itself_renames_later_are_not_told(ports: Ports) -> None:
    """Each place renames what is held there: the rename that is booked is of another one."""
    await open_books(ports.ledger)
    await happened(ports, Kind.TRANSFER_IN, -300, symbol=Symbol("MATIC"), quantity=units(1), value=money(1))
    await happened(
        ports, Kind.EXCHANGE, 0, symbol=Symbol("MATIC"), quantity=units(1), to_symbol=Symbol("POL"), ratio=Decimal(1)
    )
    header = "User_ID,UTC_Time,Account,Operation,Coin,Change,Remark\n"
    bought = "1,{0},Spot,Transaction Buy,MATIC,5,\n1,{0},Spot,Transaction Spend,USDT,-5,\n"
    before, later = header + bought.format("2022-03-01 08:00:00"), bought.format("2022-03-01 08:40:00")
    own = (
        "1,2022-03-01 08:30:00,Spot,Token Swap - Redenomination/Rebranding,MATIC,-5,\n"
        "1,2022-03-01 08:30:00,Spot,Token Swap - Distribution,POL,5,\n"
    )
    [preview] = await imported(ports, {"file.csv": before + own}, dry_run=True)
    assert (preview.reported, len(preview.events), preview.remarks) == ([], 2, [])
    previews = await imported(ports, {"1.csv": before, "2.csv": header + own}, dry_run=True)
    assert [(len(one.events), one.remarks) for one in previews] == [(1, []), (1, [])]
    [preview] = await imported(ports, {"file.csv": before + own + later}, dry_run=True)
    assert ["what row 6 says: lies before the rename of MATIC" in one for one in preview.remarks] == [True]
