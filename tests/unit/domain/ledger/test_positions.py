"""The positions of a portfolio are a mapping with a value, like the portfolio itself."""

from __future__ import annotations

from portfolio.domain.ledger.position import Position
from portfolio.domain.ledger.positions import Positions
from portfolio.domain.symbol import Symbol

BTC, ETH = Symbol("BTC"), Symbol("ETH")


def test_equal_positions_have_one_hash_in_whatever_order_they_came() -> None:
    one = Positions({BTC: Position(symbol=BTC), ETH: Position(symbol=ETH)})
    other = Positions({ETH: Position(symbol=ETH), BTC: Position(symbol=BTC)})
    assert one == other
    assert len({one, other}) == 1
    assert one != Positions({BTC: Position(symbol=BTC)})
