"""The books prove themselves: every kind of tampering is found, and unreconciled is told from faults."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from portfolio.application.errors import OutcomeUnknown
from portfolio.application.ledger.audit import EntryLine, KeptRow, StatedBooks
from portfolio.application.ledger.records import TradeEntry
from portfolio.application.ledger.reversal import ReverseTrade
from portfolio.application.ledger.verification import ReconcileBooks, VerifyBooks
from portfolio.domain.ledger.portfolio import Portfolio
from portfolio.domain.money import Money
from portfolio.domain.symbol import Symbol
from tests.support.fakes.clock import FakeClock
from tests.support.fakes.fake_ledger import FakeLedger
from tests.unit.application.ledger.booking_examples import booking, opened, wish
from tests.unit.examples import RULES, bought, money, sold, units

BTC = Symbol("BTC")
CLOCK = FakeClock()


@pytest.fixture
async def ledger() -> FakeLedger:
    """Books with a baseline, a deposit, four trades and a reversal: 7 entries."""
    ledger = await opened(CLOCK)
    await booking(ledger, CLOCK)(
        [
            wish(bought("BTC", 3, "33.4", net=100, fees=1)),
            wish(sold("BTC", 1, 50, fees="0.5")),
            wish(bought("ETH", 2, 10)),
            wish(sold("ETH", 1, 12)),
        ]
    )
    await ReverseTrade(ledger, CLOCK, RULES)(1, 2, owner="admin")
    return ledger


def tamper(ledger: FakeLedger, **fields: Any) -> None:
    ledger.books.portfolio = replace(book_of(ledger), **fields)


def tamper_with_btc(ledger: FakeLedger, **fields: Any) -> None:
    portfolio = book_of(ledger)
    position = replace(portfolio.position(BTC), **fields)
    tamper(ledger, positions={**portfolio.positions, BTC: position})


def tamper_with_trade(ledger: FakeLedger, trade_id: int, **fields: Any) -> None:
    entry = ledger.books.trades[trade_id]
    assert isinstance(entry, TradeEntry)
    changed = replace(entry.trade, **fields)
    ledger.books.trades[trade_id] = replace(entry, trade=changed)


def book_of(ledger: FakeLedger) -> Portfolio:
    assert ledger.books.portfolio is not None
    return ledger.books.portfolio


async def test_honest_books_hold(ledger: FakeLedger) -> None:
    verdict = await VerifyBooks(ledger)(1)
    assert verdict.holds
    assert not verdict.unreconciled
    assert (verdict.trades, verdict.transactions, verdict.revision) == (5, 2, 7)
    assert verdict.unreconciled_value == Money.zero()


@pytest.mark.parametrize(
    ("field", "said"),
    [
        ("ledger_cash", "cash: the books say"),
        ("net_deposits", "net deposits: the books say"),
        ("realized_pnl", "realized profit and loss: the books say"),
        ("fees_paid", "fees paid: the books say"),
    ],
)
async def test_a_changed_sum_is_found(ledger: FakeLedger, field: str, said: str) -> None:
    tamper(ledger, **{field: getattr(book_of(ledger), field) + money("0.000000000000000001")})
    verdict = await VerifyBooks(ledger)(1)
    assert not verdict.holds
    assert any(line.startswith(said) for line in verdict.differences)


@pytest.mark.parametrize("field", ["net_deposits", "realized_pnl"])
async def test_a_broken_identity_is_found(ledger: FakeLedger, field: str) -> None:
    tamper(ledger, **{field: money(1)})
    assert any(line.startswith("identity: ") for line in (await VerifyBooks(ledger)(1)).differences)


async def test_a_changed_ledger_quantity_is_found(ledger: FakeLedger) -> None:
    tamper_with_btc(ledger, ledger_quantity=units(4))
    [difference] = (await VerifyBooks(ledger)(1)).differences
    assert difference == "BTC: the books say 4, their entries add up to 3"


@pytest.mark.parametrize("revision", [6, 8])
async def test_a_changed_revision_is_found(ledger: FakeLedger, revision: int) -> None:
    tamper(ledger, revision=revision)
    assert not (await VerifyBooks(ledger)(1)).holds


async def test_a_missing_entry_is_found(ledger: FakeLedger) -> None:
    del ledger.books.trades[3]
    differences = (await VerifyBooks(ledger)(1)).differences
    assert "mock_trades row 4: ledger revision 6 follows 4" in differences
    assert "ETH: the books say 1, their entries add up to -1" in differences


async def test_a_missing_last_entry_is_found(ledger: FakeLedger) -> None:
    del ledger.books.trades[5]
    assert "ledger revision: the books say 7, their entries add up to 6" in (await VerifyBooks(ledger)(1)).differences


# A purchase, a sale, the reversal of a sale, which may realize whatever moved in between.
@pytest.mark.parametrize(
    ("trade_id", "field"),
    [(n, f) for n in (1, 2, 5) for f in ("cash_delta", "fees", "notional")] + [(1, "realized_pnl"), (2, "basis_delta")],
)
async def test_an_entry_that_does_not_balance_is_found(ledger: FakeLedger, trade_id: int, field: str) -> None:
    entry = ledger.books.trades[trade_id]
    assert entry is not None
    tamper_with_trade(ledger, trade_id, **{field: getattr(entry.trade, field) + money("0.01")})
    differences = (await VerifyBooks(ledger)(1)).differences
    assert f"mock_trades row {trade_id}, ledger revision {entry.revision}: it does not balance" in differences


async def test_a_changed_quantity_of_an_entry_is_found(ledger: FakeLedger) -> None:
    tamper_with_trade(ledger, 1, quantity=units(4))
    assert "BTC: the books say 3, their entries add up to 4" in (await VerifyBooks(ledger)(1)).differences


async def test_a_trade_from_nowhere_is_found(ledger: FakeLedger) -> None:
    entry = ledger.books.trades[1]
    assert entry is not None
    ledger.books.trades[9] = replace(entry, revision=7)
    assert "mock_trades row 9: ledger revision 7 follows 7" in (await VerifyBooks(ledger)(1)).differences


async def test_a_head_that_no_entry_has_is_named(ledger: FakeLedger) -> None:
    head = (await VerifyBooks(ledger)(1, head="0" * 64)).differences
    assert list(head) == [f"no entry has the digest {'0' * 64}: entries up to there are not what they were"]


async def test_a_head_of_the_books_that_is_not_that_of_the_entries_is_named(ledger: FakeLedger) -> None:
    class Headed(FakeLedger):
        async def stated(self, portfolio_id: int) -> StatedBooks:
            return replace(await super().stated(portfolio_id), head="0" * 64)

    [line] = (await VerifyBooks(Headed(ledger.books))(1)).differences
    assert line.startswith("the newest digest is ")


async def test_a_refusal_that_is_not_what_was_decided_is_named(ledger: FakeLedger) -> None:
    await booking(ledger, CLOCK)([wish(sold("BTC", 1_000, 50), "too much")])
    assert (await VerifyBooks(ledger)(1)).holds

    class Forged(FakeLedger):
        async def refused_rows(self, *, of_cash: bool, after: int, limit: int) -> Sequence[KeptRow]:
            rows = await super().refused_rows(of_cash=of_cash, after=after, limit=limit)
            return [row._replace(digest="0" * 64) for row in rows]

    [line] = (await VerifyBooks(Forged(ledger.books))(1)).differences
    assert line.endswith("it is not what was decided")


async def test_a_cost_that_entries_of_before_0024_do_not_say_is_told(ledger: FakeLedger) -> None:
    await ReconcileBooks(ledger, CLOCK)(1)
    tamper_with_btc(ledger, quantity=units(4), cost_basis=money(140))
    entry = await ReconcileBooks(ledger, CLOCK)(1)
    assert entry is not None
    [(number, _)] = [(i, e) for i, e in ledger.books.transactions.items() if e.revision == entry.revision]
    bare = [
        replace(moved, asset_cost_delta=None, cost_basis_delta=None, realized_delta=None) for moved in entry.positions
    ]
    ledger.books.transactions[number] = replace(entry, positions=tuple(bare))
    [line] = (await VerifyBooks(ledger)(1)).unreconciled
    assert line.startswith("BTC: the row says ")
    assert line.endswith("entries of before 0024 do not say it")


async def test_rows_of_other_programs_are_not_counted(ledger: FakeLedger) -> None:
    ledger.books.trades[9] = None
    assert (await VerifyBooks(ledger)(1)).holds


async def test_bookings_during_a_verification_do_not_disturb_it(ledger: FakeLedger) -> None:
    class Busy(FakeLedger):
        async def stated(self, portfolio_id: int) -> StatedBooks:
            before = await super().stated(portfolio_id)
            await booking(self, CLOCK)([wish(bought("ADA", 1, 1))])
            return before

    verdict = await VerifyBooks(Busy(ledger.books))(1)
    assert verdict.holds
    assert (verdict.revision, verdict.trades) == (7, 5)


async def test_long_books_are_read_page_by_page(ledger: FakeLedger) -> None:
    asked: list[int] = []

    class Paged(FakeLedger):
        async def entry_lines(self, *, after: int, limit: int) -> Sequence[EntryLine]:
            asked.append(after)
            return await super().entry_lines(after=after, limit=limit)

    assert (await VerifyBooks(Paged(ledger.books), page_size=2)(1)).trades == 5
    assert asked == [0, 2, 4, 6]


# --- unreconciled -----------------------------------------------------------------------------------------------------


async def test_what_others_wrote_is_listed_as_unreconciled_and_is_no_fault(ledger: FakeLedger) -> None:
    tamper(ledger, cash=book_of(ledger).cash - money(40))
    tamper_with_btc(ledger, quantity=units(4), cost_basis=money("140.5"))
    verdict = await VerifyBooks(ledger)(1)
    assert verdict.holds
    assert list(verdict.unreconciled) == [
        f"cash: the row says {book_of(ledger).cash}, the ledger {book_of(ledger).ledger_cash}",
        "BTC: the row says 4, the ledger 3",
    ]
    assert verdict.unreconciled_value == money("-0.5")  # 40 of cash became 39.5 of basis (101 before)


async def test_a_cost_moved_by_others_is_unreconciled_as_well(ledger: FakeLedger) -> None:
    tamper_with_btc(ledger, cost_basis=money(103))
    verdict = await VerifyBooks(ledger)(1)
    assert verdict.holds
    assert list(verdict.unreconciled) == ["BTC: the row says cost basis 103, the ledger 101"]


async def test_without_unreconciled_there_is_nothing_to_reconcile(ledger: FakeLedger) -> None:
    before = ledger.books.portfolio
    assert await ReconcileBooks(ledger, CLOCK)(1) is None
    assert ledger.books.portfolio == before
    assert len(ledger.books.transactions) == 2


@pytest.mark.parametrize("committed", [True, False])
async def test_an_adjustment_whose_commit_was_lost_is_looked_up(ledger: FakeLedger, committed: bool) -> None:
    tamper(ledger, cash=book_of(ledger).cash + money(7))
    ledger.fail_next, ledger.fail_after_commit = OutcomeUnknown("lost"), committed
    entry = await ReconcileBooks(ledger, CLOCK)(1)
    assert entry is not None
    assert len(ledger.books.transactions) == 3
    assert not (await VerifyBooks(ledger)(1)).unreconciled


@pytest.mark.parametrize(
    ("moved", "asked", "realized"),
    [("cash", None, False), ("position", None, True), ("position", False, False), ("cash", True, True)],
)
async def test_accepted_unreconciled_becomes_a_result_or_a_contribution(
    ledger: FakeLedger, moved: str, asked: bool | None, realized: bool
) -> None:
    before = book_of(ledger)
    if moved == "cash":
        tamper(ledger, cash=before.cash + money(7))
    else:
        tamper_with_btc(ledger, quantity=units(5), cost_basis=money(108))
    entry = await ReconcileBooks(ledger, CLOCK)(1, as_realized=asked)
    assert entry is not None
    after = book_of(ledger)
    assert after.realized_pnl - before.realized_pnl == (money(7) if realized else Money.zero())
    assert after.net_deposits - before.net_deposits == (Money.zero() if realized else money(7))
    assert [(a.symbol, a.quantity_delta) for a in entry.positions] == ([(BTC, units(2))] if moved == "position" else [])
    verdict = await VerifyBooks(ledger)(1)
    assert verdict.holds
    assert not verdict.unreconciled
    assert not verdict.unreconciled_value
