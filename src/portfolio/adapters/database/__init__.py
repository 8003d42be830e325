"""The ledger on MySQL, MariaDB and SQLite."""
