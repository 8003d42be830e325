"""Files as they were read, and what is reported about them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, tzinfo
from decimal import Decimal
from typing import NamedTuple, TypeAlias

import msgspec

from portfolio.application.imports.identities import Name
from portfolio.application.ledger.happenings.imported import BookedMove
from portfolio.domain.imports.records import FileEvent, Ignored, Place, Reported
from portfolio.domain.imports.symbols import MONEY
from portfolio.domain.money import EXACT


class Line(NamedTuple):
    """A record of a table: its first physical line, from 1, and its cells, or why it has none."""

    number: int
    cells: Sequence[str] = ()
    fault: str = ""


@dataclass(frozen=True, slots=True)
class Table:
    """A file of lines and cells, the header somewhere at its beginning."""

    lines: Sequence[Line]


class Document(msgspec.Struct, frozen=True):
    """A JSON document; its numbers are the texts that stand there."""

    value: object


class Unreadable(msgspec.Struct, frozen=True):
    """A file that is no table and no document, and why."""

    reason: str


Content: TypeAlias = Table | Document | Unreadable


class ImportFile(msgspec.Struct, frozen=True):
    """A file by its name, without the folder."""

    name: str
    content: Content


class Options(msgspec.Struct, frozen=True, kw_only=True):
    """What the caller says of files: the format, the account, and what their rows leave out."""

    format: str | None = None
    account: str = ""
    zone: tzinfo | None = None
    decimal: str | None = None
    date_order: str | None = None


@dataclass(slots=True)
class Identified:
    """An event, what it goes by within account and format, the digest of what it says, and what keeps its own id.

    Not frozen, as there are 100,000 of them, each of which is made in a third of the time (0.5 us).
    """

    event: FileEvent
    external_id: str
    content: str
    name: Name = field(default_factory=Name, compare=False)


class Implied(msgspec.Struct, frozen=True):
    """What is booked before an event although no file has it: so many dollars (USD), or so much of an asset."""

    row: Place
    at: datetime
    symbol: str
    quantity: Decimal


class Like(NamedTuple):
    """Rows of an event that is booked and looks like what was booked already, by who reports trades itself."""

    rows: tuple[Place, ...]
    booked: Sequence[BookedMove]


class Preview(msgspec.Struct, kw_only=True):
    """What each row of a file becomes; ``format`` is None where the file was not recognised.

    ``is_given_up`` says that nothing of it is booked, as a row is reported. ``remarks`` are on rows that are booked.
    What is ignored as it went ``inside`` is kept where it is new: another file may tell it as a deposit.
    """

    name: str
    format: str | None
    rows: int
    events: list[Identified] = msgspec.field(default_factory=list)
    ignored: list[Ignored] = msgspec.field(default_factory=list)
    reported: list[Reported] = msgspec.field(default_factory=list)
    known: list[Ignored] = msgspec.field(default_factory=list)
    inside: list[Identified] = msgspec.field(default_factory=list)
    is_given_up: bool = False
    remarks: Sequence[str] = ()
    implied: list[Implied] = msgspec.field(default_factory=list)
    like_booked: list[Like] = msgspec.field(default_factory=list)
    quantities: Mapping[str, Decimal] = msgspec.field(default_factory=dict)
    cash_change: Mapping[str, Decimal] = msgspec.field(default_factory=dict)

    def add_up(self) -> None:
        """Say what its events change, all together."""
        legs: dict[str, Decimal] = {}
        for one in self.events:
            for symbol, change in one.event.legs.items():
                legs[symbol] = EXACT.add(legs[symbol], change) if symbol in legs else change
        legs = {symbol: change for symbol, change in legs.items() if change}
        self.quantities = {symbol: change for symbol, change in sorted(legs.items()) if symbol not in MONEY}
        self.cash_change = {symbol: change for symbol, change in sorted(legs.items()) if symbol in MONEY}
