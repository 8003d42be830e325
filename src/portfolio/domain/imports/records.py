"""Rows of imported files, and what each becomes: an event, or ignored, or reported."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Final, NamedTuple, TypeAlias

from portfolio.domain.errors import DomainError

# The physical line of a table, the position in a JSON list, the ids of a row in a database.
Place: TypeAlias = int | str


MEND_IT: Final = "mend the row in the file, or book it by hand"
BY_HAND: Final = "book it by hand"
_SIDES: Final = {"buy": 1, "sell": -1}
ROW_MISSING: Final = (
    "a trade of which a row is missing",
    "import the file of the whole time, and with no header between its rows",
)


class RowRefused(Exception):
    """A row cannot be read: why, and what to do; ``str()`` says both.

    It becomes a reported row, and leaves no format.
    """

    def __init__(self, reason: str, remedy: str = MEND_IT) -> None:
        super().__init__(f"{reason}: {remedy}")
        self.reason = reason
        self.remedy = remedy

    def of(self, column: str) -> RowRefused:
        """Return the same, said of a column."""
        return RowRefused(f"{column}: {self.reason}", self.remedy)


class Kind(StrEnum):
    """What happened."""

    TRADE = "trade"
    CONVERSION = "conversion"
    DEPOSIT = "deposit"
    WITHDRAWAL = "withdrawal"
    TRANSFER_IN = "transfer_in"
    TRANSFER_OUT = "transfer_out"
    REWARD = "reward"
    AIRDROP = "airdrop"
    FEE = "fee"


class Row(NamedTuple):
    """One row: its place in the file, and its texts by column. In JSON a number is the text that stands there."""

    place: Place
    values: Mapping[str, object]

    def text(self, name: str, *others: str) -> str:
        """Return the text of the first of these columns that is there; empty where none is, or it is no text."""
        values = self.values
        if name in values:
            value = values[name]
            return value.strip() if isinstance(value, str) else ""
        for other in others:
            if other in values:
                value = values[other]
                return value.strip() if isinstance(value, str) else ""
        return ""

    def side(self, name: str, *others: str) -> int:
        """Return 1 of an order to buy, and -1 of one to sell; raises RowRefused where the column says neither."""
        text = self.text(name, *others)
        if (side := _SIDES.get(text.lower())) is None:
            column = next((other for other in (name, *others) if other in self.values), name)
            raise RowRefused(f"{column} {text[:40]!r} is neither buy nor sell")
        return side


class Stated(NamedTuple):
    """What a file says that so much of an asset was worth, all above zero: ``value`` units of ``currency``."""

    symbol: str
    quantity: Decimal
    value: Decimal
    currency: str


class FileEvent(NamedTuple):
    """One thing that happened; ``legs`` are the net changes, everything included, and never zero.

    ``quantity``, ``price`` and ``amount`` are without the fee and without a sign, and what the file says: an amount is
    never a price times a quantity where the file has the money. ``own_id`` is the file's, None where it has none.
    ``worths`` are what its rows say that assets of it were worth. ``keeps_cost`` is a conversion into the same thing
    under another name, which is no sale.
    """

    rows: tuple[Place, ...]
    at: datetime
    kind: Kind
    symbol: str
    quantity: Decimal
    legs: Mapping[str, Decimal]
    price: Decimal | None = None
    amount: Decimal | None = None
    quote: str | None = None
    fee: Decimal | None = None
    fee_symbol: str | None = None
    own_id: str | None = None
    worths: tuple[Stated, ...] = ()
    keeps_cost: bool = False


@dataclass(frozen=True, slots=True)
class Ignored:
    """A row that moves nothing, and why; what went ``inside`` is as the other place of the owner may tell it."""

    row: Place
    reason: str
    inside: FileEvent | None = None


@dataclass(frozen=True, slots=True)
class Reported:
    """A row that nobody could read for certain; its reason says why, and what to do."""

    row: Place
    reason: str


Outcome: TypeAlias = FileEvent | Ignored | Reported
Rule: TypeAlias = Callable[[Row], Iterator[Outcome]]


def each(rows: Sequence[Row], rule: Rule) -> Iterator[Outcome]:
    """Yield what ``rule`` makes of each row; one that it refuses, or whose amount is out of range, is reported."""
    for row in rows:
        try:
            yield from list(rule(row))
        except (RowRefused, DomainError) as refused:
            yield Reported(row.place, _reason(refused))


def together(rows: Sequence[Row], rule: Callable[[], Iterator[Outcome]]) -> Iterator[Outcome]:
    """Yield what ``rule`` makes of rows that belong together; where it refuses, each of them is reported."""
    try:
        yield from list(rule())
    except (RowRefused, DomainError) as refused:
        for row in rows:
            yield Reported(row.place, _reason(refused))


def once(rows: Sequence[Row], *identity: str) -> tuple[list[Row], list[Ignored]]:
    """Return rows that belong together, each once, and those that stand there once more, as in files put together.

    Rows of which these columns say the same are one; one of which the last of them says nothing is its own.

    Raises:
        RowRefused: two of these say different things in other columns.
    """
    found: dict[object, Row] = {}
    again: list[Ignored] = []
    for row in rows:
        own = tuple(map(row.text, identity))
        first = found.setdefault(own if own[-1] else row.place, row)
        if first is row:
            continue
        if first.values != row.values:
            raise RowRefused(f"two rows of {identity[-1]} {own[-1][:40]} say different things")
        again.append(Ignored(row.place, f"row {first.place} once more"))
    return list(found.values()), again


def _reason(refused: RowRefused | DomainError) -> str:
    return str(refused) if isinstance(refused, RowRefused) else f"{refused}: {MEND_IT}"
