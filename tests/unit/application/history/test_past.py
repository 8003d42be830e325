"""The books as of a moment, as far as was known: any trades against sums of their own, and worked examples."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from portfolio.application.history.past import PastBooks, books_at
from portfolio.application.ledger.cash_records import CashEntry
from portfolio.application.ledger.lots.journal import Entries, KnownAt, kept
from portfolio.application.ledger.lots.movement import Movement
from portfolio.domain.errors import DomainError
from portfolio.domain.ledger.cash_transaction import CashTransactionKind
from portfolio.domain.ledger.lots.records import LotMethod
from portfolio.domain.money import Money, Quantity
from portfolio.domain.symbol import Symbol
from tests.unit.application.ledger.lot_examples import Booked, day
from tests.unit.application.ledger.test_lots import OPERATIONS, Operation, do, held, moved
from tests.unit.examples import NOON, money, units

BTC = Symbol("BTC")
LATE = day(1_000)


def entries_of(booked: Booked) -> Entries:
    return Entries(revision=booked.portfolio.revision, moved=kept(booked.entries), is_complete=True)


def past(booked: Booked, at: int | None, known: KnownAt | None = None) -> PastBooks:
    return books_at(entries_of(booked), booked.portfolio, LATE if at is None else day(at), known)


def positions(books: PastBooks) -> list[tuple[str, str, str, str]]:
    return [(one.symbol.code, str(one.quantity), str(one.cost_basis), str(one.realized_pnl)) for one in books.positions]


def sums(books: PastBooks) -> tuple[str, str, str, str]:
    return str(books.cash_balance), str(books.net_deposits), str(books.realized_pnl), str(books.fees_paid)


def test_a_trade_counts_from_its_execution_on_itself_included() -> None:
    booked = Booked()
    booked.buy("2", "200", day(5), fees="1")
    booked.buy("1", "130", day(1))  # booked late
    booked.sell("1", "150", day(7))
    assert positions(past(booked, 4)) == [("BTC", "1", "130", "0")]
    assert positions(past(booked, 5)) == [("BTC", "3", "331", "0")]
    assert sums(past(booked, 7)) == ("-181", "0", "39.666666666666666667", "1")  # 150 - 331 / 3
    assert sums(past(booked, 0)) == ("0", "0", "0", "0")
    assert past(booked, 0).positions == []


def test_a_reversal_takes_its_trade_out_at_the_time_of_the_trade_once_it_is_known() -> None:
    booked = Booked()
    trade = booked.buy("2", "200", day(1), fees="1")
    booked.reverse(trade, day(8))
    assert sums(past(booked, 2)) == ("0", "0", "0", "0")
    assert past(booked, 2).positions == []
    assert sums(past(booked, 2, 1)) == ("-201", "0", "0", "1")
    assert [str(one.quantity) for one in past(booked, 2, 1).positions] == ["2"]


def test_what_was_booked_after_a_moment_was_not_known() -> None:
    booked = Booked()
    booked.buy("1", "100", day(1))
    booked.buy("1", "300", day(2))
    booked.entries = [replace(one, booked_at=day(10 + n)) for n, one in enumerate(booked.entries)]  # type: ignore[arg-type]  # both kinds have it
    for known, revision, quantity in ((day(10), 1, "1"), (day(11), 2, "2"), (LATE, 2, "2"), (1, 1, "1"), (7, 2, "2")):
        found = past(booked, 3, known)
        assert (found.revision, [str(one.quantity) for one in found.positions]) == (revision, [quantity])
    assert (past(booked, 3, day(9)).revision, past(booked, 3, 0).positions) == (0, [])
    nothing = Entries(revision=0, moved=kept(()), is_complete=True)
    assert nothing.known(day(1)) is nothing


def test_the_order_of_revisions_counts_where_clocks_differ() -> None:
    booked = Booked()
    booked.buy("1", "100", day(1))
    booked.buy("1", "300", day(1))
    first, second = booked.entries
    assert isinstance(first, Movement)
    assert isinstance(second, Movement)
    booked.entries = [replace(first, booked_at=day(12)), replace(second, booked_at=day(11))]
    assert past(booked, 2, day(11)).revision == 2


def test_a_cost_of_which_nothing_is_held_is_there_and_worth_nothing() -> None:
    booked = Booked()
    booked.buy("1", "100", day(1))
    booked.buy("1", "300", day(9))
    booked.sell("1", "250", day(5))  # of both, as it was booked
    found = past(booked, 5)
    assert positions(found) == [("BTC", "0", "-100", "50")]
    assert (found.total_value, found.unrealized_pnl) == (money(150), money(100))


def test_what_the_books_were_opened_on_was_there_before_what_was_executed_before() -> None:
    booked = Booked(held("4", "400"))
    booked.adopt(day(10))
    booked.sell("1", "150", day(5))
    assert positions(past(booked, 4)) == []
    assert positions(past(booked, 5)) == [("BTC", "3", "300", "50")]
    assert positions(past(booked, 10)) == [("BTC", "3", "300", "50")]
    before = past(booked, 9, 1)
    assert (before.positions, past(booked, 10, 1).cash_balance) == ([], money(0))
    assert positions(past(booked, 10, 1)) == [("BTC", "4", "400", "0")]


def test_a_newer_opening_states_everything() -> None:
    booked = Booked(held("4", "400"))
    booked.adopt(day(0))
    booked.adopt(day(3), moved("7", "700"))
    assert positions(past(booked, 9)) == [("BTC", "7", "700", "0")]
    assert positions(past(booked, 9, 1)) == [("BTC", "4", "400", "0")]


def test_a_cost_that_no_entry_says_is_what_was_lacking_then() -> None:
    booked = Booked(held("4", "400"))
    booked.adopt(day(0), moved("4", None))
    booked.sell("1", "150", day(1))
    booked.adjust(moved("1", "30"), day(2))
    assert positions(past(booked, 1)) == [("BTC", "3", "270", "50")]
    for revision in (1, 2):  # the later ones are not in it, and their costs are not either
        [known] = past(booked, 0, revision).positions
        assert str(known.cost_basis) == "370"


def test_deposits_count_at_their_own_time() -> None:
    booked = Booked()
    for at, amount in ((1, "100"), (3, "50")):
        booked.portfolio, transaction = booked.portfolio.deposit(money(amount), day(at))
        booked.entries.append(CashEntry.of(transaction, booked.portfolio))
    assert [sums(past(booked, at))[:2] for at in (0, 1, 2, 3)] == [
        ("0", "0"),
        ("100", "100"),
        ("100", "100"),
        ("150", "150"),
    ]


@given(OPERATIONS, st.integers(0, 9), st.integers(0, 25))
def test_any_books_are_the_sums_of_what_took_effect_and_was_known(
    operations: list[Operation], minute: int, revision: int
) -> None:
    booked, standing = Booked(), list[Movement]()
    for kind, quantity, amount, fees, at in operations:
        with suppress(DomainError):
            do(booked, standing, kind, quantity, amount, fees % 1_000, NOON + timedelta(minutes=at))
    entries = entries_of(booked)
    found = books_at(entries, booked.portfolio, NOON + timedelta(minutes=minute), revision)
    trades = {one.id: one for one in booked.entries if isinstance(one, Movement)}
    counted = [
        one
        for one in trades.values()
        if one.revision <= revision and trades[one.reverses or one.id].executed_at <= NOON + timedelta(minutes=minute)
    ]
    assert found.cash_balance == sum((one.cash_delta for one in counted), Money.zero())
    assert found.realized_pnl == sum((one.realized_pnl for one in counted), Money.zero())
    assert found.fees_paid == sum((one.fees_delta for one in counted), Money.zero())
    total = sum((one.quantity for one in found.positions), Quantity.zero())
    assert total == sum((one.quantity_delta for one in counted), Quantity.zero())
    assert found.cash_balance + found.cost_basis == found.net_deposits + found.realized_pnl
    whole = books_at(entries, booked.portfolio, LATE, None)
    position = booked.portfolio.position(BTC)
    assert (whole.cash_balance, whole.cost_basis) == (booked.portfolio.cash, position.cost_basis)
    average = booked.lots(LotMethod.AVERAGE)
    assert [(one.quantity, one.cost_basis) for one in whole.positions] == [
        (lot.quantity, lot.basis) for lot in average.lots
    ]


def test_an_event_counts_when_it_happened_also_what_takes_it_out() -> None:
    booked = Booked()
    booked.buy("2", "200", day(1))
    income = booked.happen(
        CashTransactionKind.INCOME, day(3), symbol=Symbol("ETH"), quantity=units(1), value=money(30), label="staking"
    )
    booked.happen(CashTransactionKind.LOSS, day(5), symbol=Symbol("BTC"), quantity=units(1))
    assert positions(past(booked, 3)) == [("BTC", "2", "200", "0"), ("ETH", "1", "30", "30")]
    assert sums(past(booked, 3)) == ("-200", "0", "30", "0")
    assert positions(past(booked, 5))[0] == ("BTC", "1", "100", "-100")
    booked.take_out(income, day(9))
    assert positions(past(booked, 3)) == [("BTC", "2", "200", "0")]
    assert sums(past(booked, 3)) == ("-200", "0", "0", "0")
