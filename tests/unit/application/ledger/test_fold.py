"""The sums of the entries and the chain of their digests, of rows alone: what does not fit is named, and no more."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from portfolio.application.ledger.audit import (
    ADJUSTMENT,
    CASH_ENTRY,
    EVENT,
    NO_ENTRY,
    OUTCOME,
    TRADE,
    EntryLine,
    KeptRow,
    Reversed,
    content,
    digest_of,
    more_content,
)
from portfolio.application.ledger.fold import MOST_LINES, Fold, add_entries

AT = datetime(2026, 11, 23, tzinfo=UTC)
ONE, HUNDRED = Decimal(1), Decimal(100)


def row_of(table: str, number: int, columns: tuple[str, ...], values: dict[str, Any], digest: str | None) -> KeptRow:
    """A row that says this, and nothing in its other columns."""
    return KeptRow(table, number, digest, content(columns, {**dict.fromkeys(columns), **values}))


def purchase(revision: int, **changed: Any) -> dict[str, Any]:
    """The columns of a trade: 1 BTC at 100."""
    return {
        "ledger_revision": revision,
        "symbol": "BTC",
        "side": "BUY",
        "quantity": ONE,
        "price": HUNDRED,
        "amount": HUNDRED,
        "fee": Decimal(0),
        "net_amount": HUNDRED,
        "cash_delta": -HUNDRED,
        "notional_delta": HUNDRED,
        "cost_basis_sold": Decimal(0),
        "realized_pnl": Decimal(0),
        "closes": False,
        "booked_at": AT,
        **changed,
    }


def trade(
    revision: int,
    *,
    digest: str | None = None,
    outcome: KeptRow | None = None,
    taken: Reversed | None = None,
    **changed: Any,
) -> EntryLine:
    """A trade's row; it has the number of its revision."""
    row = row_of("mock_trades", revision, TRADE, purchase(revision, **changed), digest)
    return EntryLine(row, (), outcome, taken)


def sale(revision: int, realized: int, **changed: Any) -> EntryLine:
    """A sale of 1 BTC that had cost 100."""
    money = HUNDRED + realized
    return trade(
        revision,
        side="SELL",
        price=money,
        amount=money,
        net_amount=money,
        cash_delta=money,
        notional_delta=-HUNDRED,
        cost_basis_sold=HUNDRED,
        realized_pnl=Decimal(realized),
        closes=True,
        **changed,
    )


def moved(revision: int, kind: str, adjustments: Sequence[dict[str, Any]] = (), **changed: Any) -> EntryLine:
    """An entry that is no trade: nothing moves unless it is said."""
    amounts = ("cash_delta", "net_deposits_delta", "realized_delta", "value_before", "cash_after", "net_deposits_after")
    values = {"ledger_revision": revision, "kind": kind, **dict.fromkeys(amounts, Decimal(0)), **changed}
    row = row_of("portfolio_cash_transactions", revision, CASH_ENTRY, values, None)
    more = more_content(EVENT, {**dict.fromkeys(EVENT), **changed})
    return EntryLine(
        row, [content(ADJUSTMENT, {**dict.fromkeys(ADJUSTMENT), **each}) for each in adjustments], more=more
    )


def outcome(number: int, *, digest: str | None = None, **changed: Any) -> KeptRow:
    """The outcome that a booking of the trade with this number left."""
    values = {"status": "booked", "trade_id": number, "symbol": "BTC", "side": "BUY", "price": HUNDRED, **changed}
    return row_of("portfolio_booking_outcomes", 70, OUTCOME, {"fees": Decimal(0), **values}, digest)


def folded(*lines: EntryLine) -> Fold:
    """The sums of these entries."""
    fold = Fold()
    fold.add(lines)
    return fold


def test_trades_add_up() -> None:
    fold = folded(trade(1), trade(2), sale(3, 20), sale(4, -30))
    assert not fold.broken
    assert [fold.cash, fold.realized_pnl, fold.counted] == [-10, -10, 4]
    assert [fold.wins, fold.losses, fold.gross_profit, fold.gross_loss] == [1, 1, 20, 30]
    assert fold.positions["BTC"].quantity == fold.positions["BTC"].asset_cost == 0


