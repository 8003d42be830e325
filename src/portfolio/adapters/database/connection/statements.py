"""SQL as the driver takes it: compiled once where it never changes, and several statements in one message.

SQLAlchemy puts together and carries out a statement of any shape; for one that never changes, all of that work but the
last step can be done beforehand. What is left is the driver's own cursor, values in their order, and tuples back.
"""

from __future__ import annotations

from collections import namedtuple
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from itertools import chain
from types import NoneType
from typing import Any, TypeVar

import msgspec
from sqlalchemy import BindParameter, ClauseElement, Select
from sqlalchemy.engine import Dialect
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.dml import UpdateBase

from portfolio.domain.decimal_text import plain

T = TypeVar("T")


def _text(text: str) -> str:
    if "\\" in text or "'" in text:
        text = text.replace("\\", "\\\\").replace("'", "''")
    return f"'{text}'"


# The driver writes the same, but for what need not be escaped in texts; it takes three times as long.
_LITERALS: Mapping[type, Callable[[Any], str]] = {
    str: _text,
    NoneType: lambda _: "NULL",
    int: str,
    Decimal: plain,
    datetime: lambda moment: f"'{moment.isoformat(' ')}'",  # naive: the columns' type has seen to that
}
Convert = Callable[[Any], Any]
Check = Callable[["Result"], None]
Row = Any

ROWS_A_STATEMENT = 500

# Servers refuse a message of more than 16 MB, by default, and who waits for one asks for nothing meanwhile.
VALUES_A_MESSAGE = 20_000
# Set on a connection to a Galera node. Where that gives up a transaction for another node's, between two statements of
# one message, it carries the rest of the message out in a transaction of its own, and says nothing.
ONE_BY_ONE = "portfolio_one_by_one"


class Result(msgspec.Struct, frozen=True):
    """What a statement brought: its rows, how many rows it matched, and the number its new row was given."""

    rows: Sequence[Row] = ()
    rowcount: int = -1
    new_id: int = 0

    def __iter__(self) -> Iterator[Row]:
        return iter(self.rows)

    def first(self) -> Row | None:
        """Return the first row; None where there is none."""
        return self.rows[0] if self.rows else None


class Statement(msgspec.Struct, frozen=True):
    """A statement in the driver's own words, with its values; ``many`` are the values of many runs of it.

    ``check`` may refuse the result, once all that was sent in the same message has come.
    """

    sql: str
    values: Sequence[Any] = ()
    read: Callable[[Iterable[Sequence[Any]]], list[Row]] = list
    many: bool = False
    check: Check | None = None


class _Place(msgspec.Struct, frozen=True):
    """Where a value stands in a statement: which parameter it is, or which constant, and how it is sent."""

    name: str
    convert: Convert | None
    is_parameter: bool
    is_list: bool
    constant: Any

    @staticmethod
    def of(bind: BindParameter[Any], dialect: Dialect) -> _Place:
        """Return the place of a parameter of SQLAlchemy's."""
        convert = bind.type.dialect_impl(dialect).bind_processor(dialect)
        return _Place(bind.key, convert, bind.required, bind.expanding, bind.value)


class Prepared:
    """A statement compiled once for each kind of database.

    The columns that an INSERT or UPDATE sets are those of the parameters it is first made with. A parameter of ``IN``
    takes a list, of which each length is a text of its own.
    """

    def __init__(self, statement: ClauseElement) -> None:
        self._statement = statement
        self._compiled: dict[str, Compiled] = {}

    def on(self, dialect: Dialect, *, check: Check | None = None, **parameters: Any) -> Statement:
        """Return the statement with these parameters."""
        compiled = self._compiled.get(dialect.name)
        if compiled is None:
            columns = list(parameters) if isinstance(self._statement, UpdateBase) else None
            compiled = self._compiled[dialect.name] = Compiled(self._statement, columns, dialect)
        return compiled.statement(parameters, check)


