"""The rights of docs/grants.sql are enough, for the service and for migrations, and leave the ledger append-only.

Those of the compose file's database let it delete what it thins by itself, too.
"""

from __future__ import annotations

import re
import time
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest
from sqlalchemy.exc import DBAPIError

from portfolio.adapters.database.schema.migration import migrate
from portfolio.application.errors import LedgerUnavailable
from tests.support.database.database_server import DatabaseServer
from tests.support.database.databases import DatabaseUnderTest
from tests.support.database.old_database import execute
from tests.support.services.service import ServiceProcess

GRANTS = Path(__file__).parents[3] / "docs" / "grants.sql"
OF_COMPOSE = Path(__file__).parents[3] / "deploy" / "compose" / "database.sh"


def test_the_rights_in_the_file_are_enough_and_leave_the_ledger_append_only(
    mariadb: DatabaseServer, mysql_database: DatabaseUnderTest, tmp_path: Path
) -> None:
    ledger, prices = urlsplit(mysql_database.url).path.lstrip("/"), mysql_database.prices_schema
    assert prices is not None
    migrates, serves = (urlsplit(url).username for url in (mysql_database.migration_url, mysql_database.url))
    names = {
        "crypto_transactions": ledger,
        "crypto_prices": prices,
        "'dba'": f"'{migrates}'",
        "'portfolio'": f"'{serves}'",
    }
    for user in (migrates, serves):
        mariadb.execute(f"REVOKE ALL PRIVILEGES, GRANT OPTION FROM '{user}'@'%'")
    service = ServiceProcess(mysql_database, tmp_path)
    mariadb.execute(*_grants("'dba'", names))
    service.migrate_by_command()
    mariadb.execute(*_grants("'portfolio'", names))
    # Old enough to be reduced to a close after the first refresh cycle, which deletes the row.
    old = datetime.now(UTC) - timedelta(days=30)
    mariadb.execute(
        f"INSERT INTO `{prices}`.portfolio_price_history (symbol, granularity, observed_at, price, source)"
        f" VALUES ('BTC', 'tick', '{old:%Y-%m-%d 12:00:00}', 1, 'simulated')"
    )
    with service:
        shown = service.command("backtest", "cancel", _use(service))
        assert (shown.returncode, "is done" in shown.stdout) == (0, True), shown.stderr
        assert service.command("backfill", "--days", "3").returncode == 0
        _import(service, tmp_path)
        assert service.command("verify").returncode == 0
        log = service.log()
    assert "prices.thinned" in log
    assert "denied" not in log
    # What was written is not to be changed or taken away by anybody who has the service's rights.
    service_alone = replace(mysql_database, migration_url=mysql_database.url)
    for entries in ("mock_trades", "portfolio_cash_transactions", "portfolio_position_adjustments"):
        assert execute(service_alone, f"SELECT COUNT(*) FROM {entries}")
        for statement in (f"UPDATE {entries} SET id = id", f"DELETE FROM {entries}", f"TRUNCATE TABLE {entries}"):
            with pytest.raises(DBAPIError, match="denied"):
                execute(service_alone, statement)


def test_the_compose_file_s_database_lets_the_service_do_all_that_the_narrower_rights_do(
    mariadb: DatabaseServer, mysql_database: DatabaseUnderTest, tmp_path: Path
) -> None:
    ledger, prices = urlsplit(mysql_database.url).path.lstrip("/"), mysql_database.prices_schema
    serves = urlsplit(mysql_database.url).username
    ServiceProcess(mysql_database, tmp_path).migrate_by_command()
    mariadb.execute(f"REVOKE ALL PRIVILEGES, GRANT OPTION FROM '{serves}'@'%'")
    for rights, schema in re.findall(r"^GRANT (.+) ON (\w+)\.\* TO 'portfolio'", OF_COMPOSE.read_text(), re.MULTILINE):
        mariadb.execute(
            f"GRANT {rights} ON `{ledger if schema == 'crypto_transactions' else prices}`.* TO '{serves}'@'%'"
        )
    deleted = re.findall(r"^GRANT .*DELETE ON (\w+)\.(portfolio_\w+) TO 'portfolio'", GRANTS.read_text(), re.MULTILINE)
    assert len(deleted) == 4
    service_alone = replace(mysql_database, migration_url=mysql_database.url)
    for schema, table in deleted:
        name = f"{prices}.{table}" if schema == "crypto_prices" else table
        execute(service_alone, f"DELETE FROM {name} WHERE 1 = 0")


