"""The command line says what happened, and its exit status tells."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any, cast

import pytest
from click.testing import CliRunner, Result

from portfolio.application.errors import LedgerUnavailable
from portfolio.application.ledger.cash_records import CashEntry, PositionAdjustment
from portfolio.application.ledger.opening import OpenBooks, Opening
from portfolio.application.ledger.rebuilding import RebuildBooks
from portfolio.application.ledger.verification import ReconcileBooks, Verification, VerifyBooks
from portfolio.application.performance.final_days import FinalReport, MakeFinal
from portfolio.application.prices.backfill import Backfill, BackfillReport
from portfolio.domain.errors import OutOfRange
from portfolio.domain.ledger.cash_transaction import CashTransaction, CashTransactionKind
from portfolio.domain.money import Money, Quantity
from portfolio.domain.symbol import Symbol
from portfolio.entrypoints.cli.books import Commands
from portfolio.entrypoints.cli.commands import commands
from portfolio.entrypoints.http.shell.auth import Keyring
from portfolio.settings import Settings, SettingsError

BTC = Symbol("BTC")


def verdict(**changed: Any) -> Verification:
    nothing: dict[str, Any] = {
        "differences": [],
        "unreconciled": [],
        "unreconciled_value": Money.zero(),
        "head": "5eed",
    }
    return Verification(trades=3, transactions=2, revision=5, **{**nothing, **changed})


class Root:
    """A composition root whose parts answer what a test says."""

    def __init__(self, **answers: Callable[..., Any]) -> None:
        self.answers = answers
        self.asked: list[tuple[Any, ...]] = []

    @asynccontextmanager
    async def commands(self, settings: Settings) -> AsyncIterator[Commands]:
        assert isinstance(settings, Settings)
        yield Commands(
            portfolio_id=7,
            open_books=cast("OpenBooks", self._part("open_books")),
            verify=cast("VerifyBooks", self._part("verify")),
            reconcile=cast("ReconcileBooks", self._part("reconcile")),
            rebuild=cast("RebuildBooks", self._part("rebuild")),
            backfill=cast("Backfill", self._part("backfill")),
            make_final=cast("MakeFinal", self._part("make_final")),
        )

    def identity(self, settings: Settings) -> Mapping[str, str]:
        return {"version": "1.2.3", "schema": "0042", "database": f"{settings.prices_schema} at home"}

    def serve(self, settings: Settings) -> None:
        self.answers["serve"](settings)

    def migrate(self, settings: Settings, target: str) -> str:
        return str(self.answers["migrate"](settings, target))

    def migration_script(self, settings: Settings, start: str, end: str, dialect: str) -> str:
        return f"-- {start} to {end} of {settings.prices_schema} on {dialect}"

    def run(self, *words: str) -> Result:
        return CliRunner().invoke(commands, words, obj=self)

    def _part(self, name: str) -> Callable[..., Any]:
        async def part(portfolio_id: int, *positional: Any, **named: Any) -> Any:
            assert portfolio_id == 7
            self.asked.append((name, *positional, *named.values()))
            return self.answers[name](*positional)

        return part


@pytest.mark.parametrize(
    ("found", "status", "said"),
    [
        (verdict(), 0, "the books hold"),
        (verdict(unreconciled=["cash: moved"], unreconciled_value=Money(Decimal(-7))), 1, "unreconciled: -7"),
        (verdict(), 0, "head 5eed"),
        (verdict(lost=["mock_trades row 7: gone"]), 1, "lost  mock_trades row 7: gone"),
        (verdict(differences=["cash: off"], unreconciled=["cash: moved"]), 2, "BROKEN cash: off"),
        (verdict(head=None), 3, "nobody can tell"),
        (verdict(head=None, differences=["cash: off"]), 2, "the books do not add up"),
    ],
)
def test_verify_tells_by_its_exit_status(found: Verification, status: int, said: str) -> None:
    done = Root(verify=lambda: found).run("verify")
    assert done.exit_code == status
    assert said in done.output
    assert done.stdout.startswith("3 trades and 2 transactions, ledger revision 5")


def test_books_without_digests_are_not_said_to_hold() -> None:
    assert "the books hold" not in Root(verify=lambda: verdict(head=None)).run("verify").output


def test_verify_is_told_which_head_was_noted() -> None:
    root = Root(verify=verdict)
    root.run("verify", "--head", f" {'5EED' * 16} ")
    assert root.asked == [("verify", "5eed" * 16)]


@pytest.mark.parametrize("head", ["", "5eed", "head 5eed", "5eed" * 16 + "0", "z" * 64])
def test_what_is_no_digest_is_no_verdict_on_the_books(head: str) -> None:
    root = Root(verify=verdict)
    done = root.run("verify", "--head", head)
    assert (done.exit_code, root.asked) == (64, [])
    assert "64 hexadecimal digits" in done.stderr


@pytest.mark.parametrize("error", [LedgerUnavailable("no answer"), OutOfRange(Decimal(10) ** 21), SettingsError("no")])
@pytest.mark.parametrize("command", [("verify",), ("reconcile", "--accept"), ("backfill",), ("migrate",), ("serve",)])
def test_what_goes_wrong_is_a_sentence_and_not_a_traceback(error: Exception, command: tuple[str, ...]) -> None:
    def fail(*_: Any) -> None:
        raise error

    done = Root(**dict.fromkeys(("verify", "reconcile", "backfill", "migrate", "serve"), fail)).run(*command)
    assert done.exit_code == 3
    assert f"portfolio: {error}\n" in done.stderr
    assert "Traceback" not in done.output


@pytest.mark.parametrize(
    ("error", "status", "said"),
    [
        (RuntimeError("a bug"), 70, "a fault of the program; please report it\nTraceback"),
        (AssertionError(), 70, "AssertionError"),
        (KeyboardInterrupt(), 130, "portfolio: interrupted\n"),
        (OSError(28, "No space left on device"), 3, "portfolio: [Errno 28] No space left on device\n"),
        (BrokenPipeError(32, "Broken pipe"), 3, "portfolio: the result was not read to its end\n"),
        (MemoryError(), 3, "portfolio: not enough memory\n"),
    ],
)
@pytest.mark.parametrize("command", [("verify",), ("reconcile", "--accept"), ("backfill",), ("migrate",), ("serve",)])
def test_each_end_has_a_status_of_its_own(
    error: BaseException, status: int, said: str, command: tuple[str, ...]
) -> None:
    def fail(*_: Any) -> None:
        raise error

    done = Root(**dict.fromkeys(("verify", "reconcile", "backfill", "migrate", "serve"), fail)).run(*command)
    assert done.exit_code == status
    assert said in done.stderr


@pytest.mark.parametrize("words", [("verify", "x"), ("nonsense",), ("--wrong",), ("backfill", "--days", "0"), ()])
def test_a_command_line_that_cannot_be_read_is_no_verdict_on_the_books(words: tuple[str, ...]) -> None:
    assert Root().run(*words).exit_code == 64


@pytest.mark.parametrize("command", [("verify",), ("reconcile",), ("backfill",), ("migrate", "--to", "0003")])
def test_every_command_says_which_version_for_which_schema_works_on_which_database(command: tuple[str, ...]) -> None:
    def fail(*_: Any) -> None:
        raise LedgerUnavailable("no answer")

    done = Root(**dict.fromkeys(("verify", "reconcile", "backfill", "migrate"), fail)).run(*command)
    assert done.stderr.startswith("portfolio: version 1.2.3, schema 0042, database crypto_prices at home\n")


def test_migrate_opens_the_books_at_the_newest_schema_only() -> None:
    root = Root(migrate=lambda _settings, target: f"at {target}", open_books=lambda: Opening.ADOPTED)
    assert "schema revision at head\nbooks: adopted what the rows hold" in root.run("migrate").output
    assert root.run("migrate", "--to", "0003").stdout == "schema revision at 0003\n"
    assert root.asked == [("open_books",)]


def test_the_script_is_printed_without_a_database() -> None:
    assert Root().run("migrate", "--sql", "--from", "0003").output == "-- 0003 to head of crypto_prices on mysql\n"
    mariadb = Root().run("migrate", "--sql", "--dialect", "mariadb")
    assert mariadb.output == "-- base to head of crypto_prices on mariadb\n"


def test_a_script_does_not_lead_down() -> None:
    done = Root().run("migrate", "--sql", "--from", "0005", "--to", "0003")
    assert (done.exit_code, done.stdout) == (64, "")
    assert "leads down" in done.stderr
    assert Root().run("migrate", "--sql", "--from", "0003", "--to", "0005").exit_code == 0


@pytest.mark.parametrize(
    ("words", "why"),
    [
        ("tearsheet --benchmark <x> -o sheet.html", "'<X>' is not a symbol"),
        ("tearsheet --benchmark= -o sheet.html", "'' is not a symbol"),
        ("backtest run --from 2025-01-01 --objective hrp --symbol <x>", "'<X>' is not a symbol"),
        ("backtest run --from 2025-01-01 --weight <x>=0.5", "'<X>' is not a symbol"),
        ("tearsheet --output=", "a path is needed"),
        ("export trades --output=", "a path is needed"),
        ("backtest run --from 2025-01-01 --parquet=", "a path is needed"),
        ("import /dev/zero --dry-run", "'/dev/zero' is a pipe or a device"),
        ("import README.md --rates /dev/null", "'/dev/null' is a pipe or a device"),
        ("watch ftp://localhost", "is no address"),
        ("watch http://", "is no address"),
        ("watch http://localhost --after 118", "--after has to be the position of a message"),
        ("watch http://localhost --after=", "--after has to be the position of a message"),
        ("imports show 99999999999999999999", "is not in the range"),
        ("imports reverse 99999999999999999999", "is not in the range"),
        ("lots --known-at=-1", "has to be a ledger revision"),
        ("gains --known-at=1e3", "has to be a ledger revision"),
    ],
)
def test_a_value_that_is_none_of_its_kind_is_a_command_line_that_cannot_be_read(words: str, why: str) -> None:
    done = Root().run(*words.split())
    assert (done.exit_code, done.stdout) == (64, ""), done.output
    assert why in done.stderr


@pytest.mark.parametrize("words", [("--from", "0003"), ("--dialect", "mariadb")])
def test_what_is_for_the_script_does_not_migrate_a_database(words: tuple[str, ...]) -> None:
    done = Root().run("migrate", *words)
    assert done.exit_code == 64
    assert "for --sql" in done.stderr


def test_one_trade_is_no_trades() -> None:
    one = replace(verdict(), trades=1, transactions=1)
    assert Root(verify=lambda: one).run("verify").stdout.startswith("1 trade and 1 transaction, ledger revision 5\n")


@pytest.mark.parametrize("is_new", [True, False])
def test_verify_says_that_books_were_just_opened(is_new: bool) -> None:
    said = Root(verify=lambda: verdict(is_new=is_new)).run("verify").output
    assert ("nothing was booked since these books were opened" in said) is is_new


def test_reconcile_says_that_the_books_do_not_add_up_too() -> None:
    assert Root(verify=lambda: verdict(differences=["cash: off"])).run("reconcile").exit_code == 2


def test_reconcile_without_accept_only_shows() -> None:
    root = Root(verify=lambda: verdict(unreconciled=["cash: moved"]))
    assert root.run("reconcile").exit_code == 1
    assert [call[0] for call in root.asked] == ["verify"]


@pytest.mark.parametrize(
    ("words", "as_realized"),
    [((), None), (("--as", "result"), True), (("--as", "contribution"), False)],
)
def test_reconcile_books_the_unreconciled_as_it_is_told(words: tuple[str, ...], as_realized: bool | None) -> None:
    transaction = CashTransaction(
        kind=CashTransactionKind.ADJUSTMENT,
        cash_delta=Money(Decimal(-50)),
        net_deposits_delta=Money.zero(),
        realized_delta=Money(Decimal(2)),
        value_before=Money.zero(),
        at=datetime(2026, 1, 1, tzinfo=UTC),
    )
    moved = (PositionAdjustment(symbol=BTC, quantity_delta=Quantity(Decimal(1))),)
    entry = CashEntry(
        transaction=transaction,
        portfolio_id=1,
        revision=9,
        owner="service",
        positions=moved,
        cash_after=Money.zero(),
        net_deposits_after=Money.zero(),
    )
    root = Root(reconcile=lambda *_: entry)
    said = root.run("reconcile", "--accept", *words).stdout
    assert said == "booked at ledger revision 9: cash -50, contribution 0, result 2, 1 position\n"
    assert root.asked == [("reconcile", as_realized)]


def test_reconcile_says_when_there_is_nothing_to_book() -> None:
    assert (
        Root(reconcile=lambda *_: None).run("reconcile", "--accept").stdout
        == "nothing is unreconciled: nothing to book\n"
    )


def test_backfill_names_what_failed_and_says_so_by_its_status() -> None:
    def report(days: int, progress: Callable[[int, int], None]) -> BackfillReport:
        progress(1, 1)
        day = date(2026, 1, 1)
        return BackfillReport(since=day, until=day, stored={BTC: days}, failed={Symbol("ETH"): "no such pair"})

    gap = date(2026, 1, 2)
    final = FinalReport(
        written=[date(2026, 1, 1)], carried={date(2026, 1, 1): [Symbol("ETH")]}, failed={gap: "no close of BTC"}
    )
    done = Root(backfill=report, make_final=lambda: final).run("backfill", "--days", "7")
    assert done.exit_code == 3
    assert "7 closes of 1 asset\n1 day of the performance history filled" in done.stdout
    assert "failed ETH: no such pair" in done.stderr
    assert "no close of BTC" in done.stderr


def test_a_key_that_is_made_is_one_that_the_service_takes() -> None:
    entry = Root().run("key", "engine-1", "--scopes", "read+admin").stdout.strip()
    assert entry.startswith("engine-1:read+admin:")
    assert Keyring.of(Settings(api_keys=entry))


def test_a_key_that_the_service_would_refuse_is_not_made() -> None:
    for words, why in (
        (("engine 1", "--scopes", "read"), "NAME is 1 to 64 letters"),
        (("", "--scopes", "read"), "NAME is 1 to 64 letters"),
        (("a:read:0123456789abcdef,b",), "NAME is 1 to 64 letters"),  # it would be two keys
        (("engine-1", "--scopes", "reed"), "--scopes are read, trade and admin"),
        (("engine-1", "--scopes", "read,trade"), "--scopes are read, trade and admin"),
        (("engine-1", "--scopes", "adopt-open"), "--scopes are read, trade and admin"),
    ):
        done = Root().run("key", *words)
        assert (done.exit_code, done.stdout) == (64, "")
        assert why in done.stderr
        assert "PORTFOLIO_API_KEYS" not in done.stderr  # nothing is wrong with the settings


def test_serve_hands_over_the_settings() -> None:
    served: list[Settings] = []
    assert Root(serve=served.append).run("serve").exit_code == 0
    assert [settings.port for settings in served] == [8026]
