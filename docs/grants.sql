-- Rights of the portfolio service on MySQL and MariaDB. Change the names of the databases and users to yours.
-- With these the ledger is append-only: the service reads and inserts entries, and can neither change nor delete one.

-- Migrations: run by a user of their own. Grant these first, then migrate.
GRANT SELECT, INSERT, UPDATE, DELETE, CREATE, ALTER, DROP ON crypto_transactions.* TO 'dba'@'%';
GRANT CREATE, ALTER, DROP ON crypto_prices.* TO 'dba'@'%';

-- The service: grant these after the migration, which makes the tables.
-- Entries of the ledger.
GRANT SELECT, INSERT ON crypto_transactions.mock_trades TO 'portfolio'@'%';
GRANT SELECT, INSERT ON crypto_transactions.portfolio_cash_transactions TO 'portfolio'@'%';
GRANT SELECT, INSERT ON crypto_transactions.portfolio_position_adjustments TO 'portfolio'@'%';
GRANT SELECT, INSERT ON crypto_transactions.portfolio_cash_refusals TO 'portfolio'@'%';
-- What follows from the entries, and what is no entry.
GRANT SELECT, INSERT, UPDATE ON crypto_transactions.mock_portfolio TO 'portfolio'@'%';
GRANT SELECT, INSERT, UPDATE ON crypto_transactions.mock_holdings TO 'portfolio'@'%';
GRANT SELECT, INSERT, UPDATE ON crypto_transactions.mock_performance_history TO 'portfolio'@'%';
GRANT SELECT, INSERT, UPDATE ON crypto_transactions.portfolio_booking_outcomes TO 'portfolio'@'%';
GRANT SELECT, INSERT, UPDATE ON crypto_transactions.portfolio_imports TO 'portfolio'@'%';
GRANT SELECT, INSERT, UPDATE ON crypto_transactions.portfolio_import_rows TO 'portfolio'@'%';
GRANT SELECT, INSERT ON crypto_transactions.portfolio_lot_picks TO 'portfolio'@'%';
GRANT SELECT, INSERT, UPDATE ON crypto_transactions.portfolio_daily_positions TO 'portfolio'@'%';
GRANT SELECT, INSERT, UPDATE ON crypto_transactions.portfolio_rebalance_signals TO 'portfolio'@'%';
GRANT SELECT, INSERT, UPDATE ON crypto_transactions.portfolio_leases TO 'portfolio'@'%';
GRANT SELECT, INSERT, UPDATE ON crypto_transactions.portfolio_exchange_rules TO 'portfolio'@'%';
GRANT SELECT ON crypto_transactions.portfolio_schema_version TO 'portfolio'@'%';
-- Backtests and previews of imports, of which old ones are deleted. They are no part of the books.
GRANT SELECT, INSERT, UPDATE, DELETE ON crypto_transactions.portfolio_backtests TO 'portfolio'@'%';
GRANT SELECT, INSERT, UPDATE, DELETE ON crypto_transactions.portfolio_import_previews TO 'portfolio'@'%';
GRANT SELECT, INSERT, DELETE ON crypto_transactions.portfolio_import_parts TO 'portfolio'@'%';
-- Prices: old observed ones are deleted, and nothing else is.
GRANT SELECT, INSERT, UPDATE, DELETE ON crypto_prices.portfolio_price_history TO 'portfolio'@'%';
GRANT SELECT, INSERT, UPDATE ON crypto_prices.portfolio_close_marks TO 'portfolio'@'%';

-- Other programs (engines) keep their own users. They need SELECT, INSERT and UPDATE on the four mock_ tables, as before.
