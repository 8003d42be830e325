"""Connections to MySQL and MariaDB: to whichever host answers and may be written, with the session set up."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import datetime
from functools import lru_cache
from ssl import SSLContext
from typing import Any

import aiomysql
from pymysql.constants import CLIENT, FIELD_TYPE
from pymysql.converters import convert_datetime, decoders
from pymysql.err import OperationalError
from pymysql.protocol import FieldDescriptorPacket, MysqlPacket

from portfolio.adapters.database.connection.errors import says_closed
from portfolio.adapters.database.connection.statements import ONE_BY_ONE
from portfolio.adapters.database.connection.timeouts import Timeouts
from portfolio.adapters.database.connection.url import DEFAULT_PORT, split_host

ALL_ROWS = 2**64 - 1
CANNOT_CONNECT = 2003
NO_TLS = 2026
# Strict, with all that MySQL warns about when strict mode comes without it.
SQL_MODE = "STRICT_TRANS_TABLES,NO_ZERO_IN_DATE,NO_ZERO_DATE,ERROR_FOR_DIVISION_BY_ZERO,NO_ENGINE_SUBSTITUTION"
# Of our sessions: a row of the number 0 is one, and takes none of the table's own numbers.
_SESSION_MODE = f"{SQL_MODE},NO_AUTO_VALUE_ON_ZERO"
# The state of a Galera node that has all that its cluster has; a server that is no such node has no state.
SYNCED = "4"
# Since MariaDB 12 it is a word of several: OFF, ON, NO_LOCK, NO_LOCK_NO_ADMIN.
IS_READ_ONLY = "CAST(@@global.read_only AS CHAR) NOT IN ('0', 'OFF')"
# On such a node a transaction begins once the node has applied what the cluster committed before: what was acknowledged
# by way of another node is seen here.
_IN_A_CLUSTER = "SET SESSION wsrep_sync_wait = 1"
_ASKED = "SHOW GLOBAL VARIABLES WHERE variable_name IN ('read_only', 'group_replication_group_name')"
# The same of a group replication. A primary that its group cannot reach any more would answer as if nothing were amiss.
_IN_A_GROUP = "SET SESSION group_replication_consistency = 'BEFORE'"


def _moment(text: str) -> Any:
    try:
        return datetime.fromisoformat(text)
    except ValueError:  # a date that is none, which the driver leaves a text
        return convert_datetime(text)


# The driver's own way of reading a moment takes four times as long.
_DECODERS = {**decoders, FIELD_TYPE.DATETIME: _moment, FIELD_TYPE.TIMESTAMP: _moment}


# Every result describes its columns again, in the same bytes as the one before.
_described = lru_cache(maxsize=1_024)(FieldDescriptorPacket)


class _Connection(aiomysql.Connection):  # type: ignore[misc]  # the driver has no types
    """A connection that is closed when it is told to, whether or not the server can take the farewell.

    The description of a column is taken apart once.
    """

    def _read_packet(self, packet_type: Any = MysqlPacket) -> Any:
        return super()._read_packet(_described if packet_type is FieldDescriptorPacket else packet_type)

    async def ensure_closed(self) -> None:
        """Say farewell, and close; the driver keeps the socket of a server that is gone."""
        try:
            await super().ensure_closed()
        except RuntimeError as error:
            if not says_closed(error):  # else the server closed it first, and nobody is there to be told
                raise
        finally:
            self.close()


class _EncryptedConnection(_Connection):
    """A connection that is encrypted before anybody logs in.

    The driver's own goes on in clear where a server offers no TLS: who stands between the two could see to that.
    """

    async def _request_authentication(self) -> None:
        if not self.server_capabilities & CLIENT.SSL:
            raise OperationalError(NO_TLS, "TLS is asked for, and the server does not offer it")
        await super()._request_authentication()

    def close(self) -> None:
        """Close at once: a silent server would never answer the farewell of TLS."""
        if self._writer is not None:
            self._writer.transport.abort()
        super().close()


class MySqlConnector:
    """Connects to the host that served last; when it fails, to the next."""

    def __init__(self, hosts: Sequence[str], limits: Timeouts, tls: SSLContext | None = None) -> None:
        """Connect to these hosts after the URL's own; encrypted, where ``tls`` says how."""
        self._hosts = list(hosts)
        self._tls = tls
        self._first = 0
        self._limits = limits

    async def __call__(self, **options: Any) -> aiomysql.Connection:
        """Return a connection with its session set up; a server that takes no writes only where no other is left.

        Raises:
            OperationalError: no host answers.
        """
        addresses = [(options.pop("host", "localhost"), options.pop("port", DEFAULT_PORT))]
        addresses += [split_host(host) for host in self._hosts]
        # Several statements go in one message; the driver's default, but none to rely on.
        options["client_flag"] = options.get("client_flag", 0) | CLIENT.MULTI_STATEMENTS
        options["conv"] = _DECODERS
        options["autocommit"] = True
        # Who asks has no patience for many silent hosts in a row: the next attempt goes on where this one ended.
        seconds = self._limits.connect_seconds / (1 if len(addresses) == 1 else 2)
        spare, failure = None, OperationalError(CANNOT_CONNECT, "no database host")
        first = self._first
        for turn in range(len(addresses)):
            index = self._first = (first + turn) % len(addresses)
            host, port = addresses[index]
            try:
                async with asyncio.timeout(seconds):
                    connection = await self._connect(host=host, port=port, **options)
                    writable = await self._set_up(connection)
            except TimeoutError:
                failure = OperationalError(CANNOT_CONNECT, f"no answer in {seconds:g} s")
            except OperationalError as error:
                failure = error
            else:
                if writable or len(addresses) == 1:
                    if spare is not None:
                        spare.close()
                    return connection
                if spare is not None:
                    spare.close()
                spare = connection
        if spare is None:
            raise failure
        return spare

    async def _connect(self, **options: Any) -> aiomysql.Connection:
        """Return a connection; one that is given up on the way is closed, which the driver does not do."""
        plain = self._tls is None
        connection = _Connection(**options) if plain else _EncryptedConnection(ssl=self._tls, **options)
        try:
            await connection._connect()  # noqa: SLF001  as aiomysql.connect does
        except BaseException:
            connection.close()
            raise
        return connection

    async def _set_up(self, connection: aiomysql.Connection) -> bool:
        """Set up the session and return whether the server may be written; close the connection where that fails."""
        is_mariadb = "mariadb" in connection.get_server_info().lower()
        try:
            async with connection.cursor() as cursor:
                # Ahead of any question: a server's default may be to let none be asked.
                await cursor.execute(session_settings(self._limits, is_mariadb=is_mariadb))
                await cursor.execute("SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED, READ WRITE")
                await cursor.execute("SHOW STATUS LIKE 'wsrep_local_state'")
                state = await cursor.fetchone()
                setattr(connection, ONE_BY_ONE, state is not None)
                if state is not None:
                    await cursor.execute(_IN_A_CLUSTER)
                await cursor.execute(_ASKED)
                found = dict(await cursor.fetchall())
                if found.get("group_replication_group_name"):
                    await cursor.execute(_IN_A_GROUP)
        except BaseException:
            connection.close()
            raise
        return found["read_only"] == "OFF" and (state is None or state[1] == SYNCED)