class Compiled:
    """The text of a statement on one kind of database, and how its values go there and come back."""

    def __init__(self, statement: ClauseElement, columns: Sequence[str] | None, dialect: Dialect) -> None:
        """Compile; an INSERT or UPDATE sets ``columns`` by parameters, beside what it sets by itself."""
        compiled = statement.compile(dialect=dialect, column_keys=columns)
        assert isinstance(compiled, SQLCompiler)
        self.sql = compiled.string
        self._mark = "?" if dialect.paramstyle == "qmark" else "%s"
        self._places = [_Place.of(compiled.binds[name], dialect) for name in compiled.positiontup or ()]
        self._make: Callable[[Iterable[Any]], Row] = tuple
        self._converters: list[tuple[int, Convert]] = []
        if isinstance(statement, Select):
            chosen = list(statement.selected_columns)
            names = " ".join(str(column.key) for column in chosen)
            row_type: Any = namedtuple("Row", names)  # type: ignore[misc] # noqa: PYI024  known as it runs
            self._make = row_type._make
            self._converters = [
                (index, convert)
                for index, column in enumerate(chosen)
                if (convert := column.type.dialect_impl(dialect).result_processor(dialect, None)) is not None
            ]

    def statement(self, parameters: Mapping[str, Any], check: Check | None) -> Statement:
        """Return the statement with these parameters."""
        sql = self.sql
        for place in self._places:
            if place.is_list:
                marks = ", ".join([self._mark] * len(parameters[place.name]))
                sql = sql.replace(f"__[POSTCOMPILE_{place.name}]", marks)
        return Statement(sql, self.values(parameters), self.read, check=check)

    def values(self, parameters: Mapping[str, Any]) -> list[Any]:
        """Return the values in the order of their places."""
        values: list[Any] = []
        for place in self._places:
            value = parameters[place.name] if place.is_parameter else place.constant
            if place.is_list:
                values += value if place.convert is None else map(place.convert, value)
            else:
                values.append(value if place.convert is None else place.convert(value))
        return values

    def read(self, rows: Iterable[Sequence[Any]]) -> list[Row]:
        """Return the driver's rows with their columns' names, every value as its column's type has it."""
        make, converters = self._make, self._converters
        if not converters:
            return [make(row) for row in rows]
        read = []
        for row in rows:
            values = list(row)
            for index, convert in converters:
                values[index] = convert(values[index])
            read.append(make(values))
        return read


def opening(dialect: Dialect, *, writes: bool, snapshot: bool) -> Sequence[Statement]:
    """Return how a transaction begins; nothing where each statement is to see what was committed before it."""
    if dialect.name == "sqlite":
        # A deferred transaction that reads and then writes fails at once when somebody wrote in between.
        return [Statement("BEGIN IMMEDIATE" if writes else "BEGIN")]
    if snapshot:
        return [Statement("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY"), Statement("BEGIN")]
    return [Statement("BEGIN")] if writes else []


async def execute_on_mysql(driver: Any, statements: Sequence[Statement]) -> list[Result]:
    """Return the results, in order; after a statement that fails none is carried out.

    The statements go in one message, or in as many as their size or the server asks for.
    """
    results: list[Result] = []
    write, escape = _LITERALS.get, driver.escape
    async with driver.cursor() as cursor:
        one_by_one = getattr(driver, ONE_BY_ONE, False)
        for message in [[statement] for statement in statements] if one_by_one else _messages(statements):
            values = chain.from_iterable(statement.values for statement in message)
            literals = tuple([write(type(value), escape)(value) for value in values])
            await cursor.execute("; ".join([statement.sql for statement in message]) % literals)
            for left, statement in zip(reversed(range(len(message))), message, strict=True):
                results.append(await _result(statement, cursor))
                if bool(await cursor.nextset()) != bool(left):
                    raise EOFError("not as many results as statements")
    return results


async def execute_on_sqlite(driver: Any, statements: Sequence[Statement]) -> list[Result]:
    """Return the results, in order; after a statement that fails none is carried out."""
    results = []
    for statement in statements:
        run = driver.executemany if statement.many else driver.execute
        async with run(statement.sql, statement.values) as cursor:
            results.append(await _result(statement, cursor))
    return results


async def _result(statement: Statement, cursor: Any) -> Result:
    rows = statement.read(await cursor.fetchall()) if cursor.description else ()
    return Result(rows, cursor.rowcount, cursor.lastrowid or 0)


def chunks(items: Sequence[T]) -> list[Sequence[T]]:
    """Return the items in parts that a statement takes."""
    return [items[start : start + ROWS_A_STATEMENT] for start in range(0, len(items), ROWS_A_STATEMENT)]


def _messages(statements: Sequence[Statement]) -> list[list[Statement]]:
    messages: list[list[Statement]] = []
    size = VALUES_A_MESSAGE
    for statement in statements:
        size += len(statement.values)
        if size >= VALUES_A_MESSAGE:
            messages.append([])
            size = len(statement.values)
        messages[-1].append(statement)
    return messages
