"""What an exchange takes of a trade: rounded down to its step, or nothing, with the reason."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from portfolio.domain.errors import InvalidAmount
from portfolio.domain.money import EXACT
from portfolio.domain.prices.exchange_rules import (
    NEVER_FETCHED,
    ExchangeRules,
    Executable,
    UnknownRules,
    executable_of,
)
from tests.support.exchange_rules import rules, rules_of_exchanges

QUANTITIES = st.decimals(Decimal("1e-18"), Decimal("1e12"), places=18)
PRICES = st.decimals(Decimal("1e-8"), Decimal(100_000), places=8)


@given(rules=rules_of_exchanges(), quantity=QUANTITIES, price=PRICES)
@example(rules=rules(), quantity=Decimal("0.123456789"), price=Decimal(50_000))
@example(rules=rules(min_notional="10"), quantity=Decimal("0.000199"), price=Decimal(50_000))
@example(rules=rules(step="1"), quantity=Decimal("0.5"), price=Decimal(3))
@example(rules=rules(step="1"), quantity=Decimal(5), price=Decimal(50_000))
def test_it_is_never_more_than_asked_a_multiple_of_the_step_and_worth_the_least_order(
    rules: ExchangeRules, quantity: Decimal, price: Decimal
) -> None:
    done = executable_of(rules, quantity, price)
    if done.quantity is None:
        assert max(rules.step, rules.min_quantity) * price > 1_000
        return
    assert done.venue == rules.venue
    assert 0 <= done.quantity <= quantity
    assert EXACT.remainder(done.quantity, rules.step) == 0
    worth = EXACT.multiply(done.quantity, price)
    next_one = EXACT.add(done.quantity, rules.step)
    if done.quantity:
        assert done.reason is None
        assert worth >= rules.min_notional
        assert done.quantity >= rules.min_quantity
        assert next_one > quantity
    else:
        assert done.reason is not None
        assert done.reason.startswith("dust: ")
        # The most that fits is too little.
        most = EXACT.multiply(EXACT.divide_int(quantity, rules.step), rules.step)
        assert most < max(rules.step, rules.min_quantity) or EXACT.multiply(most, price) < rules.min_notional


def test_what_is_left_over_by_the_step_is_not_traded() -> None:
    # BTC-USD at Coinbase: steps of 1e-8. 0.1764353579101022 of the example in docs/rebalancing.md.
    btc = rules(step="0.00000001", min_notional="1")
    done = executable_of(btc, Decimal("0.1764353579101022"), Decimal(45_000))
    assert done == Executable(Decimal("0.17643535"), "coinbase")


@pytest.mark.parametrize(
    ("changed", "quantity", "reason"),
    [
        ({}, "0.0009", "dust: 0.0009 is under the least quantity of coinbase, 0.001"),
        ({"min_quantity": "0.002"}, "0.0019", "dust: 0.0019 is under the least quantity of coinbase, 0.002"),
        ({"min_notional": "500"}, "0.00999", "dust: 450 dollars are under the least order of coinbase, 500 dollars"),
    ],
)
def test_what_is_too_little_for_the_exchange_is_dust(changed: dict[str, str], quantity: str, reason: str) -> None:
    done = executable_of(rules(**changed), Decimal(quantity), Decimal(50_000))
    assert done == Executable(Decimal(0), "coinbase", reason)


def test_the_least_order_itself_is_traded() -> None:
    done = executable_of(rules(min_notional="500"), Decimal("0.01"), Decimal(50_000))
    assert done.quantity == Decimal("0.01")


def test_where_the_rules_are_unknown_nobody_knows_what_can_be_traded() -> None:
    assert executable_of(NEVER_FETCHED, Decimal(1), Decimal(1)) == Executable(None, None, NEVER_FETCHED.reason)
    assert executable_of(UnknownRules("why"), Decimal(1), Decimal(1)).reason == "why"


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"step": "1"}, "coinbase: a step of 1 is worth 50000 dollars, which is not believed"),
        ({"min_quantity": "0.021"}, "coinbase: a min_quantity of 0.021 is worth 1050 dollars, which is not believed"),
    ],
)
def test_a_step_that_is_worth_thousands_is_not_believed(changed: dict[str, str], reason: str) -> None:
    assert executable_of(rules(**changed), Decimal(7), Decimal(50_000)) == Executable(None, None, reason)


@pytest.mark.parametrize(
    ("field", "value", "why"),
    [
        ("step", "0", "above zero"),
        ("step", "-0.1", "above zero"),
        ("step", "NaN", "not a finite number"),
        ("step", "Infinity", "not a finite number"),
        ("step", "1e-19", "finer than 18 decimals"),
        ("step", "1e20", "no exchange asks for that much"),
        ("tick", "0", "above zero"),
        ("min_quantity", "-1", "above zero"),
        ("min_quantity", "1e300", "no exchange asks for that much"),
        ("min_notional", "0", "above zero"),
        ("min_notional", "1000.01", "no exchange asks for that much"),
    ],
)
def test_a_rule_that_cannot_be_is_refused_by_its_name(field: str, value: str, why: str) -> None:
    with pytest.raises(InvalidAmount, match=why) as refused:
        rules(**{field: value})
    assert refused.value.field == field


def test_a_pair_may_have_no_least_quantity_of_its_own() -> None:
    assert rules(min_quantity="0").min_quantity == 0
