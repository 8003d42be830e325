"""Which events of files look like entries of the books that no file told: the same trade, from both sides.

Neither says the id of the other, so quantity, price and time tell. It is a likeness: nothing is decided by it alone.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from operator import itemgetter
from typing import Final, NamedTuple, TypeAlias

from portfolio.application.imports.worth import CASH
from portfolio.application.ledger.happenings.imported import BookedMove
from portfolio.domain.imports.records import FileEvent, Kind

TRADES_WITHIN: Final = timedelta(minutes=15)
OTHERS_WITHIN: Final = timedelta(days=1)
"""What is no trade is booked by hand mostly, when somebody sees it."""

_TRADES: Final = (Kind.TRADE, Kind.CONVERSION)
_SAME_TIME: Final = 2.0
_FILLS_WITHIN: Final = 60.0
_QUANTITY_OFF: Final = 1e-4
_PRICE_OFF: Final = 0.02
_DOLLARS: Final = "USD"
_MOST_TRIED: Final = 50
_MOST_FILLS: Final = 50
_MOST_SUMS: Final = 600_000

# Whether it is a trade, the asset, and whether it came.
_Key: TypeAlias = tuple[bool, str, bool]


class _Side(NamedTuple):
    """One that is compared, as floats, since it is a likeness: about so much, at about that price, and its number."""

    at: float
    least: float
    most: float
    price: float | None
    number: int


Found: TypeAlias = Mapping[int, Sequence[BookedMove]]
"""What was booked that events look like, by their place; several entries where they add up to one row."""


def likenesses(events: Sequence[FileEvent], booked: Sequence[BookedMove]) -> Found:
    """Return what each event looks like; no entry stands for two events but those that are parts of it.

    An execution is a row to an exchange, and one entry to an engine: so is an order of several. Rows of one asset and
    side that follow one another are held to one entry, and entries to one row, by what they add up to.
    """
    if not booked or not events:
        return {}
    rows, moves = defaultdict[_Key, list[_Side]](list), defaultdict[_Key, list[_Side]](list)
    for number, move in enumerate(booked):
        key, side = _of_move(move, number)
        moves[key].append(side)
    for number, event in enumerate(events):
        found = _of_event(event, number)
        if found is not None and found[0] in moves:
            rows[found[0]].append(found[1])
    pairing, named = _Pairing(), dict[int, list[BookedMove]]()
    for key, sides in rows.items():
        within = (TRADES_WITHIN if key[0] else OTHERS_WITHIN).total_seconds()
        for row, parts in pairing.paired(_by_time(sides), _by_time(moves[key]), within):
            named[row] = [booked[number] for number in parts]
    return named


def span_of(events: Iterable[FileEvent]) -> tuple[datetime, datetime] | None:
    """Return between which moments that was booked which events may look like; None where there are none."""
    moments = [event.at for event in events]
    return (min(moments) - OTHERS_WITHIN, max(moments) + OTHERS_WITHIN) if moments else None


def _by_time(sides: Iterable[_Side]) -> list[_Side]:
    """Return them by time; they come by number, in which those of one time stay."""
    return sorted(sides, key=itemgetter(0))


def _of_move(move: BookedMove, number: int) -> tuple[_Key, _Side]:
    size = abs(float(move.quantity))
    price = float(move.price) if move.price else None
    return (move.is_trade, move.symbol, move.quantity > 0), _Side(move.at.timestamp(), size, size, price, number)


def _of_event(event: FileEvent, number: int) -> tuple[_Key, _Side] | None:
    """Return what an event is compared by; an engine may have booked it with the fee in it, or without."""
    is_trade = event.kind in _TRADES and not event.keeps_cost
    symbol = event.symbol
    if symbol not in event.legs or (is_trade and symbol in CASH):
        symbol = next((one for one in event.legs if one not in CASH), symbol)
    change = event.legs.get(symbol)
    if change is None:
        return None
    sizes = [abs(float(change))]
    if symbol == event.symbol:
        sizes.append(float(event.quantity))
    price = float(event.price) if is_trade and event.price and event.quote in CASH and symbol == event.symbol else None
    least, most = min(sizes) * (1 - _QUANTITY_OFF), max(sizes) * (1 + _QUANTITY_OFF)
    code = _DOLLARS if symbol in CASH else symbol
    return (is_trade, code, change > 0), _Side(event.at.timestamp(), least, most, price, number)


def _is_near(one: _Side, other: _Side) -> bool:
    """Return whether the prices are near, or one of them is not known."""
    if one.price is None or other.price is None:
        return True
    return abs(one.price - other.price) <= _PRICE_OFF * max(one.price, other.price)


class _OfSize:
    """Moves by their size, those of one size by time; each is taken once. Rows ask in the order of time."""

    def __init__(self, moves: Iterable[_Side], within: float) -> None:
        self.taken: set[int] = set()
        self._within = within
        self._moves = defaultdict[float, list[_Side]](list)
        for move in moves:
            self._moves[move.least].append(move)
        self._sizes = sorted(self._moves)
        self._heads = dict.fromkeys(self._sizes, 0)

    def take_first_near(self, row: _Side) -> _Side | None:
        """Take the first move in time that is like a row; None where there is none among those that are tried."""
        found: _Side | None = None
        tries, first = _MOST_TRIED, bisect_left(self._sizes, row.least)
        for size in self._sizes[first : first + _MOST_TRIED]:
            if size > row.most:
                break
            moves, index = self._moves[size], self._head(size, row.at - self._within)
            until = row.at + self._within if found is None else found.at
            while tries and index < len(moves) and moves[index].at <= until:
                move = moves[index]
                tries, index = tries - 1, index + 1
                if move.number not in self.taken and _is_near(row, move):
                    found = move
                    break
        if found is not None:
            self.taken.add(found.number)
        return found

    def _head(self, size: float, since: float) -> int:
        """Return the place of the first of a size that a row since then can still have."""
        moves, head = self._moves[size], self._heads[size]
        while head < len(moves) and (moves[head].at < since or moves[head].number in self.taken):
            head += 1
        self._heads[size] = head
        return head


class _Listed:
    """Those of one side by time, and which of them are taken."""

    def __init__(self, sides: Sequence[_Side]) -> None:
        self.sides = sides
        self.times = [side.at for side in sides]
        self.taken: set[int] = set()

    def take(self, sides: Iterable[_Side]) -> None:
        """Leave these to nobody else."""
        self.taken.update(side.number for side in sides)

    def left(self) -> list[_Side]:
        """Return those that nobody has taken."""
        return [side for side in self.sides if side.number not in self.taken]


@dataclass(slots=True)
class _Pairing:
    """Pairs of one asset and side after the other; ``sums_left`` bounds what is spent on adding up."""

    sums_left: int = _MOST_SUMS
    _paired: dict[int, list[int]] = field(default_factory=dict)

    def paired(self, rows: Sequence[_Side], moves: Sequence[_Side], within: float) -> Iterable[tuple[int, list[int]]]:
        """Return the numbers of rows, each with those of the moves that it looks like; both by time."""
        self._paired = {}
        for apart in (_SAME_TIME, within):
            rows, moves = self._one_by_one(rows, moves, apart)
        for apart in (_FILLS_WITHIN, within):
            if rows and moves:
                rows, moves = self._added_up(rows, moves, apart)
        return self._paired.items()

    def _one_by_one(
        self, rows: Sequence[_Side], moves: Sequence[_Side], within: float
    ) -> tuple[Sequence[_Side], Sequence[_Side]]:
        """Pair each row with the first move that is near, and return what is left of both."""
        of_size, left = _OfSize(moves, within), []
        for row in rows:
            found = of_size.take_first_near(row)
            if found is None:
                left.append(row)
            else:
                self._paired[row.number] = [found.number]
        return left, [move for move in moves if move.number not in of_size.taken]

    def _added_up(
        self, rows: Sequence[_Side], moves: Sequence[_Side], within: float
    ) -> tuple[Sequence[_Side], Sequence[_Side]]:
        """Hold rows that follow one another to one move, and moves to one row; return what is left of both."""
        of_rows, of_moves = _Listed(rows), _Listed(moves)
        for move in moves:
            parts = self._parts(move, of_rows, within)
            for row in parts:
                self._paired[row.number] = [move.number]
            of_rows.take(parts)
            of_moves.take([move] if parts else ())
        for row in of_rows.left():
            parts = self._parts(row, of_moves, within)
            if parts:
                self._paired[row.number] = [move.number for move in parts]
                of_moves.take(parts)
                of_rows.take([row])
        return of_rows.left(), of_moves.left()

    def _parts(self, whole: _Side, listed: _Listed, within: float) -> Sequence[_Side]:
        """Return those of one time and price that follow one another and add up to the whole; none where none do."""
        near: list[_Side] = []
        for index in range(bisect_left(listed.times, whole.at - within), len(listed.sides)):
            side = listed.sides[index]
            if side.at > whole.at + within or self.sums_left <= 0 or len(near) == _MOST_FILLS:
                break
            self.sums_left -= 1
            if side.number not in listed.taken and _is_near(whole, side):
                near.append(side)
        return _adding_up(whole, near) if len(near) > 1 else ()


def _adding_up(whole: _Side, near: Sequence[_Side]) -> Sequence[_Side]:
    """Return the first two or more that follow one another and add up to the whole."""
    wanted_least, wanted_most = whole.least * (1 - _QUANTITY_OFF), whole.most * (1 + _QUANTITY_OFF)
    least = most = 0.0
    begin = 0
    for end, side in enumerate(near):
        least, most = least + side.least, most + side.most
        while least > wanted_most and begin < end:
            least, most = least - near[begin].least, most - near[begin].most
            begin += 1
        if end > begin and least <= wanted_most and most >= wanted_least:
            return near[begin : end + 1]
    return ()
