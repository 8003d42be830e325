"""Rows of which nothing can be made: left out of answers, named, and looked at again until they can be read."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from sqlalchemy import Column, Select, select

from portfolio.adapters.database.connection.session import Session
from portfolio.adapters.database.schema.fields import UnreadableRow

T = TypeVar("T")

MOST_NAMED = 100
"""So many rows are named and looked at again; whoever reads the others leaves them out all the same."""


@dataclass(frozen=True, slots=True)
class Rows(Generic[T]):
    """A kind of rows: which column tells them apart, how they are selected, and what is made of each."""

    key: Column[Any]
    selected: Select[Any]
    read: Callable[[Any], T]

    @staticmethod
    def of(key: Column[Any], read: Callable[[Any], T]) -> Rows[T]:
        """Return the rows of the table that ``key`` is of."""
        return Rows(key, select(key.table), read)


class UnreadableRows:
    """The rows found that could not be read. Nothing is remembered of one that was mended or is gone."""

    def __init__(self) -> None:
        self._found: dict[tuple[str, Any], tuple[Rows[Any], str]] = {}

    @property
    def lines(self) -> Sequence[str]:
        """Return a line for each row: its table, which one it is, and why."""
        return [f"{table} {key}: {why}" for (table, key), (_, why) in self._found.items()]

    def readable(self, kind: Rows[T], rows: Iterable[Any]) -> list[T]:
        """Return what is made of the rows that can be read; the others are noted."""
        made = []
        for row in rows:
            try:
                made.append(kind.read(row))
            except UnreadableRow as error:
                if len(self._found) < MOST_NAMED:
                    self._found[kind.key.table.name, getattr(row, kind.key.name)] = kind, str(error)
        return made

    def needed(self, kind: Rows[T], row: Any) -> T:
        """Return what is made of a row without which nothing can be decided."""
        for made in self.readable(kind, [row]):
            return made
        raise UnreadableRow(f"the row {getattr(row, kind.key.name)} of {kind.key.table.name} cannot be read")

    async def look_again(self, session: Session) -> Sequence[Any]:
        """Read again what could not be read, and return what is made of the rows that were mended."""
        mended: list[Any] = []
        for (table, key), (kind, _) in list(self._found.items()):
            row = (await session.run(kind.selected.where(kind.key == key))).first()
            del self._found[table, key]
            if row is not None:
                mended += self.readable(kind, [row])
        return mended
