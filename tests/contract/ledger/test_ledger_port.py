"""What every implementation of the ledger's port promises."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from functools import partial
from typing import Any

import pytest

from portfolio.application.errors import LedgerUnavailable, PortfolioMissing
from portfolio.application.ledger.cash_records import CashEntry, PositionAdjustment, RecordedCashEntry, RefusedCashEntry
from portfolio.application.ledger.lots.movement import Movement
from portfolio.application.ledger.ports import LedgerUnit
from portfolio.application.ledger.records import (
    Acceptance,
    BookingKey,
    Refusal,
    Revisions,
    TradeEntry,
    TradeFilter,
    TradeRequest,
)
from portfolio.application.rebalancing.records import SignalFilter
from portfolio.domain.ledger.portfolio import BookingRules, Portfolio
from portfolio.domain.ledger.trade import Side, Trade
from portfolio.domain.money import Money, Quantity
from portfolio.domain.symbol import Symbol
from tests.contract.ledger.ledger_kinds import Ports, ports
from tests.support.ledger_examples import (
    AT,
    BTC,
    ETH,
    accepted,
    book,
    book_one,
    cash_entry,
    execution,
    money,
    open_books,
    refused,
)

__all__ = ["ports"]

RULES = BookingRules()


async def test_an_empty_ledger_has_no_portfolio(ports: Ports) -> None:
    assert await ports.ledger.is_adopted(1) is None
    with pytest.raises(PortfolioMissing):
        await ports.ledger.load(1)
    with pytest.raises(PortfolioMissing):
        await ports.ledger.revisions(1)
    with pytest.raises(PortfolioMissing):
        await ports.ledger.transact(1, book)


async def test_a_portfolio_is_created_once_however_many_try(ports: Ports) -> None:
    await asyncio.gather(*(ports.ledger.create(1) for _ in range(5)))
    assert await ports.ledger.is_adopted(1) is False
    created = await ports.ledger.load(1)
    assert (created.revision, created.cash, created.ledger_cash, dict(created.positions)) == (0, money(0), money(0), {})


async def test_no_other_portfolio_is_in_these_tables(ports: Ports) -> None:
    await open_books(ports.ledger)
    with pytest.raises(PortfolioMissing):
        await ports.ledger.load(4711)


async def test_what_is_saved_is_what_is_loaded(ports: Ports) -> None:
    await open_books(ports.ledger)
    saved: list[Portfolio] = []

    async def work(unit: LedgerUnit) -> None:
        after, trade = unit.portfolio.book(
            execution(quantity="0.333333333333333333", price="7.000000000000000007", fees="0"), RULES
        )
        await unit.add_trades([_entry(after, trade)])
        await unit.save(after)
        saved.append(after)

    await ports.ledger.transact(1, work)
    loaded = await ports.ledger.load(1)
    assert _comparable(loaded) == _comparable(saved[0])
    assert await ports.ledger.is_adopted(1) is True
    assert await ports.ledger.revisions(1) == Revisions(ledger=3, prices=0)


async def test_a_buy_and_a_sale_leave_the_sums_of_the_contract(ports: Ports) -> None:
    await open_books(ports.ledger)
    await book_one(ports.ledger)
    # 100000 - 4500 - 22.5, the contract's own example
    assert (await ports.ledger.load(1)).cash == money("95477.5")
    await book_one(ports.ledger, execution(Side.SELL, quantity="0.1", price="50000", fees="25"))
    after = await ports.ledger.load(1)
    # 95477.5 + 5000 - 25; the result is 4975 - 4522.5
    assert (after.cash, after.realized_pnl, after.fees_paid) == (money("100452.5"), money("452.5"), money("47.5"))
    closed = after.position(BTC)
    assert (closed.is_open, closed.cost_basis, closed.realized_pnl) == (False, money(0), money("452.5"))
    assert (after.trade_counts.trades, after.trade_counts.wins, after.trade_counts.gross_profit) == (
        2,
        1,
        money("452.5"),
    )
    assert not after.unreconciled


async def test_work_that_fails_leaves_no_trace(ports: Ports) -> None:
    before = await open_books(ports.ledger)

    async def fails(unit: LedgerUnit) -> None:
        await book(unit, client_trade_id="k")
        await unit.add_outcomes([refused("k")])
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await ports.ledger.transact(1, fails)
    assert _comparable(await ports.ledger.load(1)) == _comparable(before)
    assert not (await ports.lookups.trades(1, TradeFilter())).items
    assert await ports.lookups.outcome(1, BookingKey("engine", "k")) is None


@pytest.mark.parametrize("key", [None, "k"])
async def test_a_refusal_is_told_from_others_like_it(ports: Ports, key: str | None) -> None:
    await open_books(ports.ledger)
    kept = refused(key)
    later = replace(kept, decided_at=kept.decided_at + timedelta(microseconds=1))

    async def known(unit: LedgerUnit) -> list[bool]:
        return [await unit.keeps(refusal) for refusal in (kept, later, refused(key, "another"))]

    assert await ports.ledger.transact(1, known) == [False, False, False]
    await ports.ledger.transact(1, lambda unit: unit.add_outcomes([kept]))
    assert await ports.ledger.transact(1, known) == [True, False, False]


async def test_units_run_one_after_the_other(ports: Ports) -> None:
    await open_books(ports.ledger)
    await asyncio.gather(*(book_one(ports.ledger, execution(quantity="0.01", fees="1")) for _ in range(20)))
    after = await ports.ledger.load(1)
    assert (after.revision, after.position(BTC).quantity) == (22, Quantity(Decimal("0.2")))
    # 20 x (450 + 1)
    assert after.cash == money(100_000 - 20 * 451)


@pytest.mark.parametrize("other", ["A1", "a1 ", " a1", "á1"])
async def test_keys_are_compared_byte_for_byte(ports: Ports, other: str) -> None:
    await open_books(ports.ledger)
    await book_one(ports.ledger, client_trade_id="a1")
    await book_one(ports.ledger, client_trade_id=other)
    await ports.ledger.transact(1, lambda unit: unit.add_outcomes([refused("a1"), refused(other)]))
    found = await ports.lookups.outcome(1, BookingKey("engine", other))
    assert found is not None
    assert found.request.client_trade_id == other


async def test_outcomes_of_other_owners_under_the_same_key_are_found_too_the_newest_last(ports: Ports) -> None:
    await open_books(ports.ledger)
    kept = [refused("k", owner=owner) for owner in ("engine", "alpha", "zeta")] + [refused("K"), refused(None)]
    await ports.ledger.transact(1, lambda unit: unit.add_outcomes(kept))
    wanted = {BookingKey("engine", "k")}
    for keys in (wanted, ()):  # looked up along with the lock, or later
        found = await ports.ledger.transact(1, lambda unit: unit.outcomes(wanted), keys=keys)
        assert [key.owner for key in found] == ["engine", "alpha", "zeta"]
        assert {key.client_trade_id for key in found} == {"k"}


async def test_a_key_is_used_once_by_its_owner_and_again_by_another(ports: Ports) -> None:
    await open_books(ports.ledger)
    await book_one(ports.ledger, client_trade_id="k")
    await book_one(ports.ledger, client_trade_id="k", owner="Engine")
    with pytest.raises(LedgerUnavailable):
        await book_one(ports.ledger, client_trade_id="k")
    assert len((await ports.lookups.trades(1, TradeFilter())).items) == 2


async def test_bookings_without_a_key_do_not_meet(ports: Ports) -> None:
    await open_books(ports.ledger)
    await book_one(ports.ledger)
    await book_one(ports.ledger)
    await ports.ledger.transact(1, lambda unit: unit.add_outcomes([refused(None), refused(None)]))
    assert await ports.probe.count_refusals(1) == 2


async def test_an_entry_comes_back_whole(ports: Ports) -> None:
    await open_books(ports.ledger)
    written: list[TradeEntry] = []

    async def work(unit: LedgerUnit) -> int:
        after, trade = unit.portfolio.book(execution(quantity="0.000000000000000003", price="1234.5", fees="0"), RULES)
        entry = replace(
            _entry(after, trade),
            request=TradeRequest(
                owner="engine",
                client_trade_id="k-1",
                engine="Momentum",
                signal_id="s/1",
                recommendation_id="4294967296",
                confidence=Decimal("0.123456789"),
                notes="naïve ✓ 🚀",
            ),
            fingerprint="0123456789abcdef" * 4,
        )
        written.append(entry)
        await unit.save(after)
        return (await unit.add_trades([entry]))[0]

    trade_id = await ports.ledger.transact(1, work)
    [found] = (await ports.lookups.trades(1, TradeFilter())).items
    assert (found.id, found.entry, found.reversed_by) == (trade_id, written[0], None)
    assert await ports.ledger.transact(1, lambda unit: unit.trade(trade_id)) == found
    assert await ports.ledger.transact(1, lambda unit: unit.trade_at(3)) == found
    assert await ports.ledger.transact(1, lambda unit: unit.trade(trade_id + 1)) is None
    assert await ports.ledger.transact(1, lambda unit: unit.trade_at(2)) is None


async def test_a_reversal_is_seen_on_the_trade_it_reverses_and_happens_once(ports: Ports) -> None:
    await open_books(ports.ledger)
    first = await book_one(ports.ledger)

    async def reverse(unit: LedgerUnit) -> int:
        found = await unit.trade(first)
        assert found is not None
        assert found.entry is not None
        after, trade = unit.portfolio.reverse(found.entry.trade, first, AT)
        [trade_id] = await unit.add_trades([_entry(after, trade)])
        await unit.save(after)
        return trade_id

    second = await ports.ledger.transact(1, reverse)
    newest, oldest = (await ports.lookups.trades(1, TradeFilter())).items
    assert (newest.id, oldest.id, oldest.reversed_by) == (second, first, second)
    assert newest.entry is not None
    assert newest.entry.trade.reverses == first
    assert (await ports.ledger.load(1)).cash == money(100_000)
    await book_one(ports.ledger)
    with pytest.raises(LedgerUnavailable):
        await ports.ledger.transact(1, reverse)


@pytest.mark.unmeasured
async def test_many_trades_are_added_at_once_and_numbered_in_order(ports: Ports) -> None:
    await open_books(ports.ledger)
    portfolio, entries = await ports.ledger.load(1), []
    for number in range(1000):  # before the unit, whose time is short
        wanted = execution(quantity="0.001", fees="0", symbol=Symbol(f"S{number % 700}"))
        portfolio, trade = portfolio.book(wanted, RULES)
        entries.append(_entry(portfolio, trade))

    async def work(unit: LedgerUnit) -> list[int]:
        await unit.save(portfolio)
        return list(await unit.add_trades(entries))

    ids = await ports.ledger.transact(1, work)
    assert len(set(ids)) == 1000
    found = await ports.ledger.entries(1, after=2, limit=2000)
    assert [entry.revision for entry in found] == list(range(3, 1003))
    by_revision = {
        b.entry.revision: b.id for b in (await ports.lookups.trades(1, TradeFilter(limit=1000))).items if b.entry
    }
    assert [by_revision[revision] for revision in range(3, 1003)] == ids
    assert len((await ports.ledger.load(1)).open_positions) == 700


async def test_outcomes_come_back_as_they_were_decided(ports: Ports) -> None:
    await open_books(ports.ledger)

    async def work(unit: LedgerUnit) -> list[object]:
        after, _ = unit.portfolio.book(execution(quantity="0.333333333333333333"), RULES)
        kept = [refused("no"), accepted(after, "yes")]
        await unit.add_outcomes(kept)
        return list(kept)

    kept = await ports.ledger.transact(1, work)
    keys = [BookingKey("engine", "no"), BookingKey("engine", "yes")]
    found = await ports.ledger.transact(1, lambda unit: unit.outcomes([*keys, BookingKey("engine", "never")]))
    assert [replace(found[key], id=None) for key in keys] == kept
    assert len(found) == 2
    assert await ports.lookups.outcome(1, keys[0]) == found[keys[0]]


@pytest.mark.parametrize("error", ["InvalidAmount", "OutOfRange"])
async def test_a_refusal_of_what_no_books_can_hold_is_kept_and_not_counted(ports: Ports, error: str) -> None:
    await open_books(ports.ledger)
    settled = replace(refused("k"), result=Refusal(error=error, detail="x"))
    await ports.ledger.transact(1, lambda unit: unit.add_outcomes([settled, refused("other")]))
    assert await ports.probe.count_refusals(1) == 1
    assert len((await ports.lookups.refusals(1, before=None, limit=10)).items) == 2


async def test_an_override_takes_the_place_of_the_refusal(ports: Ports) -> None:
    await open_books(ports.ledger)
    await ports.ledger.transact(1, lambda unit: unit.add_outcomes([refused("k"), refused("other")]))
    first = await ports.lookups.outcome(1, BookingKey("engine", "k"))
    assert first is not None

    async def override(unit: LedgerUnit) -> None:
        await unit.add_outcomes([replace(accepted(unit.portfolio, "k"), id=first.id)])

    await ports.ledger.transact(1, override)
    assert await ports.probe.count_refusals(1) == 1
    second = await ports.lookups.outcome(1, BookingKey("engine", "k"))
    assert second is not None
    assert second.id == first.id
    assert not isinstance(second.result, Refusal)


@pytest.mark.parametrize("count", [1, 3])
async def test_an_acceptance_is_kept_with_the_id_of_its_entry(ports: Ports, count: int) -> None:
    await open_books(ports.ledger)
    await ports.ledger.transact(1, lambda unit: unit.add_outcomes([refused("k1")]))
    overridden = await ports.lookups.outcome(1, BookingKey("engine", "k1"))
    assert overridden is not None

    async def work(unit: LedgerUnit) -> list[int]:
        after, entries = unit.portfolio, []
        for number in range(1, count + 1):
            after, trade = after.book(execution(quantity="0.01"), RULES)
            request = TradeRequest(owner="engine", client_trade_id=f"k{number}")
            entries.append(replace(_entry(after, trade), request=request))
        await unit.save(after)
        ids = await unit.add_trades(entries)
        first, *others = (accepted(after, f"k{number}", trade_id) for number, trade_id in enumerate(ids, 1))
        await unit.add_outcomes([replace(first, id=overridden.id), *others])
        return list(ids)

    ids = await ports.ledger.transact(1, work)
    for number, trade_id in enumerate(ids, 1):
        kept = await ports.lookups.outcome(1, BookingKey("engine", f"k{number}"))
        assert kept is not None
        assert isinstance(kept.result, Acceptance)
        assert kept.result.trade_id == trade_id
        assert (kept.id == overridden.id) is (number == 1)
    trades = (await ports.lookups.trades(1, TradeFilter())).items
    assert [trade.id for trade in trades] == ids[::-1]
    assert len({*ids}) == count
    assert await ports.probe.count_refusals(1) == 0


async def test_outcomes_looked_up_with_the_lock_are_those_that_were_asked_for(ports: Ports) -> None:
    await open_books(ports.ledger)
    mine, theirs = refused("k"), refused("k", owner="another")
    await ports.ledger.transact(1, lambda unit: unit.add_outcomes([mine, theirs, refused("l")]))
    keys = {BookingKey("engine", "k"), BookingKey("engine", "never")}
    found = await ports.ledger.transact(1, lambda unit: unit.outcomes(keys), keys=keys)
    assert [replace(outcome, id=None) for outcome in found.values()] == [mine, theirs]
    more = {*keys, BookingKey("engine", "l")}
    assert len(await ports.ledger.transact(1, lambda unit: unit.outcomes(more), keys=keys)) == 3


async def test_refusals_are_paged_newest_first(ports: Ports) -> None:
    await open_books(ports.ledger)
    kept = [refused(f"k{number}") for number in range(5)]
    await ports.ledger.transact(1, lambda unit: unit.add_outcomes(kept))
    first = await ports.lookups.refusals(1, before=None, limit=3)
    assert [outcome.request.client_trade_id for outcome in first.items] == ["k4", "k3", "k2"]
    second = await ports.lookups.refusals(1, before=first.next_before, limit=3)
    assert [outcome.request.client_trade_id for outcome in second.items] == ["k1", "k0"]
    assert second.next_before is None


async def test_trades_are_found_by_their_number_their_key_and_their_owner(ports: Ports) -> None:
    await open_books(ports.ledger)
    small = execution(quantity="0.01", fees="0")
    ids = {
        (owner, key): await book_one(ports.ledger, small, owner=owner, client_trade_id=key)
        for owner, key in (("one", "k"), ("two", "k"), ("two", "K"))
    }
    portfolio = await ports.ledger.load(1)
    outcomes = [
        replace(accepted(portfolio, key, trade_id), request=TradeRequest(owner=owner, client_trade_id=key))
        for (owner, key), trade_id in ids.items()
    ]
    await ports.ledger.transact(1, lambda unit: unit.add_outcomes(outcomes))

    async def ask(**wanted: Any) -> list[int]:
        return [booked.id for booked in (await ports.lookups.trades(1, TradeFilter(**wanted))).items]

    assert await ask(client_trade_id="k") == [ids["two", "k"], ids["one", "k"]]
    assert await ask(client_trade_id="k", owner="two") == [ids["two", "k"]]
    assert await ask(owner="two") == [ids["two", "K"], ids["two", "k"]]
    assert await ask(id=ids["two", "k"]) == [ids["two", "k"]]
    assert await ask(client_trade_id="l") == await ask(owner="On") == await ask(id=99) == []


async def test_entries_that_are_no_trade_are_paged_newest_first(ports: Ports) -> None:
    portfolio = await open_books(ports.ledger)
    change = PositionAdjustment(symbol=BTC, quantity_delta=Quantity(Decimal("0.5")))

    async def move(unit: LedgerUnit) -> None:
        after, deposit = portfolio.deposit(money(5), AT)
        await unit.add_cash_entry(cash_entry(after, deposit, client_transaction_id="k", positions=(change,)))
        await unit.save(after)

    await ports.ledger.transact(1, move)
    first = await ports.lookups.cash_transactions(1, before=None, limit=2)
    assert [one.entry.transaction.kind for one in first.items] == ["deposit", "deposit"]
    assert [one.entry.positions for one in first.items] == [(change,), ()]
    second = await ports.lookups.cash_transactions(1, before=first.next_before, limit=2)
    assert [one.entry.transaction.kind for one in second.items] == ["baseline"]
    assert (first.items[-1].id > second.items[0].id, second.next_before) == (True, None)


async def test_whose_bookings_are_under_a_key_is_told_byte_for_byte(ports: Ports) -> None:
    await open_books(ports.ledger)
    kept = [refused(key, owner) for key, owner in (("k", "two"), ("k", "one"), ("K", "one"), ("l", ""))]
    await ports.ledger.transact(1, lambda unit: unit.add_outcomes(kept))
    assert dict(await ports.ledger.owners_of(1, {"k", "l", "never"})) == {"k": ["one", "two"], "l": [""]}


async def test_the_newest_twin_is_found_while_it_is_young(ports: Ports) -> None:
    await open_books(ports.ledger)
    digest = "a" * 64
    await book_one(ports.ledger, fingerprint=digest, booked_at=AT - timedelta(seconds=61))
    await book_one(ports.ledger, fingerprint=digest, booked_at=AT - timedelta(seconds=60))
    newest = await book_one(ports.ledger, fingerprint=digest, booked_at=AT)
    await book_one(ports.ledger, fingerprint="b" * 64, booked_at=AT - timedelta(seconds=61))

    async def ask(unit: LedgerUnit) -> dict[str, int]:
        return dict(await unit.latest_twins([digest, "b" * 64, "c" * 64], AT - timedelta(seconds=60)))

    assert await ports.ledger.transact(1, ask) == {digest: newest}


async def test_trades_are_filtered_and_paged(ports: Ports) -> None:
    await open_books(ports.ledger)
    ids = [
        await book_one(
            ports.ledger, execution(symbol=symbol, quantity="0.01", fees="0"), engine=engine, signal_id=signal_id
        )
        for symbol, engine, signal_id in (
            (BTC, "one", "a_1"),
            (ETH, "one", "ab1"),
            (BTC, "two", "A_1"),
            (BTC, "One", None),
        )
    ]
    sold = await book_one(ports.ledger, execution(Side.SELL, quantity="0.01", fees="0"), engine="one")

    async def ask(**wanted: Any) -> list[int]:
        return [booked.id for booked in (await ports.lookups.trades(1, TradeFilter(**wanted))).items]

    assert await ask(symbol=ETH) == [ids[1]]
    assert await ask(side=Side.SELL) == [sold]
    assert await ask(engine="one") == [sold, ids[1], ids[0]]
    assert await ask(signal_prefix="a_") == [ids[0]]
    assert await ask(since=AT + timedelta(microseconds=1)) == []
    assert len(await ask(since=AT)) == 5
    assert await ask(until=AT) == []
    assert len(await ask(until=AT + timedelta(microseconds=1))) == 5
    first = await ports.lookups.trades(1, TradeFilter(limit=3))
    assert [booked.id for booked in first.items] == [sold, ids[3], ids[2]]
    second = await ports.lookups.trades(1, TradeFilter(limit=3, before=first.next_before))
    assert [booked.id for booked in second.items] == [ids[1], ids[0]]
    assert second.next_before is None


async def test_movements_and_trades_are_replayed_in_the_order_they_were_booked(ports: Ports) -> None:
    await open_books(ports.ledger)
    await book_one(ports.ledger)
    written: list[CashEntry] = []

    async def adjust(unit: LedgerUnit) -> int:
        after, transaction = unit.portfolio.deposit(money("0.000000000000000001"), AT)
        moved = (PositionAdjustment(symbol=ETH, quantity_delta=Quantity(Decimal("-1.5"))),)
        entry = cash_entry(
            after, transaction, positions=moved, client_transaction_id="m", note="tiny", fingerprint="c" * 64
        )
        written.append(entry)
        await unit.save(after)
        return await unit.add_cash_entry(entry)

    cash_transaction_id = await ports.ledger.transact(1, adjust)
    await book_one(ports.ledger)
    entries = await ports.ledger.entries(1, after=0, limit=100)
    assert [(type(entry), entry.revision) for entry in entries] == [
        (CashEntry, 1),
        (CashEntry, 2),
        (TradeEntry, 3),
        (CashEntry, 4),
        (TradeEntry, 5),
    ]
    assert entries[3] == written[0]
    assert [entry.revision for entry in await ports.ledger.entries(1, after=1, limit=3)] == [2, 3, 4]
    ids = {
        booked.entry.revision: booked.id
        for booked in (await ports.lookups.trades(1, TradeFilter())).items
        if booked.entry is not None
    }
    moved = [Movement.of(ids[e.revision], e) if isinstance(e, TradeEntry) else e for e in entries]
    assert await ports.ledger.movements(1, after=0, limit=100) == moved
    assert await ports.ledger.movements(1, after=1, limit=3) == moved[1:4]
    found = await ports.ledger.transact(1, lambda unit: unit.transaction("service", "m"))
    assert found is not None
    assert found == RecordedCashEntry(id=cash_transaction_id, entry=written[0])
    assert await ports.ledger.transact(1, lambda unit: unit.transaction("service", "M")) is None


async def test_a_refused_cash_transaction_is_found_by_its_key(ports: Ports) -> None:
    await open_books(ports.ledger)
    refused = RefusedCashEntry(
        portfolio_id=1,
        owner="ops",
        client_transaction_id="w-1",
        fingerprint="2:" + 62 * "a",
        refusal=Refusal(error="InsufficientCash", detail="«1000001» is needed"),
        decided_at=AT,
    )
    await ports.ledger.transact(1, lambda unit: unit.add_cash_refusal(refused))
    assert await ports.ledger.transact(1, lambda unit: unit.transaction("ops", "w-1")) == refused
    for owner, key in (("Ops", "w-1"), ("ops", "W-1"), ("ops", "w-1 ")):
        look = partial(_transaction, owner=owner, key=key)
        assert await ports.ledger.transact(1, look) is None


async def _transaction(unit: LedgerUnit, owner: str, key: str) -> RecordedCashEntry | RefusedCashEntry | None:
    return await unit.transaction(owner, key)


async def test_a_movement_key_is_used_once(ports: Ports) -> None:
    await open_books(ports.ledger)

    async def deposit(unit: LedgerUnit) -> None:
        after, transaction = unit.portfolio.deposit(Money(Decimal(1)), AT)
        await unit.add_cash_entry(cash_entry(after, transaction, client_transaction_id="m"))
        await unit.save(after)

    await ports.ledger.transact(1, deposit)
    with pytest.raises(LedgerUnavailable):
        await ports.ledger.transact(1, deposit)
    assert (await ports.ledger.load(1)).cash == money(100_001)


async def test_what_is_asked_of_another_portfolio_is_not_answered_for_this_one(ports: Ports) -> None:
    await open_books(ports.ledger)
    key, signals = BookingKey("engine", "k"), SignalFilter(status=None, now=AT, before=None, limit=1)
    for ask in (
        ports.ledger.load,
        lambda number: ports.ledger.entries(number, after=0, limit=1),
        lambda number: ports.ledger.owners_of(number, {"k"}),
        lambda number: ports.lookups.trades(number, TradeFilter()),
        lambda number: ports.lookups.outcome(number, key),
        lambda number: ports.lookups.refusals(number, before=None, limit=1),
        ports.probe.count_refusals,
        ports.probe.try_write,
        lambda number: ports.signals.page(number, signals),
    ):
        await ask(1)
        with pytest.raises(PortfolioMissing):
            await ask(2)


async def test_a_ledger_that_answers_says_its_schema_revision(ports: Ports) -> None:
    assert await ports.probe.ping()


def _entry(after: Portfolio, trade: Trade) -> TradeEntry:
    return TradeEntry(
        trade=trade,
        portfolio_id=after.id,
        revision=after.revision,
        request=TradeRequest(owner="engine"),
        booked_at=AT,
    )


def _comparable(portfolio: Portfolio) -> Portfolio:
    """The portfolio without the moments at which its rows were written: those are the database's business."""
    positions = {symbol: replace(p, updated_at=None) for symbol, p in portfolio.positions.items()}
    return replace(portfolio, positions=positions, updated_at=None)
