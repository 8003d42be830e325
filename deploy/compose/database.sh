#!/bin/sh
# Run once by the database's image, on an empty volume: the user of the service. There are no tables yet, so the rights are
# on whole databases. docs/grants.sql has narrower ones, to grant after the migration: with them the ledger is append-only.
# DELETE is for old backtests and previews of imports, which the service removes by itself.
mariadb --user=root --password="$MARIADB_ROOT_PASSWORD" <<SQL
CREATE DATABASE crypto_prices CHARACTER SET utf8mb4;
CREATE USER 'portfolio'@'%' IDENTIFIED BY '$PORTFOLIO_PASSWORD';
GRANT SELECT, INSERT, UPDATE, DELETE ON crypto_transactions.* TO 'portfolio'@'%';
GRANT SELECT, INSERT, UPDATE, DELETE ON crypto_prices.* TO 'portfolio'@'%';
SQL
