"""MySQL's group replication, of one member: what the service sets for it, and what becomes of bookings when it ends."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from pymysql.err import MySQLError

from tests.support.database.database_run import own_server
from tests.support.database.database_server import DatabaseServer, free_port
from tests.support.services.proxied_service import answers, ask, book, until
from tests.support.services.service import ServiceProcess

BINARY_LOG = ("--log-bin=binlog", "--server-id=1", "--loose-gtid-mode=ON", "--loose-enforce-gtid-consistency=ON")
BEGIN = (
    "SET GLOBAL group_replication_bootstrap_group = ON",
    "START GROUP_REPLICATION",
    "SET GLOBAL group_replication_bootstrap_group = OFF",
)


@pytest.fixture(scope="module")
def member() -> Iterator[DatabaseServer]:
    """The only member of a group."""
    with own_server(BINARY_LOG) as server:
        if server.is_mariadb():
            pytest.skip("MariaDB has no group replication")
        try:
            server.execute("INSTALL PLUGIN group_replication SONAME 'group_replication.so'")
        except MySQLError as error:
            pytest.skip(f"this MySQL has no group replication: {error}")
        server.execute(
            "SET GLOBAL group_replication_group_name = 'aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee'",
            f"SET GLOBAL group_replication_local_address = '127.0.0.1:{free_port()}'",
            "SET GLOBAL group_replication_ssl_mode = 'DISABLED'",
            *BEGIN,
        )
        yield server


async def test_on_a_group_sessions_see_what_was_acknowledged_and_bookings_end_and_begin_with_it(
    member: DatabaseServer, tmp_path: Path
) -> None:
    place = member.create_database_pair("in_a_group")
    service = ServiceProcess(place, tmp_path)
    service.migrate_by_command()
    with service:
        async with service.client() as client:
            assert (await book(client, "before")).status == 200
            sessions = member.execute(
                "SELECT DISTINCT variable_value FROM performance_schema.variables_by_thread JOIN"
                " performance_schema.threads USING (thread_id) WHERE variable_name = 'group_replication_consistency'"
                f" AND processlist_db LIKE '%in_a_group%' AND processlist_user <> '{member.admin_user}'"
            )
            assert sessions == [("BEFORE",)]
            member.execute("STOP GROUP_REPLICATION")  # which makes it read-only
            assert (await book(client, "within")).is_unavailable("ledger-unavailable")
            await until(lambda: answers(service.url, "/health/ready", 503), "it still says that it is ready")
            assert (await ask(client, "GET", "/health")).body["status"] == "degraded"
            member.execute(*BEGIN)
            await until(lambda: answers(service.url, "/health/ready", 200), "it is not ready again")
            assert (await book(client, "within")).body["replayed"] is False
            assert (await book(client, "before")).body["replayed"] is True
        assert "group_replication_unreachable_majority_timeout = 0" in service.log()
    assert service.command("verify").returncode == 0
