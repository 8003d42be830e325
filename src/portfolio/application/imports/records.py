"""Files as they were read, and what is said of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import tzinfo
from decimal import Decimal
from typing import TypeAlias

from portfolio.domain.imports.records import Event, Ignored, Reported


@dataclass(frozen=True, slots=True)
class Line:
    """A record of a table: its first physical line, from 1, and its cells, or why it has none."""

    number: int
    cells: Sequence[str] = ()
    fault: str = ""


@dataclass(frozen=True, slots=True)
class Table:
    """A file of lines and cells, the header somewhere at its beginning."""

    lines: Sequence[Line]


@dataclass(frozen=True, slots=True)
class Document:
    """A JSON document; its numbers are the texts that stand there."""

    value: object


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A file that is no table and no document, and why."""

    reason: str


Content: TypeAlias = Table | Document | Unreadable


@dataclass(frozen=True, slots=True)
class ImportFile:
    """A file by its name, without the folder."""

    name: str
    content: Content


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What the caller says of files: the format, the account, and what their rows leave out."""

    format: str | None = None
    account: str = ""
    zone: tzinfo | None = None
    decimal: str | None = None
    date_order: str | None = None


@dataclass(frozen=True, slots=True)
class Identified:
    """An event, and what it goes by within account and format."""

    event: Event
    external_id: str


@dataclass(slots=True, kw_only=True)
class Preview:
    """What each row of a file becomes; ``format`` is None where the file was not recognised."""

    name: str
    format: str | None
    rows: int
    events: list[Identified] = field(default_factory=list)
    ignored: list[Ignored] = field(default_factory=list)
    reported: list[Reported] = field(default_factory=list)
    known: list[Ignored] = field(default_factory=list)
    quantities: Mapping[str, Decimal] = field(default_factory=dict)
    cash_change: Mapping[str, Decimal] = field(default_factory=dict)
