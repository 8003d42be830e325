"""Where the difference to doing nothing comes from: exactly from what was traded."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from portfolio.domain.arithmetic import exact, total
from portfolio.domain.backtest.attribution import WriteDown, attribute
from portfolio.domain.backtest.fills import Costs, Fill, Order, Wallet
from portfolio.domain.ledger.trade import Side

FIRST = date(2024, 1, 1)
SYMBOLS = ("A", "B", "C")
COSTS = Costs(fee_rate=Decimal("0.0013"), slippage_rate=Decimal("0.0007"))

Wish = tuple[int, bool, Decimal, int]
"""Which asset, whether it is bought, how much, and by which rule."""


@exact
def lived(days: Sequence[Sequence[Decimal]], wishes: Sequence[Sequence[Wish]], gone: tuple[int, int, Decimal]) -> None:
    """Trade day after day beside doing nothing, one asset being written down on the way, and compare at the end."""
    own = Wallet(cash=Decimal("1000.123456"), quantities={"A": Decimal(10), "B": Decimal("0.5")})
    idle = own.copy()
    fills: list[Fill] = []
    write_downs: list[WriteDown] = []
    day_gone, asset_gone, recovery = gone
    for number, prices in enumerate(days):
        day = FIRST + timedelta(days=number)
        marks = dict(zip(SYMBOLS, prices, strict=True))
        if number == day_gone:
            symbol = SYMBOLS[asset_gone]
            idle.write_down(symbol, marks[symbol], recovery, day)
            fill = own.write_down(symbol, marks[symbol], recovery, day)
            fills += [fill] if fill is not None else []
            write_downs.append(WriteDown(day=day, symbol=symbol, price=marks[symbol] * recovery))
            marks.pop(symbol)  # it has no close on that day
        orders = [
            Order(
                decided=day,
                symbol=SYMBOLS[asset],
                side=Side.BUY if buys else Side.SELL,
                quantity=quantity,
                rule=f"rule {rule}",
            )
            for asset, buys, quantity, rule in wishes[number]
        ]
        fills += own.fill(orders, marks, day, COSTS)
    end = dict(zip(SYMBOLS, days[-1], strict=True))
    parts = attribute(fills, write_downs, end)
    assert own.value(end) - idle.value(end) == total(part.total for part in parts)
    assert [part.rule for part in parts] == sorted({part.rule for part in parts})
    assert sum(part.trades for part in parts) == sum(fill.rule.startswith("rule") for fill in fills)


PRICES = st.tuples(*[st.decimals("0.01", 1000, places=8)] * 3)
WISHES = st.lists(
    st.tuples(st.integers(0, 2), st.booleans(), st.decimals("0.001", 20, places=18), st.integers(0, 2)), max_size=4
)


@given(data=st.data(), n_days=st.integers(1, 6))
def test_the_parts_of_the_rules_are_the_difference_to_the_last_digit(data: st.DataObject, n_days: int) -> None:
    days = data.draw(st.lists(PRICES, min_size=n_days, max_size=n_days))
    wishes = data.draw(st.lists(WISHES, min_size=n_days, max_size=n_days))
    gone = data.draw(
        st.tuples(st.integers(0, n_days), st.integers(0, 2), st.sampled_from([Decimal(0), Decimal("0.5"), Decimal(1)]))
    )
    lived(days, wishes, gone)


def test_trades_before_and_after_a_write_down_have_their_own_ends() -> None:
    days = [tuple(map(Decimal, one)) for one in (("10", "20", "3"), ("12", "18", "4"), ("7", "30", "5"))]
    wishes: list[list[Wish]] = [
        [(0, False, Decimal(4), 1), (1, True, Decimal(2), 2)],
        [],
        [(0, True, Decimal("1.5"), 1), (2, True, Decimal(1), 1)],
    ]
    lived(days, wishes, (1, 0, Decimal("0.5")))
    lived(days, wishes, (9, 0, Decimal(0)))


def test_a_sale_before_a_fall_to_nothing_saved_its_close() -> None:
    sold = Fill(
        decided=FIRST,
        filled=FIRST,
        symbol="A",
        side=Side.SELL,
        quantity=Decimal(3),
        close=Decimal(10),
        price=Decimal(10),
        value=Decimal(30),
        fee=Decimal("0.03"),
        slippage=Decimal(0),
        rule="rule",
    )
    gone = WriteDown(day=FIRST + timedelta(days=9), symbol="A", price=Decimal(0))
    [part] = attribute([sold], [gone], {"A": Decimal(10)})
    assert (part.price_effect, part.fees, part.total) == (Decimal(30), Decimal("0.03"), Decimal("29.97"))
    assert attribute([], [gone], {}) == []