def test_a_reversal_takes_back_what_it_names() -> None:
    back: dict[str, Any] = {
        "reverses_trade_id": 2,
        "closes": False,
        "cost_basis_sold": Decimal(0),
        "realized_pnl": Decimal(-20),
    }
    money = Decimal(120)
    taken: dict[str, Any] = {"price": money, "amount": money, "net_amount": money, "cash_delta": -money, **back}
    fold = folded(trade(1), sale(2, 20), trade(3, taken=Reversed("BTC", "SELL", True, "20"), **taken))
    assert not fold.broken
    assert [fold.counted, fold.wins, fold.gross_profit, fold.realized_pnl] == [1, 0, 0, 0]
    for other in (None, Reversed("ETH", "SELL", True, "20"), Reversed("BTC", "BUY", True, "20")):
        broken = folded(trade(1), sale(2, 20), trade(3, taken=other, **taken)).broken
        assert broken == ["mock_trades row 3, ledger revision 3: it reverses no trade of the ledger"]


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"quantity": "many"}, "it cannot be read"),
        ({"fee": "Infinity"}, "it cannot be read"),
        ({"side": "HOLD"}, "it cannot be read"),
        ({"symbol": "no asset"}, "it cannot be read"),
        ({"net_amount": Decimal(90)}, "it does not balance"),
        ({"realized_pnl": ONE}, "it does not balance"),
    ],
)
def test_a_trade_that_cannot_be_is_named(changed: dict[str, Any], said: str) -> None:
    assert folded(trade(1, **changed)).broken == [f"mock_trades row 1, ledger revision 1: {said}"]


def test_a_number_or_a_revision_that_is_not_in_order_is_named() -> None:
    early = trade(2)._replace(row=trade(2).row._replace(id=1))
    assert folded(trade(1), early).broken == ["mock_trades row 1, ledger revision 2: its number is not in order"]
    assert folded(trade(1), trade(3)).broken == ["mock_trades row 3: ledger revision 3 follows 1"]


def test_an_average_of_more_than_can_be_is_none() -> None:
    huge = Decimal(10) ** 19
    fold = folded(
        trade(1, quantity=Decimal("0.01"), amount=huge, net_amount=huge, cash_delta=-huge, notional_delta=huge)
    )
    assert (fold.broken, fold.positions["BTC"].average) == ([], None)


def test_a_baseline_states_everything_and_one_of_before_does_not_say_what_it_cost() -> None:
    stated = {"asset_cost_delta": HUNDRED, "cost_basis_delta": Decimal(101), "realized_delta": ONE}
    whole = {"symbol": "BTC", "quantity_delta": ONE, **stated, "avg_entry_price": HUNDRED}
    fold = folded(trade(1), moved(2, "baseline", [whole], value_before=Decimal(500)))
    assert [fold.cash, fold.positions["BTC"].cost_basis, fold.positions["BTC"].average] == [0, 101, 100]
    assert fold.units is not None
    assert fold.units.count == 500
    fold = folded(moved(1, "baseline", [{"symbol": "BTC", "quantity_delta": ONE}]), moved(2, "adjustment", [whole]))
    assert [fold.units, fold.positions["BTC"].quantity, fold.positions["BTC"].is_costed] == [None, 2, True]


def test_net_deposits_after_an_entry_have_to_be_those_after_it() -> None:
    paid: dict[str, Any] = {"cash_delta": HUNDRED, "net_deposits_delta": HUNDRED, "net_deposits_after": HUNDRED}
    assert not folded(moved(1, "baseline"), moved(2, "deposit", **paid)).broken
    [line] = folded(moved(1, "baseline"), moved(2, "deposit", **{**paid, "net_deposits_after": ONE})).broken
    assert line.endswith("revision 2: net deposits are not those after it")


def test_the_outcome_of_a_key_is_that_of_its_trade() -> None:
    key: dict[str, Any] = {"client_trade_id": "k", "booked_by": "ann"}
    assert folded(trade(1, **key)).lost == ["mock_trades row 1: the outcome of its key 'k', of 'ann', is gone"]
    honest = outcome(1)
    assert not folded(trade(1, outcome=honest, **key)).broken
    sealed = honest._replace(digest=digest_of(NO_ENTRY, honest.content))
    assert not folded(trade(1, outcome=sealed, **key)).broken
    for other in (outcome(2), outcome(1, price=ONE), outcome(1, engine="b"), sealed._replace(digest="0" * 64)):
        said = "portfolio_booking_outcomes row 70: it is not what became of mock_trades row 1"
        assert folded(trade(1, outcome=other, **key)).broken == [said]


