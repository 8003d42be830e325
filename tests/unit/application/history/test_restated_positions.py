"""What was held on restated days: sums of what had taken effect, whose results add up to that of the days."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from portfolio.application.history.effective import EffectiveDays, folded
from portfolio.application.history.restated import restate
from portfolio.application.history.restated_positions import positions_on
from portfolio.domain.ledger.cash_transaction import CashTransactionKind as Kind
from portfolio.domain.ledger.portfolio import Portfolio
from portfolio.domain.money import Money
from tests.unit.application.history.test_restated import BTC, ETH, closes, deposit, on
from tests.unit.application.history.test_restating import Scene, scene
from tests.unit.application.ledger.lot_examples import Booked, day
from tests.unit.examples import money, units

__all__ = ["scene"]

PRICES = closes(BTC={n: str(100 + 7 * n % 30) for n in range(12)}, ETH={n: str(10 + 3 * n % 8) for n in range(12)})


def test_quantity_cost_and_result_are_those_of_what_had_taken_effect() -> None:
    booked = Booked()
    deposit(booked, "1000", day(0))
    booked.buy("2", "200", day(1), fees="2")
    booked.sell("1", "150", day(4), fees="1")
    booked.happen(Kind.INCOME, day(3), symbol=ETH, quantity=units(3), value=money(30), label="staking")
    found = positions_on(folded(booked.entries), PRICES, [on(0), on(2), on(3), on(5)])
    assert found[on(0)] == {}
    held = found[on(2)][BTC]
    assert (held.quantity, held.cost_basis, held.realized_pnl) == (units(2), money(202), money(0))
    assert held.market_value == money(228)  # 2 at 114
    assert found[on(3)][ETH].result == money(33)  # it brought 30, and is worth 3 x 11 by now
    sold = found[on(5)][BTC]
    assert (sold.quantity, sold.cost_basis, sold.realized_pnl) == (units(1), money(101), money(48))


def test_without_a_close_it_stands_at_its_cost_and_an_old_one_is_carried() -> None:
    booked = Booked()
    booked.buy("2", "200", day(1))
    entries = folded(booked.entries)
    [held] = positions_on(entries, {}, [on(1)])[on(1)].values()
    assert (held.market_value, held.is_priced) == (money(200), False)
    carried = positions_on(entries, closes(BTC={1: "110"}), [on(8), on(9)])
    assert (carried[on(8)][BTC].market_value, carried[on(9)][BTC].is_priced) == (money(220), False)
    booked.sell("2", "240", day(2))
    [closed] = positions_on(folded(booked.entries), {}, [on(3)])[on(3)].values()
    assert (closed.is_priced, closed.result) == (True, money(40))


def test_of_books_that_were_opened_on_something_nothing_is_known_before() -> None:
    assert positions_on(EffectiveDays(), PRICES, [on(1)]) == {}
    before = Booked()
    before.buy("2", "200", day(0))
    books = Booked(replace(Portfolio(id=1), positions=before.portfolio.positions))
    books.adopt(day(3))
    found = positions_on(folded(books.entries), PRICES, [on(2), on(3)])
    assert list(found) == [on(3)]
    assert found[on(3)][BTC].cost_basis == money(200)


@given(st.lists(st.tuples(st.integers(0, 9), st.sampled_from(["buy", "sell", "income", "loss"])), max_size=12))
def test_results_of_positions_are_the_result_of_the_days(deeds: list[tuple[int, str]]) -> None:
    booked = Booked()
    deposit(booked, "10000", day(0))
    booked.buy("5", "500", day(0))
    for at, deed in deeds:
        if deed == "buy":
            booked.buy("1", "101", day(at), fees="1")
        elif deed == "income":
            booked.happen(Kind.INCOME, day(at), symbol=ETH, quantity=units(1), value=money(11), label="staking")
        elif booked.portfolio.position(BTC).quantity.value > Decimal(1):
            if deed == "sell":
                booked.sell("1", "103", day(at))
            else:
                booked.happen(Kind.LOSS, day(at), symbol=BTC, quantity=units("0.5"))
    entries = folded(booked.entries)
    days = {one.day: one for one in restate(entries, PRICES, on(10))}
    found = positions_on(entries, PRICES, list(days))
    for on_day, one in days.items():
        assert one.value is not None
        result = sum((held.result for held in found[on_day].values()), Money.zero())
        assert result == one.value - one.net_deposits


async def test_they_are_those_of_the_days_that_are_kept(scene: Scene) -> None:
    await scene.days(11)
    portfolio = replace(scene.booked.portfolio, price_revision=scene.revision)
    found = await scene.restate.positions(portfolio, [on(2), on(5)])
    assert found[on(2)] == {}
    assert found[on(5)][BTC].market_value == money(105)
    scene.booked.buy("1", "100", day(4))
    portfolio = replace(scene.booked.portfolio, price_revision=scene.revision)
    assert (await scene.restate.positions(portfolio, [on(5)]))[on(5)][BTC].quantity == units(2)
    await scene.days(11)
    assert scene.made == [11, 2, 5]  # no more days than were asked for


def test_at_a_close_at_which_no_books_ever_were_it_stands_at_its_cost() -> None:
    booked = Booked()
    booked.buy("1e18", "200", day(1))
    [held] = positions_on(folded(booked.entries), closes(BTC={1: "100"}), [on(1)])[on(1)].values()
    assert (held.market_value, held.is_priced) == (money(200), False)
