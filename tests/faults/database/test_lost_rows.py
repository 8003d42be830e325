"""The ledger's entries say whether books are open, not the rows: what becomes of rows, nobody opens the books anew."""

from __future__ import annotations

from collections.abc import Sequence

import httpx
import pytest

from tests.faults.harness.hostile import Hostile

GONE = {
    "deleted": ["DELETE FROM mock_portfolio"],
    "truncated": ["TRUNCATE TABLE mock_portfolio"],
    "made anew by an engine": ["DELETE FROM mock_portfolio", "INSERT INTO mock_portfolio (cash_balance) VALUES (500)"],
    "made anew under its own id": [
        "DELETE FROM mock_portfolio",
        "INSERT INTO mock_portfolio (id, cash_balance) VALUES (1, 0)",
    ],
    "given another id": ["UPDATE mock_portfolio SET id = 7"],
    "all that is shared emptied": ["DELETE FROM mock_portfolio", "DELETE FROM mock_holdings"],
    "swapped for a table of before": [
        "CREATE TABLE swapped AS SELECT * FROM mock_portfolio",
        "UPDATE swapped SET revision = revision - 1, cash_balance = 99900, ledger_cash = 99900",
        "DELETE FROM mock_portfolio",
        "INSERT INTO mock_portfolio SELECT * FROM swapped",
    ],
}


def refuses(hostile: Hostile, key: str) -> bool:
    """Whether it says by every means that it does not believe the rows."""
    answer, health = hostile.book(key), hostile.health()
    if answer.status_code != 503 or health["database"]["status"] != "books_contradicted":
        return False
    assert answer.json()["type"] == "/problems/books-contradicted", answer.text
    assert "portfolio reconcile" in answer.json()["detail"]
    assert health["status"] == "unhealthy"
    assert "portfolio reconcile" in health["database"]["detail"]
    assert httpx.get(hostile.service.url + "/health/ready", timeout=30).status_code == 503
    return True


@pytest.mark.parametrize("deed", GONE.values(), ids=GONE.keys())
def test_a_running_service_never_takes_up_books_again_until_a_person_has_them_rebuilt(
    hostile: Hostile, deed: Sequence[str]
) -> None:
    before = hostile.cash
    hostile.does(*deed)
    assert hostile.book("at once").status_code == 503
    hostile.until(lambda: refuses(hostile, "later"), "it does not notice")
    assert (hostile.cash, hostile.service.get("/positions")["stale"]) == (before, True)
    assert hostile.entries() == [("baseline",), ("deposit",)]
    for words in (["migrate"], ["verify"], ["reconcile", "--accept"]):
        ended = hostile.service.command(*words, PORTFOLIO_DATABASE_URL=hostile.place.migration_url)
        assert (ended.returncode, "Traceback" in ended.stderr) == (2, False), (words, ended)
        assert "portfolio reconcile" in ended.stderr
    assert hostile.entries() == [("baseline",), ("deposit",)]
    reconciled = hostile.service.command("reconcile")
    assert reconciled.returncode in {0, 1}, reconciled
    hostile.until(lambda: hostile.book("two", "ETH", quantity=2).status_code == 200, "it does not recover")
    assert hostile.book("two", "ETH", quantity=2).json()["replayed"]
    assert hostile.book("three").status_code == 200
    assert hostile.entries() == [("baseline",), ("deposit",), ("rebuild",)]
    verified = hostile.service.command("verify")
    assert "BROKEN" not in verified.stdout
    assert verified.returncode == reconciled.returncode, (reconciled.stdout, verified.stdout)


@pytest.mark.parametrize(
    "deed", ["deleted", "made anew by an engine", "given another id", "swapped for a table of before"]
)
def test_a_service_that_is_started_on_lost_rows_does_not_open_the_books_anew(hostile: Hostile, deed: str) -> None:
    hostile.service.stop()
    hostile.does(*GONE[deed])
    hostile.service.start(until="/health/live")
    hostile.until(lambda: refuses(hostile, "later"), "it does not notice")
    assert httpx.get(hostile.service.url + "/portfolio", timeout=30).json()["type"] == "/problems/books-contradicted"
    assert hostile.entries() == [("baseline",), ("deposit",)]
    hostile.service.command("reconcile")
    hostile.until(lambda: hostile.book("three").status_code == 200, "it does not recover")