def chained(*lines: EntryLine) -> list[EntryLine]:
    """The entries with digests, each after the one before."""
    made, head = [], NO_ENTRY
    for line in lines:
        head = digest_of(head, line.row.content, *line.adjustments)
        made.append(line._replace(row=line.row._replace(digest=head)))
    return made


def test_the_chain_finds_what_was_changed_and_names_no_entry_after_it() -> None:
    honest = chained(trade(1), trade(2), trade(3))
    assert not folded(*honest).broken
    [one, two, three] = honest
    changed = two._replace(row=trade(2, notes="another").row._replace(digest=two.row.digest))
    assert folded(one, changed, three).broken == ["mock_trades row 2, ledger revision 2: it is not what was booked"]
    forged = two._replace(row=two.row._replace(digest="0" * 64))
    assert folded(one, forged, three).broken == ["mock_trades row 2, ledger revision 2: it is not what was booked"]
    bare = three._replace(row=three.row._replace(digest=None))
    assert folded(one, two, bare).broken == ["mock_trades row 3, ledger revision 3: it is not what was booked"]


def test_entries_of_before_the_chain_are_in_it_without_digests() -> None:
    old, new = chained(trade(1), trade(2))
    assert not folded(trade(1), new).broken
    assert folded(trade(1), trade(2)).chain.heads == folded(old, new).chain.heads


def test_what_is_wrong_with_many_entries_is_told_briefly() -> None:
    broken = folded(*(trade(number, net_amount=ONE) for number in range(1, MOST_LINES + 20))).broken
    assert (len(broken), broken[-1]) == (MOST_LINES + 1, "and more of this kind")


async def test_entries_are_read_until_a_revision_and_no_further() -> None:
    pages = [[trade(1), trade(2)], [trade(3), trade(4)]]

    async def next_page(*, after: int, limit: int) -> Sequence[EntryLine]:
        return pages.pop(0) if pages else ()

    fold = Fold()
    await add_entries(fold, 3, next_page)
    assert (fold.revision, pages) == (3, [])
    await add_entries(fold, 3, next_page)
    await add_entries(fold, 9, next_page)
    assert fold.revision == 3


# --- events -----------------------------------------------------------------------------------------------------------

CAME = {
    "symbol": "SOL",
    "quantity_delta": ONE,
    "asset_cost_delta": HUNDRED,
    "cost_basis_delta": HUNDRED,
    "realized_delta": Decimal(0),
    "avg_entry_price": HUNDRED,
}
TERMS = {"flow_value": Decimal(150), "effective_at": AT}
PAID_IN = {"net_deposits_delta": HUNDRED, "net_deposits_after": HUNDRED}


def test_an_event_moves_its_legs_and_units_see_its_value() -> None:
    fold = folded(moved(1, "transfer_in", [CAME], **PAID_IN, **TERMS))
    assert (fold.broken, fold.net_deposits) == ([], HUNDRED)
    sums = fold.positions["SOL"]
    assert (sums.quantity, sums.cost_basis, sums.asset_cost, sums.average) == (ONE, HUNDRED, HUNDRED, HUNDRED)
    assert fold.units is not None
    assert fold.units.count == 150


def test_an_event_against_the_law_is_named() -> None:
    fold = folded(moved(1, "transfer_in", [{**CAME, "cost_basis_delta": ONE}], **PAID_IN, **TERMS))
    assert [line.rpartition(": ")[2] for line in fold.broken] == ["it does not balance"]


def test_an_event_without_its_columns_cannot_be_read() -> None:
    fold = folded(moved(1, "transfer_in", [CAME], **PAID_IN))
    assert [line.rpartition(": ")[2] for line in fold.broken] == ["it cannot be read"]


def test_what_left_altogether_cost_nothing() -> None:
    gone = {**CAME, "quantity_delta": -ONE, "cost_basis_delta": -HUNDRED, "asset_cost_delta": Decimal(-99)}
    fold = folded(
        moved(1, "transfer_in", [CAME], **PAID_IN, **TERMS),
        moved(2, "transfer_out", [gone], net_deposits_delta=-HUNDRED, **TERMS),
    )
    assert (fold.positions["SOL"].asset_cost, fold.positions["SOL"].cost_basis) == (Decimal(0), Decimal(0))
