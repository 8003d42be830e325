"""Leases as rows with an expiry and a fencing token: no GET_LOCK, which clusters do not have."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, TextClause, bindparam, case, insert, or_, select, text, type_coerce, update

from portfolio.adapters.database.connection.connections import Connections
from portfolio.adapters.database.connection.session import Session
from portfolio.adapters.database.schema.tables import leases
from portfolio.adapters.database.schema.types import UtcMoment
from portfolio.application.errors import LeaseLost
from portfolio.application.prices.records import Fence

_MYSQL_NOW = "UTC_TIMESTAMP(6)"
_MYSQL_THEN = "DATE_ADD(UTC_TIMESTAMP(6), INTERVAL :microseconds MICROSECOND)"
_A_MOMENT_LATER = text("DATE_ADD(expires_at, INTERVAL 1 MICROSECOND)")
# SQLite keeps moments as text: with milliseconds, and zeros so that they compare with those of six digits.
_SQLITE_NOW = "strftime('%Y-%m-%d %H:%M:%f', 'now') || '000'"
_SQLITE_THEN = "strftime('%Y-%m-%d %H:%M:%f', 'now', (:microseconds / 1000000.0) || ' seconds') || '000'"
TOO_FAR_AHEAD = 4
"""A lease that has this many times its length to go was taken before the database's clock was set back."""


class DatabaseLeases:
    """The port ``Leases`` on a database, by the database's clock."""

    def __init__(self, connections: Connections) -> None:
        self._connections = connections

    async def acquire(self, name: str, holder: str, seconds: float) -> Fence | None:
        async def take(session: Session) -> Fence | None:
            now, then = times(session, seconds)
            _, far_ahead = times(session, TOO_FAR_AHEAD * seconds)
            c = leases.c
            is_free = or_(c.expires_at < now, c.expires_at > far_ahead)
            # Ordered: MySQL evaluates from left to right, and the token's rule asks for the holder of before.
            taken = (
                update(leases)
                .where(c.name == name, or_(is_free, c.holder == holder))
                .ordered_values(
                    (c.token, case((c.holder == holder, c.token), else_=c.token + 1)),
                    (c.holder, holder),
                    (c.expires_at, then),
                )
            )
            if (await session.run(taken)).rowcount == 1:
                row = (await session.run(select(c.token).where(c.name == name))).one()
                return Fence(name=name, holder=holder, token=row.token)
            if (await session.run(select(c.name).where(c.name == name))).first() is not None:
                return None
            # Of two who insert at once the second meets the first one's key, runs again, and finds the lease held.
            await session.run(insert(leases).values(name=name, holder=holder, token=1, expires_at=then))
            return Fence(name=name, holder=holder, token=1)

        return await self._connections.write(take)

    async def release(self, name: str, holder: str) -> None:
        async def give_up(session: Session) -> None:
            mine = update(leases).where(leases.c.name == name, leases.c.holder == holder)
            await session.run(mine.values(expires_at=times(session, -1.0)[1]))

        await self._connections.write(give_up)


async def check_fence(session: Session, fence: Fence) -> None:
    """Make sure that the lease is held by this holder, and stays so until the transaction ends.

    Raises:
        LeaseLost: it has another holder, or has run out.
    """
    now, _ = times(session, 0)
    is_over = (leases.c.expires_at < now).label("is_over")
    held = select(leases.c.holder, leases.c.token, is_over).where(leases.c.name == fence.name).with_for_update()
    row = (await session.run(held)).first()
    if row is None or (row.holder, row.token) != (fence.holder, fence.token):
        raise LeaseLost(f"another instance holds the lease {fence.name!r} now")
    if row.is_over:
        # Nobody has taken it yet, but what was asked for while it lasted may be old by now.
        raise LeaseLost(f"the lease {fence.name!r} has run out")
    if not session.is_sqlite:
        # On a Galera cluster a lock is its node's own: by way of another node the lease could be taken over before this
        # transaction commits. What is written is certified, and of two who write it one is refused.
        await session.run(update(leases).where(leases.c.name == fence.name).values(expires_at=_A_MOMENT_LATER))


async def take_turn(session: Session, name: str) -> None:
    """Let one of all transactions that take this turn at once commit; the others run again, and see what it wrote.

    A row lock does that on a server alone. On a Galera cluster it is its node's own: what counts is what is written.
    """
    if session.is_sqlite:
        return
    taken = update(leases).where(leases.c.name == name).values(token=leases.c.token + 1)
    if (await session.run(taken)).rowcount == 0:
        now, _ = times(session, 0)
        await session.run(insert(leases).values(name=name, holder=name, token=1, expires_at=now))


def times(session: Session, seconds: float) -> tuple[ColumnElement[Any], ColumnElement[Any]]:
    """Return the database's present moment, and the one ``seconds`` later."""
    microseconds = round(seconds * 1_000_000)
    now, then = (_SQLITE_NOW, _SQLITE_THEN) if session.is_sqlite else (_MYSQL_NOW, _MYSQL_THEN)
    later: TextClause = text(then).bindparams(bindparam("microseconds", microseconds, unique=True))
    return type_coerce(text(now), UtcMoment), type_coerce(later, UtcMoment)
