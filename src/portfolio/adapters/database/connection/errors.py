"""What databases and drivers raise, and what it means here.

Inside the adapter four things can happen to a statement::

    Conflict            another transaction was in the way: roll back and run the unit again from its first read
    ConnectionLost      the connection is gone; before a commit that means that nothing was applied
    NoAnswer            a ConnectionLost of our own making: the deadline passed; of the unit's, UnitLate is what leaves
    Unfit               what the database is, or does with what is written, breaks a promise
    anything else       refused: roll back, and do not try again

``translated`` is the adapter's edge: behind it there are the application's errors only.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from portfolio.adapters.database.connection.sqlite_file import FileReplaced
from portfolio.adapters.database.schema.fields import UnreadableRow
from portfolio.adapters.database.schema.revision import SCHEMA_REVISION
from portfolio.application.errors import (
    LedgerRefused,
    LedgerUnavailable,
    MessageTooLarge,
    OutcomeUnknown,
    SchemaUnknown,
)
from portfolio.domain.errors import DomainError

NO_SUCH_TABLE = 1146
ACCESS_DENIED = 1045
DUPLICATE_KEY = 1062
PACKET_TOO_LARGE = 1153
# Deadlock, lock wait, MariaDB's snapshot conflict, the key of a row that another transaction was first to insert, and
# what a member of a group replication says at COMMIT when another member's transaction came first.
CONFLICTS = frozenset({1213, 1205, 1020, DUPLICATE_KEY, 3101})
# The same, if what went wrong was this: a lock that the other member's transaction took.
FAILED_COMMIT, LOCK_TAKEN = 1180, "error 149"
# A right is missing. A connection keeps those that its user had when it began: another one may have what was granted.
DENIED = frozenset({1044, 1142, 1143, 1227})
# The server turned read-only, as after a failover, or is a node of a cluster, or a member of a group replication, that
# serves nobody; or it ends this connection, or itself. Another connection may do.
DISCONNECTS = frozenset({1290, 1792, 1836, 1047, 1053, 1927, *range(3796, 3800)}) | DENIED
# Too many connections, of everybody or of this user, or too many questions of it.
CROWDED = frozenset({1040, 1203, 1226})
# What the driver says, and no server.
CLIENT_ERRORS = range(2000, 2100)
SQLITE_CONFLICTS = frozenset(
    {sqlite3.SQLITE_BUSY_SNAPSHOT, sqlite3.SQLITE_CONSTRAINT_UNIQUE, sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY}
)


class Conflict(Exception):
    """Another transaction changed what this one has read; running the unit again may succeed."""


class ConnectionLost(Exception):
    """The connection is gone, and with it whatever was not committed."""


class NoAnswer(ConnectionLost):
    """The database did not answer before the deadline; the connection was given up."""

    def __init__(self, seconds: float) -> None:
        super().__init__(f"no answer from the database in {seconds:g} s")


class UnitLate(Exception):
    """The time for a transaction was over before its commit, whoever was slow."""

    def __init__(self, seconds: float) -> None:
        super().__init__(
            f"nothing was applied: a transaction took over {seconds:g} s. The database or this machine is slow, or"
            " others hold the books for long"
        )


class Unfit(Exception):
    """The database answers, and what it is or does breaks a promise of the service: somebody has to mend it."""


class CommitUnknown(Exception):
    """The commit was sent and its answer never came."""


def error_code(error: BaseException) -> int | None:
    """Return the code a database gave to an error: MySQL's number, or SQLite's extended code."""
    origin = error.orig if isinstance(error, DBAPIError) else error
    # SQLAlchemy wraps drivers' errors for asyncio in errors of its own.
    for candidate in (origin, getattr(origin, "driver_exception", None), getattr(origin, "__cause__", None)):
        code = getattr(candidate, "sqlite_errorcode", None)
        if code is None and candidate is not None and getattr(candidate, "args", None):
            code = candidate.args[0]
        if isinstance(code, int):
            return code
    return None


def is_conflict(error: BaseException) -> bool:
    """Return whether running the whole unit again may succeed."""
    if isinstance(error, Conflict):
        return True
    if not isinstance(error, DBAPIError) or error.connection_invalidated:
        return False
    code = error_code(error)
    return code in CONFLICTS | SQLITE_CONFLICTS or (code == FAILED_COMMIT and LOCK_TAKEN in str(error.orig))


def is_locked(error: BaseException) -> bool:
    """Return whether a statement that does not wait found a lock: MySQL and MariaDB say so by different codes."""
    return error_code(error) in {1205, 3572}


def is_lost(error: BaseException) -> bool:
    """Return whether the connection is gone."""
    return isinstance(error, ConnectionLost) or (isinstance(error, DBAPIError) and error.connection_invalidated)


def says_closed(error: RuntimeError) -> bool:
    """Return whether this is what an event loop says of a transport that the other side closed; else it is a bug."""
    return "closed" in str(error)


def marks_disconnect(error: BaseException) -> bool:
    """Return whether the connection is of no more use after the driver's error, which SQLAlchemy does not know."""
    return error_code(error) in DISCONNECTS or "Packet sequence number wrong" in str(error)