@pytest.mark.faults_long
def test_each_right_to_migrate_is_needed_on_the_way_up_or_down(
    mariadb: DatabaseServer, mysql_database: DatabaseUnderTest
) -> None:
    ledger, prices = urlsplit(mysql_database.url).path.lstrip("/"), str(mysql_database.prices_schema)
    user = f"'{urlsplit(mysql_database.migration_url).username}'"
    granted = _grants("'dba'", {"crypto_transactions": ledger, "crypto_prices": prices, "'dba'": user})
    for statement in granted:
        rights, place = statement.removeprefix("GRANT ").split(" ON ")
        for right in rights.split(", "):
            mariadb.execute(
                f"REVOKE ALL PRIVILEGES, GRANT OPTION FROM {user}@'%'",
                *granted,
                f"REVOKE {right} ON {place.replace(' TO ', ' FROM ')}",
                *(f"{verb} DATABASE `{name}`" for name in (ledger, prices) for verb in ("DROP", "CREATE")),
            )
            with pytest.raises(LedgerUnavailable, match="denied"):
                _up_and_down(mysql_database)
    mariadb.execute(*granted)
    _up_and_down(mysql_database)


def _up_and_down(database: DatabaseUnderTest) -> None:
    for target in ("head", "base"):
        migrate(database.migration_url, database.prices_schema, target=target)


def _grants(user: str, names: dict[str, str]) -> Sequence[str]:
    """Return the statements of the file that grant something to the user, with this test's names."""
    found = [
        statement for statement in re.findall(r"^(GRANT .+?);$", GRANTS.read_text(), re.MULTILINE) if user in statement
    ]
    assert found
    for old, new in names.items():
        found = [statement.replace(old, new) for statement in found]
    return found


def _import(service: ServiceProcess, folder: Path) -> None:
    """Book a file without ids, then with them, then once more."""
    header = "ID,Timestamp,Transaction Type,Asset,Quantity Transacted,Price Currency,Subtotal,Total,Fees,Notes\n"
    row = "a1,2022-03-01 10:00:00 UTC,Buy,BTC,0.5,USD,20000,20100,100,\n"
    file = folder / "coinbase.csv"
    for text in (header.removeprefix("ID,") + row.removeprefix("a1,"), header + row, header + row):
        file.write_text(text)
        done = service.command("import", str(file), "--funding=implied")
        assert done.returncode == 0, done.stdout + done.stderr


def _backtest() -> dict[str, str]:
    """A backtest of the last weeks."""
    last = datetime.now(UTC).date() - timedelta(days=1)
    return {"start": "cash", "from": str(last - timedelta(days=20)), "to": str(last)}


def _use(service: ServiceProcess) -> str:
    """Do each kind of write once: bookings, cash, refusals, a reversal, prices, signals. Return a backtest's id."""
    buy = {"symbol": "BTC", "side": "BUY", "quantity": 2, "price": 20000, "net_amount": 40000}
    with httpx.Client(base_url=service.url, timeout=30) as client:
        for path, body, status in (
            ("/holdings/update", {**buy, "client_trade_id": "one"}, 200),
            ("/holdings/update", {**buy, "quantity": 1, "net_amount": 20000}, 200),
            ("/holdings/update", {**buy, "side": "SELL", "quantity": 9, "net_amount": 180000}, 409),
            ("/cash/transactions", {"kind": "deposit", "amount": 5}, 200),
            ("/portfolio/refresh", {}, 200),
            ("/trades/2/reverse", {}, 200),
            ("/holdings/update", {**buy, "side": "SELL", "quantity": 1, "net_amount": 20000}, 200),
            ("/trades/4/lots", {"lots": [{"entry": 3, "quantity": 1}]}, 200),
            ("/rebalance/generate-signals", {}, 200),
            ("/backtests", _backtest(), 202),
        ):
            answer = client.post(path, json=body)
            assert answer.status_code == status, answer.text
        assert client.get("/risk/volatility-analysis").status_code == 200
        [asked] = client.get("/backtests").json()["backtests"]
        while (found := client.get(f"/backtests/{asked['id']}").json()["backtest"])["state"] in {"queued", "running"}:
            time.sleep(0.05)
        assert found["state"] == "done", found
        assert client.get("/health/ready").status_code == 200
    job_id: str = asked["id"]
    return job_id
