"""Many callers, one order, one commit; nobody suffers for another."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest

from portfolio.application.errors import LedgerRefused, LedgerUnavailable, MessageTooLarge, Overloaded
from portfolio.application.ledger.booking import BookTrades
from portfolio.application.ledger.booking_batch import BookingResult
from portfolio.application.ledger.booking_queue import BookingQueue
from portfolio.application.ledger.records import BookTrade
from tests.support.fakes.clock import FakeClock
from tests.support.fakes.fake_ledger import FakeLedger
from tests.unit.application.ledger.booking_examples import accepted, opened, refused, wish
from tests.unit.examples import RULES, bought, money, sold

BUY = bought("BTC", "0.1", 100)


class Gated(BookTrades):
    """Books for real, when the test lets it; remembers which keys came together."""

    def __init__(self, ledger: FakeLedger) -> None:
        super().__init__(ledger, FakeClock(), RULES)
        self.gate = asyncio.Event()
        self.together: list[list[str | None]] = []
        self.poison: str | None = None
        self.failures: list[Exception] = []

    async def __call__(self, portfolio_id: int, commands: Sequence[BookTrade]) -> list[BookingResult]:
        self.together.append([command.client_trade_id for command in commands])
        await self.gate.wait()
        if self.failures:
            raise self.failures.pop(0)
        if any(command.client_trade_id == self.poison is not None for command in commands):
            raise ZeroDivisionError("nobody thought of this")
        return await super().__call__(portfolio_id, commands)


@pytest.fixture
async def ledger() -> FakeLedger:
    return await opened(FakeClock())


@pytest.fixture
def gated(ledger: FakeLedger) -> Gated:
    return Gated(ledger)


def begin(queue: BookingQueue, *wishes: BookTrade) -> asyncio.Task[list[BookingResult]]:
    return asyncio.create_task(queue.book(wishes))


async def settle() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


async def test_what_arrives_during_a_commit_is_booked_together_in_order(gated: Gated) -> None:
    queue = BookingQueue(gated, 1)
    tasks = [begin(queue, wish(BUY, "0"))]
    await settle()
    tasks += [begin(queue, wish(BUY, str(i))) for i in range(1, 6)]
    await settle()
    assert queue.waiting == 6
    gated.gate.set()
    results = await asyncio.gather(*tasks)
    assert gated.together == [["0"], ["1", "2", "3", "4", "5"]]
    assert [accepted(r[0]).trade_id for r in results] == [1, 2, 3, 4, 5, 6]
    assert queue.waiting == 0


async def test_a_batch_is_not_divided_and_gets_its_own_answers(gated: Gated) -> None:
    queue = BookingQueue(gated, 1, max_batch=4)
    first = begin(queue, wish(BUY, "x"))
    await settle()
    batches = [begin(queue, *(wish(BUY, f"{n}{i}") for i in range(3))) for n in "abc"]
    large = begin(queue, *(wish(BUY, f"d{i}") for i in range(9)))
    await settle()
    gated.gate.set()
    answers = await asyncio.gather(first, *batches, large)
    assert [len(keys) for keys in gated.together] == [1, 3, 3, 3, 9]
    assert [len(answer) for answer in answers] == [1, 3, 3, 3, 9]
    assert [accepted(r).trade_id for r in answers[2]] == [5, 6, 7]


async def test_a_caller_who_goes_away_cancels_the_waiting_and_not_the_booking(gated: Gated, ledger: FakeLedger) -> None:
    queue = BookingQueue(gated, 1)
    at_work = begin(queue, wish(BUY, "at work"))
    await settle()
    waiting, other = begin(queue, wish(BUY, "waiting")), begin(queue, wish(BUY, "other"))
    await settle()
    at_work.cancel()
    waiting.cancel()
    gated.gate.set()
    [booked] = await other
    assert accepted(booked).trade_id == 3
    assert (await ledger.load(1)).trade_counts.trades == 3
    assert at_work.cancelled()
    assert waiting.cancelled()
    assert queue.waiting == 0


async def test_a_caller_who_went_away_hears_nothing_of_a_failure(gated: Gated) -> None:
    queue = BookingQueue(gated, 1)
    gone, staying = begin(queue, wish(BUY, "gone")), begin(queue, wish(BUY, "staying"))
    await settle()
    gone.cancel()
    gated.failures = [LedgerUnavailable("away")]
    gated.gate.set()
    with pytest.raises(LedgerUnavailable):
        await asyncio.wait_for(staying, 1)
    assert queue.waiting == 0
    assert accepted((await queue.book([wish(BUY, "next")]))[0]).trade_id == 1


async def test_one_refusal_does_not_disturb_its_neighbours(gated: Gated) -> None:
    queue = BookingQueue(gated, 1)
    gated.gate.set()
    first, no, last = await asyncio.gather(
        begin(queue, wish(BUY, "a")), begin(queue, wish(sold("ETH", 1, 1), "b")), begin(queue, wish(BUY, "c"))
    )
    assert gated.together == [["a", "b", "c"]]
    assert accepted(first[0]).trade_id == 1
    assert refused(no[0]).error == "InsufficientQuantity"
    assert accepted(last[0]).trade_id == 2


async def test_one_poisoned_booking_does_not_hurt_the_others(gated: Gated, ledger: FakeLedger) -> None:
    queue = BookingQueue(gated, 1)
    gated.poison = "bad"
    gated.gate.set()
    good, bad, also_good = await asyncio.gather(
        begin(queue, wish(BUY, "a")),
        begin(queue, wish(BUY, "bad")),
        begin(queue, wish(BUY, "c")),
        return_exceptions=True,
    )
    assert isinstance(bad, ZeroDivisionError)
    assert isinstance(good, list)
    assert isinstance(also_good, list)
    assert [accepted(good[0]).trade_id, accepted(also_good[0]).trade_id] == [1, 2]
    assert (await ledger.load(1)).cash == money(100_000 - 20)
    assert queue.waiting == 0


async def test_when_the_ledger_is_away_all_hear_it_and_the_next_are_tried_anew(gated: Gated) -> None:
    queue = BookingQueue(gated, 1)
    gated.failures = [LedgerUnavailable("away")]
    gated.gate.set()
    answers = await asyncio.gather(*(begin(queue, wish(BUY, k)) for k in "abc"), return_exceptions=True)
    assert all(isinstance(answer, LedgerUnavailable) for answer in answers)
    assert len(gated.together) == 1  # not tried one by one: none of them is to blame
    assert accepted((await queue.book([wish(BUY, "a")]))[0]).trade_id == 1


async def test_more_than_can_be_answered_is_turned_away_and_not_begun(gated: Gated, ledger: FakeLedger) -> None:
    queue = BookingQueue(gated, 1, max_waiting=3)
    tasks = [begin(queue, wish(BUY, k)) for k in "ab"]
    await settle()
    with pytest.raises(Overloaded, match="2 bookings waiting"):
        await queue.book([wish(BUY, "c"), wish(BUY, "d")])
    tasks.append(begin(queue, wish(BUY, "e")))
    gated.gate.set()
    await asyncio.gather(*tasks)
    assert (await ledger.load(1)).trade_counts.trades == 3
    assert accepted((await queue.book([wish(BUY, "c")]))[0]).trade_id == 4


async def test_closing_takes_no_more_and_waits_for_what_was_taken(gated: Gated, ledger: FakeLedger) -> None:
    queue = BookingQueue(gated, 1)
    tasks = [begin(queue, wish(BUY, "a"))]
    await settle()
    tasks.append(begin(queue, wish(BUY, "b")))
    await settle()
    closing = asyncio.create_task(queue.close())
    await settle()
    assert not closing.done()
    with pytest.raises(Overloaded, match="stopping"):
        await queue.book([wish(BUY, "c")])
    gated.gate.set()
    await closing
    assert all(task.done() for task in tasks)
    assert (await ledger.load(1)).trade_counts.trades == 2


async def test_closing_an_idle_queue_returns_at_once(gated: Gated) -> None:
    queue = BookingQueue(gated, 1)
    await queue.close()
    await queue.close()
    assert queue.waiting == 0


async def test_what_has_waited_too_long_is_never_begun_and_its_caller_hears_so(
    gated: Gated, ledger: FakeLedger
) -> None:
    queue = BookingQueue(gated, 1, patience_seconds=0.01)
    at_work = begin(queue, wish(BUY, "at work"))
    await settle()
    late, gone = begin(queue, wish(BUY, "late"), wish(BUY, "later")), begin(queue, wish(BUY, "gone"))
    await settle()
    gone.cancel()
    with pytest.raises(Overloaded, match="not begun"):
        await asyncio.wait_for(late, 5)
    async with asyncio.timeout(5):
        # What was begun is seen through, however long it takes.
        while queue.waiting > 1:  # noqa: ASYNC110  a queue tells nobody that one has left it
            await asyncio.sleep(0)
    gated.gate.set()
    assert accepted((await at_work)[0]).trade_id == 1
    assert (await ledger.load(1)).trade_counts.trades == 1
    assert accepted((await queue.book([wish(BUY, "late")]))[0]).trade_id == 2


async def test_failures_count_that_a_database_that_answers_or_a_bug_is_to_blame_for(gated: Gated) -> None:
    gated.gate.set()
    queue = BookingQueue(gated, 1)
    gated.failures = [LedgerRefused("disk full"), LedgerUnavailable("away"), ZeroDivisionError(), Overloaded("busy")]
    for key in "abcd":
        with pytest.raises((LedgerUnavailable, ZeroDivisionError)):
            await queue.book([wish(BUY, key)])
    assert queue.failures.cause == ""
    gated.failures = [LedgerRefused("disk full")]
    with pytest.raises(LedgerRefused):
        await queue.book([wish(BUY, "e")])
    assert queue.failures.cause == "disk full"


async def test_what_is_too_large_is_its_callers_alone_and_counts_only_if_not_one_booking_fits(gated: Gated) -> None:
    gated.gate.set()
    queue = BookingQueue(gated, 1)
    gated.failures = [MessageTooLarge("together"), MessageTooLarge("alone")]
    large, small = await asyncio.gather(
        begin(queue, *(wish(BUY, key) for key in "abc")), begin(queue, wish(BUY, "d")), return_exceptions=True
    )
    assert gated.together == [["a", "b", "c", "d"], ["a", "b", "c"], ["d"]]
    assert isinstance(large, MessageTooLarge)
    assert isinstance(small, list)
    assert (accepted(small[0]).trade_id, queue.failures.cause) == (1, "")
    gated.failures = [MessageTooLarge("larger"), *[MessageTooLarge("one")] * 3]
    for keys in ("abc", "a", "b", "c"):
        assert queue.failures.cause == ""
        with pytest.raises(MessageTooLarge):
            await queue.book([wish(BUY, key) for key in keys])
    assert queue.failures.cause == "one"


async def test_failures_are_forgotten_when_something_is_booked_and_not_by_a_copy_or_a_refusal(gated: Gated) -> None:
    gated.gate.set()
    queue = BookingQueue(gated, 1)
    await queue.book([wish(BUY, "first")])
    gated.failures = [ZeroDivisionError()] * 3
    for key in "abc":
        with pytest.raises(ZeroDivisionError):
            await queue.book([wish(BUY, key)])
    assert queue.failures.cause == "an error of the service: ZeroDivisionError"
    await queue.book([wish(BUY, "first"), wish(sold("BTC", 9, 100), "too much")])
    assert queue.failures.cause
    await queue.book([wish(BUY, "second")])
    assert queue.failures.cause == ""
