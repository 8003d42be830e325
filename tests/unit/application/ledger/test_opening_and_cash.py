"""Books are opened once, cash moves once, and a trade is taken back once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from portfolio.application.errors import KeyReused, LedgerUnavailable, NotFound, OutcomeUnknown
from portfolio.application.ledger.audit import EntryLine
from portfolio.application.ledger.cash import CashReply, MoveCash, MoveCashInOrOut
from portfolio.application.ledger.cash_records import RecordedCashEntry, RefusedCashEntry
from portfolio.application.ledger.opening import OpenBooks, Opening, SealBooks
from portfolio.application.ledger.records import TradeRequest
from portfolio.application.ledger.reversal import ReverseTrade
from portfolio.application.ledger.verification import VerifyBooks
from portfolio.application.prices.records import PriceUpdate
from portfolio.domain.errors import InsufficientCash, NotReversible, OutOfRange
from portfolio.domain.ledger.cash_transaction import CashTransactionKind
from portfolio.domain.ledger.portfolio import Portfolio
from portfolio.domain.ledger.position import Position
from portfolio.domain.ledger.units import Units
from portfolio.domain.mark import Mark
from portfolio.domain.money import Money, Price
from portfolio.domain.symbol import Symbol
from tests.support.fakes.clock import FakeClock
from tests.support.fakes.fake_books import Books
from tests.support.fakes.fake_ledger import FakeLedger
from tests.support.fakes.fake_stores import FakeLeases, FakePriceStore
from tests.unit.application.ledger.booking_examples import accepted, booking, opened, wish
from tests.unit.examples import RULES, bought, money, sold, units

BTC = Symbol("BTC")


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


# --- opening ----------------------------------------------------------------------------------------------------------


async def test_fresh_books_open_with_the_initial_cash_as_a_recorded_deposit(clock: FakeClock) -> None:
    ledger = FakeLedger()
    assert await OpenBooks(ledger, clock, money(100_000))(1) is Opening.CREATED
    portfolio = await ledger.load(1)
    assert portfolio.cash == portfolio.net_deposits == money(100_000)
    kinds = [m.transaction.kind for m in ledger.books.transactions.values()]
    assert kinds == [CashTransactionKind.BASELINE, CashTransactionKind.DEPOSIT]
    assert (await VerifyBooks(ledger)(1)).holds


async def test_books_are_new_until_something_is_booked_after_their_opening(clock: FakeClock) -> None:
    ledger = await opened(clock)
    assert (await VerifyBooks(ledger)(1)).is_new
    await booking(ledger, clock)([wish(bought("BTC", 1, 10))])
    assert not (await VerifyBooks(ledger)(1)).is_new
    paid_in = await opened(clock)
    await MoveCashInOrOut(paid_in, clock, RULES)(1, move("deposit", "50"))
    assert not (await VerifyBooks(paid_in)(1)).is_new


async def test_opening_again_does_nothing(clock: FakeClock) -> None:
    ledger = await opened(clock)
    before = ledger.books
    assert await OpenBooks(ledger, clock, money(100_000))(1) is Opening.NOTHING
    assert ledger.books == before


async def test_entries_of_before_the_digests_are_taken_into_the_chain_once(clock: FakeClock) -> None:
    ledger = await opened(clock)
    ledger.books.is_sealed = False
    before = await ledger.load(1)
    open_books = OpenBooks(ledger, clock, money(100_000))
    for _ in range(2):
        assert await open_books(1) is Opening.NOTHING
        assert ledger.books.is_sealed
    assert await ledger.load(1) == before
    assert not await SealBooks(ledger)(1)


async def test_of_two_who_make_the_chain_at_once_the_second_leaves_it_as_it_is(clock: FakeClock) -> None:
    class Raced(FakeLedger):
        async def entry_lines(self, *, after: int, limit: int) -> Sequence[EntryLine]:
            self.books.is_sealed = True  # by another instance, while the entries are read
            return await super().entry_lines(after=after, limit=limit)

    ledger = Raced((await opened(clock)).books)
    ledger.books.is_sealed = False
    before = ledger.books.copy()
    assert await SealBooks(ledger)(1)
    assert replace(ledger.books, is_sealed=False) == before


async def test_without_initial_cash_there_is_no_deposit(clock: FakeClock) -> None:
    ledger = FakeLedger()
    assert await OpenBooks(ledger, clock, Money.zero())(1) is Opening.CREATED
    assert not (await ledger.load(1)).net_deposits
    assert len(ledger.books.transactions) == 1


async def test_two_instances_open_together_and_the_cash_comes_once(clock: FakeClock) -> None:
    class Late(FakeLedger):
        async def is_adopted(self, portfolio_id: int) -> bool | None:
            return None  # as it was when this instance looked

    late = Late((await opened(clock)).books)
    assert await OpenBooks(late, clock, money(100_000))(1) is Opening.NOTHING
    assert (await late.load(1)).cash == money(100_000)


async def test_a_row_that_somebody_made_but_nobody_opened_still_gets_its_cash(clock: FakeClock) -> None:
    """An instance killed between the two steps, or another one that is one step ahead."""
    ledger = FakeLedger()
    await ledger.create(1)
    assert await OpenBooks(ledger, clock, money(100_000))(1) is Opening.CREATED
    assert (await ledger.load(1)).cash == money(100_000)


async def test_existing_rows_are_adopted_as_they_are(clock: FakeClock) -> None:
    row = Position(symbol=BTC, quantity=units(2), cost_basis=money(150), realized_pnl=money(30))
    old = Portfolio(id=1, cash=money(500), positions={BTC: row})
    ledger = FakeLedger(Books(portfolio=old))
    assert await OpenBooks(ledger, clock, money(100_000))(1) is Opening.ADOPTED
    portfolio = await ledger.load(1)
    assert (portfolio.cash, portfolio.net_deposits) == (money(500), money(620))  # 500 + 150 - 30
    assert not portfolio.unreconciled
    [baseline] = ledger.books.transactions.values()
    assert [(a.symbol, a.quantity_delta) for a in baseline.positions] == [(BTC, units(2))]
    assert (await VerifyBooks(ledger)(1)).holds


async def test_holdings_without_cash_are_no_empty_ledger(clock: FakeClock) -> None:
    row = Position(symbol=BTC, quantity=units(2), cost_basis=money(150))
    ledger = FakeLedger(Books(portfolio=Portfolio(id=1, positions={BTC: row})))
    assert await OpenBooks(ledger, clock, money(100_000))(1) is Opening.ADOPTED
    assert not (await ledger.load(1)).cash


# --- cash -------------------------------------------------------------------------------------------------------------


def move(kind: str, amount: str, key: str | None = None, note: str | None = None) -> MoveCash:
    return MoveCash(
        kind=CashTransactionKind(kind), amount=money(amount), owner="admin", client_transaction_id=key, note=note
    )


def recorded(reply: CashReply) -> RecordedCashEntry:
    assert isinstance(reply.transaction, RecordedCashEntry)
    return reply.transaction


async def test_cash_comes_in_and_goes_out_as_a_contribution(clock: FakeClock) -> None:
    ledger = await opened(clock)
    moves = MoveCashInOrOut(ledger, clock, RULES)
    await moves(1, move("deposit", "50"))
    reply = await moves(1, move("withdrawal", "20.5"))
    portfolio = await ledger.load(1)
    assert portfolio.cash == portfolio.net_deposits == money("100029.5")
    assert recorded(reply).entry.cash_after == money("100029.5")
    assert not reply.replayed
    assert (await VerifyBooks(ledger)(1)).holds


async def test_who_adopts_what_an_open_service_moved_does_not_move_it_again(clock: FakeClock) -> None:
    ledger = await opened(clock)
    moves = MoveCashInOrOut(ledger, clock, RULES)
    first = await moves(1, replace(move("deposit", "50", "k"), owner=""))
    adopting = replace(move("deposit", "50", "k"), adopts_open=True)
    copy = await moves(1, adopting)
    assert (copy.replayed, copy.transaction) == (True, first.transaction)
    assert not (await moves(1, replace(adopting, client_transaction_id="new"))).replayed


async def test_after_a_loss_of_nearly_everything_a_deposit_is_booked_and_its_note_says_that_units_begin_anew(
    clock: FakeClock,
) -> None:
    ledger = await opened(clock)
    await booking(ledger, clock)([wish(bought("BTC", 1000, 100))])
    lost = {BTC: Mark(Price(Decimal("1e-15")), "coinbase", clock.now())}
    await FakePriceStore(ledger, FakeLeases()).record(1, PriceUpdate(marks=lost, at=clock.now()), None)
    moves = MoveCashInOrOut(ledger, clock, RULES)
    # worth 1e-12: 1e-17 a unit, of which 10,000 dollars would buy 1e21
    reply = await moves(1, replace(move("deposit", "10000"), note="a new start"))
    assert recorded(reply).entry.note == "a new start; the units of the portfolio begin anew"
    assert recorded(await moves(1, move("deposit", "1"))).entry.note is None
    portfolio = await ledger.load(1)
    assert portfolio.units == Units(count=Decimal("10001.000000000001"))
    assert (await VerifyBooks(ledger)(1)).holds


async def test_a_movement_with_a_key_happens_once(clock: FakeClock) -> None:
    ledger = await opened(clock)
    moves = MoveCashInOrOut(ledger, clock, RULES)
    first = await moves(1, move("deposit", "50", "k"))
    before = ledger.books
    copy = await moves(1, move("deposit", "50.00", "k"))
    assert copy.replayed
    assert copy.transaction == first.transaction
    for other in (move("deposit", "51", "k"), move("withdrawal", "50", "k"), move("deposit", "50", "k", "note")):
        with pytest.raises(KeyReused):
            await moves(1, other)
    assert ledger.books == before
    another = await moves(1, replace(move("deposit", "50", "k"), owner="other"))
    assert not another.replayed


async def test_a_refused_movement_changes_nothing_and_is_kept(clock: FakeClock) -> None:
    ledger = await opened(clock)
    moves = MoveCashInOrOut(ledger, clock, RULES)
    before = ledger.books
    refused = [
        await moves(1, wish)
        for wish in (move("withdrawal", "100000.01"), move("deposit", "0"), move("deposit", "0", "k"))
    ]
    assert list(ledger.books.cash_refusals.values()) == [one.transaction for one in refused]
    assert replace(ledger.books, cash_refusals={}) == before
    assert not (await moves(1, move("withdrawal", "1", "l"))).replayed
    negative = MoveCashInOrOut(ledger, clock, replace(RULES, allow_negative_cash=True))
    await negative(1, move("withdrawal", "100000"))
    assert (await ledger.load(1)).cash == money(-1)


@pytest.mark.parametrize(
    ("kind", "amount", "error"),
    [("withdrawal", "100000.01", "InsufficientCash"), ("deposit", "99999999999999999999", "OutOfRange")],
)
async def test_a_refusal_with_a_key_is_kept_and_answered_again(
    clock: FakeClock, kind: str, amount: str, error: str
) -> None:
    ledger = await opened(clock)
    moves = MoveCashInOrOut(ledger, clock, RULES)
    first, portfolio = await moves(1, move(kind, amount, "k")), await ledger.load(1)
    assert isinstance(first.transaction, RefusedCashEntry)
    assert (first.replayed, first.transaction.refusal.error) == (False, error)
    await moves(1, move("deposit", "50"))
    clock.advance(5)
    copy = await moves(1, move(kind, amount, "k"))
    assert (copy.replayed, copy.transaction) == (True, first.transaction)
    with pytest.raises(KeyReused):
        await moves(1, move(kind, "1", "k"))
    assert (await ledger.load(1)).cash == portfolio.cash + money(50)


async def test_an_override_that_cannot_be_booked_leaves_the_refusal(clock: FakeClock) -> None:
    ledger = await opened(clock)
    moves, huge = MoveCashInOrOut(ledger, clock, RULES), move("deposit", "99999999999999999999", "k")
    refused = await moves(1, huge)
    with pytest.raises(OutOfRange):
        await moves(1, replace(huge, override=True))
    assert list(ledger.books.cash_refusals.values()) == [refused.transaction]


@pytest.mark.parametrize("committed", [True, False])
async def test_a_refusal_whose_commit_was_lost_is_looked_up_and_kept_once(clock: FakeClock, committed: bool) -> None:
    ledger = await opened(clock)
    ledger.fail_next, ledger.fail_after_commit = OutcomeUnknown("lost"), committed
    reply = await MoveCashInOrOut(ledger, clock, RULES)(1, move("withdrawal", "100000.01", "k"))
    assert (reply.replayed, list(ledger.books.cash_refusals.values())) == (False, [reply.transaction])


async def test_an_adjustment_is_no_cash_movement(clock: FakeClock) -> None:
    with pytest.raises(AssertionError):
        await MoveCashInOrOut(await opened(clock), clock, RULES)(1, move("adjustment", "1"))


async def test_a_movement_recorded_before_digests_had_a_version_still_replays(clock: FakeClock) -> None:
    ledger = await opened(clock)
    moves = MoveCashInOrOut(ledger, clock, RULES)
    first = await moves(1, move("deposit", "50", "k"))
    number, entry = recorded(first).id, recorded(first).entry
    assert entry.fingerprint is not None
    assert (entry.fingerprint[:2], len(entry.fingerprint)) == ("2:", 64)
    # As the service stored it then: the SHA-256 of the text "('deposit', '50', None)".
    before = "6ba372a1b9c89e446bbb4433696b13d42f14c8416c0ab5d1dc015abdee85b403"
    ledger.books.transactions[number] = replace(entry, fingerprint=before)
    assert (await moves(1, move("deposit", "50.0", "k"))).replayed
    with pytest.raises(KeyReused):
        await moves(1, move("deposit", "50", "k", "note"))


@pytest.mark.parametrize("key", [None, "k"])
@pytest.mark.parametrize("committed", [True, False])
async def test_a_movement_whose_commit_was_lost_is_looked_up_and_happens_once(
    clock: FakeClock, key: str | None, committed: bool
) -> None:
    ledger = await opened(clock)
    ledger.fail_next, ledger.fail_after_commit = OutcomeUnknown("lost"), committed
    reply = await MoveCashInOrOut(ledger, clock, RULES)(1, move("deposit", "50", key))
    assert (reply.replayed, recorded(reply).entry.cash_after) == (False, money(100_050))
    assert (await ledger.load(1)).net_deposits == money(100_050)


async def test_what_was_proved_lost_is_known_not_to_be_applied(clock: FakeClock) -> None:
    """The lookup has found nothing, and then the database does not take the transaction."""
    ledger = TakesNothing((await opened(clock)).books)
    before = ledger.books
    with pytest.raises(LedgerUnavailable, match="read-only"):
        await MoveCashInOrOut(ledger, clock, RULES)(1, move("deposit", "50"))
    assert ledger.books == before


async def test_a_copy_whose_commit_was_lost_may_not_be_said_to_be_unapplied(clock: FakeClock) -> None:
    first = await opened(clock)
    await MoveCashInOrOut(first, clock, RULES)(1, move("deposit", "50", "k"))
    with pytest.raises(OutcomeUnknown):
        await MoveCashInOrOut(TakesNothing(first.books), clock, RULES)(1, move("deposit", "50", "k"))


class TakesNothing(FakeLedger):
    """Loses the first commit, and then answers every question but takes no write."""

    async def transact(self, portfolio_id: int, work: Any, **hints: Any) -> Any:
        if self.fail_next is None:
            self.fail_next = OutcomeUnknown("lost")
        try:
            return await super().transact(portfolio_id, work, **hints)
        finally:
            self.fail_next = LedgerUnavailable("the database is read-only")


# --- reversals --------------------------------------------------------------------------------------------------------


async def test_a_trade_is_taken_back_once_and_nothing_is_deleted(clock: FakeClock) -> None:
    ledger = await opened(clock)
    [booked] = await booking(ledger, clock)([wish(bought("BTC", 1, 100, fees=1), "a")])
    reverse = ReverseTrade(ledger, clock, RULES)
    reply = await reverse(1, accepted(booked).trade_id, owner="admin", notes="typed twice")
    assert (reply.trade_id, reply.reverses, reply.cash) == (2, 1, money(100_000))
    assert reply.entry.request == TradeRequest(owner="admin", notes="typed twice")
    assert not reply.position.is_open
    assert len(ledger.books.trades) == 2
    again = await reverse(1, 1, owner="admin")
    assert (again.replayed, again.trade_id, again.entry, again.cash) == (True, 2, reply.entry, reply.cash)
    assert len(ledger.books.trades) == 2
    with pytest.raises(NotReversible, match="trade 2 reversed it"):
        await reverse(1, 1, owner="another")
    with pytest.raises(NotReversible, match="itself a reversal"):
        await reverse(1, 2, owner="admin")
    assert (await VerifyBooks(ledger)(1)).holds


@pytest.mark.parametrize("committed", [True, False])
async def test_a_reversal_whose_commit_was_lost_is_looked_up(clock: FakeClock, committed: bool) -> None:
    ledger = await opened(clock)
    await booking(ledger, clock)([wish(bought("BTC", 1, 100))])
    ledger.fail_next, ledger.fail_after_commit = OutcomeUnknown("lost"), committed
    reply = await ReverseTrade(ledger, clock, RULES)(1, 1, owner="admin")
    assert (reply.trade_id, reply.replayed, reply.cash) == (2, False, money(100_000))
    assert len(ledger.books.trades) == 2


async def test_only_what_was_booked_here_is_taken_back(clock: FakeClock) -> None:
    ledger = await opened(clock)
    ledger.books.trades[7] = None  # another program's row
    reverse = ReverseTrade(ledger, clock, RULES)
    with pytest.raises(NotReversible, match="not booked here"):
        await reverse(1, 7, owner="admin")
    with pytest.raises(NotFound, match="no trade 8"):
        await reverse(1, 8, owner="admin")


async def test_a_reversal_may_not_overdraw_unless_that_is_allowed(clock: FakeClock) -> None:
    ledger = await opened(clock, "100")
    await booking(ledger, clock)([wish(bought("BTC", 1, 100)), wish(sold("BTC", 1, 100))])
    await MoveCashInOrOut(ledger, clock, RULES)(1, move("withdrawal", "60"))
    with pytest.raises(InsufficientCash):
        await ReverseTrade(ledger, clock, RULES)(1, 2, owner="admin")
    reply = await ReverseTrade(ledger, clock, replace(RULES, allow_negative_cash=True))(1, 2, owner="admin")
    assert reply.cash == money(-60)
