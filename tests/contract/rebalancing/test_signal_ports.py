"""What every implementation of the signals' ports promises."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import timedelta

import pytest

from portfolio.application.errors import LedgerUnavailable
from portfolio.application.ledger.ports import LedgerUnit
from portfolio.application.ledger.records import TradeEntry, TradeRequest
from portfolio.application.rebalancing.records import Advice, Signal, SignalFilter, SignalStatus
from portfolio.domain.ledger.trade import Side
from portfolio.domain.rebalancing.reason import Reason
from tests.contract.ledger.ledger_kinds import Ports, ports
from tests.support.ledger_examples import AT, ETH, book_one, open_books
from tests.support.signal_examples import LIFETIME, signal

__all__ = ["ports"]

LATER = AT + LIFETIME


async def keep(ports: Ports, *signals: Signal) -> None:
    """Keep new signals."""
    await ports.ledger.transact(1, lambda unit: ports.signals.within(unit).add(signals))


async def change(ports: Ports, *signals: Signal) -> None:
    """Keep what became of signals."""
    await ports.ledger.transact(1, lambda unit: ports.signals.within(unit).change(signals))


async def live(ports: Ports) -> Sequence[str]:
    """The ids of those that are not ended."""

    async def read(unit: LedgerUnit) -> list[str]:
        return [found.id for found in await ports.signals.within(unit).live()]

    return await ports.ledger.transact(1, read)


async def ids(ports: Ports, status: SignalStatus | None = None, *, late: bool = False) -> list[str]:
    """The ids of those of this status."""
    page = await ports.signals.page(1, SignalFilter(now=LATER if late else AT, status=status))
    return [found.id for found in page.items]


async def test_what_is_kept_is_what_is_read(ports: Ports) -> None:
    await open_books(ports.ledger)
    kept = signal(portfolio_id=(await ports.ledger.load(1)).id)
    await keep(ports, kept)

    async def read(unit: LedgerUnit) -> Signal:
        return (await ports.signals.within(unit).named([kept.id, "sig-none"]))[kept.id]

    found = await ports.ledger.transact(1, read)
    assert found.number is not None
    assert replace(found, number=None) == kept
    [listed] = (await ports.signals.page(1, SignalFilter(now=AT))).items
    assert listed == found


async def test_what_became_of_a_signal_is_kept(ports: Ports) -> None:
    await open_books(ports.ledger)
    await keep(ports, signal(1), signal(2), signal(3), signal(4), signal(5))
    claimed = signal(1).claimed("engine ñ", AT + timedelta(microseconds=1), LIFETIME)
    await change(ports, claimed, signal(2).executed(7), signal(3).expired(), signal(4).superseded(signal(5).id))
    found = {s.id: replace(s, number=None) for s in (await ports.signals.page(1, SignalFilter(now=AT))).items}
    assert found[claimed.id] == claimed
    assert found[signal(2).id] == signal(2).executed(7)
    assert found[signal(4).id] == signal(4).superseded(signal(5).id)
    assert await live(ports) == [claimed.id, signal(5).id]


async def test_a_signal_whose_trade_was_reversed_is_told_from_others(ports: Ports) -> None:
    await open_books(ports.ledger)
    reversed_one, standing = [await book_one(ports.ledger) for _ in range(2)]

    async def reverse(unit: LedgerUnit) -> None:
        found = await unit.trade(reversed_one)
        assert found is not None
        assert found.entry is not None
        after, trade = unit.portfolio.reverse(found.entry.trade, reversed_one, AT)
        await unit.add_trades([TradeEntry.of(trade, after, TradeRequest(owner="engine"), AT)])
        await unit.save(after)

    async def read(unit: LedgerUnit) -> Collection[str]:
        return await ports.signals.within(unit).taken_back([signal(n).id for n in range(1, 4)])

    await ports.ledger.transact(1, reverse)
    await keep(ports, signal(1), signal(2), signal(3), signal(4))
    await change(ports, *(signal(n).executed(reversed_one) for n in (1, 4)), signal(2).executed(standing))
    assert set(await ports.ledger.transact(1, read)) == {signal(1).id}


async def test_the_reason_of_a_signal_is_told_whatever_became_of_it(ports: Ports) -> None:
    await open_books(ports.ledger)
    await keep(ports, signal(1), signal(2, reason=Reason.HIGH_VOLATILITY))
    await change(ports, signal(1).expired())
    asked = [signal(1).id, signal(2).id, "sig-none"]
    assert await ports.signals.reasons(1, asked) == {asked[0]: "concentration_risk", asked[1]: "high_volatility"}
    assert await ports.signals.reasons(1, []) == {}


async def test_a_signal_lists_as_what_it_is_now(ports: Ports) -> None:
    await open_books(ports.ledger)
    await keep(ports, signal(1), signal(2, symbol=ETH), signal(3, status=SignalStatus.SUPERSEDED))
    await change(ports, signal(2, symbol=ETH).claimed("a", AT, LIFETIME * 2))
    assert await ids(ports, SignalStatus.OPEN) == [signal(1).id]
    assert await ids(ports, SignalStatus.ACKNOWLEDGED, late=True) == [signal(2).id]
    assert not await ids(ports, SignalStatus.EXPIRED)
    # At the end of its time it is no longer open, though nobody wrote that down.
    assert not await ids(ports, SignalStatus.OPEN, late=True)
    assert await ids(ports, SignalStatus.EXPIRED, late=True) == [signal(1).id]
    assert await ids(ports, SignalStatus.SUPERSEDED, late=True) == [signal(3).id]
    assert await ids(ports) == [signal(3).id, signal(2).id, signal(1).id]


async def test_pages_go_on_where_the_last_one_ended(ports: Ports) -> None:
    await open_books(ports.ledger)
    await keep(ports, *(signal(number) for number in range(1, 6)))
    seen: list[str] = []
    before = None
    while True:
        page = await ports.signals.page(1, SignalFilter(now=AT, before=before, limit=2))
        seen += [found.id for found in page.items]
        if (before := page.next_before) is None:
            break
    assert seen == [signal(number).id for number in (5, 4, 3, 2, 1)]


async def test_an_episode_is_the_signals_that_say_the_same_of_the_same(ports: Ports) -> None:
    await open_books(ports.ledger)
    chain = [signal(number) for number in range(1, 5)]
    other = signal(5, symbol=ETH, reason=Reason.CASH_DEPLOYMENT, action=Side.BUY)
    late = signal(6, reason=Reason.HIGH_VOLATILITY)
    again = signal(7, reason=Reason.HIGH_VOLATILITY)
    await keep(ports, signal(8, created_at=AT - timedelta(microseconds=1)), *chain[:2], other, *chain[2:], late, again)
    successors = {1: 2, 2: 3, 3: 4, 4: 6}  # the last of them for another reason; the one after it had ended
    await change(ports, *(signal(old).superseded(signal(new).id) for old, new in successors.items() if old != 4))
    await change(ports, signal(4).superseded(late.id), late.expired())
    found = await ports.signals.advices(1, since=AT)
    assert [one.id for one in found] == [signal(number).id for number in (1, 5, 6, 7)]
    assert all(one.begins for one in found)
    # What another program makes of the fourth: it stays in its episode, and is listed for its trade.
    await change(ports, signal(4).executed(7))
    found = await ports.signals.advices(1, since=AT)
    assert [(one.id, one.begins) for one in found] == [(signal(number).id, number != 4) for number in (1, 5, 4, 6, 7)]
    assert found[2].executed_trade_id == 7
    kept, advice = signal(1), found[0]
    assert replace(advice, begins=False) == Advice(
        id=kept.id,
        symbol=kept.symbol,
        action=kept.action,
        reason=kept.reason,
        quantity=kept.quantity,
        trade_value=kept.trade_value,
        estimated_fee=kept.estimated_fee,
        confidence=kept.confidence,
        created_at=kept.created_at,
    )


async def test_an_episode_that_began_before_begins_with_its_first_signal_since(ports: Ports) -> None:
    await open_books(ports.ledger)
    early = signal(1, created_at=AT - timedelta(microseconds=1))
    await keep(ports, early, signal(2), signal(3))
    await change(ports, early.superseded(signal(2).id), signal(2).superseded(signal(3).id))
    assert [one.id for one in await ports.signals.advices(1, since=AT)] == [signal(2).id]


async def test_work_that_fails_leaves_no_signal(ports: Ports) -> None:
    await open_books(ports.ledger)

    async def fails(unit: LedgerUnit) -> None:
        await ports.signals.within(unit).add([signal()])
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await ports.ledger.transact(1, fails)
    assert not await ids(ports)


async def test_an_id_is_kept_once(ports: Ports) -> None:
    await open_books(ports.ledger)
    await keep(ports, signal())
    with pytest.raises((LedgerUnavailable, AssertionError)):
        await keep(ports, signal())
