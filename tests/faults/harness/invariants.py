"""What has to hold after every operation, each as a check with a name.

A check compares the tables, as SQL reads them, with the model or with themselves, and returns what is wrong in words.
Where the digests of the rows are those of what was told, the rows are as told: then they are not listed one by one.
The tests of the checks break real books in every way and see that the check named catches it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator

from tests.faults.harness.books import Books
from tests.faults.harness.model import Model

Check = Callable[[Books, Model], Iterable[str]]

ONE = 10**18


class Violation(AssertionError):
    """An invariant is broken; ``broken`` has the names of the checks that say so."""

    def __init__(self, found: dict[str, list[str]]) -> None:
        lines = [f"{name}: {line}" for name, lines in found.items() for line in lines[:8]]
        super().__init__("\n".join(lines))
        self.broken = frozenset(found)


def check(books: Books, model: Model) -> None:
    """Return if everything holds.

    Raises:
        Violation: something does not.
    """
    found = {name: lines for name, one in CHECKS.items() if (lines := list(one(books, model)))}
    if found:
        raise Violation(found)


def cash_is_conserved(books: Books, model: Model) -> Iterator[str]:
    """Cash is what the entries moved, and what another engine wrote."""
    yield from _same("the ledger's cash", books.ledger_cash, books.replayed.cash)
    yield from _same("cash", books.cash, books.replayed.cash + model.foreign_cash)


def quantity_is_conserved(books: Books, model: Model) -> Iterator[str]:
    """Each quantity is what the entries bought and sold, and what another engine wrote."""
    for symbol in sorted({*books.holdings, *books.by_symbol}):
        row, replayed = books.holdings.get(symbol), books.by_symbol.get(symbol)
        moved = replayed.quantity if replayed else 0
        yield from _same(f"the ledger's {symbol}", row.ledger_quantity if row else 0, moved)
        yield from _same(symbol, row.quantity if row else 0, moved + model.foreign_quantity[symbol])


def the_replay_gives_the_sums(books: Books, model: Model) -> Iterator[str]:
    """Every other sum of the books is what all entries, replayed, add up to."""
    replayed = books.replayed
    yield from _same("net deposits", books.deposits, replayed.deposits)
    yield from _same("realized result", books.realized, replayed.realized)
    yield from _same("fees", books.fees, replayed.fees)
    for symbol, row in books.holdings.items():
        one = books.by_symbol.get(symbol)
        yield from _same(f"cost of {symbol}", row.basis, (one.basis if one else 0) + model.foreign_basis[symbol])
        yield from _same(f"result of {symbol}", row.realized, one.realized if one else 0)


def revisions_have_no_gap(books: Books, model: Model) -> Iterator[str]:
    """The entries are numbered from one on, each number once, up to the revision of the books."""
    yield from _same("entries", books.entries, model.revision)
    yield from _same("revision of the books", books.revision, books.entries)
    yield from _same("different revisions of entries", books.revisions, books.entries)
    yield from _same("lowest revision of an entry", books.first_revision, 1)
    yield from _same("highest revision of an entry", books.last_revision, books.entries)


def the_model_is_equal(books: Books, model: Model) -> Iterator[str]:
    """Every sum is what the independent model has."""
    rules = model.rules
    for name, found, wanted in (
        ("cash", books.cash, rules.cash),
        ("the ledger's cash", books.ledger_cash, rules.booked_cash),
        ("net deposits", books.deposits, rules.deposits),
        ("realized result", books.realized, rules.realized),
        ("fees", books.fees, rules.fees),
        ("trades", books.replayed.trades, len(model.trade_ids) + len(model.reversals)),
        ("transactions", books.replayed.transactions, model.transactions),
    ):
        yield from _same(name, found, wanted)
    for symbol in sorted({*books.holdings, *rules.holdings}):
        row, holding = books.holdings.get(symbol), model.holding(symbol)
        if row is None:
            if holding.quantity or holding.booked or holding.realized:
                yield f"{symbol} has no row"
            continue
        yield from _same(symbol, row.quantity, holding.quantity)
        yield from _same(f"the ledger's {symbol}", row.ledger_quantity, holding.booked)
        yield from _same(f"cost of {symbol}", row.basis, holding.basis)
        yield from _same(f"result of {symbol}", row.realized, holding.realized)
        if symbol not in model.touched:
            # Another engine does not know of this column: until the next booking it says what was before.
            yield from _same(f"asset money of {symbol}", row.asset, holding.asset)
            yield from _same(f"average price of {symbol}", row.average, holding.average or 0)


def nothing_acknowledged_is_missing(books: Books, model: Model) -> Iterator[str]:
    """Every booking that a client was told of is there, under its key and its id."""
    if not books.listed:
        return
    there = set(books.trades)
    ids = {trade_id for trade_id, _ in there}
    for key, promise in model.promises.items():
        if promise.trade_id is not None and (promise.trade_id, key) not in there:
            yield f"trade {promise.trade_id} of key {key}"
    yield from (f"trade {trade_id}" for trade_id in model.all_trade_ids if trade_id not in ids)
    moved = set(books.transactions)
    yield from (
        f"transaction {id_} of key {key}" for key, id_ in model.transaction_keys.items() if (id_, key) not in moved
    )


def nothing_is_doubled(books: Books, model: Model) -> Iterator[str]:
    """No key has two trades, and no trade is there that nobody was told of."""
    if not books.listed:
        return
    keys = Counter(key for _, key in books.trades if key)
    yield from (f"key {key} has {count} trades" for key, count in keys.items() if count > 1)
    known = Counter(model.all_trade_ids)
    yield from (f"trade {id_} was told {count} times" for id_, count in known.items() if count > 1)
    yield from (f"trade {id_} of key {key!r} is nobody's" for id_, key in books.trades if id_ not in known)
    moved = Counter(key for _, key in books.transactions if key)
    yield from (f"key {key} has {count} transactions" for key, count in moved.items() if count > 1)
    yield from (f"transaction of key {key} is nobody's" for key in moved if key not in model.transaction_keys)


def outcomes_are_kept(books: Books, model: Model) -> Iterator[str]:
    """Every keyed booking and every refusal, of events and money too, is kept as what was told, and nothing else is."""
    if not books.listed:
        return
    wanted = Counter(
        (key, "booked" if promise.trade_id else "refused", promise.trade_id or 0)
        for key, promise in model.promises.items()
    )
    wanted["", "refused", 0] = model.unkeyed_refusals
    found = Counter(books.outcomes)
    yield from (f"{outcome} is not kept" for outcome in (wanted - found))
    yield from (f"{outcome} is kept, and was told nobody" for outcome in (found - wanted))
    refused = Counter(books.refusals)
    yield from (f"the refusal of {key} is not kept" for key in model.refused_transactions - set(refused))
    yield from (f"the refusal of {key} was told nobody" for key in set(refused) - model.refused_transactions)


def the_identity_holds(books: Books, model: Model) -> Iterator[str]:
    """Total value = net deposits + realized + unrealized + unreconciled (another engine's), to the last digit."""
    basis = sum(row.basis for row in books.holdings.values())
    value = sum(_worth(row.quantity, row.price, row.basis) for row in books.holdings.values())
    yield from _same(
        "total value", books.cash + value, books.deposits + books.realized + (value - basis) + model.rules.unreconciled
    )


def prices_are_believable(books: Books, model: Model) -> Iterator[str]:
    """No position is valued at a price that no market ever had."""
    for symbol, row in books.holdings.items():
        true = model.prices[symbol]
        if row.price and not true * 90 <= row.price * 100 <= true * 110:
            yield f"{symbol} is valued at {row.price}, and costs about {true}"


def _worth(quantity: int, price: int, basis: int) -> int:
    if not quantity:
        return 0
    whole, rest = divmod(quantity * price, ONE)
    up = rest * 2 > ONE or (rest * 2 == ONE and whole % 2 == 1)
    return (whole + up) if price else basis


def _same(name: str, found: int, wanted: int) -> Iterator[str]:
    if found != wanted:
        yield f"{name}: {found} instead of {wanted}"


CHECKS: dict[str, Check] = {
    one.__name__: one
    for one in (
        cash_is_conserved,
        quantity_is_conserved,
        the_replay_gives_the_sums,
        revisions_have_no_gap,
        the_model_is_equal,
        nothing_acknowledged_is_missing,
        nothing_is_doubled,
        outcomes_are_kept,
        the_identity_holds,
        prices_are_believable,
    )
}