def session_settings(limits: Timeouts, *, is_mariadb: bool) -> str:
    """Return the statement that sets up a session.

    A client that vanishes in the middle of a transaction must not keep the portfolio's row lock for the server's
    ``wait_timeout`` of eight hours: MariaDB ends idle transactions, MySQL knows idle connections only.
    """
    idle = limits.idle_seconds
    settings = {
        "time_zone": "'+00:00'",
        "sql_mode": f"'{_SESSION_MODE}'",
        # Whatever the server has for these by default, or its init_connect has made of them.
        **dict.fromkeys(("character_set_client", "character_set_connection", "character_set_results"), "'utf8mb4'"),
        # The driver trusts the server's greeting, and MySQL greets with ON where its default is OFF.
        "autocommit": 1,
        "completion_type": "'NO_CHAIN'",
        "unique_checks": 1,
        "foreign_key_checks": 1,
        "sql_safe_updates": 0,
        "sql_select_limit": ALL_ROWS,
        "sql_big_selects": 1,
        "sql_auto_is_null": 0,
        "group_concat_max_len": 1_024,  # by less, closes that are joined would be cut in the middle of a price
        **dict.fromkeys(("innodb_lock_wait_timeout", "lock_wait_timeout"), limits.session_lock_seconds),
    }
    if is_mariadb:
        settings |= {"idle_transaction_timeout": idle, "idle_write_transaction_timeout": idle, "max_statement_time": 0}
    else:
        settings |= {"wait_timeout": 2 * idle, "information_schema_stats_expiry": 0, "max_execution_time": 0}
    return "SET SESSION " + ", ".join(f"{name} = {value}" for name, value in settings.items())
