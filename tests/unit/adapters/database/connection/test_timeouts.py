"""What the database may take fits into a request's deadline."""

from __future__ import annotations

import pytest

from portfolio.adapters.database.connection.mysql import session_settings
from portfolio.adapters.database.connection.timeouts import Timeouts
from portfolio.entrypoints.assembly.foundation import PATIENCE_SHARE


@pytest.mark.parametrize("deadline", [1.0, 4.0, 10.0, 60.0])
def test_that_nothing_was_applied_is_said_before_the_deadline(deadline: float) -> None:
    limits = Timeouts.within(deadline)
    assert PATIENCE_SHARE * deadline + limits.unit_seconds < deadline
    assert limits.statement_seconds < limits.unit_seconds
    assert limits.pool_seconds + limits.connect_seconds < limits.unit_seconds
    assert limits.pool_seconds + limits.connect_seconds + limits.read_seconds < deadline


@pytest.mark.parametrize("deadline", [1.0, 4.0, 10.0, 60.0])
def test_a_lost_commit_leaves_time_to_look_it_up(deadline: float) -> None:
    limits = Timeouts.within(deadline)
    lookup = limits.pool_seconds + limits.connect_seconds
    assert PATIENCE_SHARE * deadline + limits.commit_seconds + lookup < deadline


def test_without_a_deadline_of_its_own_it_is_that_of_the_default_settings() -> None:
    assert Timeouts() == Timeouts.within(10)


@pytest.mark.parametrize(("deadline", "seconds"), [(0.5, 1), (4.0, 1), (10.0, 2), (60.0, 12)])
def test_a_server_counts_whole_seconds_and_a_connection_is_replaced_before_it_is_closed(
    deadline: float, seconds: int
) -> None:
    limits = Timeouts.within(deadline)
    assert f" innodb_lock_wait_timeout = {seconds}, lock_wait_timeout = {seconds}" in session_settings(
        limits, is_mariadb=True
    )
    assert f"idle_transaction_timeout = {3 * seconds}" in session_settings(limits, is_mariadb=True)
    assert f"wait_timeout = {6 * seconds}" in session_settings(limits, is_mariadb=False)
    assert limits.recycle_seconds < 6 * seconds


@pytest.mark.parametrize("is_mariadb", [True, False])
def test_a_session_says_itself_that_statements_commit_alone(is_mariadb: bool) -> None:
    """MySQL greets as if they did where its default is that they do not, and the driver believes it."""
    assert ", autocommit = 1" in session_settings(Timeouts(), is_mariadb=is_mariadb)


@pytest.mark.parametrize(("is_mariadb", "limit"), [(True, "max_statement_time"), (False, "max_execution_time")])
def test_how_long_and_how_much_a_statement_may_read_is_not_the_servers_default(is_mariadb: bool, limit: str) -> None:
    """The service's own deadlines end what takes long, and leave a definite answer."""
    settings = session_settings(Timeouts(), is_mariadb=is_mariadb)
    assert f", {limit} = 0" in settings
    assert ", sql_big_selects = 1, sql_auto_is_null = 0" in settings
