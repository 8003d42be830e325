"""What the entries contradict is not booked away: it is refused, named, and made anew of the entries on demand."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

import pytest

from tests.faults.harness.hostile import Hostile

TAMPERED = {
    "a position in both columns": (
        ["UPDATE mock_holdings SET quantity = 100, ledger_quantity = 100 WHERE symbol = 'BTC'"],
        "BTC",
    ),
    "cash in both columns": (["UPDATE mock_portfolio SET cash_balance = 1000000, ledger_cash = 1000000"], "cash"),
    "net deposits": (["UPDATE mock_portfolio SET net_deposits = net_deposits + 5000"], "net deposits"),
    "a realized result": (
        ["UPDATE mock_portfolio SET realized_pnl = 900, cash_balance = cash_balance + 1"],
        "realized",
    ),
    "a position made up": (
        ["INSERT INTO mock_holdings (symbol, quantity, ledger_quantity, total_invested) VALUES ('DOGE', 5, 5, 0)"],
        "DOGE",
    ),
}


def held(hostile: Hostile, symbol: str) -> Decimal:
    """What the row says of a position."""
    [[quantity]] = hostile.does(f"SELECT quantity FROM mock_holdings WHERE symbol = '{symbol}'")
    return Decimal(str(quantity))


@pytest.mark.parametrize(("deed", "named"), TAMPERED.values(), ids=TAMPERED.keys())
def test_what_the_entries_contradict_is_not_accepted_and_is_made_anew_of_them(
    hostile: Hostile, deed: Sequence[str], named: str
) -> None:
    hostile.does(*deed, "UPDATE mock_portfolio SET cash_balance = cash_balance + 1")
    before = hostile.entries()
    refused = hostile.service.command("reconcile", "--accept")
    assert (refused.returncode, hostile.entries()) == (2, before), refused
    assert named in refused.stderr
    assert "portfolio reconcile --rebuild" in refused.stderr
    shown = hostile.service.command("reconcile")
    assert (shown.returncode, hostile.entries()) == (2, before), shown
    rebuilt = hostile.service.command("reconcile", "--rebuild")
    assert rebuilt.returncode == 1, rebuilt
    assert named in rebuilt.stdout
    assert [held(hostile, symbol) for symbol in ("BTC", "ETH")] == [Decimal(1), Decimal(2)]
    [[note]] = hostile.does("SELECT note FROM portfolio_cash_transactions WHERE kind = 'rebuild'")
    assert named in str(note)
    left = hostile.service.command("verify")
    assert left.returncode == 1, left.stdout  # the dollar, or more, that stands beside what the ledger says
    assert hostile.service.command("reconcile", "--accept").returncode == 0
    assert hostile.service.command("verify").returncode == 0
    hostile.until(lambda: hostile.book("three").status_code == 200, "it does not recover")
    assert hostile.service.command("verify").returncode == 0


@pytest.mark.parametrize(
    "deed",
    [
        "UPDATE mock_holdings SET quantity = 100, ledger_quantity = 100 WHERE symbol = 'BTC'",
        "UPDATE mock_portfolio SET ledger_cash = ledger_cash - 500",
    ],
)
def test_a_running_service_sees_that_the_ledgers_own_sums_moved_without_an_entry(hostile: Hostile, deed: str) -> None:
    assert hostile.health()["status"] != "unhealthy"
    hostile.does(deed)
    hostile.until(lambda: hostile.health()["database"]["status"] == "books_contradicted", "it does not notice")
    assert "without an entry" in hostile.health()["database"]["detail"]
    refused = hostile.book("three", "ETH")
    assert (refused.status_code, refused.json()["type"]) == (503, "/problems/books-contradicted"), refused.text
    hostile.service.command("reconcile", "--rebuild")
    hostile.until(lambda: hostile.book("three", "ETH").status_code == 200, "it does not recover")


WHILE_IT_IS_STOPPED = {
    "cash and net deposits": (
        ["UPDATE mock_portfolio SET cash_balance = cash_balance + 5000, ledger_cash = ledger_cash + 5000"],
        ["UPDATE mock_portfolio SET net_deposits = net_deposits + 5000"],
        "net_deposits",
    ),
    "a position, its cost and cash": (
        ["UPDATE mock_portfolio SET cash_balance = cash_balance - 900, ledger_cash = ledger_cash - 900"],
        [
            "UPDATE mock_holdings SET quantity = quantity + 9, ledger_quantity = ledger_quantity + 9 WHERE id = 1",
            "UPDATE mock_holdings SET total_invested = total_invested + 900 WHERE id = 1",
            "UPDATE mock_holdings SET asset_cost = asset_cost + 900 WHERE id = 1",
        ],
        "ledger_quantity of BTC",
    ),
    "a realized result and cash": (
        ["UPDATE mock_portfolio SET cash_balance = cash_balance + 700, ledger_cash = ledger_cash + 700"],
        ["UPDATE mock_portfolio SET realized_pnl = realized_pnl + 700"],
        "realized_pnl",
    ),
    "fees and net deposits": (
        ["UPDATE mock_portfolio SET cash_balance = cash_balance - 50, ledger_cash = ledger_cash - 50"],
        ["UPDATE mock_portfolio SET fees_paid = fees_paid + 50, realized_pnl = realized_pnl - 50"],
        "fees_paid",
    ),
}


def contradicts(hostile: Hostile) -> bool:
    """Whether it says that the rows are not what all entries add up to, and so books nothing."""
    health = hostile.health()
    assert health["comparison"]["status"] in {"not_compared", "differ"}, health
    if health["comparison"]["status"] == "not_compared":
        return False
    assert (health["status"], health["database"]["status"]) == ("unhealthy", "books_contradicted"), health
    return True


@pytest.mark.parametrize(("deed", "consistent", "named"), WHILE_IT_IS_STOPPED.values(), ids=WHILE_IT_IS_STOPPED.keys())
def test_a_service_that_is_started_on_sums_that_fit_each_other_and_not_the_entries_finds_out_by_itself(
    hostile: Hostile, deed: Sequence[str], consistent: Sequence[str], named: str
) -> None:
    hostile.until(lambda: hostile.health()["comparison"]["status"] == "agree", "it does not compare")
    hostile.service.stop()
    hostile.does(*deed, *consistent)
    hostile.service.start(until="/health/live")
    hostile.until(lambda: contradicts(hostile), "it does not notice")
    assert named in hostile.health()["database"]["detail"]
    entries = hostile.entries()
    refused = hostile.book("three", "ETH")
    assert (refused.status_code, refused.json()["type"]) == (503, "/problems/books-contradicted"), refused.text
    assert not hostile.service.answers("/health/ready")
    assert contradicts(hostile)
    assert hostile.entries() == entries
    rebuilt = hostile.service.command("reconcile", "--rebuild")
    assert "rebuilt" in rebuilt.stdout, rebuilt
    assert held(hostile, "BTC") == 1
    hostile.until(lambda: hostile.book("three", "ETH").status_code == 200, "it does not recover")
    hostile.until(lambda: hostile.health()["comparison"]["status"] == "agree", "it does not compare again")
    assert hostile.health()["database"]["status"] == "up"
    assert hostile.service.command("verify").returncode == 0


def test_rows_that_are_put_back_are_believed_again_without_a_restart(hostile: Hostile) -> None:
    hostile.service.stop()
    moved = "UPDATE mock_portfolio SET cash_balance = cash_balance {0}, ledger_cash = ledger_cash {0}, "
    moved += "net_deposits = net_deposits {0}"
    hostile.does(moved.format("+ 5000"))
    hostile.service.start(until="/health/live")
    hostile.until(lambda: contradicts(hostile), "it does not notice")
    hostile.does(moved.format("- 5000"))
    hostile.until(lambda: hostile.book("three", "ETH").status_code == 200, "it does not recover")
    hostile.until(lambda: hostile.health()["comparison"]["status"] == "agree", "it does not compare again")
    assert hostile.service.command("verify").returncode == 0


def test_what_was_changed_and_changed_back_leaves_no_trace(hostile: Hostile) -> None:
    hostile.does("UPDATE mock_holdings SET quantity = 7", "UPDATE mock_portfolio SET cash_balance = cash_balance - 7")
    hostile.does(
        "UPDATE mock_holdings SET quantity = ledger_quantity", "UPDATE mock_portfolio SET cash_balance = ledger_cash"
    )
    assert hostile.book("three").status_code == 200
    assert hostile.service.command("verify").returncode == 0


MISSING = {
    "the trades emptied": ["DELETE FROM mock_trades"],
    "the newest trade deleted": ["DELETE FROM mock_trades WHERE symbol = 'ETH'"],
    "all entries emptied": ["DELETE FROM mock_trades", "DELETE FROM portfolio_cash_transactions"],
    "all entries and rows emptied": [
        "DELETE FROM mock_trades",
        "DELETE FROM portfolio_cash_transactions",
        "DELETE FROM mock_portfolio",
        "DELETE FROM mock_holdings",
    ],
}


@pytest.mark.parametrize("deed", MISSING.values(), ids=MISSING.keys())
@pytest.mark.parametrize("restarts", [False, True], ids=["running", "started again"])
def test_where_entries_are_missing_nothing_is_booked_and_no_initial_cash_comes_in(
    hostile: Hostile, deed: Sequence[str], restarts: bool
) -> None:
    if restarts:
        hostile.service.stop()
    hostile.does(*deed)
    if restarts:
        hostile.service.start(until="/health/live")
    hostile.until(lambda: hostile.health()["database"]["status"] == "books_contradicted", "it does not notice")
    assert hostile.health()["status"] == "unhealthy"
    entries = hostile.entries()
    for words in (["migrate"], ["verify"], ["reconcile"], ["reconcile", "--accept"]):
        ended = hostile.service.command(*words, PORTFOLIO_DATABASE_URL=hostile.place.migration_url)
        assert ended.returncode == 2, (words, ended)
        assert "portfolio reconcile --rebuild" in ended.stderr
    assert hostile.book("three").status_code == 503
    assert hostile.entries() == entries
    rebuilt = hostile.service.command("reconcile", "--rebuild")
    assert "rebuilt" in rebuilt.stdout, rebuilt
    assert rebuilt.returncode in {0, 1, 2}
    assert ("deposit",) not in hostile.entries()[len(entries) :]
    hostile.until(lambda: hostile.health()["database"]["status"] == "up", "it does not recover")


def test_an_older_copy_of_the_whole_database_is_not_gone_on_with_until_a_person_says_so(hostile: Hostile) -> None:
    tables = ("mock_trades", "mock_portfolio", "mock_holdings", "portfolio_booking_outcomes")
    hostile.does(*(f"CREATE TABLE old_{table} AS SELECT * FROM {table}" for table in tables))
    assert hostile.book("three").status_code == hostile.book("four").status_code == 200
    for table in tables:
        hostile.does(f"DELETE FROM {table}", f"INSERT INTO {table} SELECT * FROM old_{table}")
    refused = hostile.book("five")
    assert (refused.status_code, refused.json()["type"]) == (503, "/problems/books-contradicted"), refused.text
    hostile.until(lambda: "older copy" in str(hostile.health()["database"]["detail"]), "it does not notice")
    assert not hostile.service.answers("/health/ready")
    rebuilt = hostile.service.command("reconcile", "--rebuild")
    assert (rebuilt.returncode, "every row was what the entries say" in rebuilt.stdout) == (0, True), rebuilt
    hostile.until(lambda: hostile.book("three").status_code == 200, "it does not recover")
    assert not hostile.book("four").json()["replayed"]
    assert hostile.service.command("verify").returncode == 0
