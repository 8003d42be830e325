"""Rows of files beside what was booked otherwise: what looks the same is told, each entry for one row at most."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portfolio.application.imports.already import likeness
from portfolio.application.imports.already.likeness import likenesses, span_of
from portfolio.application.imports.already.likes import Likes, looks_like
from portfolio.application.imports.records import Identified, Preview
from portfolio.application.ledger.happenings.imported import BookedMove
from portfolio.domain.imports.records import FileEvent, Kind

START = datetime(2025, 3, 1, tzinfo=UTC)


def bought(seconds: float, quantity: str = "1", price: str | None = "100", **other: Any) -> FileEvent:
    """A purchase for dollars, without a fee unless its legs say otherwise."""
    amount = Decimal(quantity)
    stated = {"kind": Kind.TRADE, "symbol": "BTC", "quote": "USD", "legs": {"BTC": amount, "USD": Decimal(-1)}}
    given: dict[str, Any] = {**stated, "quantity": amount, "price": None if price is None else Decimal(price), **other}
    return FileEvent(rows=(int(seconds),), at=START + timedelta(seconds=seconds), **given)


def move(seconds: float, quantity: str = "1", price: str | None = "100", **other: Any) -> BookedMove:
    stated = {"name": "trade 7", "by": "momentum", "is_trade": True, "symbol": "BTC"}
    amounts = {"quantity": Decimal(quantity), "price": None if price is None else Decimal(price)}
    return BookedMove(**{**stated, **amounts, "at": START + timedelta(seconds=seconds), **other})


def places(events: Sequence[FileEvent], moves: Sequence[BookedMove]) -> dict[int, list[int]]:
    """Of each event that looks like something the numbers of the moves."""
    numbered = [one._replace(name=str(number)) for number, one in enumerate(moves)]
    return {number: [int(one.name) for one in found] for number, found in likenesses(events, numbered).items()}


@pytest.mark.parametrize(
    ("event", "booked", "is_like"),
    [
        (bought(0), move(0), True),
        (bought(0), move(900), True),
        (bought(0), move(-901), False),
        (bought(0), move(0, "-1"), False),  # a sale
        (bought(0), move(0, symbol="ETH"), False),
        (bought(0), move(0, "1.00005"), True),
        (bought(0), move(0, "1.01"), False),
        (bought(0), move(0, price="102"), True),
        (bought(0), move(0, price="103"), False),
        (bought(0), move(0, price=None), True),
        (bought(0, price=None), move(0, price="9"), True),
        (bought(0, price="90", quote="EUR", legs={"BTC": Decimal(1), "EUR": Decimal(-90)}), move(0), True),
        # a fee in the coin itself: the engine knows what it bought, or what it got
        (bought(0, legs={"BTC": Decimal("0.999"), "USD": Decimal(-1)}), move(0, "0.999"), True),
        (bought(0, legs={"BTC": Decimal("0.999"), "USD": Decimal(-1)}), move(0, "1"), True),
        (bought(0, legs={"BTC": Decimal("0.999"), "USD": Decimal(-1)}), move(0, "0.998"), False),
        # dollars for a coin, told the other way round; a swap; a rename, which is no trade
        (bought(0, symbol="USD", legs={"BTC": Decimal(1), "USD": Decimal(-9)}), move(0), True),
        (bought(0, kind=Kind.CONVERSION, symbol="ETH", legs={"BTC": Decimal(1), "ETH": Decimal(-9)}), move(0), False),
        (
            bought(0, kind=Kind.CONVERSION, symbol="ETH", legs={"BTC": Decimal(1), "ETH": Decimal(-9)}),
            move(0, "-9", symbol="ETH"),
            True,
        ),
        (bought(0, kind=Kind.CONVERSION, keeps_cost=True), move(0), False),
        (bought(0, kind=Kind.CONVERSION, keeps_cost=True), move(0, is_trade=False), True),
        (bought(0, kind=Kind.TRADE, symbol="USD", legs={}), move(0), False),
        # what is no trade is compared for a day; dollars are dollars
        (bought(0, kind=Kind.TRANSFER_IN), move(86_400, is_trade=False, price=None), True),
        (bought(0, kind=Kind.TRANSFER_IN), move(86_401, is_trade=False, price=None), False),
        (bought(0, kind=Kind.TRANSFER_IN), move(0), False),
        (
            bought(0, "50", kind=Kind.DEPOSIT, symbol="USDT", legs={"USDT": Decimal(50)}),
            move(0, "50", symbol="USD", is_trade=False, price=None),
            True,
        ),
    ],
)
def test_what_is_alike_is_of_one_asset_side_size_price_and_time(
    event: FileEvent, booked: BookedMove, is_like: bool
) -> None:
    assert bool(likenesses([event], [booked])) is is_like


def test_nothing_is_like_nothing() -> None:
    assert likenesses([], [move(0)]) == likenesses([bought(0)], []) == {}
    assert span_of([]) is None
    assert span_of([bought(5), bought(60)]) == (
        START - timedelta(days=1, seconds=-5),
        START + timedelta(days=1, seconds=60),
    )


def test_what_is_of_the_same_second_is_taken_before_what_is_near() -> None:
    # each five minutes the same purchase, of which one is lacking in the file, and one in the books
    rows = [bought(300 * n) for n in range(6) if n != 2]
    moves = [move(300 * n + 1) for n in range(6) if n != 4]
    found = places(rows, moves)
    assert {row: found[row] for row in (0, 1, 2, 4)} == {0: [0], 1: [1], 2: [3], 4: [4]}


def test_fills_add_up_to_an_order_and_orders_of_parts_to_a_row() -> None:
    fills = [bought(n, quantity) for n, quantity in ((0, "9"), (1, "0.25"), (2, "0.5"), (3, "0.25"), (700, "4"))]
    assert places(fills, [move(5)]) == {1: [0], 2: [0], 3: [0]}
    parts = [move(n, quantity) for n, quantity in ((0, "0.4"), (20, "0.4"), (30, "0.2"), (700, "7"))]
    assert places([bought(25)], parts) == {0: [0, 1, 2]}
    # over the quarter of an hour only what is not within a minute; never at another price
    assert places([bought(0, "0.5"), bought(400, "0.5")], [move(800)]) == {0: [0], 1: [0]}
    assert places([bought(0, "0.5", "200"), bought(1, "0.5", "200")], [move(1)]) == {}
    # fills of two orders
    two = [bought(n, "0.5") for n in (0, 1, 30, 31)]
    assert places(two, [move(2), move(32)]) == {0: [0], 1: [0], 2: [1], 3: [1]}


def test_adding_up_ends_somewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    fills = [bought(n, "0.25") for n in range(4)]
    assert len(places(fills, [move(5)])) == 4
    for name in ("_MOST_FILLS", "_MOST_SUMS"):
        with monkeypatch.context() as bounds:
            bounds.setattr(likeness, name, 3)
            bounds.setattr(likeness._Pairing, "__init__", _bounded)
            assert places(fills, [move(5)]) == {}


def _bounded(self: Any) -> None:
    self.sums_left, self._paired = likeness._MOST_SUMS, {}


# --- properties -------------------------------------------------------------------------------------------------------

TRADES = st.lists(
    st.tuples(
        st.integers(0, 3_000), st.sampled_from(["1", "1.00001", "2", "-1"]), st.sampled_from(["100", "101", "150"])
    ),
    max_size=9,
)


def is_pair(event: FileEvent, booked: BookedMove) -> bool:
    """Exactly, in decimals: one side, 1e-4 of the quantity, 2 % of the price, a quarter of an hour."""
    quantity, change = abs(booked.quantity), event.legs["BTC"]
    assert event.price is not None
    assert booked.price is not None
    return (
        (change > 0) is (booked.quantity > 0)
        and abs(change) * Decimal("0.9999") <= quantity <= abs(change) * Decimal("1.0001")
        and abs(event.price - booked.price) <= Decimal("0.02") * max(event.price, booked.price)
        and abs(event.at - booked.at) <= timedelta(minutes=15)
    )


def trade_of(seconds: int, quantity: str, price: str) -> FileEvent:
    return bought(seconds, str(abs(Decimal(quantity))), price, legs={"BTC": Decimal(quantity), "USD": Decimal(1)})


@given(TRADES, TRADES)
def test_pairs_are_pairs_no_entry_is_used_twice_and_none_that_could_be_is_left(rows: Any, moved: Any) -> None:
    events, moves = [trade_of(*one) for one in rows], [move(*one) for one in moved]
    found = places(events, moves)
    for row, numbers in found.items():
        if len(numbers) > 1:  # a row of several entries
            total = abs(sum((moves[number].quantity for number in numbers), Decimal(0)))
            assert abs(total - events[row].quantity) <= Decimal("0.0003")
    used = Counter(numbers[0] for numbers in found.values() if len(numbers) == 1)
    for number, count in used.items():
        of_it = [row for row, numbers in found.items() if numbers == [number]]
        if count == 1:
            assert is_pair(events[of_it[0]], moves[number])
        else:  # an entry of several rows
            total = sum((events[row].quantity for row in of_it), Decimal(0))
            assert abs(total - abs(moves[number].quantity)) <= Decimal("0.0003")
    everywhere = {number for numbers in found.values() for number in numbers}
    left = [(row, number) for row in range(len(events)) for number in range(len(moves))]
    free = [(row, number) for row, number in left if row not in found and number not in everywhere]
    assert not [pair for pair in free if is_pair(events[pair[0]], moves[pair[1]])]


@given(TRADES, st.lists(st.integers(-800, 800), min_size=9, max_size=9), st.permutations(range(9)))
def test_a_file_of_what_was_booked_is_found_whole_in_whatever_order(
    rows: Any, off: Sequence[int], order: Sequence[int]
) -> None:
    apart = [(place * 3_000, quantity, price) for place, (_, quantity, price) in enumerate(rows)]
    events = [trade_of(*one) for one in apart]
    moves = [move(seconds + off[place], *rest) for place, (seconds, *rest) in enumerate(apart)]
    shuffled = [number for number in order if number < len(moves)]
    found = places(events, [moves[number] for number in shuffled])
    assert found == {row: [shuffled.index(row)] for row in range(len(events))}


def test_many_of_one_moment_and_size_take_no_longer_than_their_number() -> None:
    events = [bought(n / 100, str(1 + n % 7), str(100 + n % 3 * 30)) for n in range(4_000)]
    moves = [move(n / 100 + 5, str(1 + n % 7), str(100 + n % 3 * 30)) for n in range(4_000)]
    assert len(places(events, moves)) >= 3_900


@pytest.mark.parametrize(("sizes", "is_found"), [(4, True), (10, False)])
def test_for_each_row_few_are_tried_of_however_many_sizes(sizes: int, is_found: bool) -> None:
    """Ten of each size are of another price; tried are fifty of all sizes together, and so 100,000 rows in seconds."""
    others = [move(n, str(1 + n % sizes / 1_000_000), "200") for n in range(10 * sizes)]
    assert bool(places([bought(0, "1.000005")], [*others, move(600, "1.00002")])) is is_found


# --- previews ---------------------------------------------------------------------------------------------------------


def preview(*events: FileEvent) -> Preview:
    listed = [Identified(event, str(number), "") for number, event in enumerate(events)]
    return Preview(name="file", format="koinly", rows=len(events), events=listed)


def fee_of(event: FileEvent) -> FileEvent:
    return event._replace(kind=Kind.FEE, symbol="BNB", legs={"BNB": Decimal(-1)}, quantity=Decimal(1), price=None)


def test_what_is_alike_is_told_and_booked_or_left_out_with_all_of_its_rows() -> None:
    row, other = bought(0), bought(40_000)
    told = preview(row, fee_of(row), other)
    likes = Likes({3: told}, [move(4)], leaves_out=False)
    likes.tell()
    assert [(one.rows, [each.name for each in one.booked]) for one in told.like_booked] == [((0,), ["trade 7"])]
    assert len(told.events) == 3
    left = preview(row, fee_of(row), other)
    likes = Likes({3: left}, [move(4)], leaves_out=True)
    likes.tell()
    assert (left.like_booked, [one.event for one in left.events]) == ([], [other])
    assert [(one.row, one.reason) for one in left.known] == [(0, "looks like trade 7 of momentum: it is left out")]


def test_what_is_reported_in_the_end_is_not_told_of() -> None:
    told = preview(bought(0), bought(40_000))
    likes: Mapping[int, Preview] | Likes = Likes({0: told}, [move(4), move(40_004)], leaves_out=False)
    told.events = told.events[1:]
    assert isinstance(likes, Likes)
    likes.tell()
    assert [one.rows for one in told.like_booked] == [(40_000,)]


def test_who_has_no_name_and_what_is_many_is_said_in_short() -> None:
    many = [move(n, by="", name=f"trade {n}") for n in range(5)]
    assert looks_like(many) == "looks like trade 0, trade 1, trade 2 and 2 more"
    named = [many[0]._replace(by="momentum"), many[1], many[2]._replace(by="dca")]
    assert looks_like(named) == "looks like trade 0 of momentum, trade 1, trade 2 of dca"
    assert looks_like([one._replace(by="dca") for one in many[:2]]) == "looks like trade 0, trade 1 of dca"
