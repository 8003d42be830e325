"""What is told to one who listens, on books in memory."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta

import pytest

from portfolio.application.errors import LedgerUnavailable, PositionUnknown, TooManyStreams
from portfolio.application.ledger.cash_records import LoggedEntry
from portfolio.application.rebalancing.records import SignalStatus
from portfolio.application.stream.blocks import MOST_BLOCKS, MOST_ENTRIES
from portfolio.application.stream.broadcast import Broadcast
from portfolio.application.stream.cursor import Cursor
from portfolio.application.stream.limits import StreamLimits
from portfolio.application.stream.records import BEFORE_ALL, Frame, Pace, Place, StreamRequest, Topic
from portfolio.application.stream.subscription import Subscription
from portfolio.settings import Settings
from tests.support.fakes.clock import FakeClock
from tests.support.fakes.fake_ledger import FakeLedger
from tests.support.fakes.fake_lookups import FakeLookups
from tests.support.fakes.fake_probe import FakeProbe
from tests.support.fakes.fake_stores import FakeDays, FakeLeases, FakePriceStore, FakeSignals
from tests.support.ledger_examples import book_one, open_books
from tests.support.services.http_service import assemble
from tests.support.services.waiting import until
from tests.support.signal_examples import signal

SECONDS = 10.0
QUICK = Pace(look=0.01, entries=0.0, state=0.0, ages=0.01, check=0.01, signals=0.01, health=0.01, again=0.01, end=0.05)
ENTRIES = StreamRequest(topics=frozenset({Topic.ENTRIES}))


class Books(FakeLookups):
    """Look-ups in memory, which may fail, wait, or lack a row."""

    def __init__(self, ledger: FakeLedger) -> None:
        super().__init__(ledger)
        self.goes_on = asyncio.Event()
        self.goes_on.set()
        self.asked = asyncio.Event()
        self.read: list[int] = []

    fails: Exception | None = None
    lost: frozenset[int] = frozenset()
    unreadable: frozenset[int] = frozenset()

    async def log(self, portfolio_id: int, *, after: int, until: int) -> list[LoggedEntry]:
        self.asked.set()
        await self.goes_on.wait()
        if self.fails is not None:
            raise self.fails
        self.read += range(after + 1, until + 1)
        found = await super().log(portfolio_id, after=after, until=until)
        return [
            replace(one, entry=None) if one.revision in self.unreadable else one
            for one in found
            if one.revision not in self.lost
        ]


class Stage:
    """A stream on books in memory."""

    def __init__(self, pace: Pace = QUICK) -> None:
        self.ledger, self.clock = FakeLedger(), FakeClock()
        self.lookups = Books(self.ledger)
        self.cases, self.feed = assemble(
            self.ledger,
            self.lookups,
            FakeProbe(self.ledger),
            FakePriceStore(self.ledger, FakeLeases()),
            FakeDays(self.ledger),
            FakeSignals(self.ledger),
            clock=self.clock,
            settings=Settings(log_file=""),
            pace=pace,
        )

    @property
    def stream(self) -> Broadcast:
        return self.cases.stream


@pytest.fixture
async def stage() -> AsyncIterator[Stage]:
    made = Stage()
    await open_books(made.ledger, "1000000000")
    yield made
    await made.stream.stop()


wake = Subscription.wake


async def after(subscription: Subscription, kind: str) -> Frame:
    """The next message of a type."""
    async with asyncio.timeout(SECONDS):
        while (frame := await subscription.next()) is not None:
            if frame.kind == kind:
                return frame
    raise AssertionError(f"it ended before there was any {kind}")


def keep_signal(stage: Stage, status: SignalStatus) -> None:
    """Keep a signal as another instance does."""
    number = len(stage.ledger.books.signals) + 1
    expires_at = stage.clock.now() + timedelta(hours=1)
    kept = replace(signal(number, status=status, expires_at=expires_at), number=number)
    stage.ledger.books.signals[number] = kept


async def failed(stage: Stage) -> None:
    """Return when the books were asked, and did not answer, two times."""
    for _ in range(2):
        stage.lookups.asked.clear()
        async with asyncio.timeout(SECONDS):
            await stage.lookups.asked.wait()


def reader(stage: Stage, wish: StreamRequest = ENTRIES) -> asyncio.Task[Subscription]:
    return asyncio.ensure_future(stage.stream.open(wish, "me", lambda: True))


async def test_what_is_committed_while_nobody_reads_waits_nowhere_but_in_the_books(stage: Stage) -> None:
    subscription = await reader(stage)
    await after(subscription, "snapshot")
    for _ in range(5):
        await book_one(stage.ledger)
    told = await after(subscription, "entries")
    assert told.place is not None
    assert (told.place.ledger, b'"first":3,"last":7' in told.content) == (7, True)


async def test_a_state_that_is_too_soon_after_the_last_one_waits_for_its_time() -> None:
    stage, wish = Stage(replace(QUICK, state=1_000.0)), StreamRequest(topics=frozenset({Topic.STATE}))
    await open_books(stage.ledger, "1000000000")
    await stage.stream.open(wish, "me", lambda: True)
    cursor = Cursor(stage.stream, wish)
    [first] = cursor.new_state(5.0)
    await book_one(stage.ledger)
    await stage.stream.open(wish, "who comes later", lambda: True)  # and is told the state of this moment
    assert (list(cursor.new_state(6.0)), cursor.due()) == ([], 1_005.0)
    [second] = cursor.new_state(1_005.0)
    assert (first.kind, second.kind, first.content == second.content) == ("state", "state", False)
    await stage.stream.stop()


async def test_nobody_is_woken_for_what_it_does_not_want_to_hear(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    """With hundreds who listen for something else each booking would pay for all of them."""
    silent, subscription = await reader(stage, StreamRequest(topics=frozenset({Topic.SIGNALS}))), await reader(stage)
    woken: list[Subscription] = []

    def note(one: Subscription) -> None:
        woken.append(one)
        wake(one)

    monkeypatch.setattr(Subscription, "wake", note)
    for _ in range(3):
        await book_one(stage.ledger)
        await after(subscription, "entries")
    assert (subscription in woken, silent in woken) == (True, False)
    keep_signal(stage, SignalStatus.OPEN)
    await after(silent, "signals")


async def test_while_the_database_is_away_nobody_is_let_in_and_who_listens_goes_on_later(stage: Stage) -> None:
    subscription = await reader(stage)
    await after(subscription, "snapshot")
    stage.ledger.away = True
    with pytest.raises(LedgerUnavailable):
        await reader(stage)
    assert stage.stream.limits.open.total() == 1
    stage.ledger.away = False
    await book_one(stage.ledger)
    assert (await after(subscription, "entries")).place is not None


async def test_entries_that_cannot_be_read_just_now_are_told_later(stage: Stage) -> None:
    subscription = await reader(stage)
    await after(subscription, "snapshot")
    stage.lookups.fails = LedgerUnavailable("away")
    await book_one(stage.ledger)
    waiting = asyncio.ensure_future(after(subscription, "entries"))
    await failed(stage)
    stage.lookups.fails = None
    assert (await waiting).place is not None


async def test_a_fault_of_the_service_is_reported_and_the_next_entry_is_told(
    stage: Stage,
) -> None:
    subscription = await reader(stage)
    await after(subscription, "snapshot")
    stage.lookups.fails = RuntimeError("a fault")
    await book_one(stage.ledger)
    waiting = asyncio.ensure_future(after(subscription, "entries"))
    await failed(stage)
    stage.lookups.fails = None
    assert (await waiting).place is not None


async def test_who_is_behind_reads_on_by_itself_while_the_database_comes_and_goes(stage: Stage) -> None:
    for _ in range(3):
        await book_one(stage.ledger)
    subscription = await reader(stage, StreamRequest(topics=ENTRIES.topics, after=BEFORE_ALL))
    await after(subscription, "hello")
    stage.lookups.fails = LedgerUnavailable("away")
    waiting = asyncio.ensure_future(after(subscription, "entries"))
    await failed(stage)
    stage.lookups.fails = None
    assert (await waiting).place == stage.stream.place


async def test_an_entry_whose_row_cannot_be_read_is_left_out_and_counted(stage: Stage) -> None:
    stage.lookups.unreadable = frozenset({3})
    subscription = await reader(stage)
    await after(subscription, "snapshot")
    await book_one(stage.ledger)
    told = await after(subscription, "entries")
    assert b'"first":3,"last":3,"entries":[]' in told.content
    assert stage.stream.place.ledger == 3


@pytest.mark.unmeasured
async def test_a_long_ledger_is_told_in_blocks_of_bounded_length(stage: Stage) -> None:
    for _ in range(1_203):
        await book_one(stage.ledger)
    subscription = await reader(stage, StreamRequest(topics=ENTRIES.topics, after=BEFORE_ALL))
    places: list[Place] = []
    while not places or places[-1] != stage.stream.place:
        told = await after(subscription, "entries")
        assert len(told.content) < 300 * 1024
        assert told.place is not None
        places.append(told.place)
    assert places[-1].ledger == 1_205
    assert len(places) > 2
    again = await reader(stage, StreamRequest(topics=ENTRIES.topics, after=BEFORE_ALL))
    assert (await after(again, "entries")).place == places[0]


async def test_books_that_become_others_are_told_to_those_who_know_them_alone(stage: Stage) -> None:
    await book_one(stage.ledger)
    subscription = await reader(stage)
    behind = await reader(stage, StreamRequest(topics=ENTRIES.topics, after=BEFORE_ALL))
    await after(subscription, "snapshot")
    entry = stage.ledger.books.trades[1]
    assert entry is not None
    stage.ledger.books.trades[1] = replace(entry, booked_at=entry.booked_at + timedelta(seconds=1))
    assert b"other_history" in (await after(subscription, "reset")).content
    await after(subscription, "snapshot")
    told = await after(behind, "entries")
    assert b"reset" not in told.content
    assert stage.stream.counts.resets == {"other_history": 1}


async def test_books_that_go_back_are_ahead_for_who_knows_more(stage: Stage) -> None:
    await book_one(stage.ledger)
    before = stage.ledger.books.copy()
    await book_one(stage.ledger)
    subscription = await reader(stage)
    await after(subscription, "snapshot")
    stage.ledger.books = before
    assert b'"ahead"' in (await after(subscription, "reset")).content
    assert (await after(subscription, "snapshot")).place == stage.stream.place


async def test_an_entry_that_is_gone_is_no_ground_for_anything(stage: Stage) -> None:
    subscription = await reader(stage)
    await after(subscription, "snapshot")
    stage.lookups.lost = frozenset({2, 3})
    await book_one(stage.ledger)
    with pytest.raises(LedgerUnavailable):
        await reader(stage)
    place = Place(2, 0, "00000001")
    with pytest.raises(PositionUnknown):
        await stage.cases.read_entries(place, 10)
    stage.lookups.lost = frozenset()
    assert (await after(subscription, "entries")).place == stage.stream.place


async def test_a_row_that_is_lost_behind_a_listener_is_another_history(stage: Stage) -> None:
    for _ in range(3):
        await book_one(stage.ledger)
    position = await stage.cases.read_entries(None, 1)
    assert (position.first, position.end.ledger) == (None, 5)
    place = (await stage.cases.read_entries(BEFORE_ALL, 2)).end
    stage.lookups.lost = frozenset({2})
    subscription = await reader(stage, StreamRequest(topics=ENTRIES.topics, after=place))
    assert b"other_history" in (await after(subscription, "reset")).content


async def test_who_leaves_is_told_no_more(stage: Stage) -> None:
    subscription = await reader(stage)
    await after(subscription, "snapshot")
    waiting = asyncio.ensure_future(subscription.next())
    await asyncio.sleep(0)
    subscription.leave()
    assert await waiting is None
    stage.stream.close(subscription)
    assert stage.stream.limits.open == {}


async def test_a_stop_does_not_wait_for_who_does_not_go(stage: Stage) -> None:
    subscription = await reader(stage)
    await stage.stream.end()
    assert b"restart" in (await after(subscription, "bye")).content
    assert await subscription.next() is None
    assert b"restart" in subscription.give_up().content
    late = await reader(stage)
    assert b"restart" in (await after(late, "bye")).content


def test_a_caller_that_left_counts_for_nothing() -> None:
    limits = StreamLimits(2, 1)
    limits.admit("a")
    with pytest.raises(TooManyStreams, match="of this caller"):
        limits.admit("a")
    limits.admit("b")
    with pytest.raises(TooManyStreams, match="are open here"):
        limits.admit("c")
    limits.release("a")
    limits.admit("c")


async def test_entries_are_answered_page_by_page_and_none_while_the_database_is_away(stage: Stage) -> None:
    for _ in range(3):
        await book_one(stage.ledger)
    first = await stage.cases.read_entries(BEFORE_ALL, 3)
    assert (first.first, first.last, first.goes_on, len(first.entries)) == (1, 3, True, 3)
    second = await stage.cases.read_entries(first.end, 3)
    assert (second.first, second.last, second.goes_on) == (4, 5, False)
    third = await stage.cases.read_entries(second.end, 3)
    assert (third.first, third.last, third.goes_on, third.end) == (None, None, False, second.end)
    with pytest.raises(PositionUnknown, match="ahead"):
        await stage.cases.read_entries(replace(second.end, ledger=6), 3)
    stage.ledger.away = True
    with pytest.raises(LedgerUnavailable):
        await stage.cases.read_entries(BEFORE_ALL, 3)


async def test_signals_that_cannot_be_read_just_now_are_told_later(stage: Stage) -> None:
    news = stage.stream.news
    assert await news.look(signals=True, health=False) is False
    stage.ledger.away = True
    assert await news.look(signals=True, health=False) is False
    stage.ledger.away = False
    keep_signal(stage, status=SignalStatus.OPEN)
    assert await news.look(signals=True, health=False) is True
    assert [signal.status for signal in news.signals_since(0, ended=False)] == [SignalStatus.OPEN]


async def test_who_comes_new_is_not_told_of_signals_that_have_ended_and_who_comes_back_is(stage: Stage) -> None:
    keep_signal(stage, status=SignalStatus.SUPERSEDED)
    await book_one(stage.ledger)
    topics = frozenset({Topic.SIGNALS})
    place = (await stage.cases.read_entries(BEFORE_ALL, 1)).end
    fresh, back = (
        await reader(stage, StreamRequest(topics=topics)),
        await reader(stage, StreamRequest(topics=topics, after=place)),
    )
    assert b'"signal_status":"superseded"' in (await after(back, "signals")).content
    await after(fresh, "snapshot")
    waiting = asyncio.ensure_future(fresh.next())
    keep_signal(stage, status=SignalStatus.OPEN)
    told = await waiting
    assert told is not None
    assert (told.kind, b'"signal_status":"superseded"' in told.content) == ("signals", False)


async def test_only_the_last_blocks_are_kept(stage: Stage) -> None:
    for _ in range(MOST_BLOCKS + 2):
        await book_one(stage.ledger)
    blocks, place = stage.stream.blocks, BEFORE_ALL
    read = []
    for ledger in range(1, MOST_BLOCKS + 3):
        read.append(await blocks.after(place, Place(ledger, 0, "")))
        place = read[-1].end
    assert await blocks.after(read[-2].end, Place(MOST_BLOCKS + 2, 0, "")) is read[-1]
    assert await blocks.after(BEFORE_ALL, Place(1, 0, "")) is not read[0]


async def test_what_is_read_when_the_service_stops_is_read_to_its_end(stage: Stage) -> None:
    stage.lookups.goes_on.clear()
    asked = asyncio.ensure_future(stage.stream.blocks.after(BEFORE_ALL, Place(1, 0, "")))
    await asyncio.sleep(0)
    closing = asyncio.ensure_future(stage.stream.blocks.close())
    await asyncio.sleep(0)
    assert not closing.done()
    stage.lookups.goes_on.set()
    await closing
    assert (await asked).end.ledger == 1


async def test_a_read_that_was_cancelled_is_read_again(stage: Stage) -> None:
    stage.lookups.goes_on.clear()
    asked = asyncio.ensure_future(stage.stream.blocks.after(BEFORE_ALL, Place(1, 0, "")))
    await asyncio.sleep(0)
    [reading] = [task for task in asyncio.all_tasks() if task.get_name() == "stream block"]
    reading.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asked
    stage.lookups.goes_on.set()
    assert (await stage.stream.blocks.after(BEFORE_ALL, Place(1, 0, ""))).end.ledger == 1


async def test_who_is_behind_hears_of_an_entry_that_was_made_anew_behind_the_newest(stage: Stage) -> None:
    for _ in range(3):
        await book_one(stage.ledger)
    place = (await stage.cases.read_entries(BEFORE_ALL, 3)).end
    subscription = await reader(stage, StreamRequest(topics=ENTRIES.topics, after=place))
    await after(subscription, "hello")
    entry = stage.ledger.books.trades[1]
    assert entry is not None
    stage.ledger.books.trades[1] = replace(entry, fingerprint="other")
    assert b"other_history" in (await after(subscription, "reset")).content


async def test_entries_that_are_not_there_yet_are_waited_for(stage: Stage) -> None:
    for _ in range(3):
        await book_one(stage.ledger)
    place = (await stage.cases.read_entries(BEFORE_ALL, 2)).end
    subscription = await reader(stage, StreamRequest(topics=ENTRIES.topics, after=place))
    await after(subscription, "hello")
    stage.lookups.lost = frozenset({3, 4, 5})
    waiting = asyncio.ensure_future(after(subscription, "entries"))
    await failed(stage)
    stage.lookups.lost = frozenset()
    assert b'"first":3' in (await waiting).content


async def test_a_stop_without_anybody_who_listens_is_over_at_once(stage: Stage) -> None:
    await stage.stream.end()
    await stage.stream.stop()
    assert stage.stream.is_ending


async def test_entries_that_nobody_wants_are_not_read(stage: Stage) -> None:
    """Each of them would be read and encoded for nobody; the newest is looked at, for its place."""
    silent = await reader(stage, StreamRequest(topics=frozenset({Topic.STATE})))
    await after(silent, "snapshot")
    stage.lookups.goes_on.clear()
    for _ in range(5):
        await book_one(stage.ledger)
    stage.lookups.goes_on.set()
    while (told := (await after(silent, "state")).place) is None or told.ledger < 7:
        pass
    assert not {4, 5}.intersection(stage.lookups.read)
    subscription = await reader(stage, StreamRequest(topics=frozenset(Topic), after=BEFORE_ALL))
    assert b'"first":1,"last":7' in (await after(subscription, "entries")).content


@pytest.mark.parametrize("topic", [Topic.ENTRIES, Topic.STATE])
async def test_other_books_are_noticed_when_the_next_entry_is_booked(topic: Topic) -> None:
    stage = Stage(replace(QUICK, check=3_600.0))
    await open_books(stage.ledger)
    await book_one(stage.ledger)
    subscription = await reader(stage, StreamRequest(topics=frozenset({topic})))
    await after(subscription, "snapshot")
    entry = stage.ledger.books.trades[1]
    assert entry is not None
    stage.ledger.books.trades[1] = replace(entry, fingerprint="other")
    await book_one(stage.ledger)
    assert b"other_history" in (await after(subscription, "reset")).content
    assert (await after(subscription, "snapshot")).place == stage.stream.place
    await stage.stream.stop()


async def test_more_entries_than_a_message_takes_are_told_in_several(stage: Stage) -> None:
    subscription, other = await reader(stage), await reader(stage)
    await after(subscription, "snapshot")
    stage.lookups.goes_on.clear()
    for _ in range(MOST_ENTRIES + 100):
        await book_one(stage.ledger)
    stage.lookups.goes_on.set()
    told = [await after(subscription, "entries")]
    while told[-1].place != stage.stream.place or stage.stream.place.ledger < MOST_ENTRIES + 102:
        told.append(await after(subscription, "entries"))
    assert len(told) >= 2
    stage.stream.close(other)
    await book_one(stage.ledger)
    assert (await after(subscription, "entries")).place == stage.stream.place


async def test_a_state_that_comes_too_soon_is_told_when_it_is_time() -> None:
    stage = Stage(replace(QUICK, state=0.3))
    await open_books(stage.ledger, "1000000000")
    subscription = await reader(stage, StreamRequest(topics=frozenset({Topic.STATE})))
    await after(subscription, "snapshot")
    await book_one(stage.ledger)
    first = await after(subscription, "state")
    await book_one(stage.ledger)
    told = await after(subscription, "state")  # by its timer: nothing else is new
    assert first.place is not None
    assert told.place is not None
    assert told.place.ledger == first.place.ledger + 1
    await stage.stream.stop()


async def test_health_that_stays_the_same_is_told_once(stage: Stage) -> None:
    subscription = await reader(stage, StreamRequest(topics=frozenset({Topic.HEALTH})))
    await after(subscription, "health")
    number = stage.stream.news.health_number
    stage.stream.news.expect_health()
    assert not await stage.stream.news.look(signals=False, health=True)
    assert stage.stream.news.health_number == number


async def test_a_state_comes_after_the_entries_up_to_it_and_before_the_next_ones() -> None:
    stage = Stage(replace(QUICK, state=60.0))
    await open_books(stage.ledger, "1000000000")
    await book_one(stage.ledger)
    wish = StreamRequest(topics=frozenset({Topic.ENTRIES, Topic.STATE}), after=BEFORE_ALL)
    subscription = await reader(stage, wish)
    known = stage.stream.place.ledger
    await book_one(stage.ledger)
    await until(lambda: stage.stream.place.ledger != known)
    async with asyncio.timeout(SECONDS):
        told = [await subscription.next() for _ in range(4)]
    assert [frame.kind for frame in told if frame] == ["hello", "entries", "state", "entries"]
    assert [frame.place.ledger for frame in told if frame and frame.place][1:] == [known, known, known + 1]
    await stage.stream.stop()


async def test_who_may_not_listen_any_more_is_told_so() -> None:
    stage, allowed = Stage(replace(QUICK, sweep=0.01)), [True]
    await open_books(stage.ledger, "1000000000")
    subscription = await stage.stream.open(ENTRIES, "me", lambda: allowed[0])
    await after(subscription, "snapshot")
    allowed[0] = False
    assert b'"limit"' in (await after(subscription, "bye")).content
    await stage.stream.stop()
