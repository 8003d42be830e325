"""Many bookings in one transaction: each is answered with the state right after it."""

from __future__ import annotations

from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from portfolio.application.ledger.records import BookingReply, BookTrade, Refusal
from portfolio.domain.ledger.position import Position
from portfolio.domain.ledger.trade import Execution, Side
from portfolio.domain.money import EXACT
from portfolio.domain.symbol import Symbol
from tests.support.fakes.clock import FakeClock
from tests.unit.application.ledger.booking_examples import booking, opened, wish
from tests.unit.examples import execution

AMOUNTS = st.decimals("0.000001", "90", places=6)
EXECUTIONS = st.builds(
    execution, st.sampled_from(Side), st.sampled_from(["BTC", "ETH", "ADA", "SOL"]), AMOUNTS, AMOUNTS
)


def worth(position: Position) -> Decimal:
    """What a position is worth at its price, multiplied anew."""
    return EXACT.multiply(position.quantity.value, position.mark.price.value) if position.mark else Decimal(0)


COMMANDS = st.builds(wish, EXECUTIONS, override=st.booleans())


@given(st.lists(EXECUTIONS, min_size=1, max_size=4), st.lists(COMMANDS, min_size=2, max_size=8))
async def test_each_booking_of_a_batch_is_answered_with_its_share_of_a_portfolio_valued_afresh(
    before: list[Execution], batch: list[BookTrade]
) -> None:
    clock = FakeClock()
    ledger = await opened(clock, "20000")
    book = booking(ledger, clock)
    await book([wish(one, override=True) for one in before])
    held: dict[Symbol, Position] = dict((await ledger.load(1)).positions)
    for command, result in zip(batch, await book(batch), strict=True):
        assert isinstance(result, BookingReply)
        booked = result.outcome.result
        if isinstance(booked, Refusal):
            assert not command.override
            continue
        held[booked.position.symbol] = booked.position
        total = booked.cash.value
        for position in held.values():
            total = EXACT.add(total, worth(position))
        share = EXACT.divide(EXACT.multiply(worth(booked.position), Decimal(100)), total) if total else None
        if share is None or booked.allocation_percent is None:
            assert booked.allocation_percent is None
            continue
        assert EXACT.subtract(booked.allocation_percent, share).copy_abs() <= Decimal("0.0000005")
        assert booked.over_concentrated == (booked.allocation_percent > 25)
    after = await ledger.load(1)
    assert after.positions == held
    assert after.total_value.value == EXACT.add(after.cash.value, sum(map(worth, held.values()), Decimal(0)))
