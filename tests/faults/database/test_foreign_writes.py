"""What other programs write is told apart from our faults, row by row, and what nobody can book says what to do."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from tests.faults.harness.hostile import Hostile

MOVED = {
    "a row deleted": (["DELETE FROM mock_holdings WHERE symbol = 'BTC'"], "BTC: it has no row, the ledger says 1"),
    "all rows emptied": (["TRUNCATE TABLE mock_holdings"], "ETH: it has no row, the ledger says 2"),
    "a row made anew": (
        [
            "DELETE FROM mock_holdings WHERE symbol = 'BTC'",
            "INSERT INTO mock_holdings (symbol, quantity, avg_entry_price, total_invested) VALUES ('BTC', 7, 100, 700)",
        ],
        "BTC: the row says 7, the ledger 1",
    ),
    "a row changed": (
        ["UPDATE mock_holdings SET quantity = 3 WHERE symbol = 'BTC'"],
        "BTC: the row says 3, the ledger 1",
    ),
    "cash taken": (["UPDATE mock_portfolio SET cash_balance = cash_balance - 5"], "cash: the row says"),
}


@pytest.mark.parametrize(("deed", "line"), MOVED.values(), ids=MOVED.keys())
def test_what_others_moved_is_named_as_theirs_before_and_after_the_next_booking(
    hostile: Hostile, deed: Sequence[str], line: str
) -> None:
    hostile.does(*deed)
    seen = hostile.service.command("verify")
    assert (seen.returncode, line in seen.stdout) == (1, True), seen.stdout
    hostile.until(lambda: any(line in row for row in hostile.health()["unreconciled"]["rows"]), "it does not show it")
    for key, symbol in (("three", "BTC"), ("four", "SOL"), ("five", "BTC")):
        assert hostile.book(key, symbol).status_code == 200
    seen = hostile.service.command("verify")
    assert (seen.returncode, "BROKEN" in seen.stdout) == (1, False), seen.stdout
    assert hostile.service.command("reconcile", "--accept").returncode == 0
    assert hostile.service.command("verify").returncode == 0
    assert hostile.book("six").status_code == 200
    assert hostile.service.command("verify").returncode == 0


def test_a_row_that_is_booked_at_once_after_it_was_deleted_is_still_others_write(hostile: Hostile) -> None:
    for number in range(3):
        hostile.does("DELETE FROM mock_holdings WHERE symbol = 'BTC'")
        assert hostile.book(f"at once {number}").status_code == 200
    seen = hostile.service.command("verify")
    assert (seen.returncode, "BTC: the row says 1, the ledger 4" in seen.stdout) == (1, True), seen.stdout


FOREIGN = {
    "a second portfolio": (
        "INSERT INTO mock_portfolio (cash_balance) VALUES (500)",
        "row 2 of mock_portfolio",
        "DELETE FROM mock_portfolio WHERE id = 2",
    ),
    "no asset": (
        "INSERT INTO mock_holdings (symbol, quantity) VALUES ('BTC-EUR', 1)",
        "'BTC-EUR'",
        "DELETE FROM mock_holdings WHERE symbol = 'BTC-EUR'",
    ),
    "an empty name": (
        "INSERT INTO mock_holdings (symbol, quantity) VALUES ('', 1)",
        "of mock_holdings, ''",
        "DELETE FROM mock_holdings WHERE symbol = ''",
    ),
}


@pytest.mark.parametrize(("deed", "named", "remedy"), FOREIGN.values(), ids=FOREIGN.keys())
def test_a_row_that_nobody_can_book_is_named_with_its_id_and_gone_once_it_is_deleted(
    hostile: Hostile, deed: str, named: str, remedy: str
) -> None:
    hostile.does(deed)
    hostile.until(lambda: any(named in row for row in hostile.health()["unreconciled"]["rows"]), "it does not show it")
    seen = hostile.service.command("verify")
    assert (seen.returncode, named in seen.stdout, "delete it" in seen.stdout) == (1, True, True), seen.stdout
    assert "reconcile --accept" not in seen.stdout, "it cannot be accepted"
    accepted = hostile.service.command("reconcile", "--accept")
    assert "nothing is unreconciled" in accepted.stdout
    hostile.does(remedy)
    assert hostile.service.command("verify").returncode == 0
    hostile.until(lambda: not hostile.health()["unreconciled"]["rows"], "it goes on showing it")


def test_trades_of_other_programs_never_count(hostile: Hostile) -> None:
    before = hostile.cash
    hostile.does(
        "INSERT INTO mock_trades (symbol, side, quantity, price, amount, fee, net_amount, status, execution_time) "
        "VALUES ('BTC', 'BUY', 9, 100, 900, 0, 900, 'FILLED', '2026-01-01 00:00:00')"
    )
    assert hostile.book("three").status_code == 200
    assert hostile.cash == before - 100
    assert hostile.service.command("verify").returncode == 0


def test_what_others_write_while_we_book_is_neither_lost_nor_taken_for_ours(hostile: Hostile) -> None:
    for number in range(20):
        hostile.does("UPDATE mock_portfolio SET cash_balance = cash_balance - 1")
        assert hostile.book(f"number {number}").status_code == 200
        hostile.does("UPDATE mock_holdings SET quantity = quantity + 1 WHERE symbol = 'BTC'")
    seen = hostile.service.command("verify")
    assert seen.returncode == 1
    assert "BTC: the row says 41, the ledger 21" in seen.stdout
    assert "cash: the row says 97680, the ledger 97700" in seen.stdout
