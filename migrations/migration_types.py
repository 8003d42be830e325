"""The types of columns, by the names that migrations have for them on each kind of database, and options of tables."""

from __future__ import annotations

from collections.abc import Mapping

# name: MySQL and MariaDB, SQLite. On SQLite every decimal is text, as its numbers are binary floats.
TYPES: Mapping[str, tuple[str, str]] = {
    "old_amount": ("DECIMAL(20,8)", "TEXT"),
    "old_percent": ("DECIMAL(8,4)", "TEXT"),
    "amount": ("DECIMAL(38,18)", "TEXT"),
    "percent": ("DECIMAL(20,8)", "TEXT"),
    "rate": ("DECIMAL(5,2)", "TEXT"),
    "share": ("DECIMAL(5,4)", "TEXT"),
    "int_id": ("INT NOT NULL AUTO_INCREMENT PRIMARY KEY", "INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT"),
    "big_id": ("BIGINT NOT NULL AUTO_INCREMENT PRIMARY KEY", "INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT"),
    "int": ("INT", "INTEGER"),
    "big": ("BIGINT", "INTEGER"),
    "flag": ("TINYINT(1)", "BOOLEAN"),
    "side": ("ENUM('BUY','SELL')", "VARCHAR(4)"),
    "order_status": ("ENUM('PENDING','FILLED','CANCELLED','FAILED')", "VARCHAR(9)"),
    "symbol": ("VARCHAR(20)", "VARCHAR(20)"),
    "name": ("VARCHAR(20)", "VARCHAR(20)"),
    "source": ("VARCHAR(40)", "VARCHAR(40)"),
    "second": ("DATETIME", "DATETIME"),
    "moment": ("DATETIME(6)", "DATETIME"),
    "created": ("TIMESTAMP NULL DEFAULT CURRENT_TIMESTAMP", "TIMESTAMP DEFAULT CURRENT_TIMESTAMP"),
    "updated": (
        "TIMESTAMP NULL DEFAULT CURRENT_TIMESTAMP ON UPDATE CURRENT_TIMESTAMP",
        "TIMESTAMP DEFAULT CURRENT_TIMESTAMP",
    ),
    "text": ("TEXT", "TEXT"),
    "long_text": ("MEDIUMTEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci", "TEXT"),
    "blob": ("MEDIUMBLOB", "BLOB"),
    # Compared byte for byte: every collation folds case or pads with spaces, or is known to one server only.
    "owner": ("VARBINARY(400)", "TEXT"),
    "key": ("VARBINARY(128)", "TEXT"),
    "digest": ("CHAR(64) CHARACTER SET ascii COLLATE ascii_bin", "CHAR(64)"),
    "engine": ("VARCHAR(100) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin", "VARCHAR(100)"),
    "reference": ("VARCHAR(128) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin", "VARCHAR(128)"),
}

SHARED_TABLE = "ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4"
OWN_TABLE = f"{SHARED_TABLE} COLLATE utf8mb4_bin"
