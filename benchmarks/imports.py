"""Imports of many rows: what it takes to say what becomes of them, and to book them into an embedded database."""

from __future__ import annotations

import csv
import os
import random
import sqlite3
import subprocess
import time
from collections.abc import Iterable, Sequence
from contextlib import closing
from datetime import date, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Final

from benchmarks.harness.rows import Row, by_turns, ratio_row
from benchmarks.harness.stage import Stage

ROUNDS: Final = 3
ROWS: Final = 100_000
PREVIEW_SECONDS: Final = 5.0
BOOK_SECONDS: Final = 60.0
MOST_MB: Final = 600
COINS: Final = ("BTC", "ETH", "SOL", "ADA", "LINK", "DOT", "XRP", "LTC", "UNI", "ATOM")
PREVIEWS: Final = {
    "files": "of the file alone, {:,} trades in CSV",
    "books": "in the books, {:,} trades in CSV",
    "mixed": "in the books, {:,} rows: trades with fees in BNB, deposits, rewards, transfers",
}
# What an import writes, row by row.
TABLES: Final = ("mock_trades", "portfolio_import_rows")


def imports(stage: Stage) -> Sequence[Row]:
    """Return the rows of previews, of the files alone and in the books, and of a booking."""
    folder = stage.folder / "imports"
    folder.mkdir(parents=True)
    case = _Case(folder, stage.program, 2_000 if stage.is_quick else ROWS)
    rounds = stage.rounds(ROUNDS)
    return [*(case.row(rounds, where) for where in PREVIEWS), case.booking(rounds)]


class _Case:
    """A file of trades, and books into which it is imported."""

    def __init__(self, folder: Path, program: Path, count: int) -> None:
        self._folder, self._program, self._count = folder, program, count
        self._file = folder / "trades.csv"
        _write(self._file, count)
        self._books = folder / "books.db"
        self._empty = folder / "empty.db"
        self._run(self._empty, "migrate")
        self._mixed = folder / "mixed.csv"
        _keep_closes(self._empty, _write_mixed(self._mixed, count))
        self._cpu = 0.0

    def row(self, rounds: int, where: str) -> Row:
        """Return the row of a preview: without books (``files``), or in books in which nothing is yet.

        Those have the trades (``books``), or a file of everything (``mixed``), with the closes that it needs.
        """
        database = self._folder / "none.db" if where == "files" else self._empty
        file = self._mixed if where == "mixed" else self._file
        floors, figures, peaks = self._measured(
            rounds, partial(self._read_bare, file), database, file, "--dry-run", "--json"
        )
        return ratio_row(
            work=f"preview {PREVIEWS[where].format(self._count)}",
            floor="the csv module's reading of the same file",
            unit="s",
            floors=floors,
            figures=figures,
            limit=None,
            at_most=True,
            notes=[
                f"{max(peaks):.0f} MB at most, {self._cpu:.1f} s of a processor; with the program's start and its JSON"
            ],
            broken=f"over {PREVIEW_SECONDS:g} s" if max(figures) > PREVIEW_SECONDS else "",
        )

    def booking(self, rounds: int) -> Row:
        """Return the row of a booking, beside the writing of the rows that it wrote."""
        self._booked()
        floors, figures, peaks = self._measured(rounds, self._write_bare, None, self._file)
        slow, large = max(figures) > BOOK_SECONDS, max(peaks) > MOST_MB
        return ratio_row(
            work=f"import of {self._count:,} trades in CSV, embedded database",
            floor="SQLite's writing of the same rows of both tables",
            unit="s",
            floors=floors,
            figures=figures,
            limit=None,
            at_most=True,
            notes=[f"{max(peaks):.0f} MB at most, {self._cpu:.1f} s of a processor"],
            broken=f"over {BOOK_SECONDS:g} s" if slow else f"over {MOST_MB} MB" if large else "",
        )

    def _measured(
        self, rounds: int, floor: object, database: Path | None, file: Path, *words: str
    ) -> tuple[list[float], list[float], list[float]]:
        peaks: list[float] = []

        def figure() -> float:
            seconds, megabytes = self._booked() if database is None else self._run(database, "import", file, *words)
            peaks.append(megabytes)
            return seconds

        assert callable(floor)
        floors, figures = by_turns(rounds, floor, figure)
        return floors, figures, peaks

    def _booked(self) -> tuple[float, float]:
        """Book the file into empty books, and return the seconds and megabytes that it took."""
        for name in self._folder.glob("books.db*"):
            name.unlink()
        self._run(self._books, "migrate")
        return self._run(self._books, "import", self._file)

    def _run(self, database: Path, *words: str | Path) -> tuple[float, float]:
        environment = {
            **os.environ,
            "PORTFOLIO_DATABASE_URL": f"sqlite+aiosqlite:///{database}",
            "PORTFOLIO_INITIAL_CASH": "1000000000",
            "PORTFOLIO_LOG_FILE": str(self._folder / "log.jsonl"),
        }
        started = time.perf_counter()
        said = self._folder / "said.txt"
        with said.open("w") as errors:
            process = subprocess.Popen(
                [self._program, *words], env=environment, cwd=self._folder, stdout=subprocess.DEVNULL, stderr=errors
            )
            _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode != 0 or (database == self._empty and "files alone" in said.read_text()):
            raise RuntimeError(f"portfolio {words[0]} ended with {process.returncode}: {said.read_text()[:1_000]}")
        self._cpu = used.ru_utime + used.ru_stime
        return time.perf_counter() - started, used.ru_maxrss / 1024

    def _read_bare(self, path: Path) -> float:
        started = time.perf_counter()
        with path.open(newline="") as file:
            assert len(list(csv.reader(file))) == self._count + 1
        return time.perf_counter() - started

    def _write_bare(self) -> float:
        """Return how long SQLite takes to write the rows of the last booking into the same, empty tables."""
        target = self._folder / "bare.db"
        target.unlink(missing_ok=True)
        with closing(sqlite3.connect(self._books)) as books, closing(sqlite3.connect(target)) as bare:
            seconds = 0.0
            for table in TABLES:
                bare.execute(books.execute("SELECT sql FROM sqlite_master WHERE name = ?", [table]).fetchone()[0])
                rows = books.execute(f"SELECT * FROM {table}").fetchall()
                places = ", ".join("?" * len(rows[0]))
                started = time.perf_counter()
                with bare:
                    bare.executemany(f"INSERT INTO {table} VALUES ({places})", rows)
                seconds += time.perf_counter() - started
        return seconds


