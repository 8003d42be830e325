"""The driver's own connection, for questions that need nothing of SQLAlchemy's: several of them in one round trip."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import chain
from typing import Any

from sqlalchemy.engine import Dialect
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection

from portfolio.adapters.database.connection.errors import marks_disconnect
from portfolio.adapters.database.connection.statements import Answer, Question
from portfolio.adapters.database.connection.wire import exchange, literals

# Servers refuse a message of more than 16 MB, by default, and who waits for one asks for nothing meanwhile.
VALUES_A_MESSAGE = 20_000
# Set on a connection to a Galera node. Where that gives up a transaction for another node's, between two statements of
# one message, it carries the rest of the message out in a transaction of its own, and says nothing.
ONE_BY_ONE = "portfolio_one_by_one"


class Driver:
    """A pooled connection below SQLAlchemy, whose errors leave it as SQLAlchemy's, and mark what is lost as it would.

    ``opening`` are the statements that begin the transaction, sent ahead of the first question.
    """

    def __init__(self, connection: AsyncConnection, opening: Sequence[str]) -> None:
        assert connection.sync_connection is not None
        self._sync = connection.sync_connection
        self._dialect = connection.dialect
        self._pooled = self._sync.connection
        self._driver: Any = self._pooled.driver_connection
        self._opening = opening

    async def ask(self, questions: Sequence[Question]) -> list[Answer]:
        """Return the answers, in order; after a question that fails none is carried out."""
        asked = [*map(Question, self._opening), *questions]
        self._opening = ()
        with self._errors():
            answers = await (_one_by_one if self._dialect.name == "sqlite" else _together)(self._driver, asked)
        return answers[len(answers) - len(questions) :]

    async def open(self) -> None:
        """Begin the transaction if that is still to be done."""
        if self._opening:
            await self.ask(())

    async def commit(self) -> None:
        """Commit."""
        with self._errors():
            await self._driver.commit()

    async def rollback(self) -> None:
        """Roll back what was begun, unless the connection is lost."""
        if self._pooled.is_valid:
            with self._errors():
                await self._driver.rollback()

    @contextmanager
    def _errors(self) -> Iterator[None]:
        base: Any = self._dialect.loaded_dbapi.Error
        try:
            yield
        except base as error:
            lost = self._dialect.is_disconnect(error, self._pooled, None) or marks_disconnect(error)
            if lost:
                self._sync.invalidate(error)
            raise DBAPIError.instance(
                None,
                None,
                error,
                base,
                hide_parameters=True,
                connection_invalidated=lost,
                dialect=self._dialect,
            ) from error


def opening(dialect: Dialect, *, writes: bool, snapshot: bool) -> Sequence[str]:
    """Return how a transaction begins; nothing where each statement is to see what was committed before it."""
    if dialect.name == "sqlite":
        # A deferred transaction that reads and then writes fails at once when somebody wrote in between.
        return ("BEGIN IMMEDIATE",) if writes else ("BEGIN",)
    if snapshot:
        return ("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY", "BEGIN")
    return ("BEGIN",) if writes else ()


async def _together(driver: Any, questions: Sequence[Question]) -> list[Answer]:
    """Send the questions in one message, or in as many as their size or the server asks for."""
    answers: list[Answer] = []
    one_by_one = getattr(driver, ONE_BY_ONE, False)
    for message in [[question] for question in questions] if one_by_one else _messages(questions):
        values = literals(driver, chain.from_iterable(question.values for question in message))
        results = await exchange(driver, "; ".join([question.sql for question in message]) % values)
        answers += [
            Answer(question.read(result.rows) if result.rows is not None else (), result.rowcount, result.new_id)
            for question, result in zip(message, results, strict=True)
        ]
    return answers


def _messages(questions: Sequence[Question]) -> list[list[Question]]:
    messages: list[list[Question]] = []
    size = VALUES_A_MESSAGE
    for question in questions:
        size += len(question.values)
        if size >= VALUES_A_MESSAGE:
            messages.append([])
            size = len(question.values)
        messages[-1].append(question)
    return messages


async def _one_by_one(driver: Any, questions: Sequence[Question]) -> list[Answer]:
    answers = []
    for question in questions:
        run = driver.executemany if question.many else driver.execute
        async with run(question.sql, question.values) as cursor:
            rows = question.read(await cursor.fetchall()) if cursor.description else ()
            answers.append(Answer(rows, cursor.rowcount, cursor.lastrowid or 0))
    return answers
