"""Imports are booked: each event by what it changed, once, in the order in which it happened, on each kind of books."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from portfolio.adapters.database.connection import session
from portfolio.application.errors import LedgerUnavailable, OutcomeUnknown
from portfolio.application.imports.booking import BookImport, ImportWish
from portfolio.application.imports.entering import IMPLIED_FUNDING, IMPLIED_OPENING, Allowed
from portfolio.application.imports.preview import PreviewImport
from portfolio.application.imports.records import Options, Preview
from portfolio.application.ledger.cash_records import CashEntry, Entry
from portfolio.application.ledger.happenings.imported import IMPORT, ImportedRow
from portfolio.application.ledger.ports import LedgerUnit
from portfolio.application.ledger.records import TradeEntry
from portfolio.application.ledger.verification import VerifyBooks
from portfolio.application.prices.records import Close
from portfolio.domain.ledger.cash_transaction import CashTransactionKind as Kind
from portfolio.domain.ledger.portfolio import BookingRules, Portfolio
from portfolio.domain.money import EXACT, Price
from portfolio.domain.symbol import Symbol
from tests.contract.ledger.ledger_kinds import Ports, ports
from tests.support.fakes.fake_ledger import FakeLedger
from tests.support.imports import FilesInMemory, StoppedClock
from tests.support.ledger_examples import open_books

__all__ = ["ports"]

GLUED = "Date(UTC),Pair,Side,Price,Executed,Amount,Fee\n"
LEDGERS = "txid,refid,time,type,subtype,aclass,asset,amount,fee,balance\n"
HISTORY = "User_ID,UTC_Time,Account,Operation,Coin,Change,Remark\n"
COINBASE = "ID,Timestamp,Transaction Type,Asset,Quantity Transacted,Price Currency,Subtotal,Total,Fees,Notes\n"
KOINLY = "Date,Sent Amount,Sent Currency,Received Amount,Received Currency,Fee Amount,Fee Currency,Label,TxHash\n"
DOLLARS = frozenset({"USD", "USDT", "USDC"})
DAY = date(2022, 3, 1)
RATES = {
    (DAY + timedelta(days=n), symbol): Decimal(dollars)
    for n in range(-5, 30)
    for symbol, dollars in (("EUR", "1.1"), ("BTC", "40000"), ("ETH", "3000"), ("BNB", "400"), ("SOL", "90"))
}


async def imported(ports: Ports, files: Mapping[str, str], **given: Any) -> list[Preview]:
    """Import files into the books."""
    options = Options(account=given.pop("account", ""))
    allowed = Allowed(funding=given.pop("funding", False), opening=given.pop("opening", False))
    rates = given.pop("rates", RATES)
    preview = PreviewImport(FilesInMemory(files), StoppedClock())
    book = BookImport(preview, ports.ledger, ports.prices, StoppedClock(), BookingRules())
    return await book(1, ImportWish(paths=list(files), options=options, allowed=allowed, rates=rates, **given))


async def entries(ports: Ports) -> list[Entry]:
    """What imports have booked."""
    found = await ports.ledger.entries(1, after=2, limit=10_000)
    return [*found]


async def kept(ports: Ports, account: str = "") -> Sequence[ImportedRow]:
    """What is known of earlier imports."""

    async def read(unit: LedgerUnit) -> Sequence[ImportedRow]:
        return await unit.imported_rows(account)

    return await ports.ledger.transact(1, read)


def reasons(previews: Sequence[Preview]) -> list[str]:
    return [one.reason for preview in previews for one in preview.reported]


def figures(books: Portfolio) -> dict[str, Any]:
    """What books say, revisions aside."""
    held = {p.symbol.code: (p.quantity.value, p.cost_basis.value) for p in books.open_positions}
    return {
        "cash": books.cash,
        "deposits": books.net_deposits,
        "realized": books.realized_pnl,
        "fees": books.fees_paid,
        "held": held,
    }


async def assert_as_previewed(ports: Ports, before: Portfolio, previews: Sequence[Preview]) -> None:
    """Quantities and cash moved by what the previews say, and the books are proved."""
    after = await ports.ledger.load(1)
    moved: defaultdict[str, Decimal] = defaultdict(Decimal)
    for preview in previews:
        for changes in (preview.quantities, preview.cash_change):
            for symbol, change in changes.items():
                moved["USD" if symbol in DOLLARS else symbol] += change
    cash = moved.pop("USD", Decimal(0))
    assert after.cash.value == EXACT.add(before.cash.value, cash)
    symbols = {Symbol(one) for one in moved} | {p.symbol for p in after.open_positions}
    grown = {s.code: after.position(s).quantity.value - before.position(s).quantity.value for s in symbols}
    assert {s: q for s, q in grown.items() if q} == {s: q for s, q in moved.items() if q}
    assert not after.unreconciled
    found = await VerifyBooks(ports.ledger, page_size=4)(1)
    assert (found.differences, found.unreconciled) == ([], [])


BINANCE_TRADES = GLUED + (
    "2022-03-01 10:00:00,BTCUSDT,BUY,40000,0.5BTC,20000USDT,0.0005BTC\n"
    "2022-03-01 10:00:00,BTCUSDT,BUY,40000,0.5BTC,20000USDT,0.0005BTC\n"
    "2022-03-01 09:59:00,BNBUSDT,BUY,400,2BNB,800USDT,0.8USDT\n"
    "2022-03-02 10:00:00,BTCUSDT,SELL,42000,0.25BTC,10500USDT,0.01BNB\n"
    "2022-03-02 11:00:00,ETHBTC,BUY,0.075,2ETH,0.15BTC,0.005BNB\n"
    "2022-03-03 11:00:00,BTCUSDT,BUY,40000,0.1BTC,4000USDT,0.002BNB\n"
)
KRAKEN = LEDGERS + (
    "L1,D1,2022-03-01 08:00:00,deposit,,currency,ZEUR,1000,0,1000\n"
    "L2,T1,2022-03-01 09:00:00,trade,,currency,ZEUR,-500,1,499\n"
    "L3,T1,2022-03-01 09:00:00,trade,,currency,XXBT,0.0125,0,0.0125\n"
    "L4,D2,2022-03-01 09:30:00,deposit,,currency,ZUSD,5000,5,4995\n"
    "L5,S1,2022-03-02 00:00:00,staking,,currency,XXBT,0.001,0.0001,0.0134\n"
    "L6,W1,2022-03-03 00:00:00,withdrawal,,currency,XXBT,-0.005,0.0002,0.0082\n"
    "L7,W2,2022-03-04 00:00:00,withdrawal,,currency,ZUSD,-100,4,4891\n"
)
BINANCE_HISTORY = HISTORY + (
    "7,2022-03-01 00:00:00,Spot,Deposit,USDT,1000,\n"
    "7,2022-03-01 00:00:01,Spot,Buy,BTC,0.01,\n"
    "7,2022-03-01 00:00:01,Spot,Buy,USDT,-400,\n"
    "7,2022-03-01 00:00:01,Spot,Fee,BTC,-0.00001,\n"
    "7,2022-03-02 00:00:00,Spot,Distribution,SOL,1,\n"
    "7,2022-03-03 00:00:00,Spot,Withdraw,USDT,-50,\n"
)
COINBASE_REPORT = COINBASE + (
    "a1,2022-03-04 10:00:00 UTC,Sell,BTC,-0.1,USD,4100,4080,20,\n"
    "a2,2022-03-01 10:00:00 UTC,Buy,BTC,0.5,USD,20000,20100,100,\n"
    "a3,2022-03-02 10:00:00 UTC,Staking Income,SOL,1.5,USD,135,135,0,\n"
    "a4,2022-03-03 10:00:00 UTC,Send,BTC,-0.05,USD,2000,2000,0,\n"
)
EXAMPLES = {
    "binance-trades": BINANCE_TRADES,
    "kraken-ledgers": KRAKEN,
    "binance-history": BINANCE_HISTORY,
    "coinbase": COINBASE_REPORT,
}


@pytest.mark.parametrize("name", EXAMPLES)
async def test_a_file_is_booked_as_its_preview_says_and_again_changes_nothing(ports: Ports, name: str) -> None:
    before = await open_books(ports.ledger)
    dry = await imported(ports, {"file": EXAMPLES[name]}, dry_run=True)
    assert await ports.ledger.load(1) == before
    previews = await imported(ports, {"file": EXAMPLES[name]})
    assert reasons(previews) == []
    assert previews == dry
    assert previews[0].format == name
    await assert_as_previewed(ports, before, previews)
    after = await ports.ledger.load(1)
    again = await imported(ports, {"again": EXAMPLES[name]})
    assert (again[0].events, again[0].reported) == ([], [])
    assert len(again[0].known) == sum(len(one.event.rows) for one in previews[0].events)
    assert await ports.ledger.load(1) == after
    assert len(await kept(ports)) == len(previews[0].events)
    elsewhere = await imported(ports, {"again": EXAMPLES[name]}, account="other", funding=True, opening=True)
    assert len(elsewhere[0].events) == len(previews[0].events)


async def test_what_is_known_is_read_in_pieces(ports: Ports, monkeypatch: pytest.MonkeyPatch) -> None:
    await open_books(ports.ledger)
    await imported(ports, {"file": KRAKEN, "trades": BINANCE_TRADES})
    await imported(ports, {"other": COINBASE_REPORT}, account="other", funding=True, opening=True)
    whole = await kept(ports)
    assert len(whole) > 6
    for pieces in (1, 2, len(whole) - 1, len(whole), len(whole) + 1):
        monkeypatch.setattr(session, "ROWS_AT_ONCE", pieces)
        assert await kept(ports) == whole


async def test_a_small_trade_has_the_fee_that_its_file_says(ports: Ports) -> None:
    before = await open_books(ports.ledger)
    rows = (
        "a1,2022-03-01 09:00:00 UTC,Buy,BTC,0.0001,USD,$4.00,$4.99,$0.99,\n"
        "a2,2022-03-02 09:00:00 UTC,Sell,BTC,0.00005,USD,$2.00,$0.01,$1.99,\n"
    )
    [preview] = await imported(ports, {"file": COINBASE + rows})
    assert reasons([preview]) == []
    await assert_as_previewed(ports, before, [preview])
    assert [str(e.trade.fees) for e in await entries(ports) if isinstance(e, TradeEntry)] == ["0.99", "1.99"]
    [more] = await imported(ports, {"": COINBASE + "a3,2022-03-03 09:00:00 UTC,Buy,BTC,0.0001,USD,$4,$8.01,$4.01,\n"})
    [reason] = [one.reason for one in more.reported]
    assert reason.startswith("fees of 4.01 are more than 100 % of quantity x price, 4: ")


async def test_entries_take_effect_when_the_events_did(ports: Ports) -> None:
    await open_books(ports.ledger)
    await imported(ports, {"kraken": KRAKEN, "trades": BINANCE_TRADES})
    booked = await entries(ports)
    moments = []
    for entry in booked:
        if isinstance(entry, TradeEntry):
            moments.append(entry.trade.executed_at)
            assert entry.request.owner == IMPORT
        else:
            assert entry.transaction.event is not None
            assert entry.owner == IMPORT
            moments.append(entry.transaction.effective_at)
    assert moments == sorted(moments)
    assert moments[0] == datetime(2022, 3, 1, 8, tzinfo=UTC)
    events = (await ports.lookups.events(1, before=None, limit=100)).items
    assert {one.entry.transaction.kind for one in events}.isdisjoint({Kind.DEPOSIT, Kind.WITHDRAWAL})
    first = await kept(ports)
    by_revision = {entry.revision: when for entry, when in zip(booked, moments, strict=True)}
    assert all(row.ledger_revision and by_revision[row.ledger_revision] == row.effective_at for row in first)


async def test_what_each_event_becomes(ports: Ports) -> None:
    await open_books(ports.ledger)
    await imported(ports, {"kraken": KRAKEN, "trades": BINANCE_TRADES})
    told = [
        (e.trade.side.value, e.trade.symbol.code, str(e.trade.quantity), str(e.trade.cash_delta), str(e.trade.fees))
        if isinstance(e, TradeEntry)
        else (e.transaction.kind.value, *(one.symbol.code for one in e.positions), str(e.transaction.cash_delta))
        for e in await entries(ports)
    ]
    assert told == [
        ("transfer_in", "EUR", "0"),
        ("swap", "0"),
        ("SELL", "EUR", "501", "551.1", "0"),  # 501 x 1.1
        ("BUY", "BTC", "0.0125", "-551.1", "0"),
        ("deposit", "5000"),
        ("charge", "-5"),
        ("BUY", "BNB", "2", "-800.8", "0.8"),
        ("BUY", "BTC", "0.4995", "-20000", "20"),  # 0.0005 x 40,000
        ("BUY", "BTC", "0.4995", "-20000", "20"),
        ("income", "BTC", "0"),
        ("SELL", "BNB", "0.01", "4", "0"),  # 0.01 x 400
        ("SELL", "BTC", "0.25", "10496", "4"),
        ("swap", "0"),
        ("SELL", "BTC", "0.15", "6000", "0"),
        ("BUY", "ETH", "2", "-6000", "0"),
        ("loss", "BNB", "0"),
        ("transfer_out", "BTC", "0"),
        ("loss", "BTC", "0"),
        ("SELL", "BNB", "0.002", "0.8", "0"),
        ("BUY", "BTC", "0.1", "-4000.8", "0.8"),
        ("withdrawal", "-100"),
        ("charge", "-4"),
    ]
    flags = {
        e.positions[0].symbol.code: e.transaction.event.is_basis_assumed
        for e in await entries(ports)
        if isinstance(e, CashEntry) and e.transaction.kind is Kind.TRANSFER_IN and e.transaction.event
    }
    assert flags == {"EUR": False}
    groups = [e.group for e in await entries(ports) if isinstance(e, TradeEntry)]
    assert groups.count(None) == 3
    assert all(groups.count(one) == 2 for one in groups if one is not None)


async def test_files_of_all_orders_make_the_same_books(ports: Ports) -> None:
    before = await open_books(ports.ledger)
    files = {"kraken": KRAKEN, "trades": BINANCE_TRADES}
    one_way = await imported(ports, files, dry_run=True)
    other_way = await imported(ports, dict(reversed(files.items())), dry_run=True)
    assert one_way == other_way[::-1]
    first = await imported(ports, {"kraken": KRAKEN})
    second = await imported(ports, {"trades": BINANCE_TRADES})
    await assert_as_previewed(ports, before, [*first, *second])


async def test_a_reported_row_books_nothing_of_its_file_unless_partial(ports: Ports) -> None:
    before = await open_books(ports.ledger)
    bad = BINANCE_TRADES + "2022-03-05 10:00:00,BTCUSDT,HOLD,40000,0.5BTC,20000USDT,0.0005BTC\n"
    previews = await imported(ports, {"bad": bad, "kraken": KRAKEN})
    assert [one.is_given_up for one in previews] == [True, False]
    assert len(previews[0].reported) == 1
    assert {row.family for row in await kept(ports)} == {"kraken"}
    await assert_as_previewed(ports, before, previews[1:])
    middle = await ports.ledger.load(1)
    partial = await imported(ports, {"bad": bad, "kraken": KRAKEN}, partial=True)
    assert [one.is_given_up for one in partial] == [False, False]
    assert (len(partial[0].events), len(partial[0].reported), partial[1].events) == (6, 1, [])
    await assert_as_previewed(ports, middle, partial)
    assert ["is not remembered" in str(one.remarks) for one in partial] == [True, False]


async def test_a_transfer_between_two_files_is_told_where_both_are_booked(ports: Ports) -> None:
    await open_books(ports.ledger)
    header = "Date,Sent Amount,Sent Currency,Received Amount,Received Currency,Fee Amount,Fee Currency,"
    header += "Net Worth Amount,Net Worth Currency,Label\n"
    left = header + "2022-03-01 10:00:00Z,40000,USD,1,BTC,,,,,\n2022-03-02 10:00:00Z,1,BTC,,,,,40000,USD,\n"
    came = header + "2022-03-02 10:30:00Z,,,0.9995,BTC,,,40000,USD,\n"
    remarks = [one.remarks for one in await imported(ports, {"a": left, "b": came})]
    assert [[said[:53] for said in one] for one in remarks] == [
        [],
        ["what row 2 says: may be what left by row 3 of a. Noth"],
    ]
    [_, alone] = await imported(ports, {"a": left + "bad\n", "b": came}, account="other")
    assert list(alone.remarks) == []


async def test_a_reported_sale_that_comes_again_is_booked_out_of_what_was_bought_later(ports: Ports) -> None:
    await open_books(ports.ledger)
    text = GLUED + (
        "2022-03-01 10:00:00,BTCUSDT,SELL,40000,0.5BTC,20000USDT,0USDT\n"
        "2022-03-02 10:00:00,BTCUSDT,BUY,40000,1BTC,40000USDT,0USDT\n"
    )
    [first] = await imported(ports, {"file": text}, partial=True)
    [again] = await imported(ports, {"file": text}, partial=True)
    assert (len(first.events), len(first.reported), len(again.events), len(again.known)) == (1, 1, 1, 1)
    assert "a row that is reported is not remembered: if it comes again" in first.remarks[0]


async def test_what_overlaps_a_file_that_is_not_booked_is_booked_from_the_other(ports: Ports) -> None:
    before = await open_books(ports.ledger)
    bad = BINANCE_TRADES + "2022-03-05 10:00:00,BTCUSDT,HOLD,40000,0.5BTC,20000USDT,0.0005BTC\n"
    previews = await imported(ports, {"bad": bad, "good": BINANCE_TRADES})
    assert [len(one.events) for one in previews] == [6, 6]
    await assert_as_previewed(ports, before, previews[1:])


async def test_a_file_that_stands_on_one_that_is_not_booked_is_not_booked_either(ports: Ports) -> None:
    before = await open_books(ports.ledger)
    lines = BINANCE_TRADES.splitlines(keepends=True)
    buys, sells = "".join(lines[:4]) + "x\n", GLUED + "".join(lines[4:])
    previews = await imported(ports, {"buys": buys, "sells": sells})
    assert [one.is_given_up for one in previews] == [True, True]
    assert "0 is held" in reasons(previews)[1]
    assert await ports.ledger.load(1) == before
    assert await kept(ports) == []


async def test_what_was_not_there_is_reported_with_three_ways_out_or_implied_exactly(ports: Ports) -> None:
    before = await open_books(ports.ledger, cash="100")
    sale = GLUED + (
        "2022-03-01 10:00:00,BTCUSDT,BUY,40000,0.5BTC,20000USDT,20USDT\n"
        "2022-03-02 10:00:00,ETHUSDT,SELL,3100,2ETH,6200USDT,0USDT\n"
    )
    previews = await imported(ports, {"sale": sale}, dry_run=True)
    assert all(word in one for one in reasons(previews) for word in ("--funding implied", "--opening", "--partial"))
    assert len(reasons(previews)) == 2
    dry = await imported(ports, {"sale": sale}, funding=True, opening=True, dry_run=True)
    assert await ports.ledger.load(1) == before
    previews = await imported(ports, {"sale": sale}, funding=True, opening=True)
    assert previews == dry
    assert [(one.row, one.symbol, one.quantity) for one in previews[0].implied] == [
        (2, "USD", Decimal(19_920)),
        (3, "ETH", Decimal(2)),
    ]
    after = await ports.ledger.load(1)
    assert after.cash.value == Decimal(6_200)
    noted = {e.note: e for e in await entries(ports) if isinstance(e, CashEntry)}
    deposit, opening = noted[IMPLIED_FUNDING], noted[IMPLIED_OPENING]
    assert str(deposit.transaction.cash_delta) == "19920"
    assert opening.transaction.event is not None
    assert opening.transaction.event.is_basis_assumed
    assert str(opening.transaction.net_deposits_delta) == "6000"  # 2 x 3,000
    only = await imported(ports, {"eth": sale.replace("10:00:00,ETH", "10:00:01,ETH")}, funding=True)
    assert "--opening" in reasons(only)[0]
    paid = await imported(ports, {"eth": sale.replace("10:00:00,ETH", "10:00:01,ETH")}, opening=True, rates={})
    assert [(one.row, one.symbol, one.quantity) for one in paid[0].implied] == [(3, "ETH", Decimal(2))]
    *_, opened, _sold = await entries(ports)
    assert isinstance(opened, CashEntry)
    assert str(opened.transaction.net_deposits_delta) == "6200"  # nobody knows the day: what it is sold for


async def test_money_that_is_not_there_can_be_withdrawn_from_no_books(ports: Ports) -> None:
    await open_books(ports.ledger, cash="10")
    text = KRAKEN.splitlines(keepends=True)
    previews = await imported(ports, {"file": text[0] + text[7]})
    assert "--funding implied" in reasons(previews)[0]


async def test_worth_is_of_the_rates_else_of_the_stored_close(ports: Ports) -> None:
    await open_books(ports.ledger)
    text = LEDGERS + "L5,S1,2022-03-02 00:00:00,staking,,currency,SOL,2,0,2\n"
    nobody = await imported(ports, {"file": text}, rates={})
    assert "--rates FILE" in reasons(nobody)[0]
    close = Close(symbol=Symbol("SOL"), day=date(2022, 3, 2), price=Price(Decimal(95)), source="coinbase")
    await ports.prices.add_closes([close])
    dry = await imported(ports, {"file": text}, rates={}, dry_run=True)
    assert reasons(dry) == []
    before = await ports.ledger.load(1)
    await imported(ports, {"file": text}, rates={})
    after = await ports.ledger.load(1)
    assert after.realized_pnl.value - before.realized_pnl.value == Decimal(190)


async def test_the_file_goes_before_the_close_and_the_close_before_the_rate(ports: Ports) -> None:
    before = await open_books(ports.ledger)
    close = Close(symbol=Symbol("SOL"), day=DAY, price=Price(Decimal(95)), source="coinbase")
    await ports.prices.add_closes([close])
    head = KOINLY.replace("Label,", "Net Worth Amount,Net Worth Currency,Label,")
    # 2 x 100 as the row says, 1 x 95 by the stored close, 3 x 400 by the rate: there is no close of BNB
    text = head + (
        "2022-03-01 10:00:00 UTC,,,2,SOL,,,200,USD,staking,\n"
        "2022-03-01 11:00:00 UTC,,,1,SOL,,,,,staking,\n"
        "2022-03-01 12:00:00 UTC,,,3,BNB,,,,,staking,\n"
    )
    previews = await imported(ports, {"file": text})
    await assert_as_previewed(ports, before, previews)
    after = await ports.ledger.load(1)
    assert after.realized_pnl.value - before.realized_pnl.value == 200 + 95 + 1_200


async def test_how_far_it_is_is_told_by_true_counts(ports: Ports) -> None:
    await open_books(ports.ledger)
    said: list[tuple[str, int, int]] = []
    preview = PreviewImport(FilesInMemory({"a": BINANCE_TRADES, "b": KRAKEN}), StoppedClock())
    book = BookImport(preview, ports.ledger, ports.prices, StoppedClock(), BookingRules())
    wish = ImportWish(paths=["a", "b"], options=Options(), rates=RATES)
    await book(1, wish, lambda *words: said.append(words))
    assert said[:4] == [("reading a", 0, 6), ("reading a", 6, 6), ("reading b", 0, 7), ("reading b", 7, 7)]
    # six fills, of Kraken's seven rows six events
    assert said[4:6] == [("placing", 0, 12), ("placing", 12, 12)]
    booked = len(await entries(ports))
    assert (said[6], said[-1]) == (("booking", 0, booked), ("booking", booked, booked))
    steps = [done for what, done, _ in said if what == "booking"]
    assert steps == sorted(steps)


async def test_a_migration_keeps_its_cost(ports: Ports) -> None:
    before = await open_books(ports.ledger)
    text = COINBASE + (
        "m1,2022-03-01 10:00:00 UTC,Buy,MATIC,1000,USD,500,500,0,\n"
        "m2,2024-09-04 10:00:00 UTC,Asset Migration,MATIC,-1000,USD,400,400,0,\n"
        "m3,2024-09-04 10:00:01 UTC,Asset Migration,POL,1000,USD,400,400,0,\n"
    )
    previews = await imported(ports, {"file": text}, rates={})
    assert reasons(previews) == []
    await assert_as_previewed(ports, before, previews)
    after = await ports.ledger.load(1)
    held = {p.symbol.code: (p.quantity.value, p.cost_basis.value) for p in after.open_positions}
    assert held == {"POL": (Decimal(1_000), Decimal(500))}
    assert after.realized_pnl == before.realized_pnl


async def test_an_export_without_ids_and_one_with_them_are_known_from_each_other_across_imports(ports: Ports) -> None:
    before = await open_books(ports.ledger)
    without = COINBASE.removeprefix("ID,") + "".join(
        line.partition(",")[2] for line in COINBASE_REPORT.splitlines(keepends=True)[1:3]
    )
    first = await imported(ports, {"old": without})
    assert [row.external_id for row in await kept(ports)] == [None, None]
    second = await imported(ports, {"new": COINBASE_REPORT})
    assert (len(second[0].events), len(second[0].known)) == (2, 2)
    assert {row.external_id for row in await kept(ports)} == {"a1", "a2", "a3", "a4"}
    assert [one.events for one in await imported(ports, {"old": without, "new": COINBASE_REPORT})] == [[], []]
    other = COINBASE_REPORT.replace("a1,", "b1,")  # another sale that says the same
    third = await imported(ports, {"other": other})
    assert len(third[0].events) == 1
    await assert_as_previewed(ports, before, [*first, *second, *third])


async def test_an_id_that_stood_for_something_else_in_an_earlier_import_is_reported(ports: Ports) -> None:
    await open_books(ports.ledger)
    await imported(ports, {"file": COINBASE_REPORT})
    changed = await imported(ports, {"file": COINBASE_REPORT.replace("0.5,USD", "0.6,USD")})
    assert "'a2' stood for something else" in reasons(changed)[0]


async def test_long_and_strange_ids_are_kept_too(ports: Ports) -> None:
    await open_books(ports.ledger)
    text = COINBASE_REPORT.replace("a2,", f"{'é' * 200},")
    assert len((await imported(ports, {"file": text}))[0].events) == 4
    assert (await imported(ports, {"file": text}))[0].events == []


async def test_trades_that_binances_other_file_told_before_are_reported(ports: Ports) -> None:
    await open_books(ports.ledger)
    fill = GLUED + "2022-03-01 00:00:01,BTCUSDT,BUY,40000,0.01BTC,400USDT,0.00001BTC\n"
    await imported(ports, {"history": BINANCE_HISTORY})
    assert "the other of Binance's two kinds" in reasons(await imported(ports, {"fills": fill}))[0]
    together = await imported(ports, {"fills": fill, "history": BINANCE_HISTORY})
    assert [len(one.known) for one in together] == [1, 6]
    await imported(ports, {"fills": fill}, account="other")
    previews = await imported(ports, {"history": BINANCE_HISTORY}, account="other", partial=True)
    assert len(previews[0].reported) == 3
    assert (await imported(ports, {"fills": fill}, account="other"))[0].reported == []


async def test_dollars_into_dollars_move_nothing_and_are_known_again(ports: Ports) -> None:
    before = await open_books(ports.ledger)
    text = KOINLY + "2022-03-01 14:25 UTC,100,USDT,100,USDC,,,,\n"
    previews = await imported(ports, {"file": text})
    assert len(previews[0].events) == 1
    assert await ports.ledger.load(1) == before
    [row] = await kept(ports)
    assert row.ledger_revision is None
    assert (await imported(ports, {"file": text}))[0].events == []


async def test_a_commit_whose_answer_is_lost_is_looked_up(ports: Ports) -> None:
    if not isinstance(ports.ledger, FakeLedger):
        pytest.skip("the books in memory lose an answer on demand")
    await open_books(ports.ledger)
    for is_kept in (True, False):
        ports.ledger.fail_next, ports.ledger.fail_after_commit = OutcomeUnknown("gone"), is_kept
        before = await ports.ledger.load(1)
        previews = await imported(ports, {"file": KRAKEN}, account=str(is_kept))
        await assert_as_previewed(ports, before, previews)
        assert len(await kept(ports, str(is_kept))) == 6
    ports.ledger.away = True
    with pytest.raises(LedgerUnavailable):
        await imported(ports, {"file": KRAKEN}, account="third")


async def test_an_import_is_a_record(ports: Ports) -> None:
    await open_books(ports.ledger)
    await imported(ports, {"file": KRAKEN, "bad": GLUED + "x\n"})
    [record] = (await ports.imports.page(1, before=None, limit=10)).items
    assert (record.portfolio_id, record.account, record.state) == (1, "", "booked")
    assert json.loads(record.files) == [
        {"name": "file", "format": "kraken-ledgers", "rows": 7, "events": 6, "ignored": 0, "known": 0, "reported": 0},
        {"name": "bad", "format": "binance-trades", "rows": 1, "events": 0, "ignored": 0, "known": 0, "reported": 1},
    ]


async def test_what_no_entry_is_certain_to_be_is_reported_with_what_to_do(ports: Ports) -> None:
    await open_books(ports.ledger)
    bought_for_its_fee = "2022-03-01 10:00:00,BTCUSDT,BUY,40000,1BTC,40000USDT,1BTC\n"
    [why] = reasons(await imported(ports, {"a.csv": GLUED + bought_for_its_fee}))
    assert why.endswith(
        "nothing came for the dollars, or nothing was paid: mend the row in the file, or book it by hand"
    )
    unvalued = "2022-03-01 10:00:00 UTC,,,1,SOL,,,reward,\n"
    [why] = reasons(await imported(ports, {"b.csv": KOINLY + unvalued}, rates={}))
    assert "what SOL was worth on 2022-03-01: state it with --rates FILE" in why