@contextmanager
def translated() -> Iterator[None]:
    """Turn every error of databases and drivers into one of the application's.

    Raises:
        SchemaUnknown: a table is missing.
        OutcomeUnknown: the answer to a commit never came.
        LedgerRefused: the database answers, and refuses or is unfit; nothing was applied. What it refuses for its size
            is a MessageTooLarge.
        LedgerUnavailable: anything else; nothing was applied.
    """
    try:
        yield
    except CommitUnknown as error:
        raise OutcomeUnknown(str(error)) from error
    except PoolTimeout as error:
        raise LedgerUnavailable("all database connections are in use") from error
    except DBAPIError as error:
        if _misses_a_table(error):
            raise SchemaUnknown(None, SCHEMA_REVISION, missing=f"a table ({said_of(error)})") from error
        if _is_refusal(error):
            refused = MessageTooLarge if error_code(error) == PACKET_TOO_LARGE else LedgerRefused
            raise refused(f"the database refused: {said_of(error)}") from error
        what = "is away" if error_code(error) in CLIENT_ERRORS else "refused"
        raise LedgerUnavailable(f"the database {what}: {said_of(error)}") from error
    except Unfit as error:
        raise LedgerRefused(str(error)) from error
    except Conflict as error:
        raise LedgerUnavailable(f"the database is too contended: {error}") from error
    except (FileReplaced, UnreadableRow, UnitLate) as error:
        raise LedgerUnavailable(str(error)) from error
    except (SQLAlchemyError, ConnectionLost, OSError) as error:
        raise LedgerUnavailable(f"the database is away: {str(error) or type(error).__name__}") from error


@contextmanager
def rows_read() -> Iterator[None]:
    """Turn what the domain says of rows that cannot be: they are no fault of whoever asked.

    Raises:
        LedgerUnavailable: a row holds what the domain refuses.
    """
    try:
        yield
    except DomainError as error:
        raise LedgerUnavailable(f"the database holds a value that is not an amount or a name: {error}") from error


def _misses_a_table(error: DBAPIError) -> bool:
    return error_code(error) == NO_SUCH_TABLE or "no such table" in str(error.orig)


def _is_refusal(error: DBAPIError) -> bool:
    """Return whether the database has read the statement and will not have it, also when it is asked again."""
    code = error_code(error)
    is_busy = is_conflict(error) or is_locked(error) or code in CROWDED or "is locked" in str(error.orig)
    is_away = error.connection_invalidated and code not in DENIED
    return not is_away and not is_busy and code not in CLIENT_ERRORS


def said_of(error: DBAPIError) -> str:
    """Return what the database or its driver says, and what that may mean."""
    # The statement and its parameters stay out of the message: they are somebody's trades.
    said = str(error.orig)[:200]
    if error_code(error) == ACCESS_DENIED:
        said += ": a wrong name or password, or an account that may come with TLS alone (PORTFOLIO_DATABASE_TLS_CA)"
    if "readonly database" in said:
        said += ": SQLite writes beside its file, also to read: let this user write, or look at a copy with its -wal"
    cause: BaseException | None = error.orig
    while cause is not None and not isinstance(cause, OSError):
        cause = cause.__cause__
    # The driver for asyncio keeps to itself why there is no connection: a certificate, a name, a port.
    return said if cause is None or str(cause) in said else f"{said}: {str(cause)[:200]}"
