#!/bin/sh
# Run once by the database's image, on an empty volume: the user of the service, with the rights of docs/database.md.
mariadb --user=root --password="$MARIADB_ROOT_PASSWORD" <<SQL
CREATE DATABASE crypto_prices CHARACTER SET utf8mb4;
CREATE USER 'portfolio'@'%' IDENTIFIED BY '$PORTFOLIO_PASSWORD';
GRANT SELECT, INSERT, UPDATE ON crypto_transactions.* TO 'portfolio'@'%';
GRANT SELECT, INSERT, UPDATE, DELETE ON crypto_prices.* TO 'portfolio'@'%';
SQL
