"""A database as engines made it by hand before there was this service, with rows in it."""

from __future__ import annotations

from sqlalchemy import Connection

from tests.support.database.database_server import DatabaseServer
from tests.support.database.databases import DatabaseUnderTest

AMOUNT, PERCENT = "DECIMAL(20,8)", "DECIMAL(8,4)"

OLD_TABLES = (
    f"""CREATE TABLE mock_holdings (
        id INT AUTO_INCREMENT PRIMARY KEY, symbol VARCHAR(20) NOT NULL,
        quantity {AMOUNT} NOT NULL DEFAULT 0, avg_entry_price {AMOUNT} NOT NULL DEFAULT 0,
        total_invested {AMOUNT} NOT NULL DEFAULT 0, realized_pnl {AMOUNT} DEFAULT 0,
        unrealized_pnl {AMOUNT} DEFAULT 0, total_pnl {AMOUNT} DEFAULT 0, last_price {AMOUNT} DEFAULT 0,
        position_value {AMOUNT} DEFAULT 0,
        updated_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP ON UPDATE CURRENT_TIMESTAMP,
        created_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP,
        UNIQUE KEY unique_mock_symbol (symbol))""",
    f"""CREATE TABLE mock_trades (
        id INT AUTO_INCREMENT PRIMARY KEY, recommendation_id INT NULL, symbol VARCHAR(20) NOT NULL,
        side ENUM('BUY','SELL') NOT NULL, quantity {AMOUNT} NOT NULL, price {AMOUNT} NOT NULL,
        amount {AMOUNT} NOT NULL, fee {AMOUNT} DEFAULT 0, net_amount {AMOUNT} NOT NULL,
        order_type VARCHAR(20) DEFAULT 'MARKET',
        status ENUM('PENDING','FILLED','CANCELLED','FAILED') DEFAULT 'FILLED', execution_time DATETIME NOT NULL,
        created_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP, notes TEXT, confidence DECIMAL(5,4), regime VARCHAR(20),
        KEY idx_mock_trades_symbol (symbol), KEY idx_mock_trades_execution_time (execution_time),
        KEY idx_mock_trades_status (status), KEY idx_mock_trades_recommendation_id (recommendation_id))""",
    f"""CREATE TABLE mock_portfolio (
        id INT AUTO_INCREMENT PRIMARY KEY, total_value {AMOUNT} NOT NULL DEFAULT 100000,
        cash_balance {AMOUNT} NOT NULL DEFAULT 100000, invested_amount {AMOUNT} NOT NULL DEFAULT 0,
        total_pnl {AMOUNT} NOT NULL DEFAULT 0, total_pnl_percent {PERCENT} DEFAULT 0, total_trades INT DEFAULT 0,
        winning_trades INT DEFAULT 0, losing_trades INT DEFAULT 0, win_rate DECIMAL(5,2) DEFAULT 0,
        largest_win {AMOUNT} DEFAULT 0, largest_loss {AMOUNT} DEFAULT 0, sharpe_ratio {PERCENT},
        max_drawdown {PERCENT} DEFAULT 0,
        updated_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP ON UPDATE CURRENT_TIMESTAMP,
        created_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP)""",
    f"""CREATE TABLE mock_performance_history (
        id INT AUTO_INCREMENT PRIMARY KEY, date DATE NOT NULL, portfolio_value {AMOUNT} NOT NULL,
        cash_balance {AMOUNT} NOT NULL, invested_amount {AMOUNT} NOT NULL, daily_pnl {AMOUNT} NOT NULL DEFAULT 0,
        daily_return {PERCENT} NOT NULL DEFAULT 0, cumulative_return {PERCENT} NOT NULL DEFAULT 0,
        num_positions INT DEFAULT 0, created_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP, UNIQUE KEY unique_date (date))""",
)

OLD_ROWS = (
    """INSERT INTO mock_holdings (symbol, quantity, avg_entry_price, total_invested, realized_pnl, last_price,
        position_value, updated_at) VALUES
        ('BTC', 0.12345678, 45000, 5555.5551, 120.5, 50000, 6172.839, '2026-01-02 03:04:05'),
        ('ETH', 3, 2000.33333333, 6001, 0, 0, 0, '2026-01-02 03:04:05'),
        ('SOL', 0, 0, 0, -42, 90, 0, '2026-01-02 03:04:05')""",
    """INSERT INTO mock_trades (symbol, side, quantity, price, amount, fee, net_amount, execution_time, notes) VALUES
        ('BTC', 'BUY', 0.12345678, 45000, 5555.5551, 0, 5555.5551, '2025-12-01 00:00:00', 'by hand'),
        ('SOL', 'SELL', 2, 79, 158, 0, 158, '2025-12-02 00:00:00', NULL)""",
    """INSERT INTO mock_portfolio (total_value, cash_balance, total_trades, winning_trades, losing_trades, updated_at)
        VALUES (1, 1, 0, 0, 0, '2025-01-01 00:00:00'), (90000, 88000.25, 17, 9, 6, '2026-01-02 03:04:05')""",
    """INSERT INTO mock_performance_history (date, portfolio_value, cash_balance, invested_amount, cumulative_return)
        VALUES ('2026-01-01', 99000, 88000, 11000, 10)""",
)


def in_sqlite(statement: str) -> str:
    """The statement as an engine would have written it for SQLite."""
    lines = statement.replace("INT AUTO_INCREMENT PRIMARY KEY", "INTEGER PRIMARY KEY").replace(
        " ON UPDATE CURRENT_TIMESTAMP", ""
    )
    for values in ("('BUY','SELL')", "('PENDING','FILLED','CANCELLED','FAILED')"):
        lines = lines.replace(f"ENUM{values}", "VARCHAR(9)")
    parts = [part.strip() for part in lines.split(", KEY")]
    return (
        (parts[0] + ("" if len(parts) == 1 else ")"))
        .replace("UNIQUE KEY unique_mock_symbol", "UNIQUE")
        .replace("UNIQUE KEY unique_date", "UNIQUE")
        .replace(",\n        KEY idx_mock_trades_symbol (symbol))", ")")
    )


def make_old(database: DatabaseUnderTest, *, rows: bool = True) -> None:
    """Make the four tables as they were, with rows."""
    for statement in OLD_TABLES + (OLD_ROWS if rows else ()):
        execute(database, statement if database.kind == "mysql" else in_sqlite(statement))


def execute(database: DatabaseUnderTest, *statements: str) -> list[tuple[object, ...]]:
    """Run statements as another program would, each committed; return the rows of the last."""
    rows: list[tuple[object, ...]] = []
    engine = database.engine()
    try:
        for statement in statements:
            with engine.begin() as connection:
                rows = _run(connection, statement)
    finally:
        engine.dispose()
    return rows


def _run(connection: Connection, statement: str) -> list[tuple[object, ...]]:
    result = connection.exec_driver_sql(statement.replace("%", "%%"))
    return [tuple(row) for row in result] if result.returns_rows else []


def statements_of(script: str) -> list[str]:
    """The statements of a script, as a database client tells them apart."""
    lines = [line for line in script.splitlines() if not line.startswith("--")]
    return [statement for statement in "\n".join(lines).split(";") if statement.strip()]


def run_script(server: DatabaseServer, database: DatabaseUnderTest, script: str, *, until: int | None = None) -> None:
    """Run a script statement by statement, in one session."""
    name = database.url.rsplit("/", 1)[-1].split("?")[0]
    with server.connect(database=name) as connection, connection.cursor() as cursor:
        for statement in statements_of(script)[:until]:
            cursor.execute(statement)
