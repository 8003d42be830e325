"""What a database server is, and whether the promises of the service hold on it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence

from portfolio.adapters.database.connection.errors import Unfit
from portfolio.adapters.database.connection.session import Session
from portfolio.adapters.database.connection.statements import Statement
from portfolio.adapters.database.schema.tables import metadata, prices_metadata

# What a session has to have: it is set up so, and a server or a proxy may have thought otherwise.
_OF_A_SESSION: Mapping[str, str] = {
    "tx_isolation": "READ-COMMITTED",
    "transaction_isolation": "READ-COMMITTED",
    "tx_read_only": "OFF",
    "transaction_read_only": "OFF",
    "autocommit": "ON",
    "completion_type": "NO_CHAIN",
    "time_zone": "+00:00",
    "unique_checks": "ON",
    "character_set_client": "utf8mb4",
    "character_set_connection": "utf8mb4",
    "character_set_results": "utf8mb4",
}
# What makes a commit last. A server may be run otherwise on purpose: it is said.
_DURABLE: Mapping[str, str] = {
    "innodb_flush_log_at_trx_commit": "1",
    "sync_binlog": "1",
}
_GROUP, _GIVES_UP = "group_replication_group_name", "group_replication_unreachable_majority_timeout"
_OTHERS = ("version", "sql_mode", "log_bin", "binlog_format", "max_allowed_packet", _GROUP, _GIVES_UP)
_NAMES = (*_OF_A_SESSION, *_DURABLE, *_OTHERS)
LEAST_MARIADB, LEAST_MYSQL = (10, 11), (8, 4)
LEAST_PACKET = 16 * 1024 * 1024

SETTINGS_SQL = f"SHOW VARIABLES WHERE variable_name IN ({', '.join(map(repr, _NAMES))})"
_TABLES = sorted({*metadata.tables, *prices_metadata.tables})
TABLES_SQL = (
    "SELECT table_name, engine, auto_increment FROM information_schema.tables"  # noqa: S608  our own names
    f" WHERE table_schema IN (DATABASE(), %s) AND table_name IN ({', '.join(map(repr, _TABLES))})"
)
# Where the numbers of a column end: INT, INT UNSIGNED, BIGINT. MariaDB's next one is beyond it.
_LAST_NUMBERS = frozenset({2**31 - 1, 2**31, 2**32 - 1, 2**32, 2**63 - 1, 2**63})
_SEQUENCES_SQL = f"SELECT name FROM sqlite_sequence WHERE seq >= {2**63 - 1}"  # noqa: S608  a number


async def check_settings(session: Session) -> Sequence[str]:
    """Return what is to be said of the server of a session: it works, and not as safely as it could.

    Raises:
        Unfit: it is too old, or our sessions are not as they have to be.
    """
    if session.is_sqlite:
        return ()
    [found] = await session.execute(Statement(SETTINGS_SQL))
    settings = dict(found.rows)
    refuse_server(settings)
    wrong = [
        f"{name} is {settings[name]}, not {needed}"
        for name, needed in _OF_A_SESSION.items()
        if settings.get(name, needed) != needed
    ]
    if "STRICT_TRANS_TABLES" not in settings["sql_mode"]:
        wrong.append("sql_mode is not strict")
    if wrong:
        raise Unfit(f"a session of ours cannot be set up as it has to be: {'; '.join(wrong)}")
    return notes(settings)


async def check_tables(session: Session, prices_schema: str | None) -> None:
    """Make sure that our tables keep transactions and have numbers left; raises Unfit where one does not."""
    if session.is_sqlite:
        [full] = await session.execute(Statement(_SEQUENCES_SQL))
        if full.rows:
            raise _no_numbers(full.rows[0][0])
        return
    [found] = await session.execute(Statement(TABLES_SQL, [prices_schema]))
    refuse_tables(found.rows)


def refuse_server(settings: Mapping[str, str]) -> None:
    """Refuse a server that is too old, or whose binary log takes no bookings, by raising Unfit."""
    version = settings["version"]
    is_mariadb = "mariadb" in version.lower()
    least = LEAST_MARIADB if is_mariadb else LEAST_MYSQL
    numbers = tuple(int(number) for number in re.findall(r"\d+", version)[:2])
    if numbers < least:
        name = "MariaDB" if is_mariadb else "MySQL"
        raise Unfit(f"the server is {name} {version}: the service needs {name} {least[0]}.{least[1]} or later")
    if settings.get("log_bin") == "ON" and settings.get("binlog_format") == "STATEMENT":
        why = "InnoDB writes nothing to such a binary log in READ COMMITTED"
        raise Unfit(f"binlog_format is STATEMENT: {why}. SET GLOBAL binlog_format = 'ROW'")


def refuse_tables(rows: Iterable[Sequence[object]]) -> None:
    """Refuse tables without transactions, or without numbers for new rows, by raising Unfit."""
    for name, engine, next_number in rows:
        if engine != "InnoDB":
            advice = f"ALTER TABLE {name} ENGINE=InnoDB"
            raise Unfit(f"the table {name} is {engine}, which keeps no transactions: {advice}, then `portfolio verify`")
        if next_number in _LAST_NUMBERS:
            raise _no_numbers(name)


def notes(settings: Mapping[str, str]) -> Sequence[str]:
    """Return what is to be said of a server on which a commit is less safe than it could be."""
    said = [
        f"{name} = {settings[name]}: a crash of the machine may lose acknowledged bookings ({needed} is safe)"
        for name, needed in _DURABLE.items()
        if name in settings and settings[name] != needed and (name != "sync_binlog" or settings["log_bin"] == "ON")
    ]
    if int(settings["max_allowed_packet"]) < LEAST_PACKET:
        said.append(f"max_allowed_packet = {settings['max_allowed_packet']}: large batches need {LEAST_PACKET}")
    if settings.get(_GROUP) and settings[_GIVES_UP] == "0":
        said.append(f"{_GIVES_UP} = 0: a primary that cannot reach its group keeps all who ask waiting (10 is safe)")
    return said


def _no_numbers(name: object) -> Unfit:
    return Unfit(f"the table {name} has no number left for a new row: its AUTO_INCREMENT is used up")