def _write(path: Path, count: int) -> None:
    """Write a file of Binance's spot trades, of years: none sells what is not there."""
    chance, at = random.Random(15), datetime(2019, 1, 1)  # noqa: DTZ001  the header says that it is UTC
    held = dict.fromkeys(COINS, 0)
    with path.open("w", newline="") as file:
        table = csv.writer(file)
        table.writerow(["Date(UTC)", "Pair", "Side", "Price", "Executed", "Amount", "Fee"])
        for _ in range(count):
            at += timedelta(seconds=chance.choice([0, 1, 30, 4_000]))
            coin, quantity, price = chance.choice(COINS), chance.randint(1, 10_000), chance.randint(90, 110)
            sells = held[coin] >= quantity and chance.random() < 0.4
            held[coin] += -quantity if sells else quantity
            money = quantity * price
            amounts = [f"{quantity / 1e3:.3f}{coin}", f"{money / 1e3:.3f}USDT", f"{money / 1e6:.6f}USDT"]
            table.writerow([f"{at:%Y-%m-%d %H:%M:%S}", f"{coin}USDT", "SELL" if sells else "BUY", price, *amounts])


def _write_mixed(path: Path, count: int) -> list[date]:
    """Write a file as Koinly's: trades with fees in BNB, deposits, rewards, transfers. Return its days."""
    chance, at = random.Random(16), datetime(2019, 1, 1)  # noqa: DTZ001  the rows say that it is UTC
    held, days = dict.fromkeys(COINS, 0), set[date]()
    sent, received, fee = ("Sent Amount", "Sent Currency"), ("Received Amount", "Received Currency"), "Fee Amount"
    worth = ("Net Worth Amount", "Net Worth Currency")
    with path.open("w", newline="") as file:
        table = csv.DictWriter(file, ["Date", *sent, *received, fee, "Fee Currency", *worth, "Label"])
        table.writeheader()
        first = {"Date": f"{at} UTC", **dict(zip(sent, ["10000000", "USD"], strict=True))}
        table.writerow({**first, **dict(zip(received, ["100000", "BNB"], strict=True))})
        for _ in range(count - 1):
            at += timedelta(seconds=chance.choice([0, 1, 30, 4_000]))
            days.add(at.date())
            coin, quantity, price = chance.choice(COINS), chance.randint(1, 10_000), chance.randint(90, 110)
            dollars, what = [f"{quantity * price / 1e3:.3f}", "USD"], chance.random()
            asset, row = [f"{quantity / 1e3:.3f}", coin], {"Date": f"{at} UTC"}
            sells = held[coin] >= quantity and chance.random() < 0.4
            held[coin] += 0 if 0.5 <= what < 0.7 else -quantity if sells and what < 0.5 else quantity
            if what < 0.5:
                sides = (asset, dollars) if sells else (dollars, asset)
                row |= {fee: f"{quantity * price / 1e8:.8f}", "Fee Currency": "BNB"}
                row |= dict(zip((*sent, *received), (*sides[0], *sides[1]), strict=True))
            elif what < 0.7:
                row |= {**dict(zip(received, dollars, strict=True)), "Label": "deposit"}
            else:
                row |= {**dict(zip((*received, *worth), (*asset, *dollars), strict=True))}
                row |= {"Label": "reward"} if what < 0.9 else {}
            table.writerow(row)
    return sorted(days)


def _keep_closes(database: Path, days: Iterable[date]) -> None:
    """Store a close of BNB for each day, so that no exchange is asked."""
    rows = [("BNB", "day", f"{day} 00:00:00.000000", "100.5", "bench") for day in days]
    with closing(sqlite3.connect(database)) as books, books:
        columns = "(symbol, granularity, observed_at, price, source)"
        books.executemany(f"INSERT INTO portfolio_price_history {columns} VALUES (?, ?, ?, ?, ?)", rows)
